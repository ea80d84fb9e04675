//! Alerts: computed from the present state of what a principal may read, and dismissed in its name.
//!
//! What needs instances is counted and listed by conditions that an index serves; only what a page shows is loaded.

mod facts;
mod view;
mod watched;

use std::collections::BTreeMap;

use seatpool_domain::Refused;
use seatpool_domain::alert::{self, Alert, Dismissal, Kind};
use seatpool_domain::command::Action;
use seatpool_domain::event::Severity;
use seatpool_domain::explain::Place;
use seatpool_proto::{AccountId, Sha256, VirtualAccountId};
use seatpool_store::{Page, Paged};

use super::access::{self, Permission, Principal, check, unknown};
use super::accounts::invalid;
use super::{App, AppError, accounts, inventory};
use facts::{Facts, facts};
pub use view::{AlertView, SeverityView, SourceView};
use watched::Watched;

/// Which alerts to list; what is absent does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertQuery {
    /// Of these virtual accounts; of all that may be read, if empty.
    pub virtual_accounts: Vec<VirtualAccountId>,
    /// Of this kind.
    pub kind: Option<Kind>,
    /// Of this severity.
    pub severity: Option<Severity>,
    /// Those that were dismissed, in place of those that are raised.
    pub dismissed: bool,
    /// In which order.
    pub sort: AlertSort,
    /// From the other end: the mildest first, the latest due first.
    pub backwards: bool,
}

/// What alerts are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AlertSort {
    /// The gravest first, then by kind.
    #[default]
    Severity,
    /// By the name of the licence, product instance or token; at most [`SORTED_MAX`] alerts.
    Source,
    /// By when something has to be done, and last what has no such time; at most [`SORTED_MAX`] alerts.
    Due,
}

/// So many alerts are sorted by source or time at most. They are computed and stored nowhere: each of them has to be made
/// for that, while by severity only those of a page are.
pub const SORTED_MAX: u64 = 1_000;

/// How many alerts are raised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AlertCounts {
    /// To be acted on.
    pub major: u64,
    /// To be looked at.
    pub minor: u64,
    /// To be known.
    pub informational: u64,
}

impl AlertCounts {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            major: self.major + other.major,
            minor: self.minor + other.minor,
            informational: self.informational + other.informational,
        }
    }

    fn add(&mut self, severity: Severity, count: u64) {
        let sum = match severity {
            Severity::Major => &mut self.major,
            Severity::Minor => &mut self.minor,
            Severity::Informational => &mut self.informational,
        };
        *sum += count;
    }
}

/// An alert with whether it was dismissed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raised {
    /// The alert.
    pub alert: Alert,
    /// When and by whom it was dismissed, if it was.
    pub dismissed: Option<Dismissal>,
}

/// Those of the readable virtual accounts that are given; all if none are.
async fn places(
    app: &App,
    principal: &Principal,
    account: AccountId,
    ids: &[VirtualAccountId],
) -> Result<Vec<Place>, AppError> {
    let readable = accounts::virtual_accounts(app, principal, account).await?;
    let chosen = inventory::chosen(readable, ids)?;
    Ok(chosen.into_iter().map(|row| Place::new(row.id, row.name)).collect())
}

/// How many alerts are raised in a virtual account, and the gravest of them, at most so many.
pub async fn summary(
    app: &App,
    principal: &Principal,
    account: AccountId,
    virtual_account: VirtualAccountId,
    most: u32,
) -> Result<(AlertCounts, Vec<Raised>), AppError> {
    check(principal, account, Permission::SeeAccount)?;
    let places = places(app, principal, account, &[virtual_account]).await?;
    let facts = facts(app, principal, account, places).await?;
    let counts = counted(&facts).remove(&virtual_account).unwrap_or_default();
    let mut listing = Listing { offset: 0, limit: u64::from(most), total: 0, items: Vec::new() };
    let by_severity = [
        (Severity::Major, counts.major),
        (Severity::Minor, counts.minor),
        (Severity::Informational, counts.informational),
    ];
    for (severity, _) in by_severity.into_iter().filter(|(_, count)| *count > 0) {
        for kind in Kind::ALL.iter().copied() {
            if listing.items.len() < most as usize {
                section(app, &facts, &AlertQuery::default(), (severity, kind), &mut listing).await?;
            }
        }
    }
    Ok((counts, listing.items))
}

fn counted(facts: &Facts) -> BTreeMap<VirtualAccountId, AlertCounts> {
    let mut counts: BTreeMap<VirtualAccountId, AlertCounts> = BTreeMap::new();
    for alert in facts.loaded.iter().filter(|alert| facts.dismissal(alert).is_none()) {
        counts.entry(alert.place.id).or_default().add(alert.severity, 1);
    }
    for watched in &facts.watched {
        for (place, count) in &watched.counts {
            counts.entry(*place).or_default().add(watched.severity(), *count);
        }
    }
    counts
}

/// A page of alerts in the order of the query.
pub async fn list(
    app: &App,
    principal: &Principal,
    account: AccountId,
    query: &AlertQuery,
    page: Page,
) -> Result<Paged<Raised>, AppError> {
    check(principal, account, Permission::SeeAccount)?;
    let places = places(app, principal, account, &query.virtual_accounts).await?;
    let facts = facts(app, principal, account, places).await?;
    listed(app, &facts, query, page).await
}

/// A page of alerts, and how many are raised in each of the virtual accounts that the query names, whatever else it
/// restricts.
pub async fn list_with_counts(
    app: &App,
    principal: &Principal,
    account: AccountId,
    query: &AlertQuery,
    page: Page,
) -> Result<(Paged<Raised>, BTreeMap<VirtualAccountId, AlertCounts>), AppError> {
    check(principal, account, Permission::SeeAccount)?;
    let places = places(app, principal, account, &query.virtual_accounts).await?;
    let facts = facts(app, principal, account, places).await?;
    Ok((listed(app, &facts, query, page).await?, counted(&facts)))
}

async fn listed(app: &App, facts: &Facts, query: &AlertQuery, page: Page) -> Result<Paged<Raised>, AppError> {
    if query.sort == AlertSort::Severity {
        return by_severity(app, facts, query, page).await;
    }
    let total = by_severity(app, facts, query, Page { limit: 0, offset: 0 }).await?.total;
    if total > SORTED_MAX {
        let problem = format!(
            "takes at most {SORTED_MAX} alerts, and there are {total}: choose a virtual account, a severity or a kind, or \
             sort by severity"
        );
        return Err(invalid("sort", &problem));
    }
    let mut items = by_severity(app, facts, query, Page::ALL).await?.items;
    match query.sort {
        AlertSort::Due => items.sort_by_key(|raised| raised.alert.due),
        _ => items.sort_by_cached_key(|raised| {
            (raised.alert.subject.name().to_lowercase(), raised.alert.place.name.clone(), raised.alert.key())
        }),
    }
    if query.backwards {
        items.reverse();
    }
    if query.sort == AlertSort::Due {
        items.sort_by_key(|raised| raised.alert.due.is_none());
    }
    let offset = usize::try_from(page.offset).unwrap_or(usize::MAX);
    let items = items.into_iter().skip(offset).take(page.limit as usize).collect();
    Ok(Paged { items, total })
}

async fn by_severity(
    app: &App,
    facts: &Facts,
    query: &AlertQuery,
    page: Page,
) -> Result<Paged<Raised>, AppError> {
    let mut listing =
        Listing { offset: page.offset, limit: u64::from(page.limit), total: 0, items: Vec::new() };
    let mut severities = [Severity::Major, Severity::Minor, Severity::Informational];
    if query.sort == AlertSort::Severity && query.backwards {
        severities.reverse();
    }
    for severity in severities {
        if query.severity.is_some_and(|wanted| wanted != severity) {
            continue;
        }
        for kind in Kind::ALL.iter().copied() {
            if query.kind.is_none_or(|wanted| wanted == kind) {
                section(app, facts, query, (severity, kind), &mut listing).await?;
            }
        }
    }
    Ok(Paged { items: listing.items, total: listing.total })
}

/// A page that is filled section by section.
struct Listing {
    offset: u64,
    limit: u64,
    total: u64,
    items: Vec<Raised>,
}

impl Listing {
    /// Of a section of so many rows, which to show: how many to pass over, and how many to take.
    fn take(&mut self, rows: u64) -> (u64, u64) {
        let skip = self.offset.saturating_sub(self.total).min(rows);
        self.total += rows;
        let room = self.limit.saturating_sub(self.items.len() as u64);
        (skip, (rows - skip).min(room))
    }

    fn extend(&mut self, rows: Vec<Raised>) {
        let (skip, take) = self.take(rows.len() as u64);
        let (skip, take) = (skip.try_into().unwrap_or(usize::MAX), take.try_into().unwrap_or(usize::MAX));
        self.items.extend(rows.into_iter().skip(skip).take(take));
    }
}

/// Adds the alerts of one severity and kind.
async fn section(
    app: &App,
    facts: &Facts,
    query: &AlertQuery,
    (severity, kind): (Severity, Kind),
    listing: &mut Listing,
) -> Result<(), AppError> {
    let mut rows: Vec<Raised> = facts
        .loaded
        .iter()
        .filter(|alert| (alert.severity, alert.kind) == (severity, kind))
        .map(|alert| Raised { alert: alert.clone(), dismissed: facts.dismissal(alert).cloned() })
        .filter(|raised| raised.dismissed.is_some() == query.dismissed)
        .collect();
    rows.sort_by_cached_key(|raised| (raised.alert.place.name.clone(), raised.alert.due, raised.alert.key()));
    listing.extend(rows);
    let of_kind = |watched: &&Watched| (watched.severity(), watched.kind()) == (severity, kind);
    for watched in facts.watched.iter().filter(of_kind) {
        if query.dismissed {
            listing.extend(watched.dismissed.clone());
            continue;
        }
        let (skip, take) = listing.take(watched.counts.values().sum());
        if take > 0 {
            let page = Page { limit: u32::try_from(take).unwrap_or(u32::MAX), offset: skip };
            listing.items.extend(watched.listed(&facts.scope(app), page).await?);
        }
    }
    Ok(())
}

/// The alert with this key, raised or dismissed.
pub async fn find(
    app: &App,
    principal: &Principal,
    account: AccountId,
    key: &str,
) -> Result<Raised, AppError> {
    check(principal, account, Permission::SeeAccount)?;
    let (_, place, _) = alert::parse_key(key).ok_or_else(|| unknown("alert"))?;
    check(principal, account, Permission::ReadVirtualAccount(place)).map_err(|_| unknown("alert"))?;
    let places = places(app, principal, account, &[place]).await.map_err(|_| unknown("alert"))?;
    let facts = facts(app, principal, account, places).await?;
    let mut alert = facts.loaded.iter().find(|alert| alert.key() == key).cloned();
    for watched in &facts.watched {
        if alert.is_none() {
            alert = watched.find(&facts.scope(app), key).await?;
        }
    }
    let alert = alert.ok_or_else(|| unknown("alert"))?;
    Ok(Raised { dismissed: facts.dismissal(&alert).cloned(), alert })
}

/// What names the state that an alert is raised for, in few letters.
pub fn state_of(alert: &Alert) -> String {
    Sha256::of(&alert.fingerprint).to_string().chars().take(16).collect()
}

/// Dismisses an alert for the state that it is raised for now: a worse one raises it anew. If it is said which
/// [state](state_of) was seen, another one is not dismissed.
pub async fn dismiss(
    app: &App,
    principal: &Principal,
    account: AccountId,
    key: &str,
    seen: Option<&str>,
) -> Result<Raised, AppError> {
    let found = find(app, principal, account, key).await?;
    let virtual_account = found.alert.place.id;
    check(principal, account, Permission::ManageVirtualAccount(virtual_account))?;
    if seen.is_some_and(|seen| seen != state_of(&found.alert)) {
        let present = found.alert.message.to_string();
        return Err(Refused::ChangedMeanwhile { seen: "another state".to_owned(), present }.into());
    }
    let action = Action::DismissAlert {
        virtual_account,
        key: key.to_owned(),
        fingerprint: found.alert.fingerprint,
        about: found.alert.message.to_string(),
    };
    access::submit(app, principal, account, action).await?;
    find(app, principal, account, key).await
}

/// Brings a dismissed alert back; also one whose cause has gone in the meantime.
pub async fn restore(
    app: &App,
    principal: &Principal,
    account: AccountId,
    key: &str,
) -> Result<(), AppError> {
    check(principal, account, Permission::SeeAccount)?;
    let (_, virtual_account, _) = alert::parse_key(key).ok_or_else(|| unknown("alert"))?;
    check(principal, account, Permission::ReadVirtualAccount(virtual_account))
        .map_err(|_| unknown("alert"))?;
    check(principal, account, Permission::ManageVirtualAccount(virtual_account))?;
    let action = Action::RestoreAlert { virtual_account, key: key.to_owned() };
    match access::submit(app, principal, account, action).await {
        Err(AppError::Refused(Refused::Unknown { what: "virtual account" })) => Err(unknown("alert")),
        other => other.map(drop),
    }
}
