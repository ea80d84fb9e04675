//! Creating, renaming, describing and deleting virtual accounts.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use seatpool_domain::command::Refused;
use seatpool_store::{InstanceQuery, Page};

use super::confirm::ConfirmPage;
use super::form::Field;
use super::frame::{Banner, Frame};
use super::guard::Posted;
use super::page::{Here, InAccount, base_of, show, show_with};
use super::part::Tone;
use super::problem::Problem;
use super::section::Section;
use super::sign_in::capitalised;
use crate::app::access::{Permission, check};
use crate::app::accounts::{SeenVirtualAccount, VirtualAccountChange};
use crate::app::{App, AppError, accounts, instances, inventory};

#[derive(Template)]
#[template(path = "virtual_account_form.html")]
struct FormPage {
    frame: Frame,
    /// Where it leads back to: path and words.
    up: (String, String),
    title: String,
    lead: &'static str,
    action: String,
    cancel: String,
    button: &'static str,
    problem: Option<Banner>,
    name: Field,
    description: Field,
    /// What the page showed: it may change before it is sent.
    was: Option<(String, String)>,
}

/// The routes below an account.
pub(super) fn account_routes() -> Router<App> {
    Router::new().route("/virtual-accounts/new", get(show_new).post(create))
}

/// The routes below a virtual account.
pub(super) fn routes() -> Router<App> {
    Router::new().route("/edit", get(show_edit).post(edit)).route("/delete", get(confirm_delete).post(delete))
}

fn new_page(at: &InAccount, name: Field, description: Field, problem: Option<Banner>) -> FormPage {
    FormPage {
        frame: at.frame(Section::Inventory, false, None),
        up: (at.base(), at.account.name.clone()),
        title: "New virtual account".into(),
        lead: "A virtual account holds licenses of its own. Product instances that register with one of its tokens take theirs from it.",
        action: format!("{}/virtual-accounts/new", at.base()),
        cancel: at.base(),
        button: "Create virtual account",
        problem,
        name,
        description,
        was: None,
    }
}

/// `GET /portal/{domain}/virtual-accounts/new`.
async fn show_new(at: InAccount) -> Result<Response, Problem> {
    check(&at.principal, at.account.id, Permission::ManageAccount)?;
    show(&new_page(&at, Field::default(), Field::default(), None))
}

/// `POST /portal/{domain}/virtual-accounts/new`.
async fn create(State(app): State<App>, at: InAccount, form: Posted) -> Result<Response, Problem> {
    check(&at.principal, at.account.id, Permission::ManageAccount)?;
    let (mut name, mut description) = (Field::of(form.text("name")), Field::of(form.text("description")));
    let mut problem = None;
    if name.value.is_empty() {
        name.refuse("Give it a name");
    } else {
        let (new_name, new_description) = (name.value.clone(), description.value.clone());
        let account = at.account.id;
        match accounts::create_virtual_account(&app, &at.principal, account, new_name, new_description).await
        {
            Ok(made) => {
                let base = base_of(&at.account.domain, made.id);
                return Ok(Redirect::to(&format!("{base}/general?done=created")).into_response());
            }
            Err(AppError::Refused(refused)) => {
                problem = refuse(&mut name, &mut description, &refused);
            }
            Err(error) => return Err(error.into()),
        }
    }
    show_with(StatusCode::UNPROCESSABLE_ENTITY, &new_page(&at, name, description, problem))
}

/// Puts a refusal beside the field that it is about; what is about neither is told above.
fn refuse(name: &mut Field, description: &mut Field, refused: &Refused) -> Option<Banner> {
    match refused {
        Refused::Invalid { field: "description", problem } => description.refuse(format!("It {problem}")),
        Refused::Invalid { field: "name", problem } => name.refuse(format!("It {problem}")),
        Refused::Unknown { .. } => {
            return Some(Banner::new(
                Tone::Bad,
                "Nothing was changed",
                format!("{}.", capitalised(&refused.to_string())),
            ));
        }
        other => name.refuse(capitalised(&other.to_string())),
    }
    None
}

fn must_manage_account(here: &Here) -> Result<(), Problem> {
    Ok(check(&here.principal, here.account_id(), Permission::ManageAccount)?)
}

fn edit_page(here: &Here, name: Field, description: Field, problem: Option<Banner>) -> FormPage {
    let general = format!("{}/general", here.base);
    FormPage {
        frame: here.frame(false, None),
        up: (general.clone(), here.va.name.clone()),
        title: format!("Edit {}", here.va.name),
        lead: "Product instances, tokens and scripts that know it by its id are not concerned by another name.",
        action: format!("{}/edit", here.base),
        cancel: general,
        button: "Save",
        problem,
        name,
        description,
        was: Some((here.va.name.clone(), here.va.description.clone())),
    }
}

/// `GET …/edit`.
async fn show_edit(here: Here) -> Result<Response, Problem> {
    must_manage_account(&here)?;
    show(&edit_page(&here, Field::of(&here.va.name), Field::of(&here.va.description), None))
}

/// `POST …/edit`.
async fn edit(State(app): State<App>, here: Here, form: Posted) -> Result<Response, Problem> {
    must_manage_account(&here)?;
    let (mut name, mut description) = (Field::of(form.text("name")), Field::of(form.text("description")));
    if let Some(problem) = changed_meanwhile(&here, &form) {
        return show_with(StatusCode::CONFLICT, &edit_page(&here, name, description, Some(problem)));
    }
    let mut problem = None;
    if name.value.is_empty() {
        name.refuse("Give it a name");
    } else {
        let changed = |new: &str, old: &str| (new != old).then(|| new.to_owned());
        let change = VirtualAccountChange {
            name: changed(&name.value, &here.va.name),
            description: changed(&description.value, &here.va.description),
            seen: Some(SeenVirtualAccount {
                name: here.va.name.clone(),
                description: here.va.description.clone(),
            }),
        };
        let (account, id) = (here.account_id(), here.va.id);
        match accounts::change_virtual_account(&app, &here.principal, account, id, change).await {
            Ok(_) => return Ok(Redirect::to(&format!("{}/general?done=changed", here.base)).into_response()),
            Err(AppError::Refused(refused)) => problem = refuse(&mut name, &mut description, &refused),
            Err(error) => return Err(error.into()),
        }
    }
    show_with(StatusCode::UNPROCESSABLE_ENTITY, &edit_page(&here, name, description, problem))
}

/// What somebody else changed since the page was opened.
fn changed_meanwhile(here: &Here, form: &Posted) -> Option<Banner> {
    let difference = |what: &str, was: &str, is: &str| {
        (was != is).then(|| format!("The {what} was “{was}” when you opened the page and is “{is}” now."))
    };
    let name = difference("name", form.text("was_name"), &here.va.name);
    let description = difference("description", form.text("was_description"), &here.va.description);
    let differences: Vec<_> = name.into_iter().chain(description).collect();
    (!differences.is_empty()).then(|| {
        let text = format!(
            "{} Nothing was changed. What you typed is kept: send it again to put it in its place.",
            differences.join(" ")
        );
        Banner::new(Tone::Warn, "Somebody changed this virtual account meanwhile", text)
    })
}

/// `GET …/delete`.
async fn confirm_delete(State(app): State<App>, here: Here) -> Result<Response, Problem> {
    must_manage_account(&here)?;
    show(&delete_page(&app, &here, None).await?)
}

async fn delete_page(app: &App, here: &Here, problem: Option<Banner>) -> Result<ConfirmPage, Problem> {
    let (licenses, _) = inventory::standing(app, &here.principal, here.account_id(), here.va.id).await?;
    let query = InstanceQuery { virtual_accounts: Some(vec![here.va.id]), ..InstanceQuery::default() };
    let one = Page { limit: 1, offset: 0 };
    let instances = instances::list(app, &here.principal, here.account_id(), query, one).await?.total;
    let general = format!("{}/general", here.base);
    let page = |question: String| {
        let title = format!("Delete {}?", here.va.name);
        ConfirmPage {
            cancel: general.clone(),
            ..ConfirmPage::new(here.frame(false, None), &here.plain_head(), title, question)
        }
    };
    if here.va.is_default {
        let why =
            "It is the default virtual account: orders that name no other land here, so it can't be deleted.";
        return Ok(ConfirmPage { problem, ..page(why.into()) });
    }
    if licenses > 0 || instances > 0 {
        let of = |count: u64, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        let why = format!(
            "It holds {} and {}. Move or remove them first; only an empty virtual account can be deleted.",
            of(licenses, "license"),
            of(instances, "product instance")
        );
        return Ok(ConfirmPage { problem, ..page(why) });
    }
    Ok(ConfirmPage {
        problem,
        consequences: vec![
            "Nothing changes for compliance: it owns nothing and nothing uses it.".into(),
            "Its tokens stop working. This can't be undone.".into(),
            "Its events stay in Activity.".into(),
        ],
        action: format!("{}/delete", here.base),
        button: "Delete virtual account".into(),
        tone: "danger",
        ..page("It is empty: no licenses, no product instances.".into())
    })
}

/// `POST …/delete`.
async fn delete(State(app): State<App>, here: Here, _form: Posted) -> Result<Response, Problem> {
    must_manage_account(&here)?;
    match accounts::delete_virtual_account(&app, &here.principal, here.account_id(), here.va.id).await {
        Ok(()) => {
            let account = super::page::account_href(&here.account.domain);
            Ok(Redirect::to(&format!("{account}?done=deleted")).into_response())
        }
        Err(AppError::Refused(refused)) => {
            let text = format!("{}.", capitalised(&refused.to_string()));
            let problem = Banner::new(Tone::Bad, "It was not deleted", text);
            show_with(StatusCode::CONFLICT, &delete_page(&app, &here, Some(problem)).await?)
        }
        Err(error) => Err(error.into()),
    }
}
