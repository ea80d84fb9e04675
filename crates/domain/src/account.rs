//! Smart accounts and their virtual accounts.

use jiff::Timestamp;
use seatpool_proto::{AccountId, Sha256, VirtualAccountId};
use serde::{Deserialize, Serialize};

use crate::command::words;
use crate::command::{Actor, By, Context, Refused};
use crate::event::EventKind;
use crate::workset::Workset;

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
    /// When it was created.
    pub created_at: Timestamp,
    /// The sequence number that the next event gets; starts at 1.
    pub next_event: u64,
    /// Hash of the last event: each event's hash covers the one before it.
    pub event_head: Option<Sha256>,
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

/// What a virtual account still holds; it can be deleted only when all are zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Registered product instances.
    pub instances: u64,
    /// Lots that have not ended.
    pub lots: u64,
}

/// Longest domain of an account, in characters (RFC 1035, section 2.3.4).
const DOMAIN_CHARS_MAX: usize = 253;

/// A new smart account with its `Default` virtual account, all in one workset: the account itself, the virtual
/// account and the event that says so.
pub fn create_account(
    id: AccountId,
    domain: &str,
    name: &str,
    export_permitted: bool,
    by: Actor,
    context: &mut Context<'_>,
) -> Result<Workset, Refused> {
    let domain = valid_domain(domain)?;
    let name = words::name("name", name)?;
    let mut workset = Workset::new(Account {
        id,
        domain,
        name,
        export_permitted,
        created_at: context.now,
        next_event: 1,
        event_head: None,
    });
    let virtual_account = VirtualAccountId(context.ids.uuid());
    workset.virtual_accounts.insert(
        virtual_account,
        VirtualAccount {
            id: virtual_account,
            name: DEFAULT_VIRTUAL_ACCOUNT.to_owned(),
            description: String::new(),
            is_default: true,
            created_at: context.now,
        },
    );
    let message = format!(
        "The smart account {} ({}) was created with the virtual account {DEFAULT_VIRTUAL_ACCOUNT}.",
        workset.account.name, workset.account.domain
    );
    let by = By { actor: by, source: None };
    workset.record(by.event(EventKind::AccountCreated, context.now, message));
    Ok(workset)
}

/// A domain as in `example.com`, or the one word that an on-prem account goes by.
fn valid_domain(text: &str) -> Result<String, Refused> {
    let domain = text.trim().to_lowercase();
    let labels_are_sound = domain.split('.').all(|label| {
        !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    });
    if domain.len() > DOMAIN_CHARS_MAX {
        Err(words::invalid("domain", format!("is longer than {DOMAIN_CHARS_MAX} characters")))
    } else if labels_are_sound {
        Ok(domain)
    } else {
        Err(words::invalid(
            "domain",
            format!("{text:?} is not one: write it as in example.com, with letters, digits and - . _"),
        ))
    }
}
