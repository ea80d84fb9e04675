//! Virtual accounts. They have three addresses in the wild.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{Body, InAccount, InVirtualAccount};
use super::lenient;
use super::shape::{Answer, Nothing, OfAccount, OfManagedAccount, Reply};
use crate::app::accounts;

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
    #[serde(deserialize_with = "lenient::text")]
    name: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    description: Option<String>,
}

/// List virtual accounts
#[utoipa::path(
    get, path = "/v1/accounts/{domain}/virtual-accounts", tag = "compatible",
    params(("domain" = String, Path, description = "The smart account's domain")),
    responses(
        (status = 200, description = "Those that the caller may read", body = Answer<VirtualAccounts>),
        OfAccount,
    )
)]
pub(crate) async fn list_virtual_accounts(at: InAccount) -> Reply<VirtualAccounts> {
    let rows = accounts::virtual_accounts(&at.app, &at.principal, at.account).await?;
    let row = |row: accounts::VirtualAccountView| VirtualAccountRow {
        name: row.name,
        description: row.description,
        is_default: if row.is_default { "true" } else { "false" },
        commerce_access_level: "Public",
    };
    Ok(Answer::success(VirtualAccounts { virtual_accounts: rows.into_iter().map(row).collect() }))
}

/// Create a virtual account
#[utoipa::path(
    post, path = "/v1/accounts/{domain}/virtual-accounts", tag = "compatible",
    params(("domain" = String, Path, description = "The smart account's domain")),
    request_body = VirtualAccountBody,
    responses(
        (status = 200, description = "Created, or refused with status ERROR", body = Answer<Nothing>),
        OfManagedAccount,
    )
)]
pub(crate) async fn create_virtual_account(
    at: InAccount,
    Body(new): Body<VirtualAccountBody>,
) -> Reply<Nothing> {
    let (name, description) = (new.name.unwrap_or_default(), new.description.unwrap_or_default());
    let made =
        accounts::create_virtual_account(&at.app, &at.principal, at.account, name, description).await?;
    Ok(Answer::saying(Nothing {}, format!("virtual account {:?} was created", made.name)))
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
        OfManagedAccount,
    )
)]
pub(crate) async fn delete_virtual_account(
    InVirtualAccount { at, place }: InVirtualAccount,
) -> Reply<Nothing> {
    accounts::delete_virtual_account(&at.app, &at.principal, at.account, place.id).await?;
    Ok(Answer::saying(Nothing {}, format!("virtual account {:?} was deleted", place.name)))
}
