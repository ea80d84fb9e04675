//! Moving licences and product instances between virtual accounts.

use seatpool_domain::command::{Action, TransferLine};
use seatpool_domain::lot::TransactionKind;
use seatpool_domain::{EventKind, Outcome, Refused};
use seatpool_proto::{LotId, LotKind, ProductInstanceId, VirtualAccountId};
use uuid::Uuid;

use crate::agent::Agent;
use crate::world::{World, q, tag};

fn line(name: &str, quantity: u64, to: VirtualAccountId) -> TransferLine {
    TransferLine { tag: tag(name), lot: None, kind: None, quantity: q(quantity), to }
}

/// Lots of a virtual account as `quantity kind`, by what they are.
fn lots(world: &World, va: VirtualAccountId) -> Vec<String> {
    let lots = world.lots.values().filter(|lot| lot.virtual_account == va);
    let mut texts: Vec<String> = lots
        .map(|lot| format!("{} {} {} {}", lot.tag, lot.quantity, lot.kind.as_str(), lot.order_id))
        .collect();
    texts.sort();
    texts
}

#[test]
fn lots_are_split_merged_and_deleted() {
    let mut world = World::new();
    let (va, berlin) = (world.default_va(), world.create_va("Berlin"));
    world.order(va, "PO-1", "S", 10);
    world.order_line(va, "PO-2", world.term("S", 20, 0, 365));
    world.order_line(va, "PO-3", world.term("S", 30, 0, 730));
    world.order_line(va, "PO-4", world.term("S", 99, 5, 999));
    let transfer = |lines| Action::TransferLicenses { from: va, lines };

    // Perpetual first, then the latest end; what has not started stays.
    let events = world.events.len();
    world.submit(transfer(vec![line("S", 15, berlin)])).unwrap();
    assert_eq!(lots(&world, berlin), ["S 10 PERPETUAL PO-1", "S 5 TERM PO-3"]);
    assert_eq!(lots(&world, va), ["S 20 TERM PO-2", "S 25 TERM PO-3", "S 99 TERM PO-4"], "PO-1 is gone here");
    assert_eq!(world.kinds_since(events), [EventKind::LicensesTransferred; 2]);
    let told: Vec<_> =
        world.events[events..].iter().map(|event| (event.virtual_account, event.message.as_str())).collect();
    assert_eq!(
        told,
        [
            (Some(va), "Moved from Default: 15 of Flex Standard to Berlin."),
            (Some(berlin), "Moved to Berlin: 15 of Flex Standard from Default."),
        ]
    );
    let kinds: Vec<_> = world.transactions[4..].iter().map(|row| (row.kind, row.quantity.count())).collect();
    assert_eq!(
        kinds,
        [
            (TransactionKind::TransferredOut, 10),
            (TransactionKind::TransferredIn, 10),
            (TransactionKind::TransferredOut, 5),
            (TransactionKind::TransferredIn, 5),
        ]
    );
    let part =
        world.lots.values().find(|lot| lot.virtual_account == berlin && lot.order_id == "PO-3").unwrap();
    let root = world.lots.values().find(|lot| lot.virtual_account == va && lot.order_id == "PO-3").unwrap();
    assert_eq!(part.origin, Some(root.id));
    assert_eq!((part.term, part.kind), (root.term, root.kind));

    // More of the same joins the part that is there; all of it back joins the first lot again.
    let of_kind = TransferLine { kind: Some(LotKind::Term), ..line("S", 3, berlin) };
    world.submit(transfer(vec![of_kind])).unwrap();
    assert_eq!(lots(&world, berlin), ["S 10 PERPETUAL PO-1", "S 8 TERM PO-3"]);
    // A part of a part still knows where it came from.
    let paris = world.create_va("Paris");
    let of_part = |to| TransferLine { kind: Some(LotKind::Term), ..line("S", 2, to) };
    world.submit(Action::TransferLicenses { from: berlin, lines: vec![of_part(paris)] }).unwrap();
    world.submit(transfer(vec![of_part(paris)])).unwrap();
    assert_eq!(lots(&world, paris), ["S 4 TERM PO-3"]);
    world
        .submit(Action::TransferLicenses { from: paris, lines: vec![of_part(berlin), of_part(va)] })
        .unwrap();
    assert_eq!(lots(&world, paris), Vec::<String>::new());
    world.submit(Action::TransferLicenses { from: berlin, lines: vec![line("S", 18, va)] }).unwrap();
    assert_eq!(lots(&world, berlin), Vec::<String>::new());
    assert_eq!(
        lots(&world, va),
        ["S 10 PERPETUAL PO-1", "S 20 TERM PO-2", "S 30 TERM PO-3", "S 99 TERM PO-4"]
    );
    world.submit(Action::DeleteVirtualAccount { virtual_account: berlin }).unwrap();
}

#[test]
fn a_transfer_is_all_or_nothing() {
    let mut world = World::new();
    let (va, berlin, paris) = (world.default_va(), world.create_va("Berlin"), world.create_va("Paris"));
    let lot = world.order(va, "PO-1", "S", 10);
    world.order(va, "PO-2", "P", 5);
    let row = world.lots.get_mut(&lot).unwrap();
    row.reserved = q(2);
    row.moved_out = q(1);
    let few = |name: &str, available, wanted| Refused::TooFew {
        tag: tag(name),
        available: q(available),
        wanted: q(wanted),
        users: String::new(),
    };
    let cases = [
        (vec![line("S", 8, berlin)], few("S", 7, 8)),
        (vec![line("P", 5, berlin), line("S", 8, berlin)], few("S", 7, 8)),
        (vec![line("S", 4, berlin), line("S", 4, paris)], few("S", 3, 4)),
        (vec![line("E", 1, berlin)], few("E", 0, 1)),
        (vec![TransferLine { kind: Some(LotKind::Term), ..line("S", 1, berlin) }], few("S", 0, 1)),
        (vec![line("NEW", 1, berlin)], Refused::Unknown { what: "license" }),
        (vec![line("S", 1, VirtualAccountId(Uuid::nil()))], Refused::Unknown { what: "virtual account" }),
        (
            vec![TransferLine { lot: Some(LotId(Uuid::nil())), ..line("S", 1, berlin) }],
            Refused::Unknown { what: "lot" },
        ),
        (vec![TransferLine { lot: Some(lot), ..line("P", 1, berlin) }], Refused::Unknown { what: "lot" }),
    ];
    for (lines, expected) in cases {
        assert_eq!(world.submit(Action::TransferLicenses { from: va, lines }), Err(expected));
    }
    for (lines, expected) in [
        (vec![], "lines are missing"),
        (vec![line("S", 0, berlin)], "quantity is 0"),
        (vec![line("S", 1, va)], "target virtual account is Default, where"),
    ] {
        let refused = world.submit(Action::TransferLicenses { from: va, lines }).unwrap_err().to_string();
        assert!(refused.starts_with(expected), "{refused}");
    }
    let exactly = vec![line("S", 4, berlin), line("S", 3, paris), line("P", 5, paris)];
    world.submit(Action::TransferLicenses { from: va, lines: exactly }).unwrap();
    assert_eq!(world.lots[&lot].quantity, q(3), "what is promised stays");
    assert_eq!(
        world.events[world.events.len() - 3..].iter().map(|event| event.message.as_str()).collect::<Vec<_>>(),
        [
            "Moved from Default: 4 of Flex Standard to Berlin, 3 of Flex Standard to Paris and 5 of Flex Premium to \
             Paris.",
            "Moved to Berlin: 4 of Flex Standard from Default.",
            "Moved to Paris: 3 of Flex Standard and 5 of Flex Premium from Default.",
        ]
    );
}

#[test]
fn a_moved_lot_changes_compliance_on_both_sides() {
    let mut world = World::new();
    let (va, berlin) = (world.default_va(), world.create_va("Berlin"));
    world.order(va, "PO-1", "S", 10);
    let token = world.create_token(va, None);
    let berlin_token = world.create_token(berlin, None);
    let (mut here, mut there) = (Agent::new(1), Agent::new(2));
    here.register(&mut world, token).unwrap();
    there.register(&mut world, berlin_token).unwrap();
    here.report(&mut world, &[("S", 8, None)]).unwrap();
    there.report(&mut world, &[("S", 3, None)]).unwrap();
    let events = world.events.len();
    world.submit(Action::TransferLicenses { from: va, lines: vec![line("S", 4, berlin)] }).unwrap();
    assert_eq!(
        world.kinds_since(events),
        [
            EventKind::LicensesTransferred,
            EventKind::LicensesTransferred,
            EventKind::OutOfCompliance,
            EventKind::InCompliance
        ]
    );
    assert_eq!((world.total(va, "S").short, world.total(berlin, "S").short), (q(2), q(0)));
}

#[test]
fn an_instance_takes_its_usage_along() {
    let mut world = World::new();
    let (va, berlin) = (world.default_va(), world.create_va("Berlin"));
    let token = world.create_token(va, None);
    world.order(va, "PO-1", "S", 10);
    let mut agent = Agent::new(1);
    let id = agent.register(&mut world, token).unwrap();
    agent.report(&mut world, &[("S", 8, None)]).unwrap();
    let events = world.events.len();
    let transfer = |instance, to| Action::TransferInstance { instance, to };
    world.submit(transfer(id, berlin)).unwrap();
    assert_eq!(
        world.kinds_since(events),
        [EventKind::InstanceTransferred, EventKind::InstanceTransferred, EventKind::OutOfCompliance]
    );
    assert_eq!((world.total(va, "S").cumulative_peak, world.total(berlin, "S").short), (q(0), q(8)));
    let answer = agent.report(&mut world, &[("S", 7, None)]).unwrap();
    assert_eq!((answer.home.virtual_account.as_str(), answer.tags[0].short), ("Berlin", q(7)));

    let before = world.clone();
    assert_eq!(world.submit(transfer(id, berlin)), Ok(Outcome::Done), "it is there");
    assert_eq!(world, before);
    let nobody = ProductInstanceId(Uuid::nil());
    assert_eq!(world.submit(transfer(nobody, va)), Err(Refused::Unknown { what: "product instance" }));
    let nowhere = VirtualAccountId(Uuid::nil());
    assert_eq!(world.submit(transfer(id, nowhere)), Err(Refused::Unknown { what: "virtual account" }));
}

#[test]
fn locked_usage_moves_with_its_instance_and_is_not_held_against_those_who_stay() {
    let mut world = World::new();
    let (va, berlin) = (world.default_va(), world.create_va("Berlin"));
    let token = world.create_token(va, None);
    world.order(va, "PO-1", "S", 100);
    let (mut one, mut two) = (Agent::new(1), Agent::new(2));
    one.register(&mut world, token).unwrap();
    two.register(&mut world, token).unwrap();
    one.report(&mut world, &[("S", 60, None)]).unwrap();
    two.report(&mut world, &[("S", 70, None)]).unwrap();
    one.report(&mut world, &[("S", 10, Some(60))]).unwrap();
    two.report(&mut world, &[("S", 20, Some(70))]).unwrap();
    assert_eq!(world.total(va, "S").short, q(30), "held to the 130 that they used together");
    world.submit(Action::TransferInstance { instance: two.id(), to: berlin }).unwrap();
    assert_eq!(world.total(va, "S").short, q(0), "one alone never used more than 60");
    assert_eq!(world.total(berlin, "S").short, q(70), "and the other is held to its own there");
}
