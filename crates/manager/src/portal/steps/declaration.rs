//! What a customer says it owns, and the vendor's verdict on it.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use seatpool_domain::command::{Action, Verdict};

use super::{after, again, facts, license_input, lot, page, place_options, quantity, wants_preview};
use crate::app::access::{Permission, check};
use crate::app::declarations::{self, NewDeclaration};
use crate::app::orders::OwnedLotView;
use crate::app::{App, inventory};
use crate::portal::guard::Posted;
use crate::portal::page::{InAccount, show};
use crate::portal::problem::Problem;
use crate::portal::step::{Input, Shape, StepPage};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/declarations/new", get(new_declaration).post(declare))
        .route("/lots/{lot}/confirm", get(show_confirmation).post(confirm))
        .route("/lots/{lot}/reject", get(show_rejection).post(reject))
}

async fn declaration_page(app: &App, inside: &InAccount) -> Result<StepPage, Problem> {
    check(&inside.principal, inside.account.id, Permission::ManageAccount)?;
    let places = place_options(app, inside).await?;
    let first = places.first().map(|place| place.value.clone()).unwrap_or_default();
    let lead = "For licenses that you own and that were never deposited here, as after an upgrade from an older release. They count at once, and are marked as declared until the vendor confirms or rejects them.";
    let mut page = page(inside, "declarations/new", "Declare licenses that you own", lead, "Declare");
    page.inputs = vec![
        Input::new("virtual_account", "Virtual account", Shape::Select(places)).value(first),
        license_input(app),
        Input::new("quantity", "Quantity", Shape::Number),
        Input::new("note", "Why you own them", Shape::Area)
            .hint("What the vendor needs to find the contract: its number, the old release, who bought it."),
    ];
    Ok(page)
}

/// `GET …/declarations/new`.
async fn new_declaration(State(app): State<App>, inside: InAccount) -> Result<Response, Problem> {
    show(&declaration_page(&app, &inside).await?)
}

/// `POST …/declarations/new`.
async fn declare(State(app): State<App>, inside: InAccount, form: Posted) -> Result<Response, Problem> {
    let mut page = declaration_page(&app, &inside).await?.typed(&form);
    let quantity = quantity(&mut page);
    let place = page.text("virtual_account").parse();
    if place.is_err() {
        page.refuse("virtual_account", "Choose where they are");
    }
    if page.text("license").is_empty() {
        page.refuse("license", "Choose one of the licenses");
    }
    let (Some(quantity), Ok(virtual_account), false) = (quantity, place, page.is_refused()) else {
        return again(&app, &inside, page, None).await;
    };
    let new = NewDeclaration {
        license: page.text("license").to_owned(),
        quantity,
        note: page.text("note").to_owned(),
    };
    if wants_preview(&form) {
        let Some(tag) = inventory::tag_of(&app, &new.license) else {
            page.refuse("license", "Choose one of the licenses");
            return again(&app, &inside, page, None).await;
        };
        let action = Action::Declare { virtual_account, tag, quantity, note: new.note };
        return again(&app, &inside, page, Some(action)).await;
    }
    let (principal, account) = (&inside.principal, inside.account.id);
    let declared = declarations::declare(&app, principal, account, virtual_account, new).await;
    after(&inside, page, "declared", declared)
}

async fn verdict_page(
    app: &App,
    inside: &InAccount,
    verdict: Verdict,
) -> Result<(StepPage, OwnedLotView), Problem> {
    let view = lot(app, inside).await?;
    if view.lot.declaration.is_none() {
        return Err(Problem::not_found());
    }
    let (word, lead, button) = match verdict {
        Verdict::Confirm => ("confirm", "They count already, and do so for good from now on.", "Confirm"),
        Verdict::Reject => (
            "reject",
            "They count no longer, wherever they were moved. The customer reads the reason.",
            "Reject",
        ),
    };
    let path = format!("lots/{}/{word}", view.lot.id);
    let mut page = page(inside, &path, format!("{button} {}", view.name), lead, button);
    page.tone = if verdict == Verdict::Reject { "danger" } else { "primary" };
    page.facts = facts(&view);
    page.inputs = vec![Input::new("reason", "Reason", Shape::Area)];
    Ok((page, view))
}

async fn decide(app: App, inside: InAccount, form: Posted, verdict: Verdict) -> Result<Response, Problem> {
    let (page, view) = verdict_page(&app, &inside, verdict).await?;
    let page = page.typed(&form);
    let reason = page.text("reason").to_owned();
    if wants_preview(&form) {
        let action = Action::Decide { declaration: view.lot.order_id, verdict, reason };
        return again(&app, &inside, page, Some(action)).await;
    }
    let (principal, account) = (&inside.principal, inside.account.id);
    let decided = declarations::decide(&app, principal, account, view.lot.id, verdict, reason).await;
    let done = if verdict == Verdict::Confirm { "confirmed" } else { "rejected" };
    after(&inside, page, done, decided)
}

/// `GET …/lots/{lot}/confirm`.
async fn show_confirmation(State(app): State<App>, inside: InAccount) -> Result<Response, Problem> {
    show(&verdict_page(&app, &inside, Verdict::Confirm).await?.0)
}

/// `POST …/lots/{lot}/confirm`.
async fn confirm(State(app): State<App>, inside: InAccount, form: Posted) -> Result<Response, Problem> {
    decide(app, inside, form, Verdict::Confirm).await
}

/// `GET …/lots/{lot}/reject`.
async fn show_rejection(State(app): State<App>, inside: InAccount) -> Result<Response, Problem> {
    show(&verdict_page(&app, &inside, Verdict::Reject).await?.0)
}

/// `POST …/lots/{lot}/reject`.
async fn reject(State(app): State<App>, inside: InAccount, form: Posted) -> Result<Response, Problem> {
    decide(app, inside, form, Verdict::Reject).await
}
