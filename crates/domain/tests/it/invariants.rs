//! What must hold of a world after every command, computed the naive way.

use std::collections::{BTreeMap, BTreeSet};

use seatpool_domain::audit::{Chain, check_transactions};
use seatpool_domain::lot::TransactionKind;
use seatpool_domain::pool::{PoolTotal, assess};
use seatpool_domain::{Instance, Usage};
use seatpool_proto::{Quantity, Tag, VirtualAccountId};

use crate::audit::entry;
use crate::world::World;

pub fn check(world: &World) {
    totals_are_sums(world);
    shortages_are_current(world);
    lots_are_whole(world);
    history_explains_the_lots(world);
    usage_history_is_current(world);
    reservations_are_held(world);
    registrations_are_single(world);
    log_verifies(world);
}

fn log_verifies(world: &World) {
    let mut chain = Chain::default();
    for event in &world.events {
        assert!(chain.follow(&entry(event.clone())), "the chain of events is broken at {event:?}");
        let range = event.number * 1000..(event.number + 1) * 1000;
        let written: Vec<_> =
            world.transactions.iter().filter(|row| range.contains(&row.number)).cloned().collect();
        assert_eq!(check_transactions(event, &written), Ok(()));
    }
    assert_eq!(chain.end(&world.account), Ok(()));
}

fn totals_are_sums(world: &World) {
    let zero = |total: &PoolTotal| PoolTotal {
        run_high: Quantity::ZERO,
        short: Quantity::ZERO,
        short_since: None,
        ..total.clone()
    };
    let mut sums: BTreeMap<(VirtualAccountId, Tag), PoolTotal> = BTreeMap::new();
    for row in world.usage.values() {
        let instance = &world.instances[&row.instance];
        assert!(instance.is_registered(), "usage of an instance that is not registered");
        if !instance.counted {
            continue;
        }
        let sum = sums
            .entry((instance.virtual_account, row.tag.clone()))
            .or_insert_with(|| PoolTotal::new(instance.virtual_account, row.tag.clone()));
        let license = world.catalogue.license(&row.tag).unwrap();
        sum.instances += u64::from(license.required_present || row.is_in_use());
        sum.peak = sum.peak.plus(row.peak);
        sum.cumulative_peak = sum.cumulative_peak.plus(row.cumulative_peak);
        sum.locked_instances += u64::from(row.locked.is_some());
    }
    for (key, total) in &world.totals {
        let sum = sums.remove(key).unwrap_or_else(|| PoolTotal::new(key.0, key.1.clone()));
        assert_eq!(zero(total), sum, "totals of {key:?}");
    }
    // A tag of which nothing was ever in use has no total yet.
    sums.retain(|(va, tag), sum| *sum != PoolTotal::new(*va, tag.clone()));
    assert_eq!(sums, BTreeMap::new(), "usage without a total");
}

/// By the words of behaviour.md: serve from the top, own licences first, then whatever is spare above.
fn shortages_are_current(world: &World) {
    for va in world.virtual_accounts.keys() {
        for family in world.catalogue.families() {
            let (mut spare, mut above) = (0, 0);
            for license in &family.licenses {
                let owned: u64 = world
                    .lots
                    .values()
                    .filter(|lot| lot.virtual_account == *va && lot.tag == license.tag)
                    .map(|lot| lot.usable(world.now).count())
                    .sum();
                let Some(total) = world.totals.get(&(*va, license.tag.clone())) else {
                    spare += owned;
                    continue;
                };
                let expected = if license.required_present {
                    u64::from(total.instances > 0 && owned == 0)
                } else {
                    let demand = total.demand().count().max(above);
                    let own_demand = demand - above;
                    above = demand;
                    let short = own_demand.saturating_sub(spare + owned);
                    spare = (spare + owned).saturating_sub(own_demand);
                    short
                };
                assert_eq!(total.short.count(), expected, "shortage of {} in {va}", license.tag);
                assert_eq!(total.short_since.is_some(), expected > 0);
                if expected > 0 || total.locked_instances > 0 {
                    assert!(total.run_high >= total.cumulative_peak);
                } else {
                    assert_eq!(total.run_high, Quantity::ZERO, "a run that is over leaves nothing");
                }
            }
        }
    }
}

fn lots_are_whole(world: &World) {
    for lot in world.lots.values() {
        assert!(!lot.quantity.is_zero(), "an empty lot");
        assert!(lot.reserved.plus(lot.moved_out) <= lot.quantity, "more promised than owned: {lot:?}");
        assert!(world.virtual_accounts.contains_key(&lot.virtual_account) || !lot.term.contains(world.now));
    }
}

/// What lots have reserved is what open reservations hold, and each of these has its product instance. (Where a test
/// makes no reservations, it may set by hand what lots have reserved.)
fn reservations_are_held(world: &World) {
    let exports = || world.instances.values().flat_map(|row| &row.exports);
    if world.reservations.is_empty() && exports().next().is_none() {
        return;
    }
    let open = || world.reservations.values().filter(|row| row.is_open());
    for lot in world.lots.values() {
        let held: Quantity = open().map(|row| row.holds(lot.id)).sum();
        let held =
            held.plus(Quantity::of(exports().filter(|grant| grant.lot == Some(lot.id)).count() as u64));
        assert_eq!(lot.reserved, held, "{lot:?}");
    }
    for row in open() {
        let instance = &world.instances[&row.instance];
        assert!(instance.is_registered() && instance.is_reserved());
        assert_eq!((instance.virtual_account, &instance.udi), (row.virtual_account, &row.udi));
        assert!(row.lots().all(|lot| world.lots.contains_key(&lot)), "a reservation of a lot that is gone");
    }
    for instance in world.instances.values().filter(|row| row.is_reserved()) {
        assert_eq!(instance.is_registered(), world.reservations[&instance.id].is_open());
    }
}

fn history_explains_the_lots(world: &World) {
    let mut numbers = BTreeSet::new();
    let mut expected: BTreeMap<(VirtualAccountId, Tag), i128> = BTreeMap::new();
    for row in &world.transactions {
        assert!(numbers.insert(row.number), "two transactions have the number {}", row.number);
        assert!(world.events.iter().any(|event| event.number == row.number / 1000));
        let quantity = i128::from(row.quantity.count());
        *expected.entry((row.virtual_account, row.tag.clone())).or_default() += match row.kind {
            TransactionKind::Ordered | TransactionKind::Declared | TransactionKind::TransferredIn => quantity,
            TransactionKind::TransferredOut | TransactionKind::Cancelled => -quantity,
            TransactionKind::Renewed | TransactionKind::Confirmed | TransactionKind::Rejected => 0,
        };
    }
    let mut found: BTreeMap<(VirtualAccountId, Tag), i128> = BTreeMap::new();
    for lot in world.lots.values() {
        *found.entry((lot.virtual_account, lot.tag.clone())).or_default() += i128::from(lot.quantity.count());
    }
    expected.retain(|_, sum| *sum != 0);
    assert_eq!(found, expected, "lots are not what was ordered and moved");
}

/// The last row of every tag says how it stands; what has no row never was in use or owned.
fn usage_history_is_current(world: &World) {
    // Tests that set what is promised by hand do not always have the pool decided anew.
    let by_hand = world.lots.values().any(|lot| !lot.promised().is_zero());
    for va in world.virtual_accounts.keys() {
        for family in world.catalogue.families() {
            let totals = world.totals.values().filter(|row| row.virtual_account == *va);
            let lots = world.lots.values().filter(|lot| lot.virtual_account == *va);
            for tier in assess(family, lots, totals, world.now) {
                let rows = world.history.iter().filter(|((at, tag, _), _)| at == va && *tag == tier.tag);
                let last = rows.map(|(_, row)| (row.in_use, row.short, row.owned)).next_back();
                let (in_use, short, owned) = last.unwrap_or_default();
                assert_eq!((in_use, short), (tier.in_use, tier.short), "history of {} in {va}", tier.tag);
                assert!(by_hand || owned == tier.owned, "{owned} of {} owned in {va}", tier.tag);
            }
        }
    }
}

fn registrations_are_single(world: &World) {
    let mut registered = BTreeSet::new();
    let mut registering = BTreeSet::new();
    for instance in world.instances.values() {
        if instance.is_registered() {
            assert!(registered.insert(&instance.udi), "{} is registered twice", instance.udi);
        }
        if instance.is_registering() {
            assert!(registering.insert(&instance.udi), "{} registers twice", instance.udi);
            assert!(!instance.counted && rows_of(world, instance).next().is_none());
        }
        if instance.ended.is_some() {
            assert!(
                !instance.counted && rows_of(world, instance).next().is_none(),
                "an ended one uses licences"
            );
        }
    }
}

fn rows_of<'w>(world: &'w World, instance: &Instance) -> impl Iterator<Item = &'w Usage> + use<'w> {
    let id = instance.id;
    world.usage.values().filter(move |row| row.instance == id)
}
