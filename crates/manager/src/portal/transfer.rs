//! Moving licences to another virtual account: from one lot or several, with both balances before and after.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use jiff::Timestamp;
use seatpool_domain::command::Refused;
use seatpool_proto::{LotId, Quantity, VirtualAccountId};

use super::form::Field;
use super::frame::{Banner, Frame, Va};
use super::guard::Posted;
use super::license;
use super::licenses::href;
use super::page::{Here, show, show_with};
use super::part::{Count, Tone, When};
use super::preview::{ChangeRow, change_rows, verdict};
use super::problem::Problem;
use super::sign_in::capitalised;
use super::table::ChoiceOption;
use crate::app::access::{Permission, allows};
use crate::app::inventory::{self, LicenseView, LotStatus, LotView, Transfer, preview};
use crate::app::{App, AppError};

#[derive(Template)]
#[template(path = "transfer.html")]
struct TransferPage {
    frame: Frame,
    va: Va,
    name: String,
    own: String,
    lots: Vec<LotLine>,
    to: Field,
    targets: Vec<ChoiceOption>,
    /// What the page showed of the lots: they may change before it is sent.
    based_on: String,
    /// The move whose effect is shown; another is shown first.
    previewed: String,
    problem: Option<Banner>,
    verdict: Option<Banner>,
    changes: Vec<ChangeRow>,
}

struct LotLine {
    id: String,
    order_id: String,
    kind: &'static str,
    movable: Count,
    starts: When,
    ends: Option<When>,
    quantity: Field,
}

/// The routes below a virtual account.
pub(super) fn routes() -> Router<App> {
    Router::new().route("/licenses/{tag}/transfer", get(show_transfer).post(send_transfer))
}

/// The lots of which something can be moved.
fn movable(license: &LicenseView) -> impl Iterator<Item = (&LotView, Quantity)> {
    license
        .lots
        .iter()
        .filter(|lot| lot.status != LotStatus::Ended)
        .map(|lot| (lot, lot.quantity.minus(lot.reserved).minus(lot.moved_out)))
        .filter(|(_, movable)| !movable.is_zero())
}

/// The lots in a few characters, to notice that somebody changed them.
fn fingerprint(license: &LicenseView) -> String {
    let lots: Vec<_> = movable(license).map(|(lot, movable)| format!("{}={movable}", lot.id)).collect();
    lots.join(",")
}

/// How many of a lot a fingerprint knew of.
fn known_of(fingerprint: &str, lot: LotId) -> Option<u64> {
    let lot = lot.to_string();
    let known = fingerprint.split(',').filter_map(|part| part.split_once('='));
    known.filter(|(id, _)| *id == lot).find_map(|(_, count)| count.parse().ok())
}

/// What was typed.
struct Typed {
    quantities: Vec<(LotId, Field)>,
    to: Field,
}

/// `GET …/licenses/{tag}/transfer`.
async fn show_transfer(State(app): State<App>, here: Here) -> Result<Response, Problem> {
    here.must_manage()?;
    let license = license::found(&app, &here).await?;
    let quantities = movable(&license).map(|(lot, _)| (lot.id, Field::default())).collect();
    let typed = Typed { quantities, to: Field::default() };
    show(&page(&here, &license, app.now(), typed))
}

/// `POST …/licenses/{tag}/transfer`.
async fn send_transfer(State(app): State<App>, here: Here, form: Posted) -> Result<Response, Problem> {
    here.must_manage()?;
    let license = license::found(&app, &here).await?;
    let (mut typed, lines) = read(&here, &license, &form);
    let Some(lines) = lines else {
        return show_with(StatusCode::UNPROCESSABLE_ENTITY, &page(&here, &license, app.now(), typed));
    };
    let account = here.account_id();
    let wanted = move_key(&typed);
    let based_on = form.text("based_on");
    let is_changed = based_on != fingerprint(&license);
    if !is_changed && form.text("previewed") == wanted {
        match inventory::transfer(&app, &here.principal, account, here.va.id, lines.clone()).await {
            Ok(()) => {
                let to = format!("{}/licenses?done=moved", here.base);
                return Ok(Redirect::to(&to).into_response());
            }
            Err(AppError::Refused(refused)) => {
                refuse(&mut typed, &refused);
                return show_with(StatusCode::CONFLICT, &page(&here, &license, app.now(), typed));
            }
            Err(error) => return Err(error.into()),
        }
    }
    match preview::transfer(&app, &here.principal, account, here.va.id, lines).await {
        Ok(changes) => {
            let mut page = page(&here, &license, app.now(), typed);
            page.verdict = Some(verdict(&changes));
            page.changes = change_rows(&changes);
            page.previewed = wanted;
            page.problem = is_changed.then(|| changed_meanwhile(based_on, &license));
            let status = if is_changed { StatusCode::CONFLICT } else { StatusCode::OK };
            show_with(status, &page)
        }
        Err(AppError::Refused(refused)) => {
            refuse(&mut typed, &refused);
            show_with(StatusCode::UNPROCESSABLE_ENTITY, &page(&here, &license, app.now(), typed))
        }
        Err(error) => Err(error.into()),
    }
}

/// What is different from what the page showed, for the second of two who change it.
fn changed_meanwhile(based_on: &str, license: &LicenseView) -> Banner {
    let before: u64 = based_on
        .split(',')
        .filter_map(|part| part.split_once('=')?.1.parse::<u64>().ok())
        .fold(0, u64::saturating_add);
    let now: u64 = movable(license).map(|(_, movable)| movable.count()).sum();
    let lots: Vec<_> = movable(license)
        .filter(|(lot, movable)| known_of(based_on, lot.id) != Some(movable.count()))
        .map(|(lot, movable)| match known_of(based_on, lot.id) {
            Some(before) => format!("lot {}: {before} → {movable}", lot.order_id),
            None => format!("lot {}: new, {movable}", lot.order_id),
        })
        .collect();
    let detail = if lots.is_empty() { String::new() } else { format!(" ({})", lots.join("; ")) };
    Banner::new(
        Tone::Warn,
        "Somebody changed these licenses meanwhile",
        format!(
            "When you opened the page {before} could be moved, now {now} can{detail}. Nothing was moved. What you typed is kept: look at the new balances and send it again."
        ),
    )
}

fn refuse(typed: &mut Typed, refused: &Refused) {
    let text = capitalised(&refused.to_string());
    match typed.quantities.iter_mut().find(|(_, field)| !field.value.is_empty()) {
        Some((_, field)) if !matches!(refused, Refused::Unknown { what: "virtual account" }) => {
            field.refuse(text);
        }
        _ => typed.to.refuse(text),
    }
}

/// What is to be moved, as one text.
fn move_key(typed: &Typed) -> String {
    let lines: Vec<_> = typed
        .quantities
        .iter()
        .filter(|(_, field)| !field.value.is_empty())
        .map(|(lot, field)| format!("{lot}={}", field.value))
        .collect();
    format!("{}:{}", typed.to.value, lines.join(","))
}

/// The fields, and what they ask for if all can be read.
fn read(here: &Here, license: &LicenseView, form: &Posted) -> (Typed, Option<Vec<Transfer>>) {
    let mut to = Field::of(form.text("to"));
    let target: Option<VirtualAccountId> = to.value.parse().ok();
    let target = target.filter(|to| here.all.iter().any(|va| va.id == *to && va.id != here.va.id));
    if target.is_none() {
        to.refuse("Choose the virtual account that they go to");
    }
    let mut lines = Vec::new();
    let mut quantities: Vec<_> = movable(license)
        .map(|(lot, movable)| {
            let mut field = Field::of(form.text(&format!("lot-{}", lot.id)));
            match field.value.parse::<u64>() {
                _ if field.value.is_empty() => {}
                Ok(0) => {}
                Ok(count) if count <= movable.count() => lines.push(Transfer {
                    license: license.tag.to_string(),
                    lot: Some(lot.id),
                    kind: None,
                    quantity: Quantity::of(count),
                    to: to.value.clone(),
                }),
                Ok(_) => field.refuse(format!("Only {movable} of this lot can be moved")),
                Err(_) => field.refuse("Type a whole number"),
            }
            (lot.id, field)
        })
        .collect();
    let is_wrong = quantities.iter().any(|(_, field)| field.problem.is_some());
    if lines.is_empty()
        && !is_wrong
        && let Some((_, first)) = quantities.first_mut()
    {
        first.refuse("Say how many of at least one lot");
    }
    let is_right = !lines.is_empty() && !is_wrong && to.problem.is_none();
    (Typed { quantities, to }, is_right.then_some(lines))
}

fn page(here: &Here, license: &LicenseView, now: Timestamp, typed: Typed) -> TransferPage {
    let may_receive = |id| {
        id != here.va.id && allows(&here.principal, here.account_id(), Permission::ManageVirtualAccount(id))
    };
    let targets = here.all.iter().filter(|va| may_receive(va.id));
    let lines = movable(license).map(|(lot, movable)| LotLine {
        id: format!("lot-{}", lot.id),
        order_id: lot.order_id.clone(),
        kind: license::kind(lot.kind),
        movable: Count(movable.count()),
        starts: When::day(lot.starts_at, now),
        ends: lot.ends_at.map(|at| When::day(at, now)),
        quantity: typed
            .quantities
            .iter()
            .find(|(id, _)| *id == lot.id)
            .map_or_else(Field::default, |(_, field)| field.clone()),
    });
    TransferPage {
        frame: here.frame(false, None),
        va: here.plain_head(),
        name: license.name.clone(),
        own: href(&here.base, &license.tag),
        lots: lines.collect(),
        targets: targets.map(|va| ChoiceOption::new(va.id.to_string(), &va.name)).collect(),
        to: typed.to,
        based_on: fingerprint(license),
        previewed: String::new(),
        problem: None,
        verdict: None,
        changes: Vec::new(),
    }
}
