//! What a manager answers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{VERSION, base64_bytes};
use crate::id::{AccountId, Nonce, ProductInstanceId, RequestId};
use crate::limits;
use crate::name::Tag;
use crate::problem::ProblemCode;
use crate::quantity::Quantity;

/// A signed answer: the header that every answer has, and what this one says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// Protocol version.
    pub version: u32,
    /// The request that this answers.
    pub request_id: RequestId,
    /// The request's nonce.
    pub nonce: Nonce,
    /// The manager's time.
    pub signed_at: Timestamp,
    /// The highest sequence number that the manager holds of this product instance; an agent whose
    /// own is lower goes on from here.
    pub sequence: u64,
    /// What is said.
    #[serde(flatten)]
    pub body: ResponseBody,
}

/// What an answer says, under `type`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum ResponseBody {
    /// The registration was made.
    Registration(Registered),
    /// Whether the pool covers the usage; the answer to a report and to an authorization renewal.
    Authorization(Authorization),
    /// A new ID certificate.
    IdCertificateRenewal(IssuedCertificate),
    /// The registration was ended.
    Deregistration(Deregistered),
    /// An export-restricted feature may be used.
    ExportRequest(ExportAuthorized),
    /// Its authorization was given back.
    ExportReturn(ExportReturned),
    /// Nothing was changed, and why.
    Refusal(Refusal),
}

/// Where a product instance belongs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Home {
    /// The smart account's id, which every later request names.
    pub account_id: AccountId,
    /// The smart account's name.
    pub smart_account: String,
    /// The virtual account's name.
    pub virtual_account: String,
}

/// A registration that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// The product instance's id: the certificate's `serialNumber`.
    pub product_instance_id: ProductInstanceId,
    /// Its accounts.
    pub home: Home,
    /// Whether export-controlled functionality is allowed.
    pub export_controlled: bool,
    /// The ID certificate.
    pub certificate: IssuedCertificate,
}

/// An ID certificate with its chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuedCertificate {
    /// DER certificates, the ID certificate first, the vendor root left out.
    #[serde(with = "base64_bytes::list")]
    pub certificates: Vec<Vec<u8>>,
    /// When to renew it first.
    pub renew_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Whether the pool covers an instance's usage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorization {
    /// The worst status of the tags in use.
    pub status: AuthorizationStatus,
    /// When the authorization ends unless it is renewed.
    pub authorized_until: Timestamp,
    /// When to renew it first.
    pub renew_at: Timestamp,
    /// Each tag's status in its pool.
    pub tags: Vec<TagAnswer>,
    /// Its accounts; they change when an administrator moves the instance.
    pub home: Home,
    /// Export-restricted features that were asked for and that no licence authorizes now: that of an authorization
    /// reached its end, or there was none to spare.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exports_ended: Vec<String>,
    /// Export-restricted features that are authorized, with their present ends. One that is not named stays as it was:
    /// older managers name none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exports: Vec<ExportEnd>,
}

/// Until when an export-restricted feature is authorized.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportEnd {
    /// The feature.
    pub feature: String,
    /// The end of the licence that authorizes it; absent: it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorized_until: Option<Timestamp>,
}

/// The instance's status, as the manager decides it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuthorizationStatus {
    /// No tag is in use.
    NoLicensesInUse,
    /// The pool covers all tags in use.
    Authorized,
    /// At least one tag in use is short in its pool.
    OutOfCompliance,
}

/// One tag's status in its pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagAnswer {
    /// The licence.
    pub tag: Tag,
    /// Its status.
    pub status: TagStatus,
    /// What the virtual account owns of it now.
    #[serde(deserialize_with = "Quantity::deserialize_sum")]
    pub owned: Quantity,
    /// What all its instances use of it, as last reported.
    #[serde(deserialize_with = "Quantity::deserialize_sum")]
    pub in_use: Quantity,
    /// How much of this tag's demand is short (0 when in compliance).
    #[serde(
        default,
        skip_serializing_if = "Quantity::is_zero_ref",
        deserialize_with = "Quantity::deserialize_sum"
    )]
    pub short: Quantity,
    /// Why it stands so, where it is not plainly in compliance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<TagExplanation>,
}

/// Why a tag stands as it stands in its pool, for people: sentences in which instants are in UTC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagExplanation {
    /// Why, the main reason first.
    pub why: Vec<String>,
    /// Since when any are short, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// What happens next, in its order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub next: Vec<TagComing>,
    /// What to do, the best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub what_to_do: Vec<String>,
}

/// Something that is going to happen to a tag's pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagComing {
    /// What.
    pub what: String,
    /// When; absent where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

impl TagExplanation {
    /// The same within the limits: later lines left out, longer ones cut.
    #[must_use]
    pub fn shortened(mut self) -> Self {
        let cut = |line: String| limits::cut(line, limits::EXPLANATION_LINE_BYTES_MAX);
        let lines = |lines: Vec<String>| -> Vec<String> {
            lines.into_iter().take(limits::EXPLANATION_LINES_MAX).map(cut).collect()
        };
        self.why = lines(self.why);
        self.what_to_do = lines(self.what_to_do);
        self.next.truncate(limits::EXPLANATION_LINES_MAX);
        for coming in &mut self.next {
            coming.what = cut(core::mem::take(&mut coming.what));
        }
        self
    }

    /// What is beyond a limit: which field, how much it has, and the limit.
    fn excess(&self) -> Option<(&'static str, usize, usize)> {
        let next: Vec<&String> = self.next.iter().map(|coming| &coming.what).collect();
        let lists = [
            ("tags[].explanation.why", self.why.iter().collect()),
            ("tags[].explanation.next", next),
            ("tags[].explanation.what_to_do", self.what_to_do.iter().collect()),
        ];
        lists.into_iter().find_map(|(field, lines)| {
            let longest = lines.iter().map(|line| line.len()).max().unwrap_or(0);
            if lines.len() > limits::EXPLANATION_LINES_MAX {
                Some((field, lines.len(), limits::EXPLANATION_LINES_MAX))
            } else {
                (longest > limits::EXPLANATION_LINE_BYTES_MAX).then_some((
                    field,
                    longest,
                    limits::EXPLANATION_LINE_BYTES_MAX,
                ))
            }
        })
    }
}

/// One tag's status (behaviour.md, "Three independent questions": the entitlement words).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TagStatus {
    /// Covered.
    InCompliance,
    /// Short in the pool.
    OutOfCompliance,
    /// Nothing is in use.
    NotInUse,
    /// The manager's catalogue does not know the tag.
    InvalidTag,
    /// Refused for this instance.
    NotAuthorized,
    /// The feature is off.
    Disabled,
    /// The licence is not metered by this product type.
    NotApplicable,
    /// A status that this version does not know.
    #[serde(other)]
    Invalid,
}

/// A registration that was ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deregistered {
    /// The product instance that no longer exists.
    pub product_instance_id: ProductInstanceId,
}

/// The authorization of an export-restricted feature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportAuthorized {
    /// The feature.
    pub feature: String,
    /// The licence that authorizes it; one of it is taken.
    pub tag: Tag,
    /// The authorization's name, for people: 1 to [`limits::EXPORT_KEY_BYTES_MAX`] visible ASCII characters. Not a
    /// secret.
    pub authorization_key: String,
    /// The end of the licence that authorizes it; absent: it has none. The agent's own authorization ends it too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorized_until: Option<Timestamp>,
}

/// An authorization that was given back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportReturned {
    /// The feature.
    pub feature: String,
    /// The licence, one of which is free again.
    pub tag: Tag,
}

/// Why nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The stable code.
    pub code: ProblemCode,
    /// What happened, naming the value at fault.
    pub message: String,
    /// What to do next.
    pub action: String,
}

impl Refusal {
    /// A refusal with the code's own words; `detail` is added to the message, which is cut at
    /// [`limits::TEXT_BYTES_MAX`].
    pub fn new(code: ProblemCode, detail: impl core::fmt::Display) -> Self {
        let detail = detail.to_string();
        let message = if detail.is_empty() {
            code.meaning().to_owned()
        } else {
            format!("{} {detail}", code.meaning())
        };
        Self { code, message: limits::shorten(message), action: code.action().to_owned() }
    }
}

impl Response {
    /// The text that is signed and sent, and whose SHA-256 later requests name as `last_answer`.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads an answer text of this version, within the limits on certificates and tags.
    pub fn from_text(text: &str) -> Result<Self, serde_json::Error> {
        let response: Self = serde_json::from_str(text)?;
        let over = |field: &str, found: usize, most: usize| {
            (found > most).then(|| format!("{field} has {found}, the limit is {most}"))
        };
        let chain = |issued: &IssuedCertificate| {
            let longest = issued.certificates.iter().map(Vec::len).max().unwrap_or(0);
            over("certificates", issued.certificates.len(), limits::CHAIN_CERTIFICATES_MAX)
                .or_else(|| over("certificates[]", longest, limits::CERTIFICATE_BYTES_MAX))
        };
        let fault = if response.version == VERSION {
            match &response.body {
                ResponseBody::Registration(made) => chain(&made.certificate),
                ResponseBody::IdCertificateRenewal(issued) => chain(issued),
                ResponseBody::Authorization(a) => {
                    let explained = || a.tags.iter().filter_map(|tag| tag.explanation.as_ref());
                    over("tags", a.tags.len(), limits::ANSWER_TAGS_MAX)
                        .or_else(|| {
                            let most = a.exports.len().max(a.exports_ended.len());
                            over("exports", most, limits::EXPORTS_MAX)
                        })
                        .or_else(|| {
                            over("tags[].explanation", explained().count(), limits::EXPLAINED_TAGS_MAX)
                        })
                        .or_else(|| {
                            explained()
                                .find_map(TagExplanation::excess)
                                .and_then(|(field, found, most)| over(field, found, most))
                        })
                }
                ResponseBody::ExportRequest(made) => {
                    over("feature", made.feature.len(), limits::EXPORT_FEATURE_BYTES_MAX).or_else(|| {
                        over("authorization_key", made.authorization_key.len(), limits::EXPORT_KEY_BYTES_MAX)
                    })
                }
                ResponseBody::ExportReturn(made) => {
                    over("feature", made.feature.len(), limits::EXPORT_FEATURE_BYTES_MAX)
                }
                ResponseBody::Deregistration(_) | ResponseBody::Refusal(_) => None,
            }
        } else {
            Some(format!("version {} is not {VERSION}", response.version))
        };
        fault.map_or(Ok(response), |detail| Err(serde::de::Error::custom(detail)))
    }

    /// Whether it is anything but a refusal.
    pub fn is_success(&self) -> bool {
        !matches!(self.body, ResponseBody::Refusal(_))
    }
}
