//! Lists, pages, filters, and what jobs look for.

use jiff::Timestamp;
use seatpool_domain::event::EventKind;
use seatpool_domain::instance::EndReason;
use seatpool_domain::lot::TransactionKind;
use seatpool_domain::{Actor, Instance};
use seatpool_proto::{AccountId, ProductInstanceId};
use seatpool_store::testing::texts;
use seatpool_store::{AccountFilter, EventQuery, InstanceQuery, InstanceSort, Page, Store, TransactionQuery};

use crate::facts::*;

type SortKey = fn(&Instance) -> String;

/// Forty instances in two places, one pending, one tombstone.
async fn populated(store: &Store) -> (AccountId, Vec<Instance>) {
    let account = create_account(store, 1).await;
    let other = create_account(store, 2).await;
    let all: Vec<Instance> = (0..40).map(|n| instance(n, place(n % 2))).collect();
    add(store, account, |workset| {
        put_virtual_account(workset, virtual_account(1, "North"));
        for instance in &all {
            put_instance(workset, instance.clone());
        }
        put_instance(workset, pending(50, &instance(0, place(0))));
        put_instance(workset, ended(&instance(51, place(0)), EndReason::Removed));
        put_usage(workset, usage(instance_id(3), "desk", 4));
        put_usage(workset, usage(instance_id(4), "desk", 0));
        put_usage(workset, usage(instance_id(5), "voice-premium", 1));
    })
    .await;
    add(store, other, |workset| put_instance(workset, instance(60, place(0)))).await;
    (account, all)
}

async fn found(store: &Store, account: AccountId, query: InstanceQuery) -> Vec<ProductInstanceId> {
    let found = store.instances(account, query, Page::ALL).await.unwrap();
    assert_eq!(found.total as usize, found.items.len());
    found.items.into_iter().map(|instance| instance.id).collect()
}

pub(crate) async fn pages_neither_repeat_nor_miss_an_instance(store: Store) {
    let (account, all) = populated(&store).await;
    for sort in
        [InstanceSort::Name, InstanceSort::ProductType, InstanceSort::LastContact, InstanceSort::Registered]
    {
        let mut seen = Vec::new();
        for offset in (0..42).step_by(7) {
            let query = InstanceQuery { sort, ..InstanceQuery::default() };
            let page = store.instances(account, query, Page { limit: 7, offset }).await.unwrap();
            assert_eq!(page.total, 40);
            assert!(page.items.len() <= 7);
            seen.extend(page.items);
        }
        seen.sort_by_key(|instance| instance.id);
        assert_eq!(seen, all, "{sort:?}");
    }
    let beyond =
        store.instances(account, InstanceQuery::default(), Page { limit: 5, offset: 100 }).await.unwrap();
    assert_eq!((beyond.items.len(), beyond.total), (0, 40));
}

pub(crate) async fn instances_are_sorted_by_each_key_in_both_directions(store: Store) {
    let (account, all) = populated(&store).await;
    let keys: [(InstanceSort, SortKey); 4] = [
        (InstanceSort::Name, |i| i.host_name.as_ref().unwrap_or(&i.udi.sn).to_lowercase()),
        (InstanceSort::ProductType, |i| i.product_type.clone()),
        (InstanceSort::LastContact, |i| i.last_contact_at.to_string()),
        (InstanceSort::Registered, |i| i.registered_at.to_string()),
    ];
    for (sort, key) in keys {
        for places in [None, Some(vec![place(1)]), Some(vec![place(0), place(1)])] {
            let mut expected: Vec<&Instance> = all
                .iter()
                .filter(|i| places.as_ref().is_none_or(|places| places.contains(&i.virtual_account)))
                .collect();
            expected.sort_by_key(|i| (key(i), i.id));
            let mut expected: Vec<_> = expected.into_iter().map(|i| i.id).collect();
            for descending in [false, true] {
                let query = InstanceQuery {
                    virtual_accounts: places.clone(),
                    sort,
                    descending,
                    ..InstanceQuery::default()
                };
                assert_eq!(found(&store, account, query).await, expected, "{sort:?} {descending} {places:?}");
                expected.reverse();
            }
        }
    }
}

pub(crate) async fn instances_are_found_by_text_type_place_and_licence(store: Store) {
    let (account, all) = populated(&store).await;
    let text = |text: &str| InstanceQuery { text: Some(text.to_owned()), ..InstanceQuery::default() };
    assert_eq!(found(&store, account, text("HOST-0013")).await, [instance_id(13)]);
    assert_eq!(found(&store, account, text("sn0014")).await, [instance_id(14)]);
    assert_eq!(found(&store, account, text(&uuid(15).to_string())).await, [instance_id(15)]);
    assert_eq!(found(&store, account, text("contact")).await.len(), 40);
    assert_eq!(found(&store, account, text("100%")).await, [], "% and _ mean themselves");
    assert_eq!(found(&store, account, text("____")).await, []);

    let of_type = InstanceQuery { product_type: Some("unified-ccx".to_owned()), ..InstanceQuery::default() };
    let expected = all.iter().filter(|i| i.product_type == "unified-ccx").count();
    assert_eq!(found(&store, account, of_type).await.len(), expected);
    let nowhere = InstanceQuery { virtual_accounts: Some(vec![]), ..InstanceQuery::default() };
    assert_eq!(found(&store, account, nowhere).await, []);
    let using = InstanceQuery { tag: Some(tag("voice-premium")), ..InstanceQuery::default() };
    assert_eq!(found(&store, account, using).await, [instance_id(5)]);
    let mut desk =
        found(&store, account, InstanceQuery { tag: Some(tag("desk")), ..InstanceQuery::default() }).await;
    desk.sort();
    assert_eq!(desk, [instance_id(3), instance_id(4)], "in use, or locked");
    let both = InstanceQuery {
        tag: Some(tag("desk")),
        text: Some("host-0003".to_owned()),
        virtual_accounts: Some(vec![place(1)]),
        ..InstanceQuery::default()
    };
    assert_eq!(found(&store, account, both).await, [instance_id(3)]);
}

pub(crate) async fn more_instances_than_a_search_names_are_counted_and_paged(store: Store) {
    let account = create_account(&store, 1).await;
    let mut all: Vec<Instance> = (0..2_600).map(|n| instance(n, place(n / 2_300))).collect();
    for (n, instance) in all.iter_mut().enumerate() {
        // Many share a name, so that counting goes on in the midst of them; some are of the other place.
        instance.host_name = Some(if n % 3 == 0 { format!("Host-{n:04}") } else { "Twin-7".to_owned() });
        instance.exports.clear();
    }
    add(&store, account, |workset| {
        put_virtual_account(workset, virtual_account(1, "North"));
        for instance in &all {
            put_instance(workset, instance.clone());
        }
    })
    .await;
    for (text, places) in [
        ("", vec![place(0)]),
        ("sn", vec![place(0)]),
        ("sn", vec![place(0), place(1)]),
        ("host-", vec![place(0)]),
        ("twin", vec![place(0)]),
        ("sn2", vec![place(1)]),
    ] {
        for (sort, descending) in
            [(InstanceSort::Name, false), (InstanceSort::Name, true), (InstanceSort::Registered, false)]
        {
            let name = |i: &Instance| i.host_name.clone().unwrap_or_default().to_lowercase();
            let mut expected: Vec<&Instance> = all
                .iter()
                .filter(|i| places.contains(&i.virtual_account))
                .filter(|i| name(i).contains(text) || i.udi.sn.to_lowercase().contains(text))
                .collect();
            match sort {
                InstanceSort::Name => expected.sort_by_key(|i| (name(i), i.id)),
                _ => expected.sort_by_key(|i| (i.registered_at, i.id)),
            }
            if descending {
                expected.reverse();
            }
            for offset in [0, 1_995, 2_000, 2_295] {
                let query = InstanceQuery {
                    virtual_accounts: Some(places.clone()),
                    text: Some(text.to_owned()),
                    sort,
                    descending,
                    ..InstanceQuery::default()
                };
                let page = store.instances(account, query, Page { limit: 7, offset }).await.unwrap();
                let ids: Vec<_> = page.items.iter().map(|i| i.id).collect();
                let wanted: Vec<_> = expected.iter().skip(offset as usize).take(7).map(|i| i.id).collect();
                assert_eq!(
                    (ids, page.total as usize),
                    (wanted, expected.len()),
                    "{text:?} {sort:?} {offset}"
                );
            }
        }
    }
}

pub(crate) async fn instances_are_found_by_udi(store: Store) {
    let (account, _) = populated(&store).await;
    let found = store.instance_by_udi(account, "UCCX", "SN0000").await.unwrap();
    assert_eq!(found, [instance(0, place(0))], "the pending one with the same UDI is not registered");
    assert_eq!(store.instance_by_udi(account, "UCCX", "SN0051").await.unwrap(), [], "a tombstone");
    assert_eq!(store.instance_by_udi(account, "UCCX", "SN0060").await.unwrap(), [], "another account's");
}

pub(crate) async fn events_are_filtered_and_newest_first(store: Store) {
    let account = create_account(&store, 1).await;
    add(&store, account, |workset| {
        for n in 0..30_u64 {
            let mut entry = event(
                if n.is_multiple_of(2) { EventKind::OutOfCompliance } else { EventKind::InCompliance },
                &format!("Pool {n:02} changed"),
            );
            entry.virtual_account = Some(place(n % 3));
            entry.tag = Some(tag(if n < 10 { "desk" } else { "voice-premium" }));
            entry.instance = (n % 5 == 0).then(|| instance_id(n));
            if n == 7 {
                entry.actor = Actor::Client("billing".to_owned());
            }
            append(workset, entry);
        }
    })
    .await;
    let numbers = async |query: EventQuery, page: Page| {
        let paged = store.events(account, query, page).await.unwrap();
        (paged.items.iter().map(|event| event.number).collect::<Vec<_>>(), paged.total)
    };
    let all = EventQuery::default;
    assert_eq!(numbers(all(), Page { limit: 3, offset: 2 }).await, (vec![29, 28, 27], 31));
    let here = EventQuery { virtual_account: Some(place(1)), ..all() };
    assert_eq!(numbers(here.clone(), Page { limit: 2, offset: 0 }).await, (vec![30, 27], 10));
    let there = EventQuery { tag: Some(tag("desk")), kind: Some(EventKind::InCompliance), ..here };
    assert_eq!(numbers(there, Page::ALL).await, (vec![9, 3], 2));
    let of_one = EventQuery { instances: vec![instance_id(5)], ..all() };
    assert_eq!(numbers(of_one.clone(), Page::ALL).await, (vec![7], 1));
    let elsewhere = EventQuery { virtual_account: Some(place(0)), ..of_one };
    assert_eq!(numbers(elsewhere, Page::ALL).await, (vec![], 0));
    let text = |text: &str| EventQuery { text: Some(text.to_owned()), ..all() };
    assert_eq!(numbers(text("POOL 12"), Page::ALL).await, (vec![14], 1));
    assert_eq!(numbers(text("Billing"), Page::ALL).await, (vec![9], 1));
    assert_eq!(numbers(text("192.0.2.7"), Page::ALL).await.1, 31);
    let second = numbers(text("192.0.2.7"), Page { limit: 2, offset: 30 }).await;
    assert_eq!(second, (vec![1], 31), "the page is cut from what was found");
    let by = |actor: &str| EventQuery { actor: Some(actor.to_owned()), ..all() };
    assert_eq!(numbers(by("billing"), Page::ALL).await, (vec![9], 1));
    assert_eq!(numbers(by("Billing"), Page::ALL).await, (vec![], 0), "a name is taken as it is");
    let (first, last) = (Some(Timestamp::MIN), Some(Timestamp::MAX));
    for (since, until, total) in [(None, None, 31), (first, last, 31), (last, None, 0), (None, first, 0)] {
        assert_eq!(
            numbers(EventQuery { since, until, ..all() }, Page::ALL).await.1,
            total,
            "{since:?} {until:?}"
        );
    }
}

pub(crate) async fn what_many_events_say_is_counted_and_paged(store: Store) {
    let account = create_account(&store, 1).await;
    add(&store, account, |workset| {
        for n in 0..2_100_u64 {
            append(workset, event(EventKind::InCompliance, &format!("Pool {} changed", n % 3)));
        }
    })
    .await;
    let found = async |text: &str, offset| {
        let query = EventQuery { text: Some(text.to_owned()), ..EventQuery::default() };
        let paged = store.events(account, query, Page { limit: 2, offset }).await.unwrap();
        (paged.items.iter().map(|event| event.number).collect::<Vec<_>>(), paged.total)
    };
    assert_eq!(found("pool", 0).await, (vec![2_101, 2_100], 2_100), "more than are named");
    assert_eq!(found("pool", 2_099).await, (vec![2], 2_100));
    assert_eq!(found("pool 1", 0).await, (vec![2_100, 2_097], 700));
    assert_eq!(found("pool 1", 699).await, (vec![3], 700));
    assert_eq!(found("pool 4", 0).await, (vec![], 0));
}

pub(crate) async fn transactions_are_newest_first_and_by_licence(store: Store) {
    let account = create_account(&store, 1).await;
    let (desk, voice) = (lot(1, place(0), "desk"), lot(2, place(0), "voice-premium"));
    add(&store, account, |workset| {
        for number in 1..=6_u64 {
            let lot = if number.is_multiple_of(2) { &desk } else { &voice };
            workset.transactions.push(transaction(number * 1000, lot, TransactionKind::Renewed));
        }
        workset.transactions.push(transaction(9000, &lot(3, place(1), "desk"), TransactionKind::Ordered));
    })
    .await;
    let query = TransactionQuery { virtual_account: place(0), tag: None };
    let page = store.transactions(account, query.clone(), Page { limit: 2, offset: 1 }).await.unwrap();
    assert_eq!(page.items.iter().map(|t| t.number).collect::<Vec<_>>(), [5000, 4000]);
    assert_eq!(page.total, 6);
    let query = TransactionQuery { tag: Some(tag("desk")), ..query };
    let page = store.transactions(account, query, Page::ALL).await.unwrap();
    assert_eq!(page.items.iter().map(|t| t.number).collect::<Vec<_>>(), [6000, 4000, 2000]);
}

pub(crate) async fn accounts_are_found_by_part_of_their_domain(store: Store) {
    for n in 1..=12 {
        create_account(&store, n).await;
    }
    let page = store.accounts(AccountFilter::default(), Page { limit: 5, offset: 10 }).await.unwrap();
    assert_eq!((page.items.len(), page.total), (2, 12));
    let filter = AccountFilter { domain: Some("Customer1".to_owned()) };
    let page = store.accounts(filter, Page::ALL).await.unwrap();
    let domains: Vec<_> = page.items.into_iter().map(|account| account.domain).collect();
    assert_eq!(
        domains,
        [1, 10, 11, 12]
            .map(|n| account(n).domain)
            .into_iter()
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect::<Vec<_>>()
    );
    let one = store.account_by_domain("CUSTOMER3.example.com").await.unwrap().unwrap();
    assert_eq!((one.id, one.name), (account(3).id, account(3).name));
    assert_eq!(store.account_by_domain("customer").await.unwrap(), None);
    assert_eq!(store.account(account(99).id).await.unwrap(), None);
}

pub(crate) async fn jobs_find_ended_authorizations_and_turned_lots(store: Store) {
    let account = create_account(&store, 1).await;
    let other = create_account(&store, 2).await;
    let until = |n: u64, minute: i64, counted: bool| {
        let mut instance = instance(n, place(0));
        instance.authorized_until = Some(at(minute));
        instance.counted = counted;
        instance
    };
    let term = |n: u64, starts: i64, ends: Option<i64>| {
        let mut lot = lot(n, place(0), "desk");
        lot.term.starts_at = at(starts);
        lot.term.ends_at = ends.map(at);
        lot
    };
    add(&store, account, |workset| {
        put_instance(workset, until(1, 30, true));
        put_instance(workset, until(2, 31, true));
        put_instance(workset, until(3, 10, false));
        put_lot(workset, term(1, 10, Some(20)));
        put_lot(workset, term(2, 5, Some(15)));
        put_lot(workset, term(3, 15, None));
    })
    .await;
    add(&store, other, |workset| {
        put_instance(workset, until(4, 5, true));
        put_lot(workset, term(4, 11, Some(19)));
    })
    .await;
    let ended = store.authorizations_ended(at(30), 10).await.unwrap();
    assert_eq!(ended, [(other, instance_id(4)), (account, instance_id(1))], "the longest ended first");
    assert_eq!(store.authorizations_ended(at(30), 1).await.unwrap(), [(other, instance_id(4))]);
    assert_eq!(store.authorizations_ended(at(4), 10).await.unwrap(), []);

    assert_eq!(
        store.lots_turned(at(10), at(15)).await.unwrap(),
        [(account, lot_id(2)), (account, lot_id(3)), (other, lot_id(4)),]
    );
    assert_eq!(store.lots_turned(at(9), at(10)).await.unwrap(), [(account, lot_id(1))]);
    assert_eq!(store.lots_turned(at(19), at(20)).await.unwrap(), [(account, lot_id(1))]);
    assert_eq!(store.lots_turned(at(20), at(90)).await.unwrap(), []);
}

pub(crate) async fn settings_are_replaced_and_the_probe_writes(store: Store) {
    assert_eq!(store.setting("jobs.clock").await.unwrap(), None);
    store.set_setting("jobs.clock", "1").await.unwrap();
    store.set_setting("jobs.clock", "2").await.unwrap();
    assert_eq!(store.setting("jobs.clock").await.unwrap().as_deref(), Some("2"));
    store.probe().await.unwrap();
    store.probe().await.unwrap();
    assert_eq!(texts(&store, "SELECT CAST(writes AS TEXT) FROM probe", 0).await.unwrap(), ["2"]);
}
