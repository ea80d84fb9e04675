//! Virtual accounts. The list and creation have three addresses in the wild.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::shape::{Answer, Body, Caller, Failure, Nothing, Path, Reply, virtual_account};
use crate::app::access::{self, Principal};
use crate::app::{App, accounts};

/// The account's virtual accounts.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VirtualAccounts {
    virtual_accounts: Vec<VirtualAccountRow>,
}

/// A virtual account.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VirtualAccountRow {
    name: String,
    description: String,
    /// `"true"` or `"false"`: text, as clients expect it.
    #[schema(example = "false")]
    is_default: &'static str,
    #[schema(example = "Public")]
    commerce_access_level: &'static str,
}

/// A new virtual account.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct VirtualAccountBody {
    name: String,
    description: Option<String>,
}

/// List virtual accounts
#[utoipa::path(
    get, path = "/v1/accounts/{domain}/virtual-accounts", tag = "compatible",
    params(("domain" = String, Path, description = "The smart account's domain")),
    responses(
        (status = 200, description = "Those that the caller may read", body = Answer<VirtualAccounts>),
        (status = 401, description = "No valid access token", body = Failure),
        (status = 404, description = "No such account", body = Failure),
    )
)]
pub(crate) async fn list_virtual_accounts(
    State(app): State<App>,
    Caller(principal): Caller,
    Path(domain): Path<String>,
) -> Reply<VirtualAccounts> {
    list(&app, &principal, &domain).await
}

/// List virtual accounts (as `/v1/accounts/{domain}/virtual-accounts`)
#[utoipa::path(
    get, path = "/v1/accounts/{domain}/customer/virtual-accounts", tag = "compatible",
    params(("domain" = String, Path, description = "The smart account's domain")),
    responses(
        (status = 200, description = "Those that the caller may read", body = Answer<VirtualAccounts>),
        (status = 401, description = "No valid access token", body = Failure),
        (status = 404, description = "No such account", body = Failure),
    )
)]
pub(crate) async fn list_virtual_accounts_customer(
    State(app): State<App>,
    Caller(principal): Caller,
    Path(domain): Path<String>,
) -> Reply<VirtualAccounts> {
    list(&app, &principal, &domain).await
}

/// List virtual accounts (as `/v1/accounts/{domain}/virtual-accounts`)
#[utoipa::path(
    get, path = "/accounts/{domain}/customer/virtual-accounts", tag = "compatible",
    params(("domain" = String, Path, description = "The smart account's domain")),
    responses(
        (status = 200, description = "Those that the caller may read", body = Answer<VirtualAccounts>),
        (status = 401, description = "No valid access token", body = Failure),
        (status = 404, description = "No such account", body = Failure),
    )
)]
pub(crate) async fn list_virtual_accounts_unversioned(
    State(app): State<App>,
    Caller(principal): Caller,
    Path(domain): Path<String>,
) -> Reply<VirtualAccounts> {
    list(&app, &principal, &domain).await
}

/// Create a virtual account
#[utoipa::path(
    post, path = "/v1/accounts/{domain}/virtual-accounts", tag = "compatible",
    params(("domain" = String, Path, description = "The smart account's domain")),
    request_body = VirtualAccountBody,
    responses(
        (status = 200, description = "Created, or refused with status ERROR", body = Answer<Nothing>),
        (status = 401, description = "No valid access token", body = Failure),
        (status = 403, description = "The role does not include it", body = Failure),
        (status = 404, description = "No such account", body = Failure),
    )
)]
pub(crate) async fn create_virtual_account(
    State(app): State<App>,
    Caller(principal): Caller,
    Path(domain): Path<String>,
    Body(new): Body<VirtualAccountBody>,
) -> Reply<Nothing> {
    create(&app, &principal, &domain, new).await
}

/// Create a virtual account (as `/v1/accounts/{domain}/virtual-accounts`)
#[utoipa::path(
    post, path = "/v1/accounts/{domain}/customer/virtual-accounts", tag = "compatible",
    params(("domain" = String, Path, description = "The smart account's domain")),
    request_body = VirtualAccountBody,
    responses(
        (status = 200, description = "Created, or refused with status ERROR", body = Answer<Nothing>),
        (status = 401, description = "No valid access token", body = Failure),
        (status = 403, description = "The role does not include it", body = Failure),
        (status = 404, description = "No such account", body = Failure),
    )
)]
pub(crate) async fn create_virtual_account_customer(
    State(app): State<App>,
    Caller(principal): Caller,
    Path(domain): Path<String>,
    Body(new): Body<VirtualAccountBody>,
) -> Reply<Nothing> {
    create(&app, &principal, &domain, new).await
}

/// Create a virtual account (as `/v1/accounts/{domain}/virtual-accounts`)
#[utoipa::path(
    post, path = "/accounts/{domain}/customer/virtual-accounts", tag = "compatible",
    params(("domain" = String, Path, description = "The smart account's domain")),
    request_body = VirtualAccountBody,
    responses(
        (status = 200, description = "Created, or refused with status ERROR", body = Answer<Nothing>),
        (status = 401, description = "No valid access token", body = Failure),
        (status = 403, description = "The role does not include it", body = Failure),
        (status = 404, description = "No such account", body = Failure),
    )
)]
pub(crate) async fn create_virtual_account_unversioned(
    State(app): State<App>,
    Caller(principal): Caller,
    Path(domain): Path<String>,
    Body(new): Body<VirtualAccountBody>,
) -> Reply<Nothing> {
    create(&app, &principal, &domain, new).await
}

/// Delete an empty virtual account
#[utoipa::path(
    post, path = "/v1/accounts/{domain}/virtual-accounts/{virtual_account}/delete", tag = "compatible",
    params(
        ("domain" = String, Path, description = "The smart account's domain"),
        ("virtual_account" = String, Path, description = "The virtual account's name"),
    ),
    responses(
        (status = 200, description = "Deleted, or refused with status ERROR", body = Answer<Nothing>),
        (status = 401, description = "No valid access token", body = Failure),
        (status = 403, description = "The role does not include it", body = Failure),
        (status = 404, description = "No such account", body = Failure),
    )
)]
pub(crate) async fn delete_virtual_account(
    State(app): State<App>,
    Caller(principal): Caller,
    Path((domain, name)): Path<(String, String)>,
) -> Reply<Nothing> {
    let account = access::account(&app, &principal, &domain).await?;
    let place = virtual_account(&app, &principal, account.id, &name).await?;
    accounts::delete_virtual_account(&app, &principal, account.id, place.id).await?;
    Ok(Answer::saying(Nothing {}, format!("virtual account {:?} was deleted", place.name)))
}

async fn list(app: &App, principal: &Principal, domain: &str) -> Reply<VirtualAccounts> {
    let account = access::account(app, principal, domain).await?;
    let rows = accounts::virtual_accounts(app, principal, account.id).await?;
    let row = |row: accounts::VirtualAccountView| VirtualAccountRow {
        name: row.name,
        description: row.description,
        is_default: if row.is_default { "true" } else { "false" },
        commerce_access_level: "Public",
    };
    Ok(Answer::success(VirtualAccounts { virtual_accounts: rows.into_iter().map(row).collect() }))
}

async fn create(app: &App, principal: &Principal, domain: &str, new: VirtualAccountBody) -> Reply<Nothing> {
    let account = access::account(app, principal, domain).await?;
    let description = new.description.unwrap_or_default();
    let made = accounts::create_virtual_account(app, principal, account.id, new.name, description).await?;
    Ok(Answer::saying(Nothing {}, format!("virtual account {:?} was created", made.name)))
}
