//! What is shown: worked out from state, profile and time, never stored.

use jiff::Timestamp;
use seatpool_proto::Tag;
use seatpool_proto::code::ReservationKind;
use seatpool_proto::message::TagStatus;

use super::Agent;
use super::coverage::EXCEEDED;
use crate::event::EventCode;
use crate::state::{Attempt, Purpose, Registration};
use crate::status::{
    Alert, AuthorizationState, AuthorizationStatus, ClockStatus, CommunicationStatus, EndedStatus,
    EnforcementStatus, EntitlementState, EntitlementStatus, EvaluationStatus, ExportStatus, InstalledStatus,
    Job, ProxyStatus, RegistrationState, RegistrationStatus, ReservationStatus, ReservedEntitlement, Status,
    Timer, TransportStatus,
};

/// Message classes, as [`seatpool_proto::RequestBody::kind`] names them.
const REGISTRATION: &str = "registration";
const RENEWAL: &str = "id-certificate-renewal";
const REPORT: &str = "authorization";
const AUTHORIZATION_RENEWAL: &str = "authorization-renewal";

impl Agent {
    /// Everything that can be shown at `now` (on the shell's clock).
    pub fn status(&self, now: Timestamp) -> Status {
        let now = self.state.clock.at(now);
        let state = &self.state;
        let mut jobs: Vec<Job> = self
            .timers(now)
            .into_iter()
            .filter(|(timer, _)| *timer != Timer::Checkpoint)
            .map(|(timer, at)| Job { timer, at })
            .collect();
        jobs.sort_by_key(|job| (job.at, job.timer));
        Status {
            at: now,
            udi: self.identity.udi.clone(),
            host_name: self.identity.host_name.clone(),
            product: self.product(),
            license_type: self.license_type.name.clone(),
            license_types: self.profile.license_types.iter().map(|t| t.name.clone()).collect(),
            registration: self.registration_status(now),
            authorization: self.authorization_status(now, &jobs),
            enforcement: self.enforcement_status(now),
            evaluation: self.evaluation_status(now),
            entitlements: self.license_type.tags().map(|tag| self.entitlement_status(tag, now)).collect(),
            reservation: self.reservation_status(now),
            exports: self.export_statuses(now),
            communication: CommunicationStatus {
                failing_since: state.communication.failing_since,
                last: state.communication.last.clone(),
                classes: state.communication.classes.clone(),
            },
            jobs,
            alerts: self.alerts(now),
            transport: TransportStatus {
                mode: state.transport.mode,
                url: state.transport.url.clone(),
                proxy: state.transport.proxy.as_ref().map(|proxy| ProxyStatus {
                    host: proxy.host.clone(),
                    port: proxy.port,
                    user: proxy.user.clone(),
                }),
            },
            privacy: state.privacy,
            clock: ClockStatus {
                local_ahead_seconds: state.clock.local_ahead.as_secs(),
                out_of_range: state.clock.is_off(),
            },
        }
    }

    /// Registration at `now`, by the agent's estimate, in one word.
    fn registration_state(&self, now: Timestamp) -> RegistrationState {
        match &self.state.registration {
            Some(registration) if registration.certificate.expires_at <= now => RegistrationState::Expired,
            Some(_) => RegistrationState::Registered,
            None if self.state.reservation.enabled => match &self.state.reservation.installed {
                None => RegistrationState::ReservationInProgress,
                Some(installed) => match installed.grant.kind {
                    ReservationKind::Specific => RegistrationState::ReservedSpecific,
                    ReservationKind::Universal => RegistrationState::ReservedUniversal,
                },
            },
            None if self.state.registering.is_some() => RegistrationState::Registering,
            None => RegistrationState::Unregistered,
        }
    }

    /// Authorization at `now`, by the agent's estimate, in one word.
    fn authorization_state(&self, now: Timestamp) -> AuthorizationState {
        match &self.state.registration {
            Some(registration) => self.authorization_of(registration, now),
            None if self.state.reservation.installed.is_some() => {
                if self.is_covered(now) {
                    AuthorizationState::ReservedInCompliance
                } else {
                    AuthorizationState::NotAuthorizedReserved
                }
            }
            None => {
                let expired = self.state.evaluation.expired_at.is_some();
                let runs = self.evaluation_runs();
                let ended_by_manager = self.state.ended.as_ref().is_some_and(|ended| ended.code.is_some());
                match (ended_by_manager, expired, runs) {
                    (true | false, false, true) => AuthorizationState::Evaluation,
                    (true, ..) => AuthorizationState::Unauthorized,
                    (false, true, _) => AuthorizationState::EvaluationExpired,
                    (false, false, false) => AuthorizationState::NoLicensesInUse,
                }
            }
        }
    }

    fn authorization_of(&self, registration: &Registration, now: Timestamp) -> AuthorizationState {
        let records = || self.license_type.tags().filter_map(|tag| self.state.tags.get(tag));
        let refused = |status: TagStatus| status == TagStatus::NotAuthorized;
        if records().any(|record| record.answer.as_ref().is_some_and(|answer| refused(answer.status))) {
            AuthorizationState::Unauthorized
        } else if registration.authorization.ends_at <= now {
            AuthorizationState::Expired
        } else if records().any(|record| record.out_of_compliance_since.is_some()) {
            AuthorizationState::OutOfCompliance
        } else if registration.authorization.answered_at.is_none() {
            AuthorizationState::Waiting
        } else if self.state.meter.in_use() {
            AuthorizationState::Authorized
        } else {
            AuthorizationState::NoLicensesInUse
        }
    }

    /// Each licence's status at `now`, by the agent's estimate.
    pub(super) fn entitlement_states(&self, now: Timestamp) -> impl Iterator<Item = (Tag, EntitlementState)> {
        self.license_type.tags().map(move |tag| (tag.clone(), self.entitlement_state(tag, now)))
    }

    fn entitlement_state(&self, tag: &Tag, now: Timestamp) -> EntitlementState {
        let in_use = !self.state.meter.current(tag).is_zero();
        if self.state.reservation.installed.is_some() {
            return self.reserved_state(tag, in_use, now);
        }
        let Some(registration) = &self.state.registration else {
            return match (in_use, self.state.evaluation.expired_at) {
                (false, _) => EntitlementState::NotInUse,
                (true, None) => EntitlementState::Evaluation,
                (true, Some(_)) => EntitlementState::EvaluationExpired,
            };
        };
        let record = self.state.tags.get(tag);
        let answer = record.and_then(|record| record.answer.as_ref());
        let ended = registration.authorization.ends_at <= now;
        match answer.map(|answer| answer.status) {
            Some(TagStatus::InvalidTag) => EntitlementState::InvalidTag,
            Some(TagStatus::NotAuthorized) => EntitlementState::NotAuthorized,
            Some(TagStatus::Disabled) => EntitlementState::Disabled,
            Some(TagStatus::NotApplicable) => EntitlementState::NotApplicable,
            Some(TagStatus::Invalid) => EntitlementState::Invalid,
            _ if ended && in_use => EntitlementState::AuthorizationExpired,
            _ if record.is_some_and(|record| record.out_of_compliance_since.is_some()) => {
                EntitlementState::OutOfCompliance
            }
            Some(TagStatus::OutOfCompliance) => EntitlementState::Overage,
            _ if record.is_some_and(|record| record.overages > 0) => EntitlementState::Overage,
            Some(TagStatus::InCompliance) => EntitlementState::InCompliance,
            Some(TagStatus::NotInUse) | None if in_use => EntitlementState::Waiting,
            Some(TagStatus::NotInUse) | None => EntitlementState::NotInUse,
        }
    }

    fn class(&self, name: &str) -> Option<&Attempt> {
        self.state.communication.classes.get(name).and_then(|class| class.last.as_ref())
    }

    fn registration_status(&self, now: Timestamp) -> RegistrationStatus {
        let state = self.registration_state(now);
        let words = self.profile.words.registration.get(&state).map_or(state.word(), String::as_str);
        let registration = self.state.registration.as_ref();
        let registering = self.state.registering.as_ref();
        let since = registration.map(|r| r.registered_at);
        RegistrationStatus {
            state,
            words: words.to_owned(),
            smart_account: registration.map(|r| r.home.smart_account.clone()),
            virtual_account: registration.map(|r| r.home.virtual_account.clone()),
            account_id: registration.map(|r| r.account_id),
            product_instance_id: registration.map(|r| r.product_instance_id),
            export_controlled: registration.is_some_and(|r| r.export_controlled),
            registered_at: since,
            expires_at: registration.map(|r| r.certificate.expires_at),
            renew_at: registration.map(|r| r.renewal.retry.next_at),
            last_renewal: self
                .class(RENEWAL)
                .filter(|attempt| since.is_some_and(|s| s <= attempt.at))
                .cloned(),
            last_attempt: self.class(REGISTRATION).cloned(),
            next_attempt_at: registering.map(|r| r.retry.next_at),
            failures: registering.map_or(0, |r| r.retry.failures),
            in_progress: self.is_asking(Purpose::Registration),
            leaving: registration.is_some_and(|r| r.leaving) || self.is_asking(Purpose::Deregistration),
            ended: self.state.ended.as_ref().map(|ended| EndedStatus {
                at: ended.at,
                code: ended.code,
                message: ended.message.clone(),
                remove_by_hand: ended.remove_by_hand,
            }),
            farewell_until: self.state.farewell.as_ref().map(|farewell| farewell.until),
        }
    }

    fn is_asking(&self, purpose: Purpose) -> bool {
        self.state.in_flight.as_ref().is_some_and(|in_flight| in_flight.purpose == purpose)
    }

    fn authorization_status(&self, now: Timestamp, jobs: &[Job]) -> AuthorizationStatus {
        let state = self.authorization_state(now);
        let words = self.profile.words.authorization.get(&state).map_or(state.word(), String::as_str);
        let authorization = self.state.registration.as_ref().map(|r| &r.authorization);
        let since = match state {
            AuthorizationState::Authorized => authorization.and_then(|a| a.answered_at),
            AuthorizationState::OutOfCompliance => {
                self.state.tags.values().filter_map(|record| record.out_of_compliance_since).min()
            }
            AuthorizationState::Expired => authorization.map(|a| a.ends_at),
            AuthorizationState::EvaluationExpired => self.state.evaluation.expired_at,
            AuthorizationState::Unauthorized => self.state.ended.as_ref().map(|ended| ended.at),
            AuthorizationState::Waiting => self.state.registration.as_ref().map(|r| r.registered_at),
            AuthorizationState::ReservedInCompliance => {
                self.state.reservation.installed.as_ref().map(|installed| installed.at)
            }
            AuthorizationState::NotAuthorizedReserved => self.state.reservation.short_since,
            AuthorizationState::Evaluation | AuthorizationState::NoLicensesInUse => None,
        };
        let is_contact = |timer| {
            matches!(timer, Timer::ScheduledReport | Timer::ExtraReport | Timer::AuthorizationRenewal)
        };
        let attempts = [REPORT, AUTHORIZATION_RENEWAL].into_iter().filter_map(|class| self.class(class));
        AuthorizationStatus {
            state,
            words: words.to_owned(),
            since,
            last_attempt: attempts.max_by_key(|attempt| attempt.at).cloned(),
            last_success_at: authorization.and_then(|a| a.answered_at),
            next_attempt_at: jobs.iter().find(|job| is_contact(job.timer)).map(|job| job.at),
            renew_at: authorization.map(|a| a.renewal.next_at),
            ends_at: authorization.map(|a| a.ends_at),
        }
    }

    fn enforcement_status(&self, now: Timestamp) -> EnforcementStatus {
        let graces = self.graces(now);
        let enforced = graces.iter().any(|grace| grace.enforced);
        let meaning = &self.profile.enforcement.description;
        EnforcementStatus {
            enforced,
            since: graces.iter().filter(|grace| grace.enforced).filter_map(|grace| grace.ends_at).min(),
            blocked: self.profile.enforcement.blocked.clone(),
            description: if enforced { meaning.clone() } else { format!("When restricted: {meaning}") },
            graces,
        }
    }

    fn evaluation_status(&self, now: Timestamp) -> EvaluationStatus {
        let whole = self.profile.evaluation();
        let evaluation = &self.state.evaluation;
        let running = evaluation.running_since.is_some();
        EvaluationStatus {
            running,
            counted: self.profile.evaluation.counted,
            remaining_seconds: evaluation.remaining(now, whole).as_secs(),
            period_seconds: whole.as_secs(),
            ends_at: evaluation.ends_at(whole).filter(|_| running),
            expired_at: evaluation.expired_at,
        }
    }

    fn entitlement_status(&self, tag: &Tag, now: Timestamp) -> EntitlementStatus {
        let periods = &self.profile.out_of_compliance;
        let info = self.profile.license(tag);
        let record = self.state.tags.get(tag);
        let answer = record.and_then(|record| record.answer.as_ref());
        EntitlementStatus {
            tag: tag.clone(),
            name: info.map_or_else(|| tag.to_string(), |info| info.name.clone()),
            description: info.map(|info| info.description.clone()).unwrap_or_default(),
            required_present: info.is_some_and(|info| info.required_present),
            state: self.entitlement_state(tag, now),
            actual: self.state.meter.current(tag),
            reported: record.map(|record| record.reported(periods)).unwrap_or_default(),
            locked: record.and_then(|record| record.locked(periods)).map(|peak| peak.own),
            overages: record.map_or(0, |record| record.overages),
            overages_until_transition: periods.after_overages,
            out_of_compliance_since: record.and_then(|record| record.out_of_compliance_since),
            owned: answer.map(|answer| answer.owned),
            reserved: self
                .state
                .reservation
                .installed
                .as_ref()
                .and_then(|_| self.state.reservation.reserved(tag, now)),
            pool_in_use: answer.map(|answer| answer.in_use),
            short: answer.map(|answer| answer.short),
            answered_at: record.and_then(|record| record.answered_at),
            explanation: answer.and_then(|answer| answer.explanation.clone()),
        }
    }

    fn reserved_state(&self, tag: &Tag, in_use: bool, now: Timestamp) -> EntitlementState {
        let short = self.uncovered(now).contains(tag);
        let required = self.profile.license(tag).is_some_and(|info| info.required_present);
        match (short, in_use || required) {
            (true, _) => EntitlementState::NotAuthorized,
            (false, true) => EntitlementState::ReservationInCompliance,
            (false, false) => EntitlementState::NotInUse,
        }
    }

    fn reservation_status(&self, now: Timestamp) -> ReservationStatus {
        let reservation = &self.state.reservation;
        let installed = reservation.installed.as_ref();
        let request = installed.map(|installed| &installed.request).or(reservation.request.as_ref());
        ReservationStatus {
            enabled: reservation.enabled,
            kind: request.map(|request| request.code.kind),
            request_code: request.map(|request| request.code.to_string()),
            requested_at: request.map(|request| request.at),
            installed: installed.map(|installed| InstalledStatus {
                product_instance_id: installed.grant.product_instance_id,
                sequence: installed.grant.sequence,
                installed_at: installed.at,
                entitlements: installed
                    .grant
                    .entitlements
                    .iter()
                    .map(|entitlement| ReservedEntitlement {
                        counts: entitlement.counts_at(now),
                        entitlement: entitlement.clone(),
                    })
                    .collect(),
            }),
            canceled: reservation.canceled().map(|request| request.code.to_string()).collect(),
            sequence: reservation.sequence,
            last_confirmation_code: reservation.last_confirmation.as_ref().map(|(code, _)| code.to_string()),
            confirmed_at: reservation.last_confirmation.as_ref().map(|(_, at)| *at),
            last_return_code: reservation.last_return.as_ref().map(|(code, _)| code.to_string()),
            returned_at: reservation.last_return.as_ref().map(|(_, at)| *at),
        }
    }

    fn export_statuses(&self, now: Timestamp) -> Vec<ExportStatus> {
        let of = |known: &crate::profile::ExportFeature| {
            let export = self.state.exports.features.get(&known.name);
            let asking = export.and_then(|export| export.asking.as_ref());
            ExportStatus {
                feature: known.name.clone(),
                tag: known.tag.clone(),
                description: known.description.clone(),
                authorized: self.export_is_authorized(known, now),
                authorization_key: export.and_then(|e| e.authorized.as_ref()).map(|a| a.key.clone()),
                on: self.state.exports.on.contains(&known.name),
                asking: asking.map(|asking| asking.what),
                next_attempt_at: asking.map(|asking| asking.retry.next_at),
                failure: export.and_then(|export| export.failure.clone()),
                authorized_until: self.export_lasts(known, now),
            }
        };
        self.profile.export_features.iter().map(of).collect()
    }

    fn alerts(&self, now: Timestamp) -> Vec<Alert> {
        let mut alerts = Vec::new();
        let mut raise = |code: EventCode, since, tag: Option<&Tag>, message: String| {
            alerts.push(Alert { code, severity: code.severity(), since, tag: tag.cloned(), message });
        };
        let state = &self.state;
        if let Some(why) = &self.store_failure {
            raise(
                EventCode::StateNotStored,
                None,
                None,
                format!("The agent's state can't be stored ({why}); nothing is sent until it is."),
            );
        }
        for known in self.export_violations(now) {
            let message = format!(
                "SmartLicenseExportControlNotAllowed: {} is on and is not authorized for export. Turn it off (set the \
                cluster to non-secure mode), or have it authorized again.",
                known.name
            );
            raise(EventCode::ExportControlNotAllowed, None, Some(&known.tag), message);
        }
        if let Some(since) = state.reservation.short_since {
            let tag = self.uncovered(now);
            raise(EventCode::ReservationExceeded, Some(since), tag.first(), EXCEEDED.to_owned());
        }
        if let Some(ended) = &state.ended {
            if ended.code.is_some() {
                raise(EventCode::RegistrationEnded, Some(ended.at), None, ended.message.clone());
            } else if ended.remove_by_hand {
                raise(EventCode::DeregisteredLocally, Some(ended.at), None, ended.message.clone());
            }
        }
        let failure_of = |class: &str| {
            self.class(class).and_then(|attempt| attempt.failure.as_ref().map(|f| (attempt.at, f)))
        };
        if let Some((at, failure)) = failure_of(REGISTRATION) {
            raise(EventCode::RegistrationFailed, Some(at), None, failure.reason.clone());
        }
        if let Some(registration) = &state.registration {
            self.registration_alerts(registration, now, &mut raise);
        }
        if let Some(since) = state.communication.failing_since {
            let why = state.communication.last.as_ref().and_then(|last| last.failure.as_ref());
            let why = why.map_or_else(|| "no answer".to_owned(), |failure| failure.reason.clone());
            raise(
                EventCode::CommunicationFailed,
                Some(since),
                None,
                format!("The manager is not reached: {why}."),
            );
        }
        for (tag, record) in &state.tags {
            let missing = record
                .answer
                .as_ref()
                .map(|answer| format!("{} in use, {} owned", answer.in_use, answer.owned));
            let missing = missing.unwrap_or_default();
            let whole = self.profile.out_of_compliance.after_overages;
            if let Some(since) = record.out_of_compliance_since {
                raise(
                    EventCode::OutOfCompliance,
                    Some(since),
                    Some(tag),
                    format!("{tag} is out of compliance ({missing}). Buy or move licences."),
                );
            } else if record.overages > 0 {
                let count = record.overages;
                let code = if count.saturating_add(1) >= whole {
                    EventCode::OverageShortly
                } else {
                    EventCode::OverageWillEnter
                };
                raise(
                    code,
                    record.answered_at,
                    Some(tag),
                    format!("{} {tag}: {missing}, overage {count} of {whole}.", code.meaning()),
                );
            }
        }
        if let Some(expired_at) = state.evaluation.expired_at.filter(|_| state.registration.is_none()) {
            raise(
                EventCode::EvaluationExpired,
                Some(expired_at),
                None,
                "The evaluation has ended. Register the product instance with a token.".to_owned(),
            );
        } else if state.evaluation.running_since.is_some() && state.announced.evaluation_mark.is_some() {
            let left = state.evaluation.remaining(now, self.profile.evaluation()).as_hours();
            raise(
                EventCode::EvaluationWarning,
                None,
                None,
                format!(
                    "The evaluation ends after {left} more hours of use. Register the product instance with \
                    a token."
                ),
            );
        }
        for grace in self.graces(now).iter().filter(|grace| grace.enforced) {
            raise(
                EventCode::EnforcementStarted,
                grace.ends_at,
                grace.tag.as_ref(),
                format!("{} {}", self.profile.enforcement.description, grace.reason.meaning()),
            );
        }
        if state.clock.is_off() {
            raise(EventCode::ClockOutOfRange, None, None, EventCode::ClockOutOfRange.meaning().to_owned());
        }
        alerts.sort_by_key(|alert| (alert.severity, alert.since));
        alerts
    }

    fn registration_alerts(
        &self,
        registration: &Registration,
        now: Timestamp,
        raise: &mut impl FnMut(EventCode, Option<Timestamp>, Option<&Tag>, String),
    ) {
        let expires_at = registration.certificate.expires_at;
        if expires_at <= now {
            raise(
                EventCode::RegistrationExpired,
                Some(expires_at),
                None,
                "The registration has expired. Register again with a token.".to_owned(),
            );
        } else {
            if self.state.announced.certificate_mark.is_some() {
                raise(
                    EventCode::CertificateWarning,
                    None,
                    None,
                    format!("The ID certificate ends at {expires_at}. Renew the registration."),
                );
            }
            if let Some(since) = registration.renewal.retry.failing_since {
                raise(
                    EventCode::RenewalFailed,
                    Some(since),
                    None,
                    format!(
                        "The ID certificate could not be renewed; it ends at {expires_at}. It is tried \
                        again at {}.",
                        registration.renewal.retry.next_at
                    ),
                );
            }
        }
        let authorization = &registration.authorization;
        if authorization.ends_at <= now {
            raise(
                EventCode::AuthorizationExpired,
                Some(authorization.ends_at),
                None,
                "The authorization has ended. Restore the connection and renew the authorization.".to_owned(),
            );
        } else if let Some(since) = authorization.renewal.failing_since {
            raise(
                EventCode::AuthorizationRenewalFailed,
                Some(since),
                None,
                format!("The authorization could not be renewed; it ends at {}.", authorization.ends_at),
            );
        }
        if let Some(since) = registration.clone_since {
            raise(
                EventCode::CloneDetected,
                Some(since),
                None,
                "The manager refuses this copy: another \
            machine reports under its identity. Give this machine its own UDI and register it with a token."
                    .to_owned(),
            );
        }
    }
}
