//! The programs of a smart account that may call the REST API.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use seatpool_domain::access::{Client, OauthScope};
use seatpool_domain::account::VirtualAccount;
use seatpool_domain::command::AccessChange;
use seatpool_proto::AccountId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::{self, Permission, Principal, check, clients, unknown};
use super::accounts::{RoleView, invalid, role_of, role_view};
use super::{App, AppError};

/// How long the secret before is taken after a rotation unless the caller says otherwise, in real hours.
pub const OVERLAP_HOURS_DEFAULT: u32 = 24;
/// How long it may be taken at most, in real hours.
pub const OVERLAP_HOURS_MAX: u32 = 24 * 30;

/// A program that may call the REST API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClientView {
    /// `client_id` of OAuth2.
    pub client_id: String,
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub roles: Vec<RoleView>,
    /// What it may use of its roles: `read`, `inventory`, `tokens`, `orders`, `admin`.
    #[schema(value_type = Vec<String>, example = json!(["read", "inventory"]))]
    pub scopes: Vec<OauthScope>,
    /// When it was created.
    pub created_at: Timestamp,
    /// Until when the secret before the present one is taken, if it is.
    pub previous_secret_until: Option<Timestamp>,
}

/// A client's new secret: shown this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewClientView {
    /// The client.
    #[serde(flatten)]
    pub client: ClientView,
    /// `client_secret` of OAuth2. Only its hash is kept.
    pub client_secret: String,
}

impl core::fmt::Debug for NewClientView {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("NewClientView").field("client", &self.client).finish_non_exhaustive()
    }
}

/// What a new client is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewClient {
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub roles: Vec<RoleView>,
    /// What it may use of its roles: `read`, `inventory`, `tokens`, `orders`, `admin`; those of whoever creates it
    /// if absent.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    pub scopes: Option<Vec<OauthScope>>,
}

/// The clients of an account, by id.
pub async fn list(app: &App, principal: &Principal, account: AccountId) -> Result<Vec<ClientView>, AppError> {
    check(principal, account, Permission::ManageAccount)?;
    let names = app.store().virtual_accounts(account).await?;
    let rows = app.store().clients(account).await?;
    Ok(rows.into_iter().map(|row| view(app, row, &names)).collect())
}

/// The client with this id.
pub async fn get(
    app: &App,
    principal: &Principal,
    account: AccountId,
    id: &str,
) -> Result<ClientView, AppError> {
    check(principal, account, Permission::ManageAccount)?;
    let names = app.store().virtual_accounts(account).await?;
    Ok(view(app, find(app, account, id).await?, &names))
}

/// Creates a client. Nobody gives a client roles that it could not give a person; a vendor operator may give an
/// account its first client.
pub async fn create(
    app: &App,
    principal: &Principal,
    account: AccountId,
    new: NewClient,
) -> Result<NewClientView, AppError> {
    let first = access::allows(principal, account, Permission::CreateAccounts)
        && app.store().clients(account).await?.is_empty();
    if !first {
        check(principal, account, Permission::ManageAccount)?;
    }
    if new.name.trim().is_empty() {
        return Err(invalid("name", "is empty: say what the client is for"));
    }
    let names = app.store().virtual_accounts(account).await?;
    let roles = new.roles.into_iter().map(|role| role_of(role, &names)).collect::<Result<_, _>>()?;
    let scopes = new.scopes.unwrap_or_else(|| principal.scopes.clone());
    must_have(principal, &scopes)?;
    let (id, secret) = (app.new_id().to_string(), clients::secret());
    let change = AccessChange::CreateClient {
        id: id.clone(),
        name: new.name,
        secret_hash: clients::secret_hash(&secret),
        roles,
        scopes,
    };
    access::change(app, principal, account, change).await?;
    with_secret(app, account, &id, secret).await
}

/// Gives a client a new secret; the one before is taken for so many real hours.
pub async fn rotate(
    app: &App,
    principal: &Principal,
    account: AccountId,
    id: &str,
    overlap_hours: u32,
) -> Result<NewClientView, AppError> {
    check(principal, account, Permission::ManageAccount)?;
    if overlap_hours > OVERLAP_HOURS_MAX {
        let problem = format!("is at most {OVERLAP_HOURS_MAX}, not {overlap_hours}");
        return Err(invalid("overlap_hours", &problem));
    }
    let client = find(app, account, id).await?;
    must_have(principal, &client.scopes)?;
    let id = client.id;
    let secret = clients::secret();
    let hours = SignedDuration::from_hours(i64::from(overlap_hours) * i64::from(app.clock().factor()));
    let change = AccessChange::RotateSecret {
        id: id.clone(),
        secret_hash: clients::secret_hash(&secret),
        overlap_until: app.now() + hours,
    };
    access::change(app, principal, account, change).await?;
    with_secret(app, account, &id, secret).await
}

/// Nobody hands on a scope that was not given to them.
fn must_have(principal: &Principal, scopes: &[OauthScope]) -> Result<(), AppError> {
    match scopes.iter().find(|scope| !principal.scopes.contains(scope)) {
        Some(scope) => Err(AppError::OutOfScope { scope: scope.as_str() }),
        None => Ok(()),
    }
}

/// Deletes a client: its access tokens end at once.
pub async fn delete(app: &App, principal: &Principal, account: AccountId, id: &str) -> Result<(), AppError> {
    check(principal, account, Permission::ManageAccount)?;
    let id = find(app, account, id).await?.id;
    access::change(app, principal, account, AccessChange::DeleteClient { id }).await.map(drop)
}

/// The names of these clients, for people: deleted ones among them, whatever account they are of.
pub(super) async fn names<'i>(
    app: &App,
    ids: impl IntoIterator<Item = &'i str>,
) -> Result<BTreeMap<String, String>, AppError> {
    let mut ids: Vec<&str> = ids.into_iter().collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    Ok(app.store().client_names(ids).await?.into_iter().collect())
}

/// The client of this account with this id; another account's is unknown.
async fn find(app: &App, account: AccountId, id: &str) -> Result<Client, AppError> {
    let row = app.store().client(id.trim()).await?;
    row.filter(|row| row.account == account).ok_or_else(|| unknown("client"))
}

async fn with_secret(
    app: &App,
    account: AccountId,
    id: &str,
    client_secret: String,
) -> Result<NewClientView, AppError> {
    let names = app.store().virtual_accounts(account).await?;
    Ok(NewClientView { client: view(app, find(app, account, id).await?, &names), client_secret })
}

fn view(app: &App, client: Client, names: &[VirtualAccount]) -> ClientView {
    let until = client.previous_secret.map(|secret| secret.until);
    ClientView {
        client_id: client.id,
        name: client.name,
        roles: client.roles.into_iter().map(|role| role_view(role, names)).collect(),
        scopes: client.scopes,
        created_at: client.created_at,
        previous_secret_until: until.filter(|until| *until > app.now()),
    }
}
