//! Registering, registering again, deregistering.

use seatpool_agent::Command;
use seatpool_proto::RequestBody;

use crate::script::check;
use crate::world::{TOKEN, World, hours};

#[test]
fn a_registration_is_tried_by_the_schedule_until_the_manager_answers() {
    check(
        "unified-ccx",
        "0 away
         0 register
         0 show
         2h10m show
         2h10m show jobs
         6h back
         6h1m show
         6h1m show jobs",
        "0 communication_failed
         0 registration_failed
         0 Registering/NoLicensesInUse
         15m registration_failed
         30m registration_failed
         45m registration_failed
         1h registration_failed
         1h15m registration_failed
         1h30m registration_failed
         1h45m registration_failed
         2h registration_failed
         2h10m Registering/NoLicensesInUse
         2h10m jobs Registration@6h
         6h registration_failed
         6h1m Registering/NoLicensesInUse
         6h1m jobs Registration@10h",
    );
}

#[test]
fn a_lost_answer_is_asked_for_again_by_the_same_request() {
    let mut world = World::new("unified-ccx");
    world.manager.losing = 1;
    world.register(false).unwrap();
    world.run(hours(1));
    assert_eq!(world.sent[0].1, world.sent[1].1, "the retry is the request as it was");
    assert_eq!(world.status().registration.product_instance_id.unwrap().0.as_u128(), 1, "registered once");
    // The repeated answer bears the time of the first: it is not taken for the present time.
    assert_eq!(world.status().clock.local_ahead_seconds, 0);
}

#[test]
fn a_refused_token_ends_the_attempt_with_its_reason() {
    check(
        "unified-ccx",
        "0 refuse token_expired 1
         0 register
         1m show
         1m show last
         1m show jobs
         1m show alerts
         2m register
         2m show",
        "0 registration_failed
         1m Unregistered/NoLicensesInUse
         1m last contact failed token_expired at 0
         1m jobs
         1m alerts registration_failed
         2m registration_succeeded
         2m Registered/NoLicensesInUse",
    );
}

#[test]
fn the_first_report_follows_the_registration_at_once() {
    let mut world = World::new("unified-ccx");
    world.register(false).unwrap();
    let kinds: Vec<&str> = world.sent.iter().map(|(_, transmit)| transmit.request.body.kind()).collect();
    assert_eq!(kinds, ["registration", "authorization"]);
    assert!(!world.reports().next().unwrap().1.scheduled);
}

#[test]
fn registering_again_takes_force_and_shows_the_older_key() {
    let mut world = World::new("unified-ccx");
    world.register(false).unwrap();
    assert_eq!(world.register(false).unwrap_err().code(), "already_registered");
    world.run(hours(1));
    world.register(true).unwrap();
    let (_, again) = world.sent.iter().rfind(|(_, t)| t.request.body.kind() == "registration").unwrap();
    assert!(again.signing.certificates.is_empty(), "the new key is in the request itself");
    let older = again.co_signing.as_ref().unwrap();
    assert!(!older.certificates.is_empty() && older.key != again.signing.key);
    assert!(again.request.product_instance_id.is_some() && again.request.account_id.is_some());
    let RequestBody::Registration(body) = &again.request.body else { panic!("a registration") };
    assert!(body.force);
    assert_eq!(world.status().registration.product_instance_id.unwrap().0.as_u128(), 2);
}

#[test]
fn registering_again_is_no_way_out_of_a_grace() {
    check(
        "unified-ccx-12.5",
        "0 own CCX_FLEX_STANDARD 100
         0 register
         1h use CCX_FLEX_STANDARD 130
         10d show graces
         10d register force
         10d show graces
         11d show",
        "0 registration_succeeded
         8h out_of_compliance CCX_FLEX_STANDARD
         10d graces OutOfCompliance@90d8h
         10d registration_succeeded
         10d graces OutOfCompliance@90d8h
         11d Registered/OutOfCompliance",
    );
}

#[test]
fn privacy_withholds_host_name_and_version() {
    for (private, expect) in [(false, Some("ccx1.example.com")), (true, None)] {
        let mut world = World::new("unified-ccx");
        if private {
            let privacy = seatpool_agent::Privacy { hostname: true, version: true };
            world.command(Command::SetPrivacy(privacy)).unwrap();
        }
        world.register(false).unwrap();
        let RequestBody::Registration(body) = &world.sent[0].1.request.body else { panic!("a registration") };
        assert_eq!(body.host_name.as_deref(), expect);
        assert_eq!(body.product.version.is_none(), private);
        assert_eq!(body.product.kind, "unified-ccx");
    }
}

#[test]
fn deregistration_frees_everything_and_the_evaluation_goes_on() {
    check(
        "unified-ccx",
        "0 use CCX_FLEX_STANDARD 10
         1h register
         5h deregister
         5h show
         5h show evaluation
         5h show alerts",
        "0 evaluation_started
         1h registration_succeeded
         5h deregistration_succeeded
         5h evaluation_started
         5h Unregistered/Evaluation
         5h evaluation runs 89d23h
         5h alerts",
    );
}

#[test]
fn with_the_manager_away_deregistration_is_done_here_and_told_later() {
    check(
        "unified-ccx",
        "0 register
         1h away
         1h1m deregister
         1h1m show
         1h1m show alerts
         1h20m show jobs
         3h back
         4h show jobs",
        "0 registration_succeeded
         1h1m communication_failed
         1h1m deregistered_locally
         1h1m Unregistered/NoLicensesInUse
         1h1m alerts communication_failed deregistered_locally
         1h20m jobs Farewell@1h31m
         3h1m communication_restored
         3h1m deregistration_succeeded
         4h jobs",
    );
}

#[test]
fn the_manager_is_told_for_24_hours_at_most() {
    check(
        "unified-ccx",
        "0 register
         1h away
         1h1m deregister
         2d show jobs",
        "0 registration_succeeded
         1h1m communication_failed
         1h1m deregistered_locally
         23h1m deregistration_failed
         2d jobs",
    );
}

#[test]
fn a_late_deregistration_can_only_end_the_old_registration() {
    let mut world = World::new("unified-ccx");
    world.register(false).unwrap();
    let old = world.status().registration.product_instance_id;
    world.manager.failing = Some(seatpool_agent::FailureKind::Timeout);
    world.command(Command::Deregister).unwrap();
    let key = world.sent.last().unwrap().1.signing.key;
    world.manager.failing = None;
    world.register(false).unwrap();
    let (_, registration) =
        world.sent.iter().rfind(|(_, t)| t.request.body.kind() == "registration").unwrap();
    assert_eq!(registration.co_signing.as_ref().unwrap().key, key, "the older key proves the same machine");
    world.run(hours(1));
    let (_, farewell) = world.sent.iter().rfind(|(_, t)| t.request.body.kind() == "deregistration").unwrap();
    assert_eq!((farewell.request.product_instance_id, farewell.signing.key), (old, key));
    assert_eq!(world.status().registration.state, seatpool_agent::status::RegistrationState::Registered);
}

#[test]
fn a_factory_reset_keeps_the_evaluation_and_the_sequence_number() {
    check(
        "unified-ccx",
        "0 use CCX_FLEX_STANDARD 10
         1d register
         2d reset
         2d show
         2d show evaluation",
        "0 evaluation_started
         1d registration_succeeded
         2d factory_reset
         2d Unregistered/NoLicensesInUse
         2d evaluation stands 89d",
    );
    let mut world = World::new("unified-ccx");
    world.register(false).unwrap();
    let before = world.agent.state().sequence;
    world.command(Command::FactoryReset { force: false }).unwrap();
    world.register(false).unwrap();
    assert!(world.sent.last().unwrap().1.request.sequence > before);
}

#[test]
fn the_licence_type_is_fixed_while_registered() {
    check(
        "unified-ccx",
        "0 type Perpetual Premium
         0 use CCX_FLEX_STANDARD 1
         0 use CCX_PREMIUM 1
         1h type Lab
         1h register
         1h type Flex
         2h deregister
         2h type Flex",
        "0 refused: unknown_tag
         0 evaluation_started
         1h refused: unknown_license_type
         1h registration_succeeded
         1h refused: license_type_fixed
         2h deregistration_succeeded
         2h evaluation_started",
    );
}

#[test]
fn commands_that_need_a_registration_say_so() {
    check(
        "unified-ccx",
        "0 deregister
         0 update
         0 renew auth
         0 renew id",
        "0 refused: not_registered
         0 refused: not_registered
         0 refused: not_registered
         0 refused: not_registered",
    );
    let mut world = World::new("unified-ccx");
    for token in ["", "with space", "tök", &"a".repeat(257)] {
        let new_key = world.new_key();
        let refused = world.command(Command::Register { token: token.to_owned(), force: false, new_key });
        assert_eq!(refused.unwrap_err().code(), "invalid_token");
    }
}

#[test]
fn registered_without_an_answer_to_a_report_is_waiting() {
    check(
        "unified-ccx",
        "0 deny authorization
         0 use CCX_FLEX_STANDARD 5
         0 register
         1m show
         1m show CCX_FLEX_STANDARD
         2m back
         16m show
         16m show CCX_FLEX_STANDARD",
        "0 evaluation_started
         0 registration_succeeded
         0 request_refused
         1m Registered/Waiting
         1m CCX_FLEX_STANDARD waiting actual 5 reported 5 overages 0
         16m Registered/Authorized
         16m CCX_FLEX_STANDARD in-compliance actual 5 reported 5 overages 0",
    );
}

#[test]
fn a_deregistration_that_a_long_stop_interrupted_is_asked_for_anew() {
    let mut world = World::new("unified-ccx");
    world.register(false).unwrap();
    // The process ends with the request stored and not sent.
    let local = world.local();
    world.agent.handle_command(Command::Deregister, local, &mut world.chance).unwrap();
    world.stored = world.agent.poll_persist().map(|state| serde_json::to_string(state).unwrap());
    world.now = world.now.checked_add(hours(48)).unwrap();
    let before = world.sent.len();
    world.restart();
    world.run(hours(1));
    let kinds: Vec<&str> = world.sent[before..].iter().map(|(_, t)| t.request.body.kind()).collect();
    assert_eq!(kinds, ["deregistration"]);
    assert_eq!(world.status().registration.state, seatpool_agent::status::RegistrationState::Unregistered);
    assert!(!world.status().registration.ended.unwrap().remove_by_hand, "the manager took it");
}

#[test]
fn the_token_is_not_shown_by_debug_output() {
    let mut world = World::new("unified-ccx");
    let new_key = world.new_key();
    let command = Command::Register { token: TOKEN.to_owned(), force: true, new_key };
    let shown = format!("{command:?} {command:#?}");
    assert!(!shown.contains(TOKEN) && shown.contains("force: true"), "{shown}");
    // Under way, and waiting to be sent again.
    let local = world.local();
    world.agent.handle_command(command, local, &mut world.chance).unwrap();
    let shown = format!("{:?}", world.agent.state());
    assert!(!shown.contains(TOKEN) && shown.contains("in_flight: Some"), "{shown}");
    world.manager.failing = Some(seatpool_agent::FailureKind::Connect);
    world.settle();
    let shown = format!("{:?} {:?}", world.agent.state(), world.sent);
    assert!(!shown.contains(TOKEN) && shown.contains("Registration"), "{shown}");
}
