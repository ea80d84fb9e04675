//! Who holds export-controlled functionality.

use seatpool_store::Store;

use crate::facts::{
    add, at, create_account, instance, lot, place, put_instance, put_lot, put_token, put_virtual_account,
    token, virtual_account,
};

pub(crate) async fn who_holds_export_controlled_functionality_is_found(store: Store) {
    let (account, other) = (create_account(&store, 1).await, create_account(&store, 2).await);
    let mut holder = instance(7, place(1));
    assert!(!holder.exports.is_empty());
    "\"lot\":null".clone_into(&mut holder.exports[0].feature);
    let mut waiting = instance(14, place(1));
    for grant in &mut waiting.exports {
        grant.lot = None;
    }
    add(&store, account, |workset| {
        put_virtual_account(workset, virtual_account(1, "North"));
        put_lot(workset, lot(10, place(1), "desk"));
        put_instance(workset, holder.clone());
        put_instance(workset, waiting.clone());
        put_instance(workset, instance(8, place(1)));
        // 3 is revoked, and 4 is used up.
        for n in 1..=4 {
            let mut row = token(n, place(1));
            row.uses_max = (n == 4).then_some(3);
            put_token(workset, row);
        }
        let mut without = token(5, place(1));
        without.export_controlled = false;
        put_token(workset, without);
    })
    .await;
    let touches = seatpool_domain::Touches { export_holders: true, ..Default::default() };
    let workset = crate::loading::loaded(&store, account, touches).await;
    assert_eq!(workset.instances.values().collect::<Vec<_>>(), [&holder, &waiting]);
    assert_eq!(store.export_holders(account).await.unwrap(), [holder, waiting.clone()]);
    assert_eq!(store.export_waiting(account).await.unwrap(), [waiting]);
    assert_eq!(store.export_waiting(other).await.unwrap(), []);
    assert_eq!(store.export_holders(other).await.unwrap(), []);
    assert_eq!(store.export_tokens(account, at(50)).await.unwrap(), 2);
    assert_eq!(store.export_tokens(account, at(100)).await.unwrap(), 0, "all have expired");
    assert_eq!(store.export_tokens(other, at(50)).await.unwrap(), 0);
}
