//! Orders: deposits of lots, once per order, and later ends for lots.

use jiff::Timestamp;
use seatpool_proto::limits::QUANTITY_MAX;
use seatpool_proto::{LotId, LotKind, Quantity, VirtualAccountId};

use super::{By, Context, Outcome, Refused, TRANSACTIONS_MAX, known, known_license, only};
use crate::command::{OrderLine, words};
use crate::event::{Event, EventKind};
use crate::lot::{Lot, LotTransaction, TransactionKind};
use crate::pool::FamiliesIn;
use crate::workset::{Touches, Workset};

pub(super) fn touches(virtual_account: VirtualAccountId, order_id: &str, lines: &[OrderLine]) -> Touches {
    Touches {
        virtual_accounts: [virtual_account].into(),
        pools_in: [virtual_account].into(),
        tags: lines.iter().map(|line| line.tag.clone()).collect(),
        orders: [order_id.trim().to_owned()].into(),
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
    if let Some(earlier) = workset.deposited.get(&order_id).filter(|earlier| !earlier.is_empty()) {
        return repeated(virtual_account, order_id, &lines, earlier, workset);
    }
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
    let mut deposits = Vec::with_capacity(lines.len());
    for (line_number, line) in (0..).zip(lines) {
        let id = LotId(context.ids.uuid());
        if let Some(family) = context.catalogue.family_of(&line.tag) {
            pools.add(virtual_account, family);
        }
        deposits.push(LotTransaction {
            number: number * 1000 + line_number,
            at: context.now,
            lot: id,
            virtual_account,
            tag: line.tag.clone(),
            kind: TransactionKind::Ordered,
            quantity: line.quantity,
            counterpart: None,
            order_id: Some(order_id.clone()),
            by: by.actor.name().to_owned(),
        });
        let subscription = line.subscription_id.as_deref().map(str::trim).filter(|text| !text.is_empty());
        workset.lots.insert(
            id,
            Lot {
                id,
                virtual_account,
                tag: line.tag,
                quantity: line.quantity,
                reserved: Quantity::ZERO,
                moved_out: Quantity::ZERO,
                kind: line.kind,
                term: line.term,
                subscription_id: subscription.map(str::to_owned),
                order_id: order_id.clone(),
                origin: None,
                created_at: context.now,
            },
        );
        workset.count_lot(virtual_account, true);
        lots.push(id);
    }
    workset.transactions.extend(deposits.iter().cloned());
    workset.deposited.insert(order_id, deposits);
    pools.reassess(by, workset, context);
    Ok(Outcome::Lots(lots))
}

/// An order id that was used before: its lots if it says the same, line by line. The dates are left out of the
/// comparison, since an order without a start starts whenever it arrives.
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
                && workset.lots.get(&deposit.lot).is_none_or(|lot| lot.kind == line.kind)
        });
    if same {
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

/// Gives a lot a later end.
pub(super) fn renew(
    id: LotId,
    order_id: &str,
    ends_at: Timestamp,
    by: &By,
    workset: &mut Workset,
    context: &mut Context<'_>,
) -> Result<Outcome, Refused> {
    let order_id = words::name("order_id", order_id)?;
    let lot = workset.lots.get(&id).ok_or(Refused::Unknown { what: "lot" })?.clone();
    let Some(old_end) = lot.term.ends_at else {
        return Err(words::invalid("lot", "is perpetual: it has no end that could be later"));
    };
    if ends_at == old_end {
        return Ok(Outcome::Done);
    }
    if ends_at < old_end || ends_at <= context.now {
        let problem =
            format!("is {ends_at}: give an instant after the present end, {old_end}, and after now");
        return Err(words::invalid("ends_at", problem));
    }
    let place = &known(workset, lot.virtual_account)?.name;
    let message = format!(
        "The order {order_id} renewed {} of {} in {place}: they end on {ends_at} instead of {old_end}.",
        lot.quantity,
        context.license_name(&lot.tag)
    );
    let number = workset.record(Event {
        virtual_account: Some(lot.virtual_account),
        tag: Some(lot.tag.clone()),
        before: Some(old_end.to_string()),
        after: Some(ends_at.to_string()),
        ..by.event(EventKind::LicensesRenewed, context.now, message)
    });
    workset.transactions.push(LotTransaction {
        number: number * 1000,
        at: context.now,
        lot: id,
        virtual_account: lot.virtual_account,
        tag: lot.tag.clone(),
        kind: TransactionKind::Renewed,
        quantity: lot.quantity,
        counterpart: None,
        order_id: Some(order_id),
        by: by.actor.name().to_owned(),
    });
    if let Some(row) = workset.lots.get_mut(&id) {
        row.term.ends_at = Some(ends_at);
    }
    if old_end <= context.now {
        // It had ended, so the virtual account held it no longer.
        workset.count_lot(lot.virtual_account, true);
    }
    let mut pools = FamiliesIn::default();
    if let Some(family) = context.catalogue.family_of(&lot.tag) {
        pools.add(lot.virtual_account, family);
    }
    pools.reassess(by, workset, context);
    Ok(Outcome::Done)
}
