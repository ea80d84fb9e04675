//! Orders and the lots that they deposit.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use jiff::Timestamp;
use seatpool_proto::LotId;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::extract::{Body, Caller, Path, Query, account, place};
use crate::app::access::unknown;
use crate::app::accounts::invalid;
use crate::app::orders::{self, NewOrder, OrderView, OwnedLotView, RenewUntil};
use crate::app::{App, accounts};
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

/// How long to renew a lot: one of the two.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Renewal {
    /// The vendor's name for the order that renews it.
    order_id: String,
    /// For 1, 3 or 5 years from its present end.
    #[serde(default)]
    term_years: Option<i64>,
    /// Until this instant, later than its present end.
    #[serde(default)]
    ends_at: Option<Timestamp>,
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
    let lot: LotId = lot.parse().map_err(|_| unknown("lot"))?;
    let until = match (renewal.term_years, renewal.ends_at) {
        (Some(years), None) => RenewUntil::Years(years),
        (None, Some(end)) => RenewUntil::Date(end),
        _ => return Err(invalid("term_years", "or ends_at is needed, and not both").into()),
    };
    Ok(Json(orders::renew(&app, &principal, account, lot, renewal.order_id, until).await?))
}
