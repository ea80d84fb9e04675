//! What one instance adds to the totals of its pool, and taking it out again without drift.

use seatpool_proto::{ProductInstanceId, Quantity, VirtualAccountId};

use super::PoolTotal;
use crate::catalogue::{Catalogue, LicenseEntry};
use crate::instance::Usage;
use crate::workset::Workset;

/// What one usage row adds to the totals of its tag: a function of the row and the catalogue alone, so that
/// what was added can be taken out exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Share {
    instances: u64,
    peak: Quantity,
    cumulative_peak: Quantity,
    locked: Option<Quantity>,
}

impl Share {
    pub(crate) fn of(row: &Usage, license: &LicenseEntry) -> Self {
        Self {
            instances: u64::from(license.required_present || row.is_in_use()),
            peak: row.peak,
            cumulative_peak: row.cumulative_peak,
            locked: row.locked,
        }
    }

    /// The most that the instance is held to for this tag.
    fn held(&self) -> Quantity {
        self.cumulative_peak.max(self.locked.unwrap_or_default())
    }
}

impl PoolTotal {
    /// Puts `new` in the place of `old`. What an instance has locked, the pool used at least.
    pub(crate) fn exchange(&mut self, old: &Share, new: &Share) {
        self.instances = self.instances.saturating_sub(old.instances) + new.instances;
        self.peak = self.peak.minus(old.peak).plus(new.peak);
        self.cumulative_peak = self.cumulative_peak.minus(old.cumulative_peak).plus(new.cumulative_peak);
        self.locked_instances = self.locked_instances.saturating_sub(u64::from(old.locked.is_some()))
            + u64::from(new.locked.is_some());
        if let Some(locked) = new.locked {
            self.run_high = self.run_high.max(locked);
        }
    }

    /// Takes out an instance that leaves the pool: the run's highest is no longer held against the others
    /// for the part that it had at most.
    fn release(&mut self, share: &Share) {
        self.exchange(share, &Share::default());
        self.run_high = self.run_high.minus(share.held());
    }
}

/// Replaces an instance's part of one tag's totals: `old` was counted before, `new` is from now on.
pub(crate) fn count(
    workset: &mut Workset,
    virtual_account: VirtualAccountId,
    row: &Usage,
    old: &Share,
    new: &Share,
) {
    let key = (virtual_account, row.tag.clone());
    // An instance that left took its part of the run's highest along: what another has locked counts again.
    let is_held = |total: &PoolTotal| new.locked.is_none_or(|locked| locked <= total.run_high);
    if old == new && workset.totals.get(&key).is_none_or(is_held) {
        return;
    }
    if let Some(total) = workset.totals.get_mut(&key) {
        total.exchange(old, new);
    } else {
        let mut total = PoolTotal::new(virtual_account, row.tag.clone());
        total.exchange(old, new);
        workset.totals.insert(key, total);
    }
}

/// Takes all usage of an instance out of the totals of the virtual account that it is in.
pub(crate) fn leave(workset: &mut Workset, catalogue: &Catalogue, instance: ProductInstanceId) {
    let Some(virtual_account) = counted_in(workset, instance) else { return };
    let rows: Vec<Usage> = workset.usage_of(instance).cloned().collect();
    for row in rows {
        let Some(license) = catalogue.license(&row.tag) else { continue };
        let share = Share::of(&row, license);
        if let Some(total) = workset.totals.get_mut(&(virtual_account, row.tag)) {
            total.release(&share);
        }
    }
}

/// Adds all usage of an instance to the totals of the virtual account that it is in.
pub(crate) fn join(workset: &mut Workset, catalogue: &Catalogue, instance: ProductInstanceId) {
    let Some(virtual_account) = counted_in(workset, instance) else { return };
    let rows: Vec<Usage> = workset.usage_of(instance).cloned().collect();
    for row in rows {
        let Some(license) = catalogue.license(&row.tag) else { continue };
        count(workset, virtual_account, &row, &Share::default(), &Share::of(&row, license));
    }
}

/// Where an instance's usage counts, if it counts.
fn counted_in(workset: &Workset, instance: ProductInstanceId) -> Option<VirtualAccountId> {
    workset.instances.get(&instance).filter(|row| row.counted).map(|row| row.virtual_account)
}
