//! Licences: inventory, history, transfer.

use axum::Json;
use http::StatusCode;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::extract::{Body, InAccount, InPlace, Last, PlaceParams, Query};
use super::paging::{PageParams, Rows};
use super::refusals::{OfManager, OfReader};
use crate::app::inventory::preview::{self, Preview};
use crate::app::inventory::{self, LicenseDetail, LicenseView, TransactionView, Transfer};
use crate::rest::problem::Problem;

/// List licences with their lots
#[utoipa::path(
    get, path = "/accounts/{account}/licenses", tag = "seatpool",
    params(("account" = String, Path, description = "The smart account's domain"), PlaceParams, PageParams),
    responses(
        (status = 200, description = "By virtual account and name", body = Rows<LicenseView>),
        OfReader,
    )
)]
pub(crate) async fn list_licenses(
    at: InAccount,
    Query(params): Query<PlaceParams>,
    Query(page): Query<PageParams>,
) -> Result<Json<Rows<LicenseView>>, Problem> {
    let (page, places) = (page.place()?, at.places(&params).await?);
    Ok(Json(page.cut(inventory::licenses(&at.app, &at.principal, at.account, &places).await?)))
}

/// Show a licence: lots, transactions, using instances
#[utoipa::path(
    get, path = "/accounts/{account}/virtual-accounts/{virtual_account}/licenses/{license}", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("virtual_account" = String, Path, description = "The virtual account's name or id"),
        ("license" = String, Path, description = "The licence's name or tag"),
    ),
    responses(
        (status = 200, description = "The licence", body = LicenseDetail),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account, virtual account or licence", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn show_license(
    InPlace { at: InAccount { app, principal, account }, place: id }: InPlace,
    Last(license): Last,
) -> Result<Json<LicenseDetail>, Problem> {
    Ok(Json(inventory::license(&app, &principal, account, id, &license).await?))
}

/// Which transactions.
#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(crate) struct TransactionParams {
    /// Of this licence only, by name or tag.
    license: Option<String>,
}

/// List the order and transfer history of a virtual account
///
/// What is added meanwhile shifts no page.
#[utoipa::path(
    get, path = "/accounts/{account}/virtual-accounts/{virtual_account}/transactions", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("virtual_account" = String, Path, description = "The virtual account's name or id"),
        TransactionParams, PageParams,
    ),
    responses((status = 200, description = "Newest first", body = Rows<TransactionView>), OfReader)
)]
pub(crate) async fn list_transactions(
    InPlace { at, place: id }: InPlace,
    Query(params): Query<TransactionParams>,
    Query(page): Query<PageParams>,
) -> Result<Json<Rows<TransactionView>>, Problem> {
    let tag = match &params.license {
        None => None,
        Some(license) => Some(inventory::known_tag(&at.app, license)?),
    };
    let mut place = page.place()?;
    let read = |page| inventory::transactions(&at.app, &at.principal, at.account, id, tag.clone(), page);
    let mut found = read(place.page()).await?;
    if let Some(moved) = place.moved(found.total) {
        place = moved;
        found = read(place.page()).await?;
    }
    Ok(Json(place.rows(found)))
}

/// Licences to move.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LicenseTransfer {
    /// What goes where.
    lines: Vec<Transfer>,
}

/// Move licences to other virtual accounts, all or none
#[utoipa::path(
    post, path = "/accounts/{account}/virtual-accounts/{virtual_account}/license-transfers", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("virtual_account" = String, Path, description = "The virtual account that they are moved out of"),
    ),
    request_body = LicenseTransfer,
    responses(
        (status = 204, description = "Moved"),
        OfManager,
    )
)]
pub(crate) async fn transfer_licenses(
    InPlace { at, place }: InPlace,
    Body(transfer): Body<LicenseTransfer>,
) -> Result<StatusCode, Problem> {
    inventory::transfer(&at.app, &at.principal, at.account, place, transfer.lines).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Say what moving licences would do to balances and compliance, and do nothing
#[utoipa::path(
    post, path = "/accounts/{account}/virtual-accounts/{virtual_account}/license-transfers/preview",
    tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("virtual_account" = String, Path, description = "The virtual account that they are moved out of"),
    ),
    request_body = LicenseTransfer,
    responses(
        (status = 200, description = "Every balance that would change", body = Preview),
        OfManager,
    )
)]
pub(crate) async fn preview_license_transfer(
    InPlace { at, place }: InPlace,
    Body(transfer): Body<LicenseTransfer>,
) -> Result<Json<Preview>, Problem> {
    let changes = preview::transfer(&at.app, &at.principal, at.account, place, transfer.lines).await?;
    Ok(Json(changes.into()))
}
