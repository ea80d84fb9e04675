//! Lists of lots, and lots by what names them.

use jiff::SignedDuration;
use seatpool_domain::command::Chosen;
use seatpool_domain::lot::DeclarationState;
use seatpool_domain::{Lot, Owned};
use seatpool_proto::{AccountId, LotId, Quantity};
use seatpool_store::{LotName, LotQuery, Page, Store};

use crate::facts::{
    add, at, create_account, lot, lot_id, place, put_lot, put_total, put_virtual_account, tag, total,
    virtual_account,
};

/// A lot that counts from one minute to another; without an end for good.
fn lasting(n: u64, starts: i64, ends: Option<i64>) -> Lot {
    let mut row = lot(n, place(1), "desk");
    row.declaration = None;
    row.term.starts_at = at(starts);
    row.term.ends_at = ends.map(at);
    row
}

fn ids(lots: &[Lot]) -> Vec<LotId> {
    lots.iter().map(|lot| lot.id).collect()
}

async fn with(store: &Store, account: AccountId, lots: &[Lot]) {
    add(store, account, |workset| {
        put_virtual_account(workset, virtual_account(1, "North"));
        put_virtual_account(workset, virtual_account(2, "South"));
        for row in lots {
            put_lot(workset, row.clone());
        }
    })
    .await;
}

fn at_places(places: &[u64]) -> LotQuery {
    LotQuery { virtual_accounts: places.iter().map(|n| place(*n)).collect(), named: None }
}

pub(crate) async fn lots_are_listed_as_people_look_at_them(store: Store) {
    let account = create_account(&store, 1).await;
    let mut waiting = lot(30, place(1), "desk");
    waiting.term.ends_at = None;
    if let Some(declaration) = &mut waiting.declaration {
        declaration.state = DeclarationState::Declared;
    }
    let mut elsewhere = lasting(9, 0, None);
    elsewhere.virtual_account = place(2);
    let lots = [
        lasting(1, 0, None),
        lasting(2, 0, Some(300)),
        lasting(3, 0, Some(200)),
        lasting(4, 150, Some(180)),
        lasting(5, 0, Some(100)),
        waiting,
        elsewhere,
    ];
    with(&store, account, &lots).await;

    let now = at(100);
    let order = [30, 3, 2, 1, 4, 5].map(lot_id);
    let all = store.lots_listed(account, &at_places(&[1]), now, Page::ALL).await.unwrap();
    assert_eq!((ids(&all.items), all.total), (order.to_vec(), 6), "what ended at this instant has ended");
    for (offset, limit) in [(0, 1), (0, 2), (1, 2), (2, 3), (5, 5), (6, 5)] {
        let page = store.lots_listed(account, &at_places(&[1]), now, Page { limit, offset }).await.unwrap();
        let from = usize::try_from(offset).unwrap();
        let wanted: Vec<_> = order.iter().copied().skip(from).take(limit as usize).collect();
        assert_eq!((ids(&page.items), page.total), (wanted, 6), "from {offset}, {limit} of them");
    }
    let both = store.lots_listed(account, &at_places(&[1, 2]), now, Page::ALL).await.unwrap();
    assert_eq!(both.total, 7);
    let none = store.lots_listed(account, &at_places(&[]), now, Page::ALL).await.unwrap();
    assert_eq!((none.items, none.total), (vec![], 0));

    // By the licence, by the order, by the subscription; what waits comes first there, too.
    let named = |places: &[u64], name: &str, tags: &[&str]| LotQuery {
        named: Some(LotName { name: name.into(), tags: tags.iter().map(|of| tag(of)).collect() }),
        ..at_places(places)
    };
    let by_tag = store.lots_listed(account, &named(&[1], "", &["desk"]), now, Page::ALL).await.unwrap();
    assert_eq!((ids(&by_tag.items), by_tag.total), (order.to_vec(), 6));
    let other = store.lots_listed(account, &named(&[1], "", &["voice-basic"]), now, Page::ALL).await.unwrap();
    assert_eq!((other.items, other.total), (vec![], 0));
    let query = named(&[1, 2], "order-30", &[]);
    assert_eq!(ids(&store.lots_listed(account, &query, now, Page::ALL).await.unwrap().items), [lot_id(30)]);
    let query = named(&[1, 2], "Sub-1", &[]);
    let second = store.lots_listed(account, &query, now, Page { limit: 1, offset: 1 }).await.unwrap();
    assert_eq!((second.items.len(), second.total), (1, 7), "all of one subscription");
    assert_ne!(second.items[0].id, lot_id(30));
    let query = named(&[1], "order-9", &[]);
    assert_eq!(store.lots_listed(account, &query, now, Page::ALL).await.unwrap().total, 0, "it is elsewhere");
}

pub(crate) async fn holders_of_licences_are_found_by_what_is_held_or_in_use(store: Store) {
    let account = create_account(&store, 1).await;
    let (mut elsewhere, mut empty) = (lasting(2, 0, None), lasting(3, 0, None));
    (elsewhere.virtual_account, elsewhere.tag) = (place(2), tag("voice-basic"));
    (empty.virtual_account, empty.quantity) = (place(2), Quantity::ZERO);
    (empty.reserved, empty.moved_out) = (Quantity::ZERO, Quantity::ZERO);
    with(&store, account, &[lasting(1, 0, None), elsewhere, empty]).await;
    add(&store, account, |workset| put_total(workset, total(place(1), "voice-basic"))).await;
    let found = store.holders(account, &["desk", "voice-basic", "voice-premium"].map(tag)).await.unwrap();
    let told: Vec<_> = found
        .into_iter()
        .map(|(place, mut tags)| {
            tags.sort();
            (place, tags)
        })
        .collect();
    let expected = [(place(1), vec![tag("desk"), tag("voice-basic")]), (place(2), vec![tag("voice-basic")])];
    assert_eq!(told, expected);
    assert!(store.holders(account, &[tag("voice-premium")]).await.unwrap().is_empty());
}

/// What the store sums up is what the domain says, lot by lot.
pub(crate) async fn lots_come_to_what_the_domain_says(store: Store) {
    let account = create_account(&store, 1).await;
    let mut lots = Vec::new();
    for n in 0..60_u64 {
        let end = (n % 4 != 0).then_some(100 + 50 * (n.cast_signed() % 5));
        let starts = 60 * (n.cast_signed() % 3);
        let mut row = lasting(n + 1, starts, end.map(|end| end.max(starts)));
        row.virtual_account = place(1 + n % 2);
        row.tag = tag(["desk", "voice-basic", "voice-premium"][n as usize % 3]);
        row.quantity = Quantity::of(n % 7);
        row.reserved = Quantity::of((n % 7).min(n % 3));
        row.moved_out = row.quantity.minus(row.reserved).min(Quantity::of(n % 2));
        if let Some(declaration) = &mut row.declaration {
            declaration.state =
                if n % 2 == 0 { DeclarationState::Declared } else { DeclarationState::Rejected };
        }
        lots.push(row);
    }
    with(&store, account, &lots).await;
    let mut told = 0;
    for now in [0, 59, 60, 99, 100, 101, 150, 250, 299, 300].map(at) {
        let found = store.owned(account, &[place(1), place(2)], now).await.unwrap();
        let mut expected = Vec::new();
        for (here, of) in [1, 2]
            .into_iter()
            .flat_map(|n| ["desk", "voice-basic", "voice-premium"].map(|of| (place(n), tag(of))))
        {
            let sums = Owned::of(lots.iter().filter(|lot| lot.virtual_account == here && lot.tag == of), now);
            if sums.lots > 0 {
                told += u64::from(sums.next_end.is_some()) + sums.pending.count();
                expected.push((here, of, sums));
            }
        }
        assert_eq!(found, expected, "at {now}");
    }
    assert!(told > 20, "the lots say too little: {told}");
    assert_eq!(store.owned(account, &[place(3)], at(100)).await.unwrap(), []);
}

pub(crate) async fn lots_are_found_by_what_names_them(store: Store) {
    let (account, other) = (create_account(&store, 1).await, create_account(&store, 2).await);
    let (mut old, mut new) = (lasting(1, 0, None), lasting(2, 0, None));
    (old.order_id, new.order_id) = ("PO 7".into(), "PO 7".into());
    new.created_at = old.created_at + SignedDuration::from_hours(1);
    new.subscription_id = None;
    let declared = lot(3, place(2), "desk");
    with(&store, account, &[old.clone(), new.clone(), declared.clone()]).await;

    let found = async |account, chosen| store.lots_chosen(account, &chosen).await.unwrap();
    assert_eq!(found(account, Chosen::Lot(old.id)).await, [old.clone()]);
    assert_eq!(found(account, Chosen::Order(" PO 7 ".into())).await, [new, old.clone()], "newest first");
    assert_eq!(found(account, Chosen::Subscription("Sub-1".into())).await, [old.clone(), declared.clone()]);
    assert_eq!(store.lots_declared(account).await.unwrap(), [declared]);
    for chosen in [Chosen::Lot(old.id), Chosen::Order("PO 7".into()), Chosen::Subscription("Sub-1".into())] {
        assert_eq!(found(other, chosen).await, [], "another account's are never found");
    }
}
