//! One licence of one virtual account, explained.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use seatpool_proto::{Quantity, Tag};

use super::{Coming, Event, Explanation, License, Mend, Place, Reason, Status, User, mend};
use crate::catalogue::{FamilyEntry, LicenseEntry};
use crate::lot::{DeclarationState, Lot};
use crate::pool::{PoolTotal, TierView, assess};

/// How many starts and ends of lots are told.
const COMING_MAX: usize = 5;
/// How many renewals are proposed.
const RENEWALS_MAX: usize = 3;
/// How long after its end a lot's renewal is still proposed: a year's contract is renewed late, not years late.
const RENEWABLE_DAYS: i64 = 90;

/// What one virtual account owns and uses; lots and totals of other families are passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stock {
    /// The virtual account.
    pub place: Place,
    /// Its lots.
    pub lots: Vec<Lot>,
    /// What its instances use.
    pub totals: Vec<PoolTotal>,
}

impl Stock {
    /// Where each tier of `family` stands at `at`, if usage stays as it is.
    pub(super) fn tiers(&self, family: &FamilyEntry, at: Timestamp) -> Vec<TierView> {
        assess(family, &self.lots, &self.totals, at)
    }

    /// The instants after `now` at which lots of these tags start or end.
    pub(super) fn turns<'a>(
        &self,
        tags: impl Iterator<Item = &'a Tag> + Clone,
        now: Timestamp,
    ) -> BTreeSet<Timestamp> {
        self.lots
            .iter()
            .filter(|lot| tags.clone().any(|tag| *tag == lot.tag) && !lot.movable().is_zero())
            .flat_map(|lot| [Some(lot.term.starts_at), lot.term.ends_at])
            .flatten()
            .filter(|at| *at > now)
            .collect()
    }

    pub(super) fn total(&self, tag: &Tag) -> Option<&PoolTotal> {
        self.totals.iter().find(|total| total.tag == *tag)
    }
}

/// What a pool's explanation is made from.
#[derive(Clone, Debug)]
pub struct PoolFacts<'a> {
    /// The family.
    pub family: &'a FamilyEntry,
    /// The virtual account.
    pub here: &'a Stock,
    /// Other virtual accounts of the smart account that whoever reads this may take from.
    pub elsewhere: &'a [Stock],
    /// Others that it sees and may not take from: for a move from there somebody else is asked.
    pub seen: &'a [Stock],
    /// Whether `elsewhere` and `seen` are all that there are: otherwise what is still short is to be moved or ordered.
    pub all_known: bool,
    /// Who uses most of the licence, most first; empty where that is not known.
    pub users: Vec<User>,
    /// The present time.
    pub now: Timestamp,
}

pub(super) fn license(entry: &LicenseEntry) -> License {
    License::new(entry.tag.clone(), &entry.name)
}

/// Explains the licence `tag` of the family; nothing if the family does not have it.
pub fn pool(facts: &PoolFacts<'_>, tag: &Tag) -> Option<Explanation> {
    let family = facts.family;
    let tier = family.tier(tag)?;
    let entry = family.licenses.get(tier)?;
    let tiers = facts.here.tiers(family, facts.now);
    let view = tiers.get(tier)?;
    let total = facts.here.total(tag);
    let needed = total.is_some_and(|total| total.instances > 0);

    let status = if !view.short.is_zero() {
        Status::OutOfCompliance
    } else if !view.borrowed_from.is_empty() {
        Status::Borrowing
    } else if view.in_use.is_zero() && !(entry.required_present && needed) {
        Status::NotInUse
    } else {
        Status::InCompliance
    };
    let next = coming(facts, tier, view);
    let what_to_do = what_to_do(facts, tier, view, &next);
    Some(Explanation {
        status,
        why: reasons(facts, tier, entry, &tiers),
        since: if status == Status::OutOfCompliance { view.short_since } else { None },
        next,
        what_to_do,
    })
}

fn reasons(facts: &PoolFacts<'_>, tier: usize, entry: &LicenseEntry, tiers: &[TierView]) -> Vec<Reason> {
    let Some(view) = tiers.get(tier) else { return Vec::new() };
    let total = facts.here.total(&entry.tag);
    let instances = total.map_or(0, |total| total.instances);
    let named = |tag: &Tag| {
        let entry = facts.family.licenses.iter().find(|license| license.tag == *tag);
        entry.map_or_else(|| License::new(tag.clone(), tag.as_str()), license)
    };
    let borrowed: Quantity = view.borrowed_from.iter().map(|(_, quantity)| *quantity).sum();
    let (in_use, owned, short) = (view.in_use, view.owned, view.short);

    let mut why = vec![if entry.required_present {
        match (instances, short.is_zero()) {
            (0, _) => Reason::Unused { owned },
            (_, true) => Reason::Present { owned },
            (_, false) => Reason::Missing { instances },
        }
    } else if !short.is_zero() {
        Reason::Short { in_use, owned, borrowed, short }
    } else if in_use.is_zero() {
        Reason::Unused { owned }
    } else {
        Reason::Covered { in_use, owned }
    }];
    for (from, quantity) in &view.borrowed_from {
        why.push(Reason::Borrowed { from: named(from), quantity: *quantity });
    }
    for lower in tiers.iter().skip(tier + 1) {
        if let Some((_, quantity)) = lower.borrowed_from.iter().find(|(from, _)| *from == entry.tag) {
            why.push(Reason::Lent { to: named(&lower.tag), quantity: *quantity });
        }
    }
    if let Some(locked) = total.filter(|total| total.locked_instances > 0) {
        let actual = actual(facts, tier);
        if in_use > actual {
            why.push(Reason::Locked { held: in_use, actual, instances: locked.locked_instances });
        }
    }
    let declared: Quantity = facts
        .here
        .lots
        .iter()
        .filter(|lot| lot.tag == entry.tag && is_declared(lot, DeclarationState::Declared))
        .map(|lot| lot.usable(facts.now))
        .sum();
    if !declared.is_zero() {
        why.push(Reason::Declared { quantity: declared });
    }
    if !view.reserved.is_zero() {
        why.push(Reason::Reserved { quantity: view.reserved });
    }
    if !short.is_zero() && !facts.users.is_empty() {
        why.push(Reason::MostUsed { by: facts.users.clone(), instances });
    }
    why
}

/// Whether the customer declared a lot, and its declaration stands so.
fn is_declared(lot: &Lot, state: DeclarationState) -> bool {
    lot.declaration.as_ref().is_some_and(|declaration| declaration.state == state)
}

/// What instances use of this tier alone, locked usage left aside.
fn actual(facts: &PoolFacts<'_>, tier: usize) -> Quantity {
    let down_to = |entry: &LicenseEntry| {
        facts.here.total(&entry.tag).map_or(Quantity::ZERO, |total| total.cumulative_peak)
    };
    let shared = |entry: &&LicenseEntry| !entry.required_present;
    let above = facts.family.licenses.iter().take(tier).filter(shared).map(down_to).max();
    facts.family.licenses.get(tier).map_or(Quantity::ZERO, down_to).minus(above.unwrap_or_default())
}

/// Every coming start and end of lots that belongs to the licence, or that changes how many of it are short.
fn coming(facts: &PoolFacts<'_>, tier: usize, view: &TierView) -> Vec<Coming> {
    let (family, here) = (facts.family, facts.here);
    let mut next = Vec::new();
    if !view.short.is_zero() {
        next.push(Coming { what: Event::Told, at: None });
    }
    if here.total(&view.tag).is_some_and(|total| total.locked_instances > 0) {
        next.push(Coming { what: Event::Unlocked, at: None });
    }
    let serving = mend::serving(family, tier);
    let mut short_before = view.short;
    for at in here.turns(serving.iter().map(|(_, entry)| &entry.tag), facts.now) {
        let short = here.tiers(family, at).get(tier).map_or(Quantity::ZERO, |view| view.short);
        for (_, entry) in &serving {
            let turning = |is: &dyn Fn(&Lot) -> bool| -> Quantity {
                here.lots.iter().filter(|lot| lot.tag == entry.tag && is(lot)).map(Lot::movable).sum()
            };
            let told = entry.tag == view.tag || short != short_before;
            let ending = turning(&|lot| lot.term.ends_at == Some(at));
            if told && !ending.is_zero() {
                let what = Event::LotsEnd { license: license(entry), quantity: ending, short };
                next.push(Coming { what, at: Some(at) });
            }
            let starting = turning(&|lot| lot.term.starts_at == at);
            if told && !starting.is_zero() {
                let what = Event::LotsStart { license: license(entry), quantity: starting, short };
                next.push(Coming { what, at: Some(at) });
            }
        }
        short_before = short;
        if next.len() >= COMING_MAX {
            break;
        }
    }
    next.truncate(COMING_MAX);
    next
}

fn what_to_do(facts: &PoolFacts<'_>, tier: usize, view: &TierView, next: &[Coming]) -> Vec<Mend> {
    let Some(entry) = facts.family.licenses.get(tier) else { return Vec::new() };
    let mut mends = Vec::new();
    let mut left = view.short;
    if !left.is_zero() {
        let (license, place) = (license(entry), facts.here.place.clone());
        let moves = mend::moves(facts, tier, view);
        left = left.minus(moves.iter().map(|(_, step)| step.quantity).sum());
        mends.extend(
            moves.into_iter().map(|(asks, step)| if asks { Mend::Ask(step) } else { Mend::Move(step) }),
        );
        if !left.is_zero() {
            mends.push(if facts.all_known {
                Mend::Order { license, quantity: left, place }
            } else {
                Mend::Obtain { license, quantity: left, place }
            });
        }
    }
    // What ended lately, while something is short; and what will end and leave something short.
    let first_harm = next.iter().find_map(|coming| match &coming.what {
        Event::LotsEnd { license, short, .. } if license.id == view.tag && *short > view.short => coming.at,
        _ => None,
    });
    let renewable_since = facts.now.checked_sub(SignedDuration::from_hours(24 * RENEWABLE_DAYS)).ok();
    let late = |end: Timestamp| {
        !left.is_zero() && end <= facts.now && renewable_since.is_none_or(|since| end > since)
    };
    let mut lots: Vec<(Timestamp, &Lot)> = facts
        .here
        .lots
        .iter()
        .filter(|lot| lot.tag == view.tag && !lot.movable().is_zero())
        .filter(|lot| !is_declared(lot, DeclarationState::Rejected))
        .filter_map(|lot| Some((lot.term.ends_at?, lot)))
        .filter(|(end, _)| late(*end) || Some(*end) == first_harm)
        .collect();
    lots.sort_by_key(|(end, lot)| (core::cmp::Reverse(*end), lot.id));
    mends.extend(lots.into_iter().take(RENEWALS_MAX).map(|(ends_at, lot)| Mend::Renew {
        lot: lot.id,
        license: license(entry),
        quantity: lot.quantity,
        ends_at,
    }));
    mends
}
