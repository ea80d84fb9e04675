//! Reservations in the store.

use seatpool_domain::reservation::{Hold, Issued, ReservationEnd, ReservationEnded};
use seatpool_domain::{Event, EventKind, Reservation};
use seatpool_proto::code::{PublicPoint, ReservationKind};
use seatpool_proto::{Quantity, Sha256};
use seatpool_store::Store;

use crate::facts::{
    add, append, at, create_account, event, instance, instance_id, lot, lot_id, place, put_instance, put_lot,
    put_virtual_account, tag, virtual_account,
};
use crate::loading::loaded;

fn point(first: u8) -> PublicPoint {
    let mut bytes = [9; 33];
    bytes[0] = first;
    PublicPoint::from_compressed(bytes).unwrap()
}

fn issued(sequence: u64, quantity: u64) -> Issued {
    Issued {
        sequence,
        at: at(3),
        by: "alice".to_owned(),
        holds: vec![Hold { lot: lot_id(1), tag: tag("desk"), quantity: Quantity::of(quantity) }],
        entitlements: Vec::new(),
    }
}

fn reservation(n: u64) -> Reservation {
    Reservation {
        instance: instance_id(n),
        virtual_account: place(1),
        udi: instance(n, place(1)).udi,
        kind: ReservationKind::Specific,
        request: Sha256::of(n.to_be_bytes()),
        device: point(2),
        manager: point(3),
        issued: issued(5, 3),
        transit: Some(issued(6, 4)),
        highest: 6,
        rehost: None,
        ended: None,
    }
}

pub(crate) async fn reservations_come_back_and_bring_their_lots(store: Store) {
    let (account, other) = (create_account(&store, 1).await, create_account(&store, 2).await);
    let (first, mut ended) = (reservation(1), reservation(2));
    ended.ended = Some(ReservationEnd { at: at(9), how: ReservationEnded::Returned });
    add(&store, account, |workset| {
        put_virtual_account(workset, virtual_account(1, "North"));
        put_lot(workset, lot(1, place(1), "desk"));
        for row in [&first, &ended] {
            let mut reserved = instance(0, place(1));
            (reserved.id, reserved.udi) = (row.instance, row.udi.clone());
            reserved.exports.clear();
            reserved.certificate = None;
            put_instance(workset, reserved);
            workset.reservations.insert(row.instance, row.clone());
            // Of the first one only a change was given back.
            let back = event(EventKind::ReservationReturned, "it was given back");
            append(workset, Event { instance: Some(row.instance), ..back });
        }
    })
    .await;
    assert_eq!(store.reservations_returned(account, at(9)).await.unwrap(), std::slice::from_ref(&ended));
    assert_eq!(store.reservations_returned(account, at(10)).await.unwrap(), []);
    assert_eq!(store.reservations_returned(other, at(9)).await.unwrap(), []);

    assert_eq!(store.reservation(account, first.instance).await.unwrap(), Some(first.clone()));
    assert_eq!(store.reservation_of_request(account, ended.request).await.unwrap(), Some(ended.clone()));
    assert_eq!(
        store.reservations(account, &[place(1)]).await.unwrap(),
        std::slice::from_ref(&first),
        "open ones alone"
    );
    assert_eq!(store.reservation(other, first.instance).await.unwrap(), None);
    assert_eq!(store.reservations(other, &[place(1)]).await.unwrap(), []);

    let by_instance =
        seatpool_domain::Touches { reservations: [first.instance].into(), ..Default::default() };
    let workset = loaded(&store, account, by_instance).await;
    assert_eq!(workset.reservations.get(&first.instance), Some(&first));
    assert!(workset.lots.get(&lot_id(1)).is_some(), "with the lots that it holds");
    let by_device = seatpool_domain::Touches { udis: [ended.udi.clone()].into(), ..Default::default() };
    let workset = loaded(&store, account, by_device).await;
    assert_eq!(workset.reservations.get(&ended.instance), Some(&ended), "for the next sequence number");
    assert!(workset.lots.get(&lot_id(1)).is_none(), "it holds none any more");
}
