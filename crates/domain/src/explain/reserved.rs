//! A product instance that holds its licences by a code, explained.

use std::collections::BTreeMap;

use jiff::Timestamp;
use seatpool_proto::Quantity;
use seatpool_proto::code::ReservationKind;

use super::{Coming, Event, Explanation, InstanceFacts, License, Mend, Reason, Status};
use crate::reservation::Reservation;

/// Explains an instance with its open reservation.
pub(super) fn reserved(facts: &InstanceFacts<'_>, row: &Reservation) -> Explanation {
    let code = row.latest();
    let mut by_end: BTreeMap<Option<Timestamp>, Vec<(License, Quantity)>> = BTreeMap::new();
    for line in &code.entitlements {
        let end = line.end.map(seatpool_proto::code::CodeDate::begins_at);
        let license = License::new(line.tag.clone(), line.display_name.clone());
        by_end.entry(end).or_default().push((license, line.count));
    }
    let has_ended = |end: &Option<Timestamp>| end.is_some_and(|end| end <= facts.now);
    let mut holds: Vec<(License, Quantity)> = Vec::new();
    for (license, quantity) in by_end.iter().filter(|(end, _)| !has_ended(end)).flat_map(|(_, lines)| lines) {
        match holds.iter_mut().find(|(known, _)| known == license) {
            Some((_, sum)) => *sum = sum.plus(*quantity),
            None => holds.push((license.clone(), *quantity)),
        }
    }
    let mut why = vec![match row.kind {
        ReservationKind::Universal => Reason::ReservesAll { at: code.at },
        ReservationKind::Specific => Reason::Reserves { holds, at: code.at },
    }];
    let (mut next, mut what_to_do) = (Vec::new(), Vec::new());
    if let Some(change) = &row.transit {
        why.push(Reason::ChangeUnconfirmed { at: change.at });
        what_to_do.push(Mend::EnterConfirmation);
    }
    if let Some(asked) = &row.rehost {
        why.push(Reason::RehostAsked {
            at: asked.at,
            by: asked.by.clone(),
            for_reason: asked.reason.clone(),
        });
        what_to_do.push(Mend::DecideRehost);
    }
    for (end, lines) in by_end {
        let Some(at) = end else { continue };
        for (license, quantity) in lines {
            if at <= facts.now {
                why.push(Reason::ReservedEnded { license, quantity, at });
            } else {
                next.push(Coming { what: Event::ReservedEnd { license, quantity }, at: Some(at) });
            }
        }
    }
    if why.iter().any(|reason| matches!(reason, Reason::ReservedEnded { .. })) {
        what_to_do.push(Mend::UpdateReservation);
    }
    if next.is_empty() {
        next.push(Coming { what: Event::ReservedUntilReturned, at: None });
    }
    Explanation { status: Status::Reserved, why, since: Some(facts.instance.registered_at), next, what_to_do }
}
