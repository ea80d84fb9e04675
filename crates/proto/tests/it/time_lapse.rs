//! The sped-up clock never panics, never runs backwards, and ends at the ends of time.

use jiff::Timestamp;
use proptest::prelude::*;
use seatpool_proto::TimeLapse;

use crate::sample;

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn later_is_never_earlier(
        factor in 1..=seatpool_proto::time_lapse::FACTOR_MAX,
        anchor in sample::instant(), one in sample::instant(), other in sample::instant(),
    ) {
        let lapse = TimeLapse::new(factor, anchor).unwrap();
        prop_assert!(lapse.at(one.min(other)) <= lapse.at(one.max(other)));
        prop_assert_eq!(lapse.at(anchor), anchor);
    }
}

#[test]
fn long_before_its_anchor_it_shows_the_first_instant() {
    let lapse: TimeLapse = "100000@2026-11-22T00:00:00Z".parse().unwrap();
    assert_eq!(lapse.at("1026-11-22T00:00:00Z".parse().unwrap()), Timestamp::MIN);
    assert_eq!(lapse.at("3026-11-22T00:00:00Z".parse().unwrap()), Timestamp::MAX);
}
