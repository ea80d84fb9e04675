//! Scenarios 1 and 2 of the reference document (License Computation), to the minute.

use seatpool_agent::status::{AuthorizationState, EntitlementState};
use seatpool_domain::EventKind;
use seatpool_proto::Quantity;

use seatpool_sim::world::{PREMIUM, STANDARD, World, hours, minutes, tag};

const COMPLIANCE: &[EventKind] = &[EventKind::OutOfCompliance, EventKind::InCompliance];

/// "If Cisco SSM registers consecutive five instances of license over usage, the Product Instance transitions
/// to Out-of-Compliance. Thereafter, the Product Instance reports Locked usage quantity (130 in the above
/// scenario) until the deficit licenses (130-100=30) are purchased."
#[test]
fn scenario_1_to_the_minute() {
    let mut world = World::registered("unified-ccx", 100);
    world.use_tag(STANDARD, 90);
    world.run_to(minutes(20));
    world.use_tag(STANDARD, 120);
    world.run_to(minutes(50));
    world.use_tag(STANDARD, 130);
    // One minute before the fifth overage: not yet.
    world.run_to(minutes(89));
    assert_eq!(world.status().authorization.state, AuthorizationState::Authorized);
    world.run_to(minutes(90));
    assert_eq!(world.status().authorization.state, AuthorizationState::OutOfCompliance);
    // Below what is owned: the usage stays locked.
    world.run_to(minutes(100));
    world.use_tag(STANDARD, 60);
    world.run_to(minutes(150));
    let status = world.status();
    let standard = status.entitlements.iter().find(|e| e.tag.as_str() == STANDARD).unwrap();
    assert_eq!((standard.actual.count(), standard.reported.count()), (60, 130));
    assert_eq!(standard.locked, Some(Quantity::of(130)));
    assert_eq!(standard.state, EntitlementState::OutOfCompliance);
    // 20 are not enough, 30 are.
    world.manager.order(STANDARD, 20, world.now);
    world.run_to(minutes(170));
    assert_eq!(world.status().authorization.state, AuthorizationState::OutOfCompliance);
    world.manager.order(STANDARD, 10, world.now);
    world.run_to(minutes(200));
    assert_eq!(world.status().authorization.state, AuthorizationState::Authorized);

    assert_eq!(
        world.told(),
        [
            (0, "registration_succeeded"),
            (30, "overage_will_enter"),
            (45, "overage_will_enter"),
            (60, "overage_will_enter"),
            (75, "overage_shortly"),
            (90, "out_of_compliance"),
            (180, "in_compliance"),
        ]
    );
    assert_eq!(
        world.reports_of(STANDARD),
        [
            (15, 90, None),
            (30, 120, None),
            (45, 120, None),
            (60, 130, None),
            (75, 130, None),
            (90, 130, None),
            (105, 130, Some(130)),
            (120, 60, Some(130)),
            (135, 60, Some(130)),
            (150, 60, Some(130)),
            (165, 60, Some(130)),
            (180, 60, Some(130)),
            (195, 60, None),
        ]
    );
    // The pool was short from the first overage on, and is covered with the order.
    assert_eq!(world.logged(COMPLIANCE), [(30, "out_of_compliance"), (170, "in_compliance")]);
}

/// "If Cisco SSM reports only two consecutive instances of license over usage within a one-hour window, the
/// Product Instance will not transition to Out-of-Compliance. … The next time the Product Instance goes
/// Out-of-Compliance, the count will be 1 of 5."
#[test]
fn scenario_2_to_the_minute() {
    let mut world = World::registered("unified-ccx", 100);
    world.use_tag(STANDARD, 90);
    world.run_to(minutes(20));
    world.use_tag(STANDARD, 130);
    world.run_to(minutes(45));
    world.use_tag(STANDARD, 95);
    world.run_to(minutes(110));
    world.use_tag(STANDARD, 130);
    world.run_to(minutes(125));
    let status = world.status();
    let standard = status.entitlements.iter().find(|e| e.tag.as_str() == STANDARD).unwrap();
    assert_eq!((standard.overages, standard.overages_until_transition), (1, 5));
    assert_eq!(status.authorization.state, AuthorizationState::Authorized);
    assert_eq!(
        world.told(),
        [
            (0, "registration_succeeded"),
            (30, "overage_will_enter"),
            (45, "overage_will_enter"),
            (60, "overage_averted"),
            (120, "overage_will_enter"),
        ]
    );
    assert_eq!(
        world.logged(COMPLIANCE),
        [(30, "out_of_compliance"), (60, "in_compliance"), (120, "out_of_compliance")]
    );
}

/// "So, you get 45 min (after the first Out-of-Compliance notification from Cisco SSM) to bring back the
/// consumption within the acceptable range to stay in the In-compliance state."
#[test]
fn minute_45_after_the_first_notice_is_in_time() {
    let mut world = World::registered("unified-ccx", 100);
    world.run_to(minutes(5));
    world.use_tag(STANDARD, 130);
    world.run_to(minutes(15) + minutes(45));
    world.use_tag(STANDARD, 100);
    world.run_to(hours(2));
    let last = *world.told().last().unwrap();
    assert_eq!(last, (75, "overage_averted"));
}

/// "Maximum of 50 Standard agents can sign in, if none of the Premium agents have signed in, without
/// transitioning to Out of Compliance state" (001, License Control: 10 Premium and 40 Standard).
#[test]
fn spare_premium_licences_cover_standard_seats() {
    let mut world = World::registered("unified-ccx-12.5", 40);
    world.manager.order(PREMIUM, 10, world.now);
    world.use_tag(PREMIUM, 10);
    world.use_tag(STANDARD, 40);
    world.run_to(hours(1));
    let change = [(tag(PREMIUM), Quantity::ZERO), (tag(STANDARD), Quantity::of(50))].into();
    world.command(seatpool_agent::Command::SetUsage(change));
    world.run_to(hours(9));
    assert_eq!(world.status().authorization.state, AuthorizationState::Authorized);
    world.use_tag(PREMIUM, 1);
    world.run_to(hours(17));
    assert_eq!(world.status().authorization.state, AuthorizationState::OutOfCompliance);
    let short: Vec<String> = world
        .status()
        .entitlements
        .into_iter()
        .filter(|e| e.out_of_compliance_since.is_some())
        .map(|e| e.tag.to_string())
        .collect();
    assert_eq!(short, [STANDARD], "premium seats are served first");
}

/// "The Server or Warm Standby license never shows to be a consumed unit; however, it is required to be
/// present."
#[test]
fn the_server_licence_is_short_at_no_usage_until_it_is_owned() {
    let mut world = World::new("unified-ccx-12.5");
    world.register(false);
    world.run_to(hours(1));
    assert_eq!(world.status().authorization.state, AuthorizationState::OutOfCompliance);
    world.manager.order(seatpool_sim::world::SERVER, 1, world.now);
    world.command(seatpool_agent::Command::UpdateUsageNow);
    assert_eq!(world.status().authorization.state, AuthorizationState::NoLicensesInUse);
}
