//! Orders, renewals, cancellations and declarations, each as a page with a preview: what they have in common.
//!
//! | module | owns |
//! |---|---|
//! | `order` | depositing what a customer bought |
//! | `renewal` | a later end for lots, and taking them back |
//! | `declaration` | what a customer says it owns, and the vendor's verdict |

mod declaration;
mod order;
mod renewal;

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use jiff::civil::Date;
use seatpool_domain::command::{Action, start_of};
use seatpool_proto::{LotId, Quantity};

use super::guard::Posted;
use super::page::{InAccount, show_with, with_query};
use super::part::Count;
use super::problem::Problem;
use super::section::Section;
use super::step::{Input, Shape, StepPage};
use super::table::{ChoiceOption, license_options};
use crate::app::access::{Permission, check};
use crate::app::orders::OwnedLotView;
use crate::app::{App, AppError, accounts, declarations, rehearsal};
pub(super) use order::order_href;
pub(super) use renewal::renewal_href;

/// The routes below an account.
pub(super) fn routes() -> Router<App> {
    order::routes().merge(renewal::routes()).merge(declaration::routes())
}

/// Path of the list of lots, where every step ends.
fn lots_href(inside: &InAccount) -> String {
    format!("{}/reports/lots", inside.base())
}

fn page(
    inside: &InAccount,
    path: &str,
    title: impl Into<String>,
    lead: &str,
    button: &'static str,
) -> StepPage {
    StepPage {
        frame: inside.frame(Section::Reports, false, None),
        up: (lots_href(inside), "Lots and subscriptions".into()),
        title: title.into(),
        lead: lead.into(),
        facts: Vec::new(),
        problem: None,
        inputs: Vec::new(),
        action: format!("{}/{path}", inside.base()),
        button,
        tone: "primary",
        preview: None,
    }
}

/// Shows the page again: with what the action would do, or with what is wrong.
async fn again(
    app: &App,
    inside: &InAccount,
    mut page: StepPage,
    action: Option<Action>,
) -> Result<Response, Problem> {
    if let Some(action) = action.filter(|_| !page.is_refused()) {
        match rehearsal::consequences(app, &inside.principal, inside.account.id, action).await {
            Ok(found) => page.preview = Some(found.into_iter().map(Into::into).collect()),
            Err(AppError::Refused(refused)) => page.refused(&refused),
            Err(error) => return Err(error.into()),
        }
    }
    let status = if page.is_refused() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    show_with(status, &page)
}

/// Back to the lots, or to the page with what was refused.
fn after<T>(
    inside: &InAccount,
    mut page: StepPage,
    done: &str,
    result: Result<T, AppError>,
) -> Result<Response, Problem> {
    match result {
        Ok(_) => {
            let to = with_query(&lots_href(inside), &[("done", done)]);
            Ok(Redirect::to(&to).into_response())
        }
        Err(AppError::Refused(refused)) => {
            page.refused(&refused);
            show_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(error) => Err(error.into()),
    }
}

fn wants_preview(form: &Posted) -> bool {
    form.text("step") == "preview"
}

/// A whole number; what is none is refused beside its field.
fn quantity(page: &mut StepPage) -> Option<Quantity> {
    let typed = page.text("quantity").parse::<u64>().ok();
    let quantity = typed.filter(|count| *count > 0).and_then(|count| Quantity::new(count).ok());
    if quantity.is_none() {
        page.refuse("quantity", "Type a whole number, at least 1");
    }
    quantity
}

/// The first instant of a typed day in UTC; an empty field is no day.
fn day(page: &mut StepPage, id: &'static str) -> Option<Timestamp> {
    let typed = page.text(id).to_owned();
    if typed.is_empty() {
        return None;
    }
    let found = typed.parse::<Date>().ok().and_then(start_of);
    if found.is_none() {
        page.refuse(id, "Type a day, as in 2027-03-04");
    }
    found
}

/// The field of a licence: a choice, or where there are too many, its name or tag.
fn license_input(app: &App) -> Input {
    let options = license_options(app);
    if options.is_empty() {
        return Input::new("license", "License", Shape::Text).hint("Its name or its tag.");
    }
    Input::new("license", "License", Shape::Select(options))
}

async fn place_options(app: &App, inside: &InAccount) -> Result<Vec<ChoiceOption>, Problem> {
    let places = accounts::virtual_accounts(app, &inside.principal, inside.account.id).await?;
    Ok(places.into_iter().map(|place| ChoiceOption::new(place.id.to_string(), place.name)).collect())
}

/// The lot of the path, for whoever may deposit.
async fn lot(app: &App, inside: &InAccount) -> Result<OwnedLotView, Problem> {
    let id: LotId = inside.id("lot")?;
    let found = declarations::lot(app, &inside.principal, inside.account.id, id).await?;
    check(&inside.principal, inside.account.id, Permission::Deposit)?;
    Ok(found)
}

fn facts(view: &OwnedLotView) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("License", view.name.clone()),
        ("Virtual account", view.virtual_account.name.clone()),
        ("Quantity", Count(view.lot.quantity.count()).to_string()),
        ("Order", view.lot.order_id.clone()),
    ];
    facts.extend(view.lot.subscription_id.clone().map(|id| ("Subscription", id)));
    let promised = view.lot.reserved.plus(view.lot.moved_out);
    if !promised.is_zero() {
        facts.push(("Reserved or held by an on-prem manager", Count(promised.count()).to_string()));
    }
    if let Some(declaration) = &view.lot.declaration {
        facts.push(("Declared by", declaration.by.clone()));
        facts.push(("Because", declaration.note.clone()));
    }
    facts
}
