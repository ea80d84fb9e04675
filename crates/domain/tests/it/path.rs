//! The whole command path against the reference: whatever orders, transfers, reservations, reports, removals and
//! expiries do to a world, every pool stands as a search over its lots and instances says.

use std::collections::BTreeMap;

use proptest::prelude::*;
use seatpool_domain::command::{Action, OrderLine, TransferLine};
use seatpool_domain::pool::assess;
use seatpool_domain::{Actor, Outcome};
use seatpool_proto::{LotId, TokenId, VirtualAccountId};

use crate::agent::{Agent, Figure};
use crate::reference;
use crate::world::{World, q, tag};

const TIERS: [&str; 3] = ["P", "S", "E"];
const AGENTS: usize = 4;
const PLACES: usize = 2;

/// One thing that happens. Indexes are taken modulo what there is.
#[derive(Clone, Debug)]
enum Step {
    Order { place: usize, tier: usize, quantity: u64, days: Option<(i64, i64)> },
    Transfer { from: usize, tier: usize, quantity: u64 },
    Reserve { lot: usize, percent: u64 },
    Report { agent: usize, own: [u64; 3], locked: Option<[u64; 3]> },
    Move { agent: usize, to: usize },
    Remove { agent: usize },
    Pass { days: i64 },
}

fn any_step() -> impl Strategy<Value = Step> {
    let days = prop::option::of((0..3_i64, 4..60_i64));
    let own = || [0..12_u64, 0..12_u64, 0..12_u64];
    prop_oneof![
        3 => (0..PLACES, 0..3_usize, 1..20_u64, days)
            .prop_map(|(place, tier, quantity, days)| Step::Order { place, tier, quantity, days }),
        2 => (0..PLACES, 0..3_usize, 1..12_u64)
            .prop_map(|(from, tier, quantity)| Step::Transfer { from, tier, quantity }),
        1 => (any::<usize>(), 0..=100_u64).prop_map(|(lot, percent)| Step::Reserve { lot, percent }),
        6 => (0..AGENTS, own(), prop::option::weighted(0.3, own()))
            .prop_map(|(agent, own, locked)| Step::Report { agent, own, locked }),
        1 => (0..AGENTS, 0..PLACES).prop_map(|(agent, to)| Step::Move { agent, to }),
        1 => (0..AGENTS).prop_map(|agent| Step::Remove { agent }),
        2 => prop_oneof![Just(1), Just(7), Just(30), Just(95)].prop_map(|days| Step::Pass { days }),
    ]
}

/// What an instance is held to: down to each tier, what it uses and what it has locked.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    down_to: [u64; 3],
    locked: [Option<u64>; 3],
}

/// What is known beside the world: who reported what, and the highest of every run, kept by its words.
struct Model {
    world: World,
    places: [VirtualAccountId; PLACES],
    token: TokenId,
    agents: Vec<Agent>,
    registered: Vec<bool>,
    /// What each agent last reported, while it counts, and where.
    counted: BTreeMap<usize, (usize, Held)>,
    /// The highest of the present run, by place and tier.
    highs: [[u64; 3]; PLACES],
    orders: usize,
}

impl Model {
    fn new() -> Self {
        let mut world = World::new();
        let places = [world.default_va(), world.create_va("Berlin")];
        let token = world.create_token(places[0], None);
        Self {
            world,
            places,
            token,
            agents: (0..AGENTS).map(|n| Agent::new(n as u8)).collect(),
            registered: vec![false; AGENTS],
            counted: BTreeMap::new(),
            highs: [[0; 3]; PLACES],
            orders: 0,
        }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Order { place, tier, quantity, days } => self.order(*place, TIERS[*tier], *quantity, *days),
            Step::Transfer { from, tier, quantity } => {
                let (from, to) = (self.places[*from], self.places[(from + 1) % PLACES]);
                let line = TransferLine {
                    tag: tag(TIERS[*tier]),
                    lot: None,
                    kind: None,
                    quantity: q(*quantity),
                    to,
                };
                // Refused where there are fewer: then nothing changes, which `World` checks.
                let _ = self.world.submit(Action::TransferLicenses { from, lines: vec![line] });
            }
            Step::Reserve { lot, percent } => self.reserve(*lot, *percent),
            Step::Report { agent, own, locked } => self.report(*agent, *own, *locked),
            Step::Move { agent, to } => self.relocate(*agent, *to),
            Step::Remove { agent } => self.remove(*agent),
            Step::Pass { days } => self.pass(*days),
        }
        self.compare();
    }

    fn order(&mut self, place: usize, name: &str, quantity: u64, days: Option<(i64, i64)>) {
        let line: OrderLine = match days {
            Some((from, to)) => self.world.term(name, quantity, from, to),
            None => self.world.perpetual(name, quantity),
        };
        let before = self.shorts(place);
        self.orders += 1;
        self.world.order_line(self.places[place], &format!("PO-{}", self.orders), line);
        for (after, before) in self.shorts(place).into_iter().zip(before) {
            assert!(after <= before, "a lot made a tag worse");
        }
    }

    /// A reservation holds a part of one lot; the pool is looked at again.
    fn reserve(&mut self, lot: usize, percent: u64) {
        let ids: Vec<LotId> = self.world.lots.keys().copied().collect();
        let Some(id) = ids.get(lot % ids.len().max(1)) else { return };
        let row = self.world.lots.get_mut(id).unwrap();
        row.reserved = q(row.quantity.count() * percent / 100);
        let action = Action::ReassessLots { lots: vec![*id], after: self.world.now };
        self.world.submit_as(Actor::System, action).unwrap();
    }

    fn report(&mut self, number: usize, own: [u64; 3], locked: Option<[u64; 3]>) {
        if !self.registered[number] {
            let token = self.fresh_token();
            self.agents[number].register(&mut self.world, token).unwrap();
            self.registered[number] = true;
        }
        let figures: Vec<Figure> =
            (0..3).map(|tier| (TIERS[tier], own[tier], locked.map(|locked| locked[tier]))).collect();
        self.agents[number].report(&mut self.world, &figures).unwrap();
        let sums = |own: [u64; 3]| [own[0], own[0] + own[1], own[0] + own[1] + own[2]];
        let held =
            Held { down_to: sums(own), locked: locked.map_or([None; 3], |locked| sums(locked).map(Some)) };
        let instance = self.agents[number].id();
        let va = self.world.instances[&instance].virtual_account;
        let place = self.places.iter().position(|place| *place == va).unwrap();
        self.counted.insert(number, (place, held));
        self.arrives(place, held);
    }

    fn relocate(&mut self, number: usize, to: usize) {
        if !self.registered[number] {
            return;
        }
        let action = Action::TransferInstance { instance: self.agents[number].id(), to: self.places[to] };
        assert_eq!(self.world.submit(action), Ok(Outcome::Done));
        match self.counted.get(&number).copied() {
            Some((from, held)) if from != to => {
                self.leaves(number);
                self.counted.insert(number, (to, held));
                self.arrives(to, held);
            }
            _ => {}
        }
    }

    fn remove(&mut self, number: usize) {
        if core::mem::take(&mut self.registered[number]) {
            let instance = self.agents[number].id();
            self.world.submit(Action::RemoveInstance { instance }).unwrap();
            self.leaves(number);
            // It is installed anew, should it come back.
            self.agents[number] = Agent { next_id: self.agents[number].next_id, ..Agent::new(number as u8) };
        }
    }

    fn pass(&mut self, days: i64) {
        self.world.advance(days * 86_400);
        let silent: Vec<usize> = self
            .counted
            .keys()
            .copied()
            .filter(|number| !self.world.instances[&self.agents[*number].id()].counted)
            .collect();
        for number in silent {
            self.leaves(number);
        }
    }

    /// Tokens last a year at most.
    fn fresh_token(&mut self) -> TokenId {
        if self.world.tokens[&self.token].expires_at <= self.world.now {
            self.token = self.world.create_token(self.places[0], None);
        }
        self.token
    }

    /// What an instance has locked, the pool used at least.
    fn arrives(&mut self, place: usize, held: Held) {
        for (high, locked) in self.highs[place].iter_mut().zip(held.locked) {
            *high = (*high).max(locked.unwrap_or(0));
        }
    }

    /// For its part, at most, the run's highest is no longer held against the others.
    fn leaves(&mut self, number: usize) {
        let Some((place, held)) = self.counted.remove(&number) else { return };
        for tier in 0..3 {
            let part = held.down_to[tier].max(held.locked[tier].unwrap_or(0));
            self.highs[place][tier] = self.highs[place][tier].saturating_sub(part);
        }
    }

    fn shorts(&self, place: usize) -> Vec<u64> {
        let total = |name: &&str| self.world.totals.get(&(self.places[place], tag(name)));
        TIERS.iter().map(|name| total(name).map_or(0, |total| total.short.count())).collect()
    }

    /// Every pool, looked at anew from its lots and instances.
    fn compare(&mut self) {
        for place in 0..PLACES {
            let here = || self.counted.values().filter(|(at, _)| *at == place).map(|(_, held)| held);
            let active = || {
                let lots = self.world.lots.values();
                lots.filter(|lot| {
                    lot.virtual_account == self.places[place] && lot.term.contains(self.world.now)
                })
            };
            let owned: Vec<u64> = TIERS
                .iter()
                .map(|name| {
                    let lots = active().filter(|lot| lot.tag == tag(name));
                    lots.map(|lot| (lot.quantity.count() - lot.reserved.count()) - lot.moved_out.count())
                        .sum()
                })
                .collect();
            let (mut wanted, mut above) = (Vec::new(), 0);
            for tier in 0..3 {
                let present: u64 = here().map(|held| held.down_to[tier]).sum();
                let is_locked = here().any(|held| held.locked[tier].is_some());
                let down_to =
                    if is_locked { present.max(self.highs[place][tier]) } else { present }.max(above);
                wanted.push(down_to - above);
                above = down_to;
            }
            let short = reference::short(&owned, &wanted);
            assert_eq!(self.shorts(place), short, "owned {owned:?}, wanted {wanted:?}");

            let family = self.world.catalogue.family(&"flex".parse().unwrap()).unwrap();
            let totals = self.world.totals.values().filter(|row| row.virtual_account == self.places[place]);
            let view = assess(family, active(), totals, self.world.now);
            let seen: Vec<_> = view.iter().map(|tier| (tier.in_use.count(), tier.short.count())).collect();
            assert_eq!(seen, wanted.iter().copied().zip(short.iter().copied()).collect::<Vec<_>>());
            // All that instances and reservations were promised is in the lots.
            let served: u64 = wanted.iter().sum::<u64>() - short.iter().sum::<u64>();
            let held: u64 = active().map(|lot| lot.reserved.count() + lot.moved_out.count()).sum();
            assert!(served + held <= active().map(|lot| lot.quantity.count()).sum());

            for (tier, short) in short.iter().enumerate() {
                let present: u64 = here().map(|held| held.down_to[tier]).sum();
                let runs = *short > 0 || here().any(|held| held.locked[tier].is_some());
                let high = if runs { self.highs[place][tier].max(present) } else { 0 };
                self.highs[place][tier] = high;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_pool_stands_as_a_search_says_after_every_command(steps in prop::collection::vec(any_step(), 1..40)) {
        let mut model = Model::new();
        for step in &steps {
            model.take(step);
        }
    }
}

#[test]
fn what_an_instance_has_locked_counts_again_after_another_left() {
    let mut model = Model::new();
    for step in [
        Step::Report { agent: 3, own: [2, 0, 0], locked: Some([7, 0, 0]) },
        Step::Report { agent: 2, own: [1, 0, 0], locked: None },
        Step::Move { agent: 2, to: 1 },
        Step::Report { agent: 3, own: [2, 0, 0], locked: Some([4, 2, 1]) },
    ] {
        model.take(&step);
    }
}
