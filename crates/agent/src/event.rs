//! What the agent tells: events, with a stable code, a syslog mnemonic and severity, and a sentence.

use jiff::Timestamp;
use seatpool_proto::Tag;
use serde::{Deserialize, Serialize};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentEvent {
    /// When, by the agent's estimate.
    pub at: Timestamp,
    /// What.
    pub code: EventCode,
    /// Which licence, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<Tag>,
    /// What happened, why, and what to do next, as a sentence.
    pub message: String,
}

impl AgentEvent {
    /// The familiar form of a log line: `%SMART_LIC-6-AGENT_REG_SUCCESS: …` (cli.md, "Events and alerts").
    pub fn to_syslog(&self) -> String {
        format!("%SMART_LIC-{}-{}: {}", self.code.severity(), self.code.mnemonic(), self.message)
    }
}

macro_rules! event_codes {
    ($($name:ident = $code:literal, $severity:literal, $mnemonic:literal, $meaning:literal;)*) => {
        /// What kind of thing happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum EventCode {
            $(#[doc = $meaning] #[serde(rename = $code)] $name,)*
        }

        impl EventCode {
            /// Every code, in the order of the documented table.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The stable code.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// Syslog severity (RFC 5424, section 6.2.1): 2 critical, 3 error, 4 warning, 5 notice,
            /// 6 informational.
            pub fn severity(self) -> u8 {
                match self { $(Self::$name => $severity,)* }
            }

            /// Mnemonic of the log line.
            pub fn mnemonic(self) -> &'static str {
                match self { $(Self::$name => $mnemonic,)* }
            }

            /// What it means.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)* }
            }
        }
    };
}

event_codes! {
    RegistrationSucceeded = "registration_succeeded", 6, "AGENT_REG_SUCCESS", "The product instance was registered.";
    RegistrationFailed = "registration_failed", 3, "AGENT_REG_FAILED", "A registration attempt failed.";
    RegistrationEnded = "registration_ended", 3, "AGENT_REG_REMOVED", "The manager does not know the product instance any more, or revoked its certificate.";
    RegistrationExpired = "registration_expired", 3, "ID_CERT_EXPIRED", "The ID certificate has ended.";
    CertificateWarning = "certificate_warning", 4, "ID_CERT_EXPIRED_WARNING", "The ID certificate is about to end.";
    RenewalSucceeded = "renewal_succeeded", 6, "ID_CERT_RENEW_SUCCESS", "The ID certificate was renewed.";
    RenewalFailed = "renewal_failed", 3, "ID_CERT_RENEW_FAILED", "A renewal of the ID certificate failed.";
    DeregistrationSucceeded = "deregistration_succeeded", 6, "AGENT_DEREG_SUCCESS", "The manager ended the registration as asked.";
    DeregistrationFailed = "deregistration_failed", 3, "AGENT_DEREG_FAILED", "The manager was not told of a deregistration: remove the product instance by hand.";
    DeregisteredLocally = "deregistered_locally", 4, "AGENT_DEREG_LOCAL", "The registration was ended here alone, because the manager was away.";
    AuthorizationRenewed = "authorization_renewed", 6, "AUTH_RENEW_SUCCESS", "The authorization was renewed.";
    AuthorizationRenewalFailed = "authorization_renewal_failed", 3, "AUTH_RENEW_FAILED", "A renewal of the authorization failed.";
    AuthorizationExpired = "authorization_expired", 3, "AUTHORIZATION_EXPIRED", "The authorization ended for lack of contact.";
    AuthorizationRestored = "authorization_restored", 5, "AUTHORIZATION_RESTORED", "The authorization is in force again.";
    OverageWillEnter = "overage_will_enter", 4, "OOC_WILL_ENTER", "More is used than is owned: the licence will go out of compliance.";
    OverageShortly = "overage_shortly", 4, "OOC_SHORTLY", "More is used than is owned: the licence goes out of compliance with the next report.";
    OverageAverted = "overage_averted", 6, "OOC_AVERTED", "Usage is back in range before the transition.";
    OutOfCompliance = "out_of_compliance", 3, "OUT_OF_COMPLIANCE", "The licence is out of compliance.";
    InCompliance = "in_compliance", 6, "IN_COMPLIANCE", "The licence is covered again.";
    EnforcementModeChanged = "enforcement_mode_changed", 6, "ENTITLEMENT_MODE_CHANGED", "The status of one licence changed.";
    EnforcementStarted = "enforcement_started", 3, "ENFORCEMENT_STARTED", "A grace ended: the product is restricted.";
    EnforcementStopped = "enforcement_stopped", 5, "ENFORCEMENT_STOPPED", "The causes are mended: the product is not restricted any more.";
    EvaluationStarted = "evaluation_started", 6, "EVAL_START", "The evaluation's time runs.";
    EvaluationWarning = "evaluation_warning", 4, "EVAL_WILL_EXPIRE_WARNING", "The evaluation is about to end.";
    EvaluationExpired = "evaluation_expired", 3, "EVAL_EXPIRED", "The evaluation has ended.";
    CommunicationFailed = "communication_failed", 3, "COMM_FAILED", "The manager can't be reached.";
    CommunicationRestored = "communication_restored", 5, "COMM_RESTORED", "The manager is reached again.";
    RequestRefused = "request_refused", 3, "REQUEST_REFUSED", "The manager refused a request.";
    CloneDetected = "clone_detected", 2, "CLONE_DETECTED", "Another machine reports under the identity of this one.";
    AnswerIgnored = "answer_ignored", 4, "ANSWER_IGNORED", "An answer belonged to no request that is under way.";
    ClockOutOfRange = "clock_out_of_range", 4, "CLOCK_OUT_OF_RANGE", "The clock is more than ten minutes away from the manager's.";
    ClockCorrected = "clock_corrected", 5, "CLOCK_CORRECTED", "The clock agrees with the manager's again.";
    ClockSetBack = "clock_set_back", 5, "SYSTEM_CLOCK_CHANGED", "The clock was set back; periods run on regardless.";
    MovedVirtualAccount = "moved_virtual_account", 5, "VIRTUAL_ACCOUNT_CHANGED", "An administrator moved the product instance.";
    StateForeign = "state_foreign", 3, "STATE_FOREIGN", "The stored state is of another machine.";
    StateNotStored = "state_not_stored", 2, "STATE_NOT_STORED", "The state could not be stored; nothing is sent until it is.";
    StateRestored = "state_restored", 4, "STATE_RESTORED", "The newest stored state was damaged; the one before it is in use.";
    ReservationRequested = "reservation_requested", 6, "RESERVATION_REQUESTED", "A reservation request code was made.";
    ReservationCanceled = "reservation_canceled", 5, "RESERVATION_CANCELED", "A reservation request was given up.";
    ReservationInstalled = "reservation_installed", 5, "RESERVATION_INSTALLED", "An authorization code was installed.";
    ReservationReturned = "reservation_returned", 5, "RESERVATION_RETURNED", "A reservation was given back.";
    ReservationExceeded = "reservation_exceeded", 3, "RESERVATION_EXCEEDED", "More is in use than is reserved.";
    ExportKeyInstalled = "export_key_installed", 5, "EXPORT_KEY_INSTALLED", "An export-restricted feature was authorized.";
    ExportKeyRemoved = "export_key_removed", 5, "EXPORT_KEY_REMOVED", "The authorization of an export-restricted feature was given back.";
    ExportRequestFailed = "export_request_failed", 3, "EXPORT_REQUEST_FAILED", "The manager did not authorize, or take back, an export-restricted feature.";
    ExportControlNotAllowed = "export_control_not_allowed", 2, "SmartLicenseExportControlNotAllowed", "An export-restricted feature is on and not authorized.";
    FactoryReset = "factory_reset", 5, "FACTORY_RESET", "Everything but the evaluation countdown was forgotten.";
}
