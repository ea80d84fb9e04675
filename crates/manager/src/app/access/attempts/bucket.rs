//! A bucket that runs out steadily: how much of something may happen, at once and for ever.

use jiff::{SignedDuration, Timestamp};

/// What a bucket holds and how it runs out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measure {
    /// How many fit.
    pub(super) holds: i64,
    /// In how many seconds one of them runs out.
    pub(super) seconds_each: i64,
}

impl Measure {
    fn of(self, count: i64) -> SignedDuration {
        SignedDuration::from_secs(count * self.seconds_each)
    }
}

/// How full a bucket is, as the time when it will be empty.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    pub(super) empty_at: Timestamp,
}

impl Bucket {
    pub(super) fn empty(now: Timestamp) -> Self {
        Self { empty_at: now }
    }

    /// When one more fits: now, or later.
    pub(super) fn room_at(self, measure: Measure, now: Timestamp) -> Timestamp {
        let room = self.empty_at.checked_sub(measure.of(measure.holds - 1)).unwrap_or(now);
        room.max(now)
    }

    /// Puts one in, at its own time if it fits only later.
    pub(super) fn add(&mut self, measure: Measure, now: Timestamp) {
        self.empty_at = self.empty_at.max(now).checked_add(measure.of(1)).unwrap_or(self.empty_at);
    }

    /// Puts one in; what does not fit is spilt.
    pub(super) fn fill(&mut self, measure: Measure, now: Timestamp) {
        self.add(measure, now);
        let full = now.checked_add(measure.of(measure.holds)).unwrap_or(self.empty_at);
        self.empty_at = self.empty_at.min(full);
    }

    /// Takes one back.
    pub(super) fn take_back(&mut self, measure: Measure) {
        self.empty_at = self.empty_at.checked_sub(measure.of(1)).unwrap_or(self.empty_at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THREE: Measure = Measure { holds: 3, seconds_each: 60 };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_bucket_takes_as_many_as_it_holds_and_then_one_for_each_that_runs_out() {
        let mut bucket = Bucket::empty(at(0));
        let mut times = Vec::new();
        for _ in 0..6 {
            times.push(bucket.room_at(THREE, at(0)).as_second());
            bucket.add(THREE, at(0));
        }
        assert_eq!(times, [0, 0, 0, 60, 120, 180]);
        assert_eq!(bucket.room_at(THREE, at(1000)), at(1000));
        bucket.add(THREE, at(1000));
        assert_eq!(bucket.empty_at, at(1060), "quiet times are not saved up");
    }

    #[test]
    fn what_is_spilt_makes_nobody_wait_longer() {
        let mut bucket = Bucket::empty(at(0));
        for _ in 0..100 {
            bucket.fill(THREE, at(0));
        }
        assert_eq!(bucket.room_at(THREE, at(0)), at(60));
        bucket.take_back(THREE);
        assert_eq!(bucket.room_at(THREE, at(0)), at(0));
    }
}
