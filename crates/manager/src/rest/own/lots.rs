//! Later ends for lots and subscriptions, and taking back lots, orders and subscriptions: each as a step, and as a
//! preview of it (vendor operators).

use axum::Json;
use axum::extract::FromRequestParts;
use http::request::Parts;
use jiff::Timestamp;
use seatpool_domain::command::{Action, Chosen, Until};
use seatpool_proto::Quantity;
use serde::Deserialize;
use utoipa::ToSchema;

use super::extract::{Body, InAccount, part_of_path};
use super::refusals::OfOperator;
use crate::app::accounts::invalid;
use crate::app::orders::OwnedLotView;
use crate::app::rehearsal::{self, ConsequenceView, FORESEEN};
use crate::app::{App, AppError, renewals};
use crate::rest::problem::Problem;

/// What a preview answers.
type Consequences = Result<Json<Vec<ConsequenceView>>, Problem>;
/// What is left, or what was renewed.
type Lots = Result<Json<Vec<OwnedLotView>>, Problem>;

/// Who calls, the account of the path, and the lots that the rest of it names.
pub(crate) struct ChosenLots {
    at: InAccount,
    lots: Chosen,
}

impl FromRequestParts<App> for ChosenLots {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let at = InAccount::from_request_parts(parts, app).await?;
        let lots = if let Ok(lot) = part_of_path(parts, "lot").await {
            Chosen::Lot(renewals::lot_of(&lot)?)
        } else if let Ok(order) = part_of_path(parts, "order").await {
            Chosen::Order(order)
        } else {
            Chosen::Subscription(part_of_path(parts, "subscription").await?)
        };
        Ok(Self { at, lots })
    }
}

/// How long to renew: one of the two.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Renewal {
    /// The vendor's name for the order that renews. By years, the same order renews a lot once.
    order_id: String,
    /// For 1, 3 or 5 calendar years (UTC) from the present end; of several lots, from the latest.
    #[serde(default)]
    term_years: Option<u8>,
    /// Until this instant, later than the present end.
    #[serde(default)]
    ends_at: Option<Timestamp>,
}

impl Renewal {
    fn until(&self) -> Result<Until, Problem> {
        match (self.term_years, self.ends_at) {
            (Some(years), None) => Ok(Until::Years(years)),
            (None, Some(end)) => Ok(Until::Date(end)),
            _ => Err(invalid("term_years", "or ends_at is needed, and not both").into()),
        }
    }
}

/// What to take back, and why.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Cancellation {
    /// How many of a single lot; all if absent.
    #[schema(value_type = Option<u64>)]
    quantity: Option<Quantity>,
    /// Why.
    reason: String,
}

async fn renew(at: &InAccount, lots: Chosen, renewal: Renewal) -> Result<Vec<OwnedLotView>, Problem> {
    let until = renewal.until()?;
    Ok(renewals::renew(&at.app, &at.principal, at.account, lots, renewal.order_id, until).await?)
}

async fn preview_renewal(at: &InAccount, lots: Chosen, renewal: Renewal) -> Consequences {
    let until = renewal.until()?;
    let action = Action::Renew { lots, order_id: renewal.order_id, until };
    Ok(Json(rehearsal::of_deposits(&at.app, &at.principal, at.account, action).await?))
}

async fn cancel(at: &InAccount, lots: Chosen, what: Cancellation) -> Lots {
    let left = renewals::cancel(&at.app, &at.principal, at.account, lots, what.quantity, what.reason).await?;
    Ok(Json(left))
}

async fn preview_cancellation(at: &InAccount, lots: Chosen, what: Cancellation) -> Consequences {
    let action = Action::Cancel { lots, quantity: what.quantity, reason: what.reason };
    Ok(Json(rehearsal::of_deposits(&at.app, &at.principal, at.account, action).await?))
}

/// Give a lot a later end (vendor operators)
#[utoipa::path(
    post, path = "/accounts/{account}/lots/{lot}/renew", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("lot" = String, Path, description = "The lot's id"),
    ),
    request_body = Renewal,
    responses(
        (status = 200, description = "Renewed", body = OwnedLotView),
        OfOperator,
    )
)]
pub(crate) async fn renew_lot(
    ChosenLots { at, lots }: ChosenLots,
    Body(body): Body<Renewal>,
) -> Result<Json<OwnedLotView>, Problem> {
    let mut renewed = renew(&at, lots, body).await?;
    Ok(Json(renewed.pop().ok_or(AppError::Internal)?))
}

/// Say what a later end of a lot would do to compliance, and do nothing (vendor operators)
#[utoipa::path(
    post, path = "/accounts/{account}/lots/{lot}/renew/preview", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("lot" = String, Path, description = "The lot's id"),
    ),
    request_body = Renewal,
    responses(
        (status = 200, description = FORESEEN, body = Vec<ConsequenceView>),
        OfOperator,
    )
)]
pub(crate) async fn preview_lot_renewal(
    ChosenLots { at, lots }: ChosenLots,
    Body(body): Body<Renewal>,
) -> Consequences {
    preview_renewal(&at, lots, body).await
}

/// Renew a subscription as a whole (vendor operators)
///
/// All its lots that have not ended get one end; if all have ended, those that ended last.
#[utoipa::path(
    post, path = "/accounts/{account}/subscriptions/{subscription}/renew", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("subscription" = String, Path, description = "The subscription's id"),
    ),
    request_body = Renewal,
    responses(
        (status = 200, description = "Renewed: all lots of the subscription", body = Vec<OwnedLotView>),
        OfOperator,
    )
)]
pub(crate) async fn renew_subscription(
    ChosenLots { at, lots }: ChosenLots,
    Body(body): Body<Renewal>,
) -> Lots {
    Ok(Json(renew(&at, lots, body).await?))
}

/// Say what renewing a subscription would do to compliance, and do nothing (vendor operators)
#[utoipa::path(
    post, path = "/accounts/{account}/subscriptions/{subscription}/renew/preview", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("subscription" = String, Path, description = "The subscription's id"),
    ),
    request_body = Renewal,
    responses(
        (status = 200, description = FORESEEN, body = Vec<ConsequenceView>),
        OfOperator,
    )
)]
pub(crate) async fn preview_subscription_renewal(
    ChosenLots { at, lots }: ChosenLots,
    Body(body): Body<Renewal>,
) -> Consequences {
    preview_renewal(&at, lots, body).await
}

/// Take back a lot, or a part of it (vendor operators)
///
/// Never what is reserved or held by an on-prem manager. Answers with what is left: nothing, if the lot is gone.
#[utoipa::path(
    post, path = "/accounts/{account}/lots/{lot}/cancel", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("lot" = String, Path, description = "The lot's id"),
    ),
    request_body = Cancellation,
    responses(
        (status = 200, description = "Cancelled, or had been: what is left", body = Vec<OwnedLotView>),
        OfOperator,
    )
)]
pub(crate) async fn cancel_lot(ChosenLots { at, lots }: ChosenLots, Body(body): Body<Cancellation>) -> Lots {
    cancel(&at, lots, body).await
}

/// Say what taking back a lot would do to compliance, and do nothing (vendor operators)
#[utoipa::path(
    post, path = "/accounts/{account}/lots/{lot}/cancel/preview", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("lot" = String, Path, description = "The lot's id"),
    ),
    request_body = Cancellation,
    responses(
        (status = 200, description = FORESEEN, body = Vec<ConsequenceView>),
        OfOperator,
    )
)]
pub(crate) async fn preview_lot_cancellation(
    ChosenLots { at, lots }: ChosenLots,
    Body(body): Body<Cancellation>,
) -> Consequences {
    preview_cancellation(&at, lots, body).await
}

/// Take back all that an order deposited and that has not ended (vendor operators)
///
/// All or nothing, parts in other virtual accounts among it. Answers with what is left: lots that ended before.
#[utoipa::path(
    post, path = "/accounts/{account}/orders/{order}/cancel", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("order" = String, Path, description = "The vendor's name for the order"),
    ),
    request_body = Cancellation,
    responses(
        (status = 200, description = "Cancelled, or had been: what is left", body = Vec<OwnedLotView>),
        OfOperator,
    )
)]
pub(crate) async fn cancel_order(
    ChosenLots { at, lots }: ChosenLots,
    Body(body): Body<Cancellation>,
) -> Lots {
    cancel(&at, lots, body).await
}

/// Say what cancelling an order would do to compliance, and do nothing (vendor operators)
#[utoipa::path(
    post, path = "/accounts/{account}/orders/{order}/cancel/preview", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("order" = String, Path, description = "The vendor's name for the order"),
    ),
    request_body = Cancellation,
    responses(
        (status = 200, description = FORESEEN, body = Vec<ConsequenceView>),
        OfOperator,
    )
)]
pub(crate) async fn preview_order_cancellation(
    ChosenLots { at, lots }: ChosenLots,
    Body(body): Body<Cancellation>,
) -> Consequences {
    preview_cancellation(&at, lots, body).await
}

/// Take back all lots of a subscription that have not ended (vendor operators)
///
/// All or nothing, as of an order.
#[utoipa::path(
    post, path = "/accounts/{account}/subscriptions/{subscription}/cancel", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("subscription" = String, Path, description = "The subscription's id"),
    ),
    request_body = Cancellation,
    responses(
        (status = 200, description = "Cancelled, or had been: what is left", body = Vec<OwnedLotView>),
        OfOperator,
    )
)]
pub(crate) async fn cancel_subscription(
    ChosenLots { at, lots }: ChosenLots,
    Body(body): Body<Cancellation>,
) -> Lots {
    cancel(&at, lots, body).await
}

/// Say what cancelling a subscription would do to compliance, and do nothing (vendor operators)
#[utoipa::path(
    post, path = "/accounts/{account}/subscriptions/{subscription}/cancel/preview", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("subscription" = String, Path, description = "The subscription's id"),
    ),
    request_body = Cancellation,
    responses(
        (status = 200, description = FORESEEN, body = Vec<ConsequenceView>),
        OfOperator,
    )
)]
pub(crate) async fn preview_subscription_cancellation(
    ChosenLots { at, lots }: ChosenLots,
    Body(body): Body<Cancellation>,
) -> Consequences {
    preview_cancellation(&at, lots, body).await
}
