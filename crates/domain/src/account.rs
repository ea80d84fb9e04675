//! Smart accounts and their virtual accounts.

use jiff::Timestamp;
use seatpool_proto::{AccountId, Sha256, VirtualAccountId};
use serde::{Deserialize, Serialize};

use crate::access::SignInRules;

/// The virtual account that every smart account has from its beginning (features.md, A1, A2).
pub const DEFAULT_VIRTUAL_ACCOUNT: &str = "Default";

/// A smart account: one customer of the vendor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Leads every key of every table.
    pub id: AccountId,
    /// The account's domain, as in `example.com`: unique on this manager, lower case.
    pub domain: String,
    /// Name for people.
    pub name: String,
    /// Whether export-controlled functionality may be permitted at all.
    pub export_permitted: bool,
    /// Whether products may reserve all licences without counting.
    pub universal_permitted: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// The sequence number that the next event gets; starts at 1.
    pub next_event: u64,
    /// Hash of the last event: each event's hash covers the one before it.
    pub event_head: Option<Sha256>,
    /// What it demands of those who sign in.
    pub sign_in_rules: SignInRules,
}

/// What a smart account is called and what the vendor permits it: what can change of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountTerms {
    /// Name for people.
    pub name: String,
    /// Whether export-controlled functionality may be permitted at all.
    pub export_permitted: bool,
    /// Whether products may reserve all licences without counting.
    pub universal_permitted: bool,
}

impl AccountTerms {
    /// Those of an account.
    pub fn of(account: &Account) -> Self {
        Self {
            name: account.name.clone(),
            export_permitted: account.export_permitted,
            universal_permitted: account.universal_permitted,
        }
    }
}

impl core::fmt::Display for AccountTerms {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let not = |permitted| if permitted { "" } else { "not " };
        write!(
            f,
            "named {}, export-controlled functionality {}permitted, universal reservation {}permitted",
            self.name,
            not(self.export_permitted),
            not(self.universal_permitted)
        )
    }
}

/// A virtual account: a part of a smart account that holds licences and product instances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VirtualAccount {
    /// Unique within the smart account.
    pub id: VirtualAccountId,
    /// Unique within the smart account, compared without regard to case.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether it is [`DEFAULT_VIRTUAL_ACCOUNT`], which is never deleted.
    pub is_default: bool,
    /// When it was created.
    pub created_at: Timestamp,
}

impl VirtualAccount {
    /// The form in which names are compared: trimmed, lower case. Two virtual accounts of an account never
    /// have the same.
    pub fn name_key(name: &str) -> String {
        name.trim().to_lowercase()
    }
}

/// What can change of a virtual account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualAccountWords {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
}

/// What a virtual account still holds; it can be deleted only when all are zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Registered product instances.
    pub instances: u64,
    /// Lots that have not ended.
    pub lots: u64,
}
