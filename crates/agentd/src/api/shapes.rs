//! What the local API answers: the shapes that a public client of an embedded smart agent knows, and the
//! answers of Seatpool's own routes.

use core::convert::Infallible;
use core::pin::Pin;
use core::task::{Context, Poll};

use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::body::{Bytes, Frame};
use jiff::Timestamp;
use seatpool_agent::state::Attempt;
use seatpool_agent::status::{
    AuthorizationState, EnforcementReason, EntitlementState, RegistrationState, RegistrationStatus,
};
use seatpool_agent::{Decision, Status};
use seatpool_proto::limits::QUANTITY_MAX;
use seatpool_proto::{Quantity, Tag};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::Body;
use crate::runtime::Handle;

/// `GET licensing`.
#[derive(Debug, Serialize)]
pub(super) struct Licensing {
    registration: Registration,
    authorization: Authorization,
    reservation_mode: bool,
    features: Vec<Feature>,
    transport: Transport,
    udi: Udi,
    product_license: ProductLicense,
}

#[derive(Debug, Serialize)]
struct Registration {
    status: &'static str,
    expires: Option<String>,
    smart_account: Option<String>,
    virtual_account: Option<String>,
    instance_name: Option<String>,
    register_time: Times,
    renew_time: Times,
}

#[derive(Debug, Serialize)]
struct Authorization {
    status: &'static str,
    expires: Option<String>,
    renew_time: Times,
    enforcement: Vec<Enforcement>,
}

#[derive(Debug, Serialize)]
struct Enforcement {
    reason: EnforcementReason,
    tag: Option<Tag>,
    ends_at: Option<String>,
    enforced: bool,
}

/// How something that recurs went, and when it comes again. Instants are UTC, `2020-07-25 16:44:09`.
#[derive(Debug, Default, Serialize)]
struct Times {
    succeeded: Option<String>,
    attempted: Option<String>,
    scheduled: Option<String>,
    status: Option<&'static str>,
    failure: Option<String>,
    success: &'static str,
}

/// One item of `GET licensing/features`.
#[derive(Debug, Serialize)]
pub(super) struct Feature {
    id: Tag,
    name: String,
    description: String,
    in_use: Quantity,
    status: String,
    version: &'static str,
    min: u64,
    max: u64,
}

#[derive(Debug, Serialize)]
struct Transport {
    ssms: Option<String>,
    default_ssms: Option<String>,
    proxy: Proxy,
}

#[derive(Debug, Default, Serialize)]
struct Proxy {
    server: Option<String>,
    port: Option<u16>,
}

#[derive(Debug, Serialize)]
struct Udi {
    hostname: Option<String>,
    product_uuid: Option<String>,
}

#[derive(Debug, Serialize)]
struct ProductLicense {
    active: String,
    is_enterprise: bool,
}

/// `GET licensing/status`: everything, with the revision to ask `newer_than` of.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StatusAnswer {
    /// Rises whenever something may look different.
    pub revision: u64,
    /// Everything.
    pub status: Status,
}

/// `GET licensing/may-i/<feature>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MayI {
    /// Whether the product may do it.
    pub allowed: bool,
    /// Why not.
    pub reason: Option<EnforcementReason>,
    /// Since when not.
    pub since: Option<Timestamp>,
    /// Why not and what to do, as a sentence.
    pub description: Option<String>,
}

/// `GET licensing/clock`: the time that the agent counts by, for products that follow a demonstration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockAnswer {
    /// The agent's estimate of the present time.
    pub now: Timestamp,
    /// The time lapse that it runs at, as in `180@2026-11-22T00:00:00Z`, if it does.
    pub time_lapse: Option<String>,
}

/// The body of a 202: done here alone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LocalOnly {
    /// Stable code.
    pub code: String,
    /// What to do.
    pub description: String,
}

/// In the stream of events: so many were lost, because the reader was too slow.
#[derive(Debug, Serialize)]
pub(super) struct Missed {
    pub(super) missed: u64,
}

/// `GET licensing`.
pub(super) fn licensing(handle: &Handle) -> Licensing {
    let status = handle.status();
    let registration = &status.registration;
    let authorization = &status.authorization;
    let default_url = handle.config().manager_url.clone();
    Licensing {
        registration: Registration {
            status: registration_word(registration),
            expires: registration.expires_at.map(instant),
            smart_account: registration.smart_account.clone(),
            virtual_account: registration.virtual_account.clone(),
            instance_name: status.host_name.clone(),
            register_time: times(
                registration.registered_at,
                registration.last_attempt.as_ref(),
                registration.next_attempt_at,
            ),
            renew_time: times(None, registration.last_renewal.as_ref(), registration.renew_at),
        },
        authorization: Authorization {
            status: authorization_word(authorization.state),
            expires: authorization.ends_at.map(instant),
            renew_time: times(
                authorization.last_success_at,
                authorization.last_attempt.as_ref(),
                authorization.next_attempt_at,
            ),
            enforcement: status
                .enforcement
                .graces
                .iter()
                .map(|grace| Enforcement {
                    reason: grace.reason,
                    tag: grace.tag.clone(),
                    ends_at: grace.ends_at.map(instant),
                    enforced: grace.enforced,
                })
                .collect(),
        },
        reservation_mode: status.reservation.enabled,
        features: features(&status),
        transport: Transport {
            ssms: status.transport.url.clone(),
            default_ssms: default_url,
            proxy: status
                .transport
                .proxy
                .as_ref()
                .map(|proxy| Proxy { server: Some(proxy.host.clone()), port: Some(proxy.port) })
                .unwrap_or_default(),
        },
        udi: Udi { hostname: status.host_name.clone(), product_uuid: status.udi.uuid.clone() },
        product_license: ProductLicense { active: status.license_type.clone(), is_enterprise: true },
    }
}

/// `GET licensing/features`.
pub(super) fn features(status: &Status) -> Vec<Feature> {
    status
        .entitlements
        .iter()
        .map(|entitlement| Feature {
            id: entitlement.tag.clone(),
            name: entitlement.name.clone(),
            description: entitlement.description.clone(),
            in_use: entitlement.actual,
            status: entitlement_word(entitlement.state).replace(['-', ' '], "_").to_uppercase(),
            version: "1.0",
            min: 0,
            max: QUANTITY_MAX,
        })
        .collect()
}

/// `GET licensing/may-i/<feature>`.
pub(super) fn decision(decision: Decision) -> MayI {
    match decision {
        Decision::Allowed => MayI { allowed: true, reason: None, since: None, description: None },
        Decision::Refused { reason, since } => MayI {
            allowed: false,
            reason: Some(reason),
            since: Some(since),
            description: Some(reason.meaning().to_owned()),
        },
    }
}

/// `GET licensing/clock`.
pub(super) fn clock(handle: &Handle) -> ClockAnswer {
    let time_lapse = handle.config().time_lapse.map(|lapse| lapse.to_string());
    ClockAnswer { now: handle.status().at, time_lapse }
}

pub(super) fn local_only(description: String) -> LocalOnly {
    LocalOnly { code: "local_only".into(), description }
}

/// The word of an entitlement's state, as on the wire of the status.
fn entitlement_word(state: EntitlementState) -> String {
    serde_json::to_value(state).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

fn registration_word(registration: &RegistrationStatus) -> &'static str {
    let failed = registration.last_attempt.as_ref().is_some_and(|attempt| attempt.failure.is_some());
    match registration.state {
        RegistrationState::Registering if registration.failures > 0 => "RETRY_IN_PROGRESS",
        RegistrationState::Registering => "IN_PROGRESS",
        RegistrationState::Registered => "COMPLETED",
        RegistrationState::Expired => "EXPIRED",
        RegistrationState::ReservationInProgress => "RESERVATION_IN_PROGRESS",
        RegistrationState::ReservedSpecific | RegistrationState::ReservedUniversal => "COMPLETED",
        RegistrationState::Unregistered if failed && registration.ended.is_none() => "FAILED",
        RegistrationState::Unregistered => "NOT_REGISTERED",
    }
}

fn authorization_word(state: AuthorizationState) -> &'static str {
    match state {
        AuthorizationState::NoLicensesInUse => "NO_LICENSES_IN_USE",
        AuthorizationState::Authorized => "IN_COMPLIANCE",
        AuthorizationState::Waiting => "WAITING",
        AuthorizationState::OutOfCompliance => "OUT_OF_COMPLIANCE",
        AuthorizationState::Expired => "AUTHORIZATION_EXPIRED",
        AuthorizationState::Unauthorized => "NOT_AUTHORIZED",
        AuthorizationState::Evaluation => "EVAL",
        AuthorizationState::EvaluationExpired => "EVAL_EXPIRED",
        AuthorizationState::ReservedInCompliance => "RESERVED_IN_COMPLIANCE",
        AuthorizationState::NotAuthorizedReserved => "NOT_AUTHORIZED",
    }
}

fn times(succeeded: Option<Timestamp>, last: Option<&Attempt>, scheduled: Option<Timestamp>) -> Times {
    let failure = last.and_then(|attempt| attempt.failure.as_ref()).map(|failure| failure.reason.clone());
    let last_success = last.filter(|attempt| attempt.failure.is_none()).map(|attempt| attempt.at);
    Times {
        succeeded: last_success.or(succeeded).map(instant),
        attempted: last.map(|attempt| instant(attempt.at)),
        scheduled: scheduled.map(instant),
        status: last.map(|_| if failure.is_some() { "FAILED" } else { "SUCCEEDED" }),
        success: if last.is_some() && failure.is_none() { "SUCCESS" } else { "FAILED" },
        failure,
    }
}

fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A JSON answer.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    // The shapes here hold no map with keys other than strings, the one thing that can't be written.
    let bytes = serde_json::to_vec(value).unwrap_or_default();
    response(status, "application/json", Full::new(Bytes::from(bytes)).boxed())
}

/// A text answer.
pub(super) fn text(text: String) -> Response<Body> {
    response(StatusCode::OK, "text/plain; charset=utf-8", Full::new(Bytes::from(text)).boxed())
}

/// An answer without a body.
pub(super) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Empty::new().boxed());
    *response.status_mut() = status;
    response
}

/// A streamed answer of JSON lines, and where to put the lines.
pub(super) fn stream() -> (mpsc::Sender<Bytes>, Response<Body>) {
    let (sender, receiver) = mpsc::channel(16);
    (sender, response(StatusCode::OK, "application/x-ndjson", Lines(receiver).boxed()))
}

/// One JSON line.
pub(super) fn line(value: &impl Serialize) -> Bytes {
    let mut bytes = serde_json::to_vec(value).unwrap_or_default();
    bytes.push(b'\n');
    Bytes::from(bytes)
}

fn response(status: StatusCode, kind: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

struct Lines(mpsc::Receiver<Bytes>);

impl hyper::body::Body for Lines {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|line| line.map(|line| Ok(Frame::data(line))))
    }
}
