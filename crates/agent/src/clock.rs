//! The agent's estimate of the present time (behaviour.md, "Clocks").
//!
//! Between contacts it never goes back: where the local clock is set back, the estimate goes on from the last
//! known instant at the local clock's pace, so that setting the clock back stretches nothing. A fresh signed
//! time resets it, also downward, so that one boot in 2038 does no lasting harm.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::time::{after, before, between};

/// How far the local clock may be from the manager's before the manager's is used instead and an alert is
/// raised (behaviour.md, "Clocks": "More than 10 minutes off: alert").
pub const ALERT_BEYOND: SignedDuration = SignedDuration::from_mins(10);

/// The estimate's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// The latest instant that is known to have passed.
    pub last_known: Timestamp,
    /// What is added to the local clock.
    pub correction: SignedDuration,
    /// By how much the local clock was ahead of the manager's at the last contact.
    pub local_ahead: SignedDuration,
    /// The last signed time; what is later is known from the local clock alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_at: Option<Timestamp>,
}

impl Clock {
    /// An estimate that takes the local clock at its word.
    pub fn new(local: Timestamp) -> Self {
        Self {
            last_known: local,
            correction: SignedDuration::ZERO,
            local_ahead: SignedDuration::ZERO,
            signed_at: None,
        }
    }

    /// The estimate when the local clock shows `local`.
    pub fn at(&self, local: Timestamp) -> Timestamp {
        after(local, self.correction).max(self.last_known)
    }

    /// What the local clock shows when the estimate is `instant`.
    pub fn local(&self, instant: Timestamp) -> Timestamp {
        before(instant, self.correction)
    }

    /// Takes note that the local clock shows `local`: the estimate, and by how much the local clock was found
    /// set back (zero if it was not).
    pub(crate) fn advance(&mut self, local: Timestamp) -> (Timestamp, SignedDuration) {
        let estimate = after(local, self.correction);
        if estimate < self.last_known {
            let back = between(estimate, self.last_known);
            self.correction = self.correction.saturating_add(back);
            (self.last_known, back)
        } else {
            self.last_known = estimate;
            (estimate, SignedDuration::ZERO)
        }
    }

    /// Takes a fresh signed time: the new estimate. A local clock within [`ALERT_BEYOND`] is left in charge,
    /// so that the delays of the network do not shake the schedule.
    pub(crate) fn set(&mut self, local: Timestamp, signed: Timestamp) -> Timestamp {
        self.local_ahead = between(signed, local);
        self.signed_at = Some(signed);
        self.correction = if self.is_off() { between(local, signed) } else { SignedDuration::ZERO };
        self.last_known = after(local, self.correction);
        self.last_known
    }

    /// Whether the local clock was more than [`ALERT_BEYOND`] off at the last contact.
    pub fn is_off(&self) -> bool {
        self.local_ahead.abs() > ALERT_BEYOND
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_clock_set_back_stops_nothing() {
        let mut clock = Clock::new(at("2026-01-01T00:00:00Z"));
        assert_eq!(clock.advance(at("2026-01-02T00:00:00Z")).0, at("2026-01-02T00:00:00Z"));
        let (estimate, back) = clock.advance(at("2025-01-02T00:00:00Z"));
        assert_eq!((estimate, back), (at("2026-01-02T00:00:00Z"), SignedDuration::from_hours(365 * 24)));
        assert_eq!(clock.advance(at("2025-01-03T00:00:00Z")).0, at("2026-01-03T00:00:00Z"));
        assert_eq!(clock.local(at("2026-01-04T00:00:00Z")), at("2025-01-04T00:00:00Z"));
    }

    #[test]
    fn a_signed_time_resets_it_also_downward() {
        let mut clock = Clock::new(at("2038-01-01T00:00:00Z"));
        assert_eq!(
            clock.set(at("2038-01-01T00:00:00Z"), at("2026-05-01T00:00:00Z")),
            at("2026-05-01T00:00:00Z")
        );
        assert!(clock.is_off());
        assert_eq!(clock.at(at("2038-01-01T01:00:00Z")), at("2026-05-01T01:00:00Z"));
        // The local clock is corrected: nothing is lost but the time until the next contact.
        assert_eq!(
            clock.set(at("2026-05-01T02:00:00Z"), at("2026-05-01T02:00:03Z")),
            at("2026-05-01T02:00:00Z")
        );
        assert!(!clock.is_off());
    }
}
