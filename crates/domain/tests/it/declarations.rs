//! Lots that customers declare themselves.

use seatpool_domain::command::{Action, TransferLine, Verdict};
use seatpool_domain::lot::{DeclarationState, TransactionKind};
use seatpool_domain::{Actor, EventKind, Outcome, Refused};
use seatpool_proto::{LotId, VirtualAccountId};
use uuid::Uuid;

use crate::agent::Agent;
use crate::world::{World, q, tag};

fn declare(va: VirtualAccountId, name: &str, quantity: u64, note: &str) -> Action {
    Action::Declare { virtual_account: va, tag: tag(name), quantity: q(quantity), note: note.into() }
}

fn declared(world: &mut World, va: VirtualAccountId, name: &str, quantity: u64) -> (LotId, String) {
    match world.submit(declare(va, name, quantity, "contract 7")) {
        Ok(Outcome::Lots(lots)) => (lots[0], world.lots[&lots[0]].order_id.clone()),
        other => panic!("{other:?}"),
    }
}

fn decide(world: &mut World, declaration: &str, verdict: Verdict, reason: &str) -> Result<Outcome, Refused> {
    let action = Action::Decide { declaration: declaration.into(), verdict, reason: reason.into() };
    world.submit_as(Actor::User("olga".into()), action)
}

#[test]
fn what_is_declared_counts_at_once_and_for_good_once_confirmed() {
    let mut world = World::new();
    let va = world.default_va();
    let token = world.create_token(va, None);
    let mut agent = Agent::new(1);
    agent.register(&mut world, token).unwrap();
    agent.report(&mut world, &[("S", 8, None)]).unwrap();
    let events = world.events.len();
    let (lot, declaration) = declared(&mut world, va, "S", 10);
    assert_eq!(world.kinds_since(events), [EventKind::LicensesDeclared, EventKind::InCompliance]);
    assert_eq!(declaration, format!("SELF-DECLARED-{}", world.events[events].number));
    let state = |world: &World| world.lots[&lot].declaration.clone().unwrap();
    assert_eq!((state(&world).state, state(&world).by.as_str()), (DeclarationState::Declared, "anna"));

    decide(&mut world, &declaration, Verdict::Confirm, "").unwrap();
    assert_eq!(state(&world).state, DeclarationState::Confirmed);
    assert_eq!(state(&world).decided_by.as_deref(), Some("olga"));
    assert_eq!(state(&world).decided_at, Some(world.now));
    let row = world.transactions.last().unwrap();
    assert_eq!((row.kind, row.by.as_str()), (TransactionKind::Confirmed, "olga"));
    let before = world.clone();
    assert_eq!(decide(&mut world, &declaration, Verdict::Confirm, ""), Ok(Outcome::Done));
    assert_eq!(world, before);
    let refused = decide(&mut world, &declaration, Verdict::Reject, "no").unwrap_err();
    assert_eq!(refused.to_string(), format!("{declaration} was confirmed before, and stays so"));
}

#[test]
fn what_is_rejected_ends_wherever_it_was_moved_and_says_why() {
    let mut world = World::new();
    let va = world.default_va();
    let berlin = world.create_va("Berlin");
    let token = world.create_token(va, None);
    let mut agent = Agent::new(1);
    agent.register(&mut world, token).unwrap();
    agent.report(&mut world, &[("S", 6, None)]).unwrap();
    let (lot, declaration) = declared(&mut world, va, "S", 10);
    let line = TransferLine { tag: tag("S"), lot: Some(lot), kind: None, quantity: q(3), to: berlin };
    world.submit(Action::TransferLicenses { from: va, lines: vec![line] }).unwrap();
    assert_eq!(world.total(va, "S").short, q(0));

    world.lots.get_mut(&lot).unwrap().reserved = q(1);
    let refused = decide(&mut world, &declaration, Verdict::Reject, "no such contract").unwrap_err();
    assert!(matches!(refused, Refused::Held { .. }), "{refused}");
    world.lots.get_mut(&lot).unwrap().reserved = q(0);

    let events = world.events.len();
    decide(&mut world, &declaration, Verdict::Reject, "no such contract").unwrap();
    assert_eq!(
        world.kinds_since(events),
        [EventKind::LicensesRejected, EventKind::LicensesRejected, EventKind::OutOfCompliance]
    );
    let mut told: Vec<_> = world.events[events..events + 2]
        .iter()
        .map(|event| (event.virtual_account.unwrap(), event.message.as_str()))
        .collect();
    told.sort_by_key(|(place, _)| *place != va);
    assert_eq!(
        told,
        [
            (
                va,
                "7 of Flex Standard, declared by anna, were rejected. They count no longer. Reason: no such contract"
            ),
            (
                berlin,
                "3 of Flex Standard, declared by anna, were rejected. They count no longer. Reason: no such contract"
            ),
        ],
        "each virtual account's log says what it lost"
    );
    assert_eq!(world.total(va, "S").short, q(6));
    for lot in world.lots.values() {
        let stated = lot.declaration.as_ref().unwrap();
        assert_eq!(stated.state, DeclarationState::Rejected);
        assert_eq!(stated.reason.as_deref(), Some("no such contract"));
        assert!(lot.has_ended(world.now));
    }
    // It ended by its rejection, so no job says that its term is over, and nothing renews it.
    let events = world.events.len();
    world.advance(60);
    assert_eq!(world.kinds_since(events), []);
    let renew = Action::Renew {
        lots: seatpool_domain::command::Chosen::Lot(lot),
        order_id: "PO-1".into(),
        until: seatpool_domain::command::Until::Years(1),
    };
    assert!(world.submit(renew).is_err());
    world.submit(Action::DeleteVirtualAccount { virtual_account: berlin }).unwrap();
}

#[test]
fn impossible_declarations_are_refused() {
    let mut world = World::new();
    let va = world.default_va();
    for (action, expected) in [
        (declare(va, "S", 0, "contract 7"), "quantity is 0"),
        (declare(va, "S", 1_000_000_001, "contract 7"), "quantity is 1000000001"),
        (declare(va, "S", 1, "  "), "note is empty"),
        (declare(va, "NEW", 1, "contract 7"), "there is no such license"),
        (declare(VirtualAccountId(Uuid::nil()), "S", 1, "contract 7"), "there is no such virtual account"),
    ] {
        let refused = world.submit(action).unwrap_err().to_string();
        assert!(refused.starts_with(expected), "{refused}");
    }
    world.order(va, "PO-1", "S", 1);
    let refused = decide(&mut world, "PO-1", Verdict::Confirm, "").unwrap_err();
    assert_eq!(refused, Refused::Unknown { what: "declaration" });
    let (_, declaration) = declared(&mut world, va, "S", 10);
    let refused = decide(&mut world, &declaration, Verdict::Reject, " ").unwrap_err().to_string();
    assert!(refused.starts_with("reason is empty"), "{refused}");
    let order =
        Action::Order { virtual_account: va, order_id: declaration, lines: vec![world.perpetual("S", 1)] };
    let refused = world.submit(order).unwrap_err().to_string();
    assert!(refused.starts_with("order_id begins with SELF-DECLARED-"), "{refused}");
}
