//! The agent's core and the manager's core, joined in memory: one agent with its shell, one manager, and the time they
//! share. The clock jumps from deadline to deadline, so that a year passes in moments. No cryptography: certificates
//! are stand-ins that neither core looks into.
//!
//! A world is there to be judged by a test or a measurement. Where a core breaks its word to it (an answer that can't
//! be read, a deadline that never passes), the run is worth nothing and ends there: that is a panic that says what
//! was broken.
#![expect(
    clippy::expect_used,
    reason = "each states what a core promises; a run in which it does not hold ends"
)]

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use seatpool_agent::{
    Agent, AgentEvent, Answer, Chance, Command, ContactFailure, FailureKind, Identity, KeyId, NewKey,
    Profile, State, Status,
};
use seatpool_domain::EventKind;
use seatpool_proto::{Nonce, Quantity, Request, RequestBody, RequestId, Tag, Udi};
use uuid::Uuid;

mod manager;
pub mod year;

pub use self::manager::Manager;

/// A standard seat.
pub const STANDARD: &str = "CCX_FLEX_STANDARD";
/// A premium seat, a tier above the standard one.
pub const PREMIUM: &str = "CCX_FLEX_PREMIUM";
/// The server itself, which must be owned and is not consumed.
pub const SERVER: &str = "CCX_SERVER";

/// When every world begins: 2026-01-01T10:00:00Z.
pub fn start() -> Timestamp {
    Timestamp::from_second(1_767_261_600).expect("an instant of this age")
}

/// So many minutes.
pub fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

/// So many hours.
pub fn hours(count: i64) -> SignedDuration {
    SignedDuration::from_hours(count)
}

/// So many days of 24 hours.
pub fn days(count: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * count)
}

/// The tag of this name.
pub fn tag(name: &str) -> Tag {
    name.parse().expect("the name of a tag")
}

/// Ids in order; jitter in the middle, so that schedules are exact.
#[derive(Debug, Default)]
struct Counter(u128);

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

/// One request and what came of it.
#[derive(Debug)]
pub struct Exchange {
    /// When it was sent.
    pub at: Timestamp,
    /// The request.
    pub request: Request,
    /// Whether an answer came back to the agent.
    pub answered: bool,
}

/// One agent, one manager, and the time they share.
#[derive(Debug)]
pub struct World {
    /// The agent's core.
    pub agent: Agent,
    /// The manager.
    pub manager: Manager,
    /// The present time of both.
    pub now: Timestamp,
    /// The manager can't be reached.
    pub away: bool,
    /// So many answers get lost on their way back.
    pub losing: u32,
    /// All requests, in order.
    pub exchanges: Vec<Exchange>,
    /// All that the agent told, in order.
    pub events: Vec<AgentEvent>,
    /// The stored state.
    stored: Option<State>,
    chance: Counter,
    keys: u128,
}

impl World {
    /// A new installation under a shipped profile.
    pub fn new(profile: &str) -> Self {
        Self::with(Profile::shipped(profile).expect("a profile that ships"))
    }

    /// A new installation under this profile.
    pub fn with(profile: Profile) -> Self {
        let now = start();
        let identity = Identity {
            udi: Udi::new("UCCX", "SN-1", None).expect("a device's identity"),
            product_name: "Contact Center".to_owned(),
            product_version: Some("15.0".to_owned()),
            host_name: Some("ccx1.example.com".to_owned()),
        };
        let mut world = Self {
            agent: Agent::new(profile, identity, None, now),
            manager: Manager::new(now),
            now,
            away: false,
            losing: 0,
            exchanges: Vec::new(),
            events: Vec::new(),
            stored: None,
            chance: Counter::default(),
            keys: 0,
        };
        world.settle();
        world
    }

    /// With a server licence and so many standard ones owned, registered.
    pub fn registered(profile: &str, standard: u64) -> Self {
        let mut world = Self::new(profile);
        world.manager.order(SERVER, 1, world.now);
        world.manager.order(STANDARD, standard, world.now);
        world.register(false);
        world
    }

    /// How the agent stands.
    pub fn status(&self) -> Status {
        self.agent.status(self.now)
    }

    /// Whether the product may do what enforcement blocks.
    pub fn may_sync(&self) -> bool {
        self.agent.may_i("user-sync", self.now).is_allowed()
    }

    /// Registers with a new key.
    pub fn register(&mut self, force: bool) {
        self.keys += 1;
        let new_key = NewKey {
            id: KeyId(RequestId(Uuid::from_u128(self.keys))),
            public_key: self.keys.to_be_bytes().to_vec(),
        };
        self.command(Command::Register { token: "cGFpcg==".to_owned(), force, new_key });
    }

    /// Gives the agent a command, which it takes.
    pub fn command(&mut self, command: Command) {
        self.agent.handle_command(command, self.now, &mut self.chance).expect("the agent takes it");
        self.settle();
    }

    /// So many of a licence are in use from now on.
    pub fn use_tag(&mut self, name: &str, count: u64) {
        self.agent
            .handle_usage(&tag(name), Quantity::of(count), self.now)
            .expect("the profile knows the tag");
        self.settle();
    }

    /// The process ends, and starts again from what was stored.
    pub fn restart(&mut self) {
        self.restart_from(self.snapshot());
    }

    /// What is stored now.
    pub fn snapshot(&self) -> State {
        self.stored.clone().expect("something was stored")
    }

    /// The process ends, and starts again from that state: another copy's, or an older one.
    pub fn restart_from(&mut self, state: State) {
        let (profile, identity) = (self.agent.profile().clone(), self.agent.identity().clone());
        self.agent = Agent::new(profile, identity, Some(state), self.now);
        self.settle();
    }

    fn settle(&mut self) {
        loop {
            if let Some(state) = self.agent.poll_persist() {
                self.stored = Some(state.clone());
                self.agent.persisted();
            }
            self.events.extend(core::iter::from_fn(|| self.agent.poll_event()));
            let Some(transmit) = self.agent.poll_transmit() else { break };
            let request_id = transmit.request.request_id;
            let mut answered = false;
            if self.away {
                let failure = ContactFailure::new(FailureKind::Connect, "away");
                self.agent.handle_failure(request_id, failure, self.now, &mut self.chance);
            } else {
                let (response, text_hash) = self.manager.answer(&transmit, self.now);
                if self.losing > 0 {
                    self.losing -= 1;
                    let failure = ContactFailure::new(FailureKind::Timeout, "lost");
                    self.agent.handle_failure(request_id, failure, self.now, &mut self.chance);
                } else {
                    answered = true;
                    let answer = Answer { request_id, text_hash, response };
                    self.agent.handle_answer(answer, self.now, &mut self.chance);
                }
            }
            self.exchanges.push(Exchange { at: self.now, request: transmit.request, answered });
        }
    }

    /// Lets time pass, from deadline to deadline of either side.
    pub fn run_until(&mut self, until: Timestamp) {
        let mut at_once = 0;
        loop {
            let expiry = self.manager.next_expiry();
            let next = self.agent.poll_deadline().into_iter().chain(expiry).min();
            let Some(next) = next.map(|next| next.max(self.now)).filter(|next| *next <= until) else { break };
            at_once = if next == self.now { at_once + 1 } else { 0 };
            assert!(at_once < 20, "something is due again and again: {:?}", self.status().jobs);
            self.now = next;
            if expiry.is_some_and(|expiry| expiry <= next) {
                self.manager.expire(next);
            }
            self.agent.handle_timeout(next, &mut self.chance);
            self.settle();
        }
        self.now = until;
    }

    /// Lets so much time pass.
    pub fn run(&mut self, span: SignedDuration) {
        self.run_until(self.now + span);
    }

    /// Lets time pass until so long after the start.
    pub fn run_to(&mut self, since_start: SignedDuration) {
        self.run_until(start() + since_start);
    }

    /// The agent's events with their minutes since the start, but for those of single licences' modes.
    pub fn told(&self) -> Vec<(i64, &'static str)> {
        let told = self.events.iter().map(|event| (self.minute(event.at), event.code.as_str()));
        told.filter(|(_, code)| *code != "enforcement_mode_changed").collect()
    }

    /// The manager's events of these kinds with their minutes since the start.
    pub fn logged(&self, kinds: &[EventKind]) -> Vec<(i64, &'static str)> {
        let events = self.manager.events.iter().filter(|event| kinds.contains(&event.kind));
        events.map(|event| (self.minute(event.at), event.kind.as_str())).collect()
    }

    /// Minutes since the start of the requests of one type.
    pub fn minutes_of(&self, kind: &str) -> Vec<i64> {
        let of_kind = self.exchanges.iter().filter(|exchange| exchange.request.body.kind() == kind);
        of_kind.map(|exchange| self.minute(exchange.at)).collect()
    }

    fn minute(&self, at: Timestamp) -> i64 {
        let _ = self;
        at.duration_since(start()).as_mins()
    }

    /// The scheduled reports: minute, actual peak and locked usage of a tag.
    pub fn reports_of(&self, name: &str) -> Vec<(i64, u64, Option<u64>)> {
        let name = tag(name);
        let reports = self.exchanges.iter().filter_map(|exchange| match &exchange.request.body {
            RequestBody::Authorization(report) if report.scheduled => Some((exchange.at, report)),
            _ => None,
        });
        reports
            .map(|(at, report)| {
                let usage = report.usage.iter().find(|usage| usage.tag == name);
                let usage = usage.expect("every report names every tag of the profile");
                (self.minute(at), usage.peak.count(), usage.locked.map(Quantity::count))
            })
            .collect()
    }

    /// How often the agent told each thing.
    pub fn counts(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for event in &self.events {
            *counts.entry(event.code.as_str()).or_default() += 1;
        }
        counts
    }
}
