//! Clocks that are set back, ahead, or wrong from the start.

use seatpool_agent::Agent;
use seatpool_proto::Udi;

use crate::script::check;
use crate::world::{World, hours, identity, start};

#[test]
fn setting_the_clock_back_stretches_nothing() {
    check(
        "unified-ccx",
        "0 quiet evaluation_warning
         0 use CCX_FLEX_STANDARD 1
         80d show evaluation
         80d clock -79d
         95d show",
        "0 evaluation_started
         80d evaluation runs 10d
         80d clock_set_back
         90d evaluation_expired
         90d enforcement_started
         95d Unregistered/EvaluationExpired enforced",
    );
}

#[test]
fn a_clock_ahead_of_the_managers_is_corrected_by_its_answers() {
    check(
        "unified-ccx",
        "0 clock 20m
         0 register
         1h show alerts
         1h clock 0
         2h show alerts",
        "0 registration_succeeded
         0 clock_out_of_range
         1h alerts clock_out_of_range
         1h30m clock_corrected
         2h alerts",
    );
}

#[test]
fn one_boot_in_2038_does_no_lasting_harm() {
    check(
        "unified-ccx",
        "0 use CCX_FLEX_STANDARD 1
         1h register
         2h clock 4000d
         2h20m show
         3h clock 0
         4h show
         5h deregister
         5h show evaluation",
        "0 evaluation_started
         1h registration_succeeded
         4000d2h15m registration_expired
         4000d2h15m authorization_expired
         4000d2h15m enforcement_started
         2h15m authorization_restored
         2h15m enforcement_stopped
         2h15m clock_out_of_range
         2h20m Registered/Authorized
         3h clock_set_back
         3h30m clock_corrected
         4h Registered/Authorized
         5h deregistration_succeeded
         5h evaluation_started
         5h evaluation runs 89d23h",
    );
}

#[test]
fn a_boot_in_2038_under_evaluation_is_given_back_by_the_registration() {
    check(
        "unified-ccx",
        "0 use CCX_FLEX_STANDARD 1
         1h clock 4000d
         1h1m show
         1h2m clock 0
         1h2m register
         1h3m show
         1h3m show evaluation",
        "0 evaluation_started
         4000d1h1m evaluation_expired
         4000d1h1m enforcement_started
         1h1m Unregistered/EvaluationExpired enforced
         4000d1h2m clock_set_back
         1h2m evaluation_started
         1h2m enforcement_stopped
         1h2m registration_succeeded
         1h3m Registered/Authorized
         1h3m evaluation stands 90d",
    );
}

#[test]
fn a_state_of_another_machine_keeps_only_its_evaluation_and_sequence() {
    let mut world = World::new("unified-ccx");
    world.use_tag(crate::world::STANDARD, 1);
    world.run(hours(24));
    world.register(false).unwrap();
    let state = world.agent.state().clone();
    let mut identity = identity();
    identity.udi = Udi::new("UCCX", "SN-2", None).unwrap();
    let now = start().checked_add(hours(25)).unwrap();
    let mut agent = Agent::new(world.agent.profile().clone(), identity, Some(state.clone()), now);
    assert!(agent.state().registration.is_none() && agent.state().in_flight.is_none());
    assert_eq!(agent.state().sequence, state.sequence);
    assert_eq!(agent.status(now).evaluation.remaining_seconds, 89 * 86_400);
    assert_eq!(agent.poll_event().unwrap().code.as_str(), "state_foreign");
}

#[test]
fn an_installation_that_is_not_registered_may_be_renamed_and_keeps_its_settings() {
    let world = World::new("unified-ccx");
    let mut state = world.agent.state().clone();
    state.privacy.hostname = true;
    let mut identity = identity();
    identity.udi = Udi::new("UCCX", "SN-2", identity.udi.uuid).unwrap();
    let mut agent = Agent::new(world.agent.profile().clone(), identity.clone(), Some(state), start());
    assert_eq!(agent.state().udi, identity.udi);
    assert!(agent.state().privacy.hostname);
    assert!(agent.poll_persist().is_some());
    assert_eq!(core::iter::from_fn(|| agent.poll_event()).find(|e| e.code.as_str() == "state_foreign"), None);
}
