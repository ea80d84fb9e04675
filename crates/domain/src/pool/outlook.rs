//! What a change makes different for pools: now, and at every start and end of a lot that is to come.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use seatpool_proto::{Family, Quantity, Tag, VirtualAccountId};

use super::standing::{Demand, Holding, Standing, lend, standings};
use crate::catalogue::{Catalogue, FamilyEntry};
use crate::lot::Lot;
use crate::workset::Workset;

/// How many instants are told at which something becomes different. What first leaves a licence shorter is told
/// beyond them.
pub const INSTANTS_MAX: usize = 8;

/// Where a licence of a virtual account stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// How many the lots that count hold, less what was moved out of them.
    pub purchased: Quantity,
    /// How many of them the pool may use: those that no reservation holds.
    pub owned: Quantity,
    /// How many are in use, if usage stays as it is.
    pub in_use: Quantity,
    /// How many of them nothing covers.
    pub short: Quantity,
    /// Surplus, or shortage if negative: owned and borrowed, less in use and lent.
    pub balance: i64,
}

/// How a change makes a licence of a virtual account stand otherwise from an instant on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// From when on.
    pub at: Timestamp,
    /// Where.
    pub virtual_account: VirtualAccountId,
    /// The licence.
    pub tag: Tag,
    /// Without the change.
    pub before: Level,
    /// With it.
    pub after: Level,
}

/// What tells one difference from the one before it: by how many, and whether anything is short at all.
type News = ([i128; 4], [bool; 2]);

impl Difference {
    /// Whether more are short with the change than without it.
    pub fn breaks(&self) -> bool {
        self.after.short > self.before.short
    }

    /// Whether the change ends a shortage.
    pub fn mends(&self) -> bool {
        !self.before.short.is_zero() && self.after.short.is_zero()
    }
}

/// What `after` makes different from `before`, soonest first: for each licence whose pool changed, now and at every
/// later start or end of a lot of its family from which on it differs by another figure than before it, if usage stays
/// as it is. At most [`INSTANTS_MAX`] instants, and for each licence the first at which more of it are short.
pub fn differences(
    catalogue: &Catalogue,
    before: &Workset,
    after: &Workset,
    now: Timestamp,
) -> Vec<Difference> {
    let touched = touched(catalogue, before, after);
    let (old, new) = (sides(catalogue, before, &touched), sides(catalogue, after, &touched));
    let mut found = Vec::new();
    for key in touched {
        if let (Some(family), Some(old), Some(new)) = (catalogue.family(key.1), old.get(&key), new.get(&key))
        {
            of_pool(key.0, family, [old, new], now, &mut found);
        }
    }
    found.sort_by_key(|difference| difference.at);
    bounded(found)
}

/// A pool by its place and family.
type Key<'c> = (VirtualAccountId, &'c Family);

/// The pools whose lots or totals differ.
fn touched<'c>(catalogue: &'c Catalogue, before: &Workset, after: &Workset) -> BTreeSet<Key<'c>> {
    let key = |place: VirtualAccountId, tag: &Tag| Some((place, &catalogue.family_of(tag)?.family));
    let lots = after.lots.changes().flat_map(|(id, _, lot)| [before.lots.get(id), lot]).flatten();
    let totals = after.totals.changes().filter_map(|((place, tag), ..)| key(*place, tag));
    lots.filter_map(|lot| key(lot.virtual_account, &lot.tag)).chain(totals).collect()
}

/// One pool without or with the change.
struct Side<'w> {
    lots: Vec<&'w Lot>,
    demands: Vec<Demand>,
}

fn sides<'c, 'w>(
    catalogue: &'c Catalogue,
    facts: &'w Workset,
    touched: &BTreeSet<Key<'c>>,
) -> BTreeMap<Key<'c>, Side<'w>> {
    let side = |key: &Key<'c>| {
        let total = |tag: &Tag| facts.totals.get(&(key.0, tag.clone()));
        let licenses = catalogue.family(key.1).map(|family| family.licenses.iter());
        let demand = |tag| total(tag).map_or_else(Demand::default, Demand::of);
        let demands = licenses.into_iter().flatten().map(|license| demand(&license.tag)).collect();
        (*key, Side { lots: Vec::new(), demands })
    };
    let mut sides: BTreeMap<_, _> = touched.iter().map(side).collect();
    for lot in facts.lots.values() {
        let family = catalogue.family_of(&lot.tag).map(|entry| &entry.family);
        if let Some(side) = family.and_then(|family| sides.get_mut(&(lot.virtual_account, family))) {
            side.lots.push(lot);
        }
    }
    sides
}

/// What a lot gives a tier from an instant on, or no longer gives.
struct Turn {
    with_change: bool,
    tier: usize,
    holding: Holding,
    starts: bool,
}

/// The starts and ends of lots after `now`; what counts already starts at `now`.
fn turns(family: &FamilyEntry, pool: [&Side<'_>; 2], now: Timestamp) -> BTreeMap<Timestamp, Vec<Turn>> {
    let mut turns: BTreeMap<Timestamp, Vec<Turn>> = BTreeMap::from([(now, Vec::new())]);
    for (with_change, side) in [false, true].into_iter().zip(pool) {
        for lot in &side.lots {
            let (start, end) = (lot.term.starts_at.max(now), lot.term.ends_at);
            let Some(tier) = family.tier(&lot.tag).filter(|_| end.is_none_or(|end| end > start)) else {
                continue;
            };
            let mut turn = |at, starts| {
                let turn = Turn { with_change, tier, holding: Holding::of(lot), starts };
                turns.entry(at).or_default().push(turn);
            };
            turn(start, true);
            if let Some(end) = end {
                turn(end, false);
            }
        }
    }
    turns
}

/// Goes through the instants once: what this takes grows with the lots, not with their square.
fn of_pool(
    place: VirtualAccountId,
    family: &FamilyEntry,
    pool: [&Side<'_>; 2],
    now: Timestamp,
    found: &mut Vec<Difference>,
) {
    let tiers = family.licenses.len();
    let [mut without, mut with] = [vec![Holding::default(); tiers], vec![Holding::default(); tiers]];
    let mut told: Vec<Option<News>> = vec![None; tiers];
    for (at, turns) in turns(family, pool, now) {
        for turn in turns {
            let holdings = if turn.with_change { &mut with } else { &mut without };
            if let Some(holding) = holdings.get_mut(turn.tier) {
                *holding = if turn.starts { holding.plus(turn.holding) } else { holding.minus(turn.holding) };
            }
        }
        let old = standings(family, &without, &pool[0].demands);
        let new = standings(family, &with, &pool[1].demands);
        let news: Vec<Option<News>> = old.iter().zip(&new).map(|(old, new)| news(old, new)).collect();
        // Whatever differs now is told, a balance that lends less as well.
        if at == now || news.iter().zip(&told).any(|(news, told)| news.is_some() && news != told) {
            let levels = levels(family, &old).into_iter().zip(levels(family, &new));
            let rows = family.licenses.iter().zip(levels).zip(news.iter().zip(&told));
            found.extend(
                rows.filter(|(_, (news, told))| at == now || (news.is_some() && news != told))
                    .filter(|((_, (before, after)), _)| before != after)
                    .map(|((license, (before, after)), _)| Difference {
                        at,
                        virtual_account: place,
                        tag: license.tag.clone(),
                        before,
                        after,
                    }),
            );
        }
        told = news;
    }
}

/// By how much two standings differ, if they do.
fn news(old: &Standing, new: &Standing) -> Option<News> {
    let by = |of: fn(&Standing) -> Quantity| i128::from(of(new).count()) - i128::from(of(old).count());
    let by = [by(|s| s.owned), by(|s| s.reserved), by(|s| s.in_use), by(|s| s.short)];
    by.iter().any(|by| *by != 0).then(|| (by, [old.short.is_zero(), new.short.is_zero()]))
}

/// Where tiers stand, with what they lend to one another.
fn levels(family: &FamilyEntry, standings: &[Standing]) -> Vec<Level> {
    let (_, loans) = lend(family, standings);
    let signed = |quantity: Quantity| i64::try_from(quantity.count()).unwrap_or(i64::MAX);
    let level = |tier: usize, standing: &Standing, borrowed: &[(usize, Quantity)]| {
        let borrowed: Quantity = borrowed.iter().map(|(_, quantity)| *quantity).sum();
        let lent: Quantity =
            loans.iter().flatten().filter(|(from, _)| *from == tier).map(|(_, quantity)| *quantity).sum();
        let held = signed(standing.owned.plus(borrowed));
        Level {
            purchased: standing.owned.plus(standing.reserved),
            owned: standing.owned,
            in_use: standing.in_use,
            short: standing.short,
            balance: held.saturating_sub(signed(standing.in_use.plus(lent))),
        }
    };
    let rows = standings.iter().zip(&loans).enumerate();
    rows.map(|(tier, (standing, borrowed))| level(tier, standing, borrowed)).collect()
}

/// The first instants, and beyond them what first leaves a licence shorter.
fn bounded(found: Vec<Difference>) -> Vec<Difference> {
    let mut instants = BTreeSet::new();
    let mut broken = BTreeSet::new();
    let mut kept = Vec::new();
    for difference in found {
        instants.insert(difference.at);
        let breaks_first =
            difference.breaks() && broken.insert((difference.virtual_account, difference.tag.clone()));
        if instants.len() <= INSTANTS_MAX || breaks_first {
            kept.push(difference);
        }
    }
    kept
}
