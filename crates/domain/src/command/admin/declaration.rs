//! Self-declared lots: the customer says what it owns, the vendor confirms or rejects it.

use seatpool_proto::limits::QUANTITY_MAX;
use seatpool_proto::{LotId, LotKind, Quantity, Tag, Term, VirtualAccountId};

use super::{By, Chosen, Context, Outcome, Refused, by_place, known, known_license, line_of, lots_of};
use crate::command::{Verdict, words};
use crate::event::{Event, EventKind};
use crate::lot::{Declaration, DeclarationState, Lot, LotTransaction, TransactionKind};
use crate::pool::FamiliesIn;
use crate::workset::{Touches, Workset};

/// How the order ids of declared lots begin; no order of the vendor's may.
pub(super) const DECLARED: &str = "SELF-DECLARED-";

pub(super) fn touches(virtual_account: VirtualAccountId, tag: &Tag) -> Touches {
    Touches {
        virtual_accounts: [virtual_account].into(),
        pools_in: [virtual_account].into(),
        tags: [tag.clone()].into(),
        ..Touches::default()
    }
}

/// Makes a perpetual lot that counts from now on.
pub(super) fn declare(
    virtual_account: VirtualAccountId,
    tag: Tag,
    quantity: Quantity,
    note: &str,
    by: &By,
    workset: &mut Workset,
    context: &mut Context<'_>,
) -> Result<Outcome, Refused> {
    let place = known(workset, virtual_account)?.name.clone();
    known_license(context, &tag)?;
    if quantity.is_zero() {
        return Err(words::invalid("quantity", "is 0: declare at least one"));
    }
    if quantity > Quantity::of(QUANTITY_MAX) {
        return Err(words::invalid("quantity", format!("is {quantity}: the most is {QUANTITY_MAX}")));
    }
    let note = words::lines("note", note)?;
    if note.is_empty() {
        let problem =
            "is empty: say why you own them, as in the old contract's number, for the vendor to check";
        return Err(words::invalid("note", problem));
    }
    let name = context.license_name(&tag).to_owned();
    let message = format!(
        "{quantity} of {name} in {place} were declared as owned: they count, and wait for the vendor to confirm them. \
         {note}"
    );
    let number = workset.record(Event {
        virtual_account: Some(virtual_account),
        tag: Some(tag.clone()),
        after: Some(DeclarationState::Declared.words().to_owned()),
        ..by.event(EventKind::LicensesDeclared, context.now, message)
    });
    let id = LotId(context.ids.uuid());
    let lot = Lot {
        id,
        virtual_account,
        tag: tag.clone(),
        quantity,
        reserved: Quantity::ZERO,
        moved_out: Quantity::ZERO,
        kind: LotKind::Perpetual,
        term: Term { starts_at: context.now, ends_at: None },
        subscription_id: None,
        order_id: format!("{DECLARED}{number}"),
        origin: None,
        created_at: context.now,
        declaration: Some(Declaration {
            state: DeclarationState::Declared,
            note: note.clone(),
            by: by.actor.name().to_owned(),
            decided_by: None,
            decided_at: None,
            reason: None,
        }),
    };
    workset.keep(LotTransaction {
        after: Some(quantity.to_string()),
        note: Some(note),
        ..line_of(&lot, number, 0, TransactionKind::Declared, by, context.now)
    });
    workset.lots.insert(id, lot);
    workset.count_lot(virtual_account, true);
    let mut pools = FamiliesIn::default();
    pools.add_lots(virtual_account, &tag, context.catalogue);
    pools.reassess(by, workset, context);
    Ok(Outcome::Lots(vec![id]))
}

/// Confirms or rejects a declaration: all its lots, wherever they were moved. Rejected lots end now; the same verdict
/// again changes nothing.
pub(super) fn decide(
    declaration: &str,
    verdict: Verdict,
    reason: &str,
    by: &By,
    workset: &mut Workset,
    context: &mut Context<'_>,
) -> Result<Outcome, Refused> {
    let declaration = declaration.trim();
    let reason = words::lines("reason", reason)?;
    let lots = lots_of(&Chosen::Order(declaration.to_owned()), workset);
    let lots: Vec<Lot> = lots.into_iter().filter(|lot| lot.declaration.is_some()).collect();
    let Some((first, stated)) = lots.first().and_then(|lot| Some((lot, lot.declaration.clone()?))) else {
        return Err(Refused::Unknown { what: "declaration" });
    };
    let (state, kind, event) = match verdict {
        Verdict::Confirm => {
            (DeclarationState::Confirmed, TransactionKind::Confirmed, EventKind::LicensesConfirmed)
        }
        Verdict::Reject => {
            (DeclarationState::Rejected, TransactionKind::Rejected, EventKind::LicensesRejected)
        }
    };
    if stated.state == state {
        return Ok(Outcome::Done);
    }
    if stated.state != DeclarationState::Declared {
        let declaration = declaration.to_owned();
        return Err(Refused::Decided { declaration, state: stated.state.words() });
    }
    if verdict == Verdict::Reject {
        if reason.is_empty() {
            return Err(words::invalid("reason", "is empty: the customer is told why"));
        }
        if let Some(lot) = lots.iter().find(|lot| !lot.promised().is_zero()) {
            return Err(Refused::Held {
                lot: lot.id,
                tag: lot.tag.clone(),
                wanted: lot.quantity,
                quantity: lot.quantity,
                reserved: lot.reserved,
                moved_out: lot.moved_out,
                // No feature is authorized by what is only declared.
                users: String::new(),
            });
        }
    }
    let name = context.license_name(&first.tag);
    let end = if verdict == Verdict::Reject { " They count no longer." } else { "" };
    let why = if reason.is_empty() { String::new() } else { format!(" Reason: {reason}") };
    for lots in by_place(&lots).into_values() {
        let quantity: Quantity = lots.iter().map(|lot| lot.quantity).sum();
        let message =
            format!("{quantity} of {name}, declared by {}, were {}.{end}{why}", stated.by, state.words());
        let number = workset.record(Event {
            virtual_account: lots.first().map(|lot| lot.virtual_account),
            tag: Some(first.tag.clone()),
            before: Some(DeclarationState::Declared.words().to_owned()),
            after: Some(state.words().to_owned()),
            ..by.event(event, context.now, message)
        });
        for (line, lot) in (0..).zip(lots) {
            workset.keep(LotTransaction {
                before: Some(DeclarationState::Declared.words().to_owned()),
                after: Some(state.words().to_owned()),
                note: Some(reason.clone()).filter(|reason| !reason.is_empty()),
                ..line_of(lot, number, line, kind, by, context.now)
            });
        }
    }
    let mut pools = FamiliesIn::default();
    for lot in &lots {
        if let Some(row) = workset.lots.get_mut(&lot.id) {
            row.declaration = Some(Declaration {
                state,
                decided_by: Some(by.actor.name().to_owned()),
                decided_at: Some(context.now),
                reason: Some(reason.clone()).filter(|reason| !reason.is_empty()),
                ..stated.clone()
            });
            if verdict == Verdict::Reject {
                row.term.ends_at = Some(context.now);
            }
        }
        if verdict == Verdict::Reject {
            workset.count_lot(lot.virtual_account, false);
        }
        pools.add_lots(lot.virtual_account, &lot.tag, context.catalogue);
    }
    pools.reassess(by, workset, context);
    Ok(Outcome::Done)
}
