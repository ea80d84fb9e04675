//! Peaks against a naive reference: usage as a list of changes, looked at instant by instant.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use seatpool_agent::Profile;
use seatpool_agent::meter::Meter;
use seatpool_agent::profile::LicenseType;
use seatpool_proto::Quantity;

use crate::world::{PREMIUM, STANDARD, start, tag};

/// Seconds in an interval.
const INTERVAL: i64 = 900;

/// At second `.0`, `.2` of the tag are in use: premium if `.1`, else standard.
type ChangeAt = (i64, bool, u64);

fn at(second: i64) -> Timestamp {
    start().checked_add(SignedDuration::from_secs(second)).unwrap()
}

/// The peaks of `[from, to)`: (premium, standard, premium and standard together), by looking at every second.
fn naive(changes: &[ChangeAt], from: i64, to: i64) -> (u64, u64, u64) {
    let in_use = |second: i64, premium: bool| {
        let last = changes.iter().rfind(|(at, is_premium, _)| *at <= second && *is_premium == premium);
        last.map_or(0, |(_, _, count)| *count)
    };
    (from..to).fold((0, 0, 0), |(p, s, both), second| {
        let (premium, standard) = (in_use(second, true), in_use(second, false));
        (p.max(premium), s.max(standard), both.max(premium + standard))
    })
}

fn flex() -> LicenseType {
    Profile::shipped("unified-ccx").unwrap().license_type("Flex").unwrap().clone()
}

proptest! {
    #[test]
    fn peaks_are_those_of_every_instant_of_the_interval(
        mut changes in prop::collection::vec((0..4 * INTERVAL, any::<bool>(), 0u64..100), 0..40),
        at_boundaries in prop::collection::vec((0..4i64, any::<bool>(), 0u64..100), 0..4),
    ) {
        changes.extend(at_boundaries.into_iter().map(|(slot, premium, count)| (slot * INTERVAL, premium, count)));
        changes.sort_by_key(|(second, ..)| *second);
        let license_type = flex();
        let mut meter = Meter::new(at(0));
        let mut rest = changes.iter().peekable();
        for slot in 0..4 {
            let (from, to) = (slot * INTERVAL, (slot + 1) * INTERVAL);
            while let Some((second, premium, count)) = rest.next_if(|(second, ..)| *second < to) {
                let name = if *premium { PREMIUM } else { STANDARD };
                meter.set(&tag(name), Quantity::of(*count), at(*second), &license_type);
            }
            let peaks = meter.close(at(to), &license_type);
            let (premium, standard) = (peaks.of(&tag(PREMIUM)), peaks.of(&tag(STANDARD)));
            prop_assert_eq!(premium.own, premium.cumulative);
            prop_assert_eq!(
                (premium.own.count(), standard.own.count(), standard.cumulative.count()),
                naive(&changes, from, to)
            );
        }
    }
}

#[test]
fn sums_stay_within_what_the_wire_carries() {
    let license_type = flex();
    let most = seatpool_proto::limits::QUANTITY_MAX;
    let mut meter = Meter::new(at(0));
    meter.set(&tag(PREMIUM), Quantity::of(most), at(0), &license_type);
    meter.set(&tag(STANDARD), Quantity::of(most), at(0), &license_type);
    assert_eq!(meter.close(at(1), &license_type).of(&tag(STANDARD)).cumulative, Quantity::of(most));
}
