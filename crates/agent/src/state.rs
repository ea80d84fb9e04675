//! What the agent remembers across restarts: facts only. Status is worked out from them and never stored.
//!
//! All instants are on the agent's estimate ([`crate::clock`]).

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use seatpool_proto::message::{Home, base64_bytes};
use seatpool_proto::{AccountId, ProblemCode, ProductInstanceId, Request, RequestId, Sha256, Tag, Udi};
use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::compliance::TagRecord;
use crate::evaluation::Evaluation;
use crate::export::Exports;
use crate::identity::{KeyId, NewKey, Privacy, Secret, Transport};
use crate::meter::{Meter, Peaks};
use crate::reservation::Reservation;
use crate::retry::Retry;
use crate::status::EntitlementState;

/// The version of this shape that is written.
pub const VERSION: u32 = 1;

/// All that survives a restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Version of the shape.
    pub version: u32,
    /// The device that it belongs to.
    pub udi: Udi,
    /// The chosen licence type.
    pub license_type: String,
    /// How to reach the manager.
    #[serde(default)]
    pub transport: Transport,
    /// What is withheld.
    #[serde(default)]
    pub privacy: Privacy,
    /// The estimate of time.
    pub clock: Clock,
    /// The sequence number of the last request that was made; never goes down, not even in a factory reset.
    pub sequence: u64,
    /// Hash of the last successful answer of the present registration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_answer: Option<Sha256>,
    /// Requests since then that have no answer, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unanswered: Vec<RequestId>,
    /// The evaluation's countdown.
    pub evaluation: Evaluation,
    /// Usage.
    pub meter: Meter,
    /// What is known of each tag.
    #[serde(default)]
    pub tags: BTreeMap<Tag, TagRecord>,
    /// The present registration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<Registration>,
    /// Why there is none, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
    /// A registration that is being tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registering: Option<Registering>,
    /// A reservation.
    #[serde(default)]
    pub reservation: Reservation,
    /// Export-restricted features.
    #[serde(default)]
    pub exports: Exports,
    /// A deregistration that was done here and that the manager is still to be told of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub farewell: Option<Farewell>,
    /// The request under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_flight: Option<InFlight>,
    /// Whether the last request was sent again because its time was refused; it is not tried a third time at
    /// once.
    #[serde(default)]
    pub clock_skew_corrected: bool,
    /// How contacts went.
    #[serde(default)]
    pub communication: Communication,
    /// What people were told already.
    #[serde(default)]
    pub announced: Announced,
}

/// A registration in force (also after its certificate has ended).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// The smart account, which every request names.
    pub account_id: AccountId,
    /// The product instance.
    pub product_instance_id: ProductInstanceId,
    /// Names of the accounts.
    pub home: Home,
    /// Whether export-controlled functionality is allowed.
    pub export_controlled: bool,
    /// When it was made; also the anchor of the reporting grid (decision: anchoring the grid here rather
    /// than at full hours spreads the reports of many instances evenly over the interval).
    pub registered_at: Timestamp,
    /// The ID certificate.
    pub certificate: Certificate,
    /// Its next renewal.
    pub renewal: Renewal,
    /// The authorization.
    pub authorization: Authorization,
    /// Peaks of ended intervals that no acknowledged report carried yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carried: Option<Peaks>,
    /// Peaks in the report under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<Peaks>,
    /// The scheduled report that is due: the end of its interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_due: Option<Timestamp>,
    /// Whether an extra report was asked for.
    #[serde(default)]
    pub extra_report: bool,
    /// Whether deregistration was asked for.
    #[serde(default)]
    pub leaving: bool,
    /// Since when the manager refuses this copy as a clone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clone_since: Option<Timestamp>,
}

/// An ID certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// DER, leaf first, the vendor root left out.
    #[serde(with = "base64_bytes::list")]
    pub certificates: Vec<Vec<u8>>,
    /// The key that it is for.
    pub key: NewKey,
    /// When it was received.
    pub received_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// The next renewal of the ID certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renewal {
    /// When.
    pub retry: Retry,
    /// The new key, if one was handed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_key: Option<NewKey>,
    /// The request that got no answer, to be sent again as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
}

/// The authorization of a registered instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorization {
    /// The last successful answer; absent: none yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<Timestamp>,
    /// When it ends.
    pub ends_at: Timestamp,
    /// Its next renewal.
    pub renewal: Retry,
}

/// A registration that is being tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registering {
    /// The token.
    pub token: Secret,
    /// Whether an older registration is to be replaced.
    pub force: bool,
    /// The key that the certificate will be for.
    pub new_key: NewKey,
    /// When it was asked for.
    pub since: Timestamp,
    /// The next attempt.
    pub retry: Retry,
    /// The request that got no answer, to be sent again as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
}

/// Why a registration ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// When.
    pub at: Timestamp,
    /// The manager's code; absent: it was deregistered here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<ProblemCode>,
    /// What happened and what to do, for people.
    pub message: String,
    /// Whether the product instance must be removed by hand at the manager.
    #[serde(default)]
    pub remove_by_hand: bool,
}

/// A deregistration that the manager is still to be told of: bound to the old certificate, so that it can
/// never end a fresh registration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Farewell {
    /// The request, sent again and again as it was made.
    pub request: Request,
    /// The old certificate, with its key.
    pub certificate: Certificate,
    /// The next attempt.
    pub retry: Retry,
    /// When it is given up.
    pub until: Timestamp,
}

/// A request under way. It is in the stored state before it is given out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InFlight {
    /// The request.
    pub request: Request,
    /// What it is for.
    pub purpose: Purpose,
    /// Whether it may have been sent before, so that its answer's time may be old.
    #[serde(default)]
    pub repeated: bool,
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// To register.
    Registration,
    /// To end the registration.
    Deregistration,
    /// To renew the ID certificate.
    CertificateRenewal,
    /// A usage report of the schedule.
    ScheduledReport,
    /// A usage report beside the schedule.
    ExtraReport,
    /// To renew the authorization.
    AuthorizationRenewal,
    /// To tell of a deregistration that was done here.
    Farewell,
    /// To authorize an export-restricted feature, or to give one back.
    Export,
}

impl Purpose {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Registration => "registration",
            Self::Deregistration | Self::Farewell => "deregistration",
            Self::CertificateRenewal => "registration renewal",
            Self::ScheduledReport | Self::ExtraReport => "usage report",
            Self::AuthorizationRenewal => "authorization renewal",
            Self::Export => "export",
        }
    }
}

/// How contacts went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Communication {
    /// Since when no request was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// The last contact of any kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Attempt>,
    /// By message class, as on the wire.
    #[serde(default)]
    pub classes: BTreeMap<String, Statistics>,
}

/// How requests of one class went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statistics {
    /// Requests that were given out.
    pub attempts: u64,
    /// Successful answers.
    pub successes: u64,
    /// Refusals and failed contacts.
    pub failures: u64,
    /// The last one that ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Attempt>,
    /// When the last successful answer came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_success_at: Option<Timestamp>,
    /// When the last failure came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure_at: Option<Timestamp>,
}

/// How one request went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it ended.
    pub at: Timestamp,
    /// Absent: it succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<AttemptFailure>,
}

/// Why a request did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptFailure {
    /// The problem code of a refusal, or the failure kind of a contact.
    pub code: String,
    /// For people.
    pub reason: String,
}

/// What people were told already, so that they are told of changes alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Announced {
    /// Registration Expired.
    pub registration_expired: bool,
    /// Authorization Expired.
    pub authorization_expired: bool,
    /// Evaluation Expired.
    pub evaluation_expired: bool,
    /// The evaluation's time runs.
    pub evaluation_running: bool,
    /// The lowest evaluation warning, in hours left.
    pub evaluation_mark: Option<u32>,
    /// The lowest certificate warning, in hours left.
    pub certificate_mark: Option<u32>,
    /// Enforcement.
    pub enforced: bool,
    /// Clock out of range.
    pub clock_off: bool,
    /// Export-restricted features that are on and not authorized.
    pub export_not_allowed: BTreeSet<String>,
    /// Each licence's status.
    pub entitlements: BTreeMap<Tag, EntitlementState>,
}

impl State {
    /// The state of a new installation.
    pub fn new(udi: Udi, license_type: String, now: Timestamp) -> Self {
        Self {
            version: VERSION,
            udi,
            license_type,
            transport: Transport::default(),
            privacy: Privacy::default(),
            clock: Clock::new(now),
            sequence: 0,
            last_answer: None,
            unanswered: Vec::new(),
            evaluation: Evaluation::default(),
            meter: Meter::new(now),
            tags: BTreeMap::new(),
            registration: None,
            ended: None,
            registering: None,
            reservation: Reservation::default(),
            exports: Exports::default(),
            farewell: None,
            in_flight: None,
            clock_skew_corrected: false,
            communication: Communication::default(),
            announced: Announced::default(),
        }
    }

    /// The ID certificate in force.
    pub fn certificate(&self) -> Option<&Certificate> {
        self.registration.as_ref().map(|registration| &registration.certificate)
    }

    /// Whether a manager knows, or may know, this installation by its UDI: it is registered, or asked to be, or
    /// its leaving is still to be told, or a reservation names it.
    pub fn is_bound(&self) -> bool {
        self.registration.is_some()
            || self.registering.is_some()
            || self.farewell.is_some()
            || self.reservation.request.is_some()
            || self.reservation.installed.is_some()
    }

    /// All keys that the shell must keep.
    pub fn keys(&self) -> impl Iterator<Item = KeyId> + '_ {
        let present = self.certificate().map(|certificate| certificate.key.id);
        let renewal = self.registration.as_ref().and_then(|r| r.renewal.new_key.as_ref()).map(|key| key.id);
        let registering = self.registering.as_ref().map(|registering| registering.new_key.id);
        let farewell = self.farewell.as_ref().map(|farewell| farewell.certificate.key.id);
        let reservation = self.reservation.keys();
        present.into_iter().chain(renewal).chain(registering).chain(farewell).chain(reservation)
    }
}
