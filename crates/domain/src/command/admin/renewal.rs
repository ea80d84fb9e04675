//! Later ends for lots: one, or a subscription as a whole.

use jiff::Timestamp;

use super::{
    By, Chosen, Context, Outcome, Refused, TRANSACTIONS_MAX, by_place, chosen, line_of, lots_of, only,
    word_of,
};
use crate::command::{Until, words};
use crate::dates::after_years;
use crate::event::{Event, EventKind};
use crate::lot::{Asked, Lot, LotTransaction, NamedDates, TransactionKind};
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
    let earlier: Vec<LotTransaction> = renewals(&order_id, workset).cloned().collect();
    if earlier.iter().any(|row| ending.iter().any(|lot| has_renewed(row, lot))) {
        return repeated(order_id, ending, until, &earlier, by, workset, context);
    }
    let end = match until {
        Until::Date(end) => end,
        Until::Years(years) => {
            after_years(last, years).map_err(|why| words::invalid("term_years", why.to_string()))?
        }
    };
    if end < last || end <= context.now {
        let problem = format!("is {end}: give an instant after the present end, {last}, and after now");
        return Err(words::invalid("ends_at", problem));
    }
    ending.retain(|lot| lot.term.ends_at != Some(end));
    if !ending.is_empty() {
        extend(&ending, &order_id, end, until, by, workset, context)?;
    }
    Ok(Outcome::Done)
}

/// What an order renewed, in order.
fn renewals<'w>(order_id: &str, workset: &'w Workset) -> impl Iterator<Item = &'w LotTransaction> {
    let rows = workset.of_orders.get(order_id).into_iter().flatten();
    rows.filter(|row| row.kind == TransactionKind::Renewed)
}

/// Whether this renewal gave this lot its end, also where the lot was moved since and has another id.
fn has_renewed(row: &LotTransaction, lot: &Lot) -> bool {
    let reaches = || {
        let until = row.after.as_deref().and_then(|end| end.parse::<Timestamp>().ok());
        until.is_some_and(|until| lot.term.ends_at.is_some_and(|end| end >= until))
    };
    row.lot == lot.id || (row.asked.as_ref().is_some_and(|asked| asked.root == Some(lot.root())) && reaches())
}

/// A renewal whose order renewed some of these lots before: what is left of it if it asks for the same, with the end
/// that the others have; else it is refused.
fn repeated(
    order_id: String,
    mut ending: Vec<Lot>,
    until: Until,
    earlier: &[LotTransaction],
    by: &By,
    workset: &mut Workset,
    context: &mut Context<'_>,
) -> Result<Outcome, Refused> {
    let concerned: Vec<&LotTransaction> =
        earlier.iter().filter(|row| ending.iter().any(|lot| has_renewed(row, lot))).collect();
    let ends = || concerned.iter().filter_map(|row| row.after.as_deref()?.parse::<Timestamp>().ok());
    let asks_the_same = |row: &LotTransaction| match (&row.asked, until) {
        (Some(asked), _) => asked.dates == dates(until),
        (None, Until::Date(end)) => row.after.as_deref() == Some(end.to_string().as_str()),
        (None, Until::Years(_)) => true,
    };
    if !concerned.iter().all(|row| asks_the_same(row)) {
        return Err(Refused::OrderDiffers { order_id });
    }
    if let Some(end) = ends().max() {
        ending.retain(|lot| {
            !concerned.iter().any(|row| has_renewed(row, lot))
                && lot.term.ends_at.is_some_and(|old| old < end)
        });
        if !ending.is_empty() {
            extend(&ending, &order_id, end, until, by, workset, context)?;
        }
    }
    Ok(Outcome::Done)
}

/// What a renewal asks for.
fn dates(until: Until) -> NamedDates {
    match until {
        Until::Date(end) => NamedDates { ends_at: Some(end), ..NamedDates::default() },
        Until::Years(years) => NamedDates { term_years: Some(years), ..NamedDates::default() },
    }
}

/// Gives these lots this end, later than theirs; `until` is what was asked for.
pub(super) fn extend(
    lots: &[Lot],
    order_id: &str,
    end: Timestamp,
    until: Until,
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
                asked: Some(Asked { dates: dates(until), root: Some(lot.root()), ..Asked::default() }),
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
