//! Moving and removing product instances, one or several: what it will do to every balance is shown before it
//! is done, by the same page.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use seatpool_domain::command::Refused;
use seatpool_proto::{ProductInstanceId, VirtualAccountId};

use super::form::Field;
use super::frame::{Banner, Frame, PAGE_ROWS, Va};
use super::guard::Posted;
use super::page::{Here, base_of, show, show_with};
use super::part::{Chip, Tone};
use super::preview::{ChangeRow, change_rows, verdict};
use super::problem::Problem;
use super::reservation::stays;
use super::sign_in::capitalised;
use super::table::ChoiceOption;
use crate::app::access::{Permission, allows};
use crate::app::inventory::preview;
use crate::app::{App, AppError, instances};

/// What is done to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Transfer,
    Remove,
}

#[derive(Template)]
#[template(path = "selected.html")]
struct SelectedPage {
    frame: Frame,
    va: Va,
    title: String,
    lead: &'static str,
    removes: bool,
    step: &'static str,
    action: String,
    cancel: String,
    rows: Vec<SelectedRow>,
    problem: Option<Banner>,
    to: Field,
    targets: Vec<ChoiceOption>,
    /// The target whose effect is shown; what is sent without it is shown first.
    previewed: String,
    verdict: Option<Banner>,
    changes: Vec<ChangeRow>,
    consequences: Vec<&'static str>,
    button: String,
}

struct SelectedRow {
    key: String,
    href: String,
    name: String,
    product: String,
    udi: String,
    chips: Vec<Chip>,
    usage: String,
}

/// The routes below a virtual account.
pub(super) fn routes() -> Router<App> {
    let one = |step| {
        get(move |State(app): State<App>, here: Here| async move {
            let id = here.id("instance")?;
            open(&app, &here, step, vec![id], "").await
        })
        .post(move |State(app): State<App>, here: Here, form: Posted| async move {
            let id = here.id("instance")?;
            send(&app, &here, step, vec![id], &form).await
        })
    };
    Router::new()
        .route("/instances/{instance}/transfer", one(Step::Transfer))
        .route("/instances/{instance}/remove", one(Step::Remove))
        .route("/instances/selected", get(show_selected).post(send_selected))
}

/// `GET …/instances/selected?step=…&instance=…&instance=…`.
async fn show_selected(
    State(app): State<App>,
    here: Here,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let named = |name: &'static str| {
        query.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    };
    let ids = ids(named("instance"))?;
    let step = step(named("step").next_back().unwrap_or_default())?;
    if ids.is_empty() {
        let to = format!("{}/instances?done=none", here.base);
        return Ok(Redirect::to(&to).into_response());
    }
    open(&app, &here, step, ids, named("to").next_back().unwrap_or_default()).await
}

/// `POST …/instances/selected`.
async fn send_selected(State(app): State<App>, here: Here, form: Posted) -> Result<Response, Problem> {
    let ids = ids(form.all("instance"))?;
    let step = step(form.text("step"))?;
    send(&app, &here, step, ids, &form).await
}

fn ids<'a>(texts: impl Iterator<Item = &'a str>) -> Result<Vec<ProductInstanceId>, Problem> {
    let mut ids = texts
        .map(|text| text.parse().map_err(|_| Problem::not_found()))
        .collect::<Result<Vec<ProductInstanceId>, _>>()?;
    ids.sort_unstable();
    ids.dedup();
    if ids.len() > PAGE_ROWS as usize { Err(Problem::not_found()) } else { Ok(ids) }
}

fn step(word: &str) -> Result<Step, Problem> {
    match word {
        "transfer" => Ok(Step::Transfer),
        "remove" => Ok(Step::Remove),
        _ => Err(Problem::not_found()),
    }
}

/// What was asked for, as far as it is still there.
struct Found {
    rows: Vec<instances::InstanceView>,
    /// What somebody else moved or removed meanwhile, in a sentence each.
    changed: Vec<String>,
}

async fn found(app: &App, here: &Here, ids: &[ProductInstanceId]) -> Result<Found, Problem> {
    here.must_manage()?;
    let mut found = Found { rows: Vec::new(), changed: Vec::new() };
    for id in ids {
        let detail = instances::detail(app, &here.principal, here.account_id(), *id).await?;
        let row = detail.instance;
        if let Some(ended) = &row.ended {
            let when = ended.at.to_zoned(super::zone::shown()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string();
            found.changed.push(format!("{} ended on {when}: it is no longer registered.", row.name));
        } else if row.virtual_account.id != here.va.id {
            found.changed.push(format!("{} was moved to {}.", row.name, row.virtual_account.name));
        } else {
            found.rows.push(row);
        }
    }
    if found.rows.is_empty() && found.changed.is_empty() { Err(Problem::not_found()) } else { Ok(found) }
}

async fn open(
    app: &App,
    here: &Here,
    step: Step,
    ids: Vec<ProductInstanceId>,
    to: &str,
) -> Result<Response, Problem> {
    let found = found(app, here, &ids).await?;
    if found.rows.is_empty() {
        return Err(Problem::changed_meanwhile(&found.changed));
    }
    if let Some(instead) = stays::instead(here, &found.rows, step == Step::Remove) {
        return instead;
    }
    show(&page(app, here, step, found, Field::of(to), None).await?)
}

async fn send(
    app: &App,
    here: &Here,
    step: Step,
    ids: Vec<ProductInstanceId>,
    form: &Posted,
) -> Result<Response, Problem> {
    let found = found(app, here, &ids).await?;
    if found.rows.is_empty() {
        return Err(Problem::changed_meanwhile(&found.changed));
    }
    if let Some(instead) = stays::instead(here, &found.rows, step == Step::Remove) {
        return instead;
    }
    let mut to = Field::of(form.text("to"));
    let target: Option<VirtualAccountId> = to.value.parse().ok();
    let target = target.filter(|to| here.all.iter().any(|va| va.id == *to && va.id != here.va.id));
    let status = if step == Step::Transfer && target.is_none() {
        to.refuse("Choose the virtual account that it goes to");
        StatusCode::UNPROCESSABLE_ENTITY
    } else if !found.changed.is_empty() {
        // What they saw is not what is there now: it is shown again before anything is done.
        StatusCode::CONFLICT
    } else if step == Step::Transfer && form.text("previewed") != to.value {
        StatusCode::OK
    } else {
        return carry_out(app, here, step, found.rows, target).await;
    };
    show_with(status, &page(app, here, step, found, to, None).await?)
}

async fn carry_out(
    app: &App,
    here: &Here,
    step: Step,
    rows: Vec<instances::InstanceView>,
    to: Option<VirtualAccountId>,
) -> Result<Response, Problem> {
    let account = here.account_id();
    let word = if step == Step::Transfer { "moved" } else { "removed" };
    let (count, mut done, mut left) = (rows.len(), 0, Vec::new());
    let mut why = String::new();
    for row in rows {
        let result = match to {
            Some(to) => instances::transfer(app, &here.principal, account, row.id, to).await,
            None => instances::remove(app, &here.principal, account, row.id).await,
        };
        match result {
            Ok(()) => done += 1,
            Err(AppError::Refused(refused @ (Refused::Unknown { .. } | Refused::Invalid { .. }))) => {
                why = refused.to_string();
                left.push(row);
            }
            Err(error) if done == 0 => return Err(error.into()),
            Err(error) => {
                let text = format!(
                    "{done} of {count} product instances were {word}, and then it came to an end at {}. Look at the list, choose those that are left, and send it again.",
                    row.name
                );
                return Err(Problem { text, ..error.into() });
            }
        }
    }
    if left.is_empty() {
        let place = if let Some(to) = to { base_of(&here.account.domain, to) } else { here.base.clone() };
        return Ok(Redirect::to(&format!("{place}/instances?done={word}-{done}")).into_response());
    }
    let title = format!("{done} done, {} not", left.len());
    let problem = Banner::new(Tone::Bad, title, format!("{}.", capitalised(&why)));
    let to = Field::of(to.map_or_else(String::new, |to| to.to_string()));
    let found = Found { rows: left, changed: Vec::new() };
    show_with(StatusCode::CONFLICT, &page(app, here, step, found, to, Some(problem)).await?)
}

async fn page(
    app: &App,
    here: &Here,
    step: Step,
    found: Found,
    to: Field,
    problem: Option<Banner>,
) -> Result<SelectedPage, Problem> {
    let Found { rows, changed } = found;
    let account = here.account_id();
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let target: Option<VirtualAccountId> = to.value.parse().ok().filter(|_| to.problem.is_none());
    let shown = step == Step::Remove || target.is_some();
    let changes = if shown {
        let target = target.filter(|_| step == Step::Transfer);
        preview::instances(app, &here.principal, account, &ids, target).await?
    } else {
        Vec::new()
    };
    let may_receive =
        |id| id != here.va.id && allows(&here.principal, account, Permission::ManageVirtualAccount(id));
    let problem = problem.or_else(|| {
        (!changed.is_empty()).then(|| {
            let text =
                format!("{} Nothing was changed. Look at what is left and send it again.", changed.join(" "));
            Banner::new(Tone::Warn, "Somebody changed this meanwhile", text)
        })
    });
    let what = match rows.as_slice() {
        [only] => only.name.clone(),
        several => format!("{} product instances", several.len()),
    };
    let list = format!("{}/instances", here.base);
    let (title, lead, button, consequences) = match step {
        Step::Transfer => (
            format!("Transfer {what}"),
            "What they use counts in the other virtual account at once, and no longer here.",
            format!("Transfer {what}"),
            vec!["Each stays registered and need not be told: it keeps its identity and its certificate."],
        ),
        Step::Remove => (
            format!("Remove {what}?"),
            "What they use is free for others at once.",
            format!("Remove {what}"),
            vec![
                "The certificate is revoked. At its next contact each is told so, and runs on what is left of its evaluation.",
                "To come back it has to register again with a token. Its events stay in the event log.",
            ],
        ),
    };
    let (action, cancel) = match rows.as_slice() {
        [only] => {
            let own = format!("{list}/{}", only.id);
            (format!("{own}/{}", if step == Step::Transfer { "transfer" } else { "remove" }), own)
        }
        _ => (format!("{list}/selected"), list.clone()),
    };
    Ok(SelectedPage {
        frame: here.frame(false, None),
        va: here.plain_head(),
        title,
        lead,
        removes: step == Step::Remove,
        step: if step == Step::Transfer { "transfer" } else { "remove" },
        action,
        cancel,
        rows: rows.iter().map(|row| selected_row(here, row)).collect(),
        problem,
        targets: here
            .all
            .iter()
            .filter(|va| may_receive(va.id))
            .map(|va| ChoiceOption::new(va.id.to_string(), &va.name))
            .collect(),
        previewed: if shown { to.value.clone() } else { String::new() },
        verdict: shown.then(|| verdict(&changes)),
        changes: change_rows(&changes),
        consequences,
        button: if shown { button } else { "Show what it will do".into() },
        to,
    })
}

fn selected_row(here: &Here, row: &instances::InstanceView) -> SelectedRow {
    SelectedRow {
        key: row.id.to_string(),
        href: format!("{}/instances/{}", here.base, row.id),
        udi: format!("UDI_PID:{}; UDI_SN:{}", row.udi.pid, row.udi.sn),
        product: super::instances::product(row),
        chips: super::instances::chips(row),
        usage: super::instances::holdings(row),
        name: row.name.clone(),
    }
}
