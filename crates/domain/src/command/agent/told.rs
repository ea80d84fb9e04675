//! What an answer tells of a tag that is not plainly in compliance: the explanation that people see in the portal, too.

use jiff::{SignedDuration, Timestamp};
use seatpool_proto::VirtualAccountId;
use seatpool_proto::limits::EXPLAINED_TAGS_MAX;
use seatpool_proto::message::{TagAnswer, TagComing, TagExplanation, TagStatus};

use super::Context;
use crate::catalogue::FamilyEntry;
use crate::explain::{self, Event, Explanation, Place, PoolFacts, Status, Stock};
use crate::workset::Workset;

/// A shortage to come is told so long before.
const TOLD_BEFORE_DAYS: i64 = 30;

/// Adds to every tag that is in use and not plainly in compliance why it stands so, to as many as an answer may carry.
pub(super) fn explain(
    tags: &mut [TagAnswer],
    virtual_account: VirtualAccountId,
    workset: &Workset,
    context: &Context<'_>,
) {
    let explained = tags.iter_mut().filter_map(|tag| {
        let explanation = of_tag(tag, virtual_account, workset, context)?;
        Some((tag, explanation))
    });
    for (tag, explanation) in explained.take(EXPLAINED_TAGS_MAX) {
        tag.explanation = Some(explanation);
    }
}

fn of_tag(
    tag: &TagAnswer,
    virtual_account: VirtualAccountId,
    workset: &Workset,
    context: &Context<'_>,
) -> Option<TagExplanation> {
    if !matches!(tag.status, TagStatus::InCompliance | TagStatus::OutOfCompliance) {
        return None;
    }
    let family = context.catalogue.family_of(&tag.tag)?;
    let soon = context.now.checked_add(SignedDuration::from_hours(24 * TOLD_BEFORE_DAYS)).ok()?;
    if !is_remarkable(tag, family, virtual_account, soon, workset) {
        return None;
    }
    let of_family = |tag| family.tier(tag).is_some();
    let here = Stock {
        place: Place::new(virtual_account, workset.name_of(virtual_account)),
        lots: workset
            .lots
            .values()
            .filter(|lot| lot.virtual_account == virtual_account && of_family(&lot.tag))
            .cloned()
            .collect(),
        totals: workset
            .totals
            .values()
            .filter(|total| total.virtual_account == virtual_account && of_family(&total.tag))
            .cloned()
            .collect(),
    };
    // What other virtual accounts own, and who else uses the licence, is not an instance's to know.
    let facts = PoolFacts {
        family,
        here: &here,
        elsewhere: &[],
        seen: &[],
        all_known: false,
        users: Vec::new(),
        now: context.now,
    };
    let mut explanation = explain::pool(&facts, &tag.tag)?;
    explanation.next.retain(|coming| coming.what != Event::Told);
    is_worth_telling(&explanation, soon).then(|| lines(&explanation))
}

/// Whether an explanation may say more than that enough are owned: told from what is at hand, so that an answer of
/// a pool in order costs nothing.
fn is_remarkable(
    tag: &TagAnswer,
    family: &FamilyEntry,
    virtual_account: VirtualAccountId,
    soon: Timestamp,
    workset: &Workset,
) -> bool {
    let total = workset.totals.get(&(virtual_account, tag.tag.clone()));
    tag.status == TagStatus::OutOfCompliance
        || tag.in_use > tag.owned
        || total.is_some_and(|total| total.locked_instances > 0)
        || workset.lots.values().any(|lot| {
            lot.virtual_account == virtual_account
                && lot.term.ends_at.is_some_and(|end| end <= soon)
                && family.tier(&lot.tag).is_some()
        })
}

fn is_worth_telling(explanation: &Explanation, soon: Timestamp) -> bool {
    let harm = explanation.next.iter().any(|coming| match &coming.what {
        Event::LotsEnd { short, .. } => !short.is_zero() && coming.at.is_some_and(|at| at <= soon),
        Event::Unlocked => true,
        _ => false,
    });
    harm || matches!(explanation.status, Status::OutOfCompliance | Status::Borrowing)
}

fn lines(explanation: &Explanation) -> TagExplanation {
    let told = explanation.told();
    TagExplanation {
        why: told.why.iter().map(ToString::to_string).collect(),
        since: told.since,
        next: told.next.iter().map(|next| TagComing { what: next.what.to_string(), at: next.at }).collect(),
        what_to_do: told.what_to_do.iter().map(ToString::to_string).collect(),
    }
    .shortened()
}
