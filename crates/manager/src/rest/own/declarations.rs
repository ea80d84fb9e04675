//! Lots that customers declare themselves.

use axum::Json;
use http::StatusCode;
use seatpool_domain::command::Verdict;
use seatpool_domain::lot::DeclarationState;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::extract::{Body, InAccount, InPlace, Last, Query};
use super::paging::{PageParams, Rows};
use super::refusals::{OfManager, OfOperator};
use crate::app::declarations::{self, NewDeclaration};
use crate::app::orders::OwnedLotView;
use crate::app::rehearsal::{self, ConsequenceView, FORESEEN};
use crate::app::renewals;
use crate::rest::problem::Problem;

/// Declare licences that the account owns (account administrators)
///
/// They count at once, and are marked as declared until a vendor operator confirms or rejects them.
#[utoipa::path(
    post, path = "/accounts/{account}/virtual-accounts/{virtual_account}/declarations", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("virtual_account" = String, Path, description = "The virtual account's name or id"),
    ),
    request_body = NewDeclaration,
    responses(
        (status = 201, description = "Declared", body = OwnedLotView),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an account administrator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account, virtual account or licence", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "A value can't be taken", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn declare_licenses(
    InPlace { at: InAccount { app, principal, account }, place: id }: InPlace,
    Body(new): Body<NewDeclaration>,
) -> Result<(StatusCode, Json<OwnedLotView>), Problem> {
    let made = declarations::declare(&app, &principal, account, id, new).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Say what a declaration would do to compliance, and do nothing (account administrators)
#[utoipa::path(
    post, path = "/accounts/{account}/virtual-accounts/{virtual_account}/declarations/preview", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("virtual_account" = String, Path, description = "The virtual account's name or id"),
    ),
    request_body = NewDeclaration,
    responses(
        (status = 200, description = FORESEEN, body = Vec<ConsequenceView>),
        OfManager,
    )
)]
pub(crate) async fn preview_declaration(
    InPlace { at: InAccount { app, principal, account }, place: id }: InPlace,
    Body(new): Body<NewDeclaration>,
) -> Result<Json<Vec<ConsequenceView>>, Problem> {
    let action = declarations::declaration(&app, &principal, account, id, new).await?;
    Ok(Json(rehearsal::told(&app, &principal, account, action).await?))
}

/// Which declarations.
#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(crate) struct DeclarationParams {
    /// `declared`, `confirmed` or `rejected`; all if absent.
    #[param(value_type = Option<String>)]
    state: Option<DeclarationState>,
}

/// List declared lots
#[utoipa::path(
    get, path = "/accounts/{account}/declarations", tag = "seatpool",
    params(("account" = String, Path, description = "The smart account's domain"), DeclarationParams, PageParams),
    responses(
        (status = 200, description = "Newest first", body = Rows<OwnedLotView>),
        (status = 400, description = "The limit or the cursor can't be taken", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list_declarations(
    InAccount { app, principal, account }: InAccount,
    Query(params): Query<DeclarationParams>,
    Query(page): Query<PageParams>,
) -> Result<Json<Rows<OwnedLotView>>, Problem> {
    let page = page.place()?;
    Ok(Json(page.cut(declarations::list(&app, &principal, account, params.state).await?)))
}

/// Why.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Reason {
    /// A rejection needs one; the customer reads it.
    reason: String,
}

/// Confirm a declared lot and all parts of it (vendor operators)
#[utoipa::path(
    post, path = "/accounts/{account}/lots/{lot}/confirm", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("lot" = String, Path, description = "The lot's id"),
    ),
    request_body = Reason,
    responses(
        (status = 200, description = "Confirmed, or had been", body = OwnedLotView),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not a vendor operator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account or declared lot", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It was rejected", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "A value can't be taken", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn confirm_lot(
    InAccount { app, principal, account }: InAccount,
    Last(lot): Last,
    Body(why): Body<Reason>,
) -> Result<Json<OwnedLotView>, Problem> {
    let lot = renewals::lot_of(&lot)?;
    let verdict = Verdict::Confirm;
    Ok(Json(declarations::decide(&app, &principal, account, lot, verdict, why.reason).await?))
}

/// Reject a declared lot and all parts of it: they count no longer (vendor operators)
#[utoipa::path(
    post, path = "/accounts/{account}/lots/{lot}/reject", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("lot" = String, Path, description = "The lot's id"),
    ),
    request_body = Reason,
    responses(
        (status = 200, description = "Rejected, or had been", body = OwnedLotView),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not a vendor operator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account or declared lot", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It was confirmed, or a part of it is promised elsewhere", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "A value can't be taken", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn reject_lot(
    InAccount { app, principal, account }: InAccount,
    Last(lot): Last,
    Body(why): Body<Reason>,
) -> Result<Json<OwnedLotView>, Problem> {
    let lot = renewals::lot_of(&lot)?;
    let verdict = Verdict::Reject;
    Ok(Json(declarations::decide(&app, &principal, account, lot, verdict, why.reason).await?))
}

/// Say what rejecting a declared lot would do to compliance, and do nothing (vendor operators)
#[utoipa::path(
    post, path = "/accounts/{account}/lots/{lot}/reject/preview", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("lot" = String, Path, description = "The lot's id"),
    ),
    request_body = Reason,
    responses(
        (status = 200, description = FORESEEN, body = Vec<ConsequenceView>),
        OfOperator,
    )
)]
pub(crate) async fn preview_rejection(
    InAccount { app, principal, account }: InAccount,
    Last(lot): Last,
    Body(why): Body<Reason>,
) -> Result<Json<Vec<ConsequenceView>>, Problem> {
    let (lot, verdict) = (renewals::lot_of(&lot)?, Verdict::Reject);
    let action = declarations::decision(&app, &principal, account, lot, verdict, why.reason).await?;
    Ok(Json(rehearsal::told(&app, &principal, account, action).await?))
}
