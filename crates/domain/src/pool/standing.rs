//! Where each tier of a pool stands: owned, in use, short, borrowed.

use jiff::Timestamp;
use seatpool_proto::{Quantity, Tag};

use super::{PoolTotal, Tier, shortages};
use crate::catalogue::FamilyEntry;
use crate::lot::Lot;

/// One tier of a pool as people look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TierView {
    /// The licence.
    pub tag: Tag,
    /// What the pool may use now: lots that count, less what is reserved or moved out of them.
    pub owned: Quantity,
    /// What reservations hold of the lots that count.
    pub reserved: Quantity,
    /// Demand of this tier alone, as the pool is held to it (locked usage included).
    pub in_use: Quantity,
    /// How many of `owned` are free: neither used by this tier nor lent to a lower one.
    pub available: Quantity,
    /// How many of `in_use` nothing covers.
    pub short: Quantity,
    /// Since when any are short, as last decided.
    pub short_since: Option<Timestamp>,
    /// Which higher tiers cover what this tier lacks, nearest first, with how many.
    pub borrowed_from: Vec<(Tag, Quantity)>,
}

/// Looks at one pool: a family with the lots and totals of one virtual account (those of other families are
/// passed over).
pub fn assess<'a>(
    family: &FamilyEntry,
    lots: impl IntoIterator<Item = &'a Lot>,
    totals: impl IntoIterator<Item = &'a PoolTotal>,
    now: Timestamp,
) -> Vec<TierView> {
    let holdings = holdings(family, lots, now);
    let mut of_tier: Vec<Option<&PoolTotal>> = vec![None; family.licenses.len()];
    for total in totals {
        if let Some(slot) = family.tier(&total.tag).and_then(|tier| of_tier.get_mut(tier)) {
            *slot = Some(total);
        }
    }
    let demands: Vec<Demand> =
        of_tier.iter().map(|total| total.map_or_else(Demand::default, Demand::of)).collect();
    let standings = standings(family, &holdings, &demands);
    let (free, loans) = lend(family, &standings);

    let tiers = family.licenses.iter().zip(standings).zip(free).zip(loans).zip(of_tier);
    tiers
        .map(|((((license, standing), available), loans), total)| TierView {
            tag: license.tag.clone(),
            owned: standing.owned,
            reserved: standing.reserved,
            in_use: standing.in_use,
            available,
            short: standing.short,
            short_since: total.and_then(|total| total.short_since),
            borrowed_from: loans
                .into_iter()
                .filter_map(|(from, quantity)| Some((family.licenses.get(from)?.tag.clone(), quantity)))
                .collect(),
        })
        .collect()
}

/// What lots give a tier.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Holding {
    owned: Quantity,
    reserved: Quantity,
}

impl Holding {
    /// What a lot gives while it counts.
    pub(crate) fn of(lot: &Lot) -> Self {
        Self { owned: lot.movable(), reserved: lot.reserved }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self { owned: self.owned.plus(other.owned), reserved: self.reserved.plus(other.reserved) }
    }

    pub(crate) fn minus(self, other: Self) -> Self {
        Self { owned: self.owned.minus(other.owned), reserved: self.reserved.minus(other.reserved) }
    }
}

/// What instances want of a tier and all above it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Demand {
    pub(crate) cumulative: Quantity,
    pub(crate) instances: u64,
}

impl Demand {
    pub(crate) fn of(total: &PoolTotal) -> Self {
        Self { cumulative: total.demand(), instances: total.instances }
    }
}

/// Where a tier stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) owned: Quantity,
    pub(crate) reserved: Quantity,
    pub(crate) in_use: Quantity,
    pub(crate) short: Quantity,
}

/// Sums, per tier, the lots that count now.
pub(crate) fn holdings<'a>(
    family: &FamilyEntry,
    lots: impl IntoIterator<Item = &'a Lot>,
    now: Timestamp,
) -> Vec<Holding> {
    let mut holdings = vec![Holding::default(); family.licenses.len()];
    for lot in lots.into_iter().filter(|lot| lot.term.contains(now)) {
        if let Some(holding) = family.tier(&lot.tag).and_then(|tier| holdings.get_mut(tier)) {
            *holding = holding.plus(Holding::of(lot));
        }
    }
    holdings
}

/// Decides every tier. A licence that must be present without being consumed stands for itself: it lends
/// nothing, borrows nothing, and is short by one where it is reported and not owned.
pub(crate) fn standings(family: &FamilyEntry, holdings: &[Holding], demands: &[Demand]) -> Vec<Standing> {
    let rows = || family.licenses.iter().zip(holdings).zip(demands);
    let tiers: Vec<Tier> = rows()
        .filter(|((license, _), _)| !license.required_present)
        .map(|((_, holding), demand)| Tier { owned: holding.owned, cumulative_demand: demand.cumulative })
        .collect();
    let mut shortages = shortages(&tiers).into_iter();
    let mut above = Quantity::ZERO;
    rows()
        .map(|((license, holding), demand)| {
            let (in_use, short) = if license.required_present {
                let missing = demand.instances > 0 && holding.owned.is_zero();
                (demand.cumulative, Quantity::of(u64::from(missing)))
            } else {
                let in_use = demand.cumulative.minus(above);
                above = above.max(demand.cumulative);
                (in_use, shortages.next().unwrap_or_default())
            };
            Standing { owned: holding.owned, reserved: holding.reserved, in_use, short }
        })
        .collect()
}

/// Serves tiers from the top: own licences first, then spare ones of the nearest tier above. Returns what
/// stays free in each tier, and who lends to it.
pub(super) fn lend(
    family: &FamilyEntry,
    standings: &[Standing],
) -> (Vec<Quantity>, Vec<Vec<(usize, Quantity)>>) {
    let mut free: Vec<Quantity> = standings.iter().map(|standing| standing.owned).collect();
    let mut loans = vec![Vec::new(); standings.len()];
    for (tier, (standing, license)) in standings.iter().zip(&family.licenses).enumerate() {
        if license.required_present {
            continue;
        }
        let mut wanted = standing.in_use;
        for from in (0..=tier).rev() {
            let lends = family.licenses.get(from).is_some_and(|license| !license.required_present);
            let Some(spare) = free.get_mut(from).filter(|_| lends) else { continue };
            let taken = wanted.min(*spare);
            if taken.is_zero() {
                continue;
            }
            *spare = spare.minus(taken);
            wanted = wanted.minus(taken);
            if let Some(loans) = loans.get_mut(tier).filter(|_| from != tier) {
                loans.push((from, taken));
            }
        }
    }
    (free, loans)
}
