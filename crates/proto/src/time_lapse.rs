//! Time lapse, for demonstrations: a clock that runs faster than the real one.
//!
//! Only the arithmetic is here. A shell may use it only where the vendor root in force was made for
//! demonstration ([`crate::certificate::DEMONSTRATION_UNIT`]); a production root refuses it.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Most by which time may be sped up.
pub const FACTOR_MAX: u32 = 100_000;

/// A sped-up clock: at `anchor` it shows the real time, and from there it runs `factor` times as fast.
/// Written `FACTOR@ANCHOR`, as in `180@2026-11-22T00:00:00Z`, so that processes that are given the same
/// text agree on the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeLapse {
    factor: u32,
    anchor: Timestamp,
}

/// The text is not a time lapse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a time lapse is written FACTOR@TIMESTAMP with a factor from 1 to {FACTOR_MAX}, as in 180@2026-11-22T00:00:00Z"
)]
pub struct InvalidTimeLapse;

impl TimeLapse {
    /// A clock that shows `anchor` at `anchor` and runs `factor` times as fast (1 to [`FACTOR_MAX`]).
    pub fn new(factor: u32, anchor: Timestamp) -> Result<Self, InvalidTimeLapse> {
        if (1..=FACTOR_MAX).contains(&factor) { Ok(Self { factor, anchor }) } else { Err(InvalidTimeLapse) }
    }

    /// How many times as fast.
    pub fn factor(&self) -> u32 {
        self.factor
    }

    /// What the sped-up clock shows when the real one shows `real`; before the anchor it is as much
    /// earlier. Ends at the first and last instants that can be told.
    pub fn at(&self, real: Timestamp) -> Timestamp {
        let passed = real.duration_since(self.anchor);
        let (extreme, latest) = if passed.is_negative() {
            (SignedDuration::MIN, Timestamp::MIN)
        } else {
            (SignedDuration::MAX, Timestamp::MAX)
        };
        let lapsed = passed.checked_mul(i32::try_from(self.factor).unwrap_or(i32::MAX)).unwrap_or(extreme);
        self.anchor.checked_add(lapsed).unwrap_or(latest)
    }

    /// How long to wait in real time for `span` to pass on the sped-up clock.
    pub fn real(&self, span: Duration) -> Duration {
        span / self.factor
    }
}

impl fmt::Display for TimeLapse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.factor, self.anchor)
    }
}

impl FromStr for TimeLapse {
    type Err = InvalidTimeLapse;

    fn from_str(text: &str) -> Result<Self, InvalidTimeLapse> {
        let (factor, anchor) = text.split_once('@').ok_or(InvalidTimeLapse)?;
        Self::new(
            factor.parse().map_err(|_| InvalidTimeLapse)?,
            anchor.parse().map_err(|_| InvalidTimeLapse)?,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lapsed_minute_takes_a_real_second_at_sixty() {
        let lapse: TimeLapse = "60@2026-11-22T00:00:00Z".parse().unwrap();
        let real: Timestamp = "2026-11-22T00:00:10Z".parse().unwrap();
        assert_eq!(lapse.at(real).to_string(), "2026-11-22T00:10:00Z");
        assert_eq!(lapse.real(Duration::from_mins(1)), Duration::from_secs(1));
        assert_eq!(lapse.to_string().parse(), Ok(lapse));
        assert!("0@2026-11-22T00:00:00Z".parse::<TimeLapse>().is_err());
    }
}
