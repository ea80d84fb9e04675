//! Verifying an account's event log: whether it is as it was written, and if not, which event is the first that is
//! not, and what became of it.
//!
//! [`Chain`] follows the log from its first event on and stops where it breaks. What happened there shows only in
//! what comes after, so an [`Inquiry`] is then shown the rest. Both take one row at a time: a log may be long.

use jiff::Timestamp;
use seatpool_proto::Sha256;
use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::event::{Event, EventKind};
use crate::lot::LotTransaction;

/// A stored row of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number, as it is stored.
    pub number: u64,
    /// What it says; none if it says nothing that was ever written, as an unknown kind of event.
    pub event: Option<Event>,
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tampering {
    /// It says something else than was written.
    Altered,
    /// It was never written there.
    Inserted,
    /// It is gone.
    Removed,
    /// It stands elsewhere.
    Reordered,
}

/// The first row that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Which: the number that the row has, or had when it was written.
    pub number: u64,
    /// What became of it.
    pub what: Tampering,
    /// How that shows, as a sentence for people.
    pub message: String,
}

impl Finding {
    fn new(number: u64, what: Tampering, message: String) -> Self {
        Self { number, what, message }
    }
}

/// Follows a log from its first event on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chain {
    length: u64,
    head: Option<Sha256>,
    /// The hash of the last event but one.
    before: Option<Sha256>,
    /// A hash of an earlier last event, which was kept elsewhere.
    kept: Option<Sha256>,
    /// Whether the event with that hash was taken.
    passed_kept: bool,
}

impl Chain {
    /// A chain that has to hold the event with this hash, which was kept elsewhere when it was the last: so it shows if
    /// the newest events were cut off together with what the account's row knows of them.
    pub fn through(kept: Option<Sha256>) -> Self {
        Self { kept, ..Self::default() }
    }

    /// Takes the row with the next higher number. Whether it is in place and unaltered; if not, nothing was taken,
    /// and an [`Inquiry`] finds out what happened.
    pub fn follow(&mut self, entry: &Entry) -> bool {
        let next = self.length + 1;
        let Some(event) = entry.event.as_ref().filter(|_| entry.number == next) else { return false };
        if event.previous_hash != self.head || event.hash != Some(event.own_hash()) {
            return false;
        }
        self.length = next;
        self.before = core::mem::replace(&mut self.head, event.hash);
        self.passed_kept |= self.kept.is_some() && event.hash == self.kept;
        true
    }

    /// How many events are in order.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The hash of the last of them.
    pub fn head(&self) -> Option<Sha256> {
        self.head
    }

    /// After the last row: whether the account knows of as many events, and of this last one.
    pub fn end(&self, account: &Account) -> Result<(), Finding> {
        let (here, known) = (self.length, account.next_event.saturating_sub(1));
        if here < known {
            let message = format!(
                "the log ends with event {here}, and the account's row knows of {known}: {} cut off",
                numbers(here + 1, known)
            );
            return Err(Finding::new(here + 1, Tampering::Removed, message));
        }
        if here > known {
            let message = format!(
                "the account's row knows of {known} events, and the log has {here}: {} added at its end",
                numbers(known + 1, here)
            );
            return Err(Finding::new(known + 1, Tampering::Inserted, message));
        }
        if self.head != account.event_head {
            let message =
                "the hash of the last event is not the one that the account's row holds: the log was \
                           written anew up to its end, from this event or an earlier one on"
                    .to_owned();
            return Err(Finding::new(here, Tampering::Altered, message));
        }
        if let Some(kept) = self.kept.filter(|_| !self.passed_kept) {
            let message = format!(
                "no event has the hash {kept} that was kept: the log was cut off before that event or written anew, and the \
                 account's row with it"
            );
            return Err(Finding::new(here + 1, Tampering::Removed, message));
        }
        Ok(())
    }
}

/// What happened where a log breaks. It is shown all rows from there on, the first of them the one that
/// [`Chain::follow`] did not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inquiry {
    chain: Chain,
    /// The row at the place.
    here: Option<Entry>,
    /// The row after it.
    next: Option<Entry>,
    /// Where the event stands that belongs to the place.
    found_at: Option<u64>,
    /// The number of the last row.
    last: u64,
}

impl Inquiry {
    /// Begins where the chain broke.
    pub fn new(chain: Chain) -> Self {
        Self { chain, here: None, next: None, found_at: None, last: 0 }
    }

    /// Takes the next row.
    pub fn see(&mut self, entry: &Entry) {
        let place = self.chain.length + 1;
        self.last = entry.number;
        if self.here.is_none() {
            self.here = Some(entry.clone());
        } else if self.next.is_none() {
            self.next = Some(entry.clone());
        }
        let belongs_here = |event: &Event| {
            event.previous_hash == self.chain.head && event.hash == Some(event.hash_as(place))
        };
        if entry.number != place && self.found_at.is_none() && entry.event.as_ref().is_some_and(belongs_here)
        {
            self.found_at = Some(entry.number);
        }
    }

    /// What happened.
    pub fn finish(self, account: &Account) -> Finding {
        let place = self.chain.length + 1;
        let Some(here) = &self.here else {
            return Finding::new(place, Tampering::Removed, format!("event {place} is missing"));
        };
        if here.number != place {
            return self.gap(place, here.number);
        }
        let authentic_as = here.event.as_ref().and_then(|event| {
            let last = self.last.max(account.next_event) + 1;
            let near = [place + 1, place.saturating_sub(1)];
            near.into_iter().chain(1..=last).find(|number| event.hash == Some(event.hash_as(*number)))
        });
        match (self.found_at, authentic_as.filter(|number| *number != place)) {
            (Some(at), Some(number)) => Finding::new(
                place,
                Tampering::Reordered,
                format!("what was written as event {place} stands at {at}, and event {number} in its place"),
            ),
            (Some(at), None) => Finding::new(
                place,
                Tampering::Inserted,
                format!("this was never written; what was written as event {place} stands at {at}"),
            ),
            (None, Some(number)) if number > place => Finding::new(
                place,
                Tampering::Removed,
                format!("event {place} is missing: event {number} was given its number"),
            ),
            (None, Some(number)) if number + 1 == place && self.follows_the_last_but_one(here) => {
                Finding::new(
                    number,
                    Tampering::Inserted,
                    format!("this was never written; what was written as event {number} stands at {place}"),
                )
            }
            (None, Some(number)) => Finding::new(
                place,
                Tampering::Altered,
                format!("what was written was replaced by a copy of event {number}"),
            ),
            (None, None) if authentic_as.is_none() => Finding::new(
                place,
                Tampering::Altered,
                "its contents are not those that its hash was made of".to_owned(),
            ),
            (None, None) => self.broken_link(place, account),
        }
    }

    /// Whether the row, which is another than the last in order, was written in that one's place.
    fn follows_the_last_but_one(&self, here: &Entry) -> bool {
        let event = here.event.as_ref();
        event.is_some_and(|event| event.previous_hash == self.chain.before && event.hash != self.chain.head)
    }

    /// There is no row with the number.
    fn gap(&self, place: u64, next: u64) -> Finding {
        match self.found_at {
            Some(at) => {
                let message = format!("what was written as event {place} stands at {at}");
                Finding::new(place, Tampering::Reordered, message)
            }
            None => {
                let message =
                    format!("after event {} comes {next}: {} gone", place - 1, numbers(place, next - 1));
                Finding::new(place, Tampering::Removed, message)
            }
        }
    }

    /// The row agrees with its own hash, but not with the row before it: one of the two was written anew with a hash
    /// of its own, and the one after them tells which.
    fn broken_link(&self, place: u64, account: &Account) -> Finding {
        let own = self.here.as_ref().and_then(|here| here.event.as_ref()?.hash);
        let followed = match &self.next {
            Some(next) => next.event.as_ref().is_some_and(|next| next.previous_hash == own),
            None => account.event_head == own,
        };
        if followed && place > 1 {
            let message = format!(
                "it was written anew with a hash of its own: event {place} names another hash as that of the one \
                 before it"
            );
            return Finding::new(place - 1, Tampering::Altered, message);
        }
        let message =
            "it was written anew with a hash of its own, and does not name the event before it".to_owned();
        Finding::new(place, Tampering::Altered, message)
    }
}

/// Verifies a whole log, in the order of its numbers.
pub fn verify(account: &Account, log: &[Entry]) -> Result<(), Finding> {
    let mut chain = Chain::default();
    for (position, entry) in log.iter().enumerate() {
        if !chain.follow(entry) {
            let mut inquiry = Inquiry::new(chain);
            log.iter().skip(position).for_each(|entry| inquiry.see(entry));
            return Err(inquiry.finish(account));
        }
    }
    chain.end(account)
}

/// Checks the lot transactions that an event wrote, by number, against the event: their numbers are made of its own.
/// What they say beside who and when is not in the chain.
pub fn check_transactions(event: &Event, written: &[LotTransaction]) -> Result<(), Finding> {
    let base = event.number * 1000;
    let deposits = matches!(event.kind, EventKind::LicensesOrdered | EventKind::LicensesRenewed);
    if written.is_empty() && deposits {
        let message = format!("event {} wrote lot transactions, and none is there", event.number);
        return Err(Finding::new(base, Tampering::Removed, message));
    }
    for (expected, row) in (base..).zip(written) {
        if row.number != expected {
            let message = format!("of the lot transactions of event {} this one is gone", event.number);
            return Err(Finding::new(expected, Tampering::Removed, message));
        }
        if in_microseconds(row.at) != event.at || row.by != event.actor.name() {
            let message = format!("it does not name who did event {}, and when", event.number);
            return Err(Finding::new(expected, Tampering::Altered, message));
        }
    }
    Ok(())
}

/// A lot transaction whose event is not in the log.
pub fn transaction_without_event(number: u64) -> Finding {
    let message = format!("there is no event {} that could have written it", number / 1000);
    Finding::new(number, Tampering::Inserted, message)
}

/// As it is stored.
fn in_microseconds(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

/// One number or several, with its verb.
fn numbers(first: u64, last: u64) -> String {
    if first == last { format!("event {first} is") } else { format!("events {first} to {last} are") }
}
