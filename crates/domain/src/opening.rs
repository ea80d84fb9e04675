//! Opening a smart account.

use jiff::Timestamp;
use seatpool_proto::{AccountId, VirtualAccountId};

use crate::account::{Account, DEFAULT_VIRTUAL_ACCOUNT, VirtualAccount};
use crate::command::Actor;
use crate::event::{Event, EventKind};
use crate::workset::Workset;

/// What a new smart account is to be.
#[derive(Clone, Debug)]
pub struct Opening {
    /// Its id.
    pub id: AccountId,
    /// The id of its virtual account [`DEFAULT_VIRTUAL_ACCOUNT`].
    pub default_virtual_account: VirtualAccountId,
    /// Its domain, lower case; the caller has checked its form.
    pub domain: String,
    /// Its name for people.
    pub name: String,
    /// Whether export-controlled functionality may be permitted at all.
    pub export_permitted: bool,
    /// Who opens it.
    pub actor: Actor,
    /// The network address it came from, if any.
    pub source: Option<String>,
}

impl Opening {
    /// The facts of the new account: itself, its first virtual account and its first event.
    pub fn into_workset(self, now: Timestamp) -> Workset {
        let mut workset = Workset::new(Account {
            id: self.id,
            domain: self.domain,
            name: self.name,
            export_permitted: self.export_permitted,
            created_at: now,
            next_event: 1,
            event_head: None,
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
        let message =
            format!("The smart account {:?} ({}) was created.", workset.account.name, workset.account.domain);
        let event = Event {
            number: 0,
            at: now,
            actor: self.actor,
            source: self.source,
            kind: EventKind::AccountCreated,
            virtual_account: Some(self.default_virtual_account),
            tag: None,
            instance: None,
            message,
            before: None,
            after: None,
            previous_hash: None,
            hash: None,
        };
        let event = event.chain(&mut workset.account);
        workset.events.push(event);
        workset
    }
}
