//! Which lots give what is reserved, and keeping `reserved` of each of them true.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use seatpool_proto::code::{CodeDate, Entitlement};
use seatpool_proto::limits::QUANTITY_MAX;
use seatpool_proto::{LotId, Quantity, Tag, VirtualAccountId};

use super::super::known_license;
use super::{By, Context, Refused};
use crate::command::{ReserveLine, words as command_words};
use crate::lot::Lot;
use crate::pool::{self, FamiliesIn};
use crate::reservation::{Hold, Issued, Reservation, is_coverable};
use crate::workset::Workset;

/// Whether a reservation's latest code holds just what the lines say.
pub(super) fn says_the_same(reservation: &Reservation, lines: &[ReserveLine]) -> bool {
    let mut wanted: BTreeMap<&Tag, Quantity> = BTreeMap::new();
    for line in lines {
        let sum = wanted.entry(&line.tag).or_default();
        *sum = sum.plus(line.quantity);
    }
    let mut held: BTreeMap<&Tag, Quantity> = BTreeMap::new();
    for hold in &reservation.latest().holds {
        let sum = held.entry(&hold.tag).or_default();
        *sum = sum.plus(hold.quantity);
    }
    let of_lot = |id: LotId| -> Quantity {
        reservation.latest().holds.iter().filter(|hold| hold.lot == id).map(|hold| hold.quantity).sum()
    };
    wanted == held && lines.iter().all(|line| line.lot.is_none_or(|lot| of_lot(lot) >= line.quantity))
}

/// How it is said what was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::command) enum Carried {
    /// By an authorization code, which counts whole days.
    ByCode,
    /// To an instance in contact.
    InContact,
}

/// Finds what to take of which lots for every line, in their order. What the reservation holds already costs nothing
/// once more. Refuses what would leave anything that is in use uncovered.
pub(in crate::command) fn choose(
    virtual_account: VirtualAccountId,
    lines: &[ReserveLine],
    present: Option<&Reservation>,
    by: Carried,
    workset: &Workset,
    context: &Context<'_>,
) -> Result<Vec<Hold>, Refused> {
    let mut taken: BTreeMap<LotId, Quantity> = BTreeMap::new();
    let mut holds: Vec<Hold> = Vec::new();
    for line in lines {
        known_license(context, &line.tag)?;
        let restricted =
            context.catalogue.license(&line.tag).is_some_and(|license| license.export_restricted);
        if restricted && !workset.account.export_permitted {
            return Err(Refused::Reservation {
                code: "export_not_permitted",
                detail: format!(
                    "{} authorizes an export-restricted feature, and this smart account is not permitted those: leave it \
                     out, or ask the vendor",
                    context.license_name(&line.tag)
                ),
            });
        }
        if line.quantity.is_zero() {
            return Err(command_words::invalid(
                "quantity",
                "is 0: reserve at least one, or leave the license out",
            ));
        }
        if line.quantity > Quantity::of(QUANTITY_MAX) {
            let problem = format!("is {}: the most is {QUANTITY_MAX}", line.quantity);
            return Err(command_words::invalid("quantity", problem));
        }
        let mut wanted = line.quantity;
        let mut available = Quantity::ZERO;
        for lot in candidates(virtual_account, line, present, by, workset, context)? {
            let held = present.map_or(Quantity::ZERO, |present| present.holds(lot.id));
            let used = taken.entry(lot.id).or_default();
            let free = lot.movable().plus(held).minus(*used);
            available = available.plus(free);
            let quantity = free.min(wanted);
            if !quantity.is_zero() {
                *used = used.plus(quantity);
                wanted = wanted.minus(quantity);
                holds.push(Hold { lot: lot.id, tag: lot.tag.clone(), quantity });
            }
        }
        if !wanted.is_zero() {
            let ends_today = |lot: &Lot| {
                let is_of_line = lot.virtual_account == virtual_account && lot.tag == line.tag;
                is_of_line && lot.term.contains(context.now) && !is_coverable(lot.term.ends_at, context.now)
            };
            if by == Carried::ByCode && workset.lots.values().any(ends_today) {
                return Err(ends_today_refused(line, available, context));
            }
            return Err(Refused::TooFewFree { tag: line.tag.clone(), available, wanted: line.quantity });
        }
    }
    check_use(virtual_account, &taken, present, workset, context)?;
    Ok(holds)
}

fn ends_today_refused(line: &ReserveLine, available: Quantity, context: &Context<'_>) -> Refused {
    Refused::Reservation {
        code: "lot_ends_today",
        detail: format!(
            "{available} of {} can be reserved, and {} were asked for: what ends today is left out, as an authorization code \
             counts whole days (UTC) and would never cover it",
            context.license_name(&line.tag),
            line.quantity
        ),
    }
}

/// The lot that the line names; or those that count now: those held already first, then perpetual ones, then by their
/// ends, latest first.
fn candidates<'w>(
    virtual_account: VirtualAccountId,
    line: &ReserveLine,
    present: Option<&Reservation>,
    by: Carried,
    workset: &'w Workset,
    context: &Context<'_>,
) -> Result<Vec<&'w Lot>, Refused> {
    let now = context.now;
    let counts = |lot: &&Lot| {
        // What only the customer says that it owns leaves by no signed code.
        let is_owned = !lot.is_waiting();
        is_owned && lot.virtual_account == virtual_account && lot.tag == line.tag && lot.term.contains(now)
    };
    let lasts = |lot: &&Lot| by == Carried::InContact || is_coverable(lot.term.ends_at, now);
    if let Some(id) = line.lot {
        let lot = workset.lots.get(&id).filter(counts).ok_or(Refused::Unknown { what: "lot" })?;
        let lot = Some(lot).filter(lasts);
        return lot.map(|lot| vec![lot]).ok_or_else(|| ends_today_refused(line, Quantity::ZERO, context));
    }
    let fits = |lot: &&Lot| counts(lot) && lasts(lot);
    let mut lots: Vec<&Lot> = workset.lots.values().filter(fits).collect();
    lots.sort_by_key(|lot| {
        let held = present.is_some_and(|present| !present.holds(lot.id).is_zero());
        (!held, core::cmp::Reverse(lot.term.ends_at.unwrap_or(Timestamp::MAX)), lot.id)
    });
    Ok(lots)
}

/// Refuses what would make any licence shorter than it is: what instances use now is not taken from them.
fn check_use(
    virtual_account: VirtualAccountId,
    taken: &BTreeMap<LotId, Quantity>,
    present: Option<&Reservation>,
    workset: &Workset,
    context: &Context<'_>,
) -> Result<(), Refused> {
    let tags: BTreeSet<&Tag> =
        taken.keys().filter_map(|id| workset.lots.get(id)).map(|lot| &lot.tag).collect();
    let families: BTreeMap<_, _> = tags
        .iter()
        .filter_map(|tag| context.catalogue.family_of(tag))
        .map(|family| (&family.family, family))
        .collect();
    for family in families.values() {
        let lots: Vec<Lot> = workset
            .lots
            .values()
            .filter(|lot| lot.virtual_account == virtual_account && family.tier(&lot.tag).is_some())
            .cloned()
            .collect();
        let totals = || workset.totals.values().filter(|total| total.virtual_account == virtual_account);
        let now = pool::assess(family, &lots, totals(), context.now);
        let more = |lot: &Lot| {
            let held = present.map_or(Quantity::ZERO, |present| present.holds(lot.id));
            taken.get(&lot.id).copied().unwrap_or_default().minus(held)
        };
        let then: Vec<Lot> =
            lots.iter().map(|lot| Lot { reserved: lot.reserved.plus(more(lot)), ..lot.clone() }).collect();
        let after = pool::assess(family, &then, totals(), context.now);
        let went_short = now.iter().zip(&after).find(|(before, after)| after.short > before.short);
        if let Some((before, after)) = went_short {
            let reserved = |tier: &pool::TierView| -> Quantity {
                lots.iter().filter(|lot| lot.tag == tier.tag).map(&more).sum()
            };
            // The tier that was reserved, where a lower one would go short for it.
            let (tier, wanted) = match reserved(before) {
                own if !own.is_zero() => (before, own),
                _ => now
                    .iter()
                    .map(|tier| (tier, reserved(tier)))
                    .find(|(_, own)| !own.is_zero())
                    .unwrap_or((before, after.short)),
            };
            return Err(Refused::TooFewFree { tag: tier.tag.clone(), available: tier.available, wanted });
        }
    }
    Ok(())
}

/// Stores a reservation and what its lots hold of it, and looks at their pools again.
pub(super) fn put(reservation: Reservation, by: &By, workset: &mut Workset, context: &Context<'_>) {
    let before = workset.reservations.get(&reservation.instance).cloned();
    let touched: BTreeSet<LotId> =
        before.iter().flat_map(Reservation::lots).chain(reservation.lots()).collect();
    let mut pools = FamiliesIn::default();
    for id in touched {
        let was = before.as_ref().map_or(Quantity::ZERO, |before| before.holds(id));
        let is = reservation.holds(id);
        if was == is {
            continue;
        }
        if let Some(lot) = workset.lots.get_mut(&id) {
            lot.reserved = lot.reserved.minus(was).plus(is);
            let (place, tag) = (lot.virtual_account, lot.tag.clone());
            pools.add_lots(place, &tag, context.catalogue);
        }
    }
    workset.reservations.insert(reservation.instance, reservation);
    pools.reassess(by, workset, context);
}

/// What a code says of what was chosen: one line for each lot. A term's days are UTC; the last day of a lot counts for
/// the product no longer than for the pool.
pub(super) fn entitlements(holds: &[Hold], workset: &Workset, context: &Context<'_>) -> Vec<Entitlement> {
    let entitlement = |hold: &Hold| {
        let lot = workset.lots.get(&hold.lot);
        let license = context.catalogue.license(&hold.tag);
        Entitlement {
            tag: hold.tag.clone(),
            count: hold.quantity,
            start: lot.filter(|lot| lot.term.ends_at.is_some()).map(|lot| CodeDate::of(lot.term.starts_at)),
            end: lot.and_then(|lot| lot.term.ends_at).map(CodeDate::of),
            license_type: lot.map_or("", |lot| lot.kind.as_str()).to_owned(),
            display_name: context.license_name(&hold.tag).to_owned(),
            tag_description: license.map(|license| license.description.clone()).unwrap_or_default(),
            subscription_id: lot.and_then(|lot| lot.subscription_id.clone()).unwrap_or_default(),
        }
    };
    holds.iter().map(entitlement).collect()
}

/// What a code reserves, in words.
pub(super) fn words(code: &Issued, context: &Context<'_>) -> String {
    let mut sums: BTreeMap<&Tag, Quantity> = BTreeMap::new();
    for hold in &code.holds {
        let sum = sums.entry(&hold.tag).or_default();
        *sum = sum.plus(hold.quantity);
    }
    if sums.is_empty() {
        return "all licenses, without counting".to_owned();
    }
    let texts: Vec<String> =
        sums.iter().map(|(tag, quantity)| format!("{quantity} of {}", context.license_name(tag))).collect();
    command_words::list(&texts)
}
