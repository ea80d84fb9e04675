//! Alerts about reservations.

use jiff::Timestamp;

use super::{Alert, Kind, Subject};
use crate::event::Severity;
use crate::explain::{Named, Place, Sentence};
use crate::reservation::Reservation;

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
