//! Alerts about product instances: conditions that a store can count by an index, and that hold for one instance.

use core::ops::Range;

use jiff::Timestamp;

use super::{Alert, Kind, Subject};
use crate::event::{EventKind, Severity};
use crate::explain::{
    Named, Place, SILENT_AFTER_DAYS, Sentence, UNRENEWED_AFTER_DAYS, authorization_due, certificate_due,
    later,
};
use crate::instance::Instance;
use crate::policy::Policy;

/// So many days before an end the alert about it is major.
const MAJOR_WITHIN_DAYS: i64 = 30;
/// For how many days a second copy or a forced registration stays an alert.
pub const NOTICED_FOR_DAYS: i64 = 30;

/// A state of registered instances, with bounds that are exclusive at their start and inclusive at their end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InstanceCondition {
    /// Its usage counts, and its authorization ends then.
    AuthorizationEnds(Range<Timestamp>),
    /// Its authorization ended then, and its usage no longer counts.
    AuthorizationEnded(Range<Timestamp>),
    /// It registered then and was never authorized.
    NeverAuthorized(Range<Timestamp>),
    /// Its ID certificate ends on these days, counted from the Unix epoch.
    CertificateEnds(Range<i64>),
}

impl InstanceCondition {
    /// Whether it holds for this instance.
    pub fn holds(&self, row: &Instance) -> bool {
        fn within<T: PartialOrd>(range: &Range<T>, value: &T) -> bool {
            range.start < *value && *value <= range.end
        }
        let until = row.authorized_until;
        row.is_registered()
            && match self {
                Self::AuthorizationEnds(range) => row.counted && until.is_some_and(|at| within(range, &at)),
                Self::AuthorizationEnded(range) => !row.counted && until.is_some_and(|at| within(range, &at)),
                Self::NeverAuthorized(range) => {
                    !row.counted && until.is_none() && within(range, &row.registered_at)
                }
                Self::CertificateEnds(days) => {
                    row.certificate_ends().is_some_and(|end| within(days, &day(end)))
                }
            }
    }
}

/// The day of an instant, counted from the Unix epoch.
fn day(at: Timestamp) -> i64 {
    at.as_second().max(0) / 86_400
}

/// A condition that raises an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    /// Which alert.
    pub kind: Kind,
    /// How much it matters.
    pub severity: Severity,
    /// When.
    pub condition: InstanceCondition,
}

/// All conditions about instances at `now`; of those of one kind at most one holds for an instance.
pub fn watches(policy: &Policy, now: Timestamp) -> Vec<Watch> {
    let watch = |kind, severity, condition| Watch { kind, severity, condition };
    let (first, last) = (Timestamp::MIN, now);
    // Renewals are due so many days before the end; not heard for a while after, that is an alert.
    let silent = later(now, policy.authorization_days - policy.authorization_renew_days - SILENT_AFTER_DAYS);
    let pressing = later(now, MAJOR_WITHIN_DAYS).min(silent).max(now);
    let unrenewed =
        day(later(now, policy.id_certificate_days - policy.id_certificate_renew_days - UNRENEWED_AFTER_DAYS));
    let today = day(now);
    let expiring = (today + MAJOR_WITHIN_DAYS).min(unrenewed).max(today);
    vec![
        watch(
            Kind::AuthorizationExpired,
            Severity::Major,
            InstanceCondition::AuthorizationEnded(first..last),
        ),
        watch(Kind::CertificateExpired, Severity::Major, InstanceCondition::CertificateEnds(-1..today - 1)),
        watch(
            Kind::CertificateExpiring,
            Severity::Major,
            InstanceCondition::CertificateEnds(today - 1..expiring),
        ),
        watch(Kind::FailedToConnect, Severity::Major, InstanceCondition::AuthorizationEnds(now..pressing)),
        watch(
            Kind::FailedToConnect,
            Severity::Minor,
            InstanceCondition::AuthorizationEnds(pressing..silent.max(pressing)),
        ),
        watch(
            Kind::FailedToRenew,
            Severity::Minor,
            InstanceCondition::CertificateEnds(expiring..unrenewed.max(expiring)),
        ),
        watch(
            Kind::AuthorizationPending,
            Severity::Minor,
            InstanceCondition::NeverAuthorized(first..later(now, -SILENT_AFTER_DAYS)),
        ),
    ]
}

/// What people call it in a table.
fn subject(row: &Instance) -> Subject {
    Subject::Instance(Named::new(row.id, row.host_name.as_ref().unwrap_or(&row.udi.sn)))
}

/// The alert that a watch raises for an instance of which its condition holds.
pub fn raised(watch: &Watch, row: &Instance, place: &Place, policy: &Policy) -> Alert {
    let label = row.label();
    let ends = row.certificate_ends().unwrap_or(row.registered_at);
    let serial = || row.certificate.as_ref().map(|record| record.serial.clone()).unwrap_or_default();
    let last = row.last_contact_at;
    let until = row.authorized_until.unwrap_or(row.registered_at);
    let severity = watch.severity;
    let (message, since, due, state) = match watch.kind {
        Kind::AuthorizationExpired => (
            Sentence::new(format!("The authorization of {label} ended on "))
                .at(until)
                .text("; its last contact was on ")
                .at(last)
                .text(". Its usage no longer counts."),
            Some(until),
            None,
            until.to_string(),
        ),
        Kind::CertificateExpired => (
            Sentence::new(format!("The ID certificate of {label} ended on "))
                .at(ends)
                .text(". It has to register again."),
            Some(ends),
            None,
            serial(),
        ),
        Kind::CertificateExpiring | Kind::FailedToRenew => {
            let was_due = certificate_due(row, policy).unwrap_or(ends);
            (
                Sentence::new(format!("{label} has not renewed its ID certificate, which was due on "))
                    .at(was_due)
                    .text("; it ends on ")
                    .at(ends)
                    .text("."),
                Some(was_due),
                Some(ends),
                serial(),
            )
        }
        Kind::AuthorizationPending => (
            Sentence::new(format!("{label} registered on "))
                .at(row.registered_at)
                .text(" and has not reported what it uses."),
            Some(row.registered_at),
            None,
            row.registered_at.to_string(),
        ),
        _ => (
            Sentence::new(format!("{label} has not been in contact since "))
                .at(last)
                .text("; without contact its authorization ends on ")
                .at(until)
                .text("."),
            authorization_due(row, policy),
            Some(until),
            until.to_string(),
        ),
    };
    Alert {
        kind: watch.kind,
        severity,
        place: place.clone(),
        subject: subject(row),
        detail: String::new(),
        fingerprint: format!("{severity:?} {state}"),
        message,
        since,
        due,
    }
}

/// The alert of an event that was noticed lately about an instance that is registered still; `number` is the event's.
pub fn noticed(kind: EventKind, at: Timestamp, number: u64, row: &Instance, place: &Place) -> Option<Alert> {
    let label = row.label();
    let (kind, message) = match kind {
        EventKind::InstanceCloned => (
            Kind::CloneSuspected,
            Sentence::new(format!("Two copies of {label} report under one identity, last seen on "))
                .at(at)
                .text(": the later one is refused until it registers with a UDI of its own."),
        ),
        EventKind::InstanceForced => (
            Kind::RegistrationForced,
            Sentence::new(format!("{label} took the place of an older registration on "))
                .at(at)
                .text(", by force and without proof of the older key."),
        ),
        _ => return None,
    };
    if !row.is_registered() || at < row.registered_at {
        return None;
    }
    Some(Alert {
        kind,
        severity: Severity::Major,
        place: place.clone(),
        subject: subject(row),
        detail: String::new(),
        fingerprint: number.to_string(),
        message,
        since: Some(at),
        due: None,
    })
}
