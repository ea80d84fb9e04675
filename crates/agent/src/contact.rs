//! What goes out to the manager and what comes back.

use core::fmt;

use seatpool_proto::{Request, RequestId, Response, Sha256};
use serde::{Deserialize, Serialize};

use crate::identity::KeyId;

/// A request to sign and send, as [`seatpool_proto::SignedRequest`]. The state that it depends on is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// What to send: [`Request::to_text`] is the text to sign.
    pub request: Request,
    /// The key that signs it.
    pub signing: SigningKey,
    /// The key that makes the second signature, if there is one: the older key in a registration, the new
    /// key in a certificate renewal that changes it.
    pub co_signing: Option<SigningKey>,
}

/// One of the shell's keys, with the certificates that go with its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKey {
    /// Which key.
    pub key: KeyId,
    /// DER certificates, leaf first; empty where the request itself names the public key.
    pub certificates: Vec<Vec<u8>>,
}

/// A manager's answer. The shell has verified the signature and its chain to a trust anchor; the agent
/// checks that it belongs to the request that is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The request that it came back for.
    pub request_id: RequestId,
    /// [`Sha256::of`] the exact response text.
    pub text_hash: Sha256,
    /// What it says. Refusals are answers too.
    pub response: Response,
}

/// Why a request got no answer that can be trusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{kind}: {detail}")]
pub struct ContactFailure {
    /// What kind of failure.
    pub kind: FailureKind,
    /// The particulars, for people: names, addresses, what was found and what was expected.
    pub detail: String,
}

impl ContactFailure {
    /// A failure with its particulars.
    pub fn new(kind: FailureKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }
}

macro_rules! failure_kinds {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $words:literal;)*) => {
        /// How a contact failed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum FailureKind {
            $($(#[$doc])* #[serde(rename = $code)] $name,)*
        }

        impl FailureKind {
            /// The stable code.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }
        }

        impl fmt::Display for FailureKind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$name => $words,)* })
            }
        }
    };
}

failure_kinds! {
    /// The name could not be resolved.
    Dns = "dns", "the manager's name could not be resolved";
    /// No connection.
    Connect = "connect", "no connection to the manager";
    /// The proxy refused to connect.
    ProxyRefused = "proxy_refused", "the proxy refused the connection";
    /// The proxy asked for credentials, or did not take them.
    ProxyAuthentication = "proxy_authentication", "the proxy asked for credentials";
    /// The certificate is for another name.
    TlsName = "tls_name", "the manager's TLS certificate is for another name";
    /// The certificate does not lead to a trust anchor.
    TlsTrust = "tls_trust", "the manager's TLS certificate is not trusted";
    /// Any other failure of the TLS handshake.
    Tls = "tls", "the TLS connection failed";
    /// An HTTP status that the protocol does not foresee.
    HttpStatus = "http_status", "the manager answered with an unexpected HTTP status";
    /// The answer's signature or its chain is not valid.
    BadSignature = "bad_signature", "the answer's signature is not valid";
    /// The answer can't be understood, or belongs to another request.
    BadAnswer = "bad_answer", "the answer can't be used";
    /// The local clock, or a certificate, is so far off that the certificate can't be checked.
    Clock = "clock", "a certificate is not in its time";
    /// No answer in time.
    Timeout = "timeout", "the manager did not answer in time";
    /// The agent's own key could not sign.
    Key = "key", "the agent's key could not sign";
    /// The process ended while the request was under way.
    Interrupted = "interrupted", "the agent was stopped before the answer came";
}
