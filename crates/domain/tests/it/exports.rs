//! Export-restricted features of instances in contact.

use seatpool_domain::command::{Action, Chosen};
use seatpool_proto::message::ExportFeature;
use seatpool_proto::{ProblemCode, RequestBody, ResponseBody};

use crate::agent::Agent;
use crate::world::{World, tag};

fn feature(name: &str) -> ExportFeature {
    ExportFeature { feature: name.into(), tag: tag("PORT") }
}

fn asks(agent: &mut Agent, world: &mut World, name: &str) -> Result<String, ProblemCode> {
    match agent.ask(world, RequestBody::ExportRequest(feature(name)))? {
        ResponseBody::ExportRequest(made) => Ok(made.authorization_key),
        other => panic!("{other:?}"),
    }
}

fn returns(agent: &mut Agent, world: &mut World, name: &str) {
    let answer = agent.ask(world, RequestBody::ExportReturn(feature(name)));
    assert!(matches!(answer, Ok(ResponseBody::ExportReturn(_))), "{answer:?}");
}

fn registered(world: &mut World, number: u8) -> Agent {
    let token = world.create_token(world.default_va(), None);
    let mut agent = Agent::new(number);
    agent.register(world, token).unwrap();
    agent
}

#[test]
fn a_feature_takes_one_licence_until_it_is_given_back() {
    let mut world = World::new();
    let va = world.default_va();
    let lot = world.order(va, "o1", "PORT", 1);
    let (mut one, mut other) = (registered(&mut world, 1), registered(&mut world, 2));
    let key = asks(&mut one, &mut world, "mixed-mode").unwrap();
    assert_eq!(asks(&mut one, &mut world, "mixed-mode").as_ref(), Ok(&key), "asked again, it is the same");
    assert_eq!(world.lots[&lot].reserved.count(), 1);
    assert_eq!(asks(&mut one, &mut world, "other-mode"), Err(ProblemCode::ExportNotAvailable));
    assert_eq!(asks(&mut other, &mut world, "mixed-mode"), Err(ProblemCode::ExportNotAvailable));
    let cancel = Action::Cancel { lots: Chosen::Lot(lot), quantity: None, reason: String::new() };
    assert_eq!(world.submit(cancel).unwrap_err().code(), "held", "what is in use is not taken away");
    let emea = world.create_va("EMEA");
    let moved = world.submit(Action::TransferInstance { instance: one.id(), to: emea });
    assert_eq!(moved.unwrap_err().code(), "export_authorized");
    for _ in 0..2 {
        returns(&mut one, &mut world, "mixed-mode");
        assert_eq!(world.lots[&lot].reserved.count(), 0);
    }
    assert!(asks(&mut other, &mut world, "mixed-mode").is_ok());
}

#[test]
fn the_end_of_a_registration_gives_everything_back() {
    let mut world = World::new();
    let lot = world.order(world.default_va(), "o1", "PORT", 5);
    let (mut one, mut other) = (registered(&mut world, 1), registered(&mut world, 2));
    for name in ["a", "b"] {
        asks(&mut one, &mut world, name).unwrap();
        asks(&mut other, &mut world, name).unwrap();
    }
    assert_eq!(world.lots[&lot].reserved.count(), 4);
    one.deregister(&mut world).unwrap();
    assert_eq!(world.lots[&lot].reserved.count(), 2);
    world.submit(Action::RemoveInstance { instance: other.id() }).unwrap();
    assert_eq!(world.lots[&lot].reserved.count(), 0);
}

#[test]
fn who_is_not_permitted_is_told_so() {
    let mut world = World::with_export(false);
    world.order(world.default_va(), "o1", "PORT", 1);
    let mut agent = registered(&mut world, 1);
    assert_eq!(asks(&mut agent, &mut world, "mixed-mode"), Err(ProblemCode::ExportNotPermitted));
    world.account.export_permitted = true;
    assert_eq!(
        asks(&mut agent, &mut world, "mixed-mode"),
        Err(ProblemCode::ExportNotPermitted),
        "its token was not"
    );

    let mut world = World::new();
    world.order(world.default_va(), "o1", "S", 5);
    let mut agent = registered(&mut world, 1);
    let cheap = ExportFeature { feature: "mixed-mode".into(), tag: tag("S") };
    let refused = agent.ask(&mut world, RequestBody::ExportRequest(cheap));
    assert_eq!(refused.unwrap_err(), ProblemCode::ExportNotPermitted, "not for any license that there is");
}

#[test]
fn what_instances_use_is_not_taken_for_a_feature() {
    let mut world = World::new();
    world.order(world.default_va(), "o1", "PORT", 3);
    let mut agent = registered(&mut world, 1);
    agent.report(&mut world, &[("PORT", 3, None)]).unwrap();
    assert_eq!(asks(&mut agent, &mut world, "mixed-mode"), Err(ProblemCode::ExportNotAvailable));
}
