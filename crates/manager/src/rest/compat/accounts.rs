//! Smart accounts.

use axum::extract::State;
use seatpool_domain::access::Role;
use seatpool_store::Page;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Caller, Params};
use super::lenient;
use super::shape::{Answer, Failure, Reply, page};
use crate::app::App;
use crate::app::access::Principal;
use crate::app::accounts::{self, AccountView, VirtualAccountView};

/// Which accounts to look for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
#[derive(Default)]
pub(crate) struct SearchParams {
    /// The account's domain.
    domain: Option<String>,
    /// `CUSTOMER`; there are no others.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// How many rows; -1 for all.
    #[serde(deserialize_with = "lenient::number")]
    limit: Option<i64>,
    /// How many rows to skip.
    #[serde(deserialize_with = "lenient::number")]
    offset: Option<i64>,
}

/// Accounts that were found.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FoundAccounts {
    /// How many there are in all.
    total_records: u64,
    accounts: Vec<FoundAccount>,
}

/// An account that was found.
#[derive(Serialize, ToSchema)]
pub(crate) struct FoundAccount {
    domain: String,
    name: String,
    id: String,
    #[serde(rename = "type")]
    #[schema(example = "CUSTOMER")]
    kind: &'static str,
    #[schema(example = "ACTIVE")]
    status: &'static str,
}

/// Find smart accounts
#[utoipa::path(
    get, path = "/v1/accounts/search", tag = "compatible", params(SearchParams),
    responses(
        (status = 200, description = "Those that the caller may see", body = Answer<FoundAccounts>),
        (status = 401, description = "No valid access token", body = Failure),
    )
)]
pub(crate) async fn search_accounts(
    State(app): State<App>,
    Caller(principal): Caller,
    Params(params): Params<SearchParams>,
) -> Reply<FoundAccounts> {
    let page = page(params.limit, params.offset)?;
    if params.kind.is_some_and(|kind| !kind.is_empty() && !kind.eq_ignore_ascii_case("CUSTOMER")) {
        return Ok(Answer::success(FoundAccounts { total_records: 0, accounts: Vec::new() }));
    }
    let domain = params.domain.as_deref().map(str::trim).filter(|domain| !domain.is_empty());
    let found = accounts::list(&app, &principal, domain, page).await?;
    let view = |account: AccountView| FoundAccount {
        domain: account.domain,
        name: account.name,
        id: account.id.to_string(),
        kind: "CUSTOMER",
        status: "ACTIVE",
    };
    let accounts = found.items.into_iter().map(view).collect();
    Ok(Answer::success(FoundAccounts { total_records: found.total, accounts }))
}

/// The caller's accounts.
#[derive(Serialize, ToSchema)]
pub(crate) struct Accounts {
    accounts: Vec<AccountWithRoles>,
}

/// An account with the caller's roles in it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AccountWithRoles {
    #[schema(example = "Active")]
    account_status: &'static str,
    account_domain: String,
    account_name: String,
    #[schema(example = "CUSTOMER")]
    account_type: &'static str,
    roles: Vec<RoleName>,
}

/// A role.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RoleName {
    #[schema(example = "Smart Account Administrator")]
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    virtual_account: Option<String>,
}

/// List the caller's smart accounts with its roles
#[utoipa::path(
    get, path = "/v2/accounts", tag = "compatible",
    responses(
        (status = 200, description = "Those that the caller may see", body = Answer<Accounts>),
        (status = 401, description = "No valid access token", body = Failure),
    )
)]
pub(crate) async fn list_accounts(State(app): State<App>, Caller(principal): Caller) -> Reply<Accounts> {
    let found = accounts::list(&app, &principal, None, Page::ALL).await?;
    let mut rows = Vec::with_capacity(found.items.len());
    for account in found.items {
        rows.push(AccountWithRoles {
            account_status: "Active",
            roles: roles(&app, &principal, &account).await?,
            account_domain: account.domain,
            account_name: account.name,
            account_type: "CUSTOMER",
        });
    }
    Ok(Answer::success(Accounts { accounts: rows }))
}

async fn roles(app: &App, principal: &Principal, account: &AccountView) -> Result<Vec<RoleName>, Failure> {
    let own = principal.account == account.id;
    let names = accounts::virtual_accounts(app, principal, account.id).await?;
    let row = |role: &Role| {
        let (role, id) = match role {
            Role::VendorOperator => ("Vendor Operator", None),
            _ if !own => return None,
            Role::AccountAdministrator => ("Smart Account Administrator", None),
            Role::Approver => ("Smart Account Approver", None),
            Role::VirtualAccountAdministrator(id) => ("Virtual Account Administrator", Some(*id)),
            Role::VirtualAccountUser(id) => ("Virtual Account User", Some(*id)),
        };
        let name = id.map(|id| {
            names.iter().find(|name| name.id == id).map_or_else(|| id.to_string(), |name| name.name.clone())
        });
        Some(RoleName { role, virtual_account: name })
    };
    Ok(principal.roles.iter().filter_map(row).collect())
}

/// Accounts with those of the manager above.
#[derive(Serialize, ToSchema)]
pub(crate) struct UpstreamAccounts {
    accounts: Vec<UpstreamAccount>,
}

/// An account of this manager, and the smart account of the manager above that it is fed from.
#[derive(Serialize, ToSchema)]
pub(crate) struct UpstreamAccount {
    account_id: String,
    domain: String,
    name: String,
    /// Null where no manager is above this one.
    cssm_smart_account_id: Option<String>,
    /// Null where no manager is above this one.
    cssm_smart_account_name: Option<String>,
    virtual_accounts: Vec<UpstreamVirtualAccount>,
}

/// A virtual account of this manager.
#[derive(Serialize, ToSchema)]
pub(crate) struct UpstreamVirtualAccount {
    id: String,
    name: String,
}

/// List accounts with those of the manager above
///
/// Of a manager that is fed by no other, each account is its own source: both `cssm_` keys are null.
#[utoipa::path(
    post, path = "/v1/upstream_satellites/accounts", tag = "compatible",
    responses(
        (status = 200, description = "Those that the caller may see", body = Answer<UpstreamAccounts>),
        (status = 401, description = "No valid access token", body = Failure),
    )
)]
pub(crate) async fn list_upstream_accounts(
    State(app): State<App>,
    Caller(principal): Caller,
) -> Reply<UpstreamAccounts> {
    let found = accounts::list(&app, &principal, None, Page::ALL).await?;
    let mut rows = Vec::with_capacity(found.items.len());
    for account in found.items {
        let places = accounts::virtual_accounts(&app, &principal, account.id).await?;
        let place =
            |place: VirtualAccountView| UpstreamVirtualAccount { id: place.id.to_string(), name: place.name };
        rows.push(UpstreamAccount {
            account_id: account.id.to_string(),
            domain: account.domain,
            name: account.name,
            cssm_smart_account_id: None,
            cssm_smart_account_name: None,
            virtual_accounts: places.into_iter().map(place).collect(),
        });
    }
    Ok(Answer::success(UpstreamAccounts { accounts: rows }))
}
