//! The arithmetic of pools against searches that know nothing of it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use proptest::prelude::*;
use seatpool_domain::pool::{Tier, assess, shortages};
use seatpool_domain::{Catalogue, PoolTotal};
use seatpool_proto::{Quantity, Tag, VirtualAccountId};
use uuid::Uuid;

use crate::agent::{Agent, Figure};
use crate::world::{CATALOGUE, World, q, tag};

/// Tiers from what each owns and wants for itself.
fn tiers(rows: &[(u64, u64)]) -> Vec<Tier> {
    let mut cumulative = 0;
    rows.iter()
        .map(|&(owned, wanted)| {
            cumulative += wanted;
            Tier { owned: q(owned), cumulative_demand: q(cumulative) }
        })
        .collect()
}

fn short(rows: &[(u64, u64)]) -> Vec<u64> {
    shortages(&tiers(rows)).into_iter().map(Quantity::count).collect()
}

#[test]
fn spare_higher_licences_cover_lower_tiers() {
    /// What each tier owns and wants; how many of each are short.
    type Case = (&'static [(u64, u64)], &'static [u64]);
    let cases: [Case; 8] = [
        (&[], &[]),
        (&[(100, 130)], &[30]),
        (&[(10, 10), (40, 40)], &[0, 0]),
        (&[(10, 4), (40, 46)], &[0, 0]),
        (&[(10, 4), (40, 50)], &[0, 4]),
        (&[(10, 14), (40, 20)], &[4, 0]),
        (&[(10, 12), (0, 3), (5, 9)], &[2, 3, 4]),
        (&[(9, 2), (0, 3), (1, 9)], &[0, 0, 4]),
    ];
    for (rows, expected) in cases {
        assert_eq!(short(rows), expected, "{rows:?}");
    }
}

#[test]
fn cumulative_demand_may_fall_where_a_tier_is_locked() {
    let tiers = [
        Tier { owned: q(10), cumulative_demand: q(20) },
        Tier { owned: q(30), cumulative_demand: q(15) },
        Tier { owned: q(0), cumulative_demand: q(45) },
    ];
    let short: Vec<u64> = shortages(&tiers).into_iter().map(Quantity::count).collect();
    assert_eq!(short, [10, 0, 0]);
}

/// Hands out every licence in every way, one by one, and returns the best that can be served: most of the top tier,
/// then most of the next, and so on.
fn best_service(rows: &[(u64, u64)]) -> Vec<u64> {
    let mut reachable: BTreeSet<Vec<u64>> = [vec![0; rows.len()]].into();
    for (tier, &(owned, _)) in rows.iter().enumerate() {
        for _ in 0..owned {
            let mut next = reachable.clone();
            for served in &reachable {
                for lower in tier..rows.len() {
                    if served[lower] < rows[lower].1 {
                        let mut more = served.clone();
                        more[lower] += 1;
                        next.insert(more);
                    }
                }
            }
            reachable = next;
        }
    }
    reachable.into_iter().next_back().unwrap()
}

fn small_pool() -> impl Strategy<Value = Vec<(u64, u64)>> {
    prop::collection::vec((0..5_u64, 0..6_u64), 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_search_finds_a_better_service(rows in small_pool()) {
        let best = best_service(&rows);
        let expected: Vec<u64> = rows.iter().zip(best).map(|((_, wanted), served)| wanted - served).collect();
        prop_assert_eq!(short(&rows), expected);
    }

    #[test]
    fn more_licences_never_hurt_any_tier(rows in small_pool(), tier in 0..4_usize, more in 1..4_u64) {
        let before = short(&rows);
        let mut richer = rows.clone();
        let tier = tier % richer.len();
        richer[tier].0 += more;
        for (after, before) in short(&richer).into_iter().zip(before) {
            prop_assert!(after <= before);
        }
    }

    /// What people see adds up: all that is used is owned here, borrowed from above, or short; all that is owned is
    /// used, lent, or free.
    #[test]
    fn the_view_of_a_pool_adds_up(rows in prop::collection::vec((0..9_u64, 0..9_u64), 3)) {
        let catalogue = Catalogue::from_toml([CATALOGUE]).unwrap();
        let family = catalogue.family_of(&tag("P")).unwrap();
        let va = VirtualAccountId(Uuid::nil());
        let mut world = World::new();
        let home = world.default_va();
        let mut totals = Vec::new();
        let mut cumulative = 0;
        for (n, (name, (owned, wanted))) in ["P", "S", "E"].into_iter().zip(&rows).enumerate() {
            if *owned > 0 {
                world.order(home, &format!("PO-{n}"), name, *owned);
            }
            cumulative += wanted;
            totals.push(PoolTotal { cumulative_peak: q(cumulative), ..PoolTotal::new(va, tag(name)) });
        }
        let view = assess(family, world.lots.values(), &totals, world.now);
        let mut lent = [0; 3];
        for tier in &view {
            for (from, quantity) in &tier.borrowed_from {
                lent[family.tier(from).unwrap()] += quantity.count();
            }
        }
        for (n, tier) in view.iter().enumerate() {
            let borrowed: u64 = tier.borrowed_from.iter().map(|(_, quantity)| quantity.count()).sum();
            prop_assert_eq!(tier.in_use.count(), rows[n].1);
            prop_assert_eq!(tier.owned.count(), rows[n].0);
            let own = tier.owned.count() - tier.available.count() - lent[n];
            prop_assert_eq!(tier.in_use.count(), own + borrowed + tier.short.count());
            prop_assert!(borrowed == 0 || own == tier.owned.count() - lent[n]);
        }
        let seen: Vec<u64> = view.iter().map(|tier| tier.short.count()).collect();
        prop_assert_eq!(seen, short(&rows));
    }

    #[test]
    fn the_order_of_instances_does_not_matter(
        usage in prop::collection::vec((0..9_u64, 0..9_u64), 4),
        order in Just(vec![0_usize, 1, 2, 3]).prop_shuffle(),
    ) {
        let run = |order: &[usize]| {
            let mut world = World::new();
            let va = world.default_va();
            let token = world.create_token(va, None);
            world.order(va, "PO-1", "P", 8);
            world.order(va, "PO-2", "S", 12);
            let mut agents: Vec<Agent> = (0..4).map(Agent::new).collect();
            for agent in &mut agents {
                agent.register(&mut world, token).unwrap();
            }
            for &n in order {
                let (premium, standard) = usage[n];
                let figures: [Figure; 2] = [("P", premium, None), ("S", standard, None)];
                agents[n].report(&mut world, &figures).unwrap();
            }
            world.totals.retain(|_, total| !total.cumulative_peak.is_zero());
            world.totals
        };
        prop_assert_eq!(run(&[0, 1, 2, 3]), run(&order));
    }
}

#[test]
fn a_view_says_who_lends_and_what_is_reserved() {
    let mut world = World::new();
    let va = world.default_va();
    let lot = world.order(va, "PO-1", "P", 10);
    world.order(va, "PO-2", "S", 5);
    world.lots.get_mut(&lot).unwrap().reserved = q(2);
    let total = |name: &str, cumulative| PoolTotal {
        cumulative_peak: q(cumulative),
        ..PoolTotal::new(va, tag(name))
    };
    let family = world.catalogue.family_of(&tag("P")).unwrap();
    let totals = [total("P", 3), total("S", 12), total("E", 14)];
    let view = assess(family, world.lots.values(), &totals, world.now);
    let rows: Vec<_> = view
        .iter()
        .map(|tier| {
            let borrowed: Vec<(&Tag, u64)> =
                tier.borrowed_from.iter().map(|(from, quantity)| (from, quantity.count())).collect();
            let counts = [tier.owned, tier.reserved, tier.in_use, tier.available, tier.short];
            format!("{} {counts:?} {borrowed:?}", tier.tag)
        })
        .collect();
    assert_eq!(
        rows,
        ["P [8, 2, 3, 0, 0] []", "S [5, 0, 9, 0, 0] [(Tag(P), 4)]", "E [0, 0, 2, 0, 1] [(Tag(P), 1)]",]
    );
    let later = assess(family, world.lots.values(), &totals, Timestamp::UNIX_EPOCH);
    assert!(later.iter().all(|tier| tier.owned.is_zero() && tier.reserved.is_zero()), "nothing has started");
}
