//! The log: every filter with every other, from either end, against a search that looks at each event.

use seatpool_domain::event::EventKind;
use seatpool_domain::instance::EndReason;
use seatpool_domain::{Actor, Event};
use seatpool_store::{EventQuery, Page, Store};

use crate::facts::*;

/// Events that differ in each thing that is filtered; the clock was set back in the midst of them.
fn various() -> Vec<Event> {
    (0..240_u64)
        .map(|n| {
            let kind = if n % 2 == 0 { EventKind::InCompliance } else { EventKind::InstanceRenewed };
            let mut made = event(kind, &format!("Pool {} changed", n % 4));
            made.at = at((if n < 120 { n + 60 } else { n }).cast_signed());
            made.actor = match n % 5 {
                0 => Actor::System,
                1 | 2 => Actor::User("alice".to_owned()),
                3 => Actor::Client("billing".to_owned()),
                _ => Actor::Instance(instance_id(n % 10).to_string()),
            };
            made.virtual_account = (n % 3 != 0).then(|| place(n % 3));
            made.tag = (n % 7 < 3).then(|| tag(if n % 7 == 0 { "desk" } else { "voice-premium" }));
            made.instance = (n % 5 == 4).then(|| instance_id(n % 10));
            made
        })
        .collect()
}

fn fits(query: &EventQuery, event: &Event) -> bool {
    let said = format!(
        "{} {} {}",
        event.message,
        if event.actor == Actor::System { "system" } else { event.actor.name() },
        event.source.as_deref().unwrap_or_default()
    );
    let actor = if event.actor == Actor::System { "system" } else { event.actor.name() };
    query.virtual_account.is_none_or(|id| event.virtual_account == Some(id))
        && query.tag.as_ref().is_none_or(|tag| event.tag.as_ref() == Some(tag))
        && (query.instances.is_empty() || event.instance.is_some_and(|id| query.instances.contains(&id)))
        && query.kind.is_none_or(|kind| event.kind == kind)
        && query.text.as_ref().is_none_or(|text| said.to_lowercase().contains(&text.to_lowercase()))
        && query.actor.as_ref().is_none_or(|name| actor == name)
        && query.since.is_none_or(|since| event.at >= since)
        && query.until.is_none_or(|until| event.at < until)
}

pub(crate) async fn filters_together_leave_what_a_look_at_each_event_leaves(store: Store) {
    let account = create_account(&store, 1).await;
    let other = create_account(&store, 2).await;
    let mut all = various();
    add(&store, account, |workset| {
        for made in &mut all {
            made.number = workset.account.next_event;
            append(workset, made.clone());
        }
    })
    .await;
    add(&store, other, |workset| append(workset, event(EventKind::InCompliance, "Pool 1 changed"))).await;
    // The account's own creation is of another kind, says nothing of pools, and came first.
    let created = Event { number: 1, ..event(EventKind::AccountCreated, "the account was created") };
    all.insert(0, created);
    let filters = 7;
    for chosen in 0..1_u32 << filters {
        let has = |bit: u32| chosen & (1 << bit) != 0;
        let mut query = EventQuery {
            virtual_account: has(0).then(|| place(1)),
            tag: has(1).then(|| tag("voice-premium")),
            kind: has(2).then_some(EventKind::InCompliance),
            actor: has(3).then(|| "alice".to_owned()),
            since: has(4).then(|| at(90)),
            until: has(5).then(|| at(150)),
            text: has(6).then(|| "POOL 1".to_owned()),
            ..EventQuery::default()
        };
        for instances in [vec![], vec![instance_id(4)], vec![instance_id(4), instance_id(9)]] {
            query.instances = instances;
            query.oldest_first = chosen % 3 == 0;
            let mut expected: Vec<_> = all.iter().filter(|event| fits(&query, event)).collect();
            let of_a_span_alone = has(4) || has(5);
            if of_a_span_alone && chosen & 0b100_1111 == 0 && query.instances.is_empty() {
                expected.sort_by_key(|event| (event.at, event.number));
            }
            if !query.oldest_first {
                expected.reverse();
            }
            let expected: Vec<_> = expected.iter().map(|event| event.number).collect();
            let page = Page { limit: 3, offset: 2 };
            let found = store.events(account, query.clone(), page).await.unwrap();
            let numbers: Vec<_> = found.items.iter().map(|event| event.number).collect();
            let shown: Vec<_> = expected.iter().skip(2).take(3).copied().collect();
            assert_eq!((numbers, found.total), (shown, expected.len() as u64), "{query:?}");
        }
    }
}

pub(crate) async fn instances_are_known_by_their_names_also_when_they_are_gone(store: Store) {
    let account = create_account(&store, 1).await;
    add(&store, account, |workset| {
        put_virtual_account(workset, virtual_account(1, "North"));
        let twice = instance(1, place(0));
        put_instance(workset, ended(&twice, EndReason::Removed));
        let mut again = instance(2, place(0));
        again.host_name.clone_from(&twice.host_name);
        put_instance(workset, again);
        put_instance(workset, instance(3, place(1)));
        for (n, place, message) in [
            (1, place(0), "Host-0001.example.com (PID UCCX, SN SN0001) was removed."),
            (2, place(0), "Host-0001.example.com (PID UCCX, SN SN0002) registered."),
            (3, place(1), "Bright-host (PID UCCX, SN SN0003) registered."),
        ] {
            let made = event(EventKind::InstanceRegistered, message);
            let (virtual_account, instance) = (Some(place), Some(instance_id(n)));
            append(workset, Event { virtual_account, instance, ..made });
        }
    })
    .await;
    let (first, second, third) = (instance_id(1), instance_id(2), instance_id(3));
    for (name, at, expected) in [
        ("HOST-0001.example.com", None, vec![second, first]),
        ("SN0001", None, vec![first]),
        ("SN0002", Some(place(0)), vec![second]),
        // What is called so elsewhere is told as little as what is called so nowhere.
        ("SN0002", Some(place(1)), vec![]),
        ("Host-0003.example.com", None, vec![third]),
        // As it was called before.
        ("bright-HOST", None, vec![third]),
        ("bright-host", Some(place(1)), vec![third]),
        ("bright-host", Some(place(0)), vec![]),
        ("host", None, vec![]),
        ("Host-0001", None, vec![]),
        ("", None, vec![]),
    ] {
        assert_eq!(store.instances_called(account, at, name).await.unwrap(), expected, "{name} {at:?}");
    }
}
