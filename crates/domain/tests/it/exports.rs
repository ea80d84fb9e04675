//! Export-restricted features of instances in contact.

use seatpool_domain::alert::{self, Kind};
use seatpool_domain::command::{Action, Chosen, TransferLine};
use seatpool_domain::explain::{self, Place};
use seatpool_domain::{EventKind, Refused};
use seatpool_proto::message::ExportFeature;
use seatpool_proto::{ProblemCode, RequestBody, ResponseBody};

use crate::agent::Agent;
use crate::world::{World, q, tag};

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
    let refused = world.submit(cancel).unwrap_err();
    assert_eq!(refused.code(), "held", "what is in use is not taken away");
    assert!(
        refused.to_string().ends_with(
            "of which 1 are reserved and 0 held by an on-prem manager; the export-restricted feature mixed-mode on \
             sn1.example.com (PID UCCX, SN SN1) holds one of them: return what is not needed on the product, as with `license smart \
             export return local mixed-mode`"
        ),
        "{refused}"
    );
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
fn what_is_authorized_stays_so_when_it_is_permitted_no_longer() {
    let mut world = World::new();
    world.order(world.default_va(), "o1", "PORT", 1);
    let mut agent = registered(&mut world, 1);
    let key = asks(&mut agent, &mut world, "mixed-mode");
    world.account.export_permitted = false;
    // As an agent asks that did not get the answer, and does so under a new id.
    assert_eq!(asks(&mut agent, &mut world, "mixed-mode"), key);
    assert_eq!(asks(&mut agent, &mut world, "other-mode"), Err(ProblemCode::ExportNotPermitted));
}

#[test]
fn what_instances_use_is_not_taken_for_a_feature() {
    let mut world = World::new();
    world.order(world.default_va(), "o1", "PORT", 3);
    let mut agent = registered(&mut world, 1);
    agent.report(&mut world, &[("PORT", 3, None)]).unwrap();
    assert_eq!(asks(&mut agent, &mut world, "mixed-mode"), Err(ProblemCode::ExportNotAvailable));
}

#[test]
fn licences_that_features_hold_are_neither_moved_nor_cancelled_by_their_order() {
    let mut world = World::new();
    let va = world.default_va();
    let emea = world.create_va("EMEA");
    world.order(va, "o1", "PORT", 5);
    for number in 1..=5 {
        let mut agent = registered(&mut world, number);
        asks(&mut agent, &mut world, "mixed-mode").unwrap();
    }
    let line =
        |quantity| TransferLine { tag: tag("PORT"), lot: None, kind: None, quantity: q(quantity), to: emea };
    let order = Chosen::Order("o1".into());
    for (action, code) in [
        (Action::TransferLicenses { from: va, lines: vec![line(1)] }, "too_few"),
        (Action::Cancel { lots: order, quantity: None, reason: String::new() }, "held"),
    ] {
        let refused = world.submit(action).unwrap_err();
        assert_eq!(refused.code(), code);
        let told = refused.to_string();
        assert!(
            told.contains(
                "; the export-restricted features mixed-mode on sn1.example.com (PID UCCX, SN SN1), "
            ),
            "{told}"
        );
        assert!(told.contains(" and 2 more hold some of them"), "{told}");
    }
}

/// What the next answer to a report says that no licence authorizes.
fn ended(agent: &mut Agent, world: &mut World) -> Vec<String> {
    agent.report(world, &[]).unwrap().exports_ended
}

#[test]
fn the_end_of_a_lot_ends_what_it_authorized_unless_another_has_one_to_spare() {
    const DAY: i64 = 86_400;
    let mut world = World::new();
    let va = world.default_va();
    let first = world.order_line(va, "o1", world.term("PORT", 1, 0, 30));
    let mut agent = registered(&mut world, 1);
    let key = asks(&mut agent, &mut world, "mixed-mode").unwrap();
    assert_eq!(ended(&mut agent, &mut world), Vec::<String>::new());
    let second = world.order_line(va, "o2", world.term("PORT", 1, 0, 60));

    // The job sees the end: the authorization goes over to the other lot.
    let events = world.events.len();
    world.advance(30 * DAY);
    assert_eq!((world.lots[&first].reserved, world.lots[&second].reserved), (q(0), q(1)));
    assert_eq!(world.kinds_since(events), [EventKind::LicensesEnded, EventKind::ExportAuthorized]);
    assert_eq!(ended(&mut agent, &mut world), Vec::<String>::new());
    assert_eq!(asks(&mut agent, &mut world, "mixed-mode").as_ref(), Ok(&key));

    let events = world.events.len();
    world.advance(30 * DAY);
    assert_eq!(world.lots[&second].reserved, q(0));
    assert_eq!(world.kinds_since(events), [EventKind::LicensesEnded, EventKind::ExportEnded]);
    let place = Place::new(va, "Default");
    let alerts = |world: &World, agent: &Agent| {
        alert::restricted(&world.instances[&agent.id()], &place, &world.catalogue)
    };
    let [alert] = &alerts(&world, &agent)[..] else { panic!("one alert") };
    assert_eq!(alert.kind, Kind::RestrictedLicenseUnavailable);
    assert_eq!(
        alert.message.to_string(),
        format!(
            "The license that the export-restricted feature mixed-mode on sn1.example.com (PID UCCX, SN SN1) took ended on {}, and \
             IVR Port has no other to spare in Default: it may be used no longer. Order or move one there, or return it on \
             another product instance; the product asks anew by itself.",
            world.now
        )
    );
    // Told with every answer until it is authorized again, so that a lost one does no harm.
    for _ in 0..2 {
        assert_eq!(ended(&mut agent, &mut world), ["mixed-mode"]);
    }
    assert_eq!(asks(&mut agent, &mut world, "mixed-mode"), Err(ProblemCode::ExportNotAvailable));
    world.order(va, "o3", "PORT", 1);
    assert_ne!(asks(&mut agent, &mut world, "mixed-mode").as_ref(), Ok(&key));
    assert_eq!(ended(&mut agent, &mut world), Vec::<String>::new());
    assert_eq!(alerts(&world, &agent), []);
}

#[test]
fn a_lot_that_ended_while_no_job_ran_is_noticed_at_the_next_contact() {
    let mut world = World::new();
    let va = world.default_va();
    let lot = world.order_line(va, "o1", world.term("PORT", 1, 0, 30));
    let mut agent = registered(&mut world, 1);
    asks(&mut agent, &mut world, "mixed-mode").unwrap();
    world.now += jiff::SignedDuration::from_hours(30 * 24);
    assert_eq!(agent.renew_authorization(&mut world).unwrap().exports_ended, ["mixed-mode"]);
    assert_eq!(world.lots[&lot].reserved, q(0));
    // Nothing is left to take back from the registration.
    agent.deregister(&mut world).unwrap();
    assert_eq!(world.lots[&lot].reserved, q(0));
}

#[test]
fn who_was_refused_for_want_of_a_licence_waits_on_record() {
    let mut world = World::new();
    let va = world.default_va();
    let mut agent = registered(&mut world, 1);
    for _ in 0..2 {
        assert_eq!(asks(&mut agent, &mut world, "mixed-mode"), Err(ProblemCode::ExportNotAvailable));
    }
    let row = &world.instances[&agent.id()];
    assert_eq!(row.exports.len(), 1, "once");
    let mut greedy = world.clone();
    let mut copy = agent.clone();
    for n in 0..20 {
        assert!(asks(&mut copy, &mut greedy, &format!("feature-{n}")).is_err());
    }
    assert_eq!(greedy.instances[&copy.id()].exports.len(), 16, "no more than a profile could name");
    let alerts = alert::restricted(row, &Place::new(va, "Default"), &world.catalogue);
    assert_eq!(
        alerts[0].message.to_string(),
        format!(
            "sn1.example.com (PID UCCX, SN SN1) asked for the export-restricted feature mixed-mode on {}, and IVR Port has none to \
             spare in Default. Order or move one there, or return it on another product instance; the product asks anew by \
             itself.",
            world.now
        )
    );
    let place = Place::new(va, "Default");
    let facts = explain::InstanceFacts {
        instance: row,
        place: &place,
        reservation: None,
        restricted: vec![explain::License::new(tag("PORT"), "IVR Port")],
        used: Vec::new(),
        moved_here_at: None,
        ended_by: None,
        cloned_at: None,
        rewound_at: None,
        policy: &world.policy,
        now: world.now,
    };
    let told = explain::instance(&facts).told();
    let why: Vec<_> = told.why.iter().map(ToString::to_string).collect();
    let expected = format!(
        "It asked for the export-restricted feature mixed-mode on {}, and IVR Port has none to spare.",
        world.now
    );
    assert!(why.contains(&expected), "{why:?}");
    let steps: Vec<_> = told.what_to_do.iter().map(ToString::to_string).collect();
    assert_eq!(
        steps,
        ["Order IVR Port for Default, move one there, or return it on another product instance."]
    );
    let emea = world.create_va("EMEA");
    assert!(
        !matches!(
            world.submit(Action::TransferInstance { instance: agent.id(), to: emea }),
            Err(Refused::Reservation { .. })
        ),
        "it holds nothing that keeps it here"
    );
    returns(&mut agent, &mut world, "mixed-mode");
    assert_eq!(world.instances[&agent.id()].exports, []);
}

#[test]
fn the_answers_say_until_when_and_a_licence_that_lasts_longer_is_taken_in_time() {
    const DAY: i64 = 86_400;
    let mut world = World::new();
    let va = world.default_va();
    let first = world.order_line(va, "o1", world.term("PORT", 1, 0, 60));
    let mut agent = registered(&mut world, 1);
    let authorized = agent.ask(&mut world, RequestBody::ExportRequest(feature("mixed-mode"))).unwrap();
    let ResponseBody::ExportRequest(authorized) = authorized else { panic!("{authorized:?}") };
    let end = world.lots[&first].term.ends_at;
    assert!(end.is_some());
    assert_eq!(authorized.authorized_until, end);
    let told = |agent: &mut Agent, world: &mut World| {
        let [told] = &agent.report(world, &[]).unwrap().exports[..] else { panic!("one feature") };
        assert_eq!(told.feature, "mixed-mode");
        told.authorized_until
    };
    let second = world.order_line(va, "o2", world.term("PORT", 1, 0, 90));
    world.now += jiff::SignedDuration::from_secs(29 * DAY);
    assert_eq!(told(&mut agent, &mut world), end, "there is time");
    world.now += jiff::SignedDuration::from_secs(2 * DAY);
    assert_eq!(told(&mut agent, &mut world), world.lots[&second].term.ends_at);
    assert_eq!((world.lots[&first].reserved, world.lots[&second].reserved), (q(0), q(1)));
    assert_eq!(told(&mut agent, &mut world), world.lots[&second].term.ends_at, "it stays there");
    world.now += jiff::SignedDuration::from_secs(31 * DAY);
    world.order(va, "o3", "PORT", 1);
    assert_eq!(told(&mut agent, &mut world), None, "one without an end");
}

#[test]
fn an_instance_of_which_nothing_is_heard_holds_its_licence_until_its_authorization_ends() {
    const DAY: i64 = 86_400;
    let mut world = World::new();
    let va = world.default_va();
    let lot = world.order(va, "o1", "PORT", 1);
    let mut agent = registered(&mut world, 1);
    agent.report(&mut world, &[]).unwrap();
    asks(&mut agent, &mut world, "mixed-mode").unwrap();
    let events = world.events.len();
    world.advance(90 * DAY);
    assert_eq!(world.lots[&lot].reserved, q(0));
    assert_eq!(world.kinds_since(events), [EventKind::AuthorizationExpired, EventKind::ExportEnded]);
    let alerts = |world: &World, agent: &Agent| {
        alert::restricted(&world.instances[&agent.id()], &Place::new(va, "Default"), &world.catalogue)
    };
    assert_eq!(alerts(&world, &agent), [], "no licence is missing");
    let mut other = registered(&mut world, 2);
    asks(&mut other, &mut world, "mixed-mode").unwrap();
    assert_eq!(ended(&mut agent, &mut world), ["mixed-mode"], "an agent whose clock stood is told");
    assert_eq!(asks(&mut agent, &mut world, "mixed-mode"), Err(ProblemCode::ExportNotAvailable));
    let [alert] = &alerts(&world, &agent)[..] else { panic!("one alert") };
    assert!(alert.message.to_string().contains("SN SN1) asked for the export-restricted feature"));
    returns(&mut other, &mut world, "mixed-mode");
    assert!(asks(&mut agent, &mut world, "mixed-mode").is_ok());
}
