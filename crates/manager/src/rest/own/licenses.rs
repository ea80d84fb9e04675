//! Licences: inventory, history, transfer.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::extract::{Body, Caller, Path, Query, account, place};
use super::paging::{PageParams, Rows};
use crate::app::inventory::{self, LicenseDetail, LicenseView, TransactionView, Transfer};
use crate::app::{App, accounts};
use crate::rest::problem::Problem;

/// Which licences.
#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(crate) struct LicenseParams {
    /// Of this virtual account only, by name or id.
    virtual_account: Option<String>,
}

/// List licences with their lots
#[utoipa::path(
    get, path = "/accounts/{account}/licenses", tag = "seatpool",
    params(("account" = String, Path, description = "The smart account's domain"), LicenseParams),
    responses(
        (status = 200, description = "By virtual account and name", body = Vec<LicenseView>),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account or virtual account", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list_licenses(
    State(app): State<App>,
    Caller(principal): Caller,
    Path(domain): Path<String>,
    Query(params): Query<LicenseParams>,
) -> Result<Json<Vec<LicenseView>>, Problem> {
    let account = account(&app, &principal, &domain).await?;
    let names: Vec<_> = params.virtual_account.into_iter().collect();
    let places = accounts::virtual_accounts_named(&app, &principal, account, &names).await?;
    let places: Vec<_> = places.iter().map(|place| place.id).collect();
    if places.is_empty() {
        return Ok(Json(Vec::new()));
    }
    Ok(Json(inventory::licenses(&app, &principal, account, &places).await?))
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
    State(app): State<App>,
    Caller(principal): Caller,
    Path((domain, name, license)): Path<(String, String, String)>,
) -> Result<Json<LicenseDetail>, Problem> {
    let (account, id) = place(&app, &principal, &domain, &name).await?;
    Ok(Json(inventory::license(&app, &principal, account, id, &license).await?))
}

/// Which transactions.
#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(crate) struct TransactionParams {
    /// Of this licence only, by name or tag.
    license: Option<String>,
    /// How many rows, 1 to 1000; 100 if absent.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// List the order and transfer history of a virtual account
#[utoipa::path(
    get, path = "/accounts/{account}/virtual-accounts/{virtual_account}/transactions", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("virtual_account" = String, Path, description = "The virtual account's name or id"),
        TransactionParams,
    ),
    responses(
        (status = 200, description = "Newest first", body = Rows<TransactionView>),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account, virtual account or licence", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list_transactions(
    State(app): State<App>,
    Caller(principal): Caller,
    Path((domain, name)): Path<(String, String)>,
    Query(params): Query<TransactionParams>,
) -> Result<Json<Rows<TransactionView>>, Problem> {
    let (account, id) = place(&app, &principal, &domain, &name).await?;
    let tag = match &params.license {
        None => None,
        Some(license) => Some(inventory::known_tag(&app, license)?),
    };
    let mut place = PageParams { limit: params.limit, cursor: params.cursor }.place()?;
    let read = |page| inventory::transactions(&app, &principal, account, id, tag.clone(), page);
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
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Does not manage both virtual accounts", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account, virtual account or licence", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "There are fewer", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "A value can't be taken", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn transfer_licenses(
    State(app): State<App>,
    Caller(principal): Caller,
    Path((domain, name)): Path<(String, String)>,
    Body(transfer): Body<LicenseTransfer>,
) -> Result<StatusCode, Problem> {
    let (account, id) = place(&app, &principal, &domain, &name).await?;
    inventory::transfer(&app, &principal, account, id, transfer.lines).await?;
    Ok(StatusCode::NO_CONTENT)
}
