//! Orders and the lots that they deposit.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use jiff::Timestamp;
use seatpool_domain::command::{Chosen, Until};
use seatpool_proto::Quantity;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::extract::{Body, Caller, Path, Query, account, place};
use crate::app::accounts::invalid;
use crate::app::orders::{self, NewOrder, OrderView, OwnedLotView};
use crate::app::{App, AppError, accounts, renewals};
use crate::rest::problem::Problem;

/// Deposit what an order bought (vendor operators)
///
/// `order_id` makes it idempotent: the same order deposits once.
#[utoipa::path(
    post, path = "/accounts/{account}/virtual-accounts/{virtual_account}/orders", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("virtual_account" = String, Path, description = "The virtual account's name or id"),
    ),
    request_body = NewOrder,
    responses(
        (status = 201, description = "Deposited, or had been by the same order", body = OrderView),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not a vendor operator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account, virtual account or licence", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The order was deposited before with other contents", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "A value can't be taken", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn place_order(
    State(app): State<App>,
    Caller(principal): Caller,
    Path((domain, name)): Path<(String, String)>,
    Body(order): Body<NewOrder>,
) -> Result<(StatusCode, Json<OrderView>), Problem> {
    let (account, id) = place(&app, &principal, &domain, &name).await?;
    Ok((StatusCode::CREATED, Json(orders::place(&app, &principal, account, id, order).await?)))
}

/// Which lots.
#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(crate) struct LotParams {
    /// Of this virtual account only, by name or id.
    virtual_account: Option<String>,
}

/// List lots
#[utoipa::path(
    get, path = "/accounts/{account}/lots", tag = "seatpool",
    params(("account" = String, Path, description = "The smart account's domain"), LotParams),
    responses(
        (status = 200, description = "Newest first; ended ones among them", body = Vec<OwnedLotView>),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account or virtual account", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list_lots(
    State(app): State<App>,
    Caller(principal): Caller,
    Path(domain): Path<String>,
    Query(params): Query<LotParams>,
) -> Result<Json<Vec<OwnedLotView>>, Problem> {
    let account = account(&app, &principal, &domain).await?;
    let names: Vec<_> = params.virtual_account.into_iter().collect();
    let places = accounts::virtual_accounts_named(&app, &principal, account, &names).await?;
    let places: Vec<_> = places.iter().map(|place| place.id).collect();
    if places.is_empty() {
        return Ok(Json(Vec::new()));
    }
    Ok(Json(orders::lots(&app, &principal, account, &places).await?))
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
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not a vendor operator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account or lot", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "A value can't be taken", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn renew_lot(
    State(app): State<App>,
    Caller(principal): Caller,
    Path((domain, lot)): Path<(String, String)>,
    Body(renewal): Body<Renewal>,
) -> Result<Json<OwnedLotView>, Problem> {
    let account = account(&app, &principal, &domain).await?;
    let lot = Chosen::Lot(renewals::lot_of(&lot)?);
    let until = renewal.until()?;
    let mut lots = renewals::renew(&app, &principal, account, lot, renewal.order_id, until).await?;
    Ok(Json(lots.pop().ok_or(AppError::Internal)?))
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
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not a vendor operator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account or subscription", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "A value can't be taken", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn renew_subscription(
    State(app): State<App>,
    Caller(principal): Caller,
    Path((domain, subscription)): Path<(String, String)>,
    Body(renewal): Body<Renewal>,
) -> Result<Json<Vec<OwnedLotView>>, Problem> {
    let account = account(&app, &principal, &domain).await?;
    let lots = Chosen::Subscription(subscription);
    let until = renewal.until()?;
    Ok(Json(renewals::renew(&app, &principal, account, lots, renewal.order_id, until).await?))
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
        (status = 200, description = "Cancelled: what is left", body = Vec<OwnedLotView>),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not a vendor operator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account or lot", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Too much of it is promised elsewhere", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "A value can't be taken", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn cancel_lot(
    State(app): State<App>,
    Caller(principal): Caller,
    Path((domain, lot)): Path<(String, String)>,
    Body(what): Body<Cancellation>,
) -> Result<Json<Vec<OwnedLotView>>, Problem> {
    let account = account(&app, &principal, &domain).await?;
    let lot = Chosen::Lot(renewals::lot_of(&lot)?);
    Ok(Json(renewals::cancel(&app, &principal, account, lot, what.quantity, what.reason).await?))
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
        (status = 200, description = "Cancelled, or had been", body = Vec<OwnedLotView>),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not a vendor operator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account or order", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Too much of it is promised elsewhere", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "A value can't be taken", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn cancel_order(
    State(app): State<App>,
    Caller(principal): Caller,
    Path((domain, order)): Path<(String, String)>,
    Body(what): Body<Cancellation>,
) -> Result<Json<Vec<OwnedLotView>>, Problem> {
    let account = account(&app, &principal, &domain).await?;
    let lots = Chosen::Order(order);
    Ok(Json(renewals::cancel(&app, &principal, account, lots, what.quantity, what.reason).await?))
}
