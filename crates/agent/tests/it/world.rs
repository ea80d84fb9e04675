//! One agent with its shell, and a manager that answers as told. Time jumps from deadline to deadline.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use seatpool_agent::command::CommandRefused;
use seatpool_agent::{
    Agent, AgentEvent, Answer, Chance, Command, ContactFailure, FailureKind, Identity, KeyId, NewKey,
    Profile, State, Status, Transmit,
};
use seatpool_proto::message::{
    Authorization, AuthorizationRequest, AuthorizationStatus, Deregistered, ExportAuthorized, ExportEnd,
    ExportReturned, Home, IssuedCertificate, Refusal, Registered, TagAnswer, TagStatus, VERSION,
};
use seatpool_proto::{
    AccountId, Nonce, ProblemCode, ProductInstanceId, Quantity, Request, RequestBody, RequestId, Response,
    ResponseBody, Sha256, Tag, Udi,
};
use uuid::Uuid;

pub(crate) const STANDARD: &str = "CCX_FLEX_STANDARD";
pub(crate) const PREMIUM: &str = "CCX_FLEX_PREMIUM";
pub(crate) const TOKEN: &str = "Zm9vYmFy";

/// The instant at which every test begins.
pub(crate) fn start() -> Timestamp {
    "2026-01-01T10:00:00Z".parse().unwrap()
}

pub(crate) fn tag(name: &str) -> Tag {
    name.parse().unwrap()
}

/// Ids in order; jitter in the middle, so that schedules are exact.
#[derive(Default)]
pub(crate) struct Counter(u128);

impl Chance for Counter {
    fn request_id(&mut self) -> RequestId {
        self.0 += 1;
        RequestId(Uuid::from_u128(self.0))
    }

    fn nonce(&mut self) -> Nonce {
        self.0 += 1;
        Nonce(self.0.to_be_bytes())
    }

    fn jitter(&mut self) -> f64 {
        0.5
    }
}

/// How the manager behaves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Manager {
    pub(crate) owned: BTreeMap<Tag, u64>,
    pub(crate) failing: Option<FailureKind>,
    /// Loses this many answers after having applied the request.
    pub(crate) losing: u32,
    /// Refuses this many requests with that code.
    pub(crate) refusing: Option<(ProblemCode, u32)>,
    pub(crate) virtual_account: String,
    /// What it is ahead of the true time.
    pub(crate) ahead: SignedDuration,
    /// Answers everything with a wrong `nonce`, `version` or `type`.
    pub(crate) garbling: Option<String>,
    /// Whether its tokens allow export-controlled functionality.
    pub(crate) export_controlled: bool,
    /// Says that no licence authorizes these features any more.
    pub(crate) exports_ended: Vec<String>,
    /// Until when it authorizes export-restricted features; says so of `mixed-mode` with every report.
    pub(crate) export_until: Option<Timestamp>,
    /// Refuses every request of this type.
    pub(crate) denying: Option<String>,
    /// Highest sequence number by product instance.
    sequences: BTreeMap<Option<ProductInstanceId>, u64>,
    registrations: u128,
    certificate_ends: Option<Timestamp>,
    /// Its answers, repeated when the same request comes again.
    given: BTreeMap<RequestId, Response>,
}

impl Manager {
    fn answer(&mut self, request: &Request, now: Timestamp) -> Result<Response, FailureKind> {
        if let Some(kind) = self.failing {
            return Err(kind);
        }
        let signed_at = now.checked_add(self.ahead).unwrap();
        let response = |sequence, body| Response {
            version: VERSION,
            request_id: request.request_id,
            nonce: request.nonce,
            signed_at,
            sequence,
            body,
        };
        let refuse = |code| ResponseBody::Refusal(Refusal::new(code, ""));
        let sequence = self.sequences.get(&request.product_instance_id).copied().unwrap_or_default();
        if self.denying.as_deref() == Some(request.body.kind()) {
            return Ok(response(sequence, refuse(ProblemCode::Internal)));
        }
        if let Some((code, times)) = &mut self.refusing {
            let code = *code;
            *times -= 1;
            if *times == 0 {
                self.refusing = None;
            }
            return Ok(response(sequence, refuse(code)));
        }
        if let Some(given) = self.given.get(&request.request_id) {
            return Ok(given.clone());
        }
        if request.sent_at.duration_since(signed_at).abs() > SignedDuration::from_hours(24) {
            return Ok(response(sequence, refuse(ProblemCode::ClockSkew)));
        }
        if request.body.kind() != "registration" {
            // A registration begins a conversation of its own.
            assert!(request.sequence > sequence, "a sequence number came twice");
            self.sequences.insert(request.product_instance_id, request.sequence);
            if self.certificate_ends.is_some_and(|end| end <= signed_at) {
                return Ok(response(sequence, refuse(ProblemCode::CertificateExpired)));
            }
        }
        let body = self.body(&request.body, signed_at);
        let response = response(request.sequence, body);
        self.given.insert(request.request_id, response.clone());
        if self.losing > 0 {
            self.losing -= 1;
            return Err(FailureKind::Timeout);
        }
        Ok(self.garbled(response))
    }

    fn garbled(&self, mut response: Response) -> Response {
        match self.garbling.as_deref() {
            Some("nonce") => response.nonce = Nonce([0xff; 16]),
            Some("version") => response.version = VERSION + 1,
            Some("type") => {
                let product_instance_id = ProductInstanceId(Uuid::nil());
                response.body = ResponseBody::Deregistration(Deregistered { product_instance_id });
            }
            _ => {}
        }
        response
    }

    fn body(&mut self, body: &RequestBody, now: Timestamp) -> ResponseBody {
        if matches!(body, RequestBody::Registration(_) | RequestBody::IdCertificateRenewal(_)) {
            self.certificate_ends = Some(issued(now).expires_at);
        }
        let instance = ProductInstanceId(Uuid::from_u128(self.registrations));
        match body {
            RequestBody::Registration(_) => {
                self.registrations += 1;
                ResponseBody::Registration(Registered {
                    product_instance_id: ProductInstanceId(Uuid::from_u128(self.registrations)),
                    home: self.home(),
                    export_controlled: self.export_controlled,
                    certificate: issued(now),
                })
            }
            RequestBody::Authorization(report) => self.authorization(Some(report), now),
            RequestBody::AuthorizationRenewal {} => self.authorization(None, now),
            RequestBody::IdCertificateRenewal(_) => ResponseBody::IdCertificateRenewal(issued(now)),
            RequestBody::ExportRequest(asked) => ResponseBody::ExportRequest(ExportAuthorized {
                feature: asked.feature.clone(),
                tag: asked.tag.clone(),
                authorization_key: "EXPORT-1".to_owned(),
                authorized_until: self.export_until,
            }),
            RequestBody::ExportReturn(asked) => ResponseBody::ExportReturn(ExportReturned {
                feature: asked.feature.clone(),
                tag: asked.tag.clone(),
            }),
            RequestBody::Deregistration {} => {
                ResponseBody::Deregistration(Deregistered { product_instance_id: instance })
            }
        }
    }

    fn home(&self) -> Home {
        Home {
            account_id: AccountId(Uuid::from_u128(1)),
            smart_account: "Example".to_owned(),
            virtual_account: self.virtual_account.clone(),
        }
    }

    /// Every tag by itself: short if more is reported (or locked) than is owned.
    fn authorization(&mut self, report: Option<&AuthorizationRequest>, now: Timestamp) -> ResponseBody {
        let tags: Vec<TagAnswer> = report
            .into_iter()
            .flat_map(|report| &report.usage)
            .map(|usage| {
                let owned = self.owned.get(&usage.tag).copied().unwrap_or(u64::MAX / 4);
                let used = usage.locked.unwrap_or(usage.peak).max(usage.peak);
                let short = used.minus(Quantity::of(owned));
                let status = match (short.is_zero(), used.is_zero()) {
                    (false, _) => TagStatus::OutOfCompliance,
                    (true, true) => TagStatus::NotInUse,
                    (true, false) => TagStatus::InCompliance,
                };
                TagAnswer {
                    tag: usage.tag.clone(),
                    status,
                    owned: Quantity::of(owned),
                    in_use: used,
                    short,
                    explanation: None,
                }
            })
            .collect();
        ResponseBody::Authorization(Authorization {
            status: AuthorizationStatus::Authorized,
            authorized_until: now.checked_add(hours(90 * 24)).unwrap(),
            renew_at: now.checked_add(hours(30 * 24)).unwrap(),
            tags,
            home: self.home(),
            exports_ended: core::mem::take(&mut self.exports_ended),
            exports: self
                .export_until
                .map(|end| ExportEnd { feature: "mixed-mode".to_owned(), authorized_until: Some(end) })
                .into_iter()
                .collect(),
        })
    }
}

pub(crate) fn hours(count: i64) -> SignedDuration {
    SignedDuration::from_hours(count)
}

fn issued(now: Timestamp) -> IssuedCertificate {
    IssuedCertificate {
        certificates: vec![now.to_string().into_bytes()],
        renew_at: now.checked_add(hours(180 * 24)).unwrap(),
        expires_at: now.checked_add(hours(365 * 24)).unwrap(),
    }
}

/// The agent, its shell, and the world around them.
pub(crate) struct World {
    pub(crate) agent: Agent,
    pub(crate) manager: Manager,
    pub(crate) chance: Counter,
    /// True time.
    pub(crate) now: Timestamp,
    /// What the machine's clock is ahead of it.
    pub(crate) clock_ahead: SignedDuration,
    pub(crate) disk_full: bool,
    /// The stored state, as text.
    pub(crate) stored: Option<String>,
    /// Every request that was given out, with the true time.
    pub(crate) sent: Vec<(Timestamp, Transmit)>,
    pub(crate) events: Vec<AgentEvent>,
    /// Event codes that scripts don't show.
    pub(crate) quiet: Vec<String>,
    /// True and local time when the agent was last polled: waits are spans from there, as on a monotonic
    /// clock.
    polled: (Timestamp, Timestamp),
    keys: u128,
}

pub(crate) fn identity() -> Identity {
    Identity {
        udi: Udi::new("UCCX", "SN-1", None).unwrap(),
        product_name: "Contact Center".to_owned(),
        product_version: Some("15.0".to_owned()),
        host_name: Some("ccx1.example.com".to_owned()),
    }
}

impl World {
    pub(crate) fn new(profile: &str) -> Self {
        Self::with(Profile::shipped(profile).unwrap())
    }

    pub(crate) fn with(profile: Profile) -> Self {
        let now = start();
        let agent = Agent::new(profile, identity(), None, now);
        let manager = Manager { virtual_account: "Default".to_owned(), ..Manager::default() };
        let mut world = Self {
            agent,
            manager,
            chance: Counter::default(),
            now,
            clock_ahead: SignedDuration::ZERO,
            disk_full: false,
            stored: None,
            sent: Vec::new(),
            events: Vec::new(),
            quiet: Vec::new(),
            polled: (now, now),
            keys: 0,
        };
        world.settle();
        world
    }

    pub(crate) fn local(&self) -> Timestamp {
        self.now.checked_add(self.clock_ahead).unwrap()
    }

    pub(crate) fn status(&self) -> Status {
        self.agent.status(self.local())
    }

    pub(crate) fn new_key(&mut self) -> NewKey {
        self.keys += 1;
        NewKey {
            id: KeyId(RequestId(Uuid::from_u128(self.keys))),
            public_key: self.keys.to_be_bytes().to_vec(),
        }
    }

    pub(crate) fn command(&mut self, command: Command) -> Result<(), CommandRefused> {
        let taken = self.agent.handle_command(command, self.local(), &mut self.chance);
        self.settle();
        taken
    }

    pub(crate) fn register(&mut self, force: bool) -> Result<(), CommandRefused> {
        let new_key = self.new_key();
        self.command(Command::Register { token: TOKEN.to_owned(), force, new_key })
    }

    pub(crate) fn use_tag(&mut self, name: &str, count: u64) {
        self.agent.handle_usage(&tag(name), Quantity::of(count), self.local()).unwrap();
        self.settle();
    }

    /// A restart of the process: what was not stored is lost.
    pub(crate) fn restart(&mut self) {
        let state: State =
            serde_json::from_str(self.stored.as_deref().expect("something was stored")).unwrap();
        self.agent = Agent::new(self.agent.profile().clone(), identity(), Some(state), self.local());
        self.settle();
    }

    /// Does all that the agent asks for at this moment, in the documented order.
    pub(crate) fn settle(&mut self) {
        self.polled = (self.now, self.local());
        loop {
            if let Some(state) = self.agent.poll_persist() {
                if self.disk_full {
                    self.agent.persist_failed("no space left on device");
                } else {
                    self.stored = Some(serde_json::to_string(state).unwrap());
                    self.agent.persisted();
                }
            }
            self.events.extend(core::iter::from_fn(|| self.agent.poll_event()));
            let Some(transmit) = self.agent.poll_transmit() else { break };
            self.check_durable(&transmit);
            let request = transmit.request.clone();
            self.sent.push((self.now, transmit));
            let local = self.local();
            match self.manager.answer(&request, self.now) {
                Ok(response) => {
                    let text_hash = Sha256::of(response.to_text());
                    let answer = Answer { request_id: request.request_id, text_hash, response };
                    self.agent.handle_answer(answer, local, &mut self.chance);
                }
                Err(kind) => {
                    let failure = ContactFailure::new(kind, "as scripted");
                    self.agent.handle_failure(request.request_id, failure, local, &mut self.chance);
                }
            }
        }
    }

    /// Nothing is given out before it is stored, and its keys are among those that the state keeps.
    fn check_durable(&self, transmit: &Transmit) {
        let stored: State =
            serde_json::from_str(self.stored.as_deref().expect("stored before sent")).unwrap();
        assert_eq!(stored.in_flight.as_ref().map(|f| &f.request), Some(&transmit.request));
        let keys: BTreeSet<KeyId> = stored.keys().collect();
        let signing = core::iter::once(&transmit.signing).chain(&transmit.co_signing);
        for key in signing {
            assert!(keys.contains(&key.key), "a key signs that the state does not keep");
        }
    }

    /// Lets time pass, from deadline to deadline.
    pub(crate) fn run_until(&mut self, until: Timestamp) {
        let mut steps = 0;
        while let Some(deadline) = self.agent.poll_deadline() {
            let wait = deadline.duration_since(self.polled.1);
            let at = self.polled.0.checked_add(wait).unwrap().max(self.now);
            if at > until {
                break;
            }
            steps = if at == self.now { steps + 1 } else { 0 };
            assert!(
                steps < 100,
                "the agent asks for the same instant again and again: {:?}",
                self.status().jobs
            );
            self.now = at;
            self.agent.handle_timeout(self.local(), &mut self.chance);
            self.settle();
        }
        self.now = until;
        self.agent.handle_timeout(self.local(), &mut self.chance);
        self.settle();
    }

    pub(crate) fn run(&mut self, span: SignedDuration) {
        self.run_until(self.now.checked_add(span).unwrap());
    }

    /// The usage reports that were given out: true time and body.
    pub(crate) fn reports(&self) -> impl Iterator<Item = (Timestamp, &AuthorizationRequest)> {
        self.sent.iter().filter_map(|(at, transmit)| match &transmit.request.body {
            RequestBody::Authorization(report) => Some((*at, report)),
            _ => None,
        })
    }
}
