//! Depositing what a customer bought.

use axum::Router;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::get;
use seatpool_domain::command::CoTermination;
use seatpool_domain::explain::License;
use seatpool_proto::{Quantity, VirtualAccountId};
use serde::Deserialize;

use super::{after, again, day, license_input, page, place_options, quantity, wants_preview};
use crate::app::App;
use crate::app::access::{Permission, check};
use crate::app::orders::{self, NewOrder, NewOrderLine};
use crate::portal::guard::Posted;
use crate::portal::page::{InAccount, show, with_query};
use crate::portal::problem::Problem;
use crate::portal::step::{Input, Shape, StepPage};
use crate::portal::table::ChoiceOption;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/orders/new", get(new_order).post(place_order))
}

/// Path of the page with so many of a licence filled in; `account` is the path of the account's pages.
pub(crate) fn order_href(
    account: &str,
    place: VirtualAccountId,
    license: &License,
    quantity: Option<Quantity>,
) -> String {
    let quantity = quantity.map(|quantity| quantity.to_string()).unwrap_or_default();
    let pairs =
        [("virtual_account", place.to_string()), ("license", license.id.to_string()), ("quantity", quantity)];
    with_query(
        &format!("{account}/orders/new"),
        &pairs.each_ref().map(|(name, value)| (*name, value.as_str())),
    )
}

/// What a link to the page fills in; what names nothing is left to be chosen.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Prefilled {
    virtual_account: String,
    license: String,
    quantity: String,
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
        license_input(app),
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
async fn new_order(
    State(app): State<App>,
    inside: InAccount,
    Query(given): Query<Prefilled>,
) -> Result<Response, Problem> {
    let mut page = order_page(&app, &inside).await?;
    page.prefill("virtual_account", &given.virtual_account);
    page.prefill("license", &given.license);
    if given.quantity.parse::<u64>().is_ok() {
        page.prefill("quantity", &given.quantity);
    }
    show(&page)
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
