//! What the database itself refuses, whatever the program above it does.

use seatpool_domain::lot::TransactionKind;
use seatpool_domain::{EventKind, Touches, Workset};
use seatpool_proto::{AccountId, Quantity};
use seatpool_store::testing::execute;
use seatpool_store::{EventQuery, Page, Store, StoreError};

use crate::facts::*;

async fn refused(store: &Store, account: AccountId, change: impl FnOnce(&mut Workset)) -> String {
    let mut batch = store.begin(account, &Touches::default(), &catalogue()).await.unwrap();
    change(&mut batch.workset);
    batch.commit().await.unwrap_err().to_string()
}

pub(crate) async fn events_are_append_only(store: Store) {
    let account = create_account(&store, 1).await;
    for statement in ["UPDATE events SET message = 'nothing happened'", "DELETE FROM events"] {
        let refusal = execute(&store, statement).await.unwrap_err().to_string();
        assert!(refusal.contains("events are append-only"), "{refusal}");
    }
    let log = store.events(account, EventQuery::default(), Page::ALL).await.unwrap();
    assert_eq!(log.items.first().unwrap().message, "the account was created");
}

pub(crate) async fn lot_transactions_are_append_only(store: Store) {
    let account = create_account(&store, 1).await;
    let bought = lot(1, place(0), "desk");
    add(&store, account, |workset| {
        workset.transactions.push(transaction(1000, &bought, TransactionKind::Ordered));
    })
    .await;
    for statement in ["UPDATE lot_transactions SET quantity = 0", "DELETE FROM lot_transactions"] {
        let refusal = execute(&store, statement).await.unwrap_err().to_string();
        assert!(refusal.contains("append-only"), "{refusal}");
    }
}

pub(crate) async fn a_lot_never_promises_more_than_it_owns(store: Store) {
    let account = create_account(&store, 1).await;
    let refusal = refused(&store, account, |workset| {
        let mut lot = lot(1, place(0), "desk");
        lot.moved_out = lot.quantity.minus(lot.reserved).plus(Quantity::of(1));
        put_lot(workset, lot);
    })
    .await;
    assert!(refusal.contains("lots_promise_no_more_than_owned"), "{refusal}");
    add(&store, account, |workset| {
        let mut lot = lot(1, place(0), "desk");
        lot.moved_out = lot.quantity.minus(lot.reserved);
        put_lot(workset, lot);
    })
    .await;
    for column in ["quantity", "reserved", "moved_out"] {
        execute(&store, &format!("UPDATE lots SET {column} = -1")).await.unwrap_err();
    }
}

pub(crate) async fn a_udi_is_registered_once(store: Store) {
    let account = create_account(&store, 1).await;
    let first = instance(2, place(0));
    add(&store, account, |workset| put_instance(workset, first.clone())).await;
    refused(&store, account, |workset| {
        let mut second = first.clone();
        second.id = instance_id(3);
        put_instance(workset, second);
    })
    .await;
    add(&store, account, |workset| put_instance(workset, pending(3, &first))).await;
    let other = create_account(&store, 2).await;
    add(&store, other, |workset| put_instance(workset, first.clone())).await;
    assert_eq!(store.instance(other, first.id).await.unwrap(), Some(first));
}

pub(crate) async fn event_numbers_are_unique(store: Store) {
    let account = create_account(&store, 1).await;
    let mut batch = store.begin(account, &Touches::default(), &catalogue()).await.unwrap();
    batch.workset.account.next_event = 1;
    append(&mut batch.workset, event(EventKind::TokenCreated, "number one again"));
    batch.commit().await.unwrap_err();
    assert_eq!(store.events(account, EventQuery::default(), Page::ALL).await.unwrap().total, 1);
}

pub(crate) async fn a_domain_is_taken_once(store: Store) {
    create_account(&store, 1).await;
    let mut again = account(2);
    again.domain = account(1).domain;
    let refusal = store.create_account(Workset::new(again)).await.unwrap_err();
    assert!(
        matches!(&refusal, StoreError::Exists { what } if what.contains("customer1.example.com")),
        "{refusal}"
    );
    assert_eq!(store.account(account(2).id).await.unwrap(), None);
}
