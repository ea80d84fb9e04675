//! The agent itself: what it holds, and the doors by which a shell drives it.
//!
//! One file per kind of work: `commands` takes what people ask, `requests` decides what is due and makes
//! requests, `reserve` takes the steps of a reservation, `export` asks for restricted features, `answers` takes what came back, `setbacks` what did not come off, `graces` works out
//! enforcement, `announce` tells of changes, `view` shows.

mod announce;
mod answers;
mod commands;
mod coverage;
mod export;
mod graces;
mod requests;
mod reserve;
mod setbacks;
mod view;

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use seatpool_proto::{Quantity, Tag};

use crate::clock::ALERT_BEYOND;
use crate::command::{Chance, Command, CommandRefused};
use crate::contact::{Answer, ContactFailure, FailureKind, SigningKey, Transmit};
use crate::event::{AgentEvent, EventCode};
use crate::identity::Identity;
use crate::profile::{Counted, LicenseType, Profile};
use crate::state::{Purpose, State};
use crate::status::{Decision, EnforcementReason, Timer};
use crate::time::{after, between};

/// Events that wait for the shell at most; the oldest are dropped beyond that.
const EVENTS_MAX: usize = 1024;
/// How long changed usage may stay unstored: what a crash can lose of a peak.
const STORE_USAGE_WITHIN: SignedDuration = SignedDuration::from_mins(1);
/// How long the running evaluation may stay unstored.
const STORE_EVALUATION_WITHIN: SignedDuration = SignedDuration::from_mins(5);
/// How long to wait after the state could not be stored.
const STORE_AGAIN_AFTER: SignedDuration = SignedDuration::from_mins(1);
/// For how long after it was made a request may be sent again as it was; beyond, the manager would refuse its
/// time ([`seatpool_proto::limits::CLOCK_SKEW_SECONDS_MAX`]).
const REPEAT_WITHIN: SignedDuration = SignedDuration::from_hours(20);

/// The Smart Agent.
#[derive(Clone, Debug)]
pub struct Agent {
    profile: Profile,
    identity: Identity,
    license_type: LicenseType,
    state: State,
    /// Counts changes of `state` that must be stored; `handed` is the one that the shell got last, `durable`
    /// the one that is stored, `needed` the one that the request under way depends on.
    changed: u64,
    handed: u64,
    durable: u64,
    needed: u64,
    /// Whether the request under way was given out by this process.
    transmitted: bool,
    store_again_at: Option<Timestamp>,
    store_failure: Option<String>,
    /// Since when usage is not stored.
    unsaved_since: Option<Timestamp>,
    /// When the state was handed out last.
    saved_at: Timestamp,
    events: VecDeque<AgentEvent>,
    /// The soonest end of any grace: all that *may I?* needs.
    enforced_at: Option<(Timestamp, EnforcementReason)>,
}

impl Agent {
    /// An agent that goes on from `state`, or starts anew. A state of another machine (another UUID in its UDI,
    /// or a registration under another UDI) keeps only its evaluation countdown and sequence number; an event
    /// says so. The shell keeps a copy of such a state.
    ///
    /// What the product last said of its usage stays in force until it says otherwise: a product sets its
    /// usage when it starts.
    pub fn new(profile: Profile, identity: Identity, state: Option<State>, now: Timestamp) -> Self {
        let fresh = state.is_none();
        let state = state
            .unwrap_or_else(|| State::new(identity.udi.clone(), profile.default_license_type.clone(), now));
        let license_type = license_type_of(&profile, &state.license_type);
        let mut agent = Self {
            saved_at: now,
            profile,
            identity,
            license_type,
            state,
            changed: u64::from(fresh),
            handed: 0,
            durable: 0,
            needed: 0,
            transmitted: false,
            store_again_at: None,
            store_failure: None,
            unsaved_since: None,
            events: VecDeque::new(),
            enforced_at: None,
        };
        if agent.profile.evaluation.counted == Counted::InUse {
            // What passed while the agent was not running was not in use.
            let estimate = agent.state.clock.at(now);
            agent.state.evaluation.skip_to(estimate);
        }
        let now = agent.advance(now);
        agent.saved_at = now;
        if agent.state.license_type != agent.license_type.name {
            agent.state.license_type.clone_from(&agent.license_type.name);
            agent.mark();
        }
        if agent.state.udi != agent.identity.udi {
            if agent.state.udi.uuid == agent.identity.udi.uuid && !agent.state.is_bound() {
                // Renamed before it was registered: there is nothing that the former name stands for.
                agent.state.udi.clone_from(&agent.identity.udi);
                agent.mark();
            } else {
                agent.disown(now);
            }
        }
        agent.resume(now);
        agent.finish(now);
        agent
    }

    // ------------------------------------------------------------------ handle

    /// Takes a command. A refusal changes nothing; what comes of one that is taken shows in
    /// [`Agent::poll_event`] and [`Agent::status`].
    pub fn handle_command(
        &mut self,
        command: Command,
        now: Timestamp,
        chance: &mut dyn Chance,
    ) -> Result<(), CommandRefused> {
        let now = self.advance(now);
        let taken = self.command(command, now);
        self.make_request(now, chance);
        self.finish(now);
        taken
    }

    /// Takes note that `count` of `tag` are in use from now on. Cheap; nothing is sent, and what is stored
    /// waits up to a minute.
    pub fn handle_usage(&mut self, tag: &Tag, count: Quantity, now: Timestamp) -> Result<(), CommandRefused> {
        let now = self.advance(now);
        let taken = self.use_tag(tag, count, now);
        self.finish(now);
        taken
    }

    /// Time has passed: makes what is due. Harmless when nothing is.
    pub fn handle_timeout(&mut self, now: Timestamp, chance: &mut dyn Chance) {
        let now = self.advance(now);
        self.make_request(now, chance);
        self.finish(now);
    }

    /// Takes an answer whose signature and chain the shell has verified. One to another request changes
    /// nothing but is told of; one whose nonce, version or type does not fit the request is a failed contact.
    pub fn handle_answer(&mut self, answer: Answer, now: Timestamp, chance: &mut dyn Chance) {
        let local = now;
        let now = self.advance(local);
        let now = self.answer(answer, local, now, chance);
        self.make_request(now, chance);
        self.finish(now);
    }

    /// The request under way got no answer that can be trusted.
    pub fn handle_failure(
        &mut self,
        request_id: seatpool_proto::RequestId,
        failure: ContactFailure,
        now: Timestamp,
        chance: &mut dyn Chance,
    ) {
        let now = self.advance(now);
        if self.is_under_way(request_id)
            && let Some(in_flight) = self.state.in_flight.take()
        {
            self.failed(in_flight, &failure, now, chance);
        }
        self.make_request(now, chance);
        self.finish(now);
    }

    /// The shell is about to end: what would have been stored later (usage, the evaluation) is to be stored
    /// now.
    pub fn handle_stop(&mut self, now: Timestamp) {
        let now = self.advance(now);
        self.mark();
        self.finish(now);
        // There is no later for what could not be stored a moment ago.
        self.store_again_at = None;
    }

    // ------------------------------------------------------------------ poll

    /// The state, if it has to be stored. Store it durably, then call [`Agent::persisted`].
    pub fn poll_persist(&mut self) -> Option<&State> {
        let known = self.state.clock.last_known;
        if self.changed == self.durable || self.store_again_at.is_some_and(|at| known < at) {
            return None;
        }
        self.handed = self.changed;
        self.saved_at = known;
        Some(&self.state)
    }

    /// What [`Agent::poll_persist`] gave last is durable.
    pub fn persisted(&mut self) {
        self.durable = self.handed;
        self.store_again_at = None;
        self.store_failure = None;
        if self.durable == self.changed {
            self.unsaved_since = None;
        }
    }

    /// What [`Agent::poll_persist`] gave last could not be stored. It is given again in a minute; until one
    /// succeeds, nothing that depends on it is sent.
    pub fn persist_failed(&mut self, why: &str) {
        let now = self.state.clock.last_known;
        if self.store_failure.is_none() {
            let message = format!(
                "The agent's state could not be stored ({why}); nothing is sent until it is. Free space or \
                mend the disk; storing is tried every minute."
            );
            self.tell(EventCode::StateNotStored, None, now, message);
        }
        self.store_failure = Some(why.to_owned());
        self.store_again_at = Some(after(now, STORE_AGAIN_AFTER));
    }

    /// A request to sign and send, once the state that it depends on is durable. One is under way at a time.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        if self.transmitted || self.needed > self.durable {
            return None;
        }
        let in_flight = self.state.in_flight.as_ref()?;
        let present = self.state.certificate().map(|certificate| SigningKey {
            key: certificate.key.id,
            certificates: certificate.certificates.clone(),
        });
        let farewell = self.state.farewell.as_ref().map(|farewell| SigningKey {
            key: farewell.certificate.key.id,
            certificates: farewell.certificate.certificates.clone(),
        });
        let bare = |key| SigningKey { key, certificates: Vec::new() };
        let (signing, co_signing) = match in_flight.purpose {
            Purpose::Registration => {
                (self.state.registering.as_ref().map(|r| bare(r.new_key.id)), present.or(farewell))
            }
            Purpose::CertificateRenewal => {
                let new_key = self.state.registration.as_ref().and_then(|r| r.renewal.new_key.as_ref());
                (present, new_key.map(|key| bare(key.id)))
            }
            Purpose::Farewell => (farewell, None),
            Purpose::Deregistration
            | Purpose::Export
            | Purpose::ScheduledReport
            | Purpose::ExtraReport
            | Purpose::AuthorizationRenewal => (present, None),
        };
        let transmit = Transmit { request: in_flight.request.clone(), signing: signing?, co_signing };
        let class = transmit.request.body.kind();
        self.state.communication.classes.entry(class.to_owned()).or_default().attempts += 1;
        self.transmitted = true;
        Some(transmit)
    }

    /// The instant, on the shell's clock, at which [`Agent::handle_timeout`] is wanted next. It may have
    /// passed already.
    pub fn poll_deadline(&self) -> Option<Timestamp> {
        let known = self.state.clock.last_known;
        let idle = self.state.in_flight.is_none();
        self.timers(known)
            .into_iter()
            .filter(|(timer, at)| if requests::is_request(*timer) { idle } else { *at > known })
            .map(|(_, at)| at)
            .chain(self.store_again_at)
            .min()
            .map(|at| self.state.clock.local(at))
    }

    /// The next event, oldest first.
    pub fn poll_event(&mut self) -> Option<AgentEvent> {
        self.events.pop_front()
    }

    // ------------------------------------------------------------------ getters

    /// *May I?*: whether the product may do `feature` (a name of the profile's `enforcement.blocked` or
    /// of its `export_features`; all others are always allowed). From memory, without allocation.
    pub fn may_i(&self, feature: &str, now: Timestamp) -> Decision {
        match self.enforced_at {
            Some((since, reason))
                if since <= self.state.clock.at(now)
                    && self.profile.enforcement.blocked.iter().any(|blocked| blocked == feature) =>
            {
                Decision::Refused { reason, since }
            }
            _ => self.may_export(feature, now),
        }
    }

    fn may_export(&self, feature: &str, now: Timestamp) -> Decision {
        let now = self.state.clock.at(now);
        match self.profile.export_features.iter().find(|known| known.name == feature) {
            Some(known) if !self.export_is_authorized(known, now) => {
                Decision::Refused { reason: EnforcementReason::ExportNotAuthorized, since: now }
            }
            _ => Decision::Allowed,
        }
    }

    /// What the agent remembers.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// How the product is licensed.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The installed product.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    // ------------------------------------------------------------------ within

    /// The state changed in a way that must be stored.
    fn mark(&mut self) {
        self.changed = self.changed.wrapping_add(1);
    }

    fn tell(&mut self, code: EventCode, tag: Option<Tag>, at: Timestamp, message: impl Into<String>) {
        if self.events.len() >= EVENTS_MAX {
            self.events.pop_front();
        }
        self.events.push_back(AgentEvent { at, code, tag, message: message.into() });
    }

    /// The first thing that every `handle_*` does: what time is it, and what has passed since?
    fn advance(&mut self, local: Timestamp) -> Timestamp {
        let (now, back) = self.state.clock.advance(local);
        if back > ALERT_BEYOND {
            let message = format!(
                "The clock was set back by {back:#}; all periods run on as if it had not been. Check the \
                machine's time source."
            );
            self.tell(EventCode::ClockSetBack, None, now, message);
            self.mark();
        }
        let whole = self.profile.evaluation();
        let run = self.evaluation_runs();
        self.state.evaluation.settle(now, whole, run);
        self.end_intervals(now);
        self.end_exports(now);
        now
    }

    /// The last thing that every `handle_*` does.
    fn finish(&mut self, now: Timestamp) {
        let whole = self.profile.evaluation();
        let run = self.evaluation_runs();
        self.state.evaluation.settle(now, whole, run);
        self.watch_reservation(now);
        self.announce(now);
        self.enforced_at = self.soonest_enforcement();
        let overdue = |since: Option<Timestamp>, within| since.is_some_and(|s| between(s, now) >= within);
        if overdue(self.unsaved_since, STORE_USAGE_WITHIN)
            || (run && overdue(Some(self.saved_at), STORE_EVALUATION_WITHIN))
        {
            self.mark();
            self.unsaved_since = None;
            self.saved_at = now;
        }
        if self.store_again_at.is_some_and(|at| at <= now) {
            self.store_again_at = None;
        }
    }

    /// Whether the evaluation's time runs (it stands while registered or reserved, and when it is used up).
    fn evaluation_runs(&self) -> bool {
        self.state.registration.is_none()
            && self.state.reservation.installed.is_none()
            && match self.profile.evaluation.counted {
                Counted::Always => true,
                Counted::InUse => self.state.meter.in_use(),
            }
    }

    /// When the state is to be stored for its usage or evaluation.
    fn checkpoint(&self) -> Option<Timestamp> {
        let usage = self.unsaved_since.map(|since| after(since, STORE_USAGE_WITHIN));
        let evaluation =
            self.state.evaluation.running_since.map(|_| after(self.saved_at, STORE_EVALUATION_WITHIN));
        usage.into_iter().chain(evaluation).min()
    }

    /// A request was under way when the process ended: it is sent again as it was, or given up if it is too
    /// old.
    fn resume(&mut self, now: Timestamp) {
        let Some(mut in_flight) = self.state.in_flight.take() else { return };
        if between(in_flight.request.sent_at, now) <= REPEAT_WITHIN {
            in_flight.repeated = true;
            self.state.in_flight = Some(in_flight);
        } else if in_flight.purpose == Purpose::Deregistration {
            // Still asked for, under a new id.
            self.leave_unanswered(&in_flight.request);
            self.mark();
        } else {
            let why = "it was made too long ago to be sent again";
            self.put_back(in_flight, &ContactFailure::new(FailureKind::Interrupted, why), now, 0.5);
        }
    }

    fn is_under_way(&self, request_id: seatpool_proto::RequestId) -> bool {
        self.transmitted && self.state.in_flight.as_ref().is_some_and(|f| f.request.request_id == request_id)
    }
}

/// The named licence type, else the profile's default, else its first; a checked profile has one.
fn license_type_of(profile: &Profile, name: &str) -> LicenseType {
    profile
        .license_type(name)
        .or_else(|| profile.license_type(&profile.default_license_type))
        .or_else(|| profile.license_types.first())
        .cloned()
        .unwrap_or_else(|| LicenseType { name: name.to_owned(), families: Vec::new() })
}

/// The jobs of [`crate::status::Status::jobs`] and [`Agent::poll_deadline`].
type Timers = Vec<(Timer, Timestamp)>;
