//! The retry schedule (behaviour.md, "Periods": every 15 minutes for 2 hours, then every 4 hours, ±10 %).

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::profile::RetryPeriods;
use crate::time::{after, between};

/// When something that failed, or is not yet due, is tried next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// The next attempt.
    pub next_at: Timestamp,
    /// The first failure since the last success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// Failures since the last success.
    #[serde(default)]
    pub failures: u32,
}

impl Retry {
    /// First due at `next_at`; nothing has failed.
    pub fn due_at(next_at: Timestamp) -> Self {
        Self { next_at, failing_since: None, failures: 0 }
    }

    /// Takes note of a failure. `jitter` is from 0 to 1; `sparse` asks for the long period at once.
    pub(crate) fn failed(&mut self, now: Timestamp, periods: &RetryPeriods, sparse: bool, jitter: f64) {
        let since = *self.failing_since.get_or_insert(now);
        self.failures = self.failures.saturating_add(1);
        let gap = if sparse || between(since, now) >= periods.dense_for() {
            periods.then_every()
        } else {
            periods.every()
        };
        self.next_at = after(now, spread(gap, periods.jitter_percent, jitter));
    }

    /// After the clock was set downward: no attempt is farther away than one long period.
    pub(crate) fn clamp(&mut self, now: Timestamp, periods: &RetryPeriods) {
        if let Some(since) = &mut self.failing_since {
            *since = (*since).min(now);
            self.next_at = self.next_at.min(after(now, periods.then_every()));
        }
    }
}

/// `gap` spread by ± `percent`.
fn spread(gap: SignedDuration, percent: u32, jitter: f64) -> SignedDuration {
    let jitter = if jitter.is_finite() { jitter.clamp(0.0, 1.0) } else { 0.5 };
    let share = f64::from(percent.min(100)) / 100.0 * (2.0 * jitter - 1.0);
    let millis = gap.as_millis().clamp(0, i128::from(i32::MAX)) as f64;
    SignedDuration::from_millis((millis * (1.0 + share)).round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes_of_retries(jitter: f64, sparse: bool, count: usize) -> Vec<i64> {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let mut retry = Retry::due_at(start);
        (0..count)
            .map(|_| {
                retry.failed(retry.next_at, &RetryPeriods::default(), sparse, jitter);
                between(start, retry.next_at).as_mins()
            })
            .collect()
    }

    #[test]
    fn every_quarter_for_two_hours_then_every_four() {
        assert_eq!(minutes_of_retries(0.5, false, 10), [15, 30, 45, 60, 75, 90, 105, 120, 360, 600]);
        assert_eq!(minutes_of_retries(0.5, true, 2), [240, 480]);
    }

    #[test]
    fn jitter_stays_within_ten_percent() {
        assert_eq!(minutes_of_retries(0.0, true, 1), [216]);
        assert_eq!(minutes_of_retries(1.0, true, 1), [264]);
        assert_eq!(minutes_of_retries(f64::NAN, true, 1), [240]);
    }
}
