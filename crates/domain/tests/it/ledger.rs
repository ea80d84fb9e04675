//! Anything may follow anything: random commands against a small account. What must hold afterwards is checked by
//! [`crate::world::World::submit`] after every single one.

use proptest::prelude::*;
use seatpool_domain::command::{Action, Chosen, CoTermination, OrderLine, TransferLine, Until, Verdict};
use seatpool_domain::{Actor, Outcome, Refused};
use seatpool_proto::message::IdCertificateRenewalRequest;
use seatpool_proto::{
    LotId, LotKind, ProductInstanceId, Request, RequestBody, Term, TokenId, VirtualAccountId,
};

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
    RenewAll { what: usize, years: u8, order: u8 },
    Cancel { what: usize, quantity: Option<u64> },
    Declare { va: usize, tag: usize, quantity: u64 },
    Decide { lot: usize, confirm: bool },
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
    let lines = prop::collection::vec((0..6_usize, 0..40_u64, 0..6_u8), 1..4);
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
        1 => (n.clone(), 0..4_u8, 0..3_u8).prop_map(|(what, years, order)| Step::RenewAll { what, years, order }),
        2 => (n.clone(), prop::option::weighted(0.7, 0..20_u64))
            .prop_map(|(what, quantity)| Step::Cancel { what, quantity }),
        2 => (n.clone(), 0..6_usize, 0..20_u64)
            .prop_map(|(va, tag, quantity)| Step::Declare { va, tag, quantity }),
        2 => (n.clone(), any::<bool>()).prop_map(|(lot, confirm)| Step::Decide { lot, confirm }),
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

/// A registration or renewal that is being signed.
struct Unfinished {
    agent: usize,
    instance: ProductInstanceId,
    request: Request,
    serial: String,
}

/// A world with four devices and what was begun and not finished.
struct Play {
    world: World,
    agents: Vec<Agent>,
    unfinished: Vec<Unfinished>,
}

/// An action with the agent that hears its answer, if any does, and what of it that agent must know.
struct Asked {
    action: Action,
    heard_by: Option<(usize, Option<String>)>,
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

    /// A lot, all of its order, or all of the subscription.
    fn some(&self, n: usize) -> Option<Chosen> {
        let lot = self.lot(n)?;
        Some(match n % 3 {
            0 => Chosen::Lot(lot),
            1 => Chosen::Order(self.world.lots[&lot].order_id.clone()),
            _ => Chosen::Subscription("SUB".into()),
        })
    }

    /// A line of the one subscription, with each way in which its end goes together with the others'.
    fn of_subscription(&self, name: &str, quantity: u64, shape: u8) -> OrderLine {
        let (co_termination, days) = match shape {
            3 => (CoTermination::Own, Some(30)),
            4 => (CoTermination::WithSubscription, None),
            _ => (CoTermination::AllToLater, Some(50)),
        };
        let line = self.world.term(name, quantity, 0, days.unwrap_or(1));
        OrderLine {
            dates: seatpool_domain::lot::NamedDates::default(),
            subscription_id: Some("SUB".into()),
            co_termination,
            term: Term { ends_at: line.term.ends_at.filter(|_| days.is_some()), ..line.term },
            ..line
        }
    }

    fn instance(&self, n: usize) -> Option<ProductInstanceId> {
        self.world.instances.keys().nth(n % self.world.instances.len().max(1)).copied()
    }

    fn token(&self, n: usize) -> TokenId {
        *self.world.tokens.keys().nth(n % self.world.tokens.len()).unwrap()
    }

    /// One step, with everything that follows from it.
    fn play(&mut self, step: Step) {
        let finish = matches!(step, Step::Register { finish: true, .. } | Step::RenewCertificate(_));
        let Some(asked) = self.ask(step) else { return };
        let result = self.world.submit(asked.action.clone());
        if self.hear(asked, result)
            && finish
            && let Some(asked) = self.ask(Step::FinishLate)
        {
            let result = self.world.submit(asked.action.clone());
            self.hear(asked, result);
        }
    }

    /// Several steps that the ledger gathers into one commit.
    fn play_batch(&mut self, steps: Vec<Step>) {
        let asked: Vec<Asked> = steps.into_iter().filter_map(|step| self.ask(step)).collect();
        let results = self.world.submit_batch(asked.iter().map(|asked| asked.action.clone()).collect());
        for (asked, result) in asked.into_iter().zip(results) {
            self.hear(asked, result);
        }
    }

    /// Takes in what came of it. Whether a certificate is to be signed now.
    fn hear(&mut self, asked: Asked, result: Result<Outcome, Refused>) -> bool {
        let Some((agent, serial)) = asked.heard_by else { return false };
        match (result, asked.action) {
            (Ok(Outcome::Answer { text, repeated: false }), _) => {
                self.agents[agent].receive(&text);
                if let Some(serial) = serial {
                    self.agents[agent].serial = serial;
                }
                false
            }
            (
                Ok(Outcome::Issue { instance, pending, .. }),
                Action::Register { request, .. } | Action::Ask { request, .. },
            ) => {
                let serial = pending.record.serial;
                self.unfinished.push(Unfinished { agent, instance, request, serial });
                true
            }
            _ => false,
        }
    }

    /// What a step asks of the ledger; nothing if it can't be asked now, or is done otherwise.
    fn ask(&mut self, step: Step) -> Option<Asked> {
        let action = match step {
            Step::CreateVirtualAccount(name) => {
                Action::CreateVirtualAccount { name: format!("Site {name}"), description: String::new() }
            }
            Step::Rename(va, name) => Action::ChangeVirtualAccount {
                virtual_account: self.va(va),
                name: Some(format!("SITE {name}")),
                description: None,
                seen: None,
            },
            Step::DeleteVirtualAccount(va) => Action::DeleteVirtualAccount { virtual_account: self.va(va) },
            Step::CreateToken(va, uses) => Action::CreateToken {
                virtual_account: self.va(va),
                description: String::new(),
                expires_after_days: 60,
                uses_max: Some(uses),
                export_controlled: true,
            },
            Step::RevokeToken(n) => Action::RevokeToken { token: self.token(n) },
            Step::Order { va, order, lines } => {
                let lines = lines
                    .into_iter()
                    .map(|(name, quantity, shape)| match shape {
                        0 => self.world.perpetual(TAGS[name], quantity),
                        1 => self.world.term(TAGS[name], quantity, 0, 40),
                        2 => self.world.term(TAGS[name], quantity, 20, 60),
                        shape => self.of_subscription(TAGS[name], quantity, shape),
                    })
                    .collect();
                Action::Order { virtual_account: self.va(va), order_id: format!("PO-{order}"), lines }
            }
            Step::Renew { lot, days } => {
                let ends_at = self.world.now + jiff::SignedDuration::from_hours(24 * days);
                Action::Renew {
                    lots: Chosen::Lot(self.lot(lot)?),
                    order_id: "RENEW".into(),
                    until: Until::Date(ends_at),
                }
            }
            Step::RenewAll { what, years, order } => {
                let until = Until::Years(years);
                Action::Renew { lots: self.some(what)?, order_id: format!("RENEW-{order}"), until }
            }
            Step::Cancel { what, quantity } => Action::Cancel {
                lots: self.some(what)?,
                quantity: quantity.map(q),
                reason: "mistaken".into(),
            },
            Step::Declare { va, tag: name, quantity } => Action::Declare {
                virtual_account: self.va(va),
                tag: tag(TAGS[name]),
                quantity: q(quantity),
                note: "contract 7".into(),
            },
            Step::Decide { lot, confirm } => {
                // Mostly what was declared, and at times what was not.
                let declared: Vec<_> =
                    self.world.lots.values().filter(|row| row.declaration.is_some()).collect();
                let id = declared.get(lot).map(|row| row.id).or_else(|| self.lot(lot))?;
                Action::Decide {
                    declaration: self.world.lots[&id].order_id.clone(),
                    verdict: if confirm { Verdict::Confirm } else { Verdict::Reject },
                    reason: "the contract says so".into(),
                }
            }
            Step::Reserve { lot, quantity } => {
                // Not a command yet: as if a reservation had been made.
                let row = self.world.lots.get_mut(&self.lot(lot)?)?;
                row.reserved = q(quantity).min(row.quantity.minus(row.moved_out));
                let (lots, after) = (vec![row.id], self.world.now);
                self.world.submit_as(Actor::System, Action::ReassessLots { lots, after }).unwrap();
                return None;
            }
            Step::Transfer { from, lines } => {
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
                Action::TransferLicenses { from: self.va(from), lines }
            }
            Step::TransferInstance { instance, to } => {
                Action::TransferInstance { instance: self.instance(instance)?, to: self.va(to) }
            }
            Step::RemoveInstance(n) => Action::RemoveInstance { instance: self.instance(n)? },
            Step::Wait { hours } => {
                self.world.advance(hours * 3600);
                return None;
            }
            step => return self.ask_as_agent(step),
        };
        Some(Asked { action, heard_by: None })
    }

    fn ask_as_agent(&mut self, step: Step) -> Option<Asked> {
        let now = self.world.now;
        let (number, body, heard) = match step {
            Step::Register { agent, token, proof, force, .. } => {
                let token = self.token(token);
                let agent_row = &mut self.agents[agent % 4];
                let proof = agent_row.instance.filter(|_| proof).map(|_| agent_row.certificate());
                let action = Action::Register { request: agent_row.registration(force, now), token, proof };
                return Some(Asked { action, heard_by: Some((agent % 4, None)) });
            }
            Step::FinishLate => {
                let Unfinished { agent, instance, request, serial } = self.unfinished.pop()?;
                let action = Action::FinishIssuance { instance, request, certificates: vec![vec![1]] };
                return Some(Asked { action, heard_by: Some((agent, Some(serial))) });
            }
            Step::Report { agent, usage, heard } => {
                let mut figures: Vec<Figure> = Vec::new();
                for (name, peak, locked) in usage {
                    if figures.iter().all(|(known, ..)| *known != TAGS[name]) {
                        figures.push((TAGS[name], peak, locked));
                    }
                }
                (agent, usage_report(&figures, now), heard)
            }
            Step::RenewCertificate(agent) => {
                let public_key = vec![9; 8];
                let body = RequestBody::IdCertificateRenewal(IdCertificateRenewalRequest { public_key });
                (agent, body, true)
            }
            Step::RenewAuthorization(agent) => (agent, RequestBody::AuthorizationRenewal {}, true),
            Step::Deregister(agent) => (agent, RequestBody::Deregistration {}, true),
            _ => return None,
        };
        let agent = &mut self.agents[number % 4];
        agent.instance?;
        let certificate = agent.certificate();
        let action = Action::Ask { request: agent.request(body, now), certificate };
        Some(Asked { action, heard_by: heard.then_some((number % 4, None)) })
    }
}

#[test]
fn later_commands_of_a_batch_see_what_earlier_ones_did() {
    let mut play = Play::new();
    let va = play.world.default_va();
    let berlin = play.world.create_va("Hamburg");
    let delete = Action::DeleteVirtualAccount { virtual_account: berlin };
    let not_empty = |instances, lots| Err(Refused::NotEmpty { instances, lots });
    let order = |world: &World, id: &str, va| Action::Order {
        virtual_account: va,
        order_id: id.into(),
        lines: vec![world.perpetual("S", 3)],
    };

    // The same order twice, and a delete before and after what it deposits is gone.
    let once = order(&play.world, "PO-1", berlin);
    let back = TransferLine { tag: tag("S"), lot: None, kind: None, quantity: q(3), to: va };
    let back = Action::TransferLicenses { from: berlin, lines: vec![back] };
    let results = play.world.submit_batch(vec![
        once.clone(),
        once,
        delete.clone(),
        back,
        delete.clone(),
        delete.clone(),
    ]);
    assert_eq!(results[0], results[1]);
    assert_eq!(results[2], not_empty(0, 1));
    assert_eq!(results[4], Ok(Outcome::Done));
    assert_eq!(results[5], Err(Refused::Unknown { what: "virtual account" }));

    // An instance that arrives, and one that leaves.
    let token = *play.world.tokens.keys().next().unwrap();
    let id = play.agents[0].register(&mut play.world, token).unwrap();
    let paris = play.world.create_va("Paris");
    let delete = Action::DeleteVirtualAccount { virtual_account: paris };
    let arrive = Action::TransferInstance { instance: id, to: paris };
    let leave = Action::RemoveInstance { instance: id };
    let results = play.world.submit_batch(vec![arrive, delete.clone(), leave, delete]);
    assert_eq!(results[1], not_empty(1, 0));
    assert_eq!(results[3], Ok(Outcome::Done));
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

    #[test]
    fn a_batch_comes_to_the_same_as_its_commands_one_by_one(
        start in prop::collection::vec(step(), 1..25),
        batches in prop::collection::vec(prop::collection::vec(step(), 1..8), 1..5),
    ) {
        let mut play = Play::new();
        for step in start {
            play.play(step);
        }
        for batch in batches {
            play.play_batch(batch);
        }
    }
}
