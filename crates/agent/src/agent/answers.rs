//! What came back: answers, refusals, failed contacts.

use jiff::{SignedDuration, Timestamp};
use seatpool_proto::message::{self, Home, IssuedCertificate, Registered, VERSION};
use seatpool_proto::{ProblemCode, Request, ResponseBody, Sha256, limits};

use super::requests::carry;
use super::{Agent, STORE_AGAIN_AFTER, license_type_of};
use crate::command::Chance;
use crate::compliance::Change;
use crate::contact::{Answer, ContactFailure, FailureKind};
use crate::event::EventCode;
use crate::identity::NewKey;
use crate::retry::Retry;
use crate::state::{
    Attempt, AttemptFailure, Authorization, Certificate, Ended, Farewell, InFlight, Purpose, Registration,
    Renewal,
};
use crate::time::{after, between, days};

impl Agent {
    /// Takes an answer; gives the estimate of time after it.
    pub(super) fn answer(
        &mut self,
        answer: Answer,
        local: Timestamp,
        now: Timestamp,
        chance: &mut dyn Chance,
    ) -> Timestamp {
        let in_flight = match self.state.in_flight.take() {
            Some(in_flight) if self.transmitted && in_flight.request.request_id == answer.request_id => {
                in_flight
            }
            other => {
                self.state.in_flight = other;
                let message = format!(
                    "An answer to the request {} came, which is not under way; it was put aside.",
                    answer.request_id
                );
                self.tell(EventCode::AnswerIgnored, None, now, message);
                return now;
            }
        };
        let response = answer.response;
        if let Some(problem) = mismatch(&in_flight.request, &response) {
            self.failed(in_flight, &ContactFailure::new(FailureKind::BadAnswer, problem), now, chance);
            return now;
        }
        self.mark();
        self.restored(now);
        let refused = matches!(response.body, ResponseBody::Refusal(_));
        // An answer that is sent again bears the time of the first; a refusal is always fresh.
        let now =
            if in_flight.repeated && !refused { now } else { self.set_clock(local, now, response.signed_at) };
        self.state.sequence = self.state.sequence.max(response.sequence.min(limits::SEQUENCE_MAX));
        match response.body {
            ResponseBody::Refusal(refusal) => self.refused(in_flight, &refusal, now, chance),
            body => self.succeeded(&in_flight, answer.text_hash, response.signed_at, body, now),
        }
        now
    }

    /// Takes a signed time that is bound to its request.
    fn set_clock(&mut self, local: Timestamp, now: Timestamp, signed: Timestamp) -> Timestamp {
        let set = self.state.clock.set(local, signed);
        let ahead = between(set, now);
        self.state.evaluation.signed(set, ahead);
        if ahead.is_positive() {
            let periods = self.profile.retry;
            self.state.meter.clamp(set);
            if let Some(registering) = &mut self.state.registering {
                registering.retry.clamp(set, &periods);
            }
            if let Some(farewell) = &mut self.state.farewell {
                farewell.retry.clamp(set, &periods);
                let span =
                    SignedDuration::from_hours(i64::from(self.profile.deregistration.retried_for_hours));
                farewell.until = farewell.until.min(after(set, span));
            }
            if let Some(registration) = &mut self.state.registration {
                registration.renewal.retry.clamp(set, &periods);
                registration.authorization.renewal.clamp(set, &periods);
                registration.report_due = registration.report_due.map(|due| due.min(set));
                for peaks in registration.carried.iter_mut().chain(&mut registration.sent) {
                    peaks.clamp(set);
                }
            }
            self.saved_at = self.saved_at.min(set);
            self.unsaved_since = self.unsaved_since.map(|since| since.min(set));
            self.store_again_at = self.store_again_at.map(|at| at.min(after(set, STORE_AGAIN_AFTER)));
        }
        set
    }

    fn succeeded(
        &mut self,
        in_flight: &InFlight,
        text_hash: Sha256,
        signed_at: Timestamp,
        body: ResponseBody,
        now: Timestamp,
    ) {
        self.record(&in_flight.request, None, now);
        self.state.clock_skew_corrected = false;
        if in_flight.purpose == Purpose::Farewell {
            self.state.farewell = None;
            self.tell(
                EventCode::DeregistrationSucceeded,
                None,
                now,
                "The manager was told of the deregistration after all; nothing is left to do there.",
            );
            return;
        }
        self.state.last_answer = Some(text_hash);
        self.state.unanswered.clear();
        match body {
            ResponseBody::Registration(registered) => self.registered(registered, signed_at, now),
            ResponseBody::Authorization(authorization) => {
                self.authorized(authorization, in_flight.purpose, signed_at, now);
            }
            ResponseBody::IdCertificateRenewal(issued) => self.renewed(issued, now),
            ResponseBody::Deregistration(_) => {
                let message = "The product instance was deregistered; its licences are free.".to_owned();
                self.tell(EventCode::DeregistrationSucceeded, None, now, message.clone());
                self.unregister(Ended { at: now, code: None, message, remove_by_hand: false });
            }
            ResponseBody::Refusal(_) => {}
        }
    }

    fn registered(&mut self, registered: Registered, signed_at: Timestamp, now: Timestamp) {
        let Some(registering) = self.state.registering.take() else { return };
        let message = format!(
            "The product instance was registered in the smart account {:?}, virtual account {:?}, as {}.",
            registered.home.smart_account, registered.home.virtual_account, registered.product_instance_id
        );
        let authorization = &self.profile.authorization;
        // A registration that replaces one keeps its licences' standing: it is no way out of a grace.
        if self.state.registration.is_none() {
            self.state.tags.clear();
        }
        self.state.registration = Some(Registration {
            account_id: registered.home.account_id,
            product_instance_id: registered.product_instance_id,
            home: registered.home,
            export_controlled: registered.export_controlled,
            registered_at: now,
            renewal: Renewal {
                retry: Retry::due_at(registered.certificate.renew_at),
                new_key: None,
                request: None,
            },
            certificate: certificate(registered.certificate, registering.new_key, now),
            authorization: Authorization {
                answered_at: None,
                ends_at: after(signed_at, days(authorization.days)),
                renewal: Retry::due_at(after(signed_at, days(authorization.renew_days))),
            },
            carried: None,
            sent: None,
            report_due: None,
            extra_report: true,
            leaving: false,
            clone_since: None,
        });
        self.state.ended = None;
        self.state.meter.restart(now);
        self.tell(EventCode::RegistrationSucceeded, None, now, message);
    }

    fn renewed(&mut self, issued: IssuedCertificate, now: Timestamp) {
        let Some(registration) = &mut self.state.registration else { return };
        let key = registration.renewal.new_key.take().unwrap_or_else(|| registration.certificate.key.clone());
        registration.renewal =
            Renewal { retry: Retry::due_at(issued.renew_at), new_key: None, request: None };
        let message = format!("The ID certificate was renewed and is valid until {}.", issued.expires_at);
        registration.certificate = certificate(issued, key, now);
        self.tell(EventCode::RenewalSucceeded, None, now, message);
    }

    fn authorized(
        &mut self,
        answer: message::Authorization,
        purpose: Purpose,
        signed_at: Timestamp,
        now: Timestamp,
    ) {
        let periods = &self.profile.authorization;
        let ends_at = answer.authorized_until.min(after(signed_at, days(periods.days)));
        let renew_at = answer.renew_at.min(after(signed_at, days(periods.renew_days)));
        let Some(registration) = &mut self.state.registration else { return };
        registration.authorization =
            Authorization { answered_at: Some(now), ends_at, renewal: Retry::due_at(renew_at) };
        registration.clone_since = None;
        if purpose != Purpose::AuthorizationRenewal {
            registration.sent = None;
        }
        let moved =
            (registration.home != answer.home).then(|| move_message(&registration.home, &answer.home));
        registration.home = answer.home;
        if let Some(message) = moved {
            self.tell(EventCode::MovedVirtualAccount, None, now, message);
        }
        if purpose == Purpose::AuthorizationRenewal {
            self.tell(
                EventCode::AuthorizationRenewed,
                None,
                now,
                format!("The authorization was renewed and lasts until {ends_at}."),
            );
        }
        let scheduled = purpose == Purpose::ScheduledReport;
        let license_type = license_type_of(&self.profile, &self.state.license_type);
        for tag_answer in answer.tags {
            if license_type.tags().any(|tag| *tag == tag_answer.tag) {
                self.tag_answered(tag_answer, scheduled, now);
            }
        }
    }

    fn tag_answered(&mut self, answer: message::TagAnswer, scheduled: bool, now: Timestamp) {
        let periods = &self.profile.out_of_compliance;
        let tag = answer.tag.clone();
        let pool = format!("{} in use, {} owned", answer.in_use, answer.owned);
        let whole = periods.after_overages;
        let record = self.state.tags.entry(tag.clone()).or_default();
        let change = record.answer(answer, scheduled, now, periods);
        let reported = record.reported(periods);
        let deadline = periods.enforced_after_days.span().map(|span| after(now, span));
        let (code, message) = match change {
            Change::None => return,
            Change::WillEnter(count) => (
                EventCode::OverageWillEnter,
                format!(
                    "{tag} will go out of compliance ({pool}): overage {count} of {whole}. Use fewer licences, or buy or move more."
                ),
            ),
            Change::Shortly(count) => (
                EventCode::OverageShortly,
                format!(
                    "{tag} goes out of compliance with the next report ({pool}): overage {count} of {whole}. Use fewer licences now, or buy or move more."
                ),
            ),
            Change::Entered => (
                EventCode::OutOfCompliance,
                format!(
                    "{tag} is out of compliance ({pool}); {reported} are reported. Buy or move licences{}.",
                    deadline
                        .map(|at| format!(" before {at}, when the product is restricted"))
                        .unwrap_or_default()
                ),
            ),
            Change::Averted => (
                EventCode::OverageAverted,
                format!("{tag} is back in range ({pool}); the count of overages starts anew."),
            ),
            Change::Mended => (EventCode::InCompliance, format!("{tag} is in compliance again ({pool}).")),
        };
        self.tell(code, Some(tag), now, message);
    }

    fn refused(
        &mut self,
        in_flight: InFlight,
        refusal: &message::Refusal,
        now: Timestamp,
        chance: &mut dyn Chance,
    ) {
        let purpose = in_flight.purpose;
        let reason = format!("{} {}", refusal.message, refusal.action);
        self.record(&in_flight.request, Some((refusal.code.to_string(), reason.clone())), now);
        let id = in_flight.request.request_id;
        self.state.unanswered.retain(|unanswered| *unanswered != id);
        let gone = matches!(
            refusal.code,
            ProblemCode::InstanceUnknown | ProblemCode::InstanceRemoved | ProblemCode::CertificateRevoked
        );
        if refusal.code == ProblemCode::ClockSkew
            && !self.state.clock_skew_corrected
            && purpose != Purpose::Farewell
        {
            self.state.clock_skew_corrected = true;
            self.ask_again(&in_flight, now);
            return;
        }
        match purpose {
            Purpose::Registration if may_pass(refusal.code) => {
                self.tell(
                    EventCode::RegistrationFailed,
                    None,
                    now,
                    format!("The registration failed: {reason}"),
                );
                self.registration_failed(None, now, chance.jitter());
            }
            Purpose::Registration => {
                self.state.registering = None;
                self.tell(
                    EventCode::RegistrationFailed,
                    None,
                    now,
                    format!("The registration was refused: {reason}"),
                );
            }
            Purpose::Farewell if gone => {
                self.state.farewell = None;
                self.tell(
                    EventCode::DeregistrationSucceeded,
                    None,
                    now,
                    "The manager has removed the product instance; nothing is left to do there.",
                );
            }
            Purpose::Farewell if may_pass(refusal.code) => self.farewell_failed(now, chance.jitter()),
            Purpose::Farewell => self.give_up_farewell(&reason, now),
            Purpose::Deregistration if gone => {
                let message = format!(
                    "The product instance was deregistered; the manager did not have it any more. {}",
                    refusal.message
                );
                self.tell(EventCode::DeregistrationSucceeded, None, now, message.clone());
                self.unregister(Ended { at: now, code: None, message, remove_by_hand: false });
            }
            Purpose::Deregistration => {
                self.leave(
                    may_pass(refusal.code).then_some(in_flight.request),
                    &reason,
                    now,
                    chance.jitter(),
                );
            }
            _ if gone => {
                let message = format!("The manager ended the registration. {reason}");
                self.tell(EventCode::RegistrationEnded, None, now, message.clone());
                self.unregister(Ended { at: now, code: Some(refusal.code), message, remove_by_hand: false });
            }
            _ => {
                let clone = refusal.code == ProblemCode::CloneDetected;
                let known = self.state.registration.as_mut().filter(|_| clone).is_some_and(|registration| {
                    registration.clone_since.replace(registration.clone_since.unwrap_or(now)).is_some()
                });
                if !known {
                    let code = if clone { EventCode::CloneDetected } else { EventCode::RequestRefused };
                    let message = format!("The manager refused the {}. {reason}", purpose.as_str());
                    self.tell(code, None, now, message);
                }
                self.missed(purpose, None, &reason, now, chance.jitter());
            }
        }
    }

    /// The request's time was refused: the clock is right now, and the same is asked again under a new id.
    fn ask_again(&mut self, in_flight: &InFlight, now: Timestamp) {
        if let Some(registering) =
            self.state.registering.as_mut().filter(|_| in_flight.purpose == Purpose::Registration)
        {
            registering.retry.next_at = now;
            registering.request = None;
        }
        let Some(registration) = &mut self.state.registration else { return };
        match in_flight.purpose {
            Purpose::CertificateRenewal => {
                registration.renewal.retry.next_at = now;
                registration.renewal.request = None;
            }
            Purpose::ScheduledReport => {
                if let Some(sent) = registration.sent.take() {
                    registration.report_due = Some(sent.end.min(now));
                    carry(&mut registration.carried, sent);
                }
            }
            Purpose::ExtraReport => {
                registration.extra_report = true;
                if let Some(sent) = registration.sent.take() {
                    carry(&mut registration.carried, sent);
                }
            }
            Purpose::AuthorizationRenewal => registration.authorization.renewal.next_at = now,
            // Still asked for.
            Purpose::Deregistration | Purpose::Registration | Purpose::Farewell => {}
        }
    }

    /// A contact failed.
    pub(super) fn failed(
        &mut self,
        in_flight: InFlight,
        failure: &ContactFailure,
        now: Timestamp,
        chance: &mut dyn Chance,
    ) {
        self.record(&in_flight.request, Some((failure.kind.as_str().to_owned(), failure.to_string())), now);
        if self.state.communication.failing_since.is_none() {
            self.state.communication.failing_since = Some(now);
            self.tell(
                EventCode::CommunicationFailed,
                None,
                now,
                format!("The manager was not reached: {failure}."),
            );
        }
        self.put_back(in_flight, failure, now, chance.jitter());
    }

    /// What the request was for is done later, or otherwise.
    pub(super) fn put_back(
        &mut self,
        in_flight: InFlight,
        failure: &ContactFailure,
        now: Timestamp,
        jitter: f64,
    ) {
        self.mark();
        self.transmitted = false;
        if in_flight.purpose != Purpose::Farewell {
            self.leave_unanswered(&in_flight.request);
        }
        let reason = failure.to_string();
        match in_flight.purpose {
            Purpose::Registration => {
                self.tell(
                    EventCode::RegistrationFailed,
                    None,
                    now,
                    format!("The registration failed: {reason}. It is tried again."),
                );
                self.registration_failed(Some(in_flight.request), now, jitter);
            }
            Purpose::Deregistration => self.leave(Some(in_flight.request), &reason, now, jitter),
            Purpose::Farewell => self.farewell_failed(now, jitter),
            purpose => self.missed(purpose, Some(in_flight.request), &reason, now, jitter),
        }
    }

    fn registration_failed(&mut self, request: Option<Request>, now: Timestamp, jitter: f64) {
        if let Some(registering) = &mut self.state.registering {
            registering.retry.failed(now, &self.profile.retry, false, jitter);
            registering.request = request;
        }
    }

    /// A renewal waits for its next attempt; a report's peaks go with the next report.
    fn missed(
        &mut self,
        purpose: Purpose,
        request: Option<Request>,
        reason: &str,
        now: Timestamp,
        jitter: f64,
    ) {
        let periods = self.profile.retry;
        let Some(registration) = &mut self.state.registration else { return };
        match purpose {
            Purpose::CertificateRenewal => {
                registration.renewal.retry.failed(now, &periods, false, jitter);
                registration.renewal.request = request;
                let message = format!(
                    "The ID certificate could not be renewed: {reason}. It ends at {}.",
                    registration.certificate.expires_at
                );
                self.tell(EventCode::RenewalFailed, None, now, message);
            }
            Purpose::AuthorizationRenewal => {
                let expired = registration.authorization.ends_at <= now;
                registration.authorization.renewal.failed(now, &periods, expired, jitter);
                let message = format!(
                    "The authorization could not be renewed: {reason}. It ends at {}.",
                    registration.authorization.ends_at
                );
                self.tell(EventCode::AuthorizationRenewalFailed, None, now, message);
            }
            _ => {
                if let Some(sent) = registration.sent.take() {
                    carry(&mut registration.carried, sent);
                }
            }
        }
    }

    /// Ends the registration here alone. With a request, the manager is told of it in the background.
    fn leave(&mut self, request: Option<Request>, reason: &str, now: Timestamp, jitter: f64) {
        let hours = self.profile.deregistration.retried_for_hours;
        let message = self.remove_by_hand(&format!("the manager did not take the deregistration ({reason})"));
        let message = match request {
            Some(_) => format!(
                "The product instance was deregistered here alone. The manager is told in the background for {hours} hours. {message}"
            ),
            None => format!("The product instance was deregistered here alone. {message}"),
        };
        self.tell(EventCode::DeregisteredLocally, None, now, message.clone());
        let farewell = request.zip(self.state.certificate().cloned()).map(|(request, certificate)| {
            let mut retry = Retry::due_at(now);
            retry.failed(now, &self.profile.retry, false, jitter);
            Farewell {
                request,
                certificate,
                retry,
                until: after(now, SignedDuration::from_hours(i64::from(hours))),
            }
        });
        self.unregister(Ended { at: now, code: None, message, remove_by_hand: true });
        self.state.farewell = farewell;
    }

    fn farewell_failed(&mut self, now: Timestamp, jitter: f64) {
        let Some(farewell) = &mut self.state.farewell else { return };
        farewell.retry.failed(now, &self.profile.retry, false, jitter);
        if farewell.retry.next_at >= farewell.until {
            self.give_up_farewell("it was away all the time", now);
        }
    }

    fn give_up_farewell(&mut self, reason: &str, now: Timestamp) {
        let Some(farewell) = self.state.farewell.take() else { return };
        let instance = farewell.request.product_instance_id.map(|id| id.to_string()).unwrap_or_default();
        let message = format!(
            "The manager could not be told of the deregistration of {instance}: {reason}. Remove it by hand in its virtual account to free its licences."
        );
        self.tell(EventCode::DeregistrationFailed, None, now, message);
    }

    /// Ends the registration; the evaluation goes on with what is left of it.
    pub(super) fn unregister(&mut self, ended: Ended) {
        self.state.registration = None;
        self.state.ended = Some(ended);
        self.state.last_answer = None;
        self.state.unanswered.clear();
        self.state.tags.clear();
    }

    fn restored(&mut self, now: Timestamp) {
        if let Some(since) = self.state.communication.failing_since.take() {
            self.tell(
                EventCode::CommunicationRestored,
                None,
                now,
                format!("The manager answers again; it had not been reached since {since}."),
            );
        }
    }

    /// Keeps how a request went.
    fn record(&mut self, request: &Request, failure: Option<(String, String)>, now: Timestamp) {
        let failed = failure.is_some();
        let attempt =
            Attempt { at: now, failure: failure.map(|(code, reason)| AttemptFailure { code, reason }) };
        let communication = &mut self.state.communication;
        communication.last = Some(attempt.clone());
        let class = communication.classes.entry(request.body.kind().to_owned()).or_default();
        class.last = Some(attempt);
        if failed {
            class.failures = class.failures.saturating_add(1);
            class.last_failure_at = Some(now);
        } else {
            class.successes = class.successes.saturating_add(1);
            class.last_success_at = Some(now);
        }
    }
}

/// Why a response is not the answer to the request, if it is not.
fn mismatch(request: &Request, response: &message::Response) -> Option<String> {
    use seatpool_proto::RequestBody;
    let fits = matches!(
        (&request.body, &response.body),
        (_, ResponseBody::Refusal(_))
            | (RequestBody::Registration(_), ResponseBody::Registration(_))
            | (
                RequestBody::Authorization(_) | RequestBody::AuthorizationRenewal {},
                ResponseBody::Authorization(_)
            )
            | (RequestBody::IdCertificateRenewal(_), ResponseBody::IdCertificateRenewal(_))
            | (RequestBody::Deregistration {}, ResponseBody::Deregistration(_))
    );
    if response.version != VERSION {
        Some(format!("it has version {}, this agent speaks {VERSION}", response.version))
    } else if response.request_id != request.request_id {
        Some(format!("it answers the request {}, not {}", response.request_id, request.request_id))
    } else if response.nonce != request.nonce {
        Some("its nonce is not the request's".to_owned())
    } else if !fits {
        Some(format!("it does not answer a request of type {}", request.body.kind()))
    } else {
        None
    }
}

/// Whether a refusal may pass by itself, so that trying again makes sense.
fn may_pass(code: ProblemCode) -> bool {
    matches!(
        code,
        ProblemCode::Unavailable
            | ProblemCode::RateLimited
            | ProblemCode::Internal
            | ProblemCode::Replayed
            | ProblemCode::ClockSkew
            | ProblemCode::Unknown
    )
}

fn certificate(issued: IssuedCertificate, key: NewKey, now: Timestamp) -> Certificate {
    Certificate { certificates: issued.certificates, key, received_at: now, expires_at: issued.expires_at }
}

fn move_message(from: &Home, to: &Home) -> String {
    format!(
        "The product instance was moved from the virtual account {:?} to {:?}.",
        from.virtual_account, to.virtual_account
    )
}
