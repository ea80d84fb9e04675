//! Products, a manager and the paper between them, and what must hold of all three.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use seatpool_agent::reservation::{Step, Taken};
use seatpool_agent::{Agent, Chance, Command, Identity, Profile};
use seatpool_domain::Outcome;
use seatpool_domain::command::{
    Action, Chosen, CoTermination, OrderLine, RehostStep, ReserveLine, TransferLine,
};
use seatpool_domain::lot::Lot;
use seatpool_proto::code::{
    AuthorizationCode, ConfirmationCode, RequestCode, ReservationKey as _, ReservationKind, ReturnCode,
    Returned,
};
use seatpool_proto::{
    LotId, LotKind, Nonce, ProductInstanceId, Quantity, RequestId, Tag, Term, Udi, VirtualAccountId,
};
use seatpool_sim::world::{Manager, PREMIUM, STANDARD, minutes, tag};
use uuid::Uuid;

use super::acts::{Act, DEVICES, Line, PORT, TAGS};
use crate::seal::Ring;

pub(super) struct World {
    pub(super) agents: Vec<Agent>,
    /// How many devices there were at each place: one that failed is replaced.
    devices: [u32; DEVICES],
    ring: Ring,
    pub(super) manager: Manager,
    places: [VirtualAccountId; 2],
    pub(super) now: Timestamp,
    /// What the vendor deposited and did not take back, by order.
    orders: BTreeMap<String, (Tag, u64, Term)>,
    /// Everything that was ever written on paper, the newest first when it is asked for.
    requests: Vec<RequestCode>,
    authorizations: Vec<String>,
    pub(super) confirmations: Vec<ConfirmationCode>,
    returns: Vec<ReturnCode>,
    reservations: Vec<ProductInstanceId>,
}

struct NoChance;

impl Chance for NoChance {
    fn request_id(&mut self) -> RequestId {
        RequestId(Uuid::nil())
    }
    fn nonce(&mut self) -> Nonce {
        Nonce([0; 16])
    }
    fn jitter(&mut self) -> f64 {
        0.5
    }
}

fn profile() -> Profile {
    Profile::shipped("unified-ccx").unwrap()
}

/// The thing at `place`, counted from the newest.
fn newest<T: Clone>(things: &[T], place: usize) -> Option<T> {
    things.iter().rev().nth(place).cloned()
}

impl World {
    pub(super) fn new(universal_permitted: bool) -> Self {
        let now = "2026-11-22T00:00:00Z".parse().unwrap();
        let mut manager = Manager::new(now);
        manager.facts.account.universal_permitted = universal_permitted;
        let (name, description) = ("Second".to_owned(), String::new());
        let created = manager.submit(Action::CreateVirtualAccount { name, description }, now).unwrap();
        let Outcome::VirtualAccount(second) = created else { panic!("{created:?}") };
        let mut world = Self {
            agents: Vec::new(),
            devices: [0; DEVICES],
            ring: Ring::new(),
            places: [manager.virtual_account, second],
            manager,
            now,
            orders: BTreeMap::new(),
            requests: Vec::new(),
            authorizations: Vec::new(),
            confirmations: Vec::new(),
            returns: Vec::new(),
            reservations: Vec::new(),
        };
        world.agents =
            (0..DEVICES).map(|device| Agent::new(profile(), world.identity(device), None, now)).collect();
        let stock = [
            (false, PREMIUM, 8, None),
            (false, PREMIUM, 6, Some(20)),
            (false, STANDARD, 9, Some(45)),
            (false, PORT, 4, None),
            (true, PREMIUM, 5, Some(10)),
            (true, STANDARD, 7, None),
        ];
        for (second, tag, count, days) in stock {
            world.order(second, tag, count, days);
        }
        world
    }

    fn identity(&self, device: usize) -> Identity {
        let serial = format!("SN{device}-{}", self.devices[device]);
        let udi = Udi::new("UCCX", serial, None).unwrap();
        Identity { udi, product_name: "CCX".to_owned(), product_version: None, host_name: None }
    }

    // ------------------------------------------------------------------ products

    /// A step of a product; its code, if it makes one, is written down.
    fn step(&mut self, device: usize, step: Step) {
        let taken = self.agents[device].handle_reservation(step, &self.ring, self.now);
        self.store(device);
        match taken {
            Ok(Taken::Requested(code)) => {
                // Over its line, as a person carries it.
                let code: RequestCode = code.to_string().parse().unwrap();
                if !self.requests.contains(&code) {
                    self.requests.push(code);
                }
            }
            Ok(Taken::Installed(code)) => self.confirmations.push(code.to_string().parse().unwrap()),
            Ok(Taken::Returned(code)) => {
                let installed = &self.agents[device].state().reservation.installed;
                assert!(
                    code.returned == Returned::Whole || installed.is_some(),
                    "what nothing is installed of is given back as a whole"
                );
                self.returns.push(code.to_string().parse().unwrap());
            }
            Ok(Taken::Done) | Err(_) => {}
        }
    }

    fn store(&mut self, device: usize) {
        while self.agents[device].poll_persist().is_some() {
            self.agents[device].persisted();
        }
        assert_eq!(self.agents[device].poll_transmit(), None, "nothing is ever sent");
    }

    fn at_a_product(&mut self, act: &Act) {
        match *act {
            Act::Enable(device) => self.step(device, Step::Enable),
            Act::Disable(device) => self.step(device, Step::Disable),
            Act::Request { device, universal } => {
                let kind = if universal { ReservationKind::Universal } else { ReservationKind::Specific };
                let (key, nonce) = (self.ring.new_key(), seatpool_crypto::random_bytes());
                self.step(device, Step::Request { kind, key, nonce });
            }
            Act::Cancel(device) => self.step(device, Step::Cancel),
            Act::Return(device) => self.step(device, Step::Return),
            Act::Install(device, code) => {
                if let Some(text) = newest(&self.authorizations, code) {
                    self.step(device, Step::Install(text));
                }
            }
            Act::ReturnAuthorization(device, code) => {
                if let Some(text) = newest(&self.authorizations, code) {
                    self.step(device, Step::ReturnAuthorization(text));
                }
            }
            Act::FactoryReset { device, force } => {
                let command = Command::FactoryReset { force };
                let _ = self.agents[device].handle_command(command, self.now, &mut NoChance);
                self.store(device);
            }
            Act::Restart(device) => {
                let stored = serde_json::to_string(self.agents[device].state()).unwrap();
                let state = serde_json::from_str(&stored).unwrap();
                self.agents[device] = Agent::new(profile(), self.identity(device), Some(state), self.now);
            }
            _ => self.at_the_manager(act),
        }
    }

    // ------------------------------------------------------------------ manager

    /// The manager gives the latest code of a reservation out.
    fn give_out(&mut self, instance: ProductInstanceId) {
        let row = self.manager.facts.reservations.get(&instance).unwrap();
        let seal = &self.ring.seal;
        let (grant, udi, request) = (row.grant(), row.udi.clone(), row.request);
        let code = AuthorizationCode::issue(grant, udi, request, &seal.signer, seal.chain.clone()).unwrap();
        self.authorizations.push(code.to_text());
        if !self.reservations.contains(&instance) {
            self.reservations.push(instance);
        }
    }

    fn submit_reservation(&mut self, action: Action) {
        if let Ok(Outcome::Reserved(instance)) = self.manager.submit(action, self.now) {
            self.give_out(instance);
        }
    }

    fn lot(&self, place: usize) -> Option<LotId> {
        self.manager.facts.lots.values().map(|lot| lot.id).nth(place)
    }

    fn lines(&self, kind: ReservationKind, lines: &[Line]) -> Vec<ReserveLine> {
        let line = |line: &Line| ReserveLine {
            tag: tag(line.tag),
            lot: line.lot.and_then(|place| self.lot(place)),
            quantity: Quantity::of(line.count),
        };
        if kind == ReservationKind::Universal { Vec::new() } else { lines.iter().map(line).collect() }
    }

    /// As `app` does it: the code is checked against the reservation, then the ledger is told.
    fn enter_confirmation(&mut self, code: ConfirmationCode, instance: ProductInstanceId) {
        let row = self.manager.facts.reservations.get(&instance).unwrap();
        let sequence = row.latest().sequence;
        if code.check(&row.facts(sequence), &self.ring.seal.agreement).is_ok() {
            let _ = self.manager.submit(Action::ConfirmReservation { instance, sequence }, self.now);
        }
    }

    fn enter_return(&mut self, code: ReturnCode, instance: ProductInstanceId) {
        let row = self.manager.facts.reservations.get(&instance).unwrap();
        let sequence = row.code(code.sequence).map_or(row.latest().sequence, |known| known.sequence);
        if code.check(&row.facts(sequence), &self.ring.seal.agreement).is_ok() {
            let action = Action::ReturnReservation { instance, sequence, returned: code.returned };
            if self.manager.submit(action, self.now).is_ok() && code.returned == Returned::Whole {
                assert!(!self.manager.facts.reservations.get(&instance).unwrap().is_open());
            }
        }
    }

    fn order(&mut self, second: bool, name: &str, count: u64, days: Option<i64>) {
        let ends_at = days.map(|days| self.now + SignedDuration::from_hours(24 * days + 7));
        let term = Term { starts_at: self.now, ends_at };
        let line = OrderLine {
            tag: tag(name),
            quantity: Quantity::of(count),
            kind: if ends_at.is_some() { LotKind::Term } else { LotKind::Perpetual },
            term,
            dates: seatpool_domain::lot::NamedDates::default(),
            subscription_id: None,
            co_termination: CoTermination::Own,
        };
        let order_id = format!("order-{}", self.orders.len());
        self.orders.insert(order_id.clone(), (tag(name), count, term));
        let virtual_account = self.places[usize::from(second)];
        self.manager
            .submit(Action::Order { virtual_account, order_id, lines: vec![line] }, self.now)
            .unwrap();
    }

    fn cancel_lot(&mut self, lot: &Lot, count: u64) {
        let action = Action::Cancel {
            lots: Chosen::Lot(lot.id),
            quantity: Some(Quantity::of(count)),
            reason: String::new(),
        };
        if self.manager.submit(action, self.now).is_ok()
            && let Some((_, left, _)) = self.orders.get_mut(&lot.order_id)
        {
            *left -= count;
        }
    }

    /// The device is gone with all that it knew; another takes its place.
    fn rehost(&mut self, instance: ProductInstanceId) {
        let udi = self.manager.facts.reservations.get(&instance).unwrap().udi.clone();
        let action = Action::Rehost { instance, step: RehostStep::Release, reason: "it burnt".to_owned() };
        let failed = self.agents.iter().position(|agent| agent.identity().udi == udi);
        if self.manager.submit(action, self.now).is_ok()
            && let Some(device) = failed
        {
            self.devices[device] += 1;
            self.agents[device] = Agent::new(profile(), self.identity(device), None, self.now);
        }
    }

    fn at_the_manager(&mut self, act: &Act) {
        match act {
            Act::Reserve { request, second, lines } => {
                let Some(request) = newest(&self.requests, *request) else { return };
                let lines = self.lines(request.kind, lines);
                let (virtual_account, manager) =
                    (self.places[usize::from(*second)], self.ring.seal.agreement.public_point());
                self.submit_reservation(Action::Reserve { virtual_account, request, manager, lines });
            }
            Act::Update { reservation, lines } => {
                let Some(instance) = newest(&self.reservations, *reservation) else { return };
                let lines = self.lines(ReservationKind::Specific, lines);
                self.submit_reservation(Action::UpdateReservation { instance, lines });
            }
            Act::EnterConfirmation { code, reservation } => {
                let both = newest(&self.confirmations, *code).zip(newest(&self.reservations, *reservation));
                if let Some((code, instance)) = both {
                    self.enter_confirmation(code, instance);
                }
            }
            Act::EnterReturn { code, reservation } => {
                let both = newest(&self.returns, *code).zip(newest(&self.reservations, *reservation));
                if let Some((code, instance)) = both {
                    self.enter_return(code, instance);
                }
            }
            Act::Order { second, tag, count, days } => self.order(*second, tag, *count, *days),
            Act::Transfer { to_second, tag: name, count } => {
                let [from, to] = if *to_second { self.places } else { [self.places[1], self.places[0]] };
                let quantity = Quantity::of(*count);
                let line = TransferLine { tag: tag(name), lot: None, kind: None, quantity, to };
                let _ = self.manager.submit(Action::TransferLicenses { from, lines: vec![line] }, self.now);
            }
            Act::CancelLot { lot, count } => {
                let lot = self.manager.facts.lots.values().nth(*lot).cloned();
                if let Some(lot) = lot {
                    self.cancel_lot(&lot, *count);
                }
            }
            Act::Remove(reservation) => {
                if let Some(instance) = newest(&self.reservations, *reservation) {
                    let _ = self.manager.submit(Action::RemoveInstance { instance }, self.now);
                }
            }
            Act::Rehost(reservation) => {
                if let Some(instance) = newest(&self.reservations, *reservation) {
                    self.rehost(instance);
                }
            }
            Act::Days(days) => self.pass(*days),
            _ => {}
        }
    }

    fn pass(&mut self, days: i64) {
        let after = self.now;
        self.now = after + SignedDuration::from_hours(24 * days);
        let due = |lot: &&Lot| lot.term.ends_at.is_some_and(|end| after < end && end <= self.now);
        let lots: Vec<LotId> = self.manager.facts.lots.values().filter(due).map(|lot| lot.id).collect();
        self.manager.submit(Action::ReassessLots { lots, after }, self.now).unwrap();
        for device in 0..DEVICES {
            self.agents[device].handle_timeout(self.now, &mut NoChance);
            self.store(device);
        }
    }

    // ------------------------------------------------------------------ what must hold

    pub(super) fn act(&mut self, act: &Act) {
        self.now = self.now.checked_add(minutes(1)).unwrap();
        self.at_a_product(act);
    }

    /// How many reservations hold, of whichever lots.
    pub(super) fn held(&self) -> u64 {
        self.manager.facts.lots.values().map(|lot| lot.reserved.count()).sum()
    }

    /// Never in two places: what each product may use is held for it, of the very lots that its code was made of; no
    /// more is held than there is, and there is what the vendor deposited, no more and no less.
    pub(super) fn check(&self) {
        let facts = &self.manager.facts;
        let mut held: BTreeMap<LotId, u64> = BTreeMap::new();
        for row in facts.reservations.values() {
            for lot in row.lots() {
                *held.entry(lot).or_default() += row.holds(lot).count();
            }
        }
        let mut deposited: BTreeMap<&str, u64> = BTreeMap::new();
        let mut owned: BTreeMap<&Tag, u64> = BTreeMap::new();
        for lot in facts.lots.values() {
            let of_it = held.remove(&lot.id).unwrap_or_default();
            assert_eq!(lot.reserved.count(), of_it, "what is held of {lot:?}");
            assert!(lot.promised() <= lot.quantity, "more is promised than there is: {lot:?}");
            let (tag, _, term) = &self.orders[&lot.order_id];
            assert_eq!((&lot.tag, &lot.term), (tag, term));
            *deposited.entry(&lot.order_id).or_default() += lot.quantity.count();
            if lot.term.contains(self.now) {
                *owned.entry(&lot.tag).or_default() += lot.quantity.count();
            }
        }
        assert!(held.values().all(|count| *count == 0), "held of lots that are gone: {held:?}");
        for (order, (_, count, _)) in &self.orders {
            assert_eq!(deposited.get(order.as_str()).copied().unwrap_or_default(), *count, "of {order}");
        }
        for agent in &self.agents {
            let Some(installed) = &agent.state().reservation.installed else { continue };
            let grant = &installed.grant;
            let row = facts.reservations.get(&grant.product_instance_id).unwrap();
            assert!(row.is_open(), "a product uses what was given back: {grant:?}");
            let known = row.code(grant.sequence);
            let known = known.unwrap_or_else(|| panic!("the manager forgot {grant:?}: {row:?}"));
            assert_eq!(known.entitlements, grant.entitlements, "the code says what was reserved");
            let mut of_lots: BTreeMap<LotId, u64> = BTreeMap::new();
            for hold in &known.holds {
                *of_lots.entry(hold.lot).or_default() += hold.quantity.count();
            }
            for (lot, count) in of_lots {
                let held = row.holds(lot).count();
                assert!(count <= held, "a product may use {count}, and {held} are held for it: {row:?}");
            }
        }
        for name in TAGS {
            let tag = tag(name);
            let reserved = |agent: &Agent| agent.state().reservation.reserved(&tag, self.now);
            // A universal reservation uses without counting.
            let used: u64 = self.agents.iter().filter_map(reserved).map(Quantity::count).sum();
            let owned = owned.get(&tag).copied().unwrap_or_default();
            assert!(used <= owned, "products may use {used} of {tag}, and {owned} are owned");
        }
    }

    /// Never in none: everybody gives everything back, and every code is carried; what was made for a device that had
    /// failed by then is released, too.
    pub(super) fn settle(&mut self) {
        let lives = |udi: &Udi| self.agents.iter().any(|agent| agent.identity().udi == *udi);
        let rows = self.manager.facts.reservations.values();
        let failed: Vec<ProductInstanceId> =
            rows.filter(|row| row.is_open() && !lives(&row.udi)).map(|row| row.instance).collect();
        for instance in failed {
            self.rehost(instance);
        }
        for device in 0..DEVICES {
            self.step(device, Step::Enable);
            self.step(device, Step::Return);
            for code in self.authorizations.clone() {
                self.step(device, Step::ReturnAuthorization(code));
            }
        }
        for instance in self.reservations.clone() {
            for code in self.returns.clone() {
                self.enter_return(code, instance);
            }
        }
        self.check();
        assert_eq!(self.held(), 0, "{:#?}", self.manager.facts.reservations);
        let open = self.manager.facts.reservations.values().filter(|row| row.is_open()).count();
        assert_eq!(open, 0, "{:#?}", self.manager.facts.reservations);
        for agent in &self.agents {
            let reservation = &agent.state().reservation;
            assert_eq!(reservation.installed, None);
            for name in TAGS {
                assert_eq!(reservation.reserved(&tag(name), self.now), Some(Quantity::ZERO));
            }
        }
        let free = |name: &str| -> u64 {
            let lots = self.manager.facts.lots.values().filter(|lot| lot.tag.as_str() == name);
            lots.map(|lot| lot.usable(self.now).count()).sum()
        };
        for name in TAGS {
            let of_it =
                self.orders.values().filter(|(tag, _, term)| tag.as_str() == name && term.contains(self.now));
            assert_eq!(
                free(name),
                of_it.map(|(_, count, _)| count).sum::<u64>(),
                "all that counts of {name} is free"
            );
        }
    }
}
