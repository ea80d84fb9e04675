//! Products, a manager, and the network and the paper between them.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use seatpool_agent::reservation::{Step, Taken};
use seatpool_agent::{
    Agent, Answer, Chance, Command, ContactFailure, FailureKind, Identity, KeyId, NewKey, Profile, Transmit,
};
use seatpool_domain::Outcome;
use seatpool_domain::command::{
    Action, Chosen, CoTermination, OrderLine, RehostStep, ReserveLine, TransferLine,
};
use seatpool_proto::code::{AuthorizationCode, ReservationKey as _, ReservationKind, ReturnCode};
use seatpool_proto::{
    LotId, LotKind, Nonce, ProductInstanceId, Quantity, RequestId, Term, Udi, VirtualAccountId,
};
use seatpool_sim::world::{Manager, days, minutes, tag};
use uuid::Uuid;

use super::acts::{Act, DEVICES, FEATURES, Link};
use crate::seal::Ring;

/// The licence of the restricted features.
pub(super) const KEY: &str = "CUCM_Export_Restricted_Authorization_Key";

/// Ids in order; jitter in the middle.
#[derive(Default)]
pub(super) struct Counter(u128);

impl Chance for Counter {
    fn request_id(&mut self) -> RequestId {
        self.0 += 1;
        RequestId(Uuid::from_u128(self.0 << 64))
    }
    fn nonce(&mut self) -> Nonce {
        self.0 += 1;
        Nonce(self.0.to_be_bytes())
    }
    fn jitter(&mut self) -> f64 {
        0.5
    }
}

pub(super) struct World {
    pub(super) agents: Vec<Agent>,
    links: [Link; DEVICES],
    ring: Ring,
    pub(super) manager: Manager,
    places: [VirtualAccountId; 2],
    pub(super) now: Timestamp,
    chance: Counter,
    /// What the vendor deposited and did not take back, by order.
    pub(super) orders: BTreeMap<String, (u64, Term)>,
    /// Requests on their way.
    late: VecDeque<Transmit>,
    /// Return codes that nobody has entered yet.
    returns: Vec<ReturnCode>,
    /// All reservations that were ever made.
    pub(super) reservations: Vec<ProductInstanceId>,
}

/// A call manager with two restricted features.
fn profile() -> Profile {
    let text = include_str!("../../../../agent/profiles/unified-cm.toml");
    let feature = format!("name = \"{KEY}\"\ntag");
    assert!(text.contains(&feature), "the profile has its restricted feature");
    let [first, second] = FEATURES;
    let second = format!(
        "[[export_features]]\nname = \"{second}\"\ntag = \"{KEY}\"\ndescription = \"\"\n\n[[licenses]]"
    );
    let text = text.replacen(&feature, &format!("name = \"{first}\"\ntag"), 1);
    // What runs is stored every few minutes; nothing here depends on the evaluation.
    let text = text.replacen("counted = \"always\"", "counted = \"in_use\"", 1);
    Profile::from_toml(&text.replacen("[[licenses]]", &second, 1)).unwrap()
}

fn identity(device: usize) -> Identity {
    let udi = Udi::new("UCM", format!("SN{device}"), None).unwrap();
    Identity { udi, product_name: "CM".to_owned(), product_version: None, host_name: None }
}

impl World {
    pub(super) fn new() -> Self {
        // Within the published chain's validity.
        let now = "2026-11-22T00:00:00Z".parse().unwrap();
        let mut manager = Manager::new(now);
        manager.facts.account.export_permitted = true;
        let (name, description) = ("Second".to_owned(), String::new());
        let created = manager.submit(Action::CreateVirtualAccount { name, description }, now).unwrap();
        let Outcome::VirtualAccount(second) = created else { panic!("{created:?}") };
        let profile = profile();
        let agent = |device| Agent::new(profile.clone(), identity(device), None, now);
        let mut world = Self {
            agents: (0..DEVICES).map(agent).collect(),
            links: [Link::Up; DEVICES],
            ring: Ring::new(),
            places: [manager.virtual_account, second],
            manager,
            now,
            chance: Counter::default(),
            orders: BTreeMap::new(),
            late: VecDeque::new(),
            returns: Vec::new(),
            reservations: Vec::new(),
        };
        for (second, count, days) in [(false, 2, None), (false, 1, Some(40)), (true, 1, None)] {
            world.order(second, count, days);
        }
        world
    }

    /// How many restricted licences are held for somebody.
    pub(super) fn held(&self) -> u64 {
        self.manager.facts.lots.values().map(|lot| lot.reserved.count()).sum()
    }

    // ------------------------------------------------------------------ products

    fn command(&mut self, device: usize, command: Command) {
        let _ = self.agents[device].handle_command(command, self.now, &mut self.chance);
        self.exchange(device);
    }

    /// Carries what a product sends.
    fn exchange(&mut self, device: usize) {
        for sent in 0.. {
            let agent = &mut self.agents[device];
            while agent.poll_persist().is_some() {
                agent.persisted();
            }
            while agent.poll_event().is_some() {}
            let Some(transmit) = agent.poll_transmit() else { break };
            assert!(sent < 20, "it asks again and again: {:?}", transmit.request);
            let request_id = transmit.request.request_id;
            let link = self.links[device];
            if link == Link::Up {
                let (response, text_hash) = self.manager.answer(&transmit, self.now);
                let answer = Answer { request_id, text_hash, response };
                agent.handle_answer(answer, self.now, &mut self.chance);
                continue;
            }
            let kind = if link == Link::Away { FailureKind::Connect } else { FailureKind::Timeout };
            match link {
                Link::Deaf => drop(self.manager.answer(&transmit, self.now)),
                Link::Slow => self.late.push_back(transmit),
                Link::Up | Link::Away => {}
            }
            agent.handle_failure(request_id, ContactFailure::new(kind, ""), self.now, &mut self.chance);
        }
    }

    fn at_a_product(&mut self, act: &Act) {
        let feature = |place: usize| FEATURES[place].to_owned();
        match *act {
            Act::Register { device, force } => {
                self.manager.new_token(self.now);
                let id = self.chance.request_id().0;
                let new_key = NewKey { id: KeyId(RequestId(id)), public_key: id.into_bytes().to_vec() };
                self.command(device, Command::Register { token: "cGFpcg==".to_owned(), force, new_key });
            }
            Act::Deregister(device) => self.command(device, Command::Deregister),
            Act::Request { device, feature: of } => self.command(device, Command::RequestExport(feature(of))),
            Act::Return { device, feature: of } => self.command(device, Command::ReturnExport(feature(of))),
            Act::Cancel(device) => self.command(device, Command::CancelExport),
            Act::Switch { device, feature: of, on } => {
                self.command(device, Command::SetExportFeature { feature: feature(of), on });
            }
            Act::FactoryReset { device, force } => self.command(device, Command::FactoryReset { force }),
            Act::Restart(device) => {
                let agent = &self.agents[device];
                let stored = serde_json::to_string(agent.state()).unwrap();
                let (profile, state) = (agent.profile().clone(), serde_json::from_str(&stored).unwrap());
                self.agents[device] = Agent::new(profile, identity(device), Some(state), self.now);
                self.exchange(device);
            }
            Act::Link { device, link } => self.links[device] = link,
            Act::Arrive => {
                if let Some(transmit) = self.late.pop_front() {
                    let _ = self.manager.answer(&transmit, self.now);
                }
            }
            Act::Reserve { device, count } => self.reserve(device, count),
            Act::Update { device, count } => self.update(device, count),
            Act::GiveBack { device, carried } => self.give_back(device, carried),
            _ => self.at_the_manager(act),
        }
    }

    // ------------------------------------------------------------------ codes

    fn step(&mut self, device: usize, step: Step) -> Option<Taken> {
        let taken = self.agents[device].handle_reservation(step, &self.ring, self.now);
        self.exchange(device);
        taken.ok()
    }

    fn line(count: u64) -> Vec<ReserveLine> {
        vec![ReserveLine { tag: tag(KEY), lot: None, quantity: Quantity::of(count) }]
    }

    /// The latest code of a reservation, installed at once.
    fn install(&mut self, device: usize, instance: ProductInstanceId) -> Option<Taken> {
        let row = self.manager.facts.reservations.get(&instance).unwrap();
        let seal = &self.ring.seal;
        let (grant, udi, request) = (row.grant(), row.udi.clone(), row.request);
        let code = AuthorizationCode::issue(grant, udi, request, &seal.signer, seal.chain.clone()).unwrap();
        self.step(device, Step::Install(code.to_text()))
    }

    fn reserve(&mut self, device: usize, count: u64) {
        self.step(device, Step::Enable);
        let (key, nonce) = (self.ring.new_key(), seatpool_crypto::random_bytes());
        let step = Step::Request { kind: ReservationKind::Specific, key, nonce };
        let Some(Taken::Requested(request)) = self.step(device, step) else { return };
        let (virtual_account, manager) = (self.places[0], self.ring.seal.agreement.public_point());
        let action = Action::Reserve { virtual_account, request, manager, lines: Self::line(count) };
        if let Ok(Outcome::Reserved(instance)) = self.manager.submit(action, self.now) {
            self.reservations.push(instance);
            self.install(device, instance).unwrap();
        } else {
            // The way back to the network.
            self.step(device, Step::Cancel);
            self.step(device, Step::Disable);
        }
    }

    fn update(&mut self, device: usize, count: u64) {
        let Some(installed) = &self.agents[device].state().reservation.installed else { return };
        let instance = installed.grant.product_instance_id;
        let action = Action::UpdateReservation { instance, lines: Self::line(count) };
        if self.manager.submit(action, self.now).is_err() {
            return;
        }
        if let Some(Taken::Installed(code)) = self.install(device, instance) {
            let row = self.manager.facts.reservations.get(&instance).unwrap();
            let sequence = row.latest().sequence;
            assert_eq!(code.check(&row.facts(sequence), &self.ring.seal.agreement), Ok(()));
            let _ = self.manager.submit(Action::ConfirmReservation { instance, sequence }, self.now);
        }
    }

    fn give_back(&mut self, device: usize, carried: bool) {
        if let Some(Taken::Returned(code)) = self.step(device, Step::Return) {
            self.returns.push(code);
        }
        self.step(device, Step::Disable);
        if carried {
            self.enter_returns();
        }
    }

    pub(super) fn enter_returns(&mut self) {
        for code in core::mem::take(&mut self.returns) {
            for instance in self.reservations.clone() {
                let row = self.manager.facts.reservations.get(&instance).unwrap();
                let sequence = row.code(code.sequence).map_or(row.latest().sequence, |known| known.sequence);
                if code.check(&row.facts(sequence), &self.ring.seal.agreement).is_ok() {
                    let returned = code.returned;
                    let action = Action::ReturnReservation { instance, sequence, returned };
                    let _ = self.manager.submit(action, self.now);
                }
            }
        }
    }

    /// The product of a reservation forgot it: the vendor's operator releases its licences.
    pub(super) fn rehost(&mut self, instance: ProductInstanceId) {
        let action =
            Action::Rehost { instance, step: RehostStep::Release, reason: "it was reset".to_owned() };
        self.manager.submit(action, self.now).unwrap();
    }

    // ------------------------------------------------------------------ manager

    fn order(&mut self, second: bool, count: u64, days: Option<i64>) {
        let ends_at = days.map(|days| self.now + SignedDuration::from_hours(24 * days + 7));
        let term = Term { starts_at: self.now, ends_at };
        let line = OrderLine {
            tag: tag(KEY),
            quantity: Quantity::of(count),
            kind: if ends_at.is_some() { LotKind::Term } else { LotKind::Perpetual },
            term,
            subscription_id: None,
            co_termination: CoTermination::Own,
            dates: seatpool_domain::lot::NamedDates::default(),
        };
        let order_id = format!("order-{}", self.orders.len());
        self.orders.insert(order_id.clone(), (count, term));
        let virtual_account = self.places[usize::from(second)];
        let order = Action::Order { virtual_account, order_id, lines: vec![line] };
        self.manager.submit(order, self.now).unwrap();
    }

    /// The registration that a product believes to have.
    pub(super) fn instance_of(&self, device: usize) -> Option<ProductInstanceId> {
        let registration = self.agents[device].state().registration.as_ref()?;
        Some(registration.product_instance_id)
    }

    fn at_the_manager(&mut self, act: &Act) {
        match *act {
            Act::Order { second, count, days } => self.order(second, count, days),
            Act::TransferLicenses { to_second, count } => {
                let [from, to] = if to_second { self.places } else { [self.places[1], self.places[0]] };
                let line =
                    TransferLine { tag: tag(KEY), lot: None, kind: None, quantity: Quantity::of(count), to };
                let _ = self.manager.submit(Action::TransferLicenses { from, lines: vec![line] }, self.now);
            }
            Act::CancelLot { lot, count } => {
                let Some(lot) = self.manager.facts.lots.values().nth(lot).cloned() else { return };
                let quantity = Some(Quantity::of(count));
                let cancel = Action::Cancel { lots: Chosen::Lot(lot.id), quantity, reason: String::new() };
                if self.manager.submit(cancel, self.now).is_ok() {
                    self.orders.get_mut(&lot.order_id).unwrap().0 -= count;
                }
            }
            Act::Remove(device) => {
                if let Some(instance) = self.instance_of(device) {
                    let _ = self.manager.submit(Action::RemoveInstance { instance }, self.now);
                }
            }
            Act::TransferInstance { device, to_second } => {
                if let Some(instance) = self.instance_of(device) {
                    let to = self.places[usize::from(to_second)];
                    let _ = self.manager.submit(Action::TransferInstance { instance, to }, self.now);
                }
            }
            Act::Permit(permitted) => self.manager.facts.account.export_permitted = permitted,
            Act::Minutes(count) => self.pass(minutes(count)),
            Act::Days(count) => self.pass(days(count)),
            _ => {}
        }
    }

    // ------------------------------------------------------------------ time

    /// Lets time pass, from deadline to deadline of everybody. The manager's jobs run first where both are due.
    pub(super) fn pass(&mut self, span: SignedDuration) {
        let until = self.now + span;
        let mut at_once = 0;
        loop {
            let expiry = self.manager.next_expiry();
            let ends = self.manager.facts.lots.values().filter_map(|lot| lot.term.ends_at);
            let lot_end = ends.filter(|end| *end > self.now).min();
            let deadlines = self.agents.iter().filter_map(Agent::poll_deadline);
            let next = deadlines.chain(expiry).chain(lot_end).min();
            let Some(next) = next.map(|next| next.max(self.now)).filter(|next| *next <= until) else { break };
            at_once = if next == self.now { at_once + 1 } else { 0 };
            assert!(at_once < 20, "something is due again and again");
            let after = self.now;
            self.now = next;
            if expiry.is_some_and(|expiry| expiry <= next) {
                self.manager.expire(next);
            }
            if lot_end == Some(next) {
                let due = |end: Timestamp| after < end && end <= next;
                let lots = self.manager.facts.lots.values();
                let lots: Vec<LotId> =
                    lots.filter(|lot| lot.term.ends_at.is_some_and(due)).map(|lot| lot.id).collect();
                self.manager.submit(Action::ReassessLots { lots, after }, next).unwrap();
            }
            for device in 0..DEVICES {
                if self.agents[device].poll_deadline().is_some_and(|due| due <= next) {
                    self.agents[device].handle_timeout(next, &mut self.chance);
                    self.exchange(device);
                }
            }
        }
        self.now = until;
    }

    pub(super) fn act(&mut self, act: &Act) {
        self.pass(minutes(1));
        self.at_a_product(act);
    }

    /// Every message is delivered, in whichever order, and everybody has had a contact since.
    pub(super) fn deliver_all(&mut self) {
        while let Some(transmit) = self.late.pop_back() {
            let _ = self.manager.answer(&transmit, self.now);
        }
        self.links = [Link::Up; DEVICES];
        self.pass(days(2));
        self.enter_returns();
    }

    pub(super) fn give_everything_back(&mut self) {
        for device in 0..DEVICES {
            for feature in FEATURES {
                self.command(device, Command::SetExportFeature { feature: feature.to_owned(), on: false });
                self.command(device, Command::ReturnExport(feature.to_owned()));
                self.pass(minutes(1));
            }
            self.give_back(device, true);
        }
    }
}
