//! Batches: what they write, and how they keep apart.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use seatpool_domain::event::EventKind;
use seatpool_domain::instance::{Conversation, EndReason, PendingCertificate};
use seatpool_domain::lot::TransactionKind;
use seatpool_domain::{Event, Touches};
use seatpool_store::{
    EventQuery, InstanceQuery, InstanceSort, Page, Store, StoreError, TokenQuery, TransactionQuery,
};

use crate::facts::*;

pub(crate) async fn every_entity_comes_back_as_it_was_written(store: Store) {
    let account = create_account(&store, 1).await;
    let north = virtual_account(1, "North");
    let (full, mut bare) = (instance(1, north.id), instance(2, north.id));
    bare.udi.uuid = None;
    bare.host_name = None;
    bare.product_version = None;
    bare.previous_certificate = None;
    bare.authorized_until = None;
    bare.conversation = Conversation::default();
    let waiting = pending(3, &full);
    let gone = ended(&instance(4, north.id), EndReason::Deregistered);
    let mut perpetual = lot(2, north.id, "desk");
    perpetual.term.ends_at = None;
    perpetual.subscription_id = None;
    let bought = lot(1, north.id, "desk");
    let mut expected = Vec::<Event>::new();
    add(&store, account, |workset| {
        put_virtual_account(workset, north.clone());
        for n in 1..=3 {
            put_token(workset, token(n, north.id));
        }
        put_lot(workset, bought.clone());
        put_lot(workset, perpetual.clone());
        for instance in [&full, &bare, &waiting, &gone] {
            put_instance(workset, instance.clone());
        }
        put_usage(workset, usage(full.id, "desk", 4));
        put_usage(workset, usage(full.id, "voice-premium", 5));
        put_total(workset, total(north.id, "desk"));
        workset.transactions.push(transaction(2000, &bought, TransactionKind::TransferredIn));
        let mut about = event(EventKind::InstanceRegistered, "it registered");
        about.instance = Some(full.id);
        about.virtual_account = Some(north.id);
        about.tag = Some(tag("desk"));
        append(workset, about);
        let mut plain = event(EventKind::LicensesEnded, "they ended");
        plain.actor = seatpool_domain::Actor::System;
        plain.at += SignedDuration::from_nanos(1_234_567);
        (plain.source, plain.before, plain.after) = (None, None, None);
        append(workset, plain);
        expected.clone_from(&workset.events);
    })
    .await;

    assert_eq!(
        store.virtual_accounts(account).await.unwrap(),
        [virtual_account(0, "Default"), north.clone()]
    );
    let tokens = store.tokens(account, north.id, &TokenQuery::default(), Page::ALL).await.unwrap().items;
    assert_eq!(tokens, [token(1, north.id), token(2, north.id), token(3, north.id)], "oldest first");
    assert_eq!(store.token(account, token_id(2)).await.unwrap(), Some(token(2, north.id)));
    assert_eq!(store.lots(account, Some(&[north.id])).await.unwrap(), [bought.clone(), perpetual]);
    assert_eq!(store.lots(account, None).await.unwrap().len(), 2);
    assert_eq!(store.lots(account, Some(&[])).await.unwrap(), []);
    assert_eq!(store.totals(account, None).await.unwrap(), [total(north.id, "desk")]);
    for instance in [&full, &bare, &waiting, &gone] {
        assert_eq!(store.instance(account, instance.id).await.unwrap().as_ref(), Some(instance));
    }
    assert_eq!(
        store.usage(account, &[full.id, bare.id]).await.unwrap(),
        [usage(full.id, "desk", 4), usage(full.id, "voice-premium", 5)]
    );
    let query = TransactionQuery { virtual_account: north.id, tag: None };
    let history = store.transactions(account, query, Page::ALL).await.unwrap();
    assert_eq!(history.items, [transaction(2000, &bought, TransactionKind::TransferredIn)]);

    let log = store.events(account, EventQuery::default(), Page::ALL).await.unwrap();
    assert_eq!(log.total, 3);
    expected.reverse();
    assert_eq!(log.items.get(..2).unwrap(), expected);
    assert!(
        log.items.iter().all(|event| event.hash == Some(event.own_hash())),
        "hashes hold after the way back"
    );
    let stored = store.account(account).await.unwrap().unwrap();
    assert_eq!(stored.next_event, 4);
    assert_eq!(stored.event_head, log.items.first().unwrap().hash);
}

/// A contact alone is written by a statement of its own, which leaves name and place alone.
pub(crate) async fn a_contact_and_a_move_are_both_written(store: Store) {
    let account = create_account(&store, 1).await;
    let (mut calling, mut moving, quiet) =
        (instance(1, place(0)), instance(2, place(0)), instance(3, place(0)));
    add(&store, account, |workset| {
        put_virtual_account(workset, virtual_account(1, "North"));
        for instance in [&calling, &moving, &quiet] {
            put_instance(workset, instance.clone());
        }
    })
    .await;
    calling.last_contact_at = at(70);
    calling.authorized_until = Some(at(80));
    calling.counted = false;
    calling.certificate = quiet.previous_certificate.clone();
    calling.previous_certificate = None;
    calling.pending =
        pending(9, &quiet).pending.map(|renewal| PendingCertificate { registration: false, ..renewal });
    calling.conversation = Conversation::default();
    moving.virtual_account = place(1);
    moving.host_name = None;
    moving.last_contact_at = at(71);
    let touches =
        Touches { instances: BTreeSet::from([calling.id, moving.id, quiet.id]), ..Touches::default() };
    change(&store, account, &touches, |workset| {
        *workset.instances.get_mut(&calling.id).unwrap() = calling.clone();
        *workset.instances.get_mut(&moving.id).unwrap() = moving.clone();
    })
    .await;
    let sort = InstanceSort::LastContact;
    let query = InstanceQuery { sort, descending: true, ..InstanceQuery::default() };
    let listed = store.instances(account, query, Page::ALL).await.unwrap();
    assert_eq!(listed.items, [moving.clone(), calling, quiet]);
    let query = InstanceQuery { virtual_accounts: Some(vec![place(1)]), ..InstanceQuery::default() };
    assert_eq!(store.instances(account, query, Page::ALL).await.unwrap().items, [moving]);
}

pub(crate) async fn a_dropped_batch_changes_nothing(store: Store) {
    let account = create_account(&store, 1).await;
    let mut batch = store.begin(account, &Touches::default(), &catalogue()).await.unwrap();
    put_lot(&mut batch.workset, lot(1, place(0), "desk"));
    drop(batch);
    assert_eq!(store.lots(account, None).await.unwrap(), []);
    add(&store, account, |workset| put_lot(workset, lot(2, place(0), "desk"))).await;
    assert_eq!(store.lots(account, None).await.unwrap(), [lot(2, place(0), "desk")]);
}

pub(crate) async fn two_batches_on_one_account_are_serialised(store: Store) {
    let account = create_account(&store, 1).await;
    let first = store.begin(account, &Touches::default(), &catalogue()).await.unwrap();
    let waiting = tokio::spawn({
        let store = store.clone();
        async move {
            let batch = store.begin(account, &Touches::default(), &catalogue()).await.unwrap();
            batch.workset.account.next_event
        }
    });
    let mut first = first;
    append(&mut first.workset, event(EventKind::TokenCreated, "by the first"));
    first.commit().await.unwrap();
    assert_eq!(waiting.await.unwrap(), 3, "the second sees what the first committed");

    let writers: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                for _ in 0..5 {
                    add(&store, account, |workset| {
                        append(workset, event(EventKind::TokenCreated, "one of many"));
                    })
                    .await;
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let log = store.events(account, EventQuery::default(), Page::ALL).await.unwrap();
    let numbers: Vec<u64> = log.items.iter().rev().map(|event| event.number).collect();
    assert_eq!(numbers, (1..=42).collect::<Vec<u64>>());
    let hashes: Vec<_> = log.items.iter().rev().map(|event| event.hash).collect();
    let previous: Vec<_> = log.items.iter().rev().skip(1).map(|event| event.previous_hash).collect();
    assert_eq!(hashes.get(..41).unwrap(), previous, "one unbroken chain");
}

pub(crate) async fn batches_on_different_accounts_go_on_side_by_side(store: Store) {
    let mut writers = Vec::new();
    for n in 1..=4 {
        let account = create_account(&store, n).await;
        let store = store.clone();
        writers.push(tokio::spawn(async move {
            for lot_number in 0..10 {
                add(&store, account, |workset| put_lot(workset, lot(lot_number, place(0), "desk"))).await;
            }
            account
        }));
    }
    for writer in writers {
        let account = writer.await.unwrap();
        assert_eq!(store.lots(account, None).await.unwrap().len(), 10);
    }
}

pub(crate) async fn an_unknown_account_is_refused(store: Store) {
    let unknown = account(9).id;
    let refused = store.begin(unknown, &Touches::default(), &catalogue()).await.err().unwrap();
    assert!(matches!(refused, StoreError::UnknownAccount(id) if id == unknown), "{refused}");
    create_account(&store, 9).await;
    assert!(store.begin(unknown, &Touches::default(), &catalogue()).await.is_ok());
}

pub(crate) async fn a_replacement_takes_over_the_udi_in_one_batch(store: Store) {
    let account = create_account(&store, 1).await;
    // The newer id is the smaller one, so that the order of keys is of no help.
    let older = instance(5, place(0));
    let newer = pending(3, &older);
    add(&store, account, |workset| {
        put_instance(workset, older.clone());
        put_instance(workset, newer.clone());
        put_usage(workset, usage(older.id, "desk", 1));
    })
    .await;
    let touches = Touches { udis: BTreeSet::from([older.udi.clone()]), ..Touches::default() };
    change(&store, account, &touches, |workset| {
        workset.instances.get_mut(&newer.id).unwrap().pending = None;
        *workset.instances.get_mut(&older.id).unwrap() = ended(&older, EndReason::Replaced);
        workset.usage.delete(&(older.id, tag("desk")));
    })
    .await;
    let registered = store.instance_by_udi(account, &older.udi.pid, &older.udi.sn).await.unwrap();
    assert_eq!(registered.iter().map(|instance| instance.id).collect::<Vec<_>>(), [newer.id]);
    assert_eq!(store.usage(account, &[older.id]).await.unwrap(), []);
}

pub(crate) async fn virtual_accounts_can_swap_their_names(store: Store) {
    let account = create_account(&store, 1).await;
    add(&store, account, |workset| {
        put_virtual_account(workset, virtual_account(1, "North"));
        put_virtual_account(workset, virtual_account(2, "South"));
    })
    .await;
    let touches = Touches { virtual_accounts: BTreeSet::from([place(1), place(2)]), ..Touches::default() };
    change(&store, account, &touches, |workset| {
        workset.virtual_accounts.get_mut(&place(1)).unwrap().name = "South".into();
        workset.virtual_accounts.get_mut(&place(2)).unwrap().name = "North".into();
    })
    .await;
    let named: Vec<_> =
        store.virtual_accounts(account).await.unwrap().into_iter().map(|v| (v.name, v.id)).collect();
    assert_eq!(
        named,
        [("Default".to_owned(), place(0)), ("North".to_owned(), place(2)), ("South".to_owned(), place(1))]
    );
}

pub(crate) async fn deleted_rows_are_gone(store: Store) {
    let account = create_account(&store, 1).await;
    add(&store, account, |workset| {
        put_virtual_account(workset, virtual_account(1, "North"));
        put_token(workset, token(1, place(1)));
        put_lot(workset, lot(1, place(1), "desk"));
        put_total(workset, total(place(1), "desk"));
        put_instance(workset, instance(1, place(1)));
        put_usage(workset, usage(instance_id(1), "desk", 1));
        put_usage(workset, usage(instance_id(1), "voice-premium", 1));
    })
    .await;
    let touches = Touches {
        instances: BTreeSet::from([instance_id(1)]),
        tokens: BTreeSet::from([token_id(1)]),
        ..Touches::default()
    };
    change(&store, account, &touches, |workset| {
        workset.usage.delete(&(instance_id(1), tag("desk"))).unwrap();
    })
    .await;
    let left = store.usage(account, &[instance_id(1)]).await.unwrap();
    assert_eq!(left, [usage(instance_id(1), "voice-premium", 1)]);

    let touches = Touches { tags: BTreeSet::from([tag("desk")]), ..touches };
    change(&store, account, &touches, |workset| {
        workset.usage.delete(&(instance_id(1), tag("voice-premium"))).unwrap();
        workset.instances.delete(&instance_id(1)).unwrap();
        workset.totals.delete(&(place(1), tag("desk"))).unwrap();
        workset.lots.delete(&lot_id(1)).unwrap();
        workset.tokens.delete(&token_id(1)).unwrap();
        workset.virtual_accounts.delete(&place(1)).unwrap();
    })
    .await;
    assert_eq!(store.usage(account, &[instance_id(1)]).await.unwrap(), []);
    assert_eq!(store.instance(account, instance_id(1)).await.unwrap(), None);
    assert_eq!(store.totals(account, None).await.unwrap(), []);
    assert_eq!(store.lots(account, None).await.unwrap(), []);
    assert_eq!(store.token(account, token_id(1)).await.unwrap(), None);
    assert_eq!(store.virtual_accounts(account).await.unwrap(), [virtual_account(0, "Default")]);
}

pub(crate) async fn a_failed_commit_leaves_the_store_usable(store: Store) {
    let account = create_account(&store, 1).await;
    let mut batch = store.begin(account, &Touches::default(), &catalogue()).await.unwrap();
    put_token(&mut batch.workset, token(1, place(0)));
    let mut wrong = lot(1, place(0), "desk");
    wrong.reserved = wrong.quantity.plus(wrong.quantity);
    put_lot(&mut batch.workset, wrong);
    batch.commit().await.unwrap_err();
    assert_eq!(store.token(account, token_id(1)).await.unwrap(), None, "all or nothing");
    add(&store, account, |workset| put_token(workset, token(1, place(0)))).await;
    assert_eq!(store.token(account, token_id(1)).await.unwrap(), Some(token(1, place(0))));
}

pub(crate) async fn a_nul_in_a_name_does_not_fail_the_batch(store: Store) {
    let account = create_account(&store, 1).await;
    let mut odd = instance(1, place(0));
    odd.host_name = Some("a\0b".to_owned());
    add(&store, account, |workset| put_instance(workset, odd)).await;
    let stored = store.instance(account, instance_id(1)).await.unwrap().unwrap();
    assert_eq!(stored.host_name.as_deref(), Some("a\u{fffd}b"));
}
