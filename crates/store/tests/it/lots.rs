//! Lists of lots, and lots by what names them.

use jiff::SignedDuration;
use seatpool_domain::Lot;
use seatpool_domain::command::Chosen;
use seatpool_domain::lot::DeclarationState;
use seatpool_proto::{AccountId, LotId};
use seatpool_store::{Page, Store};

use crate::facts::{
    add, at, create_account, lot, lot_id, place, put_lot, put_virtual_account, virtual_account,
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
    let all = store.lots_listed(account, &[place(1)], now, Page::ALL).await.unwrap();
    assert_eq!((ids(&all.items), all.total), (order.to_vec(), 6), "what ended at this instant has ended");
    for (offset, limit) in [(0, 1), (0, 2), (1, 2), (2, 3), (5, 5), (6, 5)] {
        let page = store.lots_listed(account, &[place(1)], now, Page { limit, offset }).await.unwrap();
        let from = usize::try_from(offset).unwrap();
        let wanted: Vec<_> = order.iter().copied().skip(from).take(limit as usize).collect();
        assert_eq!((ids(&page.items), page.total), (wanted, 6), "from {offset}, {limit} of them");
    }
    let both = store.lots_listed(account, &[place(1), place(2)], now, Page::ALL).await.unwrap();
    assert_eq!(both.total, 7);
    let none = store.lots_listed(account, &[], now, Page::ALL).await.unwrap();
    assert_eq!((none.items, none.total), (vec![], 0));
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
