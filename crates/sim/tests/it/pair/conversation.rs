//! Lost answers, restored snapshots and clones: both cores must draw the same conclusion.

use seatpool_agent::Command;
use seatpool_agent::status::{AuthorizationState, RegistrationState};
use seatpool_domain::EventKind;

use seatpool_sim::world::{SERVER, STANDARD, World, days, hours, minutes};

const ODDITIES: &[EventKind] =
    &[EventKind::InstanceRewound, EventKind::InstanceCloned, EventKind::InstanceForced];

#[test]
fn lost_answers_of_every_kind_leave_both_sides_in_step() {
    let mut world = World::new("unified-ccx");
    world.manager.order(SERVER, 1, world.now);
    world.manager.order(STANDARD, 100, world.now);
    // The registration's answer, then two reports' in a row.
    world.losing = 1;
    world.register(false);
    world.use_tag(STANDARD, 50);
    world.run_to(hours(1));
    assert_eq!(world.status().registration.state, RegistrationState::Registered);
    assert_eq!(world.manager.facts.instances.values().count(), 1, "registered once");
    world.losing = 2;
    world.run_to(hours(2));
    assert_eq!(world.status().authorization.state, AuthorizationState::Authorized);
    // A renewal's: the present certificate goes on being accepted, and the retry brings the new one.
    world.losing = 1;
    world.command(Command::RenewRegistration { new_key: None });
    world.run_to(hours(4));
    assert_eq!(world.told().last().map(|(_, code)| *code), Some("renewal_succeeded"));
    world.run_to(hours(6));
    // A deregistration's.
    world.losing = 1;
    world.command(Command::Deregister);
    world.run_to(hours(7));
    assert_eq!(world.status().registration.state, RegistrationState::Unregistered);
    assert!(world.manager.facts.totals.values().all(|total| total.cumulative_peak.is_zero()));
    assert!(world.logged(ODDITIES).is_empty());
    assert_eq!(world.logged(&[EventKind::InstanceDeregistered]).len(), 1);
}

#[test]
fn a_restored_snapshot_goes_on_with_an_alert() {
    let mut world = World::registered("unified-ccx", 100);
    world.use_tag(STANDARD, 50);
    world.run_to(hours(1));
    let snapshot = world.snapshot();
    world.run_to(hours(3));
    world.restart_from(snapshot);
    world.run_to(hours(6));
    assert_eq!(world.logged(ODDITIES), [(195, "instance_rewound")]);
    assert_eq!(world.status().authorization.state, AuthorizationState::Authorized);
    assert!(world.status().communication.failing_since.is_none());
}

#[test]
fn of_two_copies_one_is_refused_until_it_registers_anew() {
    let mut world = World::registered("unified-ccx", 100);
    world.run_to(hours(1) + minutes(5));
    let mut other = world.snapshot();
    world.run_to(hours(1) + minutes(20));
    // They take turns from here.
    for turn in 1..=4 {
        let mine = world.snapshot();
        world.restart_from(core::mem::replace(&mut other, mine));
        world.run_to(hours(1) + minutes(20 + 15 * turn));
    }
    let logged = world.logged(ODDITIES);
    assert_eq!(logged.iter().filter(|(_, kind)| *kind == "instance_rewound").count(), 1, "{logged:?}");
    assert!(logged.iter().any(|(_, kind)| *kind == "instance_cloned"), "{logged:?}");
    let told: Vec<&str> = world.told().into_iter().map(|(_, code)| code).collect();
    assert!(told.contains(&"clone_detected"), "{told:?}");
}

#[test]
fn a_removed_instance_learns_it_with_its_next_report() {
    let mut world = World::registered("unified-ccx", 100);
    world.use_tag(STANDARD, 50);
    world.run_to(hours(1));
    let instance = world.status().registration.product_instance_id.unwrap();
    let remove = seatpool_domain::command::Action::RemoveInstance { instance };
    world.manager.submit(remove, world.now).unwrap();
    world.run_to(hours(1) + minutes(15));
    let status = world.status();
    assert_eq!(status.registration.state, RegistrationState::Unregistered);
    assert_eq!(status.registration.ended.unwrap().code, Some(seatpool_proto::ProblemCode::InstanceRemoved));
    assert_eq!(status.authorization.state, AuthorizationState::Evaluation, "the evaluation goes on");
    world.run_to(days(1));
    world.register(false);
    assert_eq!(world.status().registration.state, RegistrationState::Registered);
}
