//! What can be asked of an account, and the one function that decides it.
//!
//! [`Command::touches`] says which facts a decision needs, [`apply`] makes it. Nothing but the workset is read
//! or changed: no store, no clock, no chance.

mod access;
mod action;
mod admin;
mod agent;
mod holders;
mod job;
mod outcome;
mod registration;
pub(crate) mod words;

use jiff::{Timestamp, civil::Date};
use seatpool_proto::Tag;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use self::access::AccessChange;
pub use self::action::{
    Action, Chosen, CoTermination, OrderLine, RehostStep, ReserveLine, TransferLine, Until, Verdict,
};
pub use self::admin::account::AccountChange;
use self::admin::reservation::holds::{Carried, choose};
pub use self::outcome::{Outcome, Refused};
use crate::catalogue::Catalogue;
use crate::event::{Event, EventKind};
use crate::policy::Policy;
use crate::workset::{Touches, Workset};

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "name", rename_all = "snake_case")]
pub enum Actor {
    /// A person, by sign-in name.
    User(String),
    /// A program, by client id.
    Client(String),
    /// A product instance, by id; before it has one, by UDI.
    Instance(String),
    /// The manager itself: something came due.
    System,
}

impl Actor {
    /// The name that people see.
    pub fn name(&self) -> &str {
        match self {
            Self::User(name) | Self::Client(name) | Self::Instance(name) => name,
            Self::System => "system",
        }
    }
}

/// Where new ids come from: handed in, so that the same seed makes the same run.
pub trait Ids {
    /// A new UUID (version 7).
    fn uuid(&mut self) -> Uuid;
    /// A new certificate serial number: 16 bytes with at least 64 from a cryptographic source, the first
    /// between 1 and 127 (RFC 5280, section 4.1.2.2; CA/Browser Forum BR, section 7.1).
    fn certificate_serial(&mut self) -> [u8; 16];
}

/// What decisions depend on beside the facts.
pub struct Context<'a> {
    /// The present time.
    pub now: Timestamp,
    /// The tags that exist.
    pub catalogue: &'a Catalogue,
    /// The manager's periods.
    pub policy: &'a Policy,
    /// New ids.
    pub ids: &'a mut dyn Ids,
}

impl Context<'_> {
    /// A licence's name for people; its tag where the catalogue does not know it.
    pub(crate) fn license_name<'t>(&'t self, tag: &'t Tag) -> &'t str {
        self.catalogue.license(tag).map_or(tag.as_str(), |license| license.name.as_str())
    }
}

/// A command with who asks and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Who.
    pub actor: Actor,
    /// The network address it came from, if any.
    pub source: Option<String>,
    /// What.
    pub action: Action,
}

impl Command {
    /// What must be loaded before it is applied.
    pub fn touches(&self) -> Touches {
        match &self.action {
            Action::Register { .. } | Action::Ask { .. } | Action::FinishIssuance { .. } => {
                agent::touches(&self.action)
            }
            Action::ExpireAuthorizations { .. } | Action::ReassessLots { .. } => job::touches(&self.action),
            Action::Access { .. } => access::touches(),
            _ => admin::touches(&self.action),
        }
    }
}

/// Decides one command: changes the workset and says what came of it, or refuses and changes nothing.
///
/// Two refusals are on record: where a request turns out to be of another copy of the instance (`clone_detected`), the
/// alert about it is in the workset, and where an export-restricted feature has no licence to spare
/// (`export_not_available`), that its instance waits. Both are to be committed with the rest of the batch.
pub fn apply(command: Command, workset: &mut Workset, context: &mut Context<'_>) -> Result<Outcome, Refused> {
    let by = By { actor: command.actor, source: command.source };
    match command.action {
        action @ (Action::Register { .. } | Action::Ask { .. } | Action::FinishIssuance { .. }) => {
            agent::apply(action, &by, workset, context)
        }
        action @ (Action::ExpireAuthorizations { .. } | Action::ReassessLots { .. }) => {
            Ok(job::apply(action, &by, workset, context))
        }
        Action::Access { change, held } => access::apply(change, &held, &by, workset, context),
        action => admin::apply(action, &by, workset, context),
    }
}

/// Who asks, as events record it.
pub(crate) struct By {
    pub(crate) actor: Actor,
    pub(crate) source: Option<String>,
}

impl By {
    /// An event of theirs, about nothing in particular yet.
    pub(crate) fn event(&self, kind: EventKind, at: Timestamp, message: String) -> Event {
        Event {
            number: 0,
            at,
            actor: self.actor.clone(),
            source: self.source.clone(),
            kind,
            virtual_account: None,
            tag: None,
            instance: None,
            message,
            before: None,
            after: None,
            previous_hash: None,
            hash: None,
        }
    }
}

/// The first instant of a calendar day in UTC.
pub fn start_of(day: Date) -> Option<Timestamp> {
    day.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}
