//! Export-restricted features over the network and by codes: random steps on both sides, requests and answers that get
//! lost, arrive late or twice, while registrations end on either side and licences are ordered, moved, cancelled and end.
//! Whatever happens, a restricted licence is in one place; and once every message has been delivered, in one.

mod acts;
mod check;
mod world;

use proptest::prelude::*;

use self::acts::{Act, Link, act};
use self::world::World;

/// Sequences of the property.
const CASES: u32 = 10_000;

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn restricted_licences_are_never_in_two_places_and_never_in_none(
        registered in any::<bool>(), acts in proptest::collection::vec(act(), 1..24)
    ) {
        let mut world = World::new();
        if registered {
            world.act(&Act::Register { device: 0, force: false });
            world.act(&Act::Request { device: 0, feature: 0 });
        }
        for act in &acts {
            world.act(act);
            world.check();
        }
        world.settle();
    }
}

fn run(acts: &[Act]) -> World {
    let mut world = World::new();
    for act in acts {
        world.act(act);
        world.check();
    }
    world
}

const REGISTER: Act = Act::Register { device: 0, force: false };
const REQUEST: Act = Act::Request { device: 0, feature: 0 };
const RETURN: Act = Act::Return { device: 0, feature: 0 };

fn link(link: Link) -> Act {
    Act::Link { device: 0, link }
}

/// The random steps would prove little if they got nowhere.
#[test]
fn a_lost_answer_gives_the_same_authorization_once_more_and_a_lost_return_is_one() {
    let mut world = run(&[REGISTER, link(Link::Deaf), REQUEST]);
    assert_eq!((world.held(), world.uses(0)), (1, 0), "the manager authorized it, and nobody knows");
    world.act(&link(Link::Up));
    world.act(&Act::Minutes(20));
    world.check();
    assert_eq!((world.held(), world.uses(0)), (1, 1));
    for act in [link(Link::Deaf), RETURN] {
        world.act(&act);
        world.check();
    }
    assert_eq!((world.held(), world.uses(0)), (0, 0), "it is free for others, so it is used here no longer");
    world.act(&Act::Cancel(0));
    world.check();
    world.settle();
}

#[test]
fn a_request_that_arrives_after_it_was_canceled_is_seen_and_given_back() {
    let mut world = run(&[REGISTER, link(Link::Slow), REQUEST, Act::Cancel(0), Act::Arrive]);
    assert_eq!((world.held(), world.uses(0)), (1, 0));
    world.settle();
}

#[test]
fn what_is_reserved_is_not_authorized_as_well() {
    let world = run(&[
        Act::Reserve { device: 0, count: 2 },
        Act::Register { device: 1, force: false },
        Act::Request { device: 1, feature: 0 },
        Act::Request { device: 1, feature: 1 },
    ]);
    assert_eq!((world.uses(0), world.uses(1), world.held()), (2, 1, 3), "three are owned in all");
}

#[test]
fn a_product_that_is_cut_off_uses_nothing_beyond_the_end_of_its_licence_or_authorization() {
    // The perpetual licences are reserved: the third ends in 40 days.
    let begin = [Act::Reserve { device: 1, count: 2 }, REGISTER, REQUEST, link(Link::Away)];
    let mut world = run(&begin);
    assert_eq!((world.held(), world.uses(0)), (3, 1));
    world.act(&Act::Days(41));
    world.check();
    assert_eq!((world.held(), world.uses(0)), (2, 0));
    world.settle();

    let mut world = run(&[REGISTER, REQUEST, link(Link::Away), Act::Remove(0), Act::Days(85)]);
    assert_eq!((world.held(), world.uses(0)), (0, 1), "nobody has told it");
    world.act(&Act::Days(6));
    assert_eq!(world.uses(0), 0, "that is not for ever");
    world.settle();

    let mut world = run(&[REGISTER, REQUEST, link(Link::Away), Act::Days(91)]);
    assert_eq!((world.held(), world.uses(0)), (0, 0), "what is silent for so long holds nothing");
    world.act(&link(Link::Up));
    world.act(&Act::Days(1));
    world.check();
    assert_eq!((world.held(), world.uses(0)), (1, 1), "it asks anew by itself");
    world.settle();
}
