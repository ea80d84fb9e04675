//! Smart accounts.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{Body, Caller, InAccount, Path, Query};
use super::paging::{PageParams, Rows};
use super::refusals::OfOperator;
use crate::app::App;
use crate::app::accounts::{self, AccountChange, AccountPreview, AccountView, NewAccount};
use crate::rest::problem::Problem;

/// Which accounts.
#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(crate) struct AccountParams {
    /// The account with this domain only.
    domain: Option<String>,
}

/// List the smart accounts that the caller may see
#[utoipa::path(
    get, path = "/accounts", tag = "seatpool", params(AccountParams, PageParams),
    responses(
        (status = 200, description = "By domain", body = Rows<AccountView>),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list_accounts(
    State(app): State<App>,
    Caller(principal): Caller,
    Query(params): Query<AccountParams>,
    Query(page): Query<PageParams>,
) -> Result<Json<Rows<AccountView>>, Problem> {
    let place = page.place()?;
    let found = accounts::list(&app, &principal, params.domain.as_deref(), place.page()).await?;
    Ok(Json(place.rows(found)))
}

/// Create a smart account with its virtual account `Default` (vendor operators)
#[utoipa::path(
    post, path = "/accounts", tag = "seatpool", request_body = NewAccount,
    responses(
        (status = 201, description = "Created", body = AccountView),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not a vendor operator", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The domain or the sign-in name is taken", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "A value can't be taken", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn create_account(
    State(app): State<App>,
    Caller(principal): Caller,
    Body(new): Body<NewAccount>,
) -> Result<(StatusCode, Json<AccountView>), Problem> {
    Ok((StatusCode::CREATED, Json(accounts::create(&app, &principal, new).await?)))
}

/// Show a smart account
#[utoipa::path(
    get, path = "/accounts/{account}", tag = "seatpool",
    params(("account" = String, Path, description = "The smart account's domain")),
    responses(
        (status = 200, description = "The account", body = AccountView),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn show_account(
    State(app): State<App>,
    Caller(principal): Caller,
    Path(domain): Path<String>,
) -> Result<Json<AccountView>, Problem> {
    Ok(Json(accounts::get(&app, &principal, &domain).await?))
}

/// Rename a smart account, or permit it something else (vendor operators)
///
/// What is permitted no longer is not taken from those who have it: `preview` counts them.
#[utoipa::path(
    patch, path = "/accounts/{account}", tag = "seatpool",
    params(("account" = String, Path, description = "The smart account's domain")),
    request_body = AccountChange,
    responses((status = 200, description = "Changed", body = AccountView), OfOperator)
)]
pub(crate) async fn change_account(
    InAccount { app, principal, account }: InAccount,
    Body(change): Body<AccountChange>,
) -> Result<Json<AccountView>, Problem> {
    Ok(Json(accounts::change(&app, &principal, account, change).await?))
}

/// Show what such a change would come to (vendor operators)
#[utoipa::path(
    post, path = "/accounts/{account}/preview", tag = "seatpool",
    params(("account" = String, Path, description = "The smart account's domain")),
    request_body = AccountChange,
    responses((status = 200, description = "Who holds what is permitted, and what becomes of that", body = AccountPreview), OfOperator)
)]
pub(crate) async fn preview_account_change(
    InAccount { app, principal, account }: InAccount,
    Body(change): Body<AccountChange>,
) -> Result<Json<AccountPreview>, Problem> {
    Ok(Json(accounts::preview(&app, &principal, account, &change).await?))
}
