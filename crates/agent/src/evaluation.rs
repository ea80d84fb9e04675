//! The evaluation's countdown (behaviour.md, "Periods"): survives restarts, registration and factory reset.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::time::{after, between, days};

/// How much of the evaluation was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Used until `running_since`.
    pub used: SignedDuration,
    /// Since when it runs; absent: it stands.
    pub running_since: Option<Timestamp>,
    /// When it was used up.
    pub expired_at: Option<Timestamp>,
    /// What was used when the last signed time came: what is later was counted by the local clock alone.
    pub used_when_signed: SignedDuration,
}

impl Evaluation {
    /// What is left at `now` of an evaluation of length `whole`.
    pub fn remaining(&self, now: Timestamp, whole: SignedDuration) -> SignedDuration {
        whole.saturating_sub(self.used_at(now)).max(SignedDuration::ZERO)
    }

    /// When it ends if it goes on running, or ended.
    pub fn ends_at(&self, whole: SignedDuration) -> Option<Timestamp> {
        self.expired_at.or_else(|| {
            self.running_since
                .map(|since| after(since, whole.saturating_sub(self.used).max(SignedDuration::ZERO)))
        })
    }

    fn used_at(&self, now: Timestamp) -> SignedDuration {
        match self.running_since {
            Some(since) => self.used.saturating_add(between(since, now).max(SignedDuration::ZERO)),
            None => self.used,
        }
    }

    /// Counts what has passed until `now`, then runs on or stands.
    pub(crate) fn settle(&mut self, now: Timestamp, whole: SignedDuration, run: bool) {
        if let Some(end) = self.ends_at(whole).filter(|end| *end <= now) {
            self.expired_at = Some(end);
            self.used = whole;
            self.running_since = None;
            return;
        }
        self.used = self.used_at(now);
        self.running_since = run.then_some(now);
    }

    /// A restart: what passed while the agent was not running is not counted.
    pub(crate) fn skip_to(&mut self, now: Timestamp) {
        if self.running_since.is_some() {
            self.running_since = Some(now);
        }
    }

    /// A signed time came. `ahead` is by how much the estimate was ahead of it: as much of what was counted
    /// since the last signed time is given back.
    pub(crate) fn signed(&mut self, now: Timestamp, ahead: SignedDuration) {
        if ahead.is_positive() {
            let unconfirmed = self.used.saturating_sub(self.used_when_signed).max(SignedDuration::ZERO);
            let back = ahead.min(unconfirmed);
            if back.is_positive() {
                self.used = self.used.saturating_sub(back);
                self.expired_at = None;
            }
            self.skip_to(now);
        }
        self.used_when_signed = self.used;
    }
}

/// The warning that is due with this much left: 60, 30, 21, 14 days, then each of the last 7 days, then each
/// hour of the last where `hourly` (cli.md, "Events and alerts"); in hours.
pub(crate) fn warning_mark(remaining: SignedDuration, hourly: bool) -> Option<u32> {
    marks(hourly).filter(|hours| remaining <= SignedDuration::from_hours(i64::from(*hours))).min()
}

/// The next lower mark, and with how much left it is due.
pub(crate) fn next_mark(remaining: SignedDuration, hourly: bool) -> Option<SignedDuration> {
    marks(hourly)
        .map(|hours| SignedDuration::from_hours(i64::from(hours)))
        .filter(|mark| *mark < remaining)
        .max()
}

fn marks(hourly: bool) -> impl Iterator<Item = u32> {
    let whole_days =
        [60, 30, 21, 14, 7, 6, 5, 4, 3, 2, 1].into_iter().map(|count| days(count).as_hours() as u32);
    whole_days.chain((1..24).filter(move |_| hourly))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(count: i64) -> SignedDuration {
        SignedDuration::from_hours(count)
    }

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + hour * 3600).unwrap()
    }

    #[test]
    fn it_counts_only_while_it_runs_and_ends_to_the_instant() {
        let mut evaluation = Evaluation::default();
        evaluation.settle(at(0), hours(10), true);
        evaluation.settle(at(4), hours(10), false);
        evaluation.settle(at(50), hours(10), true);
        assert_eq!(evaluation.remaining(at(51), hours(10)), hours(5));
        assert_eq!(evaluation.ends_at(hours(10)), Some(at(56)));
        evaluation.settle(at(70), hours(10), true);
        assert_eq!(evaluation.expired_at, Some(at(56)));
        assert_eq!(evaluation.remaining(at(70), hours(10)), SignedDuration::ZERO);
    }

    #[test]
    fn a_boot_in_the_future_is_given_back_by_the_next_signed_time() {
        let mut evaluation = Evaluation::default();
        evaluation.settle(at(0), hours(10), true);
        evaluation.settle(at(100_000), hours(10), true);
        assert!(evaluation.expired_at.is_some());
        evaluation.signed(at(3), hours(100_000 - 3));
        assert_eq!((evaluation.expired_at, evaluation.used), (None, SignedDuration::ZERO));
    }

    #[test]
    fn warnings_are_daily_in_the_last_week_and_hourly_on_the_last_day() {
        let marks: Vec<Option<u32>> =
            [61 * 24, 60 * 24, 25 * 24, 7 * 24, 25, 24, 1].map(|left| warning_mark(hours(left), true)).into();
        assert_eq!(marks, [None, Some(1440), Some(720), Some(168), Some(48), Some(24), Some(1)]);
        assert_eq!((warning_mark(hours(1), false), next_mark(hours(24), false)), (Some(24), None));
        assert_eq!(next_mark(hours(61 * 24), true), Some(hours(60 * 24)));
        assert_eq!(next_mark(hours(24), true), Some(hours(23)));
        assert_eq!(next_mark(hours(1), true), None);
    }
}
