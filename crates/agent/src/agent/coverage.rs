//! What a reservation covers of what is in use.

use jiff::Timestamp;
use seatpool_proto::code::Grant;
use seatpool_proto::{Quantity, Tag};

use super::Agent;
use crate::event::EventCode;
use crate::reservation::reserved_by;

/// What an administrator is told while a reservation does not cover what it must.
pub(super) const EXCEEDED: &str = "The reservation does not cover all that is in use, or that the product must hold. Use \
    less, or update the reservation at the manager and install its new authorization code.";

/// A licence of which more is used than a reservation covers.
pub(super) struct Shortage {
    pub(super) tag: Tag,
    /// How many are used, of the licence itself.
    pub(super) used: Quantity,
    /// How many are reserved, of the licence itself.
    pub(super) reserved: Quantity,
    /// How many are missing of this tier, where what higher tiers can spare is counted (behaviour.md, the pool).
    missing: Quantity,
}

impl Agent {
    /// What `grant` does not cover of this usage; with `required`, also what the product must hold and does not.
    fn shortages(
        &self,
        grant: &Grant,
        usage: impl Fn(&Tag) -> Quantity,
        required: bool,
        now: Timestamp,
    ) -> Vec<Shortage> {
        let borrowing = self.profile.reservation.borrowing;
        let mut found = Vec::new();
        for family in &self.license_type.families {
            let (mut demand, mut owned, mut short) = (Quantity::ZERO, Quantity::ZERO, Quantity::ZERO);
            for tag in &family.tiers {
                let Some(reserved) = reserved_by(grant, tag, now) else { return Vec::new() };
                let required =
                    required && self.profile.license(tag).is_some_and(|info| info.required_present);
                let used = usage(tag).max(Quantity::of(u64::from(required)));
                if !borrowing {
                    (demand, owned, short) = (Quantity::ZERO, Quantity::ZERO, Quantity::ZERO);
                }
                (demand, owned) = (demand.plus(used), owned.plus(reserved));
                // The pool's rule: what is short of the tiers so far, and of this one what comes to that here.
                let so_far = short.max(demand.minus(owned));
                let missing = so_far.minus(short);
                short = so_far;
                if !missing.is_zero() {
                    found.push(Shortage { tag: tag.clone(), used, reserved, missing });
                }
            }
        }
        found
    }

    /// The first licence that would be missing more than it is now, were this usage that of the installed reservation.
    pub(super) fn beyond_reservation(
        &self,
        usage: impl Fn(&Tag) -> Quantity,
        now: Timestamp,
    ) -> Option<Shortage> {
        let installed = self.state.reservation.installed.as_ref()?;
        let before = self.shortages(&installed.grant, |tag| self.state.meter.current(tag), false, now);
        first_longer(&before, self.shortages(&installed.grant, usage, false, now))
    }

    /// The first licence in use that would be missing more under the grant `after` than it is under `before`.
    pub(super) fn shorter(&self, before: &Grant, after: &Grant, now: Timestamp) -> Option<Shortage> {
        let usage = |tag: &Tag| self.state.meter.current(tag);
        first_longer(&self.shortages(before, usage, false, now), self.shortages(after, usage, false, now))
    }

    /// The licences that the installed reservation does not cover at `now`.
    pub(super) fn uncovered(&self, now: Timestamp) -> Vec<Tag> {
        let usage = |tag: &Tag| self.state.meter.current(tag);
        let installed = self.state.reservation.installed.iter();
        let shortages = installed.flat_map(|installed| self.shortages(&installed.grant, usage, true, now));
        shortages.map(|short| short.tag).collect()
    }

    /// Whether the installed reservation covers what is in use at `now`.
    pub(super) fn is_covered(&self, now: Timestamp) -> bool {
        self.uncovered(now).is_empty()
    }

    /// Takes note of when a reservation begins, and ceases, to cover what is in use.
    pub(super) fn watch_reservation(&mut self, now: Timestamp) {
        let short = self.state.reservation.installed.is_some() && !self.is_covered(now);
        let was = self.state.reservation.short_since;
        if short && was.is_none() {
            self.state.reservation.short_since = Some(now);
            let tag = self.uncovered(now).into_iter().next();
            self.tell(EventCode::ReservationExceeded, tag, now, EXCEEDED);
            self.mark();
        } else if !short && was.is_some() {
            self.state.reservation.short_since = None;
            if self.state.reservation.installed.is_some() {
                self.tell(EventCode::InCompliance, None, now, "The reservation covers what is in use again.");
            }
            self.mark();
        }
    }
}

/// The first of `after` that is missing more than it is in `before`.
fn first_longer(before: &[Shortage], after: Vec<Shortage>) -> Option<Shortage> {
    let missed = |tag: &Tag| {
        before.iter().find(|short| short.tag == *tag).map_or(Quantity::ZERO, |short| short.missing)
    };
    after.into_iter().find(|short| short.missing > missed(&short.tag))
}
