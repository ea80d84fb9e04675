//! Pools against a search (`reference`): the arithmetic alone, over the shipped families, with lots that are
//! reserved, moved out, over, or yet to start.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use seatpool_domain::pool::{Tier, TierView, assess, shortages};
use seatpool_domain::{Catalogue, Lot, PoolTotal};
use seatpool_proto::{Family, LotId, LotKind, Quantity, Term, VirtualAccountId};
use uuid::Uuid;

use crate::reference;
use crate::world::q;

const HERE: VirtualAccountId = VirtualAccountId(Uuid::nil());

fn now() -> Timestamp {
    "2026-07-01T10:00:00Z".parse().unwrap()
}

/// A lot as it may be: which tier, how many, how many of them promised elsewhere, and when it counts.
#[derive(Clone, Debug)]
struct AnyLot {
    tier: usize,
    quantity: u64,
    reserved: u64,
    moved_out: u64,
    hours: (i64, Option<i64>),
}

impl AnyLot {
    fn counts(&self) -> bool {
        self.hours.0 <= 0 && self.hours.1.is_none_or(|end| end > 0)
    }

    fn usable(&self) -> u64 {
        if self.counts() { self.quantity - self.reserved - self.moved_out } else { 0 }
    }

    fn lot(&self, number: usize, family: &str, catalogue: &Catalogue) -> Lot {
        let family: Family = family.parse().unwrap();
        let at = |hours| now() + SignedDuration::from_hours(hours);
        Lot {
            id: LotId(Uuid::from_u128(number as u128)),
            virtual_account: HERE,
            tag: catalogue.family(&family).unwrap().licenses[self.tier].tag.clone(),
            quantity: q(self.quantity),
            reserved: q(self.reserved),
            moved_out: q(self.moved_out),
            kind: LotKind::Term,
            term: Term { starts_at: at(self.hours.0), ends_at: self.hours.1.map(at) },
            subscription_id: None,
            order_id: "PO".into(),
            origin: None,
            created_at: now(),
            declaration: None,
        }
    }
}

fn any_lot(tiers: usize) -> impl Strategy<Value = AnyLot> {
    let hours = prop_oneof![
        4 => Just((-1, None)),
        2 => Just((0, Some(1))),
        1 => Just((-2, Some(0))),
        1 => Just((1, None)),
    ];
    (0..tiers, 1..60_u64, 0..=100_u64, 0..=100_u64, hours).prop_map(|(tier, quantity, a, b, hours)| {
        let reserved = quantity * a.min(b) / 100;
        let moved_out = quantity * a.max(b) / 100 - reserved;
        AnyLot { tier, quantity, reserved, moved_out: moved_out.min(quantity - reserved), hours }
    })
}

/// What three instances use of each tier at one moment.
fn any_usage(tiers: usize) -> impl Strategy<Value = Vec<Vec<u64>>> {
    prop::collection::vec(prop::collection::vec(0..40_u64, tiers), 0..4)
}

/// A family that ships, with its number of tiers: flexible seats, and the five of the call manager.
fn any_family() -> impl Strategy<Value = (&'static str, Vec<AnyLot>, Vec<Vec<u64>>)> {
    prop_oneof![Just(("ccx-flex", 2)), Just(("ucm-12", 5))].prop_flat_map(|(family, tiers)| {
        (Just(family), prop::collection::vec(any_lot(tiers), 0..8), any_usage(tiers))
    })
}

fn look(family: &str, lots: &[AnyLot], usage: &[Vec<u64>], catalogue: &Catalogue) -> Vec<TierView> {
    let entry = catalogue.family(&family.parse().unwrap()).unwrap();
    let lots: Vec<Lot> = lots.iter().enumerate().map(|(n, lot)| lot.lot(n, family, catalogue)).collect();
    let totals: Vec<PoolTotal> = entry
        .licenses
        .iter()
        .enumerate()
        .map(|(tier, license)| {
            // The sum, over the instances, of each one's cumulative peak.
            let down_to = usage.iter().map(|own| own[..=tier].iter().sum::<u64>()).sum();
            PoolTotal { cumulative_peak: q(down_to), ..PoolTotal::new(HERE, license.tag.clone()) }
        })
        .collect();
    assess(entry, &lots, &totals, now())
}

fn owned(tiers: usize, lots: &[AnyLot]) -> Vec<u64> {
    (0..tiers).map(|tier| lots.iter().filter(|lot| lot.tier == tier).map(AnyLot::usable).sum()).collect()
}

fn shorts(view: &[TierView]) -> Vec<u64> {
    view.iter().map(|tier| tier.short.count()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn prefix_sums_find_what_a_search_finds(rows in prop::collection::vec((0..1000_u64, 0..1000_u64), 0..7)) {
        let (owned, wanted): (Vec<u64>, Vec<u64>) = rows.iter().copied().unzip();
        let mut cumulative = 0;
        let tiers: Vec<Tier> = rows.iter().map(|&(owned, wanted)| {
            cumulative += wanted;
            Tier { owned: q(owned), cumulative_demand: q(cumulative) }
        }).collect();
        let found: Vec<u64> = shortages(&tiers).into_iter().map(Quantity::count).collect();
        prop_assert_eq!(found, reference::short(&owned, &wanted));
    }

    #[test]
    fn no_more_is_promised_than_is_owned_and_nothing_lies_spare_above_a_shortage((family, lots, usage) in any_family()) {
        let catalogue = Catalogue::from_toml([Catalogue::SHIPPED]).unwrap();
        let view = look(family, &lots, &usage, &catalogue);
        let tiers = view.len();
        let owned = owned(tiers, &lots);
        let wanted: Vec<u64> = (0..tiers).map(|tier| usage.iter().map(|own| own[tier]).sum()).collect();
        prop_assert_eq!(shorts(&view), reference::short(&owned, &wanted));
        for (k, tier) in view.iter().enumerate() {
            prop_assert_eq!((tier.owned.count(), tier.in_use.count()), (owned[k], wanted[k]));
            let of_tier = || lots.iter().filter(|lot| lot.tier == k && lot.counts());
            prop_assert_eq!(tier.reserved.count(), of_tier().map(|lot| lot.reserved).sum::<u64>());
            // Reserved, moved out and free: all of it is in the lots, once.
            let held: u64 = of_tier().map(|lot| lot.reserved + lot.moved_out).sum();
            prop_assert_eq!(held + tier.owned.count(), of_tier().map(|lot| lot.quantity).sum::<u64>());
            prop_assert!(tier.available <= tier.owned);
            if !tier.short.is_zero() {
                prop_assert!(view[..=k].iter().all(|above| above.available.is_zero()), "{:?}", view);
            }
        }
        // What is served comes out of what is owned, and every licence of it once.
        let served: u64 = view.iter().map(|tier| tier.in_use.count() - tier.short.count()).sum();
        let free: u64 = view.iter().map(|tier| tier.available.count()).sum();
        prop_assert_eq!(served + free, owned.iter().sum::<u64>());
    }

    #[test]
    fn another_lot_makes_no_tag_worse(
        (family, lots, usage) in any_family(),
        more in any_lot(2),
        at in any::<prop::sample::Index>(),
    ) {
        let catalogue = Catalogue::from_toml([Catalogue::SHIPPED]).unwrap();
        let before = look(family, &lots, &usage, &catalogue);
        let mut richer = lots;
        let place = at.index(richer.len() + 1);
        richer.insert(place, more);
        for (after, before) in look(family, &richer, &usage, &catalogue).iter().zip(&before) {
            prop_assert!(after.short <= before.short);
        }
    }

    #[test]
    fn the_order_of_lots_and_instances_is_irrelevant((family, lots, usage) in any_family(), turn in 0..7_usize) {
        let catalogue = Catalogue::from_toml([Catalogue::SHIPPED]).unwrap();
        let before = look(family, &lots, &usage, &catalogue);
        let (mut lots, mut usage) = (lots, usage);
        let (by_lots, by_usage) = (turn % lots.len().max(1), turn % usage.len().max(1));
        lots.rotate_left(by_lots);
        usage.rotate_left(by_usage);
        usage.reverse();
        prop_assert_eq!(look(family, &lots, &usage, &catalogue), before);
    }
}

#[test]
fn the_shipped_call_manager_family_has_its_five_tiers() {
    let catalogue = Catalogue::from_toml([Catalogue::SHIPPED]).unwrap();
    let family = catalogue.family(&"ucm-12".parse().unwrap()).unwrap();
    let names: Vec<&str> = family.licenses.iter().map(|license| license.name.as_str()).collect();
    let tiers = ["CUWL", "Enhanced Plus", "Enhanced", "Basic", "Essential"];
    assert_eq!(names, tiers.map(|tier| format!("UC Manager {tier} License (12.X)")));
}
