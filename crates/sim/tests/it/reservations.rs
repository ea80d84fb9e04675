//! Agents and a manager that never meet: random steps on both sides, codes carried late, repeatedly, or not at all.
//! Whatever happens, what a product may use by its installed code is held for it by the manager's lots; and once
//! every code has been carried, nothing is held any more.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use jiff::Timestamp;
use proptest::prelude::*;
use seatpool_agent::reservation::{Step, Taken};
use seatpool_agent::{Agent, Identity, KeyId, Keyring, NewKey, Profile};
use seatpool_crypto::{Anchors, P256Key, P256ReservationKey, P256Verifier, Purpose};
use seatpool_domain::Outcome;
use seatpool_domain::command::{Action, ReserveLine};
use seatpool_proto::code::{
    AuthorizationCode, ConfirmationCode, RequestCode, ReservationKey, ReservationKind, ReturnCode,
    UntrustedAuthorization,
};
use seatpool_proto::{ProductInstanceId, Quantity, RequestId, Signer as _, Udi, Verifier};
use seatpool_sim::world::{Manager, PREMIUM, minutes, tag};
use uuid::Uuid;

/// Sequences of the property.
const CASES: u32 = 10_000;
/// Licences that there are.
const OWNED: u64 = 20;
/// Products.
const DEVICES: usize = 2;

/// The page's published reservation key and chain: making keys and certificates is not what is tested here.
const PAGE: &str = include_str!("../../../../docs/protocol.md");

fn block(kind: &str) -> &'static str {
    let (_, rest) = PAGE.split_once(&format!(" {kind}\n")).unwrap();
    rest.split_once("\n```").unwrap().0
}

fn der(pem: &str) -> Vec<u8> {
    use base64::Engine as _;
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    base64::engine::general_purpose::STANDARD.decode(body).unwrap()
}

/// The manager's reservation key in its two uses, with its chain and root.
struct Seal {
    signer: P256Key,
    agreement: P256ReservationKey,
    chain: Vec<Vec<u8>>,
    anchors: Anchors,
}

thread_local! {
    static SEAL: Rc<Seal> = {
        let signer = P256Key::from_pkcs8(&der(block("code-key:reservation"))).unwrap();
        let first = UntrustedAuthorization::from_text(block("code:first")).unwrap();
        Rc::new(Seal {
            agreement: P256ReservationKey::of(&signer).unwrap(),
            signer,
            chain: first.certificates,
            anchors: Anchors::new([der(block("certificate:root"))]).unwrap(),
        })
    };
}

struct Ring {
    seal: Rc<Seal>,
    keys: RefCell<BTreeMap<KeyId, Rc<P256Key>>>,
}

impl Keyring for Ring {
    fn verifier(&self) -> &dyn Verifier {
        &P256Verifier
    }
    fn trusts(&self, chain: &[Vec<u8>], now: Timestamp) -> Result<(), String> {
        self.seal.anchors.verify(chain, Purpose::Reservation, now).map_err(|error| error.to_string())
    }
    fn reservation_key(&self, id: KeyId) -> Result<Box<dyn ReservationKey>, String> {
        let key = self.keys.borrow().get(&id).cloned().ok_or("no such key")?;
        P256ReservationKey::of(&key)
            .map(|key| Box::new(key) as Box<dyn ReservationKey>)
            .map_err(|e| e.to_string())
    }
}

/// Something that somebody does. Codes are named by their place among those that were made.
#[derive(Clone, Debug)]
enum Act {
    Enable(usize),
    Disable(usize),
    Request(usize),
    Cancel(usize),
    Return(usize),
    Install(usize, usize),
    ReturnAuthorization(usize, usize),
    Restart(usize),
    Reserve { request: usize, count: u64 },
    Update { reservation: usize, count: u64 },
    EnterConfirmation { code: usize, reservation: usize },
    EnterReturn { code: usize, reservation: usize },
}

/// Mostly the newest, as people carry codes; at times an older one, again or late.
fn place() -> impl Strategy<Value = usize> {
    prop_oneof![6 => Just(0_usize), 2 => Just(1), 1 => 0..8_usize]
}

fn device() -> impl Strategy<Value = usize> {
    prop_oneof![4 => Just(0_usize), 1 => 0..DEVICES]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        1 => device().prop_map(Act::Enable),
        1 => device().prop_map(Act::Disable),
        3 => device().prop_map(Act::Request),
        1 => device().prop_map(Act::Cancel),
        2 => device().prop_map(Act::Return),
        8 => (device(), place()).prop_map(|(device, code)| Act::Install(device, code)),
        4 => (device(), place()).prop_map(|(device, code)| Act::ReturnAuthorization(device, code)),
        1 => device().prop_map(Act::Restart),
        4 => (place(), 1..15_u64).prop_map(|(request, count)| Act::Reserve { request, count }),
        6 => (place(), 1..15_u64).prop_map(|(reservation, count)| Act::Update { reservation, count }),
        4 => (place(), place()).prop_map(|(code, reservation)| Act::EnterConfirmation { code, reservation }),
        4 => (place(), place()).prop_map(|(code, reservation)| Act::EnterReturn { code, reservation }),
    ]
}

/// The way into a reservation, of which random steps alone would seldom see the end.
fn way_in(device: usize) -> [Act; 4] {
    [
        Act::Enable(device),
        Act::Request(device),
        Act::Reserve { request: 0, count: 6 },
        Act::Install(device, 0),
    ]
}

struct World {
    agents: Vec<Agent>,
    ring: Ring,
    manager: Manager,
    now: Timestamp,
    /// Everything that was ever written on paper, the newest first when it is asked for.
    requests: Vec<RequestCode>,
    authorizations: Vec<String>,
    confirmations: Vec<ConfirmationCode>,
    returns: Vec<ReturnCode>,
    reservations: Vec<ProductInstanceId>,
}

fn profile() -> Profile {
    Profile::shipped("unified-ccx").unwrap()
}

fn identity(device: usize) -> Identity {
    let udi = Udi::new("UCCX", format!("SN{device}"), None).unwrap();
    Identity { udi, product_name: "CCX".to_owned(), product_version: None, host_name: None }
}

/// The thing at `place`, counted from the newest.
fn newest<T: Clone>(things: &[T], place: usize) -> Option<T> {
    things.iter().rev().nth(place).cloned()
}

impl World {
    fn new() -> Self {
        let now = "2026-11-22T00:00:00Z".parse().unwrap();
        let mut manager = Manager::new(now);
        manager.order(PREMIUM, OWNED, now);
        Self {
            agents: (0..DEVICES).map(|device| Agent::new(profile(), identity(device), None, now)).collect(),
            ring: Ring { seal: SEAL.with(Rc::clone), keys: RefCell::default() },
            manager,
            now,
            requests: Vec::new(),
            authorizations: Vec::new(),
            confirmations: Vec::new(),
            returns: Vec::new(),
            reservations: Vec::new(),
        }
    }

    /// A step of a product; its code, if it makes one, is written down.
    fn step(&mut self, device: usize, step: Step) -> bool {
        let taken = self.agents[device].handle_reservation(step, &self.ring, self.now);
        while self.agents[device].poll_persist().is_some() {
            self.agents[device].persisted();
        }
        assert_eq!(self.agents[device].poll_transmit(), None);
        match taken {
            Ok(Taken::Requested(code)) => {
                // Over its line, as a person carries it.
                let code: RequestCode = code.to_string().parse().unwrap();
                if !self.requests.contains(&code) {
                    self.requests.push(code);
                }
            }
            Ok(Taken::Installed(code)) => self.confirmations.push(code.to_string().parse().unwrap()),
            Ok(Taken::Returned(code)) => self.returns.push(code.to_string().parse().unwrap()),
            Ok(Taken::Done) => {}
            Err(_) => return false,
        }
        true
    }

    fn new_key(&self) -> NewKey {
        let key = P256Key::generate().unwrap();
        let id = KeyId(RequestId(Uuid::from_u128(self.ring.keys.borrow().len() as u128)));
        let public_key = key.public_key().to_vec();
        self.ring.keys.borrow_mut().insert(id, Rc::new(key));
        NewKey { id, public_key }
    }

    /// The manager gives the latest code of a reservation out.
    fn give_out(&mut self, instance: ProductInstanceId) {
        let row = self.manager.facts.reservations.get(&instance).unwrap();
        let seal = &self.ring.seal;
        let code = AuthorizationCode::issue(
            row.grant(),
            row.udi.clone(),
            row.request,
            &seal.signer,
            seal.chain.clone(),
        )
        .unwrap()
        .to_text();
        self.authorizations.push(code);
        if !self.reservations.contains(&instance) {
            self.reservations.push(instance);
        }
    }

    fn reserve(&mut self, request: RequestCode, count: u64) {
        let lines = vec![ReserveLine { tag: tag(PREMIUM), lot: None, quantity: Quantity::of(count) }];
        let manager = self.ring.seal.agreement.public_point();
        let virtual_account = self.manager.virtual_account;
        let action = Action::Reserve { virtual_account, request, manager, lines };
        if let Ok(Outcome::Reserved(instance)) = self.manager.submit(action, self.now) {
            self.give_out(instance);
        }
    }

    fn update(&mut self, instance: ProductInstanceId, count: u64) {
        let lines = vec![ReserveLine { tag: tag(PREMIUM), lot: None, quantity: Quantity::of(count) }];
        let action = Action::UpdateReservation { instance, lines };
        if let Ok(Outcome::Reserved(instance)) = self.manager.submit(action, self.now) {
            self.give_out(instance);
        }
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
            let _ = self.manager.submit(action, self.now);
        }
    }

    fn act(&mut self, act: &Act) {
        self.now = self.now.checked_add(minutes(1)).unwrap();
        match *act {
            Act::Enable(device) => drop(self.step(device, Step::Enable)),
            Act::Disable(device) => drop(self.step(device, Step::Disable)),
            Act::Request(device) => {
                let (key, nonce) = (self.new_key(), seatpool_crypto::random_bytes());
                self.step(device, Step::Request { kind: ReservationKind::Specific, key, nonce });
            }
            Act::Cancel(device) => drop(self.step(device, Step::Cancel)),
            Act::Return(device) => drop(self.step(device, Step::Return)),
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
            Act::Restart(device) => {
                let stored = serde_json::to_string(self.agents[device].state()).unwrap();
                let state = serde_json::from_str(&stored).unwrap();
                self.agents[device] = Agent::new(profile(), identity(device), Some(state), self.now);
            }
            Act::Reserve { request, count } => {
                if let Some(request) = newest(&self.requests, request) {
                    self.reserve(request, count);
                }
            }
            Act::Update { reservation, count } => {
                if let Some(instance) = newest(&self.reservations, reservation) {
                    self.update(instance, count);
                }
            }
            Act::EnterConfirmation { code, reservation } => {
                let both = newest(&self.confirmations, code).zip(newest(&self.reservations, reservation));
                if let Some((code, instance)) = both {
                    self.enter_confirmation(code, instance);
                }
            }
            Act::EnterReturn { code, reservation } => {
                let both = newest(&self.returns, code).zip(newest(&self.reservations, reservation));
                if let Some((code, instance)) = both {
                    self.enter_return(code, instance);
                }
            }
        }
    }

    fn held(&self) -> u64 {
        self.manager.facts.lots.values().map(|lot| lot.reserved.count()).sum()
    }

    /// Never in two places: what each product may use is held for it, and no more is held than there is.
    fn check(&self) {
        assert!(self.held() <= OWNED, "{} of {OWNED} are held", self.held());
        for agent in &self.agents {
            let Some(installed) = &agent.state().reservation.installed else { continue };
            let grant = &installed.grant;
            let row = self.manager.facts.reservations.get(&grant.product_instance_id).unwrap();
            assert!(row.is_open(), "a product uses what was given back: {grant:?}");
            let used: u64 = grant.entitlements.iter().map(|entitlement| entitlement.count.count()).sum();
            let held: u64 = row.lots().map(|lot| row.holds(lot).count()).sum();
            assert!(used <= held, "a product may use {used}, and {held} are held for it: {grant:?} {row:?}");
        }
    }

    /// Never in none: everybody gives everything back, and every code is carried.
    fn settle(&mut self) {
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
        assert_eq!(self.held(), 0, "{:#?}", self.manager.facts.reservations);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn licences_are_never_in_two_places_and_never_in_none(
        begun in 0..=4_usize, acts in proptest::collection::vec(act(), 1..28)
    ) {
        let mut world = World::new();
        for act in way_in(0).iter().take(begun).chain(&acts) {
            world.act(act);
            world.check();
        }
        world.settle();
    }
}

/// The random steps would prove little if they got nowhere.
#[test]
fn the_steps_lead_through_all_of_a_reservations_life() {
    let mut world = World::new();
    let life = [Act::Update { reservation: 0, count: 4 }, Act::Install(0, 0)];
    for act in way_in(0).iter().chain(&life) {
        world.act(act);
        world.check();
    }
    assert_eq!((world.held(), world.confirmations.len()), (6, 2), "in transit the larger is held");
    world.act(&Act::EnterConfirmation { code: 0, reservation: 0 });
    assert_eq!(world.held(), 4);
    world.act(&Act::Return(0));
    world.act(&Act::EnterReturn { code: 0, reservation: 0 });
    assert_eq!(world.held(), 0);
}
