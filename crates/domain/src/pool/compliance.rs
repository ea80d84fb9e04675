//! Deciding a pool anew after its totals or lots changed, and saying so when a licence goes short or is
//! covered again.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use seatpool_proto::{Family, ProductInstanceId, Quantity, Tag, VirtualAccountId};

use super::standing::{Demand, holdings, standings};
use super::{PoolTotal, Standing};
use crate::catalogue::{Catalogue, FamilyEntry, LicenseEntry};
use crate::command::{By, Context};
use crate::event::{Event, EventKind};
use crate::history::{Span, UsageSpan};
use crate::workset::Workset;

/// Pools that a command changed and that are to be decided anew, each once, with the tags whose lots changed.
#[derive(Default)]
pub(crate) struct FamiliesIn(BTreeMap<(VirtualAccountId, Family), BTreeSet<Tag>>);

impl FamiliesIn {
    /// Adds one pool.
    fn add(&mut self, virtual_account: VirtualAccountId, family: &FamilyEntry) {
        self.0.entry((virtual_account, family.family.clone())).or_default();
    }

    /// Adds the pool of a tag whose lots there changed.
    pub(crate) fn add_lots(&mut self, virtual_account: VirtualAccountId, tag: &Tag, catalogue: &Catalogue) {
        if let Some(family) = catalogue.family_of(tag) {
            self.0.entry((virtual_account, family.family.clone())).or_default().insert(tag.clone());
        }
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
        for ((virtual_account, family), lots_of) in &self.0 {
            if let Some(family) = context.catalogue.family(family) {
                decide(*virtual_account, family, lots_of, by, workset, context);
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

/// Decides one pool whose lots did not change. Returns where each tier stands, from the top.
pub(crate) fn reassess(
    virtual_account: VirtualAccountId,
    family: &FamilyEntry,
    by: &By,
    workset: &mut Workset,
    context: &Context<'_>,
) -> Vec<Standing> {
    decide(virtual_account, family, &BTreeSet::new(), by, workset, context)
}

/// Decides one pool: the only place where shortage, its beginning and the run's highest change, and where the
/// usage history is kept.
fn decide(
    virtual_account: VirtualAccountId,
    family: &FamilyEntry,
    lots_of: &BTreeSet<Tag>,
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
    let is_known: Vec<bool> = totals.iter().map(Option::is_some).collect();

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
    remember(virtual_account, family, lots_of, &standings, &is_known, workset, context.now);
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

/// Keeps where the tiers stand in the usage history, if what the pool uses or owns changed.
fn remember(
    virtual_account: VirtualAccountId,
    family: &FamilyEntry,
    lots_of: &BTreeSet<Tag>,
    standings: &[Standing],
    is_known: &[bool],
    workset: &mut Workset,
    now: Timestamp,
) {
    let is_used =
        |license: &LicenseEntry| workset.totals.has_changed(&(virtual_account, license.tag.clone()));
    if lots_of.is_empty() && !family.licenses.iter().any(is_used) {
        return;
    }
    for ((license, standing), is_known) in family.licenses.iter().zip(standings).zip(is_known) {
        let stands = [standing.owned, standing.in_use, standing.short].iter().any(|figure| !figure.is_zero());
        if stands || *is_known || lots_of.contains(&license.tag) {
            workset.remember(UsageSpan {
                virtual_account,
                tag: license.tag.clone(),
                starts_at: Span::Hour.start_of(now),
                span: Span::Hour,
                in_use_high: standing.in_use,
                in_use: standing.in_use,
                short_high: standing.short,
                short: standing.short,
                owned: standing.owned,
            });
        }
    }
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
