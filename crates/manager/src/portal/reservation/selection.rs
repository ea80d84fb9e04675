//! Which licences a reservation is to hold, and how many: a field for each lot, or for each licence where there are too
//! many lots for one page.

use std::collections::BTreeMap;

use jiff::Timestamp;
use seatpool_domain::Refused;
use seatpool_proto::{LotId, Quantity, Tag};

use crate::app::inventory::{LotStatus, LotView};
use crate::app::reservations::{CodeView, Offer, Reserve};
use crate::portal::form::Field;
use crate::portal::guard::Posted;
use crate::portal::part::{Count, When};
use crate::portal::sign_in::capitalised;

/// So many lots have a field each at most; where there are more, each licence has one.
const LOT_FIELDS_MAX: usize = 60;

/// One field.
pub(super) struct Row {
    /// Its id and name.
    pub(super) id: String,
    pub(super) name: String,
    pub(super) tag: Tag,
    lot: Option<LotId>,
    /// Where the licences come from, if a licence has more rows than one.
    pub(super) source: String,
    pub(super) expires: Option<When>,
    pub(super) purchased: Count,
    /// How many can be reserved, with those that the reservation holds already.
    pub(super) available: Count,
    pub(super) substitutes: bool,
    pub(super) reserve: Field,
}

/// The rows of what is offered; with what a code holds, if there is one, in their fields.
pub(super) fn rows(offers: &[Offer], held: Option<&CodeView>, now: Timestamp) -> Vec<Row> {
    let lots = offers.iter().map(|offer| active(offer).count()).sum::<usize>();
    let mut rows = Vec::new();
    for offer in offers {
        if lots <= LOT_FIELDS_MAX {
            rows.extend(active(offer).map(|lot| row_of_lot(offer, lot, held, now)));
        } else {
            rows.push(row_of_license(offer, held, now));
        }
    }
    rows
}

fn active(offer: &Offer) -> impl Iterator<Item = &LotView> {
    offer.license.lots.iter().filter(|lot| lot.status == LotStatus::Active)
}

fn row_of_lot(offer: &Offer, lot: &LotView, held: Option<&CodeView>, now: Timestamp) -> Row {
    let already: Quantity = held
        .into_iter()
        .flat_map(|code| &code.licenses)
        .filter(|held| held.lot == lot.id)
        .map(|held| held.quantity)
        .sum();
    let free = lot.quantity.minus(lot.reserved).minus(lot.moved_out).min(offer.available);
    Row {
        id: format!("lot-{}", lot.id),
        lot: Some(lot.id),
        source: format!("Order {}", lot.order_id),
        expires: lot.ends_at.map(|at| When::day(at, now)),
        purchased: Count(lot.quantity.count()),
        ..row(offer, free, already)
    }
}

fn row_of_license(offer: &Offer, held: Option<&CodeView>, now: Timestamp) -> Row {
    let tag = &offer.license.tag;
    let already = held.map_or(Quantity::ZERO, |code| code.quantity_of(tag));
    Row {
        id: format!("license-{tag}"),
        lot: None,
        source: format!("{} lots, those that last longest first", active(offer).count()),
        expires: offer.license.next_expiry.map(|at| When::day(at, now)),
        purchased: Count(offer.license.purchased.count()),
        ..row(offer, offer.available, already)
    }
}

fn row(offer: &Offer, free: Quantity, already: Quantity) -> Row {
    let typed = if already.is_zero() { String::new() } else { already.to_string() };
    Row {
        id: String::new(),
        name: offer.license.name.clone(),
        tag: offer.license.tag.clone(),
        lot: None,
        source: String::new(),
        expires: None,
        purchased: Count(0),
        available: Count(free.plus(already).count()),
        substitutes: offer.supports_substitution,
        reserve: Field::of(typed),
    }
}

/// Takes over what was typed, and says what is wrong beside it; what was chosen, if all can be read.
pub(super) fn read(rows: &mut [Row], form: &Posted) -> Option<Vec<Reserve>> {
    let mut lines = Vec::new();
    for row in rows.iter_mut() {
        row.reserve = Field::of(form.text(&row.id));
        match row.reserve.value.parse::<u64>() {
            _ if row.reserve.value.is_empty() => {}
            Ok(0) => {}
            Ok(count) if count <= row.available.0 => lines.push(Reserve {
                license: row.tag.to_string(),
                lot: row.lot,
                quantity: Quantity::of(count),
            }),
            Ok(_) => row.reserve.refuse(format!("Only {} can be reserved", row.available)),
            Err(_) => row.reserve.refuse("Type a whole number"),
        }
    }
    let is_wrong = rows.iter().any(|row| row.reserve.problem.is_some());
    if lines.is_empty()
        && !is_wrong
        && let Some(first) = rows.first_mut()
    {
        first.reserve.refuse("Say how many of at least one license");
    }
    (!lines.is_empty() && !is_wrong).then_some(lines)
}

/// Takes over what was typed in a later step before this one was begun again, if it was.
pub(super) fn take_over(rows: &mut [Row], form: &Posted) {
    for row in rows {
        row.reserve = Field::of(form.text(&row.id));
    }
}

/// Whether a code holds just what was chosen: of the same lots, or, where licences were chosen, as many of each.
pub(super) fn is_held(lines: &[Reserve], code: &CodeView) -> bool {
    let mut held: BTreeMap<(&str, Option<LotId>), Quantity> = BTreeMap::new();
    let by_lot = lines.iter().any(|line| line.lot.is_some());
    for license in &code.licenses {
        let sum = held.entry((license.tag.as_str(), by_lot.then_some(license.lot))).or_default();
        *sum = sum.plus(license.quantity);
    }
    let mut chosen: BTreeMap<(&str, Option<LotId>), Quantity> = BTreeMap::new();
    for line in lines {
        let sum = chosen.entry((line.license.as_str(), line.lot)).or_default();
        *sum = sum.plus(line.quantity);
    }
    held == chosen
}

/// Says beside the field that it concerns why a choice was refused; whether there is one.
pub(super) fn refuse(rows: &mut [Row], refused: &Refused) -> bool {
    let Refused::TooFewFree { tag, .. } = refused else { return false };
    let mut of_license = rows.iter_mut().filter(|row| row.tag == *tag);
    let found = of_license.find(|row| !row.reserve.value.is_empty());
    if let Some(row) = found {
        row.reserve.refuse(capitalised(&refused.to_string()));
        return true;
    }
    false
}

/// What was chosen, as one text: what is carried out is what was shown.
pub(super) fn key(lines: &[Reserve]) -> String {
    let texts: Vec<_> = lines
        .iter()
        .map(|line| match line.lot {
            Some(lot) => format!("{lot}={}", line.quantity),
            None => format!("{}={}", line.license, line.quantity),
        })
        .collect();
    texts.join(";")
}

/// The fields that are not empty, to be carried through a step.
pub(super) fn carried(rows: &[Row]) -> impl Iterator<Item = (String, String)> {
    let filled = rows.iter().filter(|row| !row.reserve.value.is_empty());
    filled.map(|row| (row.id.clone(), row.reserve.value.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::reservations::HeldView;

    #[test]
    fn what_is_held_is_known_by_lots_and_by_licenses() {
        let lot = |number: u128| LotId(uuid::Uuid::from_u128(number));
        let held = |tag: &str, number, quantity| HeldView {
            tag: tag.parse().unwrap(),
            name: tag.to_owned(),
            lot: lot(number),
            quantity: Quantity::of(quantity),
            kind: "PERPETUAL".to_owned(),
            until: None,
        };
        let code = CodeView {
            sequence: 1,
            made_at: Timestamp::UNIX_EPOCH,
            made_by: "anna".to_owned(),
            licenses: vec![held("A", 1, 2), held("A", 2, 3), held("B", 3, 1)],
        };
        let check = |lines: &[(&str, Option<u128>, u64)], expected: bool| {
            let lines: Vec<Reserve> = lines
                .iter()
                .map(|&(tag, number, quantity)| Reserve {
                    license: tag.to_owned(),
                    lot: number.map(lot),
                    quantity: Quantity::of(quantity),
                })
                .collect();
            assert_eq!(is_held(&lines, &code), expected, "{lines:?}");
        };
        check(&[("A", Some(1), 2), ("A", Some(2), 3), ("B", Some(3), 1)], true);
        check(&[("A", Some(1), 3), ("A", Some(2), 2), ("B", Some(3), 1)], false);
        check(&[("A", Some(1), 2), ("A", Some(2), 3)], false);
        check(&[("A", None, 5), ("B", None, 1)], true);
        check(&[("A", None, 5)], false);
        check(&[("A", None, 5), ("B", None, 2)], false);
    }
}
