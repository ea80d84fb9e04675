//! Which licences another virtual account can spare, and which of them mend a shortage.
//!
//! A move is proposed only if it lessens the shortage by as much as it moves, and makes no tier of its source
//! shorter: at no known start or end of a lot if that is possible, now in any case.

use std::collections::BTreeMap;

use jiff::Timestamp;
use seatpool_proto::{LotId, Quantity, Tag};

use super::pool::{PoolFacts, Stock, license};
use super::{Figures, Move};
use crate::catalogue::{FamilyEntry, LicenseEntry};
use crate::lot::Lot;
use crate::pool::TierView;

/// The tiers whose licences can serve `tier`: itself, then the higher ones from the nearest; a licence that must
/// be owned is served by itself alone.
pub(super) fn serving(family: &FamilyEntry, tier: usize) -> Vec<(usize, &LicenseEntry)> {
    let alone = family.licenses.get(tier).is_some_and(|entry| entry.required_present);
    let serves =
        |(position, entry): &(usize, &LicenseEntry)| *position == tier || !(alone || entry.required_present);
    family.licenses.iter().enumerate().take(tier + 1).rev().filter(serves).collect()
}

/// How many of one tier could leave without any tier of the pool becoming shorter: with S, O and D as in
/// behaviour.md ("Pools"), the least of S(i) + O(i) − D(i) over this tier and those below it.
fn slack(family: &FamilyEntry, stock: &Stock, tier: usize, tiers: &[TierView]) -> Quantity {
    let Some(entry) = family.licenses.get(tier) else { return Quantity::ZERO };
    let owned_here = tiers.get(tier).map_or(Quantity::ZERO, |view| view.owned);
    if entry.required_present {
        let needed = stock.total(&entry.tag).is_some_and(|total| total.instances > 0);
        return owned_here.minus(Quantity::of(u64::from(needed)));
    }
    let (mut owned, mut in_use, mut short) = (Quantity::ZERO, Quantity::ZERO, Quantity::ZERO);
    let mut least = owned_here;
    let shared = family.licenses.iter().zip(tiers).enumerate().filter(|(_, (e, _))| !e.required_present);
    for (position, (_, view)) in shared {
        owned = owned.plus(view.owned);
        in_use = in_use.plus(view.in_use);
        short = short.plus(view.short);
        if position >= tier {
            least = least.min(short.plus(owned).minus(in_use));
        }
    }
    least
}

/// How many of `tag` the pool can spare now.
fn spare_of(family: &FamilyEntry, stock: &Stock, tag: &Tag, now: Timestamp) -> Quantity {
    family.tier(tag).map_or(Quantity::ZERO, |tier| slack(family, stock, tier, &stock.tiers(family, now)))
}

/// The figures that a move of `moved` for the sake of `short` is worked out from, as they are now.
pub(crate) fn figures(
    family: &FamilyEntry,
    here: &Stock,
    short: &Tag,
    source: &Stock,
    moved: &Tag,
    now: Timestamp,
) -> Option<Figures> {
    let target = here.tiers(family, now);
    let target = target.get(family.tier(short)?)?;
    let source_tiers = source.tiers(family, now);
    Some(Figures {
        owned: target.owned,
        in_use: target.in_use,
        short: target.short,
        source_owned: source_tiers.get(family.tier(moved)?)?.owned,
        source_spare: spare_of(family, source, moved, now),
    })
}

/// A source as it is and as it becomes.
struct Source<'a> {
    before: &'a Stock,
    after: Stock,
    /// Whether somebody else has to be asked for what it can spare.
    asks: bool,
}

/// What to move so that the licence of `tier` is less short, at best not at all: first what whoever reads this may move,
/// then what somebody else has to be asked for.
pub(super) fn moves(facts: &PoolFacts<'_>, tier: usize, view: &TierView) -> Vec<(bool, Move)> {
    let of_family = |stock: &Stock| Stock {
        place: stock.place.clone(),
        lots: stock.lots.iter().filter(|lot| facts.family.tier(&lot.tag).is_some()).cloned().collect(),
        totals: stock.totals.clone(),
    };
    let mut here = of_family(facts.here);
    let own = facts.elsewhere.iter().map(|stock| (false, stock));
    let mut sources: Vec<Source<'_>> = own
        .chain(facts.seen.iter().map(|stock| (true, stock)))
        .filter(|(_, stock)| stock.place.id != here.place.id)
        .map(|(asks, before)| Source { before, after: of_family(before), asks })
        .collect();
    let mut left = view.short;
    let mut taken: BTreeMap<(usize, usize), Vec<(LotId, Quantity)>> = BTreeMap::new();
    let mut order: Vec<(usize, usize)> = Vec::new();
    for (asks, careful) in [(false, true), (false, false), (true, true), (true, false)] {
        for (from_tier, entry) in serving(facts.family, tier) {
            let mut ranked: Vec<(Quantity, usize)> = sources
                .iter()
                .enumerate()
                .filter(|(_, source)| source.asks == asks)
                .map(|(index, source)| (spare_of(facts.family, &source.after, &entry.tag, facts.now), index))
                .filter(|(spare, _)| !spare.is_zero())
                .collect();
            ranked.sort_by_key(|(spare, index)| (core::cmp::Reverse(*spare), *index));
            for (_, index) in ranked {
                let Some(source) = sources.get_mut(index) else { continue };
                let parts = take(facts, tier, from_tier, careful, &mut left, &mut source.after, &mut here);
                if parts.is_empty() {
                    continue;
                }
                let key = (index, from_tier);
                if !order.contains(&key) {
                    order.push(key);
                }
                let known = taken.entry(key).or_default();
                for (lot, quantity) in parts {
                    match known.iter_mut().find(|(id, _)| *id == lot) {
                        Some((_, sum)) => *sum = sum.plus(quantity),
                        None => known.push((lot, quantity)),
                    }
                }
            }
        }
    }
    order
        .into_iter()
        .filter_map(|key| {
            let source = sources.get(key.0)?;
            let lots = taken.remove(&key)?;
            let step = proposal(facts, view, facts.family.licenses.get(key.1)?, source, lots)?;
            Some((source.asks, step))
        })
        .collect()
}

/// Takes what one source can give of one tier, lots that last longest first.
fn take(
    facts: &PoolFacts<'_>,
    tier: usize,
    from_tier: usize,
    careful: bool,
    left: &mut Quantity,
    source: &mut Stock,
    here: &mut Stock,
) -> Vec<(LotId, Quantity)> {
    let (family, now) = (facts.family, facts.now);
    let Some(entry) = family.licenses.get(from_tier) else { return Vec::new() };
    let mut lots: Vec<Lot> =
        source.lots.iter().filter(|l| l.tag == entry.tag && !l.usable(now).is_zero()).cloned().collect();
    lots.sort_by_key(|lot| (core::cmp::Reverse(lot.term.ends_at.unwrap_or(Timestamp::MAX)), lot.id));
    let turns = source.turns(family.licenses.iter().map(|license| &license.tag), now);
    let mut parts = Vec::new();
    for lot in lots {
        if left.is_zero() {
            break;
        }
        let spare_at = |at| slack(family, source, from_tier, &source.tiers(family, at));
        let mut most = lot.usable(now).min(*left).min(spare_at(now));
        if careful {
            for at in turns.iter().filter(|at| lot.term.contains(**at)) {
                most = most.min(spare_at(*at));
            }
        }
        if most.is_zero() {
            continue;
        }
        let part = Lot {
            virtual_account: here.place.id,
            quantity: most,
            reserved: Quantity::ZERO,
            moved_out: Quantity::ZERO,
            ..lot.clone()
        };
        // Where a higher tier is short too, its own licences serve it first: then this move mends less than it moves.
        let short = |stock: &Stock| stock.tiers(family, now).get(tier).map_or(Quantity::ZERO, |v| v.short);
        let before = short(here);
        here.lots.push(part);
        if before.minus(short(here)) != most {
            here.lots.pop();
            continue;
        }
        if let Some(row) = source.lots.iter_mut().find(|row| row.id == lot.id) {
            row.quantity = row.quantity.minus(most);
        }
        *left = left.minus(most);
        parts.push((lot.id, most));
    }
    parts
}

fn proposal(
    facts: &PoolFacts<'_>,
    view: &TierView,
    moved: &LicenseEntry,
    source: &Source<'_>,
    lots: Vec<(LotId, Quantity)>,
) -> Option<Move> {
    let (family, now) = (facts.family, facts.now);
    let mended = family.licenses.iter().find(|entry| entry.tag == view.tag)?;
    let short_at = |stock: &Stock, at: Timestamp| -> Quantity {
        stock.tiers(family, at).iter().map(|tier| tier.short).sum()
    };
    let turns = source.before.turns(family.licenses.iter().map(|license| &license.tag), now);
    Some(Move {
        from: source.before.place.clone(),
        to: facts.here.place.clone(),
        license: license(moved),
        quantity: lots.iter().map(|(_, quantity)| *quantity).sum(),
        lots,
        mends: license(mended),
        figures: figures(family, facts.here, &view.tag, source.before, &moved.tag, now)?,
        source_short_at: turns
            .into_iter()
            .find(|at| short_at(&source.after, *at) > short_at(source.before, *at)),
    })
}
