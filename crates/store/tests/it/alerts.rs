//! What alerts are computed from: the store counts what the domain's conditions hold for.

use core::ops::Range;

use jiff::{SignedDuration, Timestamp};
use seatpool_domain::alert::{Dismissal, Ending, watches};
use seatpool_domain::lot::DeclarationState;
use seatpool_domain::{Lot, Policy};
use seatpool_proto::{AccountId, Quantity};
use seatpool_store::{Page, Store};

use crate::facts::*;

pub(crate) async fn instances_are_counted_and_listed_by_the_conditions_that_hold_for_them(store: Store) {
    let account = create_account(&store, 1).await;
    let other = create_account(&store, 2).await;
    let start = instance(0, place(0)).registered_at;
    let hours = |n: i64| start + SignedDuration::from_hours(n);
    // Authorizations and certificates that end on many days, counted and not, and some that never were authorized.
    let all: Vec<_> = (0..60)
        .map(|n| {
            let mut row = instance(n, place(n % 3));
            row.counted = n % 4 != 0;
            row.authorized_until = (n % 5 != 0).then(|| hours(37 * n.cast_signed()));
            if let Some(certificate) = &mut row.certificate {
                certificate.not_after = hours(97 * n.cast_signed());
            }
            row.registered_at = hours(n.cast_signed());
            row
        })
        .collect();
    add(&store, account, |workset| {
        for row in &all {
            put_instance(workset, row.clone());
        }
    })
    .await;
    add(&store, other, |workset| put_instance(workset, instance(90, place(0)))).await;

    let (places, excluded) = ([place(0), place(2)], [instance_id(6), instance_id(8)]);
    let mut hits = 0;
    for day in [0, 1, 29, 30, 31, 60, 89, 91, 180, 190, 400] {
        for watch in watches(&Policy::default(), hours(24 * day)) {
            let mut expected: Vec<_> = all
                .iter()
                .filter(|row| watch.condition.holds(row) && places.contains(&row.virtual_account))
                .filter(|row| !excluded.contains(&row.id))
                .map(|row| row.id)
                .collect();
            expected.sort_unstable();
            let counted = store.instances_counted(account, &places, &watch.condition).await.unwrap();
            let hidden = all
                .iter()
                .filter(|row| excluded.contains(&row.id) && watch.condition.holds(row))
                .filter(|row| places.contains(&row.virtual_account));
            let held = expected.len() + hidden.count();
            assert_eq!(counted.values().sum::<u64>(), held as u64, "day {day}: {watch:?}");
            let mut listed = Vec::new();
            for offset in (0..60).step_by(7) {
                let page = Page { limit: 7, offset };
                let rows =
                    store.instances_of(account, &places, &watch.condition, &excluded, page).await.unwrap();
                listed.extend(rows.into_iter().map(|row| row.id));
            }
            listed.sort_unstable();
            assert_eq!(listed, expected, "day {day}: {watch:?}");
            hits += expected.len();
        }
    }
    assert!(hits > 100, "the conditions hold for {hits}: the test looks at too little");
}

/// What the store counts, lists and finds by name is what the domain says ends then.
async fn endings_are_as_defined(store: &Store, account: AccountId, lots: &[Lot], ends: &Range<Timestamp>) {
    let all = Ending::all(lots, ends);
    let names: Vec<_> = all.iter().map(Ending::name).collect();
    for (places, excluded) in
        [(vec![place(1)], 0), (vec![place(1)], 1), (vec![place(1), place(2)], 1), (vec![place(2)], 0)]
    {
        let (excluded, rest) = names.split_at(excluded.min(names.len()));
        let mut expected: Vec<_> = all
            .iter()
            .filter(|row| places.contains(&row.virtual_account) && rest.contains(&row.name()))
            .cloned()
            .collect();
        expected.sort_by_key(|row| (row.at, row.virtual_account.to_string(), row.tag.to_string()));
        let counted = store.endings_counted(account, &places, ends).await.unwrap();
        let here = all.iter().filter(|row| places.contains(&row.virtual_account)).count();
        assert_eq!(counted.values().sum::<u64>(), here as u64);
        let mut listed = Vec::new();
        for offset in 0..=expected.len() as u64 {
            let page = Page { limit: 1, offset };
            listed.extend(store.endings(account, &places, ends, excluded, page).await.unwrap());
        }
        assert_eq!(listed, expected);
        assert_eq!(store.endings_named(account, &places, ends, rest).await.unwrap(), expected);
    }
}

pub(crate) async fn licences_and_tokens_are_found_by_their_ends(store: Store) {
    let account = create_account(&store, 1).await;
    let end = lot(1, place(1), "desk").term.ends_at.unwrap();
    let day = SignedDuration::from_hours(24);
    let mut twin = lot(2, place(1), "desk");
    twin.order_id = "another".into();
    let (mut late, mut perpetual) = (lot(3, place(1), "voice-premium"), lot(4, place(1), "desk"));
    late.term.ends_at = Some(end + day + day);
    perpetual.term.ends_at = None;
    let (mut moved, mut rejected) = (lot(5, place(2), "desk"), lot(6, place(1), "voice-basic"));
    (moved.quantity, moved.reserved, moved.moved_out) = (Quantity::ZERO, Quantity::ZERO, Quantity::ZERO);
    rejected.declaration.as_mut().unwrap().state = DeclarationState::Rejected;
    let expires = token(1, place(1)).expires_at;
    let (mut revoked, mut used_up) = (token(2, place(1)), token(3, place(1)));
    revoked.revoked_at = Some(expires - day);
    (used_up.uses, used_up.uses_max) = (1, Some(1));
    let mut fresh = token(1, place(1));
    (fresh.uses, fresh.uses_max, fresh.revoked_at) = (0, Some(1), None);
    (used_up.revoked_at, used_up.expires_at, revoked.expires_at) = (None, expires, expires);
    let (mut short, mut covered) = (total(place(1), "desk"), total(place(1), "voice-premium"));
    short.short = Quantity::of(3);
    covered.short = Quantity::ZERO;
    covered.short_since = None;
    add(&store, account, |workset| {
        put_virtual_account(workset, virtual_account(1, "North"));
        for row in [
            lot(1, place(1), "desk"),
            twin.clone(),
            late.clone(),
            perpetual.clone(),
            rejected.clone(),
            moved.clone(),
        ] {
            put_lot(workset, row);
        }
        for row in [fresh.clone(), revoked.clone(), used_up.clone()] {
            put_token(workset, row);
        }
        put_total(workset, short.clone());
        put_total(workset, covered.clone());
    })
    .await;
    let lots = [lot(1, place(1), "desk"), twin, late, perpetual, rejected, moved];
    for range in [end - day..end, end..end + day, end - day..end + day + day, end + day..end + day + day] {
        endings_are_as_defined(&store, account, &lots, &range).await;
    }
    let alike = store.lots_alike(account, &[place(1)], end - day).await.unwrap();
    assert_eq!(alike.iter().map(|found| found.lot).collect::<Vec<_>>(), [lot_id(2)]);
    assert_eq!(store.lots_alike(account, &[place(1)], end).await.unwrap(), []);
    let tokens = store.tokens_expiring(account, &[place(1)], expires - day..expires).await.unwrap();
    assert_eq!(tokens, [fresh]);
    assert_eq!(store.tokens_expiring(account, &[place(1)], expires..expires + day).await.unwrap(), []);
    assert_eq!(store.short_totals(account, &[place(1)]).await.unwrap(), [short]);
}

pub(crate) async fn dismissals_come_and_go_with_their_account(store: Store) {
    let account = create_account(&store, 1).await;
    let other = create_account(&store, 2).await;
    let dismissal = Dismissal {
        key: "an alert".into(),
        virtual_account: place(1),
        fingerprint: "30 days".into(),
        at: lot(1, place(1), "desk").created_at,
        by: "anna".into(),
    };
    let row = dismissal.clone();
    add(&store, account, move |workset| workset.dismissals.insert(row.key.clone(), row)).await;
    assert_eq!(store.dismissals(account, &[place(1)]).await.unwrap(), core::slice::from_ref(&dismissal));
    assert_eq!(store.dismissals(account, &[place(2)]).await.unwrap(), []);
    assert_eq!(store.dismissals(other, &[place(1)]).await.unwrap(), []);

    let touches = seatpool_domain::Touches {
        dismissals: [dismissal.key.clone()].into(),
        ..seatpool_domain::Touches::default()
    };
    let theirs = store.begin(other, &touches, &catalogue()).await.unwrap();
    assert_eq!(theirs.workset.dismissals.values().count(), 0);
    drop(theirs);
    let mut batch = store.begin(account, &touches, &catalogue()).await.unwrap();
    assert_eq!(batch.workset.dismissals.get(&dismissal.key), Some(&dismissal));
    batch.workset.dismissals.delete(&dismissal.key);
    batch.commit().await.unwrap();
    assert_eq!(store.dismissals(account, &[place(1)]).await.unwrap(), []);
}
