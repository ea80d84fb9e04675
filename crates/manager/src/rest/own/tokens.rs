//! Registration tokens.

use axum::Json;
use http::StatusCode;
use seatpool_store::TokenSort;
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{Body, InAccount, InPlace, Last, Query};
use super::paging::{PageParams, Rows};
use super::sorting::sorted;
use crate::app::access::unknown;
use crate::app::tokens::{self, NewToken, TokenFilter, TokenStatus, TokenView};
use crate::rest::problem::Problem;

/// Which tokens, in which order.
#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(crate) struct TokenParams {
    /// Part of the description.
    text: Option<String>,
    /// `active`, `exhausted`, `expired` or `revoked` ones only.
    status: Option<String>,
    /// `created`, `description` or `expires`; with a `-` before it, from the other end. `-created` if absent.
    sort: Option<String>,
}

/// List the registration tokens of a virtual account
#[utoipa::path(
    get, path = "/accounts/{account}/virtual-accounts/{virtual_account}/tokens", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("virtual_account" = String, Path, description = "The virtual account's name or id"),
        TokenParams, PageParams,
    ),
    responses(
        (status = 200, description = "Newest first, unless asked for otherwise", body = Rows<TokenView>),
        (status = 400, description = "The limit or the cursor can't be taken", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Does not manage the virtual account", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account or virtual account", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list_tokens(
    InPlace { at: InAccount { app, principal, account }, place: id }: InPlace,
    Query(params): Query<TokenParams>,
    Query(page): Query<PageParams>,
) -> Result<Json<Rows<TokenView>>, Problem> {
    let mut place = page.place()?;
    let (sort, descending) = sorted(params.sort.as_deref().or(Some("-created")), &SORTS)?;
    let status = params.status.as_deref().map(|word| {
        let known = TokenStatus::ALL.map(TokenStatus::word).join(", ");
        TokenStatus::parse(word)
            .ok_or_else(|| Problem::unreadable(format!("status is one of {known}, not {word:?}")))
    });
    let text = params.text.unwrap_or_default();
    let filter = TokenFilter { text, status: status.transpose()?, sort, descending };
    let read = |page| tokens::list(&app, &principal, account, id, &filter, page);
    let mut found = read(place.page()).await?;
    // What is created meanwhile comes at the front of the newest.
    let grows_at_front = (sort, descending) == (TokenSort::Created, true);
    if let Some(moved) = place.moved(found.total).filter(|_| grows_at_front) {
        place = moved;
        found = read(place.page()).await?;
    }
    Ok(Json(place.rows(found)))
}

/// What tokens can be sorted by.
const SORTS: [(&str, TokenSort); 3] = [
    ("created", TokenSort::Created),
    ("description", TokenSort::Description),
    ("expires", TokenSort::Expires),
];

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
