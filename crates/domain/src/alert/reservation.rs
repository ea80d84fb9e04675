//! Alerts about reservations, and about export-restricted features.

use std::collections::BTreeMap;

use jiff::Timestamp;
use seatpool_proto::{Quantity, Sha256, Tag};

use super::license::license;
use super::{Alert, Kind, NOTICED_FOR_DAYS, Subject};
use crate::catalogue::Catalogue;
use crate::event::Severity;
use crate::explain::{Named, Place, Sentence, later};
use crate::instance::{ExportGrant, Instance};
use crate::reservation::{Reservation, ReservationEnded};

/// The alerts of a reservation that has not ended.
pub fn reservation(row: &Reservation, place: &Place, now: Timestamp) -> Vec<Alert> {
    let label = format!("{} (SN {})", row.udi.pid, row.udi.sn);
    let alert = |kind, severity, fingerprint: String, message, since| Alert {
        kind,
        severity,
        place: place.clone(),
        subject: Subject::Instance(Named::new(row.instance, row.udi.sn.clone())),
        detail: String::new(),
        fingerprint,
        message,
        since: Some(since),
        due: None,
    };
    let mut alerts = Vec::new();
    if let Some(next) = &row.transit {
        let message = Sentence::new(format!("The reservation of {label} was changed on ")).at(next.at).text(
            ", and its confirmation code has not been entered: until then, of each license the larger number is held.",
        );
        let fingerprint = next.sequence.to_string();
        alerts.push(alert(Kind::ReservationUnconfirmed, Severity::Minor, fingerprint, message, next.at));
    }
    if let Some(asked) = &row.rehost {
        let message = Sentence::new(format!(
            "{} asks to release the licenses of {label} without its return code (",
            asked.by
        ))
        .text(&asked.reason)
        .text("): a second person is to approve or refuse it.");
        alerts.push(alert(Kind::RehostAsked, Severity::Minor, asked.at.to_string(), message, asked.at));
    }
    let ended = |entitlement: &&seatpool_proto::code::Entitlement| {
        entitlement.end.is_some_and(|end| end.begins_at() <= now)
    };
    let last = row.latest().entitlements.iter().filter(ended).filter_map(|entitlement| entitlement.end).max();
    if let Some(end) = last {
        let names: std::collections::BTreeSet<&str> = row
            .latest()
            .entitlements
            .iter()
            .filter(ended)
            .map(|entitlement| entitlement.display_name.as_str())
            .collect();
        let names: Vec<&str> = names.into_iter().collect();
        let at = end.begins_at();
        let message = Sentence::new(format!("Licenses that {label} holds by its reservation ended on "))
            .at(at)
            .text(format!(": {}. Update the reservation with licenses that count.", names.join(", ")));
        alerts.push(alert(Kind::ReservedLicenseExpired, Severity::Major, at.to_string(), message, at));
    }
    alerts
}

/// The alerts of a reservation that ended lately: one for each licence that came back.
pub fn returned(row: &Reservation, place: &Place, catalogue: &Catalogue, now: Timestamp) -> Vec<Alert> {
    let Some(end) = row.ended.as_ref().filter(|end| end.at > later(now, -NOTICED_FOR_DAYS)) else {
        return Vec::new();
    };
    let mut back: BTreeMap<&Tag, Quantity> = BTreeMap::new();
    for hold in &row.latest().holds {
        let sum = back.entry(&hold.tag).or_default();
        *sum = sum.plus(hold.quantity);
    }
    let how = match end.how {
        ReservationEnded::Returned => "gave its reservation back",
        ReservationEnded::Rehosted => "lost its reservation, which was released without its return code,",
    };
    let alert = |(tag, quantity): (&Tag, Quantity)| {
        let license = license(tag, catalogue);
        let message = Sentence::new(format!("{} (SN {}) {how} on ", row.udi.pid, row.udi.sn)).at(end.at).text(
            format!(
                ": {quantity} of {license} are in {place} again. Reserve or move them if they are needed elsewhere; \
                 otherwise dismiss this."
            ),
        );
        Alert {
            kind: Kind::ReservedLicensesReturned,
            severity: Severity::Informational,
            place: place.clone(),
            subject: Subject::License(license),
            detail: row.instance.to_string(),
            fingerprint: end.at.to_string(),
            message,
            since: Some(end.at),
            due: None,
        }
    };
    back.into_iter().map(alert).collect()
}

/// The alerts of an instance whose export-restricted features wait for a licence.
pub fn restricted(row: &Instance, place: &Place, catalogue: &Catalogue) -> Vec<Alert> {
    let waits = |grant: &&ExportGrant| grant.lot.is_none() && !grant.lapsed && row.is_registered();
    let waiting = row.exports.iter().filter(waits);
    let alert = |grant: &ExportGrant| {
        let license = license(&grant.tag, catalogue);
        let label = row.label();
        let message = if grant.key.is_empty() {
            Sentence::new(format!("{label} asked for the export-restricted feature {} on ", grant.feature))
                .at(grant.at)
                .text(format!(", and {license} has none to spare in {place}."))
        } else {
            Sentence::new(format!(
                "The license that the export-restricted feature {} on {label} took ended on ",
                grant.feature
            ))
            .at(grant.at)
            .text(format!(", and {license} has no other to spare in {place}: it may be used no longer."))
        };
        Alert {
            kind: Kind::RestrictedLicenseUnavailable,
            severity: Severity::Major,
            place: place.clone(),
            subject: Subject::License(license),
            // A feature's name may hold anything; a key goes into paths.
            detail: format!("{}-{}", row.id, Sha256::of(&grant.feature).to_string().get(..8).unwrap_or_default()),
            fingerprint: grant.at.to_string(),
            message: message.text(
                " Order or move one there, or return it on another product instance; the product asks anew by itself.",
            ),
            since: Some(grant.at),
            due: None,
        }
    };
    waiting.map(alert).collect()
}
