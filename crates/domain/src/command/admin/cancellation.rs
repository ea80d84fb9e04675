//! Taking back what was deposited: a lot, a part of one, or all that an order or a subscription still has.

use seatpool_proto::Quantity;

use super::{
    By, Chosen, Context, Outcome, Refused, TRANSACTIONS_MAX, by_place, chosen, line_of, lots_of, only,
    word_of,
};
use crate::command::{holders, words};
use crate::event::{Event, EventKind};
use crate::lot::{Lot, LotTransaction, TransactionKind};
use crate::pool::FamiliesIn;
use crate::workset::{Touches, Workset};

pub(super) fn touches(lots: &Chosen) -> Touches {
    let orders = match lots {
        Chosen::Order(order) => [order.trim().to_owned()].into(),
        Chosen::Lot(_) | Chosen::Subscription(_) => [].into(),
    };
    Touches { orders, export_holders: true, ..chosen(lots) }
}

/// Takes back what was chosen, or refuses with the figures of the first lot of which too much is promised elsewhere.
/// A lot of which nothing is left is gone; its history stays.
pub(super) fn cancel(
    which: &Chosen,
    quantity: Option<Quantity>,
    reason: &str,
    by: &By,
    workset: &mut Workset,
    context: &mut Context<'_>,
) -> Result<Outcome, Refused> {
    let reason = words::lines("reason", reason)?;
    let lots = lots_of(which, workset);
    if lots.is_empty() {
        let again = matches!(which, Chosen::Order(order) if was_cancelled(order.trim(), workset));
        return if again { Ok(Outcome::Done) } else { Err(Refused::Unknown { what: word_of(which) }) };
    }
    let lots: Vec<Lot> = lots.into_iter().filter(|lot| !lot.has_ended(context.now)).collect();
    if lots.is_empty() {
        return Err(words::invalid(word_of(which), "has ended: there is nothing left to cancel"));
    }
    if lots.len() > TRANSACTIONS_MAX {
        let problem = format!("are {}: cancel at most {TRANSACTIONS_MAX} at once", lots.len());
        return Err(words::invalid("lots", problem));
    }
    let taken = |lot: &Lot| quantity.unwrap_or(lot.quantity);
    if quantity.is_some() && !matches!(which, Chosen::Lot(_)) {
        return Err(words::invalid("quantity", "is of one lot: name the lot, or cancel all of them"));
    }
    if quantity.is_some_and(Quantity::is_zero) {
        return Err(words::invalid("quantity", "is 0: cancel at least one"));
    }
    for lot in &lots {
        let wanted = taken(lot);
        if wanted > lot.quantity.minus(lot.promised()) {
            return Err(Refused::Held {
                lot: lot.id,
                tag: lot.tag.clone(),
                wanted,
                quantity: lot.quantity,
                reserved: lot.reserved,
                moved_out: lot.moved_out,
                users: holders::words([lot.id], workset),
            });
        }
    }
    take(&lots, &taken, &reason, by, workset, context);
    Ok(Outcome::Done)
}

fn was_cancelled(order: &str, workset: &Workset) -> bool {
    let is_it = |row: &LotTransaction| row.kind == TransactionKind::Cancelled;
    workset.of_orders.get(order).is_some_and(|rows| rows.iter().any(is_it))
}

fn take(
    lots: &[Lot],
    taken: &impl Fn(&Lot) -> Quantity,
    reason: &str,
    by: &By,
    workset: &mut Workset,
    context: &Context<'_>,
) {
    let why = if reason.is_empty() { String::new() } else { format!(" Reason: {reason}") };
    let left = |lot: &Lot| lot.quantity.minus(taken(lot));
    for (place, lots) in by_place(lots) {
        let texts: Vec<String> = lots
            .iter()
            .map(|lot| {
                let (name, place) = (context.license_name(&lot.tag), workset.name_of(place));
                format!("{} of {name} in {place} (order {})", taken(lot), lot.order_id)
            })
            .collect();
        let message = format!("Cancelled: {}.{why}", words::list(&texts));
        let one = if let [lot] = lots.as_slice() { Some(*lot) } else { None };
        let number = workset.record(Event {
            virtual_account: Some(place),
            tag: only(lots.iter().map(|lot| &lot.tag)).cloned(),
            before: one.map(|lot| lot.quantity.to_string()),
            after: one.map(|lot| left(lot).to_string()),
            ..by.event(EventKind::LicensesCancelled, context.now, message)
        });
        for (line, lot) in (0..).zip(lots) {
            workset.keep(LotTransaction {
                quantity: taken(lot),
                before: Some(lot.quantity.to_string()),
                after: Some(left(lot).to_string()),
                note: Some(reason.to_owned()).filter(|reason| !reason.is_empty()),
                ..line_of(lot, number, line, TransactionKind::Cancelled, by, context.now)
            });
        }
    }
    let mut pools = FamiliesIn::default();
    for lot in lots {
        let left = left(lot);
        if left.is_zero() {
            workset.lots.delete(&lot.id);
            workset.count_lot(lot.virtual_account, false);
        } else if let Some(row) = workset.lots.get_mut(&lot.id) {
            row.quantity = left;
        }
        pools.add_lots(lot.virtual_account, &lot.tag, context.catalogue);
    }
    pools.reassess(by, workset, context);
}
