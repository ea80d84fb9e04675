//! Smart accounts and their clients.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::extract::{Body, Caller, Path, Query, account};
use super::paging::{PageParams, Rows};
use crate::app::App;
use crate::app::accounts::{self, AccountView, ClientView, NewAccount, NewClientView, RoleView};
use crate::rest::problem::Problem;

/// Which accounts.
#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(crate) struct AccountParams {
    /// The account with this domain only.
    domain: Option<String>,
    /// How many rows, 1 to 1000; 100 if absent.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A new client.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewClient {
    /// What it is for.
    name: String,
    /// What it may do.
    roles: Vec<RoleView>,
}

/// List the smart accounts that the caller may see
#[utoipa::path(
    get, path = "/accounts", tag = "seatpool", params(AccountParams),
    responses(
        (status = 200, description = "By domain", body = Rows<AccountView>),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list_accounts(
    State(app): State<App>,
    Caller(principal): Caller,
    Query(params): Query<AccountParams>,
) -> Result<Json<Rows<AccountView>>, Problem> {
    let place = PageParams { limit: params.limit, cursor: params.cursor }.place()?;
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

/// List an account's clients
#[utoipa::path(
    get, path = "/accounts/{account}/clients", tag = "seatpool",
    params(("account" = String, Path, description = "The smart account's domain")),
    responses(
        (status = 200, description = "By id", body = Vec<ClientView>),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an account administrator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list_clients(
    State(app): State<App>,
    Caller(principal): Caller,
    Path(domain): Path<String>,
) -> Result<Json<Vec<ClientView>>, Problem> {
    let account = account(&app, &principal, &domain).await?;
    Ok(Json(accounts::list_clients(&app, &principal, account).await?))
}

/// Create a client; its secret is shown this once
#[utoipa::path(
    post, path = "/accounts/{account}/clients", tag = "seatpool",
    params(("account" = String, Path, description = "The smart account's domain")),
    request_body = NewClient,
    responses(
        (status = 201, description = "Created", body = NewClientView),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an account administrator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "A value can't be taken", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn create_client(
    State(app): State<App>,
    Caller(principal): Caller,
    Path(domain): Path<String>,
    Body(new): Body<NewClient>,
) -> Result<(StatusCode, Json<NewClientView>), Problem> {
    let account = account(&app, &principal, &domain).await?;
    let made = accounts::create_client(&app, &principal, account, new.name, new.roles).await?;
    Ok((StatusCode::CREATED, Json(made)))
}
