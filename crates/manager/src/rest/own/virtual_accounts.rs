//! Virtual accounts.

use axum::Json;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::extract::{Body, InAccount, InPlace, Last, Query};
use super::paging::{PageParams, Rows};
use super::refusals::OfReader;
use crate::app::accounts::{self, VirtualAccountChange, VirtualAccountView};
use crate::rest::problem::Problem;

/// A new virtual account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewVirtualAccount {
    /// Unique within the smart account, compared without regard to case.
    name: String,
    /// What it is for.
    #[serde(default)]
    description: String,
}

/// List the virtual accounts that the caller may read
#[utoipa::path(
    get, path = "/accounts/{account}/virtual-accounts", tag = "seatpool",
    params(("account" = String, Path, description = "The smart account's domain"), PageParams),
    responses(
        (status = 200, description = "By name", body = Rows<VirtualAccountView>),
        OfReader,
    )
)]
pub(crate) async fn list_virtual_accounts(
    at: InAccount,
    Query(page): Query<PageParams>,
) -> Result<Json<Rows<VirtualAccountView>>, Problem> {
    let page = page.place()?;
    Ok(Json(page.cut(accounts::virtual_accounts(&at.app, &at.principal, at.account).await?)))
}

/// Create a virtual account
#[utoipa::path(
    post, path = "/accounts/{account}/virtual-accounts", tag = "seatpool",
    params(("account" = String, Path, description = "The smart account's domain")),
    request_body = NewVirtualAccount,
    responses(
        (status = 201, description = "Created", body = VirtualAccountView),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an account administrator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The name is taken", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "A value can't be taken", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn create_virtual_account(
    InAccount { app, principal, account }: InAccount,
    Body(new): Body<NewVirtualAccount>,
) -> Result<(StatusCode, Json<VirtualAccountView>), Problem> {
    let made = accounts::create_virtual_account(&app, &principal, account, new.name, new.description).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Show a virtual account
#[utoipa::path(
    get, path = "/accounts/{account}/virtual-accounts/{virtual_account}", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("virtual_account" = String, Path, description = "The virtual account's name or id"),
    ),
    responses(
        (status = 200, description = "The virtual account", body = VirtualAccountView),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account or virtual account", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn show_virtual_account(
    InAccount { app, principal, account }: InAccount,
    Last(name): Last,
) -> Result<Json<VirtualAccountView>, Problem> {
    Ok(Json(accounts::virtual_account(&app, &principal, account, &name).await?))
}

/// Rename or describe a virtual account
#[utoipa::path(
    patch, path = "/accounts/{account}/virtual-accounts/{virtual_account}", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("virtual_account" = String, Path, description = "The virtual account's name or id"),
    ),
    request_body = VirtualAccountChange,
    responses(
        (status = 200, description = "Changed", body = VirtualAccountView),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an account administrator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account or virtual account", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The name is taken, or what `seen` says is over", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "A value can't be taken", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn change_virtual_account(
    InPlace { at: InAccount { app, principal, account }, place: id }: InPlace,
    Body(change): Body<VirtualAccountChange>,
) -> Result<Json<VirtualAccountView>, Problem> {
    Ok(Json(accounts::change_virtual_account(&app, &principal, account, id, change).await?))
}

/// Delete an empty virtual account
#[utoipa::path(
    delete, path = "/accounts/{account}/virtual-accounts/{virtual_account}", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("virtual_account" = String, Path, description = "The virtual account's name or id"),
    ),
    responses(
        (status = 204, description = "Deleted"),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an account administrator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account or virtual account", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It still holds something, or is the default one", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn delete_virtual_account(
    InPlace { at: InAccount { app, principal, account }, place: id }: InPlace,
) -> Result<StatusCode, Problem> {
    accounts::delete_virtual_account(&app, &principal, account, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
