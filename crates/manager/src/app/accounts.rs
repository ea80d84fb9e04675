//! Smart accounts and their virtual accounts.

mod change;

use jiff::Timestamp;
use seatpool_domain::access::Role;
use seatpool_domain::account::{Account, VirtualAccount, VirtualAccountWords};
use seatpool_domain::command::{Action, Outcome, Refused};
use seatpool_domain::opening::{FirstAdministrator, Opening};
use seatpool_proto::{AccountId, VirtualAccountId};
use seatpool_store::{AccountFilter, Page, Paged, StoreError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::{self, Permission, Principal, check, unknown};
use super::{App, AppError};
pub use change::{AccountChange, AccountPreview, AccountTermsView, change, preview};

/// A smart account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountView {
    /// Unique on this manager.
    #[schema(value_type = Uuid)]
    pub id: AccountId,
    /// Its domain, as in `example.com`.
    pub domain: String,
    /// Name for people.
    pub name: String,
    /// Whether its tokens may allow export-controlled functionality.
    pub export_permitted: bool,
    /// Whether its products may reserve all licences without counting.
    pub universal_permitted: bool,
    /// When it was created.
    pub created_at: Timestamp,
}

impl From<Account> for AccountView {
    fn from(account: Account) -> Self {
        Self {
            id: account.id,
            domain: account.domain,
            name: account.name,
            export_permitted: account.export_permitted,
            universal_permitted: account.universal_permitted,
            created_at: account.created_at,
        }
    }
}

/// A virtual account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VirtualAccountView {
    /// Unique within the smart account.
    #[schema(value_type = Uuid)]
    pub id: VirtualAccountId,
    /// Unique within the smart account, compared without regard to case.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether it is the one that every smart account has and that is never deleted.
    pub is_default: bool,
    /// When it was created.
    pub created_at: Timestamp,
}

impl From<VirtualAccount> for VirtualAccountView {
    fn from(row: VirtualAccount) -> Self {
        Self {
            id: row.id,
            name: row.name,
            description: row.description,
            is_default: row.is_default,
            created_at: row.created_at,
        }
    }
}

/// What to change of a virtual account; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct VirtualAccountChange {
    /// The new name.
    pub name: Option<String>,
    /// The new description.
    pub description: Option<String>,
    /// What was seen when the change was made up: refused if what it changes is something else by now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen: Option<SeenVirtualAccount>,
}

/// What can change of a virtual account, as it was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SeenVirtualAccount {
    /// Its name.
    pub name: String,
    /// What it was for.
    pub description: String,
}

/// What a new smart account is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// Its domain, as in `example.com`: at most 253 letters, digits, `.`, `-`, `_`.
    pub domain: String,
    /// Name for people; the domain if absent.
    #[serde(default)]
    pub name: Option<String>,
    /// Whether its tokens may allow export-controlled functionality.
    #[serde(default)]
    pub export_permitted: bool,
    /// Whether its products may reserve all licences without counting.
    #[serde(default)]
    pub universal_permitted: bool,
    /// The person who will administer it.
    #[serde(default)]
    pub administrator: Option<NewAdministrator>,
}

/// The person who administers a new account.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAdministrator {
    /// Sign-in name, unique on this manager.
    pub login: String,
    /// First password, 12 to 256 characters, not soon guessed.
    pub password: String,
    /// Whether the person must set another at the first sign-in: whoever chose this one knows it.
    #[serde(default = "yes")]
    pub must_change: bool,
}

fn yes() -> bool {
    true
}

impl core::fmt::Debug for NewAdministrator {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("NewAdministrator").field("login", &self.login).finish_non_exhaustive()
    }
}

/// A role as the API names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "role", rename_all = "snake_case", deny_unknown_fields)]
pub enum RoleView {
    /// Of the vendor, on every account of this manager. Granted by another vendor operator only.
    VendorOperator,
    /// Everything within the smart account but deposits.
    AccountAdministrator,
    /// Everything within one virtual account.
    VirtualAccountAdministrator {
        /// Its name.
        virtual_account: String,
    },
    /// Reads one virtual account.
    VirtualAccountUser {
        /// Its name.
        virtual_account: String,
    },
    /// Reads the account and consents to rehosting.
    Approver,
}

/// The accounts that `principal` may see, by domain.
pub async fn list(
    app: &App,
    principal: &Principal,
    domain: Option<&str>,
    page: Page,
) -> Result<Paged<AccountView>, AppError> {
    if principal.is_operator() {
        let filter = AccountFilter { domain: domain.map(str::to_lowercase) };
        let rows = app.store().accounts(filter, page).await?;
        return Ok(Paged {
            items: rows.items.into_iter().map(AccountView::from).collect(),
            total: rows.total,
        });
    }
    let own = app.store().account(principal.account).await?;
    let own: Vec<_> = own
        .filter(|account| check(principal, account.id, Permission::SeeAccount).is_ok())
        .filter(|account| domain.is_none_or(|domain| domain.eq_ignore_ascii_case(&account.domain)))
        .map(AccountView::from)
        .into_iter()
        .collect();
    let total = own.len() as u64;
    let items = own.into_iter().skip(page.offset as usize).take(page.limit as usize).collect();
    Ok(Paged { items, total })
}

/// The account with this domain.
pub async fn get(app: &App, principal: &Principal, domain: &str) -> Result<AccountView, AppError> {
    access::account(app, principal, domain).await.map(AccountView::from)
}

/// Creates a smart account with its `Default` virtual account.
pub async fn create(app: &App, principal: &Principal, new: NewAccount) -> Result<AccountView, AppError> {
    check(principal, principal.account, Permission::CreateAccounts)?;
    let name = new.name.unwrap_or_else(|| Opening::name_of(&new.domain));
    let administrator = match new.administrator {
        None => None,
        Some(person) => Some(checked_administrator(app, person, [&name, &new.domain]).await?),
    };
    let opening = Opening {
        id: AccountId(app.new_id()),
        default_virtual_account: VirtualAccountId(app.new_id()),
        domain: new.domain,
        name,
        export_permitted: new.export_permitted,
        universal_permitted: new.universal_permitted,
        administrator,
        actor: principal.actor.clone(),
        source: principal.source.clone(),
    };
    let workset = opening.into_workset(app.now())?;
    let account = workset.account.clone();
    let user = workset.users.values().next().map(|user| user.login.clone());
    match app.store().create_account(workset).await {
        Err(StoreError::Exists { .. }) => Err(taken(app, account, user).await?),
        other => Ok(other.map(|()| account.into())?),
    }
}

/// Which of the two names of a new account is taken: the domain, or the administrator's.
async fn taken(app: &App, account: Account, login: Option<String>) -> Result<AppError, AppError> {
    if let Some(login) = login
        && app.store().account_by_domain(&account.domain).await?.is_none()
    {
        return Ok(AppError::Refused(Refused::Exists { what: "user", name: login }));
    }
    Ok(AppError::Refused(Refused::Exists { what: "smart account", name: account.domain }))
}

/// The administrator with a password that neither its own name nor the account's gives away.
async fn checked_administrator(
    app: &App,
    person: NewAdministrator,
    account: [&str; 2],
) -> Result<FirstAdministrator, AppError> {
    let NewAdministrator { login, password, must_change } = person;
    let known = account.into_iter().chain([login.as_str()]).map(str::to_owned).collect();
    let hash = app.gate().hashing.hash_strong(password, known).await?;
    let password_hash =
        hash.map_err(|unusable| invalid("password", &format!("is not usable: {unusable}")))?;
    let id = app.new_id();
    Ok(FirstAdministrator { id, login, password_hash, must_change_password: must_change, is_operator: false })
}

/// A refusal of one field.
pub fn invalid(field: &'static str, problem: &str) -> AppError {
    AppError::Refused(Refused::Invalid { field, problem: problem.to_owned() })
}

/// The virtual accounts that `principal` may read, by name.
pub async fn virtual_accounts(
    app: &App,
    principal: &Principal,
    account: AccountId,
) -> Result<Vec<VirtualAccountView>, AppError> {
    check(principal, account, Permission::SeeAccount)?;
    let scope = principal.scope(account);
    let rows = app.store().virtual_accounts(account).await?;
    Ok(rows.into_iter().filter(|row| scope.contains(row.id)).map(VirtualAccountView::from).collect())
}

/// The virtual account with this name or id, if `principal` may read it.
pub async fn virtual_account(
    app: &App,
    principal: &Principal,
    account: AccountId,
    name_or_id: &str,
) -> Result<VirtualAccountView, AppError> {
    let rows = virtual_accounts(app, principal, account).await?;
    find(&rows, name_or_id).cloned().ok_or_else(|| unknown_place(name_or_id))
}

/// The virtual accounts with these names or ids; all that `principal` may read if none are named.
pub async fn virtual_accounts_named(
    app: &App,
    principal: &Principal,
    account: AccountId,
    names: &[String],
) -> Result<Vec<VirtualAccountView>, AppError> {
    let rows = virtual_accounts(app, principal, account).await?;
    if names.is_empty() {
        return Ok(rows);
    }
    let named = |name: &String| find(&rows, name).cloned().ok_or_else(|| unknown_place(name));
    let mut found = names.iter().map(named).collect::<Result<Vec<_>, _>>()?;
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found.dedup_by_key(|row| row.id);
    Ok(found)
}

/// The one of `rows` with this name or id.
pub fn find<'a>(rows: &'a [VirtualAccountView], name_or_id: &str) -> Option<&'a VirtualAccountView> {
    let wanted = name_or_id.trim().to_lowercase();
    let id: Option<VirtualAccountId> = wanted.parse().ok();
    let by_id = id.and_then(|id| rows.iter().find(|row| row.id == id));
    by_id.or_else(|| rows.iter().find(|row| row.name.to_lowercase() == wanted))
}

/// There is no virtual account of this name or id that whoever asks may know of.
pub(super) fn unknown_place(name_or_id: &str) -> AppError {
    let hint = "`seatpool va list` and GET /api/seatpool/v1/accounts/{account}/virtual-accounts list those that you may see";
    access::unknown_name("virtual account", name_or_id, hint)
}

/// Creates a virtual account.
pub async fn create_virtual_account(
    app: &App,
    principal: &Principal,
    account: AccountId,
    name: String,
    description: String,
) -> Result<VirtualAccountView, AppError> {
    check(principal, account, Permission::ManageAccount)?;
    let action = Action::CreateVirtualAccount { name, description };
    match access::submit(app, principal, account, action).await? {
        Outcome::VirtualAccount(id) => virtual_account(app, principal, account, &id.to_string()).await,
        _ => Err(AppError::Internal),
    }
}

/// Renames or describes a virtual account; what is absent stays.
pub async fn change_virtual_account(
    app: &App,
    principal: &Principal,
    account: AccountId,
    virtual_account_id: VirtualAccountId,
    change: VirtualAccountChange,
) -> Result<VirtualAccountView, AppError> {
    check(principal, account, Permission::ReadVirtualAccount(virtual_account_id))?;
    check(principal, account, Permission::ManageAccount)?;
    let VirtualAccountChange { name, description, seen } = change;
    let seen = seen.map(|SeenVirtualAccount { name, description }| VirtualAccountWords { name, description });
    let action =
        Action::ChangeVirtualAccount { virtual_account: virtual_account_id, name, description, seen };
    access::submit(app, principal, account, action).await?;
    virtual_account(app, principal, account, &virtual_account_id.to_string()).await
}

/// Deletes an empty virtual account.
pub async fn delete_virtual_account(
    app: &App,
    principal: &Principal,
    account: AccountId,
    virtual_account: VirtualAccountId,
) -> Result<(), AppError> {
    check(principal, account, Permission::ReadVirtualAccount(virtual_account))?;
    check(principal, account, Permission::ManageAccount)?;
    let action = Action::DeleteVirtualAccount { virtual_account };
    access::submit(app, principal, account, action).await.map(|_| ())
}

/// A role with the name of its virtual account (its id, should that be deleted).
pub fn role_view(role: Role, names: &[VirtualAccount]) -> RoleView {
    let name = |id: VirtualAccountId| {
        names.iter().find(|row| row.id == id).map_or_else(|| id.to_string(), |row| row.name.clone())
    };
    match role {
        Role::VendorOperator => RoleView::VendorOperator,
        Role::AccountAdministrator => RoleView::AccountAdministrator,
        Role::VirtualAccountAdministrator(id) => {
            RoleView::VirtualAccountAdministrator { virtual_account: name(id) }
        }
        Role::VirtualAccountUser(id) => RoleView::VirtualAccountUser { virtual_account: name(id) },
        Role::Approver => RoleView::Approver,
    }
}

/// The role that the API names so.
pub(super) fn role_of(role: RoleView, names: &[VirtualAccount]) -> Result<Role, AppError> {
    let id = |name: &str| {
        let matches = |row: &&VirtualAccount| row.name.to_lowercase() == name.to_lowercase();
        names.iter().find(matches).map(|row| row.id).ok_or_else(|| unknown("virtual account"))
    };
    Ok(match role {
        RoleView::VendorOperator => Role::VendorOperator,
        RoleView::AccountAdministrator => Role::AccountAdministrator,
        RoleView::VirtualAccountAdministrator { virtual_account } => {
            Role::VirtualAccountAdministrator(id(&virtual_account)?)
        }
        RoleView::VirtualAccountUser { virtual_account } => Role::VirtualAccountUser(id(&virtual_account)?),
        RoleView::Approver => Role::Approver,
    })
}
