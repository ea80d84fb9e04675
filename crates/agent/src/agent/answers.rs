//! What came back: does it belong to the request, what time is it, and what do successful answers change?

use jiff::{SignedDuration, Timestamp};
use seatpool_proto::message::{self, Home, IssuedCertificate, Registered, VERSION};
use seatpool_proto::{Request, ResponseBody, Sha256, limits};

use super::{Agent, STORE_AGAIN_AFTER, license_type_of};
use crate::command::Chance;
use crate::compliance::Change;
use crate::contact::{Answer, ContactFailure, FailureKind};
use crate::event::EventCode;
use crate::identity::NewKey;
use crate::retry::Retry;
use crate::state::{
    Attempt, AttemptFailure, Authorization, Certificate, Ended, InFlight, Purpose, Registration, Renewal,
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
            for export in self.state.exports.features.values_mut() {
                if let Some(asking) = &mut export.asking {
                    asking.retry.clamp(set, &periods);
                    asking.retry.next_at = asking.retry.next_at.min(set);
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
            ResponseBody::ExportRequest(authorized) => self.export_authorized(authorized, now),
            ResponseBody::ExportReturn(returned) => self.export_returned(returned, now),
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
        // The manager gave their licences free with the registration before: they are asked for anew.
        self.state.exports.features.clear();
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
        self.exports_last(answer.exports);
        self.exports_ended(answer.exports_ended, now);
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
                    "{tag} will go out of compliance ({pool}): overage {count} of {whole}. Use fewer \
                    licences, or buy or move more."
                ),
            ),
            Change::Shortly(count) => (
                EventCode::OverageShortly,
                format!(
                    "{tag} goes out of compliance with the next report ({pool}): overage {count} of \
                    {whole}. Use fewer licences now, or buy or move more."
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

    fn restored(&mut self, now: Timestamp) {
        if let Some(since) = self.state.communication.failing_since.take() {
            // What ended for want of contact is missed on the product.
            for asking in self.state.exports.features.values_mut().filter_map(|export| export.asking.as_mut())
            {
                asking.retry.next_at = asking.retry.next_at.min(now);
            }
            self.tell(
                EventCode::CommunicationRestored,
                None,
                now,
                format!("The manager answers again; it had not been reached since {since}."),
            );
        }
    }

    /// Keeps how a request went.
    pub(super) fn record(&mut self, request: &Request, failure: Option<(String, String)>, now: Timestamp) {
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
            | (RequestBody::ExportRequest(_), ResponseBody::ExportRequest(_))
            | (RequestBody::ExportReturn(_), ResponseBody::ExportReturn(_))
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

fn certificate(issued: IssuedCertificate, key: NewKey, now: Timestamp) -> Certificate {
    Certificate { certificates: issued.certificates, key, received_at: now, expires_at: issued.expires_at }
}

fn move_message(from: &Home, to: &Home) -> String {
    format!(
        "The product instance was moved from the virtual account {:?} to {:?}.",
        from.virtual_account, to.virtual_account
    )
}
