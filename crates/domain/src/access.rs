//! Who may do what: roles and the people and programs that hold them.

use jiff::Timestamp;
use seatpool_proto::{AccountId, VirtualAccountId};
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

/// A person who signs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Unique on this manager.
    pub id: Uuid,
    /// The account whose roles it holds.
    pub account: AccountId,
    /// Sign-in name, unique on this manager, lower case.
    pub login: String,
    /// argon2id, as a PHC string.
    pub password_hash: String,
    /// What it may do.
    pub roles: Vec<Role>,
    /// When it was created.
    pub created_at: Timestamp,
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
    /// When it was created.
    pub created_at: Timestamp,
}
