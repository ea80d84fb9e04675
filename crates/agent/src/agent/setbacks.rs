//! What did not come off: refusals and failed contacts, and what is done about each.

use jiff::{SignedDuration, Timestamp};
use seatpool_proto::{ProblemCode, Request, message};

use super::Agent;
use super::export::{ExportRetry, may_become_available};
use super::requests::carry;
use crate::command::Chance;
use crate::contact::ContactFailure;
use crate::event::EventCode;
use crate::retry::Retry;
use crate::state::{Ended, Farewell, InFlight, Purpose};
use crate::time::after;

impl Agent {
    pub(super) fn refused(
        &mut self,
        in_flight: InFlight,
        refusal: &message::Refusal,
        now: Timestamp,
        chance: &mut dyn Chance,
    ) {
        let purpose = in_flight.purpose;
        let reason = format!("{} {}", refusal.message, refusal.action);
        self.record(&in_flight.request, Some((refusal.code.to_string(), reason.clone())), now);
        // Any other refusal says that this request was not applied; one that was sent before and lost its answer
        // is among the unanswered already, and stays there.
        let in_trouble = matches!(refusal.code, ProblemCode::Unavailable | ProblemCode::Internal);
        if in_trouble && purpose != Purpose::Farewell {
            self.leave_unanswered(&in_flight.request);
        }
        // A manager in trouble may have applied it, or be about to: it is sent again as it is. So is one whose first
        // answer was lost, where the refusal came before anything was looked up.
        let same_again = in_trouble || in_flight.repeated && refusal.code == ProblemCode::RateLimited;
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
                self.registration_failed(same_again.then_some(in_flight.request), now, chance.jitter());
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
            Purpose::Export if refusal.code != ProblemCode::CloneDetected => {
                let passes = may_pass(refusal.code) || may_become_available(refusal.code);
                let retry = match (same_again, passes) {
                    (true, _) => Some(ExportRetry::SameRequest),
                    (false, true) => Some(ExportRetry::NewRequest),
                    (false, false) => None,
                };
                self.export_failed(in_flight.request, retry, &reason, now, chance.jitter());
            }
            _ => {
                let clone = refusal.code == ProblemCode::CloneDetected;
                let known = self.state.registration.as_mut().filter(|_| clone).is_some_and(|registration| {
                    registration.clone_since.replace(registration.clone_since.unwrap_or(now)).is_some()
                });
                // A refused renewal is told of as a failed renewal.
                let report = matches!(purpose, Purpose::ScheduledReport | Purpose::ExtraReport);
                if clone && !known || report && !clone {
                    let code = if clone { EventCode::CloneDetected } else { EventCode::RequestRefused };
                    let message = format!("The manager refused the {}. {reason}", purpose.as_str());
                    self.tell(code, None, now, message);
                }
                if purpose == Purpose::Export {
                    let again = Some(ExportRetry::NewRequest);
                    self.export_failed(in_flight.request, again, &reason, now, chance.jitter());
                    return;
                }
                self.missed(purpose, same_again.then_some(in_flight.request), &reason, now, chance.jitter());
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
            Purpose::Export => {
                for asking in self.state.exports.features.values_mut().filter_map(|e| e.asking.as_mut()) {
                    asking.request = None;
                }
            }
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
            Purpose::Export => {
                let again = Some(ExportRetry::SameRequest);
                self.export_failed(in_flight.request, again, &reason, now, jitter);
            }
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
                "The product instance was deregistered here alone. The manager is told in the background \
                for {hours} hours. {message}"
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
        if farewell.is_some() {
            self.give_up_farewell("a later deregistration took its place", now);
            self.state.farewell = farewell;
        }
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
            "The manager could not be told of the deregistration of {instance}: {reason}. Remove it by hand \
            in its virtual account to free its licences."
        );
        self.tell(EventCode::DeregistrationFailed, None, now, message);
    }

    /// Ends the registration; the evaluation goes on with what is left of it.
    pub(super) fn unregister(&mut self, ended: Ended) {
        // A request of this registration that waits for the disk, say, has nothing left to be signed with.
        self.state.in_flight =
            self.state.in_flight.take().filter(|in_flight| in_flight.purpose == Purpose::Farewell);
        self.state.registration = None;
        self.state.ended = Some(ended);
        self.state.last_answer = None;
        self.state.unanswered.clear();
        self.state.tags.clear();
        // The manager has, or will have, released them with the registration.
        self.state.exports.features.clear();
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
