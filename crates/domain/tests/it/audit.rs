//! The event log, tampered with in every way that a person with the database in hand can think of.

use seatpool_domain::audit::{Entry, Finding, Tampering, check_transactions, verify};
use seatpool_domain::{Account, Actor, Event};

use crate::world::{World, administrator};

pub fn entry(event: Event) -> Entry {
    Entry { number: event.number, event: Some(event) }
}

/// Six events: the account's creation and five virtual accounts.
fn log() -> (Account, Vec<Event>) {
    let mut world = World::new();
    for name in ["a", "b", "c", "d", "e"] {
        world.create_va(name);
    }
    (world.account, world.events)
}

/// Numbers the rows anew, as who inserts or removes one must.
fn renumber(events: &mut [Event]) {
    for (number, event) in (1..).zip(events) {
        event.number = number;
    }
}

fn found(tamper: impl FnOnce(&mut Account, &mut Vec<Event>)) -> Result<(), (u64, Tampering)> {
    let (mut account, mut events) = log();
    tamper(&mut account, &mut events);
    events.sort_by_key(|event| event.number);
    let entries: Vec<_> = events.into_iter().map(entry).collect();
    verify(&account, &entries).map_err(|Finding { number, what, .. }| (number, what))
}

#[test]
fn an_untouched_log_verifies() {
    assert_eq!(found(|_, _| {}), Ok(()));
    let (mut account, _) = log();
    (account.next_event, account.event_head) = (1, None);
    assert_eq!(verify(&account, &[]), Ok(()), "an empty one, too");
}

#[test]
fn an_altered_event_is_named() {
    let altered = |number| Err((number, Tampering::Altered));
    assert_eq!(found(|_, log| log[1].message.push('!')), altered(2));
    assert_eq!(found(|_, log| log[2].actor = Actor::System), altered(3));
    assert_eq!(found(|_, log| log[0].before = Some("x".into())), altered(1));
    assert_eq!(found(|_, log| log[5].hash = None), altered(6));
    assert_eq!(found(|_, log| log[3].previous_hash = None), altered(4));
    let rehash = |event: &mut Event| event.hash = Some(event.own_hash());
    assert_eq!(
        found(|_, log| {
            log[1].message = "nothing".into();
            rehash(&mut log[1]);
        }),
        altered(2),
        "with a hash of its own, the next one does not link to it"
    );
    assert_eq!(
        found(|_, log| {
            log[4].message = "nothing".into();
            rehash(&mut log[4]);
        }),
        altered(5),
        "the last but one, which the head shows"
    );
    assert_eq!(
        found(|_, log| {
            log[3].previous_hash = log[1].hash;
            rehash(&mut log[3]);
        }),
        altered(4),
        "its link and its hash"
    );
    assert_eq!(
        found(|_, log| {
            for at in 2..6 {
                log[at].message.push('!');
                log[at].previous_hash = log[at - 1].hash;
                rehash(&mut log[at]);
            }
        }),
        altered(6),
        "all up to the end: the account's row knows the last one"
    );
    assert_eq!(
        found(|_, log| {
            let copy = log[1].clone();
            log[4] = Event { number: 5, ..copy };
        }),
        altered(5),
        "a copy of another"
    );
}

#[test]
fn a_row_that_says_nothing_readable_was_altered() {
    let (account, events) = log();
    let mut entries: Vec<_> = events.into_iter().map(entry).collect();
    entries[3].event = None;
    let finding = verify(&account, &entries).unwrap_err();
    assert_eq!((finding.number, finding.what), (4, Tampering::Altered));
}

#[test]
fn an_inserted_event_is_named() {
    let forge = |log: &mut Vec<Event>, at: usize, rehash: bool| {
        let mut forged = Event { message: "It never happened.".into(), ..log[at].clone() };
        log.insert(at, forged.clone());
        renumber(log);
        if rehash {
            forged = log[at].clone();
            log[at].hash = Some(forged.own_hash());
        }
    };
    for rehash in [false, true] {
        for at in [0, 1, 3, 5] {
            let number = at as u64 + 1;
            assert_eq!(found(|_, log| forge(log, at, rehash)), Err((number, Tampering::Inserted)), "{at}");
        }
    }
    assert_eq!(
        found(|account, log| {
            let mut copy = account.clone();
            log.push(Event { message: "One more.".into(), ..log[0].clone() }.chain(&mut copy));
        }),
        Err((7, Tampering::Inserted)),
        "in the chain, but not in the account's row"
    );
}

#[test]
fn a_removed_event_is_named() {
    let removed = |number| Err((number, Tampering::Removed));
    for at in 0..6 {
        assert_eq!(found(|_, log| drop(log.remove(at))), removed(at as u64 + 1), "{at}");
    }
    for at in 0..5 {
        let hide = |_: &mut Account, log: &mut Vec<Event>| {
            log.remove(at);
            renumber(log);
        };
        assert_eq!(found(hide), removed(at as u64 + 1), "{at}, and those after it were numbered anew");
    }
    assert_eq!(found(|_, log| drop(log.drain(1..4))), removed(2), "several");
    assert_eq!(found(|_, log| log.truncate(3)), removed(4), "the end");
    assert_eq!(found(|_, log| log.clear()), removed(1), "all");
}

#[test]
fn reordered_events_are_named() {
    let swap = |log: &mut Vec<Event>, a: usize, b: usize| {
        log.swap(a, b);
        renumber(log);
    };
    for (a, b) in [(0, 1), (1, 2), (1, 4), (4, 5), (0, 5)] {
        let first = a as u64 + 1;
        assert_eq!(found(|_, log| swap(log, a, b)), Err((first, Tampering::Reordered)), "{a} and {b}");
    }
    let to_the_end = |_: &mut Account, log: &mut Vec<Event>| {
        let event = log.remove(2);
        log.push(event);
        renumber(log);
    };
    assert_eq!(found(to_the_end), Err((3, Tampering::Reordered)));
    assert_eq!(found(|_, log| log[2].number = 9), Err((3, Tampering::Reordered)), "and a gap where it was");
}

#[test]
fn a_lot_transaction_goes_with_its_event() {
    let mut world = World::new();
    let place = world.default_va();
    world.order(place, "O-1", "P", 10);
    let event = world.events.last().unwrap().clone();
    let written = world.transactions.clone();
    assert_eq!(event.actor, administrator());
    assert_eq!(check_transactions(&event, &written), Ok(()));

    let check = |written: &[_], number, what| {
        let finding = check_transactions(&event, written).unwrap_err();
        assert_eq!((finding.number, finding.what), (number, what));
    };
    let base = event.number * 1000;
    check(&[], base, Tampering::Removed);
    let mut late = written.clone();
    late[0].number += 1;
    check(&late, base, Tampering::Removed);
    let mut other = written;
    other[0].by = "mallory".into();
    check(&other, base, Tampering::Altered);
}
