//! Anything may follow anything: random commands against a small account. What must hold afterwards is checked by
//! [`crate::world::World::submit`] after every single one.

use proptest::prelude::*;
use seatpool_domain::command::{Action, TransferLine};
use seatpool_domain::{Actor, Outcome};
use seatpool_proto::{LotId, LotKind, ProductInstanceId, Request, VirtualAccountId};

use crate::agent::{Agent, Figure, usage_report};
use crate::world::{World, q, tag};

const TAGS: [&str; 6] = ["P", "S", "E", "PORT", "SRV", "NEW"];

#[derive(Clone, Debug)]
enum Step {
    CreateVirtualAccount(u8),
    Rename(usize, u8),
    DeleteVirtualAccount(usize),
    CreateToken(usize, u32),
    RevokeToken(usize),
    Order { va: usize, order: u8, lines: Vec<(usize, u64, u8)> },
    Renew { lot: usize, days: i64 },
    Reserve { lot: usize, quantity: u64 },
    Transfer { from: usize, lines: Vec<(usize, u64, usize, u8)> },
    Register { agent: usize, token: usize, proof: bool, force: bool, finish: bool },
    FinishLate,
    Report { agent: usize, usage: Vec<(usize, u64, Option<u64>)>, heard: bool },
    RenewCertificate(usize),
    RenewAuthorization(usize),
    Deregister(usize),
    TransferInstance { instance: usize, to: usize },
    RemoveInstance(usize),
    Wait { hours: i64 },
}

fn step() -> impl Strategy<Value = Step> {
    let n = 0..8_usize;
    let lines = prop::collection::vec((0..6_usize, 0..40_u64, 0..3_u8), 1..4);
    let moves = prop::collection::vec((0..5_usize, 0..15_u64, n.clone(), 0..5_u8), 1..3);
    let usage = prop::collection::vec((0..6_usize, 0..30_u64, prop::option::weighted(0.2, 0..50_u64)), 0..5);
    prop_oneof![
        2 => (0..4_u8).prop_map(Step::CreateVirtualAccount),
        1 => (n.clone(), 0..4_u8).prop_map(|(va, name)| Step::Rename(va, name)),
        1 => n.clone().prop_map(Step::DeleteVirtualAccount),
        2 => (n.clone(), 0..4_u32).prop_map(|(va, uses)| Step::CreateToken(va, uses)),
        1 => n.clone().prop_map(Step::RevokeToken),
        5 => (n.clone(), 0..12_u8, lines).prop_map(|(va, order, lines)| Step::Order { va, order, lines }),
        1 => (n.clone(), -5..100_i64).prop_map(|(lot, days)| Step::Renew { lot, days }),
        1 => (n.clone(), 0..9_u64).prop_map(|(lot, quantity)| Step::Reserve { lot, quantity }),
        5 => (n.clone(), moves).prop_map(|(from, lines)| Step::Transfer { from, lines }),
        8 => (n.clone(), n.clone(), any::<bool>(), any::<bool>(), prop::bool::weighted(0.8)).prop_map(
            |(agent, token, proof, force, finish)| Step::Register { agent, token, proof, force, finish }
        ),
        1 => Just(Step::FinishLate),
        12 => (n.clone(), usage, prop::bool::weighted(0.8))
            .prop_map(|(agent, usage, heard)| Step::Report { agent, usage, heard }),
        1 => n.clone().prop_map(Step::RenewCertificate),
        1 => n.clone().prop_map(Step::RenewAuthorization),
        1 => n.clone().prop_map(Step::Deregister),
        3 => (n.clone(), n.clone()).prop_map(|(instance, to)| Step::TransferInstance { instance, to }),
        1 => n.prop_map(Step::RemoveInstance),
        3 => (1..1500_i64).prop_map(|hours| Step::Wait { hours }),
    ]
}

/// A world with four devices and what was begun and not finished.
struct Play {
    world: World,
    agents: Vec<Agent>,
    unfinished: Vec<(ProductInstanceId, Request)>,
}

impl Play {
    fn new() -> Self {
        let mut world = World::new();
        let va = world.default_va();
        world.create_token(va, None);
        world.create_va("Berlin");
        Self { world, agents: (0..4).map(Agent::new).collect(), unfinished: Vec::new() }
    }

    fn va(&self, n: usize) -> VirtualAccountId {
        *self.world.virtual_accounts.keys().nth(n % self.world.virtual_accounts.len()).unwrap()
    }

    fn lot(&self, n: usize) -> Option<LotId> {
        self.world.lots.keys().nth(n % self.world.lots.len().max(1)).copied()
    }

    fn instance(&self, n: usize) -> Option<ProductInstanceId> {
        self.world.instances.keys().nth(n % self.world.instances.len().max(1)).copied()
    }

    fn play(&mut self, step: Step) {
        match step {
            Step::CreateVirtualAccount(name) => {
                let name = format!("Site {name}");
                drop(self.world.submit(Action::CreateVirtualAccount { name, description: String::new() }));
            }
            Step::Rename(va, name) => {
                let (virtual_account, name) = (self.va(va), Some(format!("SITE {name}")));
                let action = Action::ChangeVirtualAccount { virtual_account, name, description: None };
                drop(self.world.submit(action));
            }
            Step::DeleteVirtualAccount(va) => {
                drop(self.world.submit(Action::DeleteVirtualAccount { virtual_account: self.va(va) }));
            }
            Step::CreateToken(va, uses) => {
                self.world.create_token(self.va(va), Some(uses));
            }
            Step::RevokeToken(n) => {
                let token = *self.world.tokens.keys().nth(n % self.world.tokens.len()).unwrap();
                self.world.submit(Action::RevokeToken { token }).unwrap();
            }
            Step::Order { va, order, lines } => {
                let lines = lines
                    .into_iter()
                    .map(|(name, quantity, shape)| match shape {
                        0 => self.world.perpetual(TAGS[name], quantity),
                        1 => self.world.term(TAGS[name], quantity, 0, 40),
                        _ => self.world.term(TAGS[name], quantity, 20, 60),
                    })
                    .collect();
                let (virtual_account, order_id) = (self.va(va), format!("PO-{order}"));
                drop(self.world.submit(Action::Order { virtual_account, order_id, lines }));
            }
            Step::Renew { lot, days } => {
                let Some(lot) = self.lot(lot) else { return };
                let ends_at = self.world.now + jiff::SignedDuration::from_hours(24 * days);
                drop(self.world.submit(Action::RenewLot { lot, order_id: "RENEW".into(), ends_at }));
            }
            Step::Reserve { lot, quantity } => {
                // Not a command yet: as if a reservation had been made.
                let Some(row) = self.lot(lot).and_then(|lot| self.world.lots.get_mut(&lot)) else { return };
                row.reserved = q(quantity).min(row.quantity.minus(row.moved_out));
                let (lots, after) = (vec![row.id], self.world.now);
                self.world.submit_as(Actor::System, Action::ReassessLots { lots, after }).unwrap();
            }
            Step::Transfer { from, lines } => {
                let from = self.va(from);
                let lines = lines
                    .into_iter()
                    .map(|(name, quantity, to, how)| TransferLine {
                        tag: tag(TAGS[name]),
                        lot: (how == 0).then(|| self.lot(to)).flatten(),
                        kind: (how == 1).then_some(LotKind::Term),
                        quantity: q(quantity),
                        to: self.va(to),
                    })
                    .collect();
                drop(self.world.submit(Action::TransferLicenses { from, lines }));
            }
            Step::TransferInstance { instance, to } => {
                let Some(instance) = self.instance(instance) else { return };
                drop(self.world.submit(Action::TransferInstance { instance, to: self.va(to) }));
            }
            Step::RemoveInstance(n) => {
                let Some(instance) = self.instance(n) else { return };
                drop(self.world.submit(Action::RemoveInstance { instance }));
            }
            Step::Wait { hours } => self.world.advance(hours * 3600),
            step => self.play_agent(step),
        }
    }

    fn play_agent(&mut self, step: Step) {
        match step {
            Step::Register { agent, token, proof, force, finish } => {
                let token = *self.world.tokens.keys().nth(token % self.world.tokens.len()).unwrap();
                let agent = &mut self.agents[agent % 4];
                let proof = agent.instance.filter(|_| proof).map(|_| agent.certificate());
                let request = agent.registration(force, self.world.now);
                let action = Action::Register { request: request.clone(), token, proof };
                match self.world.submit_as(Actor::Instance(agent.udi.to_string()), action) {
                    Ok(outcome) if finish => drop(agent.finish(&mut self.world, request, outcome)),
                    Ok(Outcome::Issue { instance, .. }) => self.unfinished.push((instance, request)),
                    _ => {}
                }
            }
            Step::FinishLate => {
                let Some((instance, request)) = self.unfinished.pop() else { return };
                let action = Action::FinishIssuance { instance, request, certificates: vec![vec![1]] };
                drop(self.world.submit_as(Actor::System, action));
            }
            Step::Report { agent, usage, heard } => {
                let agent = &mut self.agents[agent % 4];
                if agent.instance.is_none() {
                    return;
                }
                let mut figures: Vec<Figure> = Vec::new();
                for (name, peak, locked) in usage {
                    if figures.iter().all(|(known, ..)| *known != TAGS[name]) {
                        figures.push((TAGS[name], peak, locked));
                    }
                }
                let request = agent.request(usage_report(&figures, self.world.now), self.world.now);
                let answered = agent.deliver(&mut self.world, &request);
                if let Ok(Outcome::Answer { text, .. }) = answered
                    && heard
                {
                    agent.receive(&text);
                }
            }
            Step::RenewCertificate(agent) => {
                self.with_instance(agent, |agent, world| drop(agent.renew_certificate(world)));
            }
            Step::RenewAuthorization(agent) => {
                self.with_instance(agent, |agent, world| drop(agent.renew_authorization(world)));
            }
            Step::Deregister(agent) => {
                self.with_instance(agent, |agent, world| drop(agent.deregister(world)));
            }
            _ => {}
        }
    }

    fn with_instance(&mut self, agent: usize, act: impl FnOnce(&mut Agent, &mut World)) {
        let agent = &mut self.agents[agent % 4];
        if agent.instance.is_some() {
            act(agent, &mut self.world);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 60, failure_persistence: None, max_shrink_iters: 2000, ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_is_asked_the_books_balance(steps in prop::collection::vec(step(), 1..60)) {
        let mut play = Play::new();
        for step in steps {
            play.play(step);
        }
    }
}
