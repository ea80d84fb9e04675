//! Clocks that are set back, ahead, or wrong from the start.

use seatpool_agent::Agent;
use seatpool_proto::Udi;

use crate::script::check;
use crate::world::{World, hours, identity, start};

#[test]
fn setting_the_clock_back_stretches_nothing() {
    check(
        "unified-ccx",
        "0 use CCX_FLEX_STANDARD 1
         80d show evaluation
         80d clock -79d
         95d show",
        "",
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
        "",
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
        "",
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
        "",
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
