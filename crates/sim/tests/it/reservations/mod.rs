//! Agents and a manager that never meet: random steps on both sides, codes carried late, repeatedly, or not at all,
//! while licences are ordered, moved, cancelled and end, and products are reset or fail.
//! Whatever happens, what a product may use by its installed code is held for it by the manager's lots; and once
//! every code has been carried, nothing is held any more, and no product believes that it has anything.

mod acts;
mod world;

use proptest::prelude::*;
use seatpool_proto::Quantity;
use seatpool_sim::world::{PREMIUM, STANDARD, tag};

use self::acts::{Act, Line, act, way_in};
use self::world::World;

/// Sequences of the property.
const CASES: u32 = 10_000;

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn licences_are_never_in_two_places_and_never_in_none(
        universal in any::<bool>(), begun in 0..=4_usize, acts in proptest::collection::vec(act(), 1..40)
    ) {
        let mut world = World::new(universal);
        for act in way_in(0).iter().take(begun).chain(&acts) {
            world.act(act);
            world.check();
        }
        world.settle();
    }
}

fn line(tag: &'static str, count: u64) -> Line {
    Line { tag, count, lot: None }
}

/// The random steps would prove little if they got nowhere.
#[test]
fn the_steps_lead_through_all_of_a_reservations_life() {
    let mut world = World::new(false);
    let lines = vec![line(PREMIUM, 4), line(STANDARD, 7)];
    let life = [Act::Update { reservation: 0, lines }, Act::Install(0, 0)];
    for act in way_in(0).iter().chain(&life) {
        world.act(act);
        world.check();
    }
    assert_eq!((world.held(), world.confirmations.len()), (6 + 7, 2), "in transit the larger is held");
    world.act(&Act::EnterConfirmation { code: 0, reservation: 0 });
    assert_eq!(world.held(), 4 + 7);
    world.act(&Act::Days(46));
    world.check();
    let standard = world.agents[0].state().reservation.reserved(&tag(STANDARD), world.now);
    assert_eq!(standard, Some(Quantity::ZERO), "its term has ended");
    world.act(&Act::Return(0));
    world.act(&Act::EnterReturn { code: 0, reservation: 0 });
    assert_eq!(world.held(), 0);
    world.settle();
}

#[test]
fn a_universal_reservation_and_a_failed_product_come_to_an_end_too() {
    let mut world = World::new(true);
    let begin = [
        Act::Enable(0),
        Act::Request { device: 0, universal: true },
        Act::Reserve { request: 0, second: true, lines: Vec::new() },
        Act::Install(0, 0),
    ];
    for act in begin.iter().chain(&way_in(1)) {
        world.act(act);
        world.check();
    }
    assert!(world.agents.iter().all(|agent| agent.state().reservation.installed.is_some()));
    assert_eq!(world.held(), 6 + 5);
    world.act(&Act::Rehost(0));
    world.check();
    assert_eq!(world.held(), 0, "the failed product's are free");
    world.act(&Act::FactoryReset { device: 0, force: false });
    assert!(world.agents[0].state().reservation.installed.is_some(), "not while it is reserved");
    world.act(&Act::FactoryReset { device: 0, force: true });
    assert!(world.agents[0].state().reservation.installed.is_none());
    world.check();
    world.settle();
}
