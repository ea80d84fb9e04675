//! Terms by years, co-termination, renewal of a subscription as a whole, and cancellation.

use jiff::{SignedDuration, Timestamp};
use seatpool_domain::command::{Action, Chosen, CoTermination, OrderLine, Until};
use seatpool_domain::lot::TransactionKind;
use seatpool_domain::{EventKind, Outcome, Refused};
use seatpool_proto::{LotId, Term};
use uuid::Uuid;

use crate::agent::Agent;
use crate::world::{World, q};

const SUBSCRIPTION: &str = "SUB-1";

fn line(world: &World, name: &str, days: Option<i64>, co_termination: CoTermination) -> OrderLine {
    let line = world.term(name, 10, 0, days.unwrap_or(1));
    OrderLine {
        subscription_id: Some(SUBSCRIPTION.into()),
        co_termination,
        term: Term { ends_at: line.term.ends_at.filter(|_| days.is_some()), ..line.term },
        ..line
    }
}

fn end(world: &World, lot: LotId) -> Option<Timestamp> {
    world.lots[&lot].term.ends_at
}

fn renew(lots: Chosen, order: &str, until: Until) -> Action {
    Action::Renew { lots, order_id: order.into(), until }
}

fn cancel(lots: Chosen, quantity: Option<u64>) -> Action {
    Action::Cancel { lots, quantity: quantity.map(q), reason: "ordered by mistake".into() }
}

#[test]
fn a_new_lot_ends_with_its_subscription_or_brings_all_lots_to_one_end() {
    let mut world = World::new();
    let va = world.default_va();
    let berlin = world.create_va("Berlin");
    let (own, with, all) = (CoTermination::Own, CoTermination::WithSubscription, CoTermination::AllToLater);
    let first = world.order_line(va, "PO-1", line(&world, "S", Some(100), own));
    let second = world.order_line(berlin, "PO-2", line(&world, "P", None, with));
    assert_eq!(end(&world, second), end(&world, first), "also from another virtual account");

    // The line's end is the later one: the others follow, and it is on record.
    let events = world.events.len();
    let third = world.order_line(va, "PO-3", line(&world, "S", Some(200), all));
    assert_eq!(end(&world, first), end(&world, third));
    assert_eq!(end(&world, second), end(&world, third));
    assert_eq!(
        world.kinds_since(events),
        [EventKind::LicensesOrdered, EventKind::LicensesRenewed, EventKind::LicensesRenewed]
    );
    let last = world.transactions.last().unwrap();
    assert_eq!((last.kind, last.order_id.as_deref()), (TransactionKind::Renewed, Some("PO-3")));
    assert_eq!(last.after.as_deref(), Some(end(&world, third).unwrap().to_string().as_str()));
    let before = last.before.as_deref().unwrap().parse::<Timestamp>().unwrap();
    assert_eq!(before, world.now + SignedDuration::from_hours(24 * 100));

    // Theirs is the later one: the line follows.
    let fourth = world.order_line(va, "PO-4", line(&world, "S", Some(50), all));
    assert_eq!(end(&world, fourth), end(&world, third));

    for (line, expected) in [
        (line(&world, "S", Some(9), with), "ends_at is given, and the subscription has one"),
        (OrderLine { subscription_id: None, ..line(&world, "S", None, with) }, "subscription_id is missing"),
        (
            OrderLine { subscription_id: Some("SUB-9".into()), ..line(&world, "S", None, with) },
            "subscription_id \"SUB-9\" has no lots that will end",
        ),
        (line(&world, "S", None, all), "ends_at is missing"),
    ] {
        let order = Action::Order { virtual_account: va, order_id: "PO-5".into(), lines: vec![line] };
        let refused = world.submit(order).unwrap_err().to_string();
        assert!(refused.starts_with(expected), "{refused}");
    }
}

#[test]
fn a_subscription_is_renewed_as_a_whole_and_once_by_one_order() {
    let mut world = World::new();
    let va = world.default_va();
    let first = world.order_line(va, "PO-1", line(&world, "S", Some(10), CoTermination::Own));
    let second = world.order_line(va, "PO-2", line(&world, "P", Some(40), CoTermination::Own));
    world.order(va, "PO-3", "S", 5);
    let subscription = || Chosen::Subscription(SUBSCRIPTION.into());
    let last = end(&world, second).unwrap();

    world.submit(renew(subscription(), "PO-4", Until::Years(1))).unwrap();
    let expected = seatpool_domain::dates::after_years(last, 1).unwrap();
    assert_eq!((end(&world, first), end(&world, second)), (Some(expected), Some(expected)));
    let before = world.clone();
    assert_eq!(world.submit(renew(subscription(), "PO-4", Until::Years(1))), Ok(Outcome::Done));
    assert_eq!(world, before, "the same order again renews nothing");
    world.submit(renew(subscription(), "PO-5", Until::Years(3))).unwrap();
    assert_eq!(end(&world, first), seatpool_domain::dates::after_years(expected, 3).ok());

    // Ended lots come back only if the whole subscription has ended, and of them those that ended last.
    let mut world = before;
    world
        .submit(renew(Chosen::Lot(second), "PO-6", Until::Date(expected + SignedDuration::from_hours(24))))
        .unwrap();
    world.advance(400 * 86_400 + 15 * 86_400);
    assert!(world.lots[&first].has_ended(world.now) && world.lots[&second].has_ended(world.now));
    world.submit(renew(subscription(), "PO-7", Until::Years(1))).unwrap();
    assert_eq!(end(&world, first), Some(expected));
    assert!(!world.lots[&second].has_ended(world.now));

    for (lots, until, expected) in [
        (Chosen::Subscription("NO".into()), Until::Years(1), "there is no such subscription"),
        (Chosen::Order("NO".into()), Until::Years(1), "there is no such order"),
        (Chosen::Order("PO-3".into()), Until::Years(1), "order is perpetual"),
        (subscription(), Until::Years(2), "term_years are 2: a term has 1, 3 or 5 years"),
        (subscription(), Until::Date(world.now), "ends_at is"),
    ] {
        let refused = world.submit(renew(lots, "PO-8", until)).unwrap_err().to_string();
        assert!(refused.starts_with(expected), "{refused}");
    }
}

#[test]
fn what_was_ordered_can_be_taken_back_but_not_what_is_promised() {
    let mut world = World::new();
    let va = world.default_va();
    let berlin = world.create_va("Berlin");
    let token = world.create_token(va, None);
    let lot = world.order(va, "PO-1", "S", 10);
    let mut agent = Agent::new(1);
    agent.register(&mut world, token).unwrap();
    agent.report(&mut world, &[("S", 8, None)]).unwrap();

    let events = world.events.len();
    world.submit(cancel(Chosen::Lot(lot), Some(4))).unwrap();
    assert_eq!(world.kinds_since(events), [EventKind::LicensesCancelled, EventKind::OutOfCompliance]);
    assert_eq!(
        world.events[events].message,
        "Cancelled: 4 of Flex Standard in Default (order PO-1). Reason: ordered by mistake"
    );
    let row = world.transactions.last().unwrap();
    assert_eq!((row.kind, row.quantity), (TransactionKind::Cancelled, q(4)));
    assert_eq!((row.before.as_deref(), row.after.as_deref()), (Some("10"), Some("6")));
    assert_eq!(row.note.as_deref(), Some("ordered by mistake"));

    let row = world.lots.get_mut(&lot).unwrap();
    (row.reserved, row.moved_out) = (q(2), q(1));
    let reassess = Action::ReassessLots { lots: vec![lot], after: world.now };
    world.submit(reassess).unwrap();
    let refused = world.submit(cancel(Chosen::Lot(lot), Some(4))).unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!(
            "4 of S can't be taken back: the lot {lot} holds 6, of which 2 are reserved and 1 held by an on-prem manager"
        )
    );
    assert!(matches!(world.submit(cancel(Chosen::Order("PO-1".into()), None)), Err(Refused::Held { .. })));

    // A whole order, its parts in other virtual accounts among it; then there is nothing to deposit again.
    let line = |name, quantity| OrderLine { quantity: q(quantity), ..world.perpetual(name, 1) };
    let lines = vec![line("P", 5), line("S", 7)];
    let order = Action::Order { virtual_account: va, order_id: "PO-2".into(), lines };
    world.submit(order.clone()).unwrap();
    let moved = seatpool_domain::command::TransferLine {
        tag: crate::world::tag("P"),
        lot: None,
        kind: None,
        quantity: q(2),
        to: berlin,
    };
    world.submit(Action::TransferLicenses { from: va, lines: vec![moved] }).unwrap();
    let events = world.events.len();
    world.submit(cancel(Chosen::Order(" PO-2 ".into()), None)).unwrap();
    let places: std::collections::BTreeSet<_> = world.events[events..]
        .iter()
        .filter(|event| event.kind == EventKind::LicensesCancelled)
        .map(|event| event.virtual_account.unwrap())
        .collect();
    assert_eq!(places, [va, berlin].into(), "in the log of each virtual account that held some of it");
    assert!(world.lots.values().all(|lot| lot.order_id != "PO-2"));
    let before = world.clone();
    assert_eq!(world.submit(cancel(Chosen::Order("PO-2".into()), None)), Ok(Outcome::Done));
    assert_eq!(world, before);
    assert_eq!(world.submit(order), Err(Refused::OrderCancelled { order_id: "PO-2".into() }));

    for (lots, quantity, expected) in [
        (Chosen::Lot(LotId(Uuid::nil())), None, "there is no such lot"),
        (Chosen::Order("PO-9".into()), None, "there is no such order"),
        (Chosen::Lot(lot), Some(0), "quantity is 0"),
        (Chosen::Order("PO-1".into()), Some(1), "quantity is of one lot"),
    ] {
        let refused = world.submit(cancel(lots, quantity)).unwrap_err().to_string();
        assert!(refused.starts_with(expected), "{refused}");
    }
    let over = world.order_line(va, "PO-3", world.term("S", 1, 0, 1));
    world.advance(86_400);
    let refused = world.submit(cancel(Chosen::Lot(over), None)).unwrap_err().to_string();
    assert!(refused.starts_with("lot has ended"), "{refused}");
}
