//! Peaks of usage over half-open intervals (behaviour.md, "Usage reports").
//!
//! Usage is a function of time that holds its value until the next change. A value counts only if it holds
//! for some time within the interval: a change at the very start replaces what was before, a change at the
//! very end is the next interval's, and of several changes at one instant the last one counts.

use std::collections::BTreeMap;

use jiff::Timestamp;
use seatpool_proto::limits::QUANTITY_MAX;
use seatpool_proto::{Quantity, Tag};
use serde::{Deserialize, Serialize};

use crate::profile::LicenseType;

/// The highest usage of one tag over a span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peak {
    /// Of the tag alone.
    pub own: Quantity,
    /// Of the tag and all tiers above it at one moment; for a tag without tiers the same as `own`.
    pub cumulative: Quantity,
}

impl Peak {
    /// The larger of each.
    pub fn max(self, other: Self) -> Self {
        Self { own: self.own.max(other.own), cumulative: self.cumulative.max(other.cumulative) }
    }
}

/// The peaks of all tags over a span.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peaks {
    /// First instant of the span.
    pub start: Timestamp,
    /// First instant after it.
    pub end: Timestamp,
    /// By tag; absent: none was used.
    pub tags: BTreeMap<Tag, Peak>,
}

impl Peaks {
    fn none(start: Timestamp) -> Self {
        Self { start, end: start, tags: BTreeMap::new() }
    }

    /// The tag's peak.
    pub fn of(&self, tag: &Tag) -> Peak {
        self.tags.get(tag).copied().unwrap_or_default()
    }

    /// The peaks of both spans together.
    pub fn merge(mut self, other: Self) -> Self {
        self.start = self.start.min(other.start);
        self.end = self.end.max(other.end);
        for (tag, peak) in other.tags {
            let mine = self.tags.entry(tag).or_default();
            *mine = mine.max(peak);
        }
        self
    }

    /// After the clock was set downward: nothing lies later than `now`.
    pub(crate) fn clamp(&mut self, now: Timestamp) {
        self.start = self.start.min(now);
        self.end = self.end.min(now);
    }

    fn raise(&mut self, current: &BTreeMap<Tag, Quantity>, license_type: &LicenseType) {
        for family in &license_type.families {
            let mut cumulative = Quantity::ZERO;
            for tag in &family.tiers {
                let own = current.get(tag).copied().unwrap_or_default();
                // The wire carries no quantity above the limit; neither must a sum.
                cumulative = Quantity::of(cumulative.plus(own).count().min(QUANTITY_MAX));
                let now = Peak { own, cumulative };
                match self.tags.get_mut(tag) {
                    Some(peak) => *peak = peak.max(now),
                    None => {
                        self.tags.insert(tag.clone(), now);
                    }
                }
            }
        }
    }
}

/// What is in use, and its peaks since the interval began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meter {
    /// What is in use of each tag.
    current: BTreeMap<Tag, Quantity>,
    /// Since when `current` holds; what held before is in `interval`.
    since: Timestamp,
    /// The peaks of the interval until `since`.
    interval: Peaks,
}

impl Meter {
    /// Nothing in use.
    pub fn new(now: Timestamp) -> Self {
        Self { current: BTreeMap::new(), since: now, interval: Peaks::none(now) }
    }

    /// What is in use of the tag.
    pub fn current(&self, tag: &Tag) -> Quantity {
        self.current.get(tag).copied().unwrap_or_default()
    }

    /// Whether anything is in use.
    pub fn in_use(&self) -> bool {
        self.current.values().any(|count| !count.is_zero())
    }

    /// First instant of the present interval.
    pub fn interval_start(&self) -> Timestamp {
        self.interval.start
    }

    /// Takes note that `count` of `tag` are in use from `now` on. `now` is not before any earlier call's.
    /// Whether anything changed.
    pub fn set(&mut self, tag: &Tag, count: Quantity, now: Timestamp, license_type: &LicenseType) -> bool {
        if self.current(tag) == count {
            return false;
        }
        self.fold(now, license_type);
        match self.current.get_mut(tag) {
            Some(current) => *current = count,
            None => {
                self.current.insert(tag.clone(), count);
            }
        }
        true
    }

    /// Ends the interval at `end`, where the next begins, and gives its peaks.
    pub fn close(&mut self, end: Timestamp, license_type: &LicenseType) -> Peaks {
        self.fold(end, license_type);
        let mut peaks = core::mem::replace(&mut self.interval, Peaks::none(end));
        peaks.end = end;
        peaks
    }

    /// The peaks of the interval so far, with the usage of this very moment.
    pub fn so_far(&self, now: Timestamp, license_type: &LicenseType) -> Peaks {
        let mut peaks = self.interval.clone();
        peaks.raise(&self.current, license_type);
        peaks.end = now;
        peaks
    }

    /// Begins a new interval at `now` and forgets the present one's peaks; also where `now` is earlier than
    /// what was known, because the clock was corrected.
    pub fn restart(&mut self, now: Timestamp) {
        self.interval = Peaks::none(now);
        self.since = now;
    }

    /// After the clock was set downward: nothing began later than `now`.
    pub fn clamp(&mut self, now: Timestamp) {
        self.interval.start = self.interval.start.min(now);
        self.since = self.since.min(now);
    }

    fn fold(&mut self, until: Timestamp, license_type: &LicenseType) {
        if self.since < until {
            self.interval.raise(&self.current, license_type);
            self.since = until;
        }
    }
}
