//! Alerts about licences and registration tokens.

use core::ops::Range;
use std::collections::BTreeMap;

use jiff::Timestamp;
use seatpool_proto::{Quantity, Sha256, Tag, VirtualAccountId};

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

/// Licences of one kind in one virtual account that end at the same instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Where.
    pub virtual_account: VirtualAccountId,
    /// Which licence.
    pub tag: Tag,
    /// When.
    pub at: Timestamp,
    /// How many.
    pub quantity: Quantity,
}

impl Ending {
    /// What ends within the range, by place, licence and instant. Rejected lots ended for another reason.
    pub fn all<'a>(lots: impl IntoIterator<Item = &'a Lot>, ends: &Range<Timestamp>) -> Vec<Self> {
        let mut groups: BTreeMap<(VirtualAccountId, &Tag, Timestamp), Quantity> = BTreeMap::new();
        for lot in lots {
            let within = |end: &Timestamp| ends.start < *end && *end <= ends.end;
            if let Some(end) = lot.term.ends_at.filter(within)
                && !lot.quantity.is_zero()
                && !lot.is_rejected()
            {
                let sum = groups.entry((lot.virtual_account, &lot.tag, end)).or_default();
                *sum = sum.plus(lot.quantity);
            }
        }
        let ending = |((virtual_account, tag, at), quantity): ((_, &Tag, _), _)| Self {
            virtual_account,
            tag: tag.clone(),
            at,
            quantity,
        };
        groups.into_iter().map(ending).collect()
    }

    /// What distinguishes it, as in the keys of alerts: `<virtual account>:<tag>@<microseconds since the Unix epoch>`.
    pub fn name(&self) -> String {
        format!("{}:{}@{}", self.virtual_account, self.tag, self.at.as_microsecond())
    }
}

/// Ends of lots that raise an alert, exclusive at the start and inclusive at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LotWatch {
    /// Which alert.
    pub kind: Kind,
    /// How much it matters.
    pub severity: Severity,
    /// When.
    pub ends: Range<Timestamp>,
    /// Within so many days they end; 0: they ended.
    within_days: i64,
}

impl LotWatch {
    /// Whether it raises an alert for this end.
    pub fn holds(&self, ending: &Ending) -> bool {
        self.ends.start < ending.at && ending.at <= self.ends.end
    }
}

/// What ends of lots raise alerts at `now`: those that ended lately, and those that come.
pub fn lot_watches(now: Timestamp) -> Vec<LotWatch> {
    let ended = LotWatch {
        kind: Kind::LicensesExpired,
        severity: Severity::Minor,
        ends: later(now, -EXPIRED_FOR_DAYS)..now,
        within_days: 0,
    };
    let mut watches = vec![ended];
    let mut after = now;
    for (within_days, severity) in EXPIRING_DAYS {
        let until = later(now, within_days);
        watches.push(LotWatch { kind: Kind::LicensesExpiring, severity, ends: after..until, within_days });
        after = until;
    }
    watches
}

/// The alert that a watch raises for what ends as it says.
pub fn ending(watch: &LotWatch, row: &Ending, place: &Place, catalogue: &Catalogue) -> Alert {
    let license = license(&row.tag, catalogue);
    let (quantity, has_ended) = (row.quantity, watch.kind == Kind::LicensesExpired);
    let verb = if has_ended { "reached their end" } else { "end" };
    let message =
        Sentence::new(format!("{quantity} of {license} in {place} {verb} on ")).at(row.at).text(".");
    Alert {
        kind: watch.kind,
        severity: watch.severity,
        place: place.clone(),
        subject: Subject::License(license),
        detail: row.at.as_microsecond().to_string(),
        fingerprint: format!("{} days, {quantity}", watch.within_days),
        message,
        since: has_ended.then_some(row.at),
        due: (!has_ended).then_some(row.at),
    }
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
