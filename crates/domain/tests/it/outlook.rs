//! What a change makes different for pools, now and later, against a look at every single instant.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use seatpool_domain::pool::{Difference, INSTANTS_MAX, assess, differences};
use seatpool_domain::{Lot, PoolTotal, Workset};
use seatpool_proto::{LotId, Term, VirtualAccountId};

use crate::world::{World, q, tag};

fn day(world: &World, number: i64) -> Timestamp {
    world.now + SignedDuration::from_hours(24 * number)
}

/// What an account owns and uses, as a batch loads it.
fn facts(world: &World, totals: &[PoolTotal]) -> Workset {
    let mut facts = Workset::new(world.account.clone());
    for lot in world.lots.values() {
        facts.lots.load(lot.id, lot.clone());
    }
    for total in totals {
        facts.totals.load((total.virtual_account, total.tag.clone()), total.clone());
    }
    facts
}

fn use_of(va: VirtualAccountId, name: &str, cumulative: u64) -> PoolTotal {
    PoolTotal { instances: 1, cumulative_peak: q(cumulative), ..PoolTotal::new(va, tag(name)) }
}

/// Day, licence, owned and short without and with the change.
fn rows(world: &World, found: &[Difference]) -> Vec<String> {
    let row = |found: &Difference| {
        let (before, after) = (found.before, found.after);
        let days = (found.at.as_second() - world.now.as_second()) / 86_400;
        format!(
            "{days} {} owned {}>{} short {}>{}",
            found.tag, before.owned, after.owned, before.short, after.short
        )
    };
    found.iter().map(row).collect()
}

#[test]
fn a_lot_that_starts_when_another_ends_is_missed_from_then_on() {
    let mut world = World::new();
    let va = world.default_va();
    world.order_line(va, "PO-1", world.term("S", 10, 0, 400));
    world.order_line(va, "PO-A", world.term("S", 30, 0, 39));
    let next = world.order_line(va, "PO-B", world.term("S", 30, 39, 4000));
    let before = facts(&world, &[use_of(va, "P", 0), use_of(va, "S", 30)]);
    let mut after = before.clone();
    after.lots.delete(&next);
    let found = differences(&world.catalogue, &before, &after, world.now);
    assert_eq!(
        rows(&world, &found),
        ["39 S owned 40>10 short 0>20", "400 S owned 30>0 short 0>30"],
        "nothing today"
    );
    assert!(found.iter().all(|row| row.breaks() && !row.mends()));
    let back = differences(&world.catalogue, &after, &after.clone(), world.now);
    assert_eq!(back, [], "no change, no difference");
}

#[test]
fn a_present_lot_is_missed_more_when_the_others_end() {
    let mut world = World::new();
    let (va, berlin) = (world.default_va(), world.create_va("Berlin"));
    let lot = world.order(va, "PO-1", "S", 30);
    world.order_line(va, "PO-2", world.term("S", 30, 0, 90));
    let before = facts(&world, &[use_of(va, "S", 30)]);
    let mut after = before.clone();
    after.lots.get_mut(&lot).unwrap().virtual_account = berlin;
    let found = differences(&world.catalogue, &before, &after, world.now);
    assert_eq!(
        rows(&world, &found),
        ["0 S owned 60>30 short 0>0", "0 S owned 0>30 short 0>0", "90 S owned 30>0 short 0>30"]
    );
    assert_eq!(found.iter().map(|row| row.after.balance).collect::<Vec<_>>(), [0, 30, -30]);
}

#[test]
fn of_very_many_instants_the_first_are_told_and_the_first_shortage() {
    let mut world = World::new();
    let va = world.default_va();
    let many = i64::try_from(INSTANTS_MAX).unwrap() + 12;
    for n in 1..=many {
        world.order_line(va, &format!("PO-{n}"), world.term("S", 1, 0, n));
    }
    let before = facts(&world, &[use_of(va, "S", 5)]);
    let mut after = before.clone();
    let ids: Vec<LotId> = world.lots.keys().copied().collect();
    for id in ids {
        after.lots.delete(&id);
    }
    // Each end lessens what is missing; five are in use, so that nothing more is short than without the change after all.
    let found = differences(&world.catalogue, &before, &after, world.now);
    let days: BTreeSet<Timestamp> = found.iter().map(|row| row.at).collect();
    assert_eq!(days.len(), INSTANTS_MAX);

    // All are covered until the last day but one.
    world.order_line(va, "PO-0", world.term("S", 9, 0, many - 1));
    let before = facts(&world, &[use_of(va, "S", 1)]);
    let mut after = before.clone();
    let ids: Vec<LotId> =
        world.lots.values().filter(|lot| lot.order_id != "PO-0").map(|lot| lot.id).collect();
    for id in ids {
        after.lots.delete(&id);
    }
    let found = differences(&world.catalogue, &before, &after, world.now);
    assert_eq!(found.len(), INSTANTS_MAX + 1);
    assert!(found[..INSTANTS_MAX].iter().all(|row| !row.breaks()));
    let last = &found[INSTANTS_MAX];
    assert!(last.breaks() && last.at == day(&world, many - 1), "{last:?}");
}

/// Licence, quantity, reserved, start and end in days; whether it is there without the change, and with it.
type Row = (usize, u64, u64, i64, Option<i64>, bool, bool);

fn lot_rows() -> impl Strategy<Value = Vec<Row>> {
    let row = (
        0..3_usize,
        1..9_u64,
        0..3_u64,
        -3..6_i64,
        prop::option::of(-2..9_i64),
        any::<bool>(),
        any::<bool>(),
    );
    prop::collection::vec(row, 1..6)
}

proptest! {
    /// Every line is what a look at that instant says, and every instant from which on more or fewer are owned, used or
    /// short than at the one before it has its line, up to the bound.
    #[test]
    fn lines_are_what_every_instant_says(
        lots in lot_rows(),
        wanted in [0..9_u64, 0..9_u64, 0..9_u64],
        more in 0..5_u64,
    ) {
        let mut world = World::new();
        let va = world.default_va();
        let names = ["P", "S", "E"];
        let sample = world.order(va, "PO-1", "P", 1);
        let sample = world.lots.remove(&sample).unwrap();
        let total = |n: usize, extra: u64| use_of(va, names[n], wanted[..=n].iter().sum::<u64>() + extra);
        let before_totals = [total(0, 0), total(1, 0), total(2, 0)];
        let after_totals = [total(0, 0), total(1, more), total(2, more)];
        let mut before = facts(&world, &before_totals);
        let mut after = facts(&world, &before_totals);
        for total in &after_totals {
            after.totals.insert((va, total.tag.clone()), total.clone());
        }
        for (n, (tier, quantity, reserved, start, end, without, with)) in (0..).zip(&lots) {
            let lot = Lot {
                id: LotId(uuid::Uuid::from_u128(900 + n)),
                tag: tag(names[*tier]),
                quantity: q(*quantity),
                reserved: q(*reserved.min(quantity)),
                term: Term { starts_at: day(&world, *start), ends_at: end.map(|end| day(&world, end)) },
                ..sample.clone()
            };
            if *without {
                before.lots.load(lot.id, lot.clone());
                after.lots.load(lot.id, lot.clone());
            }
            match (without, with) {
                (false, true) => after.lots.insert(lot.id, lot),
                (true, false) => drop(after.lots.delete(&lot.id)),
                _ => {}
            }
        }
        let found = differences(&world.catalogue, &before, &after, world.now);
        let family = world.catalogue.family_of(&tag("P")).unwrap();
        let look = |facts: &Workset, at| assess(family, facts.lots.values(), facts.totals.values(), at);
        for row in &found {
            let tier = family.tier(&row.tag).unwrap();
            for (facts, level) in [(&before, row.before), (&after, row.after)] {
                let view = &look(facts, row.at)[tier];
                prop_assert_eq!(
                    (view.owned, view.owned.plus(view.reserved), view.in_use, view.short),
                    (level.owned, level.purchased, level.in_use, level.short)
                );
            }
        }
        let turns = |facts: &Workset| -> Vec<Timestamp> {
            let turns = facts.lots.values().flat_map(|lot| [Some(lot.term.starts_at), lot.term.ends_at]);
            turns.flatten().filter(|at| *at > world.now).collect()
        };
        let mut instants: BTreeSet<Timestamp> = turns(&before).into_iter().chain(turns(&after)).collect();
        instants.insert(world.now);
        // What is told comes to an end after so many instants.
        let told_at: BTreeSet<Timestamp> = found.iter().map(|row| row.at).collect();
        let bound = told_at.iter().nth(INSTANTS_MAX - 1).copied();
        for tier in 0..3 {
            let mut known = None;
            for at in &instants {
                let (old, new) = (&look(&before, *at)[tier], &look(&after, *at)[tier]);
                let by = |of: fn(&seatpool_domain::pool::TierView) -> u64| {
                    i128::from(of(new)) - i128::from(of(old))
                };
                let by = [by(|v| v.owned.count()), by(|v| v.reserved.count()), by(|v| v.in_use.count()),
                    by(|v| v.short.count())];
                let differs = by != [0; 4];
                let news = differs.then_some((by, old.short.is_zero(), new.short.is_zero()));
                let told = found.iter().any(|row| row.at == *at && row.tag == old.tag);
                let is_past_bound = bound.is_some_and(|bound| *at > bound);
                if differs && news != known && !is_past_bound {
                    prop_assert!(told, "tier {} at {}: {:?}", tier, at, found);
                }
                known = news;
            }
        }
        let instants: BTreeSet<Timestamp> = found.iter().map(|row| row.at).collect();
        prop_assert!(instants.len() <= INSTANTS_MAX + 3);
    }
}
