//! Who may do what. Every use case takes a [`Principal`] and asks [`check`] before it looks at anything;
//! what belongs to another account answers exactly as if it did not exist.

pub mod attempts;
pub mod clients;
pub mod invitations;
pub mod oidc;
pub mod password;
pub mod second_factor;
pub mod sessions;
mod totp;

use seatpool_domain::access::{OauthScope, Role};
use seatpool_domain::account::Account;
use seatpool_domain::command::{AccessChange, Action, Actor, Command, Outcome, Refused};
use seatpool_proto::{AccountId, VirtualAccountId};

use super::{App, AppError};
pub use password::{check_strength, hash as hash_password};

/// What all sign-ins share: how many passwords are hashed at a time, and who has to wait.
#[derive(Debug, Default)]
pub struct Gate {
    /// Computes password hashes.
    pub(crate) hashing: password::Hashing,
    /// Slows down guessing.
    pub(crate) attempts: attempts::Attempts,
    /// The single sign-on provider, if there is one.
    pub(crate) oidc: Option<oidc::Provider>,
}

/// Who asks, with what it may do and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// As events name it.
    pub actor: Actor,
    /// The account whose roles it holds.
    pub account: AccountId,
    /// What it may do in that account.
    pub roles: Vec<Role>,
    /// What it may use of its roles: everything, but for OAuth2 clients that were given less.
    pub scopes: Vec<OauthScope>,
    /// The network address it asks from, if any.
    pub source: Option<String>,
}

/// What a use case needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Know that the account exists, and the virtual accounts of it that one may read.
    SeeAccount,
    /// Read everything of the account but secrets.
    ReadAccount,
    /// Create, change and delete virtual accounts; create clients.
    ManageAccount,
    /// Invite, change and delete users.
    ManageUsers,
    /// Read one virtual account but its tokens.
    ReadVirtualAccount(VirtualAccountId),
    /// Licences and product instances of one virtual account.
    ManageVirtualAccount(VirtualAccountId),
    /// Registration tokens of one virtual account.
    ManageTokens(VirtualAccountId),
    /// Approve what another administrator asked for.
    Approve,
    /// Deposit what orders bought; release the licences of a failed product.
    Deposit,
    /// Create smart accounts.
    CreateAccounts,
}

impl Permission {
    /// Who has it, for the sentence that refuses.
    fn holders(self) -> &'static str {
        match self {
            Self::SeeAccount | Self::ReadVirtualAccount(_) => "any role in it",
            Self::ReadAccount => "account administrator or approver",
            Self::ManageAccount => "account administrator",
            Self::ManageUsers => "account administrator",
            Self::ManageVirtualAccount(_) | Self::ManageTokens(_) => {
                "account administrator or virtual account administrator"
            }
            Self::Approve => "approver",
            Self::Deposit | Self::CreateAccounts => "vendor operator",
        }
    }

    /// The scope that it takes; every scope reads.
    fn scope(self) -> Option<OauthScope> {
        match self {
            Self::SeeAccount | Self::ReadAccount | Self::ReadVirtualAccount(_) => None,
            Self::ManageAccount | Self::ManageUsers | Self::CreateAccounts => Some(OauthScope::Admin),
            Self::ManageVirtualAccount(_) | Self::Approve => Some(OauthScope::Inventory),
            Self::ManageTokens(_) => Some(OauthScope::Tokens),
            Self::Deposit => Some(OauthScope::Orders),
        }
    }
}

/// Which virtual accounts of an account a principal may read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All.
    All,
    /// These.
    Only(Vec<VirtualAccountId>),
}

impl Scope {
    /// Whether this virtual account is among them.
    pub fn contains(&self, virtual_account: VirtualAccountId) -> bool {
        match self {
            Self::All => true,
            Self::Only(some) => some.contains(&virtual_account),
        }
    }
}

impl Principal {
    /// Whether it operates for the vendor, on every account of this manager.
    pub fn is_operator(&self) -> bool {
        self.roles.contains(&Role::VendorOperator)
    }

    /// Which virtual accounts of `account` it may read.
    pub fn scope(&self, account: AccountId) -> Scope {
        if allows(self, account, Permission::ReadAccount) {
            return Scope::All;
        }
        let own = |role: &Role| match role {
            Role::VirtualAccountAdministrator(id) | Role::VirtualAccountUser(id) => Some(*id),
            _ => None,
        };
        let own =
            if self.account == account { self.roles.iter().filter_map(own).collect() } else { Vec::new() };
        Scope::Only(own)
    }

    /// The roles that it holds in `account`: in an account that is not its own, a vendor operator's alone.
    pub fn held(&self, account: AccountId) -> Vec<Role> {
        let counts = |role: &Role| self.account == account || *role == Role::VendorOperator;
        self.roles.iter().copied().filter(counts).collect()
    }

    /// Its roles, in the words that people use.
    pub fn role_words(&self) -> String {
        let words: Vec<_> = self.roles.iter().map(|role| role_word(*role)).collect();
        words.join(", ")
    }
}

/// A role in the words that people use.
pub fn role_word(role: Role) -> &'static str {
    match role {
        Role::VendorOperator => "vendor operator",
        Role::AccountAdministrator => "account administrator",
        Role::VirtualAccountAdministrator(_) => "virtual account administrator",
        Role::VirtualAccountUser(_) => "virtual account user",
        Role::Approver => "approver",
    }
}

/// Whether `principal` may do this in `account`. A vendor operator reads every account and deposits into it,
/// but sees no tokens and manages nothing of a customer's.
pub fn allows(principal: &Principal, account: AccountId, permission: Permission) -> bool {
    holds(principal, account, permission)
        && permission.scope().is_none_or(|scope| principal.scopes.contains(&scope))
}

/// Whether its roles include this, whatever its scopes.
fn holds(principal: &Principal, account: AccountId, permission: Permission) -> bool {
    let own = principal.account == account;
    principal.roles.iter().any(|role| match (role, permission) {
        (
            Role::VendorOperator,
            Permission::SeeAccount
            | Permission::ReadAccount
            | Permission::ReadVirtualAccount(_)
            | Permission::Deposit
            | Permission::CreateAccounts,
        ) => true,
        (_, Permission::Deposit | Permission::CreateAccounts) => false,
        (role, Permission::Approve) => own && *role == Role::Approver,
        (Role::AccountAdministrator, _) | (Role::VendorOperator, Permission::ManageUsers) => own,
        (
            Role::Approver,
            Permission::SeeAccount | Permission::ReadAccount | Permission::ReadVirtualAccount(_),
        ) => own,
        (Role::VirtualAccountAdministrator(_) | Role::VirtualAccountUser(_), Permission::SeeAccount) => own,
        (
            Role::VirtualAccountAdministrator(mine),
            Permission::ManageVirtualAccount(id) | Permission::ManageTokens(id),
        ) => own && *mine == id,
        (
            Role::VirtualAccountAdministrator(mine) | Role::VirtualAccountUser(mine),
            Permission::ReadVirtualAccount(id),
        ) => own && *mine == id,
        _ => false,
    })
}

/// Refuses unless `principal` may do this: as unknown what it may not even see, as forbidden the rest.
pub fn check(principal: &Principal, account: AccountId, permission: Permission) -> Result<(), AppError> {
    if allows(principal, account, permission) {
        return Ok(());
    }
    if let Some(scope) = permission.scope()
        && holds(principal, account, permission)
    {
        return Err(AppError::OutOfScope { scope: scope.as_str() });
    }
    if permission == Permission::CreateAccounts {
        return Err(forbidden(permission));
    }
    if !allows(principal, account, Permission::SeeAccount) {
        return Err(unknown("smart account"));
    }
    match permission {
        Permission::ReadVirtualAccount(id)
        | Permission::ManageVirtualAccount(id)
        | Permission::ManageTokens(id)
            if !allows(principal, account, Permission::ReadVirtualAccount(id)) =>
        {
            Err(unknown("virtual account"))
        }
        _ => Err(forbidden(permission)),
    }
}

fn forbidden(permission: Permission) -> AppError {
    AppError::Forbidden { needs: permission.holders() }
}

/// There is no such thing, or none that this principal may know of.
pub fn unknown(what: &'static str) -> AppError {
    AppError::Refused(Refused::Unknown { what })
}

/// There is nothing of this name, or nothing that this principal may know of; `hint` says how to list what there is.
pub fn unknown_name(what: &'static str, name: &str, hint: &'static str) -> AppError {
    AppError::Refused(Refused::UnknownName { what, name: name.to_owned(), hint })
}

/// The account with this domain, if `principal` may see it.
pub async fn account(app: &App, principal: &Principal, domain: &str) -> Result<Account, AppError> {
    let account = app.store().account_by_domain(&domain.trim().to_lowercase()).await?;
    let account = account.ok_or_else(|| unknown("smart account"))?;
    check(principal, account.id, Permission::SeeAccount)?;
    Ok(account)
}

/// Has the ledger of `account` carry out an action in the principal's name. The caller has checked that
/// it may.
pub(super) async fn submit(
    app: &App,
    principal: &Principal,
    account: AccountId,
    action: Action,
) -> Result<Outcome, AppError> {
    app.submit(account, command(principal, action)).await
}

/// An action in the principal's name.
pub(super) fn command(principal: &Principal, action: Action) -> Command {
    Command { actor: principal.actor.clone(), source: principal.source.clone(), action }
}

/// Has the ledger of `account` carry out a change of who may sign in or call, in the principal's name.
pub(super) async fn change(
    app: &App,
    principal: &Principal,
    account: AccountId,
    change: AccessChange,
) -> Result<Outcome, AppError> {
    let held = principal.held(account);
    submit(app, principal, account, Action::Access { change, held }).await
}

#[cfg(test)]
mod tests {
    use seatpool_proto::{AccountId, VirtualAccountId};
    use uuid::Uuid;

    use super::*;

    const HOME: AccountId = AccountId(Uuid::from_u128(1));
    const AWAY: AccountId = AccountId(Uuid::from_u128(2));
    const MINE: VirtualAccountId = VirtualAccountId(Uuid::from_u128(3));
    const OTHER: VirtualAccountId = VirtualAccountId(Uuid::from_u128(4));

    fn principal(role: Role) -> Principal {
        Principal {
            actor: Actor::User("p".into()),
            account: HOME,
            roles: vec![role],
            scopes: OauthScope::ALL.into(),
            source: None,
        }
    }

    /// One letter per permission in the order see, read, manage, read mine, manage mine, read other,
    /// manage other, approve, deposit, create accounts: `y` allowed, `f` forbidden, `u` unknown.
    fn answers(role: Role, account: AccountId) -> String {
        use Permission::{
            Approve, CreateAccounts, Deposit, ManageAccount, ManageVirtualAccount, ReadAccount,
            ReadVirtualAccount, SeeAccount,
        };
        let permissions = [
            SeeAccount,
            ReadAccount,
            ManageAccount,
            ReadVirtualAccount(MINE),
            ManageVirtualAccount(MINE),
            ReadVirtualAccount(OTHER),
            ManageVirtualAccount(OTHER),
            Approve,
            Deposit,
            CreateAccounts,
        ];
        let answer = |permission| match check(&principal(role), account, permission) {
            Ok(()) => 'y',
            Err(AppError::Forbidden { .. }) => 'f',
            Err(_) => 'u',
        };
        permissions.into_iter().map(answer).collect()
    }

    #[test]
    fn each_role_may_do_its_own_and_learns_nothing_of_others() {
        for (role, home, away) in [
            (Role::VendorOperator, "yyfyfyffyy", "yyfyfyffyy"),
            (Role::AccountAdministrator, "yyyyyyyfff", "uuuuuuuuuf"),
            (Role::VirtualAccountAdministrator(MINE), "yffyyuufff", "uuuuuuuuuf"),
            (Role::VirtualAccountUser(MINE), "yffyfuufff", "uuuuuuuuuf"),
            (Role::Approver, "yyfyfyfyff", "uuuuuuuuuf"),
        ] {
            assert_eq!(answers(role, HOME), home, "{role:?} at home");
            assert_eq!(answers(role, AWAY), away, "{role:?} away");
        }
    }

    #[test]
    fn a_scope_takes_away_and_never_gives() {
        let allowed = |role, scope| {
            let principal = Principal { scopes: vec![scope], ..principal(role) };
            let permissions = [
                Permission::ReadAccount,
                Permission::ManageAccount,
                Permission::ManageUsers,
                Permission::ManageVirtualAccount(MINE),
                Permission::ManageTokens(MINE),
                Permission::Deposit,
                Permission::CreateAccounts,
            ];
            let answer = |permission| match check(&principal, HOME, permission) {
                Ok(()) => 'y',
                Err(AppError::OutOfScope { .. }) => 's',
                Err(AppError::Forbidden { .. }) => 'f',
                Err(_) => 'u',
            };
            permissions.into_iter().map(answer).collect::<String>()
        };
        for (scope, administrator, operator) in [
            (OauthScope::Read, "yssssff", "yfsffss"),
            (OauthScope::Inventory, "yssysff", "yfsffss"),
            (OauthScope::Tokens, "ysssyff", "yfsffss"),
            (OauthScope::Orders, "yssssff", "yfsffys"),
            (OauthScope::Admin, "yyyssff", "yfyffsy"),
        ] {
            assert_eq!(allowed(Role::AccountAdministrator, scope), administrator, "{scope:?}");
            assert_eq!(allowed(Role::VendorOperator, scope), operator, "{scope:?}");
        }
    }

    #[test]
    fn in_another_account_only_the_vendors_role_counts() {
        let mut both = principal(Role::VendorOperator);
        both.roles.push(Role::AccountAdministrator);
        assert_eq!(both.held(HOME), both.roles);
        assert_eq!(both.held(AWAY), [Role::VendorOperator]);
    }

    #[test]
    fn the_scope_of_a_role_is_what_it_may_read() {
        assert_eq!(principal(Role::VendorOperator).scope(AWAY), Scope::All);
        assert_eq!(principal(Role::AccountAdministrator).scope(HOME), Scope::All);
        assert_eq!(principal(Role::AccountAdministrator).scope(AWAY), Scope::Only(vec![]));
        assert_eq!(principal(Role::VirtualAccountUser(MINE)).scope(HOME), Scope::Only(vec![MINE]));
        assert_eq!(principal(Role::VirtualAccountUser(MINE)).scope(AWAY), Scope::Only(vec![]));
    }
}
