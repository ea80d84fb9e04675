//! The programs of a smart account that may call this API.

use axum::Json;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::extract::{Body, InAccount, Last, Query};
use super::paging::{PageParams, Rows};
use crate::app::clients::{self, ClientView, NewClient, NewClientView, OVERLAP_HOURS_DEFAULT};
use crate::rest::problem::Problem;

/// How a secret is replaced.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rotation {
    /// For how many hours the secret before is taken as well, 0 to 720.
    #[serde(default = "overlap_hours_default")]
    #[schema(default = 24)]
    overlap_hours: u32,
}

fn overlap_hours_default() -> u32 {
    OVERLAP_HOURS_DEFAULT
}

/// List the OAuth2 clients of a smart account
#[utoipa::path(
    get, path = "/accounts/{account}/clients", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        PageParams,
    ),
    responses(
        (status = 200, description = "By id", body = Rows<ClientView>),
        (status = 400, description = "The limit or the cursor can't be taken", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an account administrator, or without the scope admin", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list_clients(
    InAccount { app, principal, account }: InAccount,
    Query(page): Query<PageParams>,
) -> Result<Json<Rows<ClientView>>, Problem> {
    let page = page.place()?;
    Ok(Json(page.cut(clients::list(&app, &principal, account).await?)))
}

/// Create an OAuth2 client: the answer holds its secret, this once
#[utoipa::path(
    post, path = "/accounts/{account}/clients", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
    ),
    request_body = NewClient,
    responses(
        (status = 201, description = "Created", body = NewClientView),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an account administrator, or without the scope admin", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account or virtual account", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "A value can't be taken", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn create_client(
    InAccount { app, principal, account }: InAccount,
    Body(new): Body<NewClient>,
) -> Result<(StatusCode, Json<NewClientView>), Problem> {
    Ok((StatusCode::CREATED, Json(clients::create(&app, &principal, account, new).await?)))
}

/// Show an OAuth2 client
#[utoipa::path(
    get, path = "/accounts/{account}/clients/{client}", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("client" = String, Path, description = "The client's `client_id`"),
    ),
    responses(
        (status = 200, description = "The client", body = ClientView),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an account administrator, or without the scope admin", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account or client", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn show_client(
    InAccount { app, principal, account }: InAccount,
    Last(client): Last,
) -> Result<Json<ClientView>, Problem> {
    Ok(Json(clients::get(&app, &principal, account, &client).await?))
}

/// Delete an OAuth2 client: its access tokens end at once
#[utoipa::path(
    delete, path = "/accounts/{account}/clients/{client}", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("client" = String, Path, description = "The client's `client_id`"),
    ),
    responses(
        (status = 204, description = "Deleted"),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an account administrator, or without the scope admin", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account or client", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn delete_client(
    InAccount { app, principal, account }: InAccount,
    Last(client): Last,
) -> Result<StatusCode, Problem> {
    clients::delete(&app, &principal, account, &client).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give an OAuth2 client a new secret: the answer holds it, this once
#[utoipa::path(
    post, path = "/accounts/{account}/clients/{client}/rotate-secret", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("client" = String, Path, description = "The client's `client_id`"),
    ),
    request_body = Rotation,
    responses(
        (status = 200, description = "Replaced", body = NewClientView),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an account administrator, or without the scope admin", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account or client", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "A value can't be taken", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn rotate_secret(
    InAccount { app, principal, account }: InAccount,
    Last(client): Last,
    Body(how): Body<Rotation>,
) -> Result<Json<NewClientView>, Problem> {
    Ok(Json(clients::rotate(&app, &principal, account, &client, how.overlap_hours).await?))
}
