//! A later end for lots, and taking them back.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use seatpool_domain::command::{Action, Chosen, Until};
use seatpool_proto::LotId;

use super::{after, again, day, facts, lot, page, quantity, wants_preview};
use crate::app::orders::OwnedLotView;
use crate::app::{App, AppError, rehearsal, renewals};
use crate::portal::guard::Posted;
use crate::portal::page::{InAccount, show};
use crate::portal::problem::Problem;
use crate::portal::step::{Input, Shape, StepPage};
use crate::portal::table::ChoiceOption;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/lots/{lot}/renew", get(show_renewal).post(renew))
        .route("/lots/{lot}/cancel", get(show_cancellation).post(cancel))
}

/// Path of the page that renews a lot; `account` is the path of the account's pages.
pub(crate) fn renewal_href(account: &str, lot: LotId) -> String {
    format!("{account}/lots/{lot}/renew")
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
