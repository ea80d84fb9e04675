//! Problem codes: every way in which a request is refused, with its HTTP status and what to do.
//!
//! The codes are stable: programs match on them, `docs/protocol.md` lists them from [`ProblemCode::ALL`].

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Whether a refusal is signed. The rule behind it: signed wherever the request's header (version, type,
/// request id, nonce) could be read, since only then there is something to bind the answer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed {
    /// Never: nothing of the request was read. An `application/problem+json` says why.
    Never,
    /// If the header could be read.
    IfHeaderRead,
    /// Always.
    Always,
}

macro_rules! problem_codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $status:literal, $meaning:literal, $action:literal;)*) => {
        /// Why a request was refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum ProblemCode {
            $(#[doc = $meaning] $(#[$doc])* $name,)*
            /// A code that this version does not know (sent by a newer manager).
            Unknown,
        }

        impl ProblemCode {
            /// Every code that a manager of this version sends, in the order of the documented table.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The stable code.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* Self::Unknown => "unknown" }
            }

            /// The HTTP status under which the refusal is sent.
            pub fn http_status(self) -> u16 {
                match self { $(Self::$name => $status,)* Self::Unknown => 500 }
            }

            /// Whether the refusal is signed.
            pub fn signed(self) -> Signed {
                match self {
                    Self::TooLarge | Self::UnsupportedMediaType => Signed::Never,
                    Self::Malformed
                    | Self::LimitExceeded
                    | Self::RateLimited
                    | Self::Unavailable
                    | Self::Internal
                    | Self::Unknown => Signed::IfHeaderRead,
                    _ => Signed::Always,
                }
            }

            /// What happened, as a sentence.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$name => $meaning,)*
                    Self::Unknown => "The manager refused the request with a code that this version does not know.",
                }
            }

            /// What to do next, as a sentence.
            pub fn action(self) -> &'static str {
                match self {
                    $(Self::$name => $action,)*
                    Self::Unknown => "Read the message; update the agent if it does not say enough.",
                }
            }

            fn parse(text: &str) -> Self {
                match text { $($code => Self::$name,)* _ => Self::Unknown }
            }
        }
    };
}

problem_codes! {
    // The envelope or its limits; signed only where the header could be read (see `Signed`).
    Malformed = "malformed", 400, "The body is not a signed request: it is not JSON of the documented shape.",
        "Compare the request with the example in docs/protocol.md; the field at fault is named in the message.";
    TooLarge = "too_large", 413, "The body is larger than the protocol allows.",
        "Send at most 64 KiB; report fewer tags in one request.";
    LimitExceeded = "limit_exceeded", 400, "A length or count is above its documented limit.",
        "Shorten or lower the field that the message names.";
    UnsupportedMediaType = "unsupported_media_type", 415, "The content type is not application/json.",
        "Send Content-Type: application/json.";

    // The header can be read: these and those below are signed and repeat the request's id and nonce.
    UnsupportedVersion = "unsupported_version", 400, "The protocol version is not one that this manager speaks.",
        "Send version 1, or update the manager.";
    UnknownRequestType = "unknown_request_type", 400, "The request type is not one that this manager knows.",
        "Use a type of docs/protocol.md, or update the manager.";
    AlgorithmUnsupported = "algorithm_unsupported", 400, "The signature algorithm or the kind of key is not one that this manager accepts.",
        "Sign with ecdsa-p256-sha256 and a P-256 key.";
    SignatureInvalid = "signature_invalid", 401, "The signature does not match the request's bytes and the key.",
        "Sign exactly the bytes that are sent as the request text; check that nothing between re-encodes them.";
    CertificateMissing = "certificate_missing", 401, "The signature names no certificate, and this request type needs one.",
        "Send the ID certificate, leaf first, in signature.certificates.";
    CertificateInvalid = "certificate_invalid", 401, "The certificate can't be read or does not follow the ID-certificate profile.",
        "Send the certificate as it was issued; if it is damaged, register again.";
    CertificateUntrusted = "certificate_untrusted", 401, "The certificate was not issued by this manager.",
        "Check that the agent talks to the manager that it registered with; otherwise register here.";
    CertificateExpired = "certificate_expired", 401, "The ID certificate has ended.",
        "Register the product instance again with a token.";
    CertificateNotYetValid = "certificate_not_yet_valid", 401, "The ID certificate's first day is in the future.",
        "Correct the clock of the manager or of whoever issued the certificate.";
    CertificateRevoked = "certificate_revoked", 403, "The ID certificate was replaced or revoked.",
        "If the product instance was registered again elsewhere this copy must register with its own UDI; otherwise register again.";
    IdentityMismatch = "identity_mismatch", 403, "The certificate, the product instance id and the UDI do not belong together.",
        "Send the ids of the registration under which the certificate was issued; register again after a change of hardware.";
    ClockSkew = "clock_skew", 400, "The request's time is more than a day away from the manager's.",
        "Take signed_at of this answer as the present time and send the request again with a new id.";
    Replayed = "replayed", 409, "The request was sent before, or is older than one that was already applied.",
        "Nothing: the earlier request counted. A new request needs a new id, a higher sequence and the present time.";
    TokenUnknown = "token_unknown", 403, "The registration token is not one that this manager issued.",
        "Copy the token again, whole, from the virtual account on this manager.";
    TokenExpired = "token_expired", 403, "The registration token has expired.",
        "Create a new token in the virtual account.";
    TokenExhausted = "token_exhausted", 403, "The registration token has been used as often as it may be.",
        "Create a new token, or one with more uses.";
    TokenRevoked = "token_revoked", 403, "The registration token was revoked.",
        "Ask the account's administrator for a new token.";
    Exists = "exists", 409, "A product instance with this UDI is registered already, and the request does not prove to be the same one.",
        "If it is the same machine or replaces it, register with force: the older registration then ends.";
    InstanceUnknown = "instance_unknown", 404, "The product instance is not known here.",
        "Register it again with a token.";
    InstanceRemoved = "instance_removed", 410, "The product instance was removed from its virtual account.",
        "Register it again with a token if it is still in use.";
    CloneDetected = "clone_detected", 409, "Another copy of this product instance has been reporting: two machines share one identity.",
        "Give this machine its own UDI and register it with a token.";
    ExportNotPermitted = "export_not_permitted", 403, "Export-controlled functionality is not permitted to this product instance.",
        "Register with a token that allows export-controlled functionality; the account has to be permitted it by the vendor.";
    ExportNotAvailable = "export_not_available", 409, "No license of this export-restricted feature is free in the virtual account.",
        "Order one, move one here, or return it on another product instance; the request is tried again until it is canceled.";
    RateLimited = "rate_limited", 429, "Too many requests came from this sender.",
        "Wait as long as Retry-After says.";
    Unavailable = "unavailable", 503, "The manager can't store anything at the moment, so it accepts nothing.",
        "Try again by the retry schedule; the manager's operator sees the reason in /readyz and the log.";
    Internal = "internal", 500, "The manager failed in a way that it did not expect. Nothing was changed.",
        "Try again by the retry schedule; tell the manager's operator the request id.";
}

impl fmt::Display for ProblemCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ProblemCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ProblemCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::parse(&String::deserialize(deserializer)?))
    }
}
