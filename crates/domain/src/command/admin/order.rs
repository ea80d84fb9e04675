//! Orders: deposits of lots, once per order.

use std::collections::BTreeMap;

use jiff::Timestamp;
use seatpool_proto::limits::QUANTITY_MAX;
use seatpool_proto::{LotId, LotKind, Quantity, VirtualAccountId};

use super::declaration::DECLARED;
use super::{
    By, Chosen, Context, Outcome, Refused, TRANSACTIONS_MAX, known, known_license, line_of, lots_of, only,
    renewal,
};
use crate::command::{CoTermination, OrderLine, Until, words};
use crate::event::{Event, EventKind};
use crate::lot::{Asked, Lot, LotTransaction, TransactionKind};
use crate::pool::FamiliesIn;
use crate::workset::{Touches, Workset};

pub(super) fn touches(virtual_account: VirtualAccountId, order_id: &str, lines: &[OrderLine]) -> Touches {
    Touches {
        virtual_accounts: [virtual_account].into(),
        pools_in: [virtual_account].into(),
        tags: lines.iter().map(|line| line.tag.clone()).collect(),
        orders: [order_id.trim().to_owned()].into(),
        lots_of_orders: [order_id.trim().to_owned()].into(),
        lots_of_subscriptions: lines
            .iter()
            .filter(|line| line.co_termination != CoTermination::Own)
            .filter_map(|line| subscription(line).map(str::to_owned))
            .collect(),
        ..Touches::default()
    }
}

/// Deposits what an order bought. The same order again gives the lots that it gave before.
pub(super) fn deposit(
    virtual_account: VirtualAccountId,
    order_id: &str,
    lines: Vec<OrderLine>,
    by: &By,
    workset: &mut Workset,
    context: &mut Context<'_>,
) -> Result<Outcome, Refused> {
    let place = known(workset, virtual_account)?.name.clone();
    let order_id = words::name("order_id", order_id)?;
    if lines.is_empty() || lines.len() > TRANSACTIONS_MAX {
        let problem = format!("are {}: an order has 1 to {TRANSACTIONS_MAX}", lines.len());
        return Err(words::invalid("lines", problem));
    }
    for line in &lines {
        known_license(context, &line.tag)?;
        words::name_if_any("subscription_id", line.subscription_id.as_deref())?;
    }
    if order_id.starts_with(DECLARED) {
        let problem = format!("begins with {DECLARED}, which marks what customers declared: choose another");
        return Err(words::invalid("order_id", problem));
    }
    let deposits = |earlier: &Vec<LotTransaction>| {
        earlier.iter().filter(|row| row.kind == TransactionKind::Ordered).cloned().collect::<Vec<_>>()
    };
    let earlier = workset.of_orders.get(&order_id).map(deposits).unwrap_or_default();
    if !earlier.is_empty() {
        return repeated(virtual_account, order_id, &lines, &earlier, workset);
    }
    let mut lines = lines;
    let common_ends = co_terminate(&mut lines, workset, context.now)?;
    for line in &lines {
        check(line, context.now)?;
    }

    let texts: Vec<String> = lines
        .iter()
        .map(|line| format!("{} of {}", line.quantity, context.license_name(&line.tag)))
        .collect();
    let message = format!("The order {order_id} deposited {} into {place}.", words::list(&texts));
    let number = workset.record(Event {
        virtual_account: Some(virtual_account),
        tag: only(lines.iter().map(|line| &line.tag)).cloned(),
        after: Some(order_id.clone()),
        ..by.event(EventKind::LicensesOrdered, context.now, message)
    });
    let mut pools = FamiliesIn::default();
    let mut lots = Vec::with_capacity(lines.len());
    for (line_number, line) in (0..).zip(lines) {
        let id = LotId(context.ids.uuid());
        pools.add_lots(virtual_account, &line.tag, context.catalogue);
        let asked = asked(&line);
        let subscription_id = subscription(&line).map(str::to_owned);
        let lot = Lot {
            id,
            virtual_account,
            tag: line.tag,
            quantity: line.quantity,
            reserved: Quantity::ZERO,
            moved_out: Quantity::ZERO,
            kind: line.kind,
            term: line.term,
            subscription_id,
            order_id: order_id.clone(),
            origin: None,
            created_at: context.now,
            declaration: None,
        };
        workset.keep(LotTransaction {
            after: Some(lot.quantity.to_string()),
            asked: Some(asked),
            ..line_of(&lot, number, line_number, TransactionKind::Ordered, by, context.now)
        });
        workset.lots.insert(id, lot);
        workset.count_lot(virtual_account, true);
        lots.push(id);
    }
    for (subscription, end) in common_ends {
        let extended: Vec<Lot> = lots_of(&Chosen::Subscription(subscription), workset)
            .into_iter()
            .filter(|lot| !lot.has_ended(context.now) && lot.term.ends_at.is_some_and(|old| old < end))
            .collect();
        if !extended.is_empty() {
            renewal::extend(&extended, &order_id, end, Until::Date(end), by, workset, context)?;
        }
    }
    pools.reassess(by, workset, context);
    Ok(Outcome::Lots(lots))
}

fn subscription(line: &OrderLine) -> Option<&str> {
    line.subscription_id.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

/// Gives the lines the ends that their subscriptions ask for. Returns the one end of every subscription all of whose
/// lots are brought to it.
fn co_terminate(
    lines: &mut [OrderLine],
    workset: &Workset,
    now: Timestamp,
) -> Result<BTreeMap<String, Timestamp>, Refused> {
    let present_end = |name: &str| {
        let lots = lots_of(&Chosen::Subscription(name.to_owned()), workset);
        lots.iter().filter(|lot| !lot.has_ended(now)).filter_map(|lot| lot.term.ends_at).max()
    };
    let mut common: BTreeMap<String, Timestamp> = BTreeMap::new();
    for line in lines.iter().filter(|line| line.co_termination == CoTermination::AllToLater) {
        let name = named(line)?;
        let end = line.term.ends_at.max(present_end(name)).max(common.get(name).copied());
        common.extend(end.map(|end| (name.to_owned(), end)));
    }
    for line in lines {
        line.term.ends_at = match line.co_termination {
            CoTermination::Own => continue,
            CoTermination::AllToLater if line.term.ends_at.is_none() => continue,
            CoTermination::AllToLater => common.get(named(line)?).copied(),
            CoTermination::WithSubscription if line.term.ends_at.is_some() => {
                return Err(words::invalid(
                    "ends_at",
                    "is given, and the subscription has one: give one of them",
                ));
            }
            CoTermination::WithSubscription => {
                let name = named(line)?;
                let end = present_end(name).max(common.get(name).copied());
                Some(end.ok_or_else(|| {
                    let problem = format!("{name:?} has no lots that will end: give the line its own end");
                    words::invalid("subscription_id", problem)
                })?)
            }
        };
    }
    Ok(common)
}

fn named(line: &OrderLine) -> Result<&str, Refused> {
    subscription(line).ok_or_else(|| {
        words::invalid("subscription_id", "is missing: say with which subscription the line ends")
    })
}

/// What a line asks for, beside licence and quantity.
fn asked(line: &OrderLine) -> Asked {
    Asked {
        dates: line.dates,
        kind: Some(line.kind),
        subscription_id: subscription(line).map(str::to_owned),
        co_termination: line.co_termination,
        root: None,
    }
}

/// An order id that was used before: the lots that it deposited if it asks for the same, line by line. Dates are
/// compared as orders name them, since one without a start starts whenever it arrives.
fn repeated(
    virtual_account: VirtualAccountId,
    order_id: String,
    lines: &[OrderLine],
    earlier: &[LotTransaction],
    workset: &Workset,
) -> Result<Outcome, Refused> {
    let mut deposits: Vec<&LotTransaction> =
        earlier.iter().filter(|deposit| deposit.kind == TransactionKind::Ordered).collect();
    deposits.sort_by_key(|deposit| deposit.number);
    let same = deposits.len() == lines.len()
        && deposits.iter().zip(lines).all(|(deposit, line)| {
            deposit.virtual_account == virtual_account
                && deposit.tag == line.tag
                && deposit.quantity == line.quantity
                && match &deposit.asked {
                    Some(before) => *before == asked(line),
                    None => workset.lots.get(&deposit.lot).is_none_or(|lot| {
                        lot.kind == line.kind && lot.subscription_id.as_deref() == subscription(line)
                    }),
                }
        });
    let is_gone = || {
        let cancelled = |row: &LotTransaction| row.kind == TransactionKind::Cancelled;
        workset.of_orders.get(&order_id).is_some_and(|rows| rows.iter().any(cancelled))
            && lots_of(&Chosen::Order(order_id.clone()), workset).is_empty()
    };
    if is_gone() {
        Err(Refused::OrderCancelled { order_id })
    } else if same {
        Ok(Outcome::Lots(deposits.iter().map(|deposit| deposit.lot).collect()))
    } else {
        Err(Refused::OrderDiffers { order_id })
    }
}

fn check(line: &OrderLine, now: Timestamp) -> Result<(), Refused> {
    if line.quantity.is_zero() {
        return Err(words::invalid("quantity", "is 0: order at least one"));
    }
    if line.quantity > Quantity::of(QUANTITY_MAX) {
        return Err(words::invalid("quantity", format!("is {}: the most is {QUANTITY_MAX}", line.quantity)));
    }
    match (line.kind, line.term.ends_at) {
        (LotKind::Perpetual, Some(_)) => {
            Err(words::invalid("ends_at", "is given, and a perpetual license has no end: leave it out"))
        }
        (LotKind::Perpetual, None) => Ok(()),
        (LotKind::Term | LotKind::Demo, None) => {
            Err(words::invalid("ends_at", "is missing: a term has an end"))
        }
        (LotKind::Term | LotKind::Demo, Some(end)) if end <= line.term.starts_at => {
            Err(words::invalid("ends_at", format!("is {end}, not after the start, {}", line.term.starts_at)))
        }
        (LotKind::Term | LotKind::Demo, Some(end)) if end <= now => {
            Err(words::invalid("ends_at", format!("is {end}, which is over")))
        }
        (LotKind::Term | LotKind::Demo, Some(_)) => Ok(()),
    }
}
