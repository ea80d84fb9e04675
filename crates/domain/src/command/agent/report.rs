//! Usage reports: what counts, what it changes in the pools, and what each tag is told.

use jiff::Timestamp;
use seatpool_proto::message::{AuthorizationRequest, AuthorizationStatus, TagAnswer, TagStatus};
use seatpool_proto::{ProductInstanceId, Quantity, Tag};

use super::super::{By, Context};
use super::figures::{Figures, Row, Verdict};
use crate::catalogue::FamilyEntry;
use crate::instance::Usage;
use crate::pool::{self, Share, Standing};
use crate::workset::Workset;

/// What an instance is told of its tags.
pub(super) struct Answered {
    pub(super) status: AuthorizationStatus,
    pub(super) tags: Vec<TagAnswer>,
}

/// Every tag that a report names.
pub(super) fn tags(report: &AuthorizationRequest) -> impl Iterator<Item = &Tag> {
    let tiers = report.families.iter().flat_map(|family| family.tiers.iter().map(|tier| &tier.tag));
    report.usage.iter().map(|usage| &usage.tag).chain(tiers)
}

/// Puts a report in the place of the instance's last one and decides the pools that either touches. It counts
/// from now on, even if the authorization had ended.
pub(super) fn take(
    id: ProductInstanceId,
    figures: Figures<'_>,
    reported_at: Timestamp,
    by: &By,
    workset: &mut Workset,
    context: &Context<'_>,
) -> Answered {
    let catalogue = context.catalogue;
    let Some(instance) = workset.instances.get_mut(&id) else { return Answered::nothing() };
    let virtual_account = instance.virtual_account;
    let was_counted = core::mem::replace(&mut instance.counted, true);
    let before: Vec<Usage> = workset.usage_of(id).cloned().collect();
    let mut pools = Pools::default();

    for row in &figures.rows {
        pools.add(row.family);
        let usage = row.usage(id, reported_at);
        let old = before.iter().find(|old| was_counted && old.tag == usage.tag);
        let old = old.map_or_else(Share::default, |old| Share::of(old, row.license));
        pool::count(workset, virtual_account, &usage, &old, &Share::of(&usage, row.license));
        workset.usage.insert((id, usage.tag.clone()), usage);
    }
    for old in before {
        if figures.rows.iter().any(|row| row.license.tag == old.tag) {
            continue;
        }
        if let (Some(family), Some(license)) = (catalogue.family_of(&old.tag), catalogue.license(&old.tag)) {
            pools.add(family);
            if was_counted {
                let share = Share::of(&old, license);
                pool::count(workset, virtual_account, &old, &share, &Share::default());
            }
        }
        workset.usage.delete(&(id, old.tag));
    }

    let decided = pools.decide(virtual_account, by, workset, context);
    let tags = figures.asked.iter().map(|(tag, verdict)| match verdict {
        Verdict::Counted(row) => figures
            .rows
            .get(*row)
            .and_then(|row| decided.answer(row))
            .unwrap_or_else(|| untold(tag, TagStatus::InvalidTag)),
        Verdict::InvalidTag => untold(tag, TagStatus::InvalidTag),
        Verdict::NotApplicable => untold(tag, TagStatus::NotApplicable),
    });
    let uses = figures.rows.iter().any(Row::is_in_use);
    Answered::of(tags.collect(), uses)
}

/// Answers from what was last reported; it counts again if the authorization had ended.
pub(super) fn renew(
    id: ProductInstanceId,
    by: &By,
    workset: &mut Workset,
    context: &Context<'_>,
) -> Answered {
    let Some(instance) = workset.instances.get_mut(&id) else { return Answered::nothing() };
    let virtual_account = instance.virtual_account;
    if !core::mem::replace(&mut instance.counted, true) {
        pool::join(workset, context.catalogue, id);
    }
    let rows: Vec<Row<'_>> =
        workset.usage_of(id).filter_map(|usage| Row::stored(usage, context.catalogue)).collect();
    let mut pools = Pools::default();
    for row in &rows {
        pools.add(row.family);
    }
    let decided = pools.decide(virtual_account, by, workset, context);
    let tags = rows.iter().filter_map(|row| decided.answer(row)).collect();
    Answered::of(tags, rows.iter().any(Row::is_in_use))
}

impl Answered {
    fn nothing() -> Self {
        Self { status: AuthorizationStatus::NoLicensesInUse, tags: Vec::new() }
    }

    /// The instance shows the worst of its tags. `uses`: whether any of them that counts is in use.
    fn of(tags: Vec<TagAnswer>, uses: bool) -> Self {
        let status = if tags.iter().any(|tag| tag.status == TagStatus::OutOfCompliance) {
            AuthorizationStatus::OutOfCompliance
        } else if uses {
            AuthorizationStatus::Authorized
        } else {
            AuthorizationStatus::NoLicensesInUse
        };
        Self { status, tags }
    }
}

/// The families that a report is about, each once.
#[derive(Default)]
struct Pools<'c>(Vec<&'c FamilyEntry>);

impl<'c> Pools<'c> {
    fn add(&mut self, family: &'c FamilyEntry) {
        if !self.0.iter().any(|known| known.family == family.family) {
            self.0.push(family);
        }
    }

    fn decide(
        self,
        virtual_account: seatpool_proto::VirtualAccountId,
        by: &By,
        workset: &mut Workset,
        context: &Context<'_>,
    ) -> Decided<'c> {
        let decide =
            |family: &'c FamilyEntry| (family, pool::reassess(virtual_account, family, by, workset, context));
        Decided(self.0.into_iter().map(decide).collect())
    }
}

/// Where every tier of those families stands.
struct Decided<'c>(Vec<(&'c FamilyEntry, Vec<Standing>)>);

impl Decided<'_> {
    /// Only who uses a tag is told of its shortage (behaviour.md, "Pools"); a licence that must be present is
    /// used by whoever names it.
    fn answer(&self, row: &Row<'_>) -> Option<TagAnswer> {
        let (_, standings) = self.0.iter().find(|(family, _)| family.family == row.family.family)?;
        let standing = standings.get(row.tier)?;
        let status = if !row.is_in_use() && !row.license.required_present {
            TagStatus::NotInUse
        } else if standing.short.is_zero() {
            TagStatus::InCompliance
        } else {
            TagStatus::OutOfCompliance
        };
        let short = if status == TagStatus::OutOfCompliance { standing.short } else { Quantity::ZERO };
        Some(TagAnswer {
            tag: row.license.tag.clone(),
            status,
            owned: standing.owned,
            in_use: standing.in_use,
            short,
            explanation: None,
        })
    }
}

/// A tag that is not counted.
fn untold(tag: &Tag, status: TagStatus) -> TagAnswer {
    TagAnswer {
        tag: tag.clone(),
        status,
        owned: Quantity::ZERO,
        in_use: Quantity::ZERO,
        short: Quantity::ZERO,
        explanation: None,
    }
}
