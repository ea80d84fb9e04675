//! How a pool's licences are shared out among its tiers, for people to read: what compliance decides from
//! totals (behaviour.md, "Pools") told tier by tier, with who stands in for whom.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use seatpool_domain::catalogue::{Catalogue, FamilyEntry, LicenseEntry};
use seatpool_domain::{Lot, Owned, PoolTotal};
use seatpool_proto::{Family, Quantity, Tag};

/// One licence family in one virtual account, its tiers from the top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pool {
    pub(super) family: Option<Family>,
    pub(super) tiers: Vec<Tier>,
}

/// What a virtual account has of one licence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stock {
    pub(super) sums: Owned,
    /// Its lots, where they were asked for; those of quantity zero are left out.
    pub(super) lots: Vec<Lot>,
}

impl Stock {
    /// What these lots of one virtual account come to, by licence.
    pub(super) fn of(lots: &[Lot], now: Timestamp) -> BTreeMap<Tag, Self> {
        let mut stocks: BTreeMap<Tag, Self> = BTreeMap::new();
        for lot in lots.iter().filter(|lot| !lot.quantity.is_zero()) {
            stocks.entry(lot.tag.clone()).or_default().lots.push(lot.clone());
        }
        for stock in stocks.values_mut() {
            stock.sums = Owned::of(&stock.lots, now);
        }
        stocks
    }
}

/// One licence of a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tier {
    pub(super) entry: LicenseEntry,
    pub(super) stock: Stock,
    /// What instances report, if any ever did.
    pub(super) total: Option<PoolTotal>,
    /// Demand of this tier alone.
    pub(super) in_use: Quantity,
    /// Higher tiers that stand in for it, by position, nearest first.
    pub(super) borrowed: Vec<(usize, Quantity)>,
}

impl Tier {
    /// What the pool may use of its lots now.
    pub(super) fn owned(&self) -> Quantity {
        self.stock.sums.usable
    }

    pub(super) fn borrowed_sum(&self) -> Quantity {
        self.borrowed.iter().map(|(_, quantity)| *quantity).sum()
    }

    /// How many are short: what the manager tells the instances.
    pub(super) fn short(&self) -> Quantity {
        self.total.as_ref().map_or(Quantity::ZERO, |total| total.short)
    }

    /// Whether there is anything to show.
    fn is_known(&self) -> bool {
        let reported = |total: &PoolTotal| {
            total.instances > 0 || !total.short.is_zero() || !total.cumulative_peak.is_zero()
        };
        self.stock.sums.lots > 0 || self.total.as_ref().is_some_and(reported)
    }
}

impl Pool {
    /// The pools of one virtual account in which there is anything, by family.
    pub(super) fn all(
        catalogue: &Catalogue,
        mut stocks: BTreeMap<Tag, Stock>,
        totals: &[PoolTotal],
    ) -> Vec<Self> {
        // By tag, so that what this takes grows with what there is and not with its square.
        let total_of: BTreeMap<&Tag, &PoolTotal> = totals.iter().map(|total| (&total.tag, total)).collect();
        let mut families: BTreeMap<Option<Family>, BTreeSet<Tag>> = BTreeMap::new();
        for tag in stocks.keys().chain(total_of.keys().copied()) {
            let family = catalogue.family_of(tag).map(|family| family.family.clone());
            families.entry(family).or_default().insert(tag.clone());
        }
        let mut tier = |entry: LicenseEntry| Tier {
            stock: stocks.remove(&entry.tag).unwrap_or_default(),
            total: total_of.get(&entry.tag).map(|total| (*total).clone()),
            in_use: Quantity::ZERO,
            borrowed: Vec::new(),
            entry,
        };
        let mut pools = Vec::new();
        for (family, tags) in families {
            match family.as_ref().and_then(|family| catalogue.family(family)) {
                Some(FamilyEntry { licenses, .. }) => {
                    let mut pool = Self { family, tiers: licenses.iter().cloned().map(&mut tier).collect() };
                    pool.share_out();
                    pools.push(pool);
                }
                // Tags that the catalogue no longer has stand alone, under their tag.
                None => pools.extend(tags.into_iter().map(|tag| {
                    let mut pool = Self { family: None, tiers: vec![tier(unlisted(&tag))] };
                    pool.share_out();
                    pool
                })),
            }
        }
        pools
    }

    /// The tiers in which there is anything, with their positions.
    pub(super) fn known(&self) -> impl Iterator<Item = (usize, &Tier)> {
        let lends = |position: usize| {
            self.tiers.iter().any(|tier| tier.borrowed.iter().any(|(from, _)| *from == position))
        };
        self.tiers.iter().enumerate().filter(move |(position, tier)| tier.is_known() || lends(*position))
    }

    /// How many of the tier at `position` stand in for lower ones.
    pub(super) fn lent(&self, position: usize) -> Quantity {
        let lent = |tier: &Tier| -> Quantity {
            tier.borrowed.iter().filter(|(from, _)| *from == position).map(|(_, quantity)| *quantity).sum()
        };
        self.tiers.iter().map(lent).sum()
    }

    /// Own licences first, then spare higher ones, higher tiers served before lower ones.
    fn share_out(&mut self) {
        let mut above = Quantity::ZERO;
        let mut spare: Vec<Quantity> = Vec::new();
        for tier in &mut self.tiers {
            let down_to_here = tier.total.as_ref().map_or(above, PoolTotal::demand).max(above);
            tier.in_use = down_to_here.minus(above);
            above = down_to_here;
            let mut missing = tier.in_use.minus(tier.owned());
            for (position, left) in spare.iter_mut().enumerate().rev() {
                let taken = missing.min(*left);
                if !taken.is_zero() {
                    *left = left.minus(taken);
                    missing = missing.minus(taken);
                    tier.borrowed.push((position, taken));
                }
            }
            spare.push(tier.owned().minus(tier.in_use));
        }
    }
}

fn unlisted(tag: &Tag) -> LicenseEntry {
    LicenseEntry {
        tag: tag.clone(),
        name: tag.to_string(),
        description: String::new(),
        required_present: false,
        export_restricted: false,
        product_types: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use seatpool_domain::pool::{self, shortages};
    use seatpool_proto::{LotId, LotKind, Term, VirtualAccountId};
    use uuid::Uuid;

    use super::*;

    const HERE: VirtualAccountId = VirtualAccountId(Uuid::nil());

    fn catalogue(tiers: usize) -> Catalogue {
        let licenses: Vec<_> =
            (0..tiers).map(|i| format!("{{ tag = \"T{i}\", name = \"Tier {i}\" }}")).collect();
        let text = format!("[[families]]\nfamily = \"f\"\nlicenses = [{}]", licenses.join(","));
        Catalogue::from_toml([text.as_str()]).unwrap()
    }

    fn tag(tier: usize) -> Tag {
        format!("T{tier}").parse().unwrap()
    }

    fn pool(tiers: &[(u64, u64)]) -> Pool {
        let mut cumulative = 0;
        let mut lots = Vec::new();
        let mut totals = Vec::new();
        for (i, (owned, used)) in tiers.iter().enumerate() {
            cumulative += used;
            lots.push(Lot {
                id: LotId(Uuid::from_u128(i as u128)),
                virtual_account: HERE,
                tag: tag(i),
                quantity: Quantity::of(*owned),
                reserved: Quantity::ZERO,
                moved_out: Quantity::ZERO,
                kind: LotKind::Perpetual,
                term: Term { starts_at: Timestamp::UNIX_EPOCH, ends_at: None },
                subscription_id: None,
                order_id: "o".into(),
                origin: None,
                created_at: Timestamp::UNIX_EPOCH,
                declaration: None,
            });
            totals.push(PoolTotal {
                instances: 1,
                cumulative_peak: Quantity::of(cumulative),
                ..PoolTotal::new(HERE, tag(i))
            });
        }
        let stocks = Stock::of(&lots, Timestamp::UNIX_EPOCH);
        let mut pools = Pool::all(&catalogue(tiers.len()), stocks, &totals);
        assert_eq!(pools.len(), 1);
        pools.remove(0)
    }

    #[test]
    fn ten_spare_premium_stand_in_for_ten_standard() {
        let pool = pool(&[(20, 10), (40, 55)]);
        assert_eq!(pool.tiers[1].in_use, Quantity::of(55));
        assert_eq!(pool.tiers[1].borrowed, vec![(0, Quantity::of(10))]);
        assert_eq!(pool.lent(0), Quantity::of(10));
    }

    #[test]
    fn a_lower_licence_never_stands_in_for_a_higher_one() {
        let pool = pool(&[(10, 15), (40, 0)]);
        assert_eq!(pool.tiers[0].borrowed, vec![]);
        assert_eq!(pool.lent(1), Quantity::ZERO);
    }

    #[test]
    fn a_tag_that_left_the_catalogue_is_still_shown() {
        let lone =
            PoolTotal { instances: 1, cumulative_peak: Quantity::of(3), ..PoolTotal::new(HERE, tag(7)) };
        let pools = Pool::all(&catalogue(1), BTreeMap::new(), &[lone]);
        assert_eq!(pools.len(), 1);
        assert_eq!(pools[0].family, None);
        assert_eq!(pools[0].tiers[0].in_use, Quantity::of(3));
    }

    proptest! {
        /// What stands in and what is short together are what is missing, and nothing is lent twice.
        #[test]
        fn sharing_out_agrees_with_compliance(tiers in prop::collection::vec((0_u64..50, 0_u64..50), 1..6)) {
            let pool = pool(&tiers);
            let mut cumulative = 0;
            let facts: Vec<_> = tiers.iter().map(|(owned, used)| {
                cumulative += used;
                pool::Tier { owned: Quantity::of(*owned), cumulative_demand: Quantity::of(cumulative) }
            }).collect();
            for (i, short) in shortages(&facts).into_iter().enumerate() {
                let tier = &pool.tiers[i];
                prop_assert_eq!(tier.in_use.minus(tier.owned()), tier.borrowed_sum().plus(short));
                prop_assert!(pool.lent(i) <= tier.owned().minus(tier.in_use));
            }
        }
    }
}
