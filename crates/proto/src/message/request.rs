//! What an agent sends.

use core::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{VERSION, base64_bytes, check};
use crate::digest::Sha256;
use crate::id::{AccountId, Nonce, ProductInstanceId, RequestId};
use crate::limits;
use crate::name::{Family, Tag};
use crate::problem::ProblemCode;
use crate::quantity::Quantity;
use crate::udi::Udi;

/// A request: the header that every request has, and what this one asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Protocol version, [`VERSION`].
    pub version: u32,
    /// Made and stored before sending; a retry repeats it.
    pub request_id: RequestId,
    /// Repeated by the answer.
    pub nonce: Nonce,
    /// Rises by at least one with every new request of this agent, across restarts and
    /// re-registrations of one state; never reused. At most [`limits::SEQUENCE_MAX`].
    pub sequence: u64,
    /// The agent's estimate of the present time.
    pub sent_at: Timestamp,
    /// SHA-256 of the `response` text of the last signed successful answer that the agent holds.
    pub last_answer: Option<Sha256>,
    /// Requests that were sent since that answer and are still without one, oldest first, so that
    /// a lost answer is told apart from a restored snapshot (decision 0003).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unanswered: Vec<RequestId>,
    /// The smart account that the agent registered with; absent in a first registration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<AccountId>,
    /// The product instance; absent in a first registration. In a re-registration, the older one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_instance_id: Option<ProductInstanceId>,
    /// The device.
    pub udi: Udi,
    /// What is asked.
    #[serde(flatten)]
    pub body: RequestBody,
}

/// The part of a request that can be read even when its type is unknown; enough to sign a refusal.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RequestHeader {
    /// Protocol version.
    pub version: u32,
    /// See [`Request::request_id`].
    pub request_id: RequestId,
    /// See [`Request::nonce`].
    pub nonce: Nonce,
    /// The request type, known or not.
    #[serde(rename = "type")]
    pub kind: String,
}

/// What a request asks, under `type`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum RequestBody {
    /// Become a product instance of the token's virtual account. Signed by the new key; co-signed by the
    /// older key where there is one.
    Registration(Registration),
    /// Report usage and ask whether the pool covers it.
    Authorization(AuthorizationRequest),
    /// Replace the ID certificate. Signed by the present key; co-signed by the new key if it changes.
    IdCertificateRenewal(IdCertificateRenewalRequest),
    /// Renew the authorization without reporting usage.
    AuthorizationRenewal {},
    /// Give everything back and end the registration.
    Deregistration {},
    /// Authorize an export-restricted feature: takes one licence of its tag.
    ExportRequest(ExportFeature),
    /// Give the authorization of an export-restricted feature back.
    ExportReturn(ExportFeature),
}

/// A registration. Its `Debug` does not show the token.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// The registration token as the administrator copied it, `^[a-zA-Z\d+/%=-]{1,256}$`.
    pub token: String,
    /// DER SubjectPublicKeyInfo of the key that signs this request.
    #[serde(with = "base64_bytes")]
    pub public_key: Vec<u8>,
    /// Replace an older registration of the same UDI without proof of its key.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub force: bool,
    /// What is installed.
    pub product: Product,
    /// Host name, unless privacy withholds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_name: Option<String>,
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { token: _, public_key, force, product, host_name } = self;
        f.debug_struct("Registration")
            .field("token", &"…")
            .field("public_key", public_key)
            .field("force", force)
            .field("product", product)
            .field("host_name", host_name)
            .finish()
    }
}

/// The installed product, as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// Name, which becomes the ID certificate's `CN` (at most 64 characters there).
    pub name: String,
    /// The agent's profile, as in `unified-ccx`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Version, unless privacy withholds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// A usage report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    /// The span that the peaks are of: everything since the end of the last acknowledged report.
    pub interval: Interval,
    /// Whether it was sent by the reporting schedule; only such reports count toward tolerance.
    pub scheduled: bool,
    /// Each tag's own peak, for people to read and for tags without tiers.
    pub usage: Vec<TagUsage>,
    /// Cumulative peaks of families with tiers, top tier first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub families: Vec<FamilyUsage>,
}

/// A half-open span `[start, end)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    /// First instant.
    pub start: Timestamp,
    /// First instant after it.
    pub end: Timestamp,
}

/// One tag's usage over the interval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagUsage {
    /// The licence.
    pub tag: Tag,
    /// Highest actual usage in the interval.
    pub peak: Quantity,
    /// While usage is locked: the highest actual usage since the first overage of the run
    /// (behaviour.md, "Locked usage").
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked: Option<Quantity>,
}

/// A family's usage over the interval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FamilyUsage {
    /// The family.
    pub family: Family,
    /// Its tiers from the top.
    pub tiers: Vec<TierUsage>,
}

/// The highest sum, at one moment of the interval, of this tier and all above it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TierUsage {
    /// The tier's tag.
    pub tag: Tag,
    /// Highest cumulative actual usage.
    pub cumulative_peak: Quantity,
    /// While usage is locked: its highest since the first overage of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked: Option<Quantity>,
}

/// An export-restricted feature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportFeature {
    /// Its name, as the product's profile has it: 1 to [`limits::EXPORT_FEATURE_BYTES_MAX`] visible ASCII characters.
    pub feature: String,
    /// The licence that authorizes it.
    pub tag: Tag,
}

/// An ID-certificate renewal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdCertificateRenewalRequest {
    /// DER SubjectPublicKeyInfo that the new certificate is for: the present key, or a new one.
    #[serde(with = "base64_bytes")]
    pub public_key: Vec<u8>,
}

/// Why a request text can't be taken, with the field at fault in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct InvalidRequest {
    /// The documented code.
    pub code: ProblemCode,
    /// What is wrong, naming the field.
    pub detail: String,
    /// The header, if that much could be read; a refusal is signed only then.
    pub header: Option<RequestHeader>,
}

impl Request {
    /// The text that is signed and sent.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a request text, known types only, within all limits and without contradictions.
    ///
    /// # Errors
    /// In this order: `malformed` (no header, so no signed refusal), `unsupported_version`,
    /// `unknown_request_type`, `limit_exceeded`, `malformed` (the header is given).
    pub fn from_text(text: &str) -> Result<Self, InvalidRequest> {
        // What is in order is read once; only what is not is read again for its header, which decides the code.
        let request: Self = serde_json::from_str(text).map_err(|e| unreadable(text, &e))?;
        let header = RequestHeader {
            version: request.version,
            request_id: request.request_id,
            nonce: request.nonce,
            kind: request.body.kind().to_owned(),
        };
        check_header(&header)?;
        if let Some(detail) = check::over_limit(&request) {
            return Err(invalid(ProblemCode::LimitExceeded, detail, Some(header)));
        }
        match check::contradiction(&request) {
            Some(detail) => Err(invalid(ProblemCode::Malformed, detail, Some(header))),
            None => Ok(request),
        }
    }
}

fn invalid(code: ProblemCode, detail: String, header: Option<RequestHeader>) -> InvalidRequest {
    InvalidRequest { code, detail: limits::shorten(detail), header }
}

/// Whether this version and type are spoken here.
fn check_header(header: &RequestHeader) -> Result<(), InvalidRequest> {
    if header.version != VERSION {
        let detail = format!("version {} is not {VERSION}", header.version);
        return Err(invalid(ProblemCode::UnsupportedVersion, detail, Some(header.clone())));
    }
    if !RequestBody::TYPES.contains(&header.kind.as_str()) {
        let detail = format!("type {:?} is none of {}", header.kind, RequestBody::TYPES.join(", "));
        return Err(invalid(ProblemCode::UnknownRequestType, detail, Some(header.clone())));
    }
    Ok(())
}

/// Why `text`, which is not a request, is refused.
fn unreadable(text: &str, error: &serde_json::Error) -> InvalidRequest {
    let header: RequestHeader = match serde_json::from_str(text) {
        Ok(header) => header,
        Err(e) => return invalid(ProblemCode::Malformed, e.to_string(), None),
    };
    if let Err(refused) = check_header(&header) {
        return refused;
    }
    match check::over_limit_in(text) {
        Some(detail) => invalid(ProblemCode::LimitExceeded, detail, Some(header)),
        None => invalid(ProblemCode::Malformed, error.to_string(), Some(header)),
    }
}

impl RequestBody {
    /// The request types of version 1.
    pub const TYPES: &[&str] = &[
        "registration",
        "authorization",
        "id-certificate-renewal",
        "authorization-renewal",
        "deregistration",
        "export-request",
        "export-return",
    ];

    /// The type's name on the wire.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Registration(_) => "registration",
            Self::Authorization(_) => "authorization",
            Self::IdCertificateRenewal(_) => "id-certificate-renewal",
            Self::AuthorizationRenewal {} => "authorization-renewal",
            Self::Deregistration {} => "deregistration",
            Self::ExportRequest(_) => "export-request",
            Self::ExportReturn(_) => "export-return",
        }
    }
}
