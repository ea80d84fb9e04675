//! Orders, renewals, and lots that start and end by themselves.

use jiff::SignedDuration;
use seatpool_domain::command::{Action, Chosen, CoTermination, OrderLine, TransferLine, Until};
use seatpool_domain::lot::{NamedDates, TransactionKind};
use seatpool_domain::{EventKind, Outcome, Refused};
use seatpool_proto::{LotId, LotKind, Term, VirtualAccountId};
use uuid::Uuid;

use crate::agent::Agent;
use crate::world::{World, q, tag};

fn order(va: VirtualAccountId, id: &str, lines: Vec<OrderLine>) -> Action {
    Action::Order { virtual_account: va, order_id: id.into(), lines }
}

#[test]
fn an_order_deposits_its_lines_once() {
    let mut world = World::new();
    let va = world.default_va();
    let lines = vec![
        OrderLine { subscription_id: Some(" Sub1 ".into()), ..world.term("S", 30, 0, 365) },
        world.perpetual("P", 10),
    ];
    let events = world.events.len();
    let Ok(Outcome::Lots(lots)) = world.submit(order(va, " PO-1 ", lines.clone())) else { panic!() };
    assert_eq!(world.kinds_since(events), [EventKind::LicensesOrdered]);
    assert_eq!(
        world.last_message(),
        "The order PO-1 deposited 30 of Flex Standard and 10 of Flex Premium into Default."
    );
    assert_eq!(world.lots[&lots[0]].subscription_id.as_deref(), Some("Sub1"));
    let history: Vec<_> = world.transactions.iter().map(|t| (t.number, t.kind, t.quantity, t.lot)).collect();
    let number = world.events.last().unwrap().number * 1000;
    assert_eq!(
        history,
        [
            (number, TransactionKind::Ordered, q(30), lots[0]),
            (number + 1, TransactionKind::Ordered, q(10), lots[1]),
        ]
    );

    // Again, later: the same lots, although "from now on" is another instant by now.
    world.advance(3600);
    let again = vec![
        OrderLine { subscription_id: Some("Sub1".into()), ..world.term("S", 30, 0, 365) },
        world.perpetual("P", 10),
    ];
    let before = world.clone();
    assert_eq!(world.submit(order(va, "PO-1", again.clone())), Ok(Outcome::Lots(lots)));
    assert_eq!(world, before);

    let other = world.create_va("Berlin");
    let differs = Err(Refused::OrderDiffers { order_id: "PO-1".into() });
    assert_eq!(world.submit(order(other, "PO-1", again.clone())), differs);
    assert_eq!(world.submit(order(va, "PO-1", again[..1].to_vec())), differs);
    assert_eq!(world.submit(order(va, "PO-1", vec![world.perpetual("S", 30), again[1].clone()])), differs);
    assert_eq!(world.submit(order(va, "PO-1", vec![again[1].clone(), again[0].clone()])), differs);
}

#[test]
fn impossible_orders_are_refused() {
    let mut world = World::new();
    let va = world.default_va();
    let line = world.perpetual("S", 1);
    let ended = OrderLine {
        term: Term {
            starts_at: world.now - SignedDuration::from_hours(48),
            ends_at: Some(world.now - SignedDuration::from_hours(24)),
        },
        ..world.term("S", 1, 0, 1)
    };
    let cases = [
        ("no lines", "PO", vec![], "lines are 0"),
        ("too many", "PO", vec![line.clone(); 1000], "lines are 1000"),
        ("no name", " ", vec![line.clone()], "order_id is empty"),
        ("control character", "a\tb", vec![line.clone()], "order_id holds"),
        ("none", "PO", vec![world.perpetual("S", 0)], "quantity is 0"),
        ("too much", "PO", vec![world.perpetual("S", 1_000_000_001)], "quantity is 1000000001"),
        ("unknown", "PO", vec![world.perpetual("NEW", 1)], "there is no such license"),
        ("endless term", "PO", vec![OrderLine { kind: LotKind::Term, ..line.clone() }], "ends_at is missing"),
        (
            "perpetual with an end",
            "PO",
            vec![OrderLine { kind: LotKind::Perpetual, ..world.term("S", 1, 0, 1) }],
            "ends_at is given",
        ),
        ("ends before its start", "PO", vec![world.term("S", 1, 3, 2)], "ends_at is"),
        ("over", "PO", vec![ended], "ends_at is"),
        ("second line wrong", "PO", vec![line, world.perpetual("S", 0)], "quantity is 0: order at least one"),
    ];
    for (name, id, lines, expected) in cases {
        let refused = world.submit(order(va, id, lines)).unwrap_err().to_string();
        assert!(refused.starts_with(expected), "{name}: {refused}");
    }
    let nowhere = VirtualAccountId(Uuid::nil());
    let refused = world.submit(order(nowhere, "PO", vec![world.perpetual("S", 1)]));
    assert_eq!(refused, Err(Refused::Unknown { what: "virtual account" }));
}

#[test]
fn a_lot_starts_and_ends_on_its_dates_and_a_renewal_mends_the_shortage() {
    let mut world = World::new();
    let va = world.default_va();
    let token = world.create_token(va, None);
    let lot = world.order_line(va, "PO-1", world.term("S", 10, 1, 11));
    let mut agent = Agent::new(1);
    agent.register(&mut world, token).unwrap();
    let answer = agent.report(&mut world, &[("S", 8, None)]).unwrap();
    assert_eq!((answer.tags[0].owned, answer.tags[0].short), (q(0), q(8)), "it has not started");

    let day = 86_400;
    let events = world.events.len();
    world.advance(day);
    assert_eq!(world.kinds_since(events), [EventKind::LicensesStarted, EventKind::InCompliance]);
    assert_eq!(
        world.events[events].message,
        "10 of Flex Standard in Default count from now on (order PO-1)."
    );
    world.advance(10 * day - 1);
    assert_eq!(world.total(va, "S").short, q(0), "the last second counts");
    let events = world.events.len();
    world.advance(1);
    assert_eq!(world.kinds_since(events), [EventKind::LicensesEnded, EventKind::OutOfCompliance]);

    let renew = |lot, days: i64, now: jiff::Timestamp| Action::Renew {
        lots: Chosen::Lot(lot),
        order_id: "PO-2".into(),
        until: Until::Date(now + SignedDuration::from_hours(24 * days)),
    };
    let now = world.now;
    assert!(world.submit(renew(lot, -1, now)).unwrap_err().to_string().starts_with("ends_at is"));
    let events = world.events.len();
    world.submit(renew(lot, 30, now)).unwrap();
    assert_eq!(world.kinds_since(events), [EventKind::LicensesRenewed, EventKind::InCompliance]);
    assert_eq!(world.transactions.last().unwrap().kind, TransactionKind::Renewed);
    let before = world.clone();
    assert_eq!(world.submit(renew(lot, 30, now)), Ok(Outcome::Done), "again: done before");
    assert_eq!(world, before);

    assert_eq!(world.submit(renew(LotId(Uuid::nil()), 9, now)), Err(Refused::Unknown { what: "lot" }));
    let perpetual = world.order(va, "PO-3", "S", 1);
    assert!(world.submit(renew(perpetual, 9, now)).unwrap_err().to_string().starts_with("lot is perpetual"));
    assert_eq!(world.lots[&lot].tag, tag("S"));
}

#[test]
fn an_order_brings_a_pool_back_into_compliance() {
    let mut world = World::new();
    let va = world.default_va();
    let token = world.create_token(va, None);
    world.order(va, "PO-1", "S", 40);
    let mut agent = Agent::new(1);
    agent.register(&mut world, token).unwrap();
    agent.report(&mut world, &[("S", 48, None)]).unwrap();
    assert_eq!(world.last_message(), "48 of Flex Standard are in use in Default, 40 are owned: 8 are short.");
    world.order(va, "PO-2", "S", 30);
    assert_eq!(
        world.last_message(),
        "Flex Standard in Default is in compliance again: 48 are in use, 70 are owned."
    );
}

#[test]
fn another_order_under_a_used_name_is_refused_and_the_same_one_is_known_whatever_became_of_it() {
    let mut world = World::new();
    let (va, berlin) = (world.default_va(), world.create_va("Berlin"));
    let first = OrderLine {
        dates: NamedDates { term_years: Some(1), ..NamedDates::default() },
        subscription_id: Some("SUB-1".into()),
        ..world.term("S", 10, 0, 365)
    };
    let Ok(Outcome::Lots(lots)) = world.submit(order(va, "PO-1", vec![first.clone()])) else { panic!() };
    let named = |dates: NamedDates| OrderLine { dates, ..first.clone() };
    let (now, years) = (world.now, Some(1));
    let others = [
        ("longer", named(NamedDates { term_years: Some(5), ..NamedDates::default() })),
        ("an end", named(NamedDates { ends_at: first.term.ends_at, ..NamedDates::default() })),
        ("a start", named(NamedDates { starts_at: Some(now), term_years: years, ends_at: None })),
        ("another subscription", OrderLine { subscription_id: Some("SUB-X".into()), ..first.clone() }),
        ("no subscription", OrderLine { subscription_id: None, ..first.clone() }),
        ("another kind", OrderLine { kind: LotKind::Demo, ..first.clone() }),
        ("together", OrderLine { co_termination: CoTermination::AllToLater, ..first.clone() }),
    ];
    let differs = Err(Refused::OrderDiffers { order_id: "PO-1".into() });
    for (what, line) in others {
        assert_eq!(world.submit(order(va, "PO-1", vec![line])), differs, "{what}");
    }

    // Renewed, moved as a whole and a day later it still is the same order.
    let renewal =
        |lot, order: &str, until| Action::Renew { lots: Chosen::Lot(lot), order_id: order.into(), until };
    world.submit(renewal(lots[0], "R-1", Until::Years(3))).unwrap();
    let line = TransferLine { tag: tag("S"), lot: Some(lots[0]), kind: None, quantity: q(10), to: berlin };
    world.submit(Action::TransferLicenses { from: va, lines: vec![line] }).unwrap();
    world.advance(86_400);
    let before = world.clone();
    assert_eq!(world.submit(order(va, "PO-1", vec![first])), Ok(Outcome::Lots(lots)));

    // So does the renewal know the lot that it renewed, and what it asked for.
    let moved = *world.lots.keys().next().unwrap();
    assert_eq!(world.submit(renewal(moved, "R-1", Until::Years(3))), Ok(Outcome::Done));
    assert_eq!(world, before, "nothing was done twice");
    let differs = Err(Refused::OrderDiffers { order_id: "R-1".into() });
    assert_eq!(world.submit(renewal(moved, "R-1", Until::Years(1))), differs);
    let end = world.lots[&moved].term.ends_at.unwrap();
    assert_eq!(world.submit(renewal(moved, "R-1", Until::Date(end))), differs, "years are no date");
    world.submit(renewal(moved, "R-2", Until::Years(1))).unwrap();
    assert!(world.lots[&moved].term.ends_at > Some(end));
}

#[test]
fn a_renewal_that_is_repeated_gives_its_end_to_what_joined_its_subscription() {
    let mut world = World::new();
    let va = world.default_va();
    let of_subscription = |line: OrderLine| OrderLine { subscription_id: Some("SUB-1".into()), ..line };
    let first = world.order_line(va, "PO-1", of_subscription(world.term("S", 10, 0, 365)));
    let renewal = || Action::Renew {
        lots: Chosen::Subscription("SUB-1".into()),
        order_id: "R-1".into(),
        until: Until::Years(1),
    };
    world.submit(renewal()).unwrap();
    let end = world.lots[&first].term.ends_at;
    let second = world.order_line(va, "PO-2", of_subscription(world.term("S", 5, 0, 100)));
    world.submit(renewal()).unwrap();
    assert_eq!((world.lots[&first].term.ends_at, world.lots[&second].term.ends_at), (end, end));
    let before = world.clone();
    assert_eq!(world.submit(renewal()), Ok(Outcome::Done));
    assert_eq!(world, before);
}
