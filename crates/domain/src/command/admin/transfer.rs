//! Transfers of licences between virtual accounts: lots are split, and parts that belong together are united.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use seatpool_proto::{LotId, Quantity, VirtualAccountId};

use super::{By, Context, Outcome, Refused, TRANSACTIONS_MAX, known, known_license, only};
use crate::command::{TransferLine, holders, words};
use crate::event::{Event, EventKind};
use crate::lot::{Lot, LotTransaction, TransactionKind};
use crate::pool::FamiliesIn;
use crate::workset::{Touches, Workset};

pub(super) fn touches(from: VirtualAccountId, lines: &[TransferLine]) -> Touches {
    let places = || lines.iter().map(|line| line.to).chain([from]).collect();
    Touches {
        virtual_accounts: places(),
        pools_in: places(),
        tags: lines.iter().map(|line| line.tag.clone()).collect(),
        lots: lines.iter().filter_map(|line| line.lot).collect(),
        export_holders: true,
        ..Touches::default()
    }
}

/// A part of a lot that goes to another virtual account.
struct Move {
    lot: LotId,
    quantity: Quantity,
    to: VirtualAccountId,
}

/// Moves all lines, or none.
pub(super) fn licenses(
    from: VirtualAccountId,
    lines: &[TransferLine],
    by: &By,
    workset: &mut Workset,
    context: &mut Context<'_>,
) -> Result<Outcome, Refused> {
    let source = known(workset, from)?.name.clone();
    let moves = plan(from, lines, workset, context)?;

    let texts: Vec<String> = lines
        .iter()
        .map(|line| {
            let (name, to) = (context.license_name(&line.tag), workset.name_of(line.to));
            format!("{} of {name} to {to}", line.quantity)
        })
        .collect();
    let target = only(lines.iter().map(|line| line.to)).map(|to| workset.name_of(to));
    let message = format!("Moved from {source}: {}.", words::list(&texts));
    let number = workset.record(Event {
        virtual_account: Some(from),
        tag: only(lines.iter().map(|line| &line.tag)).cloned(),
        before: Some(source.clone()),
        after: target,
        ..by.event(EventKind::LicensesTransferred, context.now, message)
    });
    record_arrivals(&source, lines, by, workset, context);

    let mut pools = FamiliesIn::default();
    for line in lines {
        pools.add_lots(from, &line.tag, context.catalogue);
        pools.add_lots(line.to, &line.tag, context.catalogue);
    }
    let mut history = number * 1000;
    for step in moves {
        let Some((lot, arrived)) = carry_out(&step, workset, context) else { continue };
        let held = workset.lots.get(&arrived).map_or(step.quantity, |lot| lot.quantity);
        let out = LotTransaction {
            number: history,
            at: context.now,
            lot: lot.id,
            virtual_account: from,
            tag: lot.tag,
            kind: TransactionKind::TransferredOut,
            quantity: step.quantity,
            counterpart: Some(step.to),
            order_id: None,
            by: by.actor.name().to_owned(),
            before: Some(lot.quantity.to_string()),
            after: Some(lot.quantity.minus(step.quantity).to_string()),
            note: None,
            asked: None,
        };
        let into = LotTransaction {
            number: history + 1,
            lot: arrived,
            virtual_account: step.to,
            kind: TransactionKind::TransferredIn,
            counterpart: Some(from),
            before: Some(held.minus(step.quantity).to_string()),
            after: Some(held.to_string()),
            ..out.clone()
        };
        workset.keep(out);
        workset.keep(into);
        history += 2;
    }
    pools.reassess(by, workset, context);
    Ok(Outcome::Done)
}

/// The same in the log of each virtual account that something goes to.
fn record_arrivals(
    source: &str,
    lines: &[TransferLine],
    by: &By,
    workset: &mut Workset,
    context: &Context<'_>,
) {
    let targets: BTreeSet<VirtualAccountId> = lines.iter().map(|line| line.to).collect();
    for to in targets {
        let arriving = || lines.iter().filter(|line| line.to == to);
        let texts: Vec<String> = arriving()
            .map(|line| format!("{} of {}", line.quantity, context.license_name(&line.tag)))
            .collect();
        let target = workset.name_of(to);
        let message = format!("Moved to {target}: {} from {source}.", words::list(&texts));
        workset.record(Event {
            virtual_account: Some(to),
            tag: only(arriving().map(|line| &line.tag)).cloned(),
            before: Some(source.to_owned()),
            after: Some(target),
            ..by.event(EventKind::LicensesTransferred, context.now, message)
        });
    }
}

/// Finds what to take for every line, or says what is missing.
fn plan(
    from: VirtualAccountId,
    lines: &[TransferLine],
    workset: &Workset,
    context: &Context<'_>,
) -> Result<Vec<Move>, Refused> {
    if lines.is_empty() {
        return Err(words::invalid("lines", "are missing: say what to move"));
    }
    let mut taken: BTreeMap<LotId, Quantity> = BTreeMap::new();
    let mut moves = Vec::new();
    for line in lines {
        known_license(context, &line.tag)?;
        let to = known(workset, line.to)?;
        if line.to == from {
            let problem = format!("is {}, where the licenses are already", to.name);
            return Err(words::invalid("target virtual account", problem));
        }
        if line.quantity.is_zero() {
            return Err(words::invalid("quantity", "is 0: move at least one"));
        }
        let candidates = candidates(from, line, workset, context.now)?;
        let lots: Vec<LotId> = candidates.iter().map(|lot| lot.id).collect();
        let mut wanted = line.quantity;
        let mut available = Quantity::ZERO;
        for lot in candidates {
            let taken = taken.entry(lot.id).or_default();
            let movable = lot.movable().minus(*taken);
            available = available.plus(movable);
            let quantity = movable.min(wanted);
            if !quantity.is_zero() {
                *taken = taken.plus(quantity);
                wanted = wanted.minus(quantity);
                moves.push(Move { lot: lot.id, quantity, to: line.to });
            }
        }
        if !wanted.is_zero() {
            return Err(Refused::TooFew {
                tag: line.tag.clone(),
                available,
                wanted: line.quantity,
                users: holders::words(lots, workset),
            });
        }
    }
    if moves.len() * 2 > TRANSACTIONS_MAX {
        let problem = format!("touch {} lots: move at most {} at once", moves.len(), TRANSACTIONS_MAX / 2);
        return Err(words::invalid("lines", problem));
    }
    Ok(moves)
}

/// The lot that the line names; or those that count now, perpetual first, then by their ends, latest first.
fn candidates<'w>(
    from: VirtualAccountId,
    line: &TransferLine,
    workset: &'w Workset,
    now: Timestamp,
) -> Result<Vec<&'w Lot>, Refused> {
    if let Some(id) = line.lot {
        let lot = workset.lots.get(&id).filter(|lot| {
            lot.virtual_account == from
                && lot.tag == line.tag
                && line.kind.is_none_or(|kind| kind == lot.kind)
                && lot.term.ends_at.is_none_or(|end| now < end)
        });
        return lot.map(|lot| vec![lot]).ok_or(Refused::Unknown { what: "lot" });
    }
    let mut lots: Vec<&Lot> = workset
        .lots
        .values()
        .filter(|lot| {
            lot.virtual_account == from
                && lot.tag == line.tag
                && line.kind.is_none_or(|kind| kind == lot.kind)
                && lot.term.contains(now)
        })
        .collect();
    lots.sort_by_key(|lot| (core::cmp::Reverse(lot.term.ends_at.unwrap_or(Timestamp::MAX)), lot.id));
    Ok(lots)
}

/// Takes the quantity out of the lot and puts it where it goes. Returns the lot as it was and the lot that it
/// is part of now.
fn carry_out(step: &Move, workset: &mut Workset, context: &mut Context<'_>) -> Option<(Lot, LotId)> {
    let lot = workset.lots.get(&step.lot)?.clone();
    let left = lot.quantity.checked_minus(step.quantity)?;
    if left.is_zero() {
        workset.lots.delete(&step.lot);
        workset.count_lot(lot.virtual_account, false);
    } else if let Some(row) = workset.lots.get_mut(&step.lot) {
        row.quantity = left;
    }
    let twin = workset
        .lots
        .values()
        .find(|other| other.virtual_account == step.to && other.belongs_with(&lot))
        .map(|other| other.id);
    let arrived = if let Some(twin) = twin {
        if let Some(row) = workset.lots.get_mut(&twin) {
            row.quantity = row.quantity.plus(step.quantity);
        }
        twin
    } else {
        let id = LotId(context.ids.uuid());
        let part = Lot {
            id,
            virtual_account: step.to,
            quantity: step.quantity,
            reserved: Quantity::ZERO,
            moved_out: Quantity::ZERO,
            origin: Some(lot.root()),
            created_at: context.now,
            ..lot.clone()
        };
        workset.lots.insert(id, part);
        workset.count_lot(step.to, true);
        id
    };
    Some((lot, arrived))
}
