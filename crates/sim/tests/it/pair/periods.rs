//! One case for every row of behaviour.md's table of periods.

use seatpool_agent::status::{AuthorizationState, EnforcementReason, RegistrationState};
use seatpool_agent::{Command, Profile};
use seatpool_domain::EventKind;

use seatpool_sim::world::{STANDARD, World, days, hours, minutes, start};

fn altered(profile: &str, from: &str, to: &str) -> Profile {
    let (_, text) = Profile::SHIPPED.iter().find(|(name, _)| *name == profile).unwrap();
    assert!(text.contains(from));
    Profile::from_toml(&text.replace(from, to)).unwrap()
}

fn left(world: &World) -> i64 {
    world.status().evaluation.remaining_seconds / 86_400
}

/// evaluation | 90 days | … only while licences are `in_use` (CCX) … ends at registration … survives restarts
/// … and factory reset; resumes with what is left after deregistration
#[test]
fn evaluation_counts_use_stops_at_registration_and_resumes_after_deregistration() {
    let mut world = World::new("unified-ccx-12.5");
    world.run_to(days(20));
    assert_eq!(left(&world), 90, "nothing is in use");
    world.use_tag(STANDARD, 5);
    assert_eq!(world.status().authorization.state, AuthorizationState::Evaluation);
    world.run_to(days(30));
    world.restart();
    assert_eq!(left(&world), 80);
    world.register(false);
    world.run_to(days(60));
    assert_eq!(left(&world), 80, "it stands while registered");
    world.command(Command::Deregister);
    world.run_to(days(70));
    assert_eq!(left(&world), 70);
    world.command(Command::FactoryReset { force: false });
    world.use_tag(STANDARD, 5);
    world.run_to(days(140) - minutes(1));
    assert_eq!(world.status().authorization.state, AuthorizationState::Evaluation);
    world.run_to(days(140));
    assert_eq!(world.status().authorization.state, AuthorizationState::EvaluationExpired);
}

/// evaluation | 90 days | counted `always` from installation (CCE, CM)
#[test]
fn evaluation_counted_always_runs_from_installation() {
    let mut world = World::with(altered("unified-ccx", "counted = \"in_use\"", "counted = \"always\""));
    world.run_to(days(10));
    assert_eq!((left(&world), world.status().evaluation.running), (80, true));
    world.run_to(days(90) - minutes(1));
    assert!(world.may_sync());
    world.run_to(days(90));
    assert!(!world.may_sync());
}

/// ID certificate | 365 days; renewal first tried at 180, then by the retry schedule until it ends
#[test]
fn id_certificate_is_renewed_at_180_days_or_by_the_schedule_until_it_ends() {
    let mut world = World::registered("unified-ccx-12.5", 100);
    assert_eq!(world.status().registration.expires_at, Some(start() + days(365)));
    world.run_to(days(180) - minutes(1));
    assert!(world.minutes_of("id-certificate-renewal").is_empty());
    world.away = true;
    world.run_to(days(181));
    let day = 24 * 60;
    let since: Vec<i64> =
        world.minutes_of("id-certificate-renewal").iter().map(|at| at - 180 * day).collect();
    assert_eq!(since, [0, 15, 30, 45, 60, 75, 90, 105, 120, 360, 600, 840, 1080, 1320]);
    world.run_to(days(365) - minutes(1));
    assert_eq!(world.status().registration.state, RegistrationState::Registered);
    world.run_to(days(365));
    assert_eq!(world.status().registration.state, RegistrationState::Expired);
    let renewals = world.minutes_of("id-certificate-renewal").len();
    world.run_to(days(370));
    assert_eq!(world.minutes_of("id-certificate-renewal").len(), renewals, "nothing is left to renew");
    assert_eq!(world.status().evaluation.remaining_seconds, 90 * 86_400, "evaluation does not resume");
    // The manager says so too, under its own time; a token makes it good.
    world.away = false;
    world.run_to(days(371));
    assert_eq!(world.status().registration.state, RegistrationState::Expired);
    world.manager.new_token(world.now);
    world.register(false);
    assert_eq!(world.status().registration.state, RegistrationState::Registered);
    assert_eq!(world.logged(&[EventKind::InstanceReplaced]).len(), 1, "by the older key, without force");
}

/// ID certificate | … when renewed in time, nothing is noticed
#[test]
fn id_certificate_is_renewed_by_itself() {
    let mut world = World::registered("unified-ccx-12.5", 100);
    world.run_to(days(365 * 2));
    let day = |minute: &i64| minute / (24 * 60);
    let renewals: Vec<i64> = world.minutes_of("id-certificate-renewal").iter().map(day).collect();
    assert_eq!(renewals, [180, 360, 540, 720]);
    assert_eq!(world.status().registration.state, RegistrationState::Registered);
}

/// authorization | renewed every 30 days
#[test]
fn authorization_is_renewed_at_30_days() {
    // A product that reports once in 40 days: between reports the renewal keeps the authorization.
    let mut world = World::with(altered("unified-ccx", "interval_minutes = 15", "interval_minutes = 57600"));
    world.manager.order(seatpool_sim::world::SERVER, 1, world.now);
    world.register(false);
    world.run_to(days(70));
    let day = |minute: &i64| minute / (24 * 60);
    let renewals: Vec<i64> = world.minutes_of("authorization-renewal").iter().map(day).collect();
    assert_eq!(renewals, [30, 70]);
    assert_eq!(world.status().authorization.renew_at, Some(start() + days(100)));
}

/// authorization | … ends 90 days after the last signed successful answer
#[test]
fn authorization_ends_90_days_after_the_last_answer_and_its_usage_is_dropped() {
    let mut world = World::registered("unified-ccx-12.5", 100);
    world.use_tag(STANDARD, 50);
    world.run_to(days(10));
    world.away = true;
    world.run_to(days(100) - minutes(1));
    assert_eq!(world.status().authorization.state, AuthorizationState::Authorized);
    world.run_to(days(100));
    assert_eq!(world.status().authorization.state, AuthorizationState::Expired);
    assert_eq!(world.logged(&[EventKind::AuthorizationExpired]), [(100 * 24 * 60, "authorization_expired")]);
    assert!(world.manager.facts.totals.values().all(|total| total.cumulative_peak.is_zero()));
    // One answer restores it.
    world.away = false;
    world.run(hours(8));
    assert_eq!(world.status().authorization.state, AuthorizationState::Authorized);
    let total = world.manager.facts.totals.values().find(|total| total.tag.as_str() == STANDARD).unwrap();
    assert_eq!(total.cumulative_peak.count(), 50);
}

/// usage report | CCE, CCX 15 min; CCX 12.5 8 h; CM 24 h … scheduled on a fixed grid
#[test]
fn usage_is_reported_on_the_profiles_grid() {
    let daily = altered("unified-ccx", "interval_minutes = 15", "interval_minutes = 1440");
    let cases = [
        (Profile::shipped("unified-ccx").unwrap(), 15),
        (Profile::shipped("unified-ccx-12.5").unwrap(), 8 * 60),
        (daily, 24 * 60),
    ];
    for (profile, interval) in cases {
        let mut world = World::with(profile);
        world.manager.order(seatpool_sim::world::SERVER, 1, world.now);
        // The grid begins with the registration, wherever that falls.
        world.run_to(minutes(3));
        world.register(false);
        world.run_to(minutes(4 + 3 * interval));
        let at: Vec<i64> = world.reports_of(STANDARD).into_iter().map(|(minute, ..)| minute).collect();
        assert_eq!(at, [3 + interval, 3 + 2 * interval, 3 + 3 * interval]);
    }
}

/// out of compliance → enforcement | 90 days from the transition
#[test]
fn out_of_compliance_is_enforced_90_days_after_the_transition() {
    let mut world = World::registered("unified-ccx-12.5", 100);
    world.use_tag(STANDARD, 130);
    world.run_to(hours(8));
    let transition = world.now;
    assert_eq!(world.status().authorization.since, Some(transition));
    world.run_until(transition + days(90) - minutes(1));
    assert!(world.may_sync());
    world.run_until(transition + days(90));
    assert!(!world.may_sync());
    let status = world.status();
    assert_eq!(status.enforcement.graces[0].reason, EnforcementReason::OutOfCompliance);
    assert_eq!(status.enforcement.since, Some(transition + days(90)));
    // Buying ends it with the next answer.
    world.manager.order(STANDARD, 30, world.now);
    world.command(Command::UpdateUsageNow);
    assert!(world.may_sync());
}

/// out of compliance → enforcement | … `never` allowed (CM, CCCSP)
#[test]
fn out_of_compliance_may_never_be_enforced() {
    let quoted = "\"The out-of-compliance period is for 90 days\"\nenforced_after_days = 90";
    let never = quoted.replace("= 90", "= \"never\"");
    let mut world = World::with(altered("unified-ccx-12.5", quoted, &never));
    world.register(false);
    world.use_tag(STANDARD, 130);
    world.run_to(days(300));
    assert_eq!(world.status().authorization.state, AuthorizationState::OutOfCompliance);
    assert!(world.may_sync());
}

/// authorization end → enforcement | … we take the later (180 days without contact in all), as the milder
#[test]
fn authorization_end_is_enforced_after_180_days_without_contact() {
    let mut world = World::registered("unified-ccx-12.5", 100);
    world.run_to(hours(8));
    let last = world.now;
    world.away = true;
    world.run_until(last + days(180) - minutes(1));
    assert!(world.may_sync());
    world.run_until(last + days(180));
    assert!(!world.may_sync());
    assert_eq!(world.status().enforcement.graces[0].reason, EnforcementReason::AuthorizationExpired);
    world.away = false;
    world.run(hours(8));
    assert!(world.may_sync());
}

/// authorization end → enforcement | … a profile may say 0 or never
#[test]
fn authorization_end_may_be_enforced_at_once_or_never() {
    let quoted = "before restrictions are enforced.\"\nenforced_after_days = 90";
    for (days_to, allowed) in [("0", false), ("\"never\"", true)] {
        let changed = quoted.replace("= 90", &format!("= {days_to}"));
        let mut world = World::with(altered("unified-ccx-12.5", quoted, &changed));
        world.manager.order(seatpool_sim::world::SERVER, 1, world.now);
        world.register(false);
        world.away = true;
        world.run_to(days(90) - minutes(1));
        assert!(world.may_sync());
        world.run_to(days(90));
        assert_eq!(world.may_sync(), allowed, "{days_to}");
    }
}

/// evaluation end → enforcement | at once
#[test]
fn evaluation_end_is_enforced_at_once_and_registration_mends_it() {
    let mut world = World::new("unified-ccx-12.5");
    world.use_tag(STANDARD, 5);
    world.run_to(days(90) - minutes(1));
    assert!(world.may_sync());
    world.run_to(days(90));
    assert!(!world.may_sync());
    world.register(false);
    assert!(world.may_sync());
}

/// retries after a failed contact … | every 15 min for 2 h, then every 4 h, ±10 % jitter; in Authorization
/// Expired every 4 h only
#[test]
fn retries_follow_the_schedule_and_in_authorization_expired_the_long_period_alone() {
    let mut world = World::new("unified-ccx-12.5");
    world.manager.order(seatpool_sim::world::SERVER, 1, world.now);
    world.away = true;
    world.register(false);
    world.run_to(hours(15));
    let attempts = world.minutes_of("registration");
    assert_eq!(attempts, [0, 15, 30, 45, 60, 75, 90, 105, 120, 360, 600, 840]);
    assert!(
        world.exchanges.windows(2).all(|pair| pair[0].request == pair[1].request),
        "the request as it was"
    );
    world.away = false;
    world.run_to(hours(24));
    assert_eq!(world.status().registration.state, RegistrationState::Registered);

    // The authorization ends; what is asked for by hand then fails, and is not tried every 15 minutes.
    world.away = true;
    world.run_to(days(120));
    assert_eq!(world.status().authorization.state, AuthorizationState::Expired);
    let before = world.exchanges.len();
    world.command(Command::RenewAuthorization);
    world.run_to(days(120) + hours(13));
    let asked: Vec<i64> = world.exchanges[before..]
        .iter()
        .filter(|exchange| exchange.request.body.kind() == "authorization-renewal")
        .map(|exchange| exchange.at.duration_since(start() + days(120)).as_mins())
        .collect();
    assert_eq!(asked, [0, 240, 480, 720]);
}
