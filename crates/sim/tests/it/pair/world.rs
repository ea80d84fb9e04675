//! One agent with its shell, one manager, and the time they share.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use seatpool_agent::{
    Agent, AgentEvent, Answer, Chance, Command, ContactFailure, FailureKind, Identity, KeyId, NewKey,
    Profile, State, Status,
};
use seatpool_domain::EventKind;
use seatpool_proto::{Nonce, Quantity, Request, RequestBody, RequestId, ResponseBody, Tag, Udi};
use uuid::Uuid;

use super::manager::Manager;

pub(super) const STANDARD: &str = "CCX_FLEX_STANDARD";
pub(super) const PREMIUM: &str = "CCX_FLEX_PREMIUM";
pub(super) const SERVER: &str = "CCX_SERVER";

pub(super) fn start() -> Timestamp {
    "2026-01-01T10:00:00Z".parse().unwrap()
}

pub(super) fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

pub(super) fn hours(count: i64) -> SignedDuration {
    SignedDuration::from_hours(count)
}

pub(super) fn days(count: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * count)
}

pub(super) fn tag(name: &str) -> Tag {
    name.parse().unwrap()
}

/// Ids in order; jitter in the middle, so that schedules are exact.
#[derive(Default)]
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
pub(super) struct Exchange {
    pub(super) at: Timestamp,
    pub(super) request: Request,
    /// Absent: no answer came.
    pub(super) answer: Option<ResponseBody>,
}

pub(super) struct World {
    pub(super) agent: Agent,
    pub(super) manager: Manager,
    pub(super) now: Timestamp,
    /// The manager can't be reached.
    pub(super) away: bool,
    /// So many answers get lost on their way back.
    pub(super) losing: u32,
    pub(super) exchanges: Vec<Exchange>,
    pub(super) events: Vec<AgentEvent>,
    /// The stored state.
    stored: Option<State>,
    chance: Counter,
    keys: u128,
}

impl World {
    /// A new installation under a shipped profile.
    pub(super) fn new(profile: &str) -> Self {
        Self::with(Profile::shipped(profile).unwrap())
    }

    pub(super) fn with(profile: Profile) -> Self {
        let now = start();
        let identity = Identity {
            udi: Udi::new("UCCX", "SN-1", None).unwrap(),
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
    pub(super) fn registered(profile: &str, standard: u64) -> Self {
        let mut world = Self::new(profile);
        world.manager.order(SERVER, 1, world.now);
        world.manager.order(STANDARD, standard, world.now);
        world.register(false);
        world
    }

    pub(super) fn status(&self) -> Status {
        self.agent.status(self.now)
    }

    /// Whether the product may do what enforcement blocks.
    pub(super) fn may_sync(&self) -> bool {
        self.agent.may_i("user-sync", self.now).is_allowed()
    }

    pub(super) fn register(&mut self, force: bool) {
        self.keys += 1;
        let new_key = NewKey {
            id: KeyId(RequestId(Uuid::from_u128(self.keys))),
            public_key: self.keys.to_be_bytes().to_vec(),
        };
        self.command(Command::Register { token: "cGFpcg==".to_owned(), force, new_key });
    }

    pub(super) fn command(&mut self, command: Command) {
        self.agent.handle_command(command, self.now, &mut self.chance).unwrap();
        self.settle();
    }

    pub(super) fn use_tag(&mut self, name: &str, count: u64) {
        self.agent.handle_usage(&tag(name), Quantity::of(count), self.now).unwrap();
        self.settle();
    }

    /// The process ends, and starts again from what was stored.
    pub(super) fn restart(&mut self) {
        self.restart_from(self.snapshot());
    }

    /// What is stored now.
    pub(super) fn snapshot(&self) -> State {
        self.stored.clone().expect("something was stored")
    }

    /// The process ends, and starts again from that state: another copy's, or an older one.
    pub(super) fn restart_from(&mut self, state: State) {
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
            let request = transmit.request.clone();
            let request_id = request.request_id;
            let mut exchange = Exchange { at: self.now, request, answer: None };
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
                    exchange.answer = Some(response.body.clone());
                    let answer = Answer { request_id, text_hash, response };
                    self.agent.handle_answer(answer, self.now, &mut self.chance);
                }
            }
            self.exchanges.push(exchange);
        }
    }

    /// Lets time pass, from deadline to deadline of either side.
    pub(super) fn run_until(&mut self, until: Timestamp) {
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

    pub(super) fn run(&mut self, span: SignedDuration) {
        self.run_until(self.now + span);
    }

    /// Lets time pass until so long after the start.
    pub(super) fn run_to(&mut self, since_start: SignedDuration) {
        self.run_until(start() + since_start);
    }

    /// The agent's events with their minutes since the start, but for those of single licences' modes.
    pub(super) fn told(&self) -> Vec<(i64, &'static str)> {
        let told = self.events.iter().map(|event| (self.minute(event.at), event.code.as_str()));
        told.filter(|(_, code)| *code != "enforcement_mode_changed").collect()
    }

    /// The manager's events of these kinds with their minutes since the start.
    pub(super) fn logged(&self, kinds: &[EventKind]) -> Vec<(i64, &'static str)> {
        let events = self.manager.events.iter().filter(|event| kinds.contains(&event.kind));
        events.map(|event| (self.minute(event.at), event.kind.as_str())).collect()
    }

    /// Minutes since the start of the requests of one type.
    pub(super) fn minutes_of(&self, kind: &str) -> Vec<i64> {
        let of_kind = self.exchanges.iter().filter(|exchange| exchange.request.body.kind() == kind);
        of_kind.map(|exchange| self.minute(exchange.at)).collect()
    }

    fn minute(&self, at: Timestamp) -> i64 {
        let _ = self;
        at.duration_since(start()).as_mins()
    }

    /// The scheduled reports: minute, actual peak and locked usage of a tag.
    pub(super) fn reports_of(&self, name: &str) -> Vec<(i64, u64, Option<u64>)> {
        let name = tag(name);
        let reports = self.exchanges.iter().filter_map(|exchange| match &exchange.request.body {
            RequestBody::Authorization(report) if report.scheduled => Some((exchange.at, report)),
            _ => None,
        });
        reports
            .map(|(at, report)| {
                let usage = report.usage.iter().find(|usage| usage.tag == name).unwrap();
                (self.minute(at), usage.peak.count(), usage.locked.map(Quantity::count))
            })
            .collect()
    }

    /// How often the agent told each thing.
    pub(super) fn counts(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for event in &self.events {
            *counts.entry(event.code.as_str()).or_default() += 1;
        }
        counts
    }
}
