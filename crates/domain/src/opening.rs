//! Opening a smart account.

use jiff::Timestamp;
use seatpool_proto::{AccountId, VirtualAccountId};

use crate::access::SignInRules;
use crate::account::{Account, DEFAULT_VIRTUAL_ACCOUNT, VirtualAccount};
use crate::command::{Actor, By, Refused, words};
use crate::event::EventKind;
use crate::workset::Workset;

/// Longest domain of an account, in characters (RFC 1035, section 2.3.4).
const DOMAIN_CHARS_MAX: usize = 253;

/// What a new smart account is to be.
#[derive(Clone, Debug)]
pub struct Opening {
    /// Its id.
    pub id: AccountId,
    /// The id of its virtual account [`DEFAULT_VIRTUAL_ACCOUNT`].
    pub default_virtual_account: VirtualAccountId,
    /// Its domain, in any case.
    pub domain: String,
    /// Its name for people.
    pub name: String,
    /// Whether export-controlled functionality may be permitted at all.
    pub export_permitted: bool,
    /// Whether products may reserve all licences without counting.
    pub universal_permitted: bool,
    /// Who opens it.
    pub actor: Actor,
    /// The network address it came from, if any.
    pub source: Option<String>,
}

impl Opening {
    /// The facts of the new account: itself, its first virtual account and its first event.
    ///
    /// # Errors
    /// Refuses a domain or a name that can't be one.
    pub fn into_workset(self, now: Timestamp) -> Result<Workset, Refused> {
        let mut workset = Workset::new(Account {
            id: self.id,
            domain: valid_domain(&self.domain)?,
            name: words::name("name", &self.name)?,
            export_permitted: self.export_permitted,
            universal_permitted: self.universal_permitted,
            created_at: now,
            next_event: 1,
            event_head: None,
            sign_in_rules: SignInRules::default(),
        });
        workset.virtual_accounts.insert(
            self.default_virtual_account,
            VirtualAccount {
                id: self.default_virtual_account,
                name: DEFAULT_VIRTUAL_ACCOUNT.to_owned(),
                description: "Created with the smart account".to_owned(),
                is_default: true,
                created_at: now,
            },
        );
        let message = format!(
            "The smart account {} ({}) was created with the virtual account {DEFAULT_VIRTUAL_ACCOUNT}.",
            workset.account.name, workset.account.domain
        );
        let by = By { actor: self.actor, source: self.source };
        let mut event = by.event(EventKind::AccountCreated, now, message);
        event.virtual_account = Some(self.default_virtual_account);
        workset.record(event);
        Ok(workset)
    }
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
