//! One product instance, explained.

use jiff::{SignedDuration, Timestamp};
use seatpool_proto::Quantity;

use super::reserved::reserved;
use super::{Coming, Event, Explanation, License, Mend, Place, Reason, Status, User};
use crate::instance::{EndReason, Instance};
use crate::policy::Policy;
use crate::reservation::Reservation;

/// From the end of an authorization, or from going out of compliance, until a product restricts itself: the default
/// of behaviour.md, "Periods". A product's own profile decides; the manager does not know it.
const ENFORCED_AFTER_DAYS: i64 = 90;
/// How long after a renewal was due an instance counts as not heard: the retry schedule tries every four hours.
pub(crate) const SILENT_AFTER_DAYS: i64 = 1;
/// How long after its renewal was due an ID certificate counts as not renewed.
pub(crate) const UNRENEWED_AFTER_DAYS: i64 = 7;

/// One licence that an instance uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    /// Which.
    pub license: License,
    /// How many it is held to.
    pub quantity: Quantity,
    /// How many its pool lacks; zero where this instance is not told of it.
    pub short: Quantity,
    /// Since when the pool lacks any.
    pub short_since: Option<Timestamp>,
    /// Who uses most of it, most first; asked for only where it is short.
    pub most: Vec<User>,
}

/// What an instance's explanation is made from.
#[derive(Clone, Debug)]
pub struct InstanceFacts<'a> {
    /// The instance.
    pub instance: &'a Instance,
    /// Where it takes its licences from.
    pub place: &'a Place,
    /// Its reservation, if it holds its licences by one that is open.
    pub reservation: Option<&'a Reservation>,
    /// The licences of its export-restricted features, by name.
    pub restricted: Vec<License>,
    /// What it last reported.
    pub used: Vec<Used>,
    /// When it was moved to this virtual account, if it was since it registered.
    pub moved_here_at: Option<Timestamp>,
    /// Who ended its registration, by name, if that is known.
    pub ended_by: Option<String>,
    /// When a second copy of it was noticed last, in this registration.
    pub cloned_at: Option<Timestamp>,
    /// When it went on from an older state last, in this registration.
    pub rewound_at: Option<Timestamp>,
    /// The manager's periods.
    pub policy: &'a Policy,
    /// The present time.
    pub now: Timestamp,
}

/// `at`, so many days later.
pub fn later(at: Timestamp, days: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_hours(24 * days)).unwrap_or(if days < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}

/// Explains a product instance.
pub fn instance(facts: &InstanceFacts<'_>) -> Explanation {
    let (row, now) = (facts.instance, facts.now);
    if let Some(ended) = &row.ended {
        return Explanation {
            status: match ended.reason {
                EndReason::Deregistered => Status::Deregistered,
                EndReason::Removed => Status::Removed,
                EndReason::Replaced => Status::Replaced,
            },
            why: vec![Reason::Ended { at: ended.at, by: facts.ended_by.clone() }],
            since: Some(ended.at),
            next: vec![Coming { what: Event::RefusedIfHeard, at: None }],
            what_to_do: Vec::new(),
        };
    }
    if row.is_registering() {
        return Explanation {
            status: Status::Registering,
            why: vec![Reason::NotIssuedYet],
            since: Some(row.registered_at),
            next: Vec::new(),
            what_to_do: Vec::new(),
        };
    }
    if let Some(reservation) = facts.reservation {
        return reserved(facts, reservation);
    }
    let mut explained = standing(facts);
    for grant in row.exports.iter().filter(|grant| grant.lot.is_none() && !grant.lapsed) {
        let named = facts.restricted.iter().find(|license| license.id == grant.tag).cloned();
        let license = named.unwrap_or_else(|| License::new(grant.tag.clone(), grant.tag.as_str()));
        explained.why.push(Reason::ExportWaits {
            feature: grant.feature.clone(),
            license: license.clone(),
            at: grant.at,
            ended: !grant.key.is_empty(),
        });
        explained.what_to_do.push(Mend::FreeRestricted { license, place: facts.place.clone() });
    }
    if let Some(at) = facts.cloned_at {
        explained.why.push(Reason::Cloned { at });
        explained.what_to_do.push(Mend::SeparateCopies);
    }
    if let Some(at) = facts.rewound_at {
        explained.why.push(Reason::Rewound { at });
    }
    if let Some(due) = certificate_due(row, facts.policy)
        && later(due, UNRENEWED_AFTER_DAYS) <= now
        && row.certificate_ends().is_some_and(|end| end > now)
    {
        explained.why.push(Reason::RenewalOverdue { due });
        if !explained.what_to_do.contains(&Mend::CheckContact) {
            explained.what_to_do.push(Mend::CheckContact);
        }
    }
    explained
}

/// When the renewal of the authorization is due; none before the first.
pub(crate) fn authorization_due(row: &Instance, policy: &Policy) -> Option<Timestamp> {
    let early = policy.authorization_days - policy.authorization_renew_days;
    row.authorized_until.map(|until| later(until, -early))
}

/// When the renewal of the ID certificate is due, if it has one.
pub(crate) fn certificate_due(row: &Instance, policy: &Policy) -> Option<Timestamp> {
    let early = policy.id_certificate_renew_days - policy.id_certificate_days;
    row.certificate_ends().map(|end| later(end, early))
}

/// A registered instance, without what is remarkable beside its status.
fn standing(facts: &InstanceFacts<'_>) -> Explanation {
    let (row, now) = (facts.instance, facts.now);
    let last_contact = row.last_contact_at;
    let place = || facts.place.clone();
    let certificate_ended = row.certificate_ends().filter(|end| *end < now);
    let mut why = Vec::new();
    let mut what_to_do = Vec::new();
    let (status, since) = if let Some(at) = certificate_ended {
        why.push(Reason::CertificateEnded { at });
        what_to_do.extend([Mend::RegisterAgain { place: place() }, Mend::RemoveInstance]);
        (Status::RegistrationExpired, Some(at))
    } else if let Some(at) = row.authorized_until.filter(|until| *until <= now) {
        why.push(Reason::AuthorizationEnded { at, last_contact });
        what_to_do.extend([Mend::CheckContact, Mend::RemoveInstance]);
        (Status::AuthorizationExpired, Some(at))
    } else if row.authorized_until.is_none() {
        why.push(Reason::NoReportYet { registered: row.registered_at });
        if later(row.registered_at, SILENT_AFTER_DAYS) <= now {
            what_to_do.push(Mend::CheckContact);
        }
        (Status::Waiting, Some(row.registered_at))
    } else {
        in_contact(facts, &mut why, &mut what_to_do)
    };
    if let Some(due) = authorization_due(row, facts.policy)
        && later(due, SILENT_AFTER_DAYS) <= now
        && row.authorized_until.is_some_and(|until| until > now)
        && certificate_ended.is_none()
    {
        why.push(Reason::Silent { last_contact, due });
        what_to_do.push(Mend::CheckContact);
    }
    Explanation { status, why, since, next: coming(facts, status, since), what_to_do }
}

/// An instance whose authorization runs.
fn in_contact(
    facts: &InstanceFacts<'_>,
    why: &mut Vec<Reason>,
    what_to_do: &mut Vec<Mend>,
) -> (Status, Option<Timestamp>) {
    let last_contact = facts.instance.last_contact_at;
    let short: Vec<&Used> = facts.used.iter().filter(|used| !used.short.is_zero()).collect();
    for used in &short {
        why.push(Reason::UsesShort {
            license: used.license.clone(),
            uses: used.quantity,
            short: used.short,
            place: facts.place.clone(),
            most: used.most.clone(),
        });
        what_to_do.push(Mend::MendPool { license: used.license.clone(), place: facts.place.clone() });
    }
    let uses: Vec<_> = facts
        .used
        .iter()
        .filter(|used| used.short.is_zero() && !used.quantity.is_zero())
        .map(|used| (used.license.clone(), used.quantity))
        .collect();
    if !short.is_empty() {
        // Its pool may have been short before it came: it can't have been told sooner than it was here.
        let came = facts.instance.registered_at.max(facts.moved_here_at.unwrap_or(Timestamp::MIN));
        (
            Status::OutOfCompliance,
            short.iter().filter_map(|used| used.short_since).min().map(|at| at.max(came)),
        )
    } else if uses.is_empty() {
        why.push(Reason::NothingInUse { last_contact });
        (Status::NoLicensesInUse, None)
    } else {
        why.push(Reason::UsesCovered { uses, last_contact });
        (Status::Authorized, None)
    }
}

fn coming(facts: &InstanceFacts<'_>, status: Status, since: Option<Timestamp>) -> Vec<Coming> {
    let (row, now) = (facts.instance, facts.now);
    let mut next = Vec::new();
    match status {
        Status::OutOfCompliance => {
            next.extend(since.map(|at| Coming {
                what: Event::EnforcedAtTheEarliest,
                at: Some(later(at, ENFORCED_AFTER_DAYS)),
            }));
        }
        Status::Waiting => next.push(Coming { what: Event::FirstReport, at: None }),
        _ => {}
    }
    let mut dated = Vec::new();
    if let Some(until) = row.authorized_until {
        dated.extend(authorization_due(row, facts.policy).map(|at| (at, Event::RenewsAuthorization)));
        dated.push((until, Event::AuthorizationEnds));
        if status == Status::AuthorizationExpired {
            dated.push((later(until, ENFORCED_AFTER_DAYS), Event::Enforced));
        }
    }
    dated.extend(certificate_due(row, facts.policy).map(|at| (at, Event::RenewsCertificate)));
    dated.extend(row.certificate_ends().map(|at| (at, Event::CertificateEnds)));
    dated.retain(|(at, _)| *at > now);
    match status {
        Status::RegistrationExpired => dated.retain(|(_, what)| *what == Event::AuthorizationEnds),
        Status::AuthorizationExpired => dated.retain(|(_, what)| *what != Event::RenewsCertificate),
        _ => {}
    }
    next.extend(dated.into_iter().map(|(at, what)| Coming { what, at: Some(at) }));
    next.sort_by_key(|coming| coming.at);
    next
}
