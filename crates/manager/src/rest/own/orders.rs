//! Orders and the lots that they deposit.

use axum::Json;
use http::StatusCode;
use seatpool_store::LotSort;
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{Body, InAccount, InPlace, PlaceParams, Query};
use super::paging::{PageParams, Rows};
use super::refusals::{OfOperator, OfReader};
use super::sorting::sorted;
use crate::app::orders::{self, LotOrder, NewOrder, OrderView, OwnedLotView};
use crate::app::rehearsal::{self, ConsequenceView, FORESEEN};
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
        OfOperator,
    )
)]
pub(crate) async fn place_order(
    InPlace { at, place }: InPlace,
    Body(order): Body<NewOrder>,
) -> Result<(StatusCode, Json<OrderView>), Problem> {
    let placed = orders::place(&at.app, &at.principal, at.account, place, order).await?;
    Ok((StatusCode::CREATED, Json(placed)))
}

/// Say what an order would do to compliance, and do nothing (vendor operators)
#[utoipa::path(
    post, path = "/accounts/{account}/virtual-accounts/{virtual_account}/orders/preview", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("virtual_account" = String, Path, description = "The virtual account's name or id"),
    ),
    request_body = NewOrder,
    responses(
        (status = 200, description = FORESEEN, body = Vec<ConsequenceView>),
        OfOperator,
    )
)]
pub(crate) async fn preview_order(
    InPlace { at, place }: InPlace,
    Body(order): Body<NewOrder>,
) -> Result<Json<Vec<ConsequenceView>>, Problem> {
    let action = orders::action(&at.app, &at.principal, at.account, place, order).await?;
    Ok(Json(rehearsal::of_deposits(&at.app, &at.principal, at.account, action).await?))
}

/// Which lots.
#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(crate) struct LotParams {
    /// Part of the licence's name or tag, or the whole name of an order or subscription.
    text: Option<String>,
    /// `standing`, `license`, `order`, `quantity`, `starts` or `ends`; but for `standing`, with a `-` before it from the
    /// other end. `standing` if absent: those that wait for the vendor to confirm them, then what counts, what has yet to
    /// start, and what has ended; each by its end.
    sort: Option<String>,
}

impl LotParams {
    fn order(&self) -> Result<LotOrder, Problem> {
        let of_their_own = |sort| Some(Some(sort));
        let words = [
            ("standing", None),
            ("license", Some(None)),
            ("order", of_their_own(LotSort::Order)),
            ("quantity", of_their_own(LotSort::Quantity)),
            ("starts", of_their_own(LotSort::Starts)),
            ("ends", of_their_own(LotSort::Ends)),
        ];
        let (sort, descending) = sorted(self.sort.as_deref(), &words)?;
        match sort {
            None if descending => {
                Err(Problem::unreadable("standing is an order of one way: leave the - out"))
            }
            None => Ok(LotOrder::Standing),
            Some(None) => Ok(LotOrder::License { descending }),
            Some(Some(sort)) => Ok(LotOrder::By(sort, descending)),
        }
    }
}

/// List lots
///
/// What is deposited or declared between two pages may be missed or seen twice.
#[utoipa::path(
    get, path = "/accounts/{account}/lots", tag = "seatpool",
    params(("account" = String, Path, description = "The smart account's domain"), PlaceParams, LotParams, PageParams),
    responses(
        (status = 200, description = "In the order that was asked for", body = Rows<OwnedLotView>),
        OfReader,
    )
)]
pub(crate) async fn list_lots(
    at: InAccount,
    Query(params): Query<PlaceParams>,
    Query(which): Query<LotParams>,
    Query(page): Query<PageParams>,
) -> Result<Json<Rows<OwnedLotView>>, Problem> {
    let (place, order, places) = (page.place()?, which.order()?, at.places(&params).await?);
    let text = which.text.as_deref().unwrap_or_default();
    let found =
        orders::lots_listed(&at.app, &at.principal, at.account, &places, text, order, place.page()).await?;
    Ok(Json(place.rows(found)))
}
