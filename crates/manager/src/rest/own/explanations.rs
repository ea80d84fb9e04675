//! Explanations of licences and product instances, and carrying out what they propose.

use axum::Json;
use serde::Deserialize;
use utoipa::ToSchema;

use super::extract::{Body, InAccount, InPlace, Last};
use crate::app::access::unknown;
use crate::app::explain::{self, ExplanationView};
use crate::rest::problem::Problem;

/// Explain a licence: why, since when, what next, what to do
#[utoipa::path(
    get, path = "/accounts/{account}/virtual-accounts/{virtual_account}/licenses/{license}/explanation",
    tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("virtual_account" = String, Path, description = "The virtual account's name or id"),
        ("license" = String, Path, description = "The licence's name or tag"),
    ),
    responses(
        (status = 200, description = "The explanation", body = ExplanationView),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account, virtual account or licence", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn explain_license(
    InPlace { at: InAccount { app, principal, account }, place: id }: InPlace,
    Last(license): Last,
) -> Result<Json<ExplanationView>, Problem> {
    let found = explain::license(&app, &principal, account, id, &license).await?;
    Ok(Json(ExplanationView::from(&found)))
}

/// Which of the proposed moves.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MendBody {
    /// Its `key` in the explanation.
    key: String,
}

/// Carry out a move that the licence's explanation proposes
///
/// Exactly that move, or none: when the figures that it was worked out from have changed, it is refused with the
/// new ones. The answer is the explanation after it.
#[utoipa::path(
    post, path = "/accounts/{account}/virtual-accounts/{virtual_account}/licenses/{license}/mends",
    tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("virtual_account" = String, Path, description = "The virtual account's name or id"),
        ("license" = String, Path, description = "The licence's name or tag"),
    ),
    request_body = MendBody,
    responses(
        (status = 200, description = "Moved; the explanation now", body = ExplanationView),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Does not manage both virtual accounts", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account, virtual account or licence", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The figures have changed", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn mend_license(
    InPlace { at: InAccount { app, principal, account }, place: id }: InPlace,
    Last(license): Last,
    Body(body): Body<MendBody>,
) -> Result<Json<ExplanationView>, Problem> {
    explain::mend(&app, &principal, account, id, &license, &body.key).await?;
    let found = explain::license(&app, &principal, account, id, &license).await?;
    Ok(Json(ExplanationView::from(&found)))
}

/// Explain a product instance: why, since when, what next, what to do
#[utoipa::path(
    get, path = "/accounts/{account}/instances/{instance}/explanation", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("instance" = String, Path, description = "The product instance's id"),
    ),
    responses(
        (status = 200, description = "The explanation; also of one that has ended", body = ExplanationView),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account or instance", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn explain_instance(
    InAccount { app, principal, account }: InAccount,
    Last(id): Last,
) -> Result<Json<ExplanationView>, Problem> {
    let id = id.parse().map_err(|_| unknown("product instance"))?;
    let found = explain::instance(&app, &principal, account, id).await?;
    Ok(Json(ExplanationView::from(&found)))
}
