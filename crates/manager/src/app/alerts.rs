//! Alerts: computed from the present state of what a principal may read, and dismissed in its name.
//!
//! What needs instances is counted and listed by conditions that an index serves; only what a page shows is loaded.

mod view;

use std::collections::BTreeMap;

use jiff::Timestamp;
use seatpool_domain::alert::{self, Alert, Dismissal, Kind, Likeness, Watch};
use seatpool_domain::command::Action;
use seatpool_domain::event::Severity;
use seatpool_domain::explain::{Place, later_by_days};
use seatpool_domain::{Instance, Lot, Refused};
use seatpool_proto::{AccountId, ProductInstanceId, VirtualAccountId};
use seatpool_store::{Page, Paged};

use super::access::{self, Permission, Principal, allows, check, unknown};
use super::{App, AppError, accounts, inventory};
pub use view::{AlertView, SeverityView, SourceView};

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
}

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

/// What alerts are computed from, but for what needs instances.
struct Facts {
    places: Vec<Place>,
    /// About licences, tokens and noticed events; raised and dismissed.
    loaded: Vec<Alert>,
    watches: Vec<Watch>,
    dismissals: Vec<Dismissal>,
    /// Instances that dismissals are about, as they are now.
    dismissed_instances: Vec<Instance>,
    now: Timestamp,
}

impl Facts {
    fn place(&self, id: VirtualAccountId) -> Place {
        let known = self.places.iter().find(|place| place.id == id);
        known.cloned().unwrap_or_else(|| Place::new(id, id.to_string()))
    }

    fn dismissal(&self, alert: &Alert) -> Option<&Dismissal> {
        self.dismissals.iter().find(|dismissal| dismissal.hides(alert))
    }

    /// The alerts of this watch that were dismissed and whose state is the same still.
    fn dismissed_of(&self, watch: &Watch, app: &App) -> Vec<(ProductInstanceId, Raised)> {
        let hidden = |row: &Instance| {
            if !watch.condition.holds(row) || self.places.iter().all(|place| place.id != row.virtual_account)
            {
                return None;
            }
            let alert = alert::raised(watch, row, &self.place(row.virtual_account), app.policy());
            let dismissed = self.dismissal(&alert).cloned()?;
            Some((row.id, Raised { alert, dismissed: Some(dismissed) }))
        };
        self.dismissed_instances.iter().filter_map(hidden).collect()
    }
}

/// Reads what the alerts of these virtual accounts are computed from.
async fn facts(
    app: &App,
    principal: &Principal,
    account: AccountId,
    places: Vec<Place>,
) -> Result<Facts, AppError> {
    let (store, catalogue, now) = (app.store(), app.catalogue(), app.now());
    let ids: Vec<_> = places.iter().map(|place| place.id).collect();
    let place_of = |id: VirtualAccountId| places.iter().find(|place| place.id == id);
    let mut loaded = Vec::new();

    for total in store.short_totals(account, &ids).await? {
        loaded
            .extend(place_of(total.virtual_account).and_then(|place| alert::short(&total, place, catalogue)));
    }
    let lots = store.lots_ending(account, &ids, alert::lots_range(now)).await?;
    for (at, lots) in by_place(lots) {
        loaded.extend(place_of(at).into_iter().flat_map(|place| alert::lots(&lots, place, catalogue, now)));
    }
    for (at, lots) in by_place(store.lots_declared(account).await?) {
        loaded.extend(
            place_of(at).into_iter().flat_map(|place| alert::declarations(&lots, place, catalogue, now)),
        );
    }
    for row in store.reservations(account, &ids).await? {
        let place = place_of(row.virtual_account).into_iter();
        loaded.extend(place.flat_map(|place| alert::reservation(&row, place, now)));
    }
    for row in store.reservations_returned(account, later_by_days(now, -alert::NOTICED_FOR_DAYS)).await? {
        let place = place_of(row.virtual_account).into_iter();
        loaded.extend(place.flat_map(|place| alert::returned(&row, place, catalogue, now)));
    }
    for row in store.export_waiting(account).await? {
        let place = place_of(row.virtual_account).into_iter();
        loaded.extend(place.flat_map(|place| alert::restricted(&row, place, catalogue)));
    }
    for found in store.lots_alike(account, &ids, now).await? {
        if let Some(place) = place_of(found.virtual_account) {
            let likeness = Likeness {
                tag: found.tag,
                subscription_id: found.subscription_id,
                latest: found.lot.to_string(),
            };
            loaded.push(alert::alike(&likeness, place, catalogue));
        }
    }
    // Only who may see tokens learns of them.
    let managed: Vec<_> = ids
        .iter()
        .copied()
        .filter(|id| allows(principal, account, Permission::ManageVirtualAccount(*id)))
        .collect();
    if !managed.is_empty() {
        for token in store.tokens_expiring(account, &managed, alert::token_range(now)).await? {
            loaded.extend(place_of(token.virtual_account).and_then(|place| alert::token(&token, place, now)));
        }
    }
    let events = store.noticed(account, later_by_days(now, -alert::NOTICED_FOR_DAYS)).await?;
    let about: Vec<_> = events.iter().map(|event| event.instance).collect();
    let rows = if about.is_empty() { Vec::new() } else { store.instances_by_id(account, &about).await? };
    for event in &events {
        let row = rows.iter().find(|row| row.id == event.instance);
        let place = row.and_then(|row| place_of(row.virtual_account));
        if let (Some(row), Some(place)) = (row, place) {
            loaded.extend(alert::noticed(event.kind, event.at, event.number, row, place));
        }
    }

    let dismissals = store.dismissals(account, &ids).await?;
    let watches = alert::watches(app.policy(), now);
    let watched = |kind| watches.iter().any(|watch| watch.kind == kind);
    let about: Vec<ProductInstanceId> = dismissals
        .iter()
        .filter_map(|dismissal| alert::parse_key(&dismissal.key))
        .filter(|(kind, ..)| watched(*kind))
        .filter_map(|(_, _, subject)| subject.parse().ok())
        .collect();
    let dismissed_instances =
        if about.is_empty() { Vec::new() } else { store.instances_by_id(account, &about).await? };
    Ok(Facts { places, loaded, watches, dismissals, dismissed_instances, now })
}

/// Lots by where they are.
fn by_place(lots: Vec<Lot>) -> BTreeMap<VirtualAccountId, Vec<Lot>> {
    let mut places: BTreeMap<VirtualAccountId, Vec<Lot>> = BTreeMap::new();
    for lot in lots {
        places.entry(lot.virtual_account).or_default().push(lot);
    }
    places
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
    let counts = counted(app, account, &facts).await?.remove(&virtual_account).unwrap_or_default();
    let mut listing = Listing { offset: 0, limit: u64::from(most), total: 0, items: Vec::new() };
    let by_severity = [
        (Severity::Major, counts.major),
        (Severity::Minor, counts.minor),
        (Severity::Informational, counts.informational),
    ];
    for (severity, _) in by_severity.into_iter().filter(|(_, count)| *count > 0) {
        for kind in Kind::ALL.iter().copied() {
            if listing.items.len() < most as usize {
                section(app, account, &facts, &AlertQuery::default(), (severity, kind), &mut listing).await?;
            }
        }
    }
    Ok((counts, listing.items))
}

async fn counted(
    app: &App,
    account: AccountId,
    facts: &Facts,
) -> Result<BTreeMap<VirtualAccountId, AlertCounts>, AppError> {
    let ids: Vec<_> = facts.places.iter().map(|place| place.id).collect();
    let mut counts: BTreeMap<VirtualAccountId, AlertCounts> = BTreeMap::new();
    for alert in facts.loaded.iter().filter(|alert| facts.dismissal(alert).is_none()) {
        counts.entry(alert.place.id).or_default().add(alert.severity, 1);
    }
    for watch in &facts.watches {
        let hidden: Vec<_> = facts.dismissed_of(watch, app).into_iter().map(|(id, _)| id).collect();
        let found = app.store().instances_counted(account, &ids, &watch.condition, &hidden).await?;
        for (place, count) in found {
            counts.entry(place).or_default().add(watch.severity, count);
        }
    }
    Ok(counts)
}

/// A page of alerts, the gravest first.
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
    listed(app, account, &facts, query, page).await
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
    Ok((listed(app, account, &facts, query, page).await?, counted(app, account, &facts).await?))
}

async fn listed(
    app: &App,
    account: AccountId,
    facts: &Facts,
    query: &AlertQuery,
    page: Page,
) -> Result<Paged<Raised>, AppError> {
    let mut listing =
        Listing { offset: page.offset, limit: u64::from(page.limit), total: 0, items: Vec::new() };
    for severity in [Severity::Major, Severity::Minor, Severity::Informational] {
        if query.severity.is_some_and(|wanted| wanted != severity) {
            continue;
        }
        for kind in Kind::ALL.iter().copied() {
            if query.kind.is_none_or(|wanted| wanted == kind) {
                section(app, account, facts, query, (severity, kind), &mut listing).await?;
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
    account: AccountId,
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
    for watch in facts.watches.iter().filter(|watch| (watch.severity, watch.kind) == (severity, kind)) {
        let hidden = facts.dismissed_of(watch, app);
        if query.dismissed {
            listing.extend(hidden.into_iter().map(|(_, raised)| raised).collect());
            continue;
        }
        let hidden: Vec<_> = hidden.into_iter().map(|(id, _)| id).collect();
        let ids: Vec<_> = facts.places.iter().map(|place| place.id).collect();
        let counted = app.store().instances_counted(account, &ids, &watch.condition, &hidden).await?;
        let (skip, take) = listing.take(counted.values().sum());
        if take == 0 {
            continue;
        }
        let page = Page { limit: u32::try_from(take).unwrap_or(u32::MAX), offset: skip };
        let found = app.store().instances_of(account, &ids, &watch.condition, &hidden, page).await?;
        let raised = |row: &Instance| Raised {
            alert: alert::raised(watch, row, &facts.place(row.virtual_account), app.policy()),
            dismissed: None,
        };
        listing.items.extend(found.iter().map(raised));
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
    let (kind, place, subject) = alert::parse_key(key).ok_or_else(|| unknown("alert"))?;
    check(principal, account, Permission::ReadVirtualAccount(place)).map_err(|_| unknown("alert"))?;
    let places = places(app, principal, account, &[place]).await.map_err(|_| unknown("alert"))?;
    let facts = facts(app, principal, account, places).await?;
    let watched = facts.watches.iter().any(|watch| watch.kind == kind);
    let alert = match subject.parse::<ProductInstanceId>() {
        Ok(id) if watched => {
            let row = app.store().instance(account, id).await?.filter(|row| row.virtual_account == place);
            row.and_then(|row| {
                let alerts = alert::of_instance(&row, &facts.place(place), app.policy(), facts.now);
                alerts.into_iter().find(|alert| alert.key() == key)
            })
        }
        _ => facts.loaded.iter().find(|alert| alert.key() == key).cloned(),
    };
    let alert = alert.ok_or_else(|| unknown("alert"))?;
    Ok(Raised { dismissed: facts.dismissal(&alert).cloned(), alert })
}

/// Dismisses an alert for the state that it is raised for now: a worse one raises it anew.
pub async fn dismiss(
    app: &App,
    principal: &Principal,
    account: AccountId,
    key: &str,
) -> Result<Raised, AppError> {
    let found = find(app, principal, account, key).await?;
    let virtual_account = found.alert.place.id;
    check(principal, account, Permission::ManageVirtualAccount(virtual_account))?;
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
