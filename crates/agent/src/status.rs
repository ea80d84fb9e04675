//! What the agent shows: a pure function of state, profile and time, and the answer to *may I?*.

use std::collections::BTreeMap;

use jiff::Timestamp;
use seatpool_proto::code::{Entitlement, ReservationKind};
use seatpool_proto::message::{Product, TagExplanation};
use seatpool_proto::{AccountId, ProblemCode, ProductInstanceId, Quantity, Tag, Udi};
use serde::{Deserialize, Serialize};

use crate::event::EventCode;
use crate::identity::{Privacy, TransportMode};
use crate::profile::Counted;
use crate::state::{Attempt, Statistics};

/// Everything that can be shown of an agent at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The moment, by the agent's estimate.
    pub at: Timestamp,
    /// The device.
    pub udi: Udi,
    /// Host name, whether withheld from the manager or not.
    pub host_name: Option<String>,
    /// The product: name, profile, version.
    pub product: Product,
    /// The chosen licence type.
    pub license_type: String,
    /// All licence types of the profile.
    pub license_types: Vec<String>,
    /// Is it registered?
    pub registration: RegistrationStatus,
    /// Is it authorized?
    pub authorization: AuthorizationStatus,
    /// Is it restricted?
    pub enforcement: EnforcementStatus,
    /// The evaluation's countdown.
    pub evaluation: EvaluationStatus,
    /// Each licence of the chosen type, in the profile's order.
    pub entitlements: Vec<EntitlementStatus>,
    /// The reservation.
    #[serde(default)]
    pub reservation: ReservationStatus,
    /// Export-restricted features, in the profile's order.
    #[serde(default)]
    pub exports: Vec<ExportStatus>,
    /// How contacts went.
    pub communication: CommunicationStatus,
    /// What comes next, soonest first.
    pub jobs: Vec<Job>,
    /// What should be looked at now.
    pub alerts: Vec<Alert>,
    /// How the manager is reached.
    pub transport: TransportStatus,
    /// What is withheld.
    pub privacy: Privacy,
    /// The clock.
    pub clock: ClockStatus,
}

/// Registration, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegistrationState {
    /// Not registered.
    Unregistered,
    /// A registration is being tried.
    Registering,
    /// Registered.
    Registered,
    /// The ID certificate has ended.
    Expired,
    /// Reservation is enabled; no authorization code is installed.
    ReservationInProgress,
    /// Chosen licences are reserved.
    ReservedSpecific,
    /// All licences are reserved.
    ReservedUniversal,
}

/// Authorization, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthorizationState {
    /// Nothing is in use.
    NoLicensesInUse,
    /// The pool covers what is in use.
    Authorized,
    /// Registered; the first report is under way.
    Waiting,
    /// More is used than is owned, beyond tolerance.
    OutOfCompliance,
    /// No contact for too long.
    Expired,
    /// The manager ended the registration, or refuses a licence to this instance.
    Unauthorized,
    /// Not registered; the evaluation allows everything.
    Evaluation,
    /// Not registered, and the evaluation is used up.
    EvaluationExpired,
    /// The reservation covers what is in use.
    ReservedInCompliance,
    /// More is in use than is reserved.
    NotAuthorizedReserved,
}

impl RegistrationState {
    /// The word of `cli.md`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unregistered => "UNREGISTERED",
            Self::Registering => "UNREGISTERED - REGISTRATION PENDING",
            Self::Registered => "REGISTERED",
            Self::Expired => "REGISTRATION EXPIRED",
            Self::ReservationInProgress => "RESERVATION IN PROGRESS",
            Self::ReservedSpecific => "REGISTERED - SPECIFIC LICENSE RESERVATION",
            Self::ReservedUniversal => "REGISTERED - UNIVERSAL LICENSE RESERVATION",
        }
    }
}

impl AuthorizationState {
    /// The word of `cli.md`.
    pub fn word(self) -> &'static str {
        match self {
            Self::NoLicensesInUse => "No Licenses in Use",
            Self::Authorized => "AUTHORIZED",
            Self::Waiting => "WAITING",
            Self::OutOfCompliance => "OUT OF COMPLIANCE",
            Self::Expired => "AUTHORIZATION EXPIRED",
            Self::Unauthorized => "NOT AUTHORIZED",
            Self::Evaluation => "EVAL MODE",
            Self::EvaluationExpired => "EVAL EXPIRED",
            Self::ReservedInCompliance => "AUTHORIZED - RESERVED",
            Self::NotAuthorizedReserved => "NOT AUTHORIZED - RESERVED",
        }
    }
}

/// The reservation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservationStatus {
    /// Whether it is enabled.
    pub enabled: bool,
    /// Of the request or the installed code.
    pub kind: Option<ReservationKind>,
    /// The code of the request that is in progress, or was installed.
    pub request_code: Option<String>,
    /// When that request was made.
    pub requested_at: Option<Timestamp>,
    /// The installed authorization.
    pub installed: Option<InstalledStatus>,
    /// Requests that were given up and of which no code was given back, oldest first.
    pub canceled: Vec<String>,
    /// The highest sequence number of an authorization code so far.
    pub sequence: u64,
    /// The last confirmation code.
    pub last_confirmation_code: Option<String>,
    /// When it was made.
    pub confirmed_at: Option<Timestamp>,
    /// The last return code.
    pub last_return_code: Option<String>,
    /// When it was made.
    pub returned_at: Option<Timestamp>,
}

/// An installed authorization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstalledStatus {
    /// The product instance at the manager.
    pub product_instance_id: ProductInstanceId,
    /// The code's sequence number.
    pub sequence: u64,
    /// When it was installed.
    pub installed_at: Timestamp,
    /// What is reserved.
    pub entitlements: Vec<ReservedEntitlement>,
}

/// What is reserved of one licence by one lot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservedEntitlement {
    /// As the code has it.
    #[serde(flatten)]
    pub entitlement: Entitlement,
    /// Whether it counts now.
    pub counts: bool,
}

/// An export-restricted feature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportStatus {
    /// Its name.
    pub feature: String,
    /// The licence that authorizes it.
    pub tag: Tag,
    /// What it is.
    pub description: String,
    /// Whether it may be used.
    pub authorized: bool,
    /// The authorization's name, if the manager gave one.
    pub authorization_key: Option<String>,
    /// Whether the product says that it is on.
    pub on: bool,
    /// What is asked of the manager.
    pub asking: Option<crate::export::Asked>,
    /// The next attempt.
    pub next_attempt_at: Option<Timestamp>,
    /// Why the last attempt failed.
    pub failure: Option<String>,
    /// When the authorization ends on this machine's clock, if it does, and what ends it then.
    #[serde(default)]
    pub authorized_until: Option<(Timestamp, ExportEnds)>,
}

/// What ends the authorization of an export-restricted feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportEnds {
    /// The term of the licence that it takes.
    License,
    /// The instance's own authorization: nothing was heard of the manager until then.
    Authorization,
    /// The term of what is reserved.
    Reservation,
}

impl ExportEnds {
    /// Why it has ended.
    pub fn words(self) -> &'static str {
        match self {
            Self::License => "the license that it took reached its end",
            Self::Authorization => "the manager was not reached until the authorization ended",
            Self::Reservation => "the reserved license reached its end",
        }
    }
}

/// Is it registered?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrationStatus {
    /// In one word.
    pub state: RegistrationState,
    /// In the product's words.
    pub words: String,
    /// Smart account.
    pub smart_account: Option<String>,
    /// Virtual account.
    pub virtual_account: Option<String>,
    /// The smart account's id.
    pub account_id: Option<AccountId>,
    /// The product instance's id.
    pub product_instance_id: Option<ProductInstanceId>,
    /// Whether export-controlled functionality is allowed.
    pub export_controlled: bool,
    /// When it was registered.
    pub registered_at: Option<Timestamp>,
    /// When the ID certificate ends.
    pub expires_at: Option<Timestamp>,
    /// When it is renewed next.
    pub renew_at: Option<Timestamp>,
    /// How the last renewal of this registration's certificate went.
    pub last_renewal: Option<Attempt>,
    /// How the last registration attempt went.
    pub last_attempt: Option<Attempt>,
    /// While a registration is being tried: the next attempt.
    pub next_attempt_at: Option<Timestamp>,
    /// Failed attempts of the registration that is being tried.
    pub failures: u32,
    /// Whether a request to register is under way.
    pub in_progress: bool,
    /// Whether a deregistration was asked for and not answered yet.
    pub leaving: bool,
    /// Why it is not registered any more.
    pub ended: Option<EndedStatus>,
    /// Until when the manager is still told of a deregistration in the background.
    pub farewell_until: Option<Timestamp>,
}

/// Why it is not registered any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedStatus {
    /// When it ended.
    pub at: Timestamp,
    /// The manager's code; absent: it was deregistered here.
    pub code: Option<ProblemCode>,
    /// What happened and what to do.
    pub message: String,
    /// Whether the product instance must be removed by hand at the manager.
    pub remove_by_hand: bool,
}

/// Is it authorized?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationStatus {
    /// In one word.
    pub state: AuthorizationState,
    /// In the product's words.
    pub words: String,
    /// Since when, where it is known: the last success while authorized, the transition while out of
    /// compliance, the end when expired.
    pub since: Option<Timestamp>,
    /// The last usage report or authorization renewal that ended.
    pub last_attempt: Option<Attempt>,
    /// The last successful answer.
    pub last_success_at: Option<Timestamp>,
    /// The next usage report or authorization renewal.
    pub next_attempt_at: Option<Timestamp>,
    /// When the authorization is renewed unless a report renews it before.
    pub renew_at: Option<Timestamp>,
    /// When it ends without contact.
    pub ends_at: Option<Timestamp>,
}

/// Is it restricted?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnforcementStatus {
    /// Whether any grace has ended.
    pub enforced: bool,
    /// Since when.
    pub since: Option<Timestamp>,
    /// What is refused then.
    pub blocked: Vec<String>,
    /// What that means, as a sentence; it begins with `When restricted:` while it is not so.
    pub description: String,
    /// The graces that run or have ended, soonest end first.
    pub graces: Vec<Grace>,
}

/// A cause of enforcement and its deadline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grace {
    /// Why.
    pub reason: EnforcementReason,
    /// Which licence, if it is about one.
    pub tag: Option<Tag>,
    /// When it began.
    pub began_at: Timestamp,
    /// When enforcement begins; absent: never.
    pub ends_at: Option<Timestamp>,
    /// Whether it has begun.
    pub enforced: bool,
}

/// Why a product is restricted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnforcementReason {
    /// A licence is out of compliance.
    OutOfCompliance,
    /// The authorization has ended.
    AuthorizationExpired,
    /// The evaluation has ended.
    EvaluationExpired,
    /// More is in use than is reserved.
    ReservationExceeded,
    /// An export-restricted feature is not authorized.
    ExportNotAuthorized,
}

impl EnforcementReason {
    /// What happened and what to do, as a sentence.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::OutOfCompliance => {
                "More licences are used than are owned, and the time to mend it is over: buy or move \
                licences, then update the usage."
            }
            Self::AuthorizationExpired => {
                "The manager was not reached for too long: restore the connection and renew the \
                authorization."
            }
            Self::EvaluationExpired => {
                "The evaluation is used up: register the product instance with a token."
            }
            Self::ReservationExceeded => {
                "More is in use than is reserved: use less, or update the reservation at the manager and install its \
                new authorization code."
            }
            Self::ExportNotAuthorized => {
                "This feature is restricted for export and is not authorized: run `license smart export request \
                local` on a registered product instance, or reserve its license."
            }
        }
    }
}

/// The answer to *may I?*.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Yes.
    Allowed,
    /// No.
    Refused {
        /// Why.
        reason: EnforcementReason,
        /// Since when.
        since: Timestamp,
    },
}

impl Decision {
    /// Whether it is yes.
    pub fn is_allowed(self) -> bool {
        self == Self::Allowed
    }
}

/// The evaluation's countdown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvaluationStatus {
    /// Whether its time runs.
    pub running: bool,
    /// When its time runs.
    pub counted: Counted,
    /// What is left, in seconds.
    pub remaining_seconds: i64,
    /// Its whole length, in seconds.
    pub period_seconds: i64,
    /// When it ends if it goes on running.
    pub ends_at: Option<Timestamp>,
    /// When it was used up.
    pub expired_at: Option<Timestamp>,
}

/// One licence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntitlementStatus {
    /// Its tag.
    pub tag: Tag,
    /// Its name for people.
    pub name: String,
    /// What it licenses.
    pub description: String,
    /// Never consumed, but must be owned.
    pub required_present: bool,
    /// Its status.
    pub state: EntitlementState,
    /// In use now.
    pub actual: Quantity,
    /// What the last report showed as used: the locked figure while usage is locked, else the peak.
    pub reported: Quantity,
    /// The locked figure, while usage is locked.
    pub locked: Option<Quantity>,
    /// Consecutive scheduled overages so far.
    pub overages: u32,
    /// How many make the transition.
    pub overages_until_transition: u32,
    /// Since when it is out of compliance.
    pub out_of_compliance_since: Option<Timestamp>,
    /// What the virtual account owns of it, as the manager last said.
    pub owned: Option<Quantity>,
    /// How many are reserved, where there is a specific reservation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserved: Option<Quantity>,
    /// What all its instances use of it.
    pub pool_in_use: Option<Quantity>,
    /// How many are short.
    pub short: Option<Quantity>,
    /// When the manager last said so.
    pub answered_at: Option<Timestamp>,
    /// Why it stands so, as the manager last said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<TagExplanation>,
}

/// Enforcement mode of one licence, in the words of `cli.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntitlementState {
    /// In use; no answer yet.
    Waiting,
    /// Covered.
    InCompliance,
    /// Short, beyond tolerance.
    OutOfCompliance,
    /// Short, within tolerance.
    Overage,
    /// In use under evaluation.
    Evaluation,
    /// In use after the evaluation.
    EvaluationExpired,
    /// The authorization has ended.
    AuthorizationExpired,
    /// The manager does not know the tag.
    InvalidTag,
    /// The feature is off.
    Disabled,
    /// Refused for this instance.
    NotAuthorized,
    /// Not metered by this product type.
    NotApplicable,
    /// The answer could not be understood.
    Invalid,
    /// Nothing is in use.
    NotInUse,
    /// The reservation covers it.
    ReservationInCompliance,
}

impl EntitlementState {
    /// The word of `cli.md`, "Events and alerts of the agent".
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::InCompliance => "in-compliance",
            Self::OutOfCompliance => "out-of-compliance",
            Self::Overage => "overage",
            Self::Evaluation => "evaluation",
            Self::EvaluationExpired => "evaluation-expired",
            Self::AuthorizationExpired => "authorization-expired",
            Self::InvalidTag => "invalid-tag",
            Self::Disabled => "disabled",
            Self::NotAuthorized => "not-authorized",
            Self::NotApplicable => "not-applicable",
            Self::Invalid => "invalid",
            Self::NotInUse => "not-in-use",
            Self::ReservationInCompliance => "reservation-in-compliance",
        }
    }
}

/// How contacts went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommunicationStatus {
    /// Since when no request was answered.
    pub failing_since: Option<Timestamp>,
    /// The last contact of any kind.
    pub last: Option<Attempt>,
    /// By message class.
    pub classes: BTreeMap<String, Statistics>,
}

/// Something that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// What.
    pub timer: Timer,
    /// When, by the agent's estimate.
    pub at: Timestamp,
}

/// Everything that can become due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Timer {
    /// A request to register.
    Registration,
    /// A request to deregister.
    Deregistration,
    /// A request to renew the ID certificate.
    CertificateRenewal,
    /// A usage report of the schedule.
    ScheduledReport,
    /// A usage report beside it.
    ExtraReport,
    /// A request to renew the authorization.
    AuthorizationRenewal,
    /// Telling the manager of a deregistration that was done here.
    Farewell,
    /// The ID certificate ends.
    RegistrationEnd,
    /// A warning of that.
    RegistrationWarning,
    /// The authorization ends.
    AuthorizationEnd,
    /// The evaluation ends.
    EvaluationEnd,
    /// A warning of that.
    EvaluationWarning,
    /// An export-restricted feature is asked for, or given back.
    Export,
    /// The authorization of an export-restricted feature ends.
    ExportEnd,
    /// A part of the reservation begins or ends.
    ReservationChange,
    /// A grace ends.
    Enforcement,
    /// The state is to be stored.
    Checkpoint,
}

/// What should be looked at now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// The code of the event that raises it.
    pub code: EventCode,
    /// Syslog severity.
    pub severity: u8,
    /// Since when, where it is known.
    pub since: Option<Timestamp>,
    /// Which licence, if it is about one.
    pub tag: Option<Tag>,
    /// What is wrong and what to do.
    pub message: String,
}

/// How the manager is reached, without secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransportStatus {
    /// Direct or by a gateway.
    pub mode: TransportMode,
    /// The address that was set; absent: the shell's own.
    pub url: Option<String>,
    /// The proxy.
    pub proxy: Option<ProxyStatus>,
}

/// A proxy, without its password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyStatus {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// User name.
    pub user: Option<String>,
}

/// The clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockStatus {
    /// By how many seconds the local clock was ahead of the manager's at the last contact (negative: behind).
    pub local_ahead_seconds: i64,
    /// Whether that is more than ten minutes.
    pub out_of_range: bool,
}
