//! Later ends for lots: one, or a subscription as a whole.

use jiff::Timestamp;

use super::{
    By, Chosen, Context, Outcome, Refused, TRANSACTIONS_MAX, by_place, chosen, line_of, lots_of, only,
    word_of,
};
use crate::command::{Until, words};
use crate::dates::after_years;
use crate::event::{Event, EventKind};
use crate::lot::{Lot, LotTransaction, TransactionKind};
use crate::pool::FamiliesIn;
use crate::workset::{Touches, Workset};

pub(super) fn touches(lots: &Chosen, order_id: &str) -> Touches {
    Touches { orders: [order_id.trim().to_owned()].into(), ..chosen(lots) }
}

/// Gives lots one later end: those that have not ended, or if all have, those that ended last.
pub(super) fn renew(
    which: &Chosen,
    order_id: &str,
    until: Until,
    by: &By,
    workset: &mut Workset,
    context: &mut Context<'_>,
) -> Result<Outcome, Refused> {
    let order_id = words::name("order_id", order_id)?;
    let mut lots = lots_of(which, workset);
    // Ended lots may outlive their virtual account; nobody can use them again.
    lots.retain(|lot| workset.virtual_accounts.get(&lot.virtual_account).is_some());
    if lots.is_empty() {
        return Err(Refused::Unknown { what: word_of(which) });
    }
    let is_rejected = |lot: &Lot| lot.declaration.is_some() && lot.has_ended(context.now);
    let mut ending: Vec<Lot> =
        lots.into_iter().filter(|lot| lot.term.ends_at.is_some() && !is_rejected(lot)).collect();
    let last =
        ending.iter().filter_map(|lot| lot.term.ends_at).max().ok_or_else(|| {
            words::invalid(word_of(which), "is perpetual: it has no end that could be later")
        })?;
    if last <= context.now {
        ending.retain(|lot| lot.term.ends_at == Some(last));
    } else {
        ending.retain(|lot| !lot.has_ended(context.now));
    }
    let end = match until {
        Until::Date(end) => end,
        Until::Years(years) => {
            let earlier = workset.of_orders.get(&order_id);
            let was_renewed = |lot: &Lot| {
                let is_it = |row: &LotTransaction| row.kind == TransactionKind::Renewed && row.lot == lot.id;
                earlier.is_some_and(|rows| rows.iter().any(is_it))
            };
            if ending.iter().all(was_renewed) {
                return Ok(Outcome::Done);
            }
            after_years(last, years).map_err(|why| words::invalid("term_years", why.to_string()))?
        }
    };
    if end < last || end <= context.now {
        let problem = format!("is {end}: give an instant after the present end, {last}, and after now");
        return Err(words::invalid("ends_at", problem));
    }
    ending.retain(|lot| lot.term.ends_at != Some(end));
    if !ending.is_empty() {
        extend(&ending, &order_id, end, by, workset, context)?;
    }
    Ok(Outcome::Done)
}

/// Gives these lots this end, later than theirs.
pub(super) fn extend(
    lots: &[Lot],
    order_id: &str,
    end: Timestamp,
    by: &By,
    workset: &mut Workset,
    context: &Context<'_>,
) -> Result<(), Refused> {
    if lots.len() > TRANSACTIONS_MAX {
        let problem = format!("are {}: renew at most {TRANSACTIONS_MAX} at once", lots.len());
        return Err(words::invalid("lots", problem));
    }
    for (place, lots) in by_place(lots) {
        let texts: Vec<String> = lots
            .iter()
            .map(|lot| {
                let (name, place) = (context.license_name(&lot.tag), workset.name_of(place));
                format!("{} of {name} in {place}", lot.quantity)
            })
            .collect();
        let old = only(lots.iter().filter_map(|lot| lot.term.ends_at));
        let instead = old.map(|old| format!(" instead of {old}")).unwrap_or_default();
        let message =
            format!("The order {order_id} renewed {}: they end on {end}{instead}.", words::list(&texts));
        let number = workset.record(Event {
            virtual_account: Some(place),
            tag: only(lots.iter().map(|lot| &lot.tag)).cloned(),
            before: old.map(|old| old.to_string()),
            after: Some(end.to_string()),
            ..by.event(EventKind::LicensesRenewed, context.now, message)
        });
        for (line, lot) in (0..).zip(lots) {
            workset.keep(LotTransaction {
                order_id: Some(order_id.to_owned()),
                before: lot.term.ends_at.map(|old| old.to_string()),
                after: Some(end.to_string()),
                ..line_of(lot, number, line, TransactionKind::Renewed, by, context.now)
            });
        }
    }
    let mut pools = FamiliesIn::default();
    for lot in lots {
        if let Some(row) = workset.lots.get_mut(&lot.id) {
            row.term.ends_at = Some(end);
        }
        if lot.has_ended(context.now) {
            // Its virtual account held it no longer.
            workset.count_lot(lot.virtual_account, true);
        }
        pools.add_lots(lot.virtual_account, &lot.tag, context.catalogue);
    }
    pools.reassess(by, workset, context);
    Ok(())
}
