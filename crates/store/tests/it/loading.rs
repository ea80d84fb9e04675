//! `Store::begin` loads what `Touches` documents: all of it, and nothing else.

use std::collections::BTreeSet;

use seatpool_domain::account::Contents;
use seatpool_domain::instance::EndReason;
use seatpool_domain::lot::TransactionKind;
use seatpool_domain::{Touches, Workset};
use seatpool_proto::{AccountId, LotId, ProductInstanceId, Tag, VirtualAccountId};
use seatpool_store::Store;

use crate::facts::*;

/// Two places beside the default one, each with a lot and a total of every tag and of `odd`, which the catalogue does
/// not know; in place 1 instance 1 that uses `voice-standard`, in place 2 instance 2 that uses `desk`.
async fn furnished(store: &Store, n: u64) -> AccountId {
    let account = create_account(store, n).await;
    add(store, account, |workset| {
        put_virtual_account(workset, virtual_account(1, "North"));
        put_virtual_account(workset, virtual_account(2, "South"));
        for (p, base) in [(1, 10), (2, 20)] {
            for (index, of) in ["voice-premium", "voice-standard", "desk", "odd"].into_iter().enumerate() {
                put_lot(workset, lot(base + index as u64, place(p), of));
                put_total(workset, total(place(p), of));
            }
        }
        put_instance(workset, instance(1, place(1)));
        put_usage(workset, usage(instance_id(1), "voice-standard", 4));
        put_instance(workset, instance(2, place(2)));
        put_usage(workset, usage(instance_id(2), "desk", 5));
        put_token(workset, token(1, place(2)));
    })
    .await;
    account
}

pub(crate) async fn loaded(store: &Store, account: AccountId, touches: Touches) -> Workset {
    let batch = store.begin(account, &touches, &catalogue()).await.unwrap();
    assert!(!batch.workset.is_changed());
    batch.workset
}

fn places(workset: &Workset) -> Vec<VirtualAccountId> {
    workset.virtual_accounts.iter().map(|(id, _)| *id).collect()
}

fn lots(workset: &Workset) -> Vec<LotId> {
    workset.lots.iter().map(|(id, _)| *id).collect()
}

fn instances(workset: &Workset) -> Vec<ProductInstanceId> {
    workset.instances.iter().map(|(id, _)| *id).collect()
}

fn totals(workset: &Workset) -> Vec<(VirtualAccountId, Tag)> {
    workset.totals.iter().map(|(key, _)| key.clone()).collect()
}

pub(crate) async fn nothing_touched_loads_the_account_alone(store: Store) {
    let account = furnished(&store, 1).await;
    let workset = loaded(&store, account, Touches::default()).await;
    let mut expected = Workset::new(crate::facts::account(1));
    append(&mut expected, event(seatpool_domain::EventKind::AccountCreated, "the account was created"));
    expected.settle();
    assert_eq!(workset, expected);
}

pub(crate) async fn instances_bring_their_usage_place_and_pools(store: Store) {
    let account = furnished(&store, 1).await;
    let touches = Touches { instances: BTreeSet::from([instance_id(1)]), ..Touches::default() };
    let workset = loaded(&store, account, touches).await;
    assert_eq!(workset.instances.get(&instance_id(1)), Some(&instance(1, place(1))));
    assert_eq!(instances(&workset), [instance_id(1)]);
    let used = usage(instance_id(1), "voice-standard", 4);
    assert_eq!(workset.usage.values().collect::<Vec<_>>(), [&used]);
    assert_eq!(places(&workset), [place(1)]);
    assert_eq!(
        totals(&workset),
        [(place(1), tag("voice-premium")), (place(1), tag("voice-standard"))],
        "the whole family of what it uses, in its place only"
    );
    assert_eq!(lots(&workset), [lot_id(10), lot_id(11)]);
}

pub(crate) async fn udis_find_the_registered_and_the_pending_one_but_no_tombstone(store: Store) {
    let account = create_account(&store, 1).await;
    let registered = instance(1, place(0));
    let newer = pending(2, &registered);
    let mut gone = ended(&registered, EndReason::Replaced);
    gone.id = instance_id(3);
    add(&store, account, |workset| {
        put_instance(workset, registered.clone());
        put_instance(workset, newer.clone());
        put_instance(workset, gone);
        put_instance(workset, instance(4, place(0)));
    })
    .await;
    let mut same_without_uuid = registered.udi.clone();
    same_without_uuid.uuid = None;
    let touches = Touches { udis: BTreeSet::from([registered.udi.clone()]), ..Touches::default() };
    let workset = loaded(&store, account, touches).await;
    assert_eq!(workset.instances.values().collect::<Vec<_>>(), [&registered, &newer]);
    let touches = Touches { udis: BTreeSet::from([same_without_uuid]), ..Touches::default() };
    assert_eq!(instances(&loaded(&store, account, touches).await), [], "the UUID is part of a UDI");
}

pub(crate) async fn a_tombstone_is_found_by_its_id(store: Store) {
    let account = create_account(&store, 1).await;
    let gone = ended(&instance(1, place(0)), EndReason::Removed);
    add(&store, account, |workset| put_instance(workset, gone.clone())).await;
    let touches = Touches { instances: BTreeSet::from([gone.id]), ..Touches::default() };
    assert_eq!(loaded(&store, account, touches).await.instances.get(&gone.id), Some(&gone));
}

pub(crate) async fn tokens_and_lots_bring_their_places_but_tokens_no_pools(store: Store) {
    let account = furnished(&store, 1).await;
    let touches = Touches {
        tokens: BTreeSet::from([token_id(1)]),
        tags: BTreeSet::from([tag("desk")]),
        ..Touches::default()
    };
    let workset = loaded(&store, account, touches).await;
    assert_eq!(workset.tokens.get(&token_id(1)), Some(&token(1, place(2))));
    assert_eq!(places(&workset), [place(2)]);
    assert_eq!((lots(&workset), totals(&workset)), (vec![], vec![]));

    let touches = Touches { lots: BTreeSet::from([lot_id(10)]), ..Touches::default() };
    let workset = loaded(&store, account, touches).await;
    assert_eq!(places(&workset), [place(1)]);
    assert_eq!(lots(&workset), [lot_id(10), lot_id(11)], "the lot's whole family in its place");
    assert_eq!(workset.lots.get(&lot_id(10)), Some(&lot(10, place(1), "voice-premium")));
}

pub(crate) async fn virtual_accounts_are_found_by_name_without_regard_to_case(store: Store) {
    let account = furnished(&store, 1).await;
    add(&store, account, |workset| put_virtual_account(workset, virtual_account(3, "Zürich ÄÖ"))).await;
    let touches = Touches {
        virtual_account_names: BTreeSet::from(["ZÜRICH äö".to_owned(), "nowhere".to_owned()]),
        virtual_accounts: BTreeSet::from([place(1)]),
        ..Touches::default()
    };
    let workset = loaded(&store, account, touches).await;
    assert_eq!(places(&workset), [place(1), place(3)]);
    assert_eq!(workset.virtual_accounts.get(&place(3)), Some(&virtual_account(3, "Zürich ÄÖ")));
}

pub(crate) async fn pools_are_loaded_by_family_in_the_named_places(store: Store) {
    let account = furnished(&store, 1).await;
    let touches = Touches {
        tags: BTreeSet::from([tag("desk"), tag("odd")]),
        pools_in: BTreeSet::from([place(2)]),
        ..Touches::default()
    };
    let workset = loaded(&store, account, touches).await;
    assert_eq!(totals(&workset), [(place(2), tag("desk")), (place(2), tag("odd"))]);
    assert_eq!(workset.totals.get(&(place(2), tag("desk"))), Some(&total(place(2), "desk")));
    assert_eq!(lots(&workset), [lot_id(22), lot_id(23)]);
    assert_eq!(places(&workset), [], "a pool does not bring its virtual account");
}

pub(crate) async fn contents_count_registered_instances_and_lots_that_have_not_ended(store: Store) {
    let account = furnished(&store, 1).await;
    add(&store, account, |workset| {
        put_instance(workset, pending(3, &instance(1, place(1))));
        put_instance(workset, ended(&instance(4, place(1)), EndReason::Removed));
        let mut over = lot(50, place(1), "desk");
        over.term.ends_at = Some(at(5));
        put_lot(workset, over);
        let mut perpetual = lot(51, place(1), "desk");
        perpetual.term.ends_at = None;
        put_lot(workset, perpetual);
    })
    .await;
    let mut touches =
        Touches { contents: BTreeSet::from([place(0), place(1)]), now: Some(at(5)), ..Touches::default() };
    let contents = loaded(&store, account, touches.clone()).await.contents;
    assert_eq!(contents.get(&place(0)), Some(&Contents::default()));
    assert_eq!(contents.get(&place(1)), Some(&Contents { instances: 1, lots: 5 }));
    touches.now = None;
    let contents = loaded(&store, account, touches).await.contents;
    assert_eq!(contents.get(&place(1)), Some(&Contents { instances: 1, lots: 6 }));
}

pub(crate) async fn orders_bring_what_they_did_and_their_lots(store: Store) {
    let account = create_account(&store, 1).await;
    let first = lot(1, place(0), "desk");
    let mut second = lot(2, place(0), "voice-premium");
    second.order_id.clone_from(&first.order_id);
    add(&store, account, |workset| {
        workset.transactions.push(transaction(1000, &first, TransactionKind::Ordered));
        workset.transactions.push(transaction(1001, &second, TransactionKind::Ordered));
        workset.transactions.push(transaction(2000, &first, TransactionKind::Cancelled));
        put_lot(workset, first.clone());
        put_lot(workset, second.clone());
        put_lot(workset, lot(3, place(0), "desk"));
        workset.transactions.push(transaction(3000, &lot(3, place(0), "desk"), TransactionKind::Ordered));
    })
    .await;
    let touches = Touches {
        orders: BTreeSet::from([first.order_id.clone(), "never".to_owned()]),
        ..Touches::default()
    };
    let of_orders = loaded(&store, account, touches).await.of_orders;
    let expected = vec![
        transaction(1000, &first, TransactionKind::Ordered),
        transaction(1001, &second, TransactionKind::Ordered),
        transaction(2000, &first, TransactionKind::Cancelled),
    ];
    assert_eq!(of_orders.into_iter().collect::<Vec<_>>(), [(first.order_id.clone(), expected)]);

    let ids = async |touches| {
        loaded(&store, account, touches).await.lots.values().map(|lot| lot.id).collect::<Vec<_>>()
    };
    let lots_of_orders = BTreeSet::from([first.order_id.clone()]);
    let touches = Touches { lots_of_orders, ..Touches::default() };
    // With the pools that they are in.
    assert_eq!(ids(touches).await, [first.id, second.id, lot(3, place(0), "desk").id]);
    let lots_of_subscriptions = BTreeSet::from(["Sub-1".to_owned()]);
    let touches = Touches { lots_of_subscriptions, ..Touches::default() };
    assert_eq!(ids(touches).await.len(), 3);
    let touches = Touches { lots_of_orders: BTreeSet::from(["never".to_owned()]), ..Touches::default() };
    assert!(ids(touches).await.is_empty());
}

pub(crate) async fn another_accounts_rows_are_never_loaded(store: Store) {
    let account = furnished(&store, 1).await;
    let other = create_account(&store, 2).await;
    let everything = Touches {
        instances: BTreeSet::from([instance_id(1), instance_id(2)]),
        udis: BTreeSet::from([instance(1, place(1)).udi]),
        tokens: BTreeSet::from([token_id(1)]),
        lots: BTreeSet::from([lot_id(10)]),
        virtual_accounts: BTreeSet::from([place(1)]),
        virtual_account_names: BTreeSet::from(["North".to_owned()]),
        tags: BTreeSet::from([tag("desk")]),
        pools_in: BTreeSet::from([place(1)]),
        contents: BTreeSet::from([place(1)]),
        lots_of_orders: BTreeSet::from(["order-1".to_owned()]),
        lots_of_subscriptions: BTreeSet::from(["Sub-1".to_owned()]),
        orders: BTreeSet::from(["order-10".to_owned()]),
        people: true,
        dismissals: BTreeSet::from(["an alert".to_owned()]),
        reservations: BTreeSet::from([instance_id(1)]),
        export_holders: true,
        now: None,
    };
    let theirs = loaded(&store, other, everything.clone()).await;
    assert_eq!((instances(&theirs), lots(&theirs), totals(&theirs)), Default::default());
    assert_eq!(places(&theirs), [place(0)], "their own alone, which come with the people");
    assert_eq!(theirs.tokens.values().count() + theirs.of_orders.len(), 0);
    assert_eq!(theirs.contents.get(&place(1)), Some(&Contents::default()));
    let ours = loaded(&store, account, everything).await;
    assert_eq!(instances(&ours), [instance_id(1), instance_id(2)], "the same touches do load the owner's");
}
