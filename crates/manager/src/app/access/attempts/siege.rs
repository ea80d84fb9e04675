//! One login while it is guessed at from everywhere: who may still try, and when.
//!
//! Attempts from networks that nobody signed in from fill a bucket, `open`. While it is full the login is
//! *besieged*, and each such attempt takes a *turn*. Turns come from two lanes. A provider's network has a few turns
//! in a day in the lane of newcomers, where most turns are free at once; all others queue in the lane of those who
//! return, one place for each routed network. A turn is an appointment: it is kept for its network until it is
//! used or missed, so that coming more often gives nobody more, and nobody can push in.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::bucket::{Bucket, Measure};
use super::network::{Network, Prefix};
use super::{DAY_SECONDS, seconds_until};

/// Attempts at one login from networks that are not known, before it is besieged: 20, and one more in an hour.
pub(super) const OPEN: Measure = Measure { holds: 20, seconds_each: 3600 };
/// Turns of newcomers: 60 at once, and one more in 36 minutes, which are 40 in a day.
pub(super) const NEWCOMERS: Measure = Measure { holds: 60, seconds_each: 2160 };
/// Turns of those who return: one in 40 minutes, which are 36 in a day.
pub(super) const RETURNING: Measure = Measure { holds: 1, seconds_each: 2400 };
/// How many turns a provider's network has in the lane of newcomers in a day.
pub(super) const NEWCOMER_TURNS: usize = 2;
/// How long a turn is kept for who has it, in seconds.
pub(super) const TURN_SECONDS: i64 = 3600;

/// What is known of a login that was tried.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) open: Bucket,
    newcomers: Bucket,
    returning: Bucket,
    /// Turns that were given and not used yet, by who has them.
    turns: HashMap<Prefix, Timestamp>,
    /// When a provider's network was given its turns as a newcomer.
    newcomer_turns: HashMap<Prefix, Vec<Timestamp>>,
}

/// How an attempt got in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// The login is not besieged.
    Open,
    /// By a turn.
    Turn,
}

impl Login {
    pub(super) fn new(now: Timestamp) -> Self {
        let empty = Bucket::empty(now);
        Self {
            open: empty,
            newcomers: empty,
            returning: empty,
            turns: HashMap::new(),
            newcomer_turns: HashMap::new(),
        }
    }

    /// Lets an attempt in, or says in how many seconds there is a turn for it.
    pub(super) fn enter(&mut self, from: Network, now: Timestamp) -> Result<Entry, u64> {
        let entry = if self.open.room_at(OPEN, now) <= now {
            Entry::Open
        } else {
            self.turn(from, now)?;
            Entry::Turn
        };
        self.open.fill(OPEN, now);
        Ok(entry)
    }

    /// Gives back what an attempt that taught nobody anything took.
    pub(super) fn give_back(&mut self, from: Network, entry: Entry, now: Timestamp) {
        self.open.take_back(OPEN);
        if entry == Entry::Turn {
            self.turns.insert(from.routed, now);
        }
    }

    fn turn(&mut self, from: Network, now: Timestamp) -> Result<(), u64> {
        match self.turns.get(&from.routed) {
            Some(at) if *at > now => return Err(seconds_until(*at, now)),
            Some(at) if now.duration_since(*at).as_secs() < TURN_SECONDS => {
                self.turns.remove(&from.routed);
                return Ok(());
            }
            _ => {}
        }
        self.forget(now);
        let given = self.newcomer_turns.get(&from.provider).map_or(0, Vec::len);
        let is_newcomer = given < NEWCOMER_TURNS;
        let (lane, measure) =
            if is_newcomer { (&mut self.newcomers, NEWCOMERS) } else { (&mut self.returning, RETURNING) };
        let at = lane.room_at(measure, now);
        if at.duration_since(now).as_secs() > DAY_SECONDS {
            // No turn is promised further ahead: what is promised takes memory.
            return Err(DAY_SECONDS.unsigned_abs());
        }
        lane.add(measure, now);
        if is_newcomer {
            self.newcomer_turns.entry(from.provider).or_default().push(now);
        }
        if at <= now {
            return Ok(());
        }
        self.turns.insert(from.routed, at);
        Err(seconds_until(at, now))
    }

    /// Forgets turns that were missed, and who is a newcomer again.
    fn forget(&mut self, now: Timestamp) {
        let is_within =
            |at: &Timestamp, seconds: i64| now.duration_since(*at) < SignedDuration::from_secs(seconds);
        self.turns.retain(|_, at| is_within(at, TURN_SECONDS));
        self.newcomer_turns.retain(|_, given| {
            given.retain(|at| is_within(at, DAY_SECONDS));
            !given.is_empty()
        });
    }

    /// How many networks are remembered.
    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.turns.len() + self.newcomer_turns.len()
    }
}
