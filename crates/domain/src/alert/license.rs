//! Alerts about licences and registration tokens.

use core::ops::Range;
use std::collections::BTreeMap;

use jiff::Timestamp;
use seatpool_proto::{Quantity, Sha256, Tag};

use super::{Alert, Kind, NOTICED_FOR_DAYS, Subject};
use crate::catalogue::Catalogue;
use crate::event::Severity;
use crate::explain::{License, Named, Place, Sentence, later};
use crate::lot::{Declaration, DeclarationState, Lot};
use crate::pool::PoolTotal;
use crate::token::Token;

/// So many days before their end licences are an alert; administrators know the steps (rest-api.md, "Alerts").
const EXPIRING_DAYS: [(i64, Severity); 3] =
    [(30, Severity::Major), (60, Severity::Minor), (90, Severity::Informational)];
/// For how many days after their end licences stay an alert.
const EXPIRED_FOR_DAYS: i64 = 30;
/// So many days before its end a token is an alert.
const TOKEN_DAYS: i64 = 7;

/// A licence by its name in the catalogue.
pub(super) fn license(tag: &Tag, catalogue: &Catalogue) -> License {
    License::new(tag.clone(), catalogue.license(tag).map_or(tag.as_str(), |entry| &entry.name))
}

fn are(quantity: Quantity) -> &'static str {
    if quantity.count() == 1 { "is" } else { "are" }
}

/// The alert of a licence that is short; none if it is not.
pub fn short(total: &PoolTotal, place: &Place, catalogue: &Catalogue) -> Option<Alert> {
    if total.short.is_zero() {
        return None;
    }
    let license = license(&total.tag, catalogue);
    let message = match catalogue.license(&total.tag) {
        Some(entry) if entry.required_present => {
            Sentence::new(format!("{license} is needed in {place}, and none is owned."))
        }
        _ => Sentence::new(format!(
            "{} of {license} {} short in {place}: more are in use than are covered.",
            total.short,
            are(total.short)
        )),
    };
    Some(Alert {
        kind: Kind::InsufficientLicenses,
        severity: Severity::Major,
        place: place.clone(),
        subject: Subject::License(license),
        detail: String::new(),
        fingerprint: total.short.to_string(),
        message,
        since: total.short_since,
        due: None,
    })
}

/// The ends of lots that alerts are about, exclusive at the start and inclusive at the end.
pub fn lots_range(now: Timestamp) -> Range<Timestamp> {
    let [.., (most, _)] = EXPIRING_DAYS;
    later(now, -EXPIRED_FOR_DAYS)..later(now, most)
}

/// The alerts of lots that ended lately or end soon, one for all of a licence that end at the same instant.
pub fn lots<'a>(
    lots: impl IntoIterator<Item = &'a Lot>,
    place: &Place,
    catalogue: &Catalogue,
    now: Timestamp,
) -> Vec<Alert> {
    let range = lots_range(now);
    let mut groups: BTreeMap<(&Tag, Timestamp), Quantity> = BTreeMap::new();
    for lot in lots {
        let within = |end: &Timestamp| range.start < *end && *end <= range.end;
        if let Some(end) = lot.term.ends_at.filter(within)
            && lot.virtual_account == place.id
            && !lot.quantity.is_zero()
            && !lot.is_rejected()
        {
            let sum = groups.entry((&lot.tag, end)).or_default();
            *sum = sum.plus(lot.quantity);
        }
    }
    let alert = |((tag, end), quantity): ((&Tag, Timestamp), Quantity)| {
        let license = license(tag, catalogue);
        let (kind, severity, stage, message) = if end <= now {
            let message = Sentence::new(format!("{quantity} of {license} in {place} reached their end on "));
            (Kind::LicensesExpired, Severity::Minor, 0, message)
        } else {
            let stage = EXPIRING_DAYS.into_iter().find(|(days, _)| end <= later(now, *days));
            let (days, severity) = stage.unwrap_or((0, Severity::Informational));
            let message = Sentence::new(format!("{quantity} of {license} in {place} end on "));
            (Kind::LicensesExpiring, severity, days, message)
        };
        Alert {
            kind,
            severity,
            place: place.clone(),
            subject: Subject::License(license),
            detail: end.as_microsecond().to_string(),
            fingerprint: format!("{stage} days, {quantity}"),
            message: message.at(end).text("."),
            since: (end <= now).then_some(end),
            due: (end > now).then_some(end),
        }
    };
    groups.into_iter().map(alert).collect()
}

/// The alerts of declarations that wait for the vendor, or that the vendor rejected lately.
pub fn declarations<'a>(
    lots: impl IntoIterator<Item = &'a Lot>,
    place: &Place,
    catalogue: &Catalogue,
    now: Timestamp,
) -> Vec<Alert> {
    let mut groups: BTreeMap<&str, (&Lot, &Declaration, Quantity)> = BTreeMap::new();
    for lot in lots.into_iter().filter(|lot| lot.virtual_account == place.id) {
        if let Some(declaration) = &lot.declaration {
            let (_, _, sum) = groups.entry(&lot.order_id).or_insert((lot, declaration, Quantity::ZERO));
            *sum = sum.plus(lot.quantity);
        }
    }
    let noticed_since = later(now, -NOTICED_FOR_DAYS);
    let alert = |(order_id, (lot, declaration, quantity)): (&str, (&Lot, &Declaration, Quantity))| {
        let license = license(&lot.tag, catalogue);
        let (kind, since, message) = match (declaration.state, declaration.decided_at) {
            (DeclarationState::Declared, _) if !quantity.is_zero() => {
                let message = Sentence::new(format!(
                    "{quantity} of {license} in {place} {} declared as owned by {}, and {} until the vendor confirms or \
                     rejects that.",
                    if quantity.count() == 1 { "was" } else { "were" },
                    declaration.by,
                    if quantity.count() == 1 { "counts" } else { "count" }
                ));
                (Kind::DeclarationWaiting, lot.created_at, message)
            }
            (DeclarationState::Rejected, Some(at)) if at > noticed_since => {
                let reason = declaration.reason.as_deref().unwrap_or_default();
                let message =
                    Sentence::new(format!("The vendor rejected {license} declared as owned in {place} on "))
                        .at(at)
                        .text(if reason.is_empty() { ".".to_owned() } else { format!(": {reason}") });
                (Kind::DeclarationRejected, at, message)
            }
            _ => return None,
        };
        Some(Alert {
            kind,
            severity: Severity::Minor,
            place: place.clone(),
            subject: Subject::License(license),
            detail: order_id.to_owned(),
            fingerprint: quantity.to_string(),
            message,
            since: Some(since),
            due: None,
        })
    };
    groups.into_iter().filter_map(alert).collect()
}

/// Deposits that look like one deposited twice: they agree in all but their orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Likeness {
    /// The licence.
    pub tag: Tag,
    /// The subscription that all belong to.
    pub subscription_id: String,
    /// What the latest of the lots is.
    pub latest: String,
}

/// The alert of deposits that look like one deposited twice.
pub fn alike(found: &Likeness, place: &Place, catalogue: &Catalogue) -> Alert {
    let license = license(&found.tag, catalogue);
    let subscription = &found.subscription_id;
    Alert {
        kind: Kind::DuplicateLicenses,
        severity: Severity::Minor,
        place: place.clone(),
        message: Sentence::new(format!(
            "Two orders deposited the same quantity of {license} for the same term of subscription {subscription} in \
             {place}: was one of them entered twice?"
        )),
        subject: Subject::License(license),
        // A subscription's name may hold anything; a key goes into paths.
        detail: Sha256::of(subscription).to_string().chars().take(16).collect(),
        fingerprint: found.latest.clone(),
        since: None,
        due: None,
    }
}

/// The ends of tokens that alerts are about, exclusive at the start and inclusive at the end.
pub fn token_range(now: Timestamp) -> Range<Timestamp> {
    now..later(now, TOKEN_DAYS)
}

/// The alert of a token that can be used and expires soon; none otherwise.
pub fn token(token: &Token, place: &Place, now: Timestamp) -> Option<Alert> {
    let range = token_range(now);
    let usable = token.revoked_at.is_none() && token.uses_max.is_none_or(|most| token.uses < most);
    if !usable || token.expires_at <= range.start || token.expires_at > range.end {
        return None;
    }
    let name = if token.description.is_empty() { "without a description" } else { &token.description };
    Some(Alert {
        kind: Kind::TokenExpiring,
        severity: Severity::Informational,
        place: place.clone(),
        subject: Subject::Token(Named::new(token.id, name)),
        detail: String::new(),
        fingerprint: token.expires_at.to_string(),
        message: Sentence::new(format!("The registration token {name:?} of {place} expires on "))
            .at(token.expires_at)
            .text("."),
        since: None,
        due: Some(token.expires_at),
    })
}
