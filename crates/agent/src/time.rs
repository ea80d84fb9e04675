//! Arithmetic on instants that neither fails nor panics: it stops at the ends of time.

use jiff::{SignedDuration, Timestamp};

/// A day is 24 hours (behaviour.md).
pub(crate) const HOURS_PER_DAY: i64 = 24;

/// `instant + span`, within what can be represented.
pub(crate) fn after(instant: Timestamp, span: SignedDuration) -> Timestamp {
    instant.checked_add(span).unwrap_or(if span.is_negative() { Timestamp::MIN } else { Timestamp::MAX })
}

/// `instant - span`, within what can be represented.
pub(crate) fn before(instant: Timestamp, span: SignedDuration) -> Timestamp {
    instant.checked_sub(span).unwrap_or(if span.is_negative() { Timestamp::MAX } else { Timestamp::MIN })
}

/// The span from `earlier` to `later`; negative if they are the other way round.
pub(crate) fn between(earlier: Timestamp, later: Timestamp) -> SignedDuration {
    later.duration_since(earlier)
}

/// That many days.
pub(crate) fn days(count: u32) -> SignedDuration {
    SignedDuration::from_hours(i64::from(count) * HOURS_PER_DAY)
}
