//! Registration tokens.

use axum::Json;
use http::StatusCode;

use super::extract::{Body, InAccount, InPlace, Last, Query};
use super::paging::{PageParams, Rows};
use crate::app::access::unknown;
use crate::app::tokens::{self, NewToken, TokenView};
use crate::rest::problem::Problem;

/// List the registration tokens of a virtual account
#[utoipa::path(
    get, path = "/accounts/{account}/virtual-accounts/{virtual_account}/tokens", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("virtual_account" = String, Path, description = "The virtual account's name or id"),
        PageParams,
    ),
    responses(
        (status = 200, description = "Newest first", body = Rows<TokenView>),
        (status = 400, description = "The limit or the cursor can't be taken", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Does not manage the virtual account", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account or virtual account", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list_tokens(
    InPlace { at: InAccount { app, principal, account }, place: id }: InPlace,
    Query(page): Query<PageParams>,
) -> Result<Json<Rows<TokenView>>, Problem> {
    let page = page.place()?;
    Ok(Json(page.cut(tokens::list(&app, &principal, account, id).await?)))
}

/// Create a registration token
#[utoipa::path(
    post, path = "/accounts/{account}/virtual-accounts/{virtual_account}/tokens", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("virtual_account" = String, Path, description = "The virtual account's name or id"),
    ),
    request_body = NewToken,
    responses(
        (status = 201, description = "Created", body = TokenView),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Does not manage the virtual account", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account or virtual account", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Export-controlled functionality is not permitted", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "A value can't be taken", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn create_token(
    InPlace { at: InAccount { app, principal, account }, place: id }: InPlace,
    Body(new): Body<NewToken>,
) -> Result<(StatusCode, Json<TokenView>), Problem> {
    Ok((StatusCode::CREATED, Json(tokens::create(&app, &principal, account, id, new).await?)))
}

/// Revoke a registration token; instances that registered with it stay
#[utoipa::path(
    post, path = "/accounts/{account}/virtual-accounts/{virtual_account}/tokens/{token}/revoke",
    tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("virtual_account" = String, Path, description = "The virtual account's name or id"),
        ("token" = String, Path, description = "The token's id (its text is accepted, but ids are no secrets)"),
    ),
    responses(
        (status = 204, description = "Revoked"),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Does not manage the virtual account", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account, virtual account or token", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn revoke_token(
    InPlace { at: InAccount { app, principal, account }, place: id }: InPlace,
    Last(token): Last,
) -> Result<StatusCode, Problem> {
    let token = tokens::id_of(&app, account, &token).ok_or_else(|| unknown("token"))?;
    tokens::revoke(&app, &principal, account, id, token).await?;
    Ok(StatusCode::NO_CONTENT)
}
