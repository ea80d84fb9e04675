//! States that raise an alert for each of many rows: the store counts and lists them by an index, and only what a page
//! shows is loaded.

use std::collections::BTreeMap;

use jiff::Timestamp;
use seatpool_domain::Instance;
use seatpool_domain::alert::{self, Alert, Dismissal, Ending, Kind, LotWatch, Watch};
use seatpool_domain::event::Severity;
use seatpool_domain::explain::Place;
use seatpool_proto::{AccountId, ProductInstanceId, VirtualAccountId};
use seatpool_store::Page;

use super::Raised;
use crate::app::{App, AppError};

/// What holds for the rows.
enum Condition {
    Instances(Watch),
    Endings(LotWatch),
}

/// A condition with what it holds for now.
pub(super) struct Watched {
    condition: Condition,
    /// For how many rows of each virtual account it holds, without those whose alert was dismissed.
    pub(super) counts: BTreeMap<VirtualAccountId, u64>,
    /// The alerts that were dismissed, and whose state is the same still.
    pub(super) dismissed: Vec<Raised>,
    /// The rows that these are about: ids of instances, names of endings.
    instances: Vec<ProductInstanceId>,
    endings: Vec<String>,
}

/// The places that alerts are about, and the dismissals among them.
pub(super) struct Scope<'a> {
    pub(super) app: &'a App,
    pub(super) account: AccountId,
    pub(super) places: &'a [Place],
    pub(super) dismissals: &'a [Dismissal],
}

impl Scope<'_> {
    fn ids(&self) -> Vec<VirtualAccountId> {
        self.places.iter().map(|place| place.id).collect()
    }

    fn place(&self, id: VirtualAccountId) -> Option<&Place> {
        self.places.iter().find(|place| place.id == id)
    }

    /// What follows the kind in the keys of the dismissed alerts of these kinds.
    fn dismissed(&self, is_of: impl Fn(Kind) -> bool) -> Vec<(VirtualAccountId, &str)> {
        let keys = self.dismissals.iter().filter_map(|dismissal| alert::parse_key(&dismissal.key));
        keys.filter(|(kind, ..)| is_of(*kind)).map(|(_, place, subject)| (place, subject)).collect()
    }

    fn hidden(&self, alert: Alert) -> Option<Raised> {
        let dismissed = self.dismissals.iter().find(|dismissal| dismissal.hides(&alert)).cloned()?;
        Some(Raised { alert, dismissed: Some(dismissed) })
    }

    fn of_instance(&self, watch: &Watch, row: &Instance) -> Option<Alert> {
        let place = self.place(row.virtual_account)?;
        Some(alert::raised(watch, row, place, self.app.policy()))
    }

    fn of_ending(&self, watch: &LotWatch, row: &Ending) -> Option<Alert> {
        Some(alert::ending(watch, row, self.place(row.virtual_account)?, self.app.catalogue()))
    }

    /// Everything that is watched at `now`.
    pub(super) async fn watched(&self, now: Timestamp) -> Result<Vec<Watched>, AppError> {
        let mut all = self.instances(now).await?;
        all.extend(self.endings(now).await?);
        Ok(all)
    }

    async fn instances(&self, now: Timestamp) -> Result<Vec<Watched>, AppError> {
        let store = self.app.store();
        let watches = alert::watches(self.app.policy(), now);
        let about = self.dismissed(|kind| watches.iter().any(|watch| watch.kind == kind));
        let about: Vec<ProductInstanceId> =
            about.iter().filter_map(|(_, subject)| subject.parse().ok()).collect();
        let rows =
            if about.is_empty() { Vec::new() } else { store.instances_by_id(self.account, &about).await? };
        let mut all = Vec::with_capacity(watches.len());
        for watch in watches {
            let hidden = |row: &Instance| Some((row.id, self.hidden(self.of_instance(&watch, row)?)?));
            let (instances, dismissed): (Vec<_>, Vec<_>) =
                rows.iter().filter(|row| watch.condition.holds(row)).filter_map(hidden).unzip();
            let counts = store.instances_counted(self.account, &self.ids(), &watch.condition).await?;
            let counts = without(counts, &dismissed);
            let condition = Condition::Instances(watch);
            all.push(Watched { condition, counts, dismissed, instances, endings: Vec::new() });
        }
        Ok(all)
    }

    async fn endings(&self, now: Timestamp) -> Result<Vec<Watched>, AppError> {
        let store = self.app.store();
        let mut all = Vec::new();
        for watch in alert::lot_watches(now) {
            let about = self.dismissed(|kind| watch.kind == kind);
            let names: Vec<_> = about.iter().map(|(place, subject)| format!("{place}:{subject}")).collect();
            let rows = if names.is_empty() {
                Vec::new()
            } else {
                store.endings_named(self.account, &self.ids(), &watch.ends, &names).await?
            };
            let hidden = |row: &Ending| Some((row.name(), self.hidden(self.of_ending(&watch, row)?)?));
            let (endings, dismissed): (Vec<_>, Vec<_>) = rows.iter().filter_map(hidden).unzip();
            let counts = store.endings_counted(self.account, &self.ids(), &watch.ends).await?;
            let counts = without(counts, &dismissed);
            let condition = Condition::Endings(watch);
            all.push(Watched { condition, counts, dismissed, instances: Vec::new(), endings });
        }
        Ok(all)
    }
}

/// The counts less what was dismissed.
fn without(
    mut counts: BTreeMap<VirtualAccountId, u64>,
    dismissed: &[Raised],
) -> BTreeMap<VirtualAccountId, u64> {
    for raised in dismissed {
        if let Some(count) = counts.get_mut(&raised.alert.place.id) {
            *count = count.saturating_sub(1);
        }
    }
    counts
}

impl Watched {
    pub(super) fn kind(&self) -> Kind {
        match &self.condition {
            Condition::Instances(watch) => watch.kind,
            Condition::Endings(watch) => watch.kind,
        }
    }

    pub(super) fn severity(&self) -> Severity {
        match &self.condition {
            Condition::Instances(watch) => watch.severity,
            Condition::Endings(watch) => watch.severity,
        }
    }

    /// A page of what it raises that was not dismissed.
    pub(super) async fn listed(&self, scope: &Scope<'_>, page: Page) -> Result<Vec<Raised>, AppError> {
        let (store, account, ids) = (scope.app.store(), scope.account, scope.ids());
        let alerts: Vec<_> = match &self.condition {
            Condition::Instances(watch) => {
                let rows = store.instances_of(account, &ids, &watch.condition, &self.instances, page).await?;
                rows.iter().filter_map(|row| scope.of_instance(watch, row)).collect()
            }
            Condition::Endings(watch) => {
                let rows = store.endings(account, &ids, &watch.ends, &self.endings, page).await?;
                rows.iter().filter_map(|row| scope.of_ending(watch, row)).collect()
            }
        };
        Ok(alerts.into_iter().map(|alert| Raised { alert, dismissed: None }).collect())
    }

    /// The alert with this key, if it is raised or dismissed.
    pub(super) async fn find(&self, scope: &Scope<'_>, key: &str) -> Result<Option<Alert>, AppError> {
        let parsed = alert::parse_key(key).filter(|(kind, ..)| *kind == self.kind());
        let Some((_, place, subject)) = parsed else { return Ok(None) };
        Ok(match &self.condition {
            Condition::Instances(watch) => {
                let Ok(id) = subject.parse() else { return Ok(None) };
                let row = scope.app.store().instance(scope.account, id).await?;
                let row = row.filter(|row| row.virtual_account == place && watch.condition.holds(row));
                row.and_then(|row| scope.of_instance(watch, &row))
            }
            Condition::Endings(watch) => {
                let name = [format!("{place}:{subject}")];
                let rows =
                    scope.app.store().endings_named(scope.account, &[place], &watch.ends, &name).await?;
                rows.first().and_then(|row| scope.of_ending(watch, row))
            }
        })
    }
}
