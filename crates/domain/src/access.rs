//! Who may do what: roles and the people and programs that hold them.

use jiff::Timestamp;
use seatpool_proto::{AccountId, Sha256, VirtualAccountId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a user or client may do (features.md, A17).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "role", content = "virtual_account", rename_all = "snake_case")]
pub enum Role {
    /// Of the vendor: creates accounts, deposits orders, on every account of this manager.
    VendorOperator,
    /// Everything within one smart account but deposits.
    AccountAdministrator,
    /// Everything within one virtual account.
    VirtualAccountAdministrator(VirtualAccountId),
    /// Reads one virtual account.
    VirtualAccountUser(VirtualAccountId),
    /// Consents to another administrator's rehosting.
    Approver,
}

impl Role {
    /// The virtual account that it is about.
    pub fn virtual_account(self) -> Option<VirtualAccountId> {
        match self {
            Self::VirtualAccountAdministrator(id) | Self::VirtualAccountUser(id) => Some(id),
            Self::VendorOperator | Self::AccountAdministrator | Self::Approver => None,
        }
    }
}

/// Whether who holds `held` in an account may give or take these roles there: nobody handles more than it holds.
pub fn covers(held: &[Role], roles: &[Role]) -> bool {
    uncovered(held, roles).is_none()
}

/// The first of `roles` that who holds `held` may neither give nor take.
pub fn uncovered(held: &[Role], roles: &[Role]) -> Option<Role> {
    let needed = |role: &Role| match role {
        Role::VendorOperator => Role::VendorOperator,
        _ => Role::AccountAdministrator,
    };
    roles.iter().copied().find(|role| !held.contains(&needed(role)))
}

/// What an OAuth2 client may use of its roles. Every scope reads what the roles read, but for the texts of
/// registration tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OauthScope {
    /// Nothing but reading.
    Read,
    /// Transfers of licences, transfers and removals of product instances.
    Inventory,
    /// Registration tokens, with their texts.
    Tokens,
    /// Deposits of orders.
    Orders,
    /// Virtual accounts, users, clients, and creating accounts.
    Admin,
}

impl OauthScope {
    /// Every scope.
    pub const ALL: [Self; 5] = [Self::Read, Self::Inventory, Self::Tokens, Self::Orders, Self::Admin];

    /// As OAuth2 names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Inventory => "inventory",
            Self::Tokens => "tokens",
            Self::Orders => "orders",
            Self::Admin => "admin",
        }
    }

    /// The scope of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == name)
    }
}

/// Whether a person may sign in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserStatus {
    /// With password or single sign-on.
    #[default]
    Active,
    /// Not any more, or not for the time being.
    Disabled,
}

/// A one-time link with which a person sets the password. Only its secret's digest is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// SHA-256 of the link's secret.
    pub hash: Sha256,
    /// From when it is refused.
    pub expires_at: Timestamp,
}

/// A person who signs in.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// Unique on this manager.
    pub id: Uuid,
    /// The account whose roles it holds.
    pub account: AccountId,
    /// Sign-in name, unique on this manager, lower case.
    pub login: String,
    /// The person's name; may be empty.
    pub name: String,
    /// argon2id, as a PHC string; none while there is no password: an invitation is out, or the person signs in
    /// by single sign-on alone.
    pub password_hash: Option<String>,
    /// What it may do.
    pub roles: Vec<Role>,
    /// When it was created.
    pub created_at: Timestamp,
    /// Whether it may sign in.
    pub status: UserStatus,
    /// Whether a new password must be set at the next sign-in.
    pub must_change_password: bool,
    /// Sessions and access tokens that began before count no more.
    pub sessions_from: Timestamp,
    /// The secret of the second factor, encrypted by the manager; none without one.
    pub second_factor: Option<String>,
    /// SHA-256 of the recovery codes that were not used yet.
    pub recovery_codes: Vec<Sha256>,
    /// The one-time link that is out.
    pub invitation: Option<Invitation>,
    /// Who it is at the single sign-on provider: issuer and subject, once it signed in there.
    pub subject: Option<String>,
}

impl core::fmt::Debug for User {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("User")
            .field("id", &self.id)
            .field("account", &self.account)
            .field("login", &self.login)
            .field("roles", &self.roles)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl User {
    /// A person with a password and without anything else.
    pub fn new(
        id: Uuid,
        account: AccountId,
        login: impl Into<String>,
        password_hash: impl Into<String>,
        roles: Vec<Role>,
        created_at: Timestamp,
    ) -> Self {
        Self {
            id,
            account,
            login: login.into(),
            name: String::new(),
            password_hash: Some(password_hash.into()),
            roles,
            created_at,
            status: UserStatus::Active,
            must_change_password: false,
            sessions_from: Timestamp::UNIX_EPOCH,
            second_factor: None,
            recovery_codes: Vec::new(),
            invitation: None,
            subject: None,
        }
    }

    /// Whether the person can sign in at present: not disabled, and with a password or single sign-on.
    pub fn can_sign_in(&self) -> bool {
        self.status == UserStatus::Active && (self.password_hash.is_some() || self.subject.is_some())
    }
}

/// A program that calls the REST API by OAuth2 client credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// `client_id`, unique on this manager.
    pub id: String,
    /// The account whose roles it holds.
    pub account: AccountId,
    /// What it is for.
    pub name: String,
    /// SHA-256 of the secret (the secret is 256 random bits, so a slow hash adds nothing), hexadecimal.
    pub secret_hash: String,
    /// What it may do.
    pub roles: Vec<Role>,
    /// What it may use of its roles.
    pub scopes: Vec<OauthScope>,
    /// When it was created.
    pub created_at: Timestamp,
    /// The secret before the present one, and until when it is taken as well.
    pub previous_secret: Option<PreviousSecret>,
    /// When it was deleted: kept so that its name stays known.
    pub deleted_at: Option<Timestamp>,
}

/// A secret that was replaced and is still taken for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviousSecret {
    /// SHA-256, hexadecimal.
    pub hash: String,
    /// From when it is refused.
    pub until: Timestamp,
}

/// What an account demands of those who sign in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInRules {
    /// Whether everybody who signs in with a password needs a second factor.
    pub second_factor_required: bool,
    /// Whether OAuth2 clients of the account may use its users' passwords (`grant_type=password`).
    pub password_grant: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_gives_what_it_does_not_hold() {
        let place = VirtualAccountId(Uuid::nil());
        let of_place = [Role::VirtualAccountUser(place), Role::VirtualAccountAdministrator(place)];
        assert!(covers(&[Role::AccountAdministrator], &of_place));
        assert!(covers(&[Role::AccountAdministrator], &[Role::AccountAdministrator, Role::Approver]));
        assert_eq!(
            uncovered(&[Role::AccountAdministrator], &[Role::Approver, Role::VendorOperator]),
            Some(Role::VendorOperator)
        );
        assert!(covers(&[Role::VendorOperator], &[Role::VendorOperator]));
        assert!(!covers(&[Role::VendorOperator], &of_place));
        assert!(!covers(&[of_place[1]], &of_place[..1]), "not even its own virtual account's");
        assert!(covers(&[], &[]));
    }

    #[test]
    fn scopes_have_names() {
        for scope in OauthScope::ALL {
            assert_eq!(OauthScope::parse(scope.as_str()), Some(scope));
        }
        assert_eq!(OauthScope::parse("everything"), None);
    }
}
