//! Orders, renewals, cancellations and declarations, each as a page with a preview.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use jiff::Timestamp;
use jiff::civil::Date;
use seatpool_domain::command::{Action, Chosen, CoTermination, Until, Verdict, start_of};
use seatpool_proto::{LotId, Quantity};

use super::guard::Posted;
use super::page::{InAccount, show, show_with, with_query};
use super::part::Count;
use super::problem::Problem;
use super::section::Section;
use super::step::{Input, Shape, StepPage};
use super::table::ChoiceOption;
use crate::app::access::{Permission, check};
use crate::app::declarations::{self, NewDeclaration};
use crate::app::orders::{self, NewOrder, NewOrderLine, OwnedLotView};
use crate::app::{App, AppError, accounts, catalogue, inventory, rehearsal, renewals};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/orders/new", get(new_order).post(place_order))
        .route("/declarations/new", get(new_declaration).post(declare))
        .route("/lots/{lot}/renew", get(show_renewal).post(renew))
        .route("/lots/{lot}/cancel", get(show_cancellation).post(cancel))
        .route("/lots/{lot}/confirm", get(show_confirmation).post(confirm))
        .route("/lots/{lot}/reject", get(show_rejection).post(reject))
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

fn license_options(app: &App) -> Vec<ChoiceOption> {
    let option =
        |license: catalogue::CatalogueLicense| ChoiceOption::new(license.tag.to_string(), license.name);
    catalogue::licenses(app).into_iter().map(option).collect()
}

async fn place_options(app: &App, inside: &InAccount) -> Result<Vec<ChoiceOption>, Problem> {
    let places = accounts::virtual_accounts(app, &inside.principal, inside.account.id).await?;
    Ok(places.into_iter().map(|place| ChoiceOption::new(place.id.to_string(), place.name)).collect())
}

async fn order_page(app: &App, inside: &InAccount) -> Result<StepPage, Problem> {
    check(&inside.principal, inside.account.id, Permission::Deposit)?;
    let places = place_options(app, inside).await?;
    let first = places.first().map(|place| place.value.clone()).unwrap_or_default();
    let lengths = [
        ("perpetual", "For good (perpetual)"),
        ("1", "1 year"),
        ("3", "3 years"),
        ("5", "5 years"),
        ("date", "Until the day below"),
        ("with", "Until its subscription ends"),
    ];
    let lengths = lengths.map(|(value, text)| ChoiceOption::new(value, text)).into();
    let lead =
        "Deposits what a customer bought. Licenses count from their start on, without anybody's doing.";
    let mut page = page(inside, "orders/new", "Order licenses", lead, "Deposit licenses");
    page.inputs = vec![
        Input::new("virtual_account", "Virtual account", Shape::Select(places)).value(first),
        Input::new("license", "License", Shape::Select(license_options(app))),
        Input::new("quantity", "Quantity", Shape::Number),
        Input::new("order_id", "Order", Shape::Text)
            .hint("The vendor's name for it. The same order deposits once, however often it is sent."),
        Input::new("length", "How long they count", Shape::Select(lengths))
            .value("1")
            .hint("Years are calendar years, in UTC."),
        Input::new("starts_at", "Start, a day in UTC", Shape::Date).hint("Empty: now."),
        Input::new("ends_at", "End, a day in UTC", Shape::Date)
            .hint("Only with “Until the day below”: the first day on which they no longer count."),
        Input::new("subscription_id", "Subscription", Shape::Text).hint("Empty: none."),
        Input::new("align", "Bring all lots of the subscription to one end, the later", Shape::Check),
    ];
    Ok(page)
}

/// `GET …/orders/new`.
async fn new_order(State(app): State<App>, inside: InAccount) -> Result<Response, Problem> {
    show(&order_page(&app, &inside).await?)
}

/// `POST …/orders/new`.
async fn place_order(State(app): State<App>, inside: InAccount, form: Posted) -> Result<Response, Problem> {
    let mut page = order_page(&app, &inside).await?.typed(&form);
    let order = order(&mut page);
    let place = page.text("virtual_account").parse();
    if place.is_err() {
        page.refuse("virtual_account", "Choose where they go");
    }
    let (Some(order), Ok(place), false) = (order, place, page.is_refused()) else {
        return again(&app, &inside, page, None).await;
    };
    let (principal, account) = (&inside.principal, inside.account.id);
    if wants_preview(&form) {
        return match orders::action(&app, principal, account, place, order).await {
            Ok(action) => again(&app, &inside, page, Some(action)).await,
            failed => after(&inside, page, "", failed),
        };
    }
    let placed = orders::place(&app, principal, account, place, order).await;
    after(&inside, page, "ordered", placed)
}

/// The order as it was typed.
fn order(page: &mut StepPage) -> Option<NewOrder> {
    let quantity = quantity(page);
    let (starts_at, ends_at) = (day(page, "starts_at"), day(page, "ends_at"));
    let length = page.text("length").to_owned();
    let subscription = page.text("subscription_id").to_owned();
    let aligned = page.text("align") == "yes";
    if page.text("license").is_empty() {
        page.refuse("license", "Choose one of the licenses");
    }
    if page.text("order_id").is_empty() {
        page.refuse("order_id", "Type the vendor's name for the order");
    }
    match length.as_str() {
        "date" if ends_at.is_none() => {
            page.refuse("ends_at", "Type the first day on which they no longer count");
        }
        "date" | "perpetual" | "with" | "1" | "3" | "5" => {}
        _ => page.refuse("length", "Choose how long they count"),
    }
    if length != "date" && ends_at.is_some() {
        page.refuse("ends_at", "Leave it empty, or choose “Until the day below”");
    }
    if subscription.is_empty() && (aligned || length == "with") {
        page.refuse("subscription_id", "Type the subscription whose end is meant");
    }
    if aligned && matches!(length.as_str(), "with" | "perpetual") {
        page.refuse(
            "length",
            "Choose an end of the order's own: the later of it and the subscription's is taken",
        );
    }
    Some(NewOrder {
        order_id: page.text("order_id").to_owned(),
        lines: vec![NewOrderLine {
            license: page.text("license").to_owned(),
            quantity: quantity?,
            kind: None,
            term_years: length.parse().ok(),
            starts_at,
            ends_at,
            subscription_id: (!subscription.is_empty()).then_some(subscription),
            co_termination: match (length.as_str(), aligned) {
                ("with", _) => CoTermination::WithSubscription,
                (_, true) => CoTermination::AllToLater,
                _ => CoTermination::Own,
            },
        }],
    })
}

async fn declaration_page(app: &App, inside: &InAccount) -> Result<StepPage, Problem> {
    check(&inside.principal, inside.account.id, Permission::ManageAccount)?;
    let places = place_options(app, inside).await?;
    let first = places.first().map(|place| place.value.clone()).unwrap_or_default();
    let lead = "For licenses that you own and that were never deposited here, as after an upgrade from an older release. They count at once, and are marked as declared until the vendor confirms or rejects them.";
    let mut page = page(inside, "declarations/new", "Declare licenses that you own", lead, "Declare");
    page.inputs = vec![
        Input::new("virtual_account", "Virtual account", Shape::Select(places)).value(first),
        Input::new("license", "License", Shape::Select(license_options(app))),
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

async fn renewal_page(app: &App, inside: &InAccount) -> Result<(StepPage, OwnedLotView), Problem> {
    let view = lot(app, inside).await?;
    let lengths =
        [("1", "1 more year"), ("3", "3 more years"), ("5", "5 more years"), ("date", "Until the day below")];
    let lengths = lengths.map(|(value, text)| ChoiceOption::new(value, text)).into();
    let lead = "Gives licenses a later end. What counts now goes on counting; what has ended counts again.";
    let path = format!("lots/{}/renew", view.lot.id);
    let mut page = page(inside, &path, format!("Renew {}", view.name), lead, "Renew");
    page.facts = facts(&view);
    page.inputs = vec![
        Input::new("order_id", "Order", Shape::Text).hint("The vendor's name for the renewal."),
        Input::new("length", "For how long", Shape::Select(lengths)).value("1").hint(
            "Calendar years in UTC, from the present end; of a whole subscription, from its latest end.",
        ),
        Input::new("ends_at", "End, a day in UTC", Shape::Date).hint("Only with “Until the day below”."),
    ];
    if view.lot.subscription_id.is_some() {
        let label = "All lots of the subscription, to one end";
        page.inputs.push(Input::new("whole", label, Shape::Check).value("yes"));
    }
    Ok((page, view))
}

/// `GET …/lots/{lot}/renew`.
async fn show_renewal(State(app): State<App>, inside: InAccount) -> Result<Response, Problem> {
    show(&renewal_page(&app, &inside).await?.0)
}

/// `POST …/lots/{lot}/renew`.
async fn renew(State(app): State<App>, inside: InAccount, form: Posted) -> Result<Response, Problem> {
    let (page, view) = renewal_page(&app, &inside).await?;
    let mut page = page.typed(&form);
    let ends_at = day(&mut page, "ends_at");
    let until = match (page.text("length"), ends_at) {
        ("date", Some(end)) => Some(Until::Date(end)),
        ("date", None) => {
            page.refuse("ends_at", "Type the first day on which they no longer count");
            None
        }
        (_, Some(_)) => {
            page.refuse("ends_at", "Leave it empty, or choose “Until the day below”");
            None
        }
        (years, None) => years.parse().ok().map(Until::Years),
    };
    let order_id = page.text("order_id").to_owned();
    if order_id.is_empty() {
        page.refuse("order_id", "Type the vendor's name for the renewal");
    }
    let Some(until) = until.filter(|_| !page.is_refused()) else {
        return again(&app, &inside, page, None).await;
    };
    let lots = match view.lot.subscription_id.filter(|_| page.text("whole") == "yes") {
        Some(subscription) => Chosen::Subscription(subscription),
        None => Chosen::Lot(view.lot.id),
    };
    if wants_preview(&form) {
        let action = Action::Renew { lots, order_id, until };
        return again(&app, &inside, page, Some(action)).await;
    }
    let renewed = renewals::renew(&app, &inside.principal, inside.account.id, lots, order_id, until).await;
    after(&inside, page, "renewed", renewed)
}

async fn cancellation_page(app: &App, inside: &InAccount) -> Result<(StepPage, OwnedLotView), Problem> {
    let view = lot(app, inside).await?;
    let lead = "Takes licenses back. What is reserved or held by an on-prem manager stays; what is in use and no longer covered is out of compliance at once.";
    let path = format!("lots/{}/cancel", view.lot.id);
    let mut page = page(inside, &path, format!("Cancel {}", view.name), lead, "Cancel licenses");
    page.tone = "danger";
    page.facts = facts(&view);
    page.inputs = vec![
        Input::new("quantity", "How many", Shape::Number).value(view.lot.quantity.to_string()),
        Input::new("reason", "Reason", Shape::Area).hint("It stands in the order history."),
    ];
    Ok((page, view))
}

/// `GET …/lots/{lot}/cancel`: with what cancelling all of it does.
async fn show_cancellation(State(app): State<App>, inside: InAccount) -> Result<Response, Problem> {
    let (mut page, view) = cancellation_page(&app, &inside).await?;
    let action = Action::Cancel { lots: Chosen::Lot(view.lot.id), quantity: None, reason: String::new() };
    let (principal, account) = (&inside.principal, inside.account.id);
    match rehearsal::consequences(&app, principal, account, action).await {
        Ok(found) => page.preview = Some(found.into_iter().map(Into::into).collect()),
        // All of it can't be: a part may.
        Err(AppError::Refused(_)) => {}
        Err(error) => return Err(error.into()),
    }
    show(&page)
}

/// `POST …/lots/{lot}/cancel`.
async fn cancel(State(app): State<App>, inside: InAccount, form: Posted) -> Result<Response, Problem> {
    let (page, view) = cancellation_page(&app, &inside).await?;
    let mut page = page.typed(&form);
    let Some(quantity) = quantity(&mut page) else { return again(&app, &inside, page, None).await };
    let (lots, reason) = (Chosen::Lot(view.lot.id), page.text("reason").to_owned());
    if wants_preview(&form) {
        let action = Action::Cancel { lots, quantity: Some(quantity), reason };
        return again(&app, &inside, page, Some(action)).await;
    }
    let (principal, account) = (&inside.principal, inside.account.id);
    let cancelled = renewals::cancel(&app, principal, account, lots, Some(quantity), reason).await;
    after(&inside, page, "cancelled", cancelled)
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
