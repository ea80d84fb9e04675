//! What is due, and the requests that are made of it.

use jiff::{SignedDuration, Timestamp};
use seatpool_proto::message::{
    AuthorizationRequest, FamilyUsage, IdCertificateRenewalRequest, Interval, Product, Registration,
    TagUsage, TierUsage, VERSION,
};
use seatpool_proto::{AccountId, ProductInstanceId, Request, RequestBody, limits};

use super::{Agent, REPEAT_WITHIN, Timers};
use crate::command::Chance;
use crate::evaluation::next_mark;
use crate::meter::Peaks;
use crate::state::{InFlight, Purpose};
use crate::status::Timer;
use crate::time::{after, before, between};

/// Whether the timer makes a request.
pub(super) fn is_request(timer: Timer) -> bool {
    matches!(
        timer,
        Timer::Registration
            | Timer::Deregistration
            | Timer::CertificateRenewal
            | Timer::ScheduledReport
            | Timer::ExtraReport
            | Timer::AuthorizationRenewal
            | Timer::Farewell
            | Timer::Export
    )
}

impl Agent {
    /// Everything that will become due, requests in the order in which they go first.
    pub(super) fn timers(&self, now: Timestamp) -> Timers {
        let mut timers = Timers::new();
        let state = &self.state;
        if let Some(registering) = &state.registering {
            timers.push((Timer::Registration, registering.retry.next_at));
        }
        if let Some(registration) = &state.registration {
            let expires_at = registration.certificate.expires_at;
            // With an ended certificate nothing can be signed but a new registration.
            if now < expires_at {
                if registration.leaving {
                    timers.push((Timer::Deregistration, now));
                }
                timers.push((Timer::CertificateRenewal, registration.renewal.retry.next_at));
                let grid = self.grid_after(registration.registered_at, state.meter.interval_start());
                timers.push((Timer::ScheduledReport, registration.report_due.unwrap_or(grid)));
                if registration.extra_report {
                    timers.push((Timer::ExtraReport, now));
                }
                timers.push((Timer::RegistrationEnd, expires_at));
                if let Some(mark) = next_mark(between(now, expires_at), false) {
                    timers.push((Timer::RegistrationWarning, before(expires_at, mark)));
                }
            }
            if now < expires_at || self.is_end_in_doubt(expires_at) {
                timers.push((Timer::AuthorizationRenewal, registration.authorization.renewal.next_at));
            }
            if let Some((_, at)) = self.next_export(now).filter(|_| now < expires_at) {
                timers.push((Timer::Export, at));
            }
            timers.push((Timer::AuthorizationEnd, registration.authorization.ends_at));
            timers.extend(self.next_export_end().map(|at| (Timer::ExportEnd, at)));
        }
        // A product that reserves its licences is never in contact.
        if let Some(farewell) = state.farewell.as_ref().filter(|_| !state.reservation.enabled) {
            timers.push((Timer::Farewell, farewell.retry.next_at));
        }
        if state.evaluation.running_since.is_some()
            && let Some(end) = state.evaluation.ends_at(self.profile.evaluation())
        {
            timers.push((Timer::EvaluationEnd, end));
            if let Some(mark) = next_mark(between(now, end), true) {
                timers.push((Timer::EvaluationWarning, before(end, mark)));
            }
        }
        timers.extend(state.reservation.changes_at(now).map(|at| (Timer::ReservationChange, at)));
        timers.extend(
            self.causes().into_iter().filter_map(|grace| grace.ends_at).map(|at| (Timer::Enforcement, at)),
        );
        timers.extend(self.checkpoint().map(|at| (Timer::Checkpoint, at)));
        timers
    }

    /// Whether only the local clock says that the certificate has ended. Then the manager is still asked: its
    /// answer, even a refusal, bears the true time, so that a clock that was set ahead can't end a
    /// registration for good.
    fn is_end_in_doubt(&self, expires_at: Timestamp) -> bool {
        self.state.clock.signed_at.is_none_or(|signed| signed < expires_at)
    }

    /// The first instant of the reporting grid after `instant`.
    fn grid_after(&self, anchor: Timestamp, instant: Timestamp) -> Timestamp {
        let interval = self.profile.interval();
        let passed = between(anchor, instant).as_nanos().div_euclid(interval.as_nanos().max(1));
        let slots = i32::try_from(passed.saturating_add(1)).unwrap_or(i32::MAX);
        interval.checked_mul(slots).map_or(Timestamp::MAX, |span| after(anchor, span))
    }

    /// Ends the intervals that are over at `now`; their peaks wait for the report.
    pub(super) fn end_intervals(&mut self, now: Timestamp) {
        let Some(registration) = &self.state.registration else { return };
        let start = self.state.meter.interval_start();
        // The grid's last instant that is not after `now`.
        let next = self.grid_after(registration.registered_at, now);
        let end = before(next, self.profile.interval());
        if end <= start {
            return;
        }
        let peaks = self.state.meter.close(end, &self.license_type);
        if let Some(registration) = &mut self.state.registration {
            carry(&mut registration.carried, peaks);
            registration.report_due = Some(end);
        }
    }

    /// Makes the request that is due first, if none is under way.
    pub(super) fn make_request(&mut self, now: Timestamp, chance: &mut dyn Chance) {
        if self.state.in_flight.is_some() {
            return;
        }
        let due = self.timers(now).into_iter().find(|(timer, at)| is_request(*timer) && *at <= now);
        let Some((timer, _)) = due else { return };
        let made = match timer {
            Timer::Registration => self.registration_request(now, chance),
            Timer::Deregistration => self
                .ask(RequestBody::Deregistration {}, now, chance)
                .map(|request| under_way(request, Purpose::Deregistration)),
            Timer::CertificateRenewal => self.renewal_request(now, chance),
            Timer::ScheduledReport => self.report(true, now, chance),
            Timer::ExtraReport => self.report(false, now, chance),
            Timer::AuthorizationRenewal => self
                .ask(RequestBody::AuthorizationRenewal {}, now, chance)
                .map(|request| under_way(request, Purpose::AuthorizationRenewal)),
            Timer::Export => self.export_request(now, chance),
            Timer::Farewell => self.state.farewell.as_ref().map(|farewell| InFlight {
                repeated: true,
                ..under_way(farewell.request.clone(), Purpose::Farewell)
            }),
            _ => None,
        };
        if made.is_some() {
            self.state.in_flight = made;
            self.transmitted = false;
            self.mark();
            self.needed = self.changed;
        }
    }

    fn registration_request(&mut self, now: Timestamp, chance: &mut dyn Chance) -> Option<InFlight> {
        let registering = self.state.registering.as_mut()?;
        if let Some(request) = registering.request.take()
            && may_repeat(&request, self.state.sequence, now)
        {
            return Some(InFlight { repeated: true, ..under_way(request, Purpose::Registration) });
        }
        let privacy = self.state.privacy;
        let body = RequestBody::Registration(Registration {
            token: registering.token.0.clone(),
            public_key: registering.new_key.public_key.clone(),
            force: registering.force,
            product: self.product(),
            host_name: self
                .identity
                .host_name
                .clone()
                .filter(|name| !privacy.hostname && is_presentable(name, limits::HOST_NAME_BYTES_MAX)),
        });
        let older = match (&self.state.registration, &self.state.farewell) {
            (Some(registration), _) => Some((registration.account_id, registration.product_instance_id)),
            (None, Some(farewell)) => farewell.request.account_id.zip(farewell.request.product_instance_id),
            (None, None) => None,
        };
        Some(under_way(self.request(body, older, now, chance), Purpose::Registration))
    }

    fn renewal_request(&mut self, now: Timestamp, chance: &mut dyn Chance) -> Option<InFlight> {
        let sequence = self.state.sequence;
        let registration = self.state.registration.as_mut()?;
        if let Some(request) = registration.renewal.request.take()
            && may_repeat(&request, sequence, now)
        {
            return Some(InFlight { repeated: true, ..under_way(request, Purpose::CertificateRenewal) });
        }
        let key = registration.renewal.new_key.as_ref().unwrap_or(&registration.certificate.key);
        let body = RequestBody::IdCertificateRenewal(IdCertificateRenewalRequest {
            public_key: key.public_key.clone(),
        });
        self.ask(body, now, chance).map(|request| under_way(request, Purpose::CertificateRenewal))
    }

    /// A usage report: of all ended intervals that were not acknowledged yet, or, beside the schedule, of
    /// those and the present one so far.
    fn report(&mut self, scheduled: bool, now: Timestamp, chance: &mut dyn Chance) -> Option<InFlight> {
        let so_far = (!scheduled).then(|| self.state.meter.so_far(now, &self.license_type));
        let registration = self.state.registration.as_mut()?;
        registration.extra_report = false;
        registration.report_due = None;
        let ended = registration.carried.take();
        let peaks = match (ended.clone(), so_far) {
            (Some(ended), Some(so_far)) => ended.merge(so_far),
            (Some(peaks), None) | (None, Some(peaks)) => peaks,
            (None, None) => return None,
        };
        // The present interval is reported again when it has ended.
        registration.sent = ended;
        for tag in self.license_type.tags() {
            self.state.tags.entry(tag.clone()).or_default().report(peaks.of(tag));
        }
        let body = RequestBody::Authorization(self.report_body(&peaks, scheduled));
        let purpose = if scheduled { Purpose::ScheduledReport } else { Purpose::ExtraReport };
        self.ask(body, now, chance).map(|request| under_way(request, purpose))
    }

    fn report_body(&self, peaks: &Peaks, scheduled: bool) -> AuthorizationRequest {
        let locked =
            |tag| self.state.tags.get(tag).and_then(|record| record.locked(&self.profile.out_of_compliance));
        let families = self.license_type.families.iter().filter(|family| family.tiers.len() > 1);
        AuthorizationRequest {
            interval: Interval { start: peaks.start, end: peaks.end },
            scheduled,
            usage: self
                .license_type
                .tags()
                .map(|tag| TagUsage {
                    tag: tag.clone(),
                    peak: peaks.of(tag).own,
                    locked: locked(tag).map(|peak| peak.own),
                })
                .collect(),
            families: families
                .map(|family| FamilyUsage {
                    family: family.family.clone(),
                    tiers: family
                        .tiers
                        .iter()
                        .map(|tag| TierUsage {
                            tag: tag.clone(),
                            cumulative_peak: peaks.of(tag).cumulative,
                            locked: locked(tag).map(|peak| peak.cumulative),
                        })
                        .collect(),
                })
                .collect(),
        }
    }

    pub(super) fn product(&self) -> Product {
        let version = self.identity.product_version.clone();
        Product {
            name: self.identity.product_name.clone(),
            kind: self.profile.name.clone(),
            version: version.filter(|version| {
                !self.state.privacy.version && is_presentable(version, limits::PRODUCT_FIELD_BYTES_MAX)
            }),
        }
    }

    /// A request of the present registration.
    pub(super) fn ask(
        &mut self,
        body: RequestBody,
        now: Timestamp,
        chance: &mut dyn Chance,
    ) -> Option<Request> {
        let registration = self.state.registration.as_ref()?;
        let ids = (registration.account_id, registration.product_instance_id);
        Some(self.request(body, Some(ids), now, chance))
    }

    fn request(
        &mut self,
        body: RequestBody,
        ids: Option<(AccountId, ProductInstanceId)>,
        now: Timestamp,
        chance: &mut dyn Chance,
    ) -> Request {
        self.state.sequence = self.state.sequence.saturating_add(1);
        Request {
            version: VERSION,
            request_id: chance.request_id(),
            nonce: chance.nonce(),
            sequence: self.state.sequence,
            sent_at: now,
            last_answer: self.state.last_answer,
            unanswered: self.state.unanswered.clone(),
            account_id: ids.map(|(account, _)| account),
            product_instance_id: ids.map(|(_, instance)| instance),
            udi: self.identity.udi.clone(),
            body,
        }
    }

    /// Takes note of a request that has no answer and may have been applied.
    pub(super) fn leave_unanswered(&mut self, request: &Request) {
        let unanswered = &mut self.state.unanswered;
        if !unanswered.contains(&request.request_id) {
            unanswered.push(request.request_id);
            let surplus = unanswered.len().saturating_sub(limits::UNANSWERED_MAX);
            unanswered.drain(..surplus);
        }
    }
}

/// Adds peaks to those that wait.
pub(super) fn carry(carried: &mut Option<Peaks>, peaks: Peaks) {
    *carried = Some(match carried.take() {
        Some(waiting) => waiting.merge(peaks),
        None => peaks,
    });
}

pub(super) fn under_way(request: Request, purpose: Purpose) -> InFlight {
    InFlight { request, purpose, repeated: false }
}

/// Whether the protocol carries such a text; one that it does not is left out rather than refused.
fn is_presentable(text: &str, bytes_max: usize) -> bool {
    !text.trim().is_empty() && text.len() <= bytes_max && !text.contains(char::is_control)
}

/// Whether a request may be sent again as it was: it is the newest, and its time still passes.
pub(super) fn may_repeat(request: &Request, newest: u64, now: Timestamp) -> bool {
    let age = between(request.sent_at, now);
    request.sequence == newest && age <= REPEAT_WITHIN && age >= SignedDuration::ZERO
}
