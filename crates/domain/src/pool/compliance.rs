//! Deciding a pool anew after its totals or lots changed, and saying so when a licence goes short or is
//! covered again.

use std::collections::BTreeSet;

use jiff::Timestamp;
use seatpool_proto::{Family, ProductInstanceId, Quantity, VirtualAccountId};

use super::standing::{Demand, holdings, standings};
use super::{PoolTotal, Standing};
use crate::catalogue::{Catalogue, FamilyEntry, LicenseEntry};
use crate::command::{By, Context};
use crate::event::{Event, EventKind};
use crate::workset::Workset;

/// Pools that a command changed and that are to be decided anew, each once.
#[derive(Default)]
pub(crate) struct FamiliesIn(BTreeSet<(VirtualAccountId, Family)>);

impl FamiliesIn {
    /// Adds one pool.
    pub(crate) fn add(&mut self, virtual_account: VirtualAccountId, family: &FamilyEntry) {
        self.0.insert((virtual_account, family.family.clone()));
    }

    /// Adds the pools of all that an instance last reported.
    pub(crate) fn add_usage(
        &mut self,
        workset: &Workset,
        catalogue: &Catalogue,
        instance: ProductInstanceId,
        virtual_account: VirtualAccountId,
    ) {
        for row in workset.usage_of(instance) {
            if let Some(family) = catalogue.family_of(&row.tag) {
                self.add(virtual_account, family);
            }
        }
    }

    /// Decides them anew.
    pub(crate) fn reassess(&self, by: &By, workset: &mut Workset, context: &Context<'_>) {
        for (virtual_account, family) in &self.0 {
            if let Some(family) = context.catalogue.family(family) {
                reassess(*virtual_account, family, by, workset, context);
            }
        }
    }
}

/// The changing part of one tier's total, without its key.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Run {
    high: Quantity,
    short: Quantity,
    short_since: Option<Timestamp>,
}

/// Decides one pool: the only place where shortage, its beginning and the run's highest change.
/// Returns where each tier stands, from the top.
pub(crate) fn reassess(
    virtual_account: VirtualAccountId,
    family: &FamilyEntry,
    by: &By,
    workset: &mut Workset,
    context: &Context<'_>,
) -> Vec<Standing> {
    let lots = workset.lots.values().filter(|lot| lot.virtual_account == virtual_account);
    let holdings = holdings(family, lots, context.now);
    let totals: Vec<Option<&PoolTotal>> = family
        .licenses
        .iter()
        .map(|license| workset.totals.get(&(virtual_account, license.tag.clone())))
        .collect();
    let demands: Vec<Demand> =
        totals.iter().map(|total| total.map_or_else(Demand::default, Demand::of)).collect();
    let standings = standings(family, &holdings, &demands);

    let changes: Vec<(&LicenseEntry, Standing, Run, Run)> = family
        .licenses
        .iter()
        .zip(&totals)
        .zip(&standings)
        .filter_map(|((license, total), standing)| {
            let total = (*total)?;
            let before = Run { high: total.run_high, short: total.short, short_since: total.short_since };
            let after = run(total, standing, context.now);
            (before != after).then_some((license, *standing, before, after))
        })
        .collect();
    for (license, standing, before, after) in changes {
        if let Some(total) = workset.totals.get_mut(&(virtual_account, license.tag.clone())) {
            total.run_high = after.high;
            total.short = after.short;
            total.short_since = after.short_since;
        }
        if before.short.is_zero() != after.short.is_zero() {
            let place = workset.name_of(virtual_account);
            let (kind, message) = if after.short.is_zero() {
                (EventKind::InCompliance, covered(license, &place, &standing))
            } else {
                (EventKind::OutOfCompliance, lacking(license, &place, &standing))
            };
            workset.record(Event {
                virtual_account: Some(virtual_account),
                tag: Some(license.tag.clone()),
                before: Some(before.short.to_string()),
                after: Some(after.short.to_string()),
                ..by.event(kind, context.now, message)
            });
        }
    }
    standings
}

/// The run after this decision: it lasts while the tag is short or an instance is locked.
fn run(total: &PoolTotal, standing: &Standing, now: Timestamp) -> Run {
    let running = !standing.short.is_zero() || total.locked_instances > 0;
    Run {
        high: if running { total.run_high.max(total.cumulative_peak) } else { Quantity::ZERO },
        short: standing.short,
        short_since: if standing.short.is_zero() { None } else { total.short_since.or(Some(now)) },
    }
}

fn lacking(license: &LicenseEntry, place: &str, standing: &Standing) -> String {
    let (name, Standing { owned, in_use, short, .. }) = (&license.name, standing);
    if license.required_present {
        return format!("{name} is needed in {place}, and none is owned.");
    }
    let borrowed = in_use.minus(*owned).minus(*short);
    let are = if short.count() == 1 { "is" } else { "are" };
    if borrowed.is_zero() {
        format!("{in_use} of {name} are in use in {place}, {owned} are owned: {short} {are} short.")
    } else {
        format!(
            "{in_use} of {name} are in use in {place}, {owned} are owned and {borrowed} borrowed from higher \
             licenses: {short} {are} short."
        )
    }
}

fn covered(license: &LicenseEntry, place: &str, standing: &Standing) -> String {
    let (name, Standing { owned, in_use, .. }) = (&license.name, standing);
    if license.required_present {
        return format!("{name} in {place} is in compliance again.");
    }
    let borrowed = in_use.minus(*owned);
    if borrowed.is_zero() {
        format!("{name} in {place} is in compliance again: {in_use} are in use, {owned} are owned.")
    } else {
        format!(
            "{name} in {place} is in compliance again: {in_use} are in use, {owned} are owned and {borrowed} \
             borrowed from higher licenses."
        )
    }
}
