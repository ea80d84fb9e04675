//! Out of compliance with tolerance, and locked usage.

use crate::script::check;
use crate::world::{STANDARD, World, hours};
use seatpool_proto::Quantity;

/// Scenario 1 of the reference document: 100 owned, use rises to 130, five overages, locked usage until
/// the shortage is bought.
#[test]
fn scenario_1_five_overages_lock_the_usage_until_it_is_bought() {
    check(
        "unified-ccx",
        "0 own CCX_FLEX_STANDARD 100
         0 register
         5m use CCX_FLEX_STANDARD 130
         1h14m show CCX_FLEX_STANDARD
         1h14m show
         1h16m show CCX_FLEX_STANDARD
         1h16m show
         2h use CCX_FLEX_STANDARD 90
         2h20m show CCX_FLEX_STANDARD
         3h own CCX_FLEX_STANDARD 130
         3h14m show
         3h16m show CCX_FLEX_STANDARD
         3h16m show",
        "0 registration_succeeded
         15m overage_will_enter CCX_FLEX_STANDARD
         30m overage_will_enter CCX_FLEX_STANDARD
         45m overage_will_enter CCX_FLEX_STANDARD
         1h overage_shortly CCX_FLEX_STANDARD
         1h14m CCX_FLEX_STANDARD overage actual 130 reported 130 overages 4
         1h14m Registered/Authorized
         1h15m out_of_compliance CCX_FLEX_STANDARD
         1h16m CCX_FLEX_STANDARD out-of-compliance actual 130 reported 130 locked 130 overages 5
         1h16m Registered/OutOfCompliance
         2h20m CCX_FLEX_STANDARD out-of-compliance actual 90 reported 130 locked 130 overages 5
         3h14m Registered/OutOfCompliance
         3h15m in_compliance CCX_FLEX_STANDARD
         3h16m CCX_FLEX_STANDARD in-compliance actual 90 reported 90 overages 0
         3h16m Registered/Authorized",
    );
}

/// Scenario 2: two overages, then back in range; the count starts anew.
#[test]
fn scenario_2_two_overages_and_back_start_the_count_anew() {
    check(
        "unified-ccx",
        "0 own CCX_FLEX_STANDARD 100
         0 register
         5m use CCX_FLEX_STANDARD 130
         30m use CCX_FLEX_STANDARD 90
         50m show CCX_FLEX_STANDARD
         1h use CCX_FLEX_STANDARD 130
         1h20m show CCX_FLEX_STANDARD",
        "0 registration_succeeded
         15m overage_will_enter CCX_FLEX_STANDARD
         30m overage_will_enter CCX_FLEX_STANDARD
         45m overage_averted CCX_FLEX_STANDARD
         50m CCX_FLEX_STANDARD in-compliance actual 90 reported 90 overages 0
         1h15m overage_will_enter CCX_FLEX_STANDARD
         1h20m CCX_FLEX_STANDARD overage actual 130 reported 130 overages 1",
    );
}

#[test]
fn back_in_range_at_minute_45_after_the_first_notice_is_in_time() {
    check(
        "unified-ccx",
        "0 own CCX_FLEX_STANDARD 100
         0 register
         5m use CCX_FLEX_STANDARD 130
         1h use CCX_FLEX_STANDARD 100
         1h16m show",
        "0 registration_succeeded
         15m overage_will_enter CCX_FLEX_STANDARD
         30m overage_will_enter CCX_FLEX_STANDARD
         45m overage_will_enter CCX_FLEX_STANDARD
         1h overage_shortly CCX_FLEX_STANDARD
         1h15m overage_averted CCX_FLEX_STANDARD
         1h16m Registered/Authorized",
    );
}

#[test]
fn a_second_later_is_too_late() {
    check(
        "unified-ccx",
        "0 own CCX_FLEX_STANDARD 100
         0 register
         5m use CCX_FLEX_STANDARD 130
         1h1s use CCX_FLEX_STANDARD 100
         1h16m show",
        "0 registration_succeeded
         15m overage_will_enter CCX_FLEX_STANDARD
         30m overage_will_enter CCX_FLEX_STANDARD
         45m overage_will_enter CCX_FLEX_STANDARD
         1h overage_shortly CCX_FLEX_STANDARD
         1h15m out_of_compliance CCX_FLEX_STANDARD
         1h16m Registered/OutOfCompliance",
    );
}

#[test]
fn extra_reports_neither_count_nor_reset() {
    check(
        "unified-ccx",
        "0 own CCX_FLEX_STANDARD 100
         0 register
         5m use CCX_FLEX_STANDARD 130
         16m update
         17m update
         18m own CCX_FLEX_STANDARD 200
         18m update
         19m show CCX_FLEX_STANDARD
         20m own CCX_FLEX_STANDARD 100
         31m show CCX_FLEX_STANDARD",
        "0 registration_succeeded
         15m overage_will_enter CCX_FLEX_STANDARD
         19m CCX_FLEX_STANDARD overage actual 130 reported 130 overages 1
         30m overage_will_enter CCX_FLEX_STANDARD
         31m CCX_FLEX_STANDARD overage actual 130 reported 130 overages 2",
    );
}

#[test]
fn an_extra_report_ends_out_of_compliance_when_it_is_covered() {
    check(
        "unified-ccx-12.5",
        "0 own CCX_FLEX_STANDARD 100
         0 register
         1h use CCX_FLEX_STANDARD 130
         9h own CCX_FLEX_STANDARD 130
         9h update
         9h show",
        "0 registration_succeeded
         8h out_of_compliance CCX_FLEX_STANDARD
         9h in_compliance CCX_FLEX_STANDARD
         9h Registered/Authorized",
    );
}

#[test]
fn without_tolerance_any_overage_answer_is_the_transition_and_no_warning_comes() {
    check(
        "unified-ccx-12.5",
        "0 own CCX_FLEX_STANDARD 100
         0 register
         1h use CCX_FLEX_STANDARD 130
         2h update",
        "0 registration_succeeded
         2h out_of_compliance CCX_FLEX_STANDARD",
    );
}

#[test]
fn an_undelivered_report_neither_counts_nor_resets_and_its_peak_is_carried() {
    check(
        "unified-ccx",
        "0 own CCX_FLEX_STANDARD 100
         0 register
         5m use CCX_FLEX_STANDARD 130
         20m away
         31m use CCX_FLEX_STANDARD 90
         1h5m back
         1h16m show CCX_FLEX_STANDARD
         1h31m show CCX_FLEX_STANDARD",
        "0 registration_succeeded
         15m overage_will_enter CCX_FLEX_STANDARD
         30m communication_failed
         1h15m communication_restored
         1h15m overage_will_enter CCX_FLEX_STANDARD
         1h16m CCX_FLEX_STANDARD overage actual 90 reported 130 overages 2
         1h30m overage_averted CCX_FLEX_STANDARD
         1h31m CCX_FLEX_STANDARD in-compliance actual 90 reported 90 overages 0",
    );
}

#[test]
fn locked_usage_is_the_highest_since_the_first_overage_and_still_grows() {
    let mut world = World::new("unified-ccx");
    world.manager.owned.insert(crate::world::tag(STANDARD), 100);
    world.register(false).unwrap();
    // Before the run: not part of it.
    world.use_tag(STANDARD, 100);
    world.run(hours(1));
    for (minutes, count) in [(5, 150), (15, 120), (75, 110), (15, 170), (15, 105)] {
        world.use_tag(STANDARD, count);
        world.run(jiff::SignedDuration::from_mins(minutes));
    }
    let figures: Vec<(u64, Option<u64>)> = world
        .reports()
        .map(|(_, report)| {
            let usage = report.usage.iter().find(|usage| usage.tag.as_str() == STANDARD).unwrap();
            (usage.peak.count(), usage.locked.map(Quantity::count))
        })
        .collect();
    assert_eq!(
        figures,
        [
            (0, None),
            (100, None),
            (100, None),
            (100, None),
            (100, None),
            (150, None),
            (120, None),
            (110, None),
            (110, None),
            (110, None),
            (110, Some(150)),
            (170, Some(170)),
            (170, Some(170)),
        ]
    );
}

#[test]
fn a_licence_that_must_be_present_is_short_at_no_usage() {
    // The scripted manager owns plenty of everything that it was not told of.
    check(
        "unified-ccx",
        "0 register
         20m show
         20m show CCX_SERVER",
        "0 registration_succeeded
         20m Registered/NoLicensesInUse
         20m CCX_SERVER not-in-use actual 0 reported 0 overages 0",
    );
}
