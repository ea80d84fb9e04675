//! Why a contact failed: one cause per stage, in words that say what to look at next.

use core::fmt;

use jiff::Timestamp;
use seatpool_proto::ProblemCode;

/// A stage of a contact, in the order in which they happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// A name is looked up: the manager's, or the proxy's where there is one.
    Resolve,
    /// A TCP connection is made.
    Connect,
    /// The proxy is asked to connect to the manager.
    Proxy,
    /// TLS is negotiated.
    Tls,
    /// The request is sent and the answer read.
    Answer,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "looking up the name",
            Self::Connect => "connecting",
            Self::Proxy => "asking the proxy to connect",
            Self::Tls => "negotiating TLS",
            Self::Answer => "waiting for the answer",
        })
    }
}

/// The true cause of a failed contact.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The manager's URL, or the proxy's address, can't be used as it stands.
    #[error("the address can't be used: {0}")]
    Address(String),
    /// A name has no address.
    #[error(
        "{host} has no address here ({reason}): check its spelling and this machine's DNS, or go through a proxy, which resolves the manager's name itself"
    )]
    Name {
        /// The name.
        host: String,
        /// The resolver's words.
        reason: String,
    },
    /// Nothing answered at any address.
    #[error(
        "{host} port {port} can't be connected to ({attempts}): check that it runs, and that no firewall is between"
    )]
    Connect {
        /// The manager's or proxy's name.
        host: String,
        /// Its port.
        port: u16,
        /// Each address that was tried, with its reason.
        attempts: String,
    },
    /// The proxy said no.
    #[error(
        "{proxy} answered {status} {reason} when it was asked to connect to {target}: check with the proxy's administrator that this destination and port are allowed"
    )]
    ProxyRefused {
        /// `host:port` of the proxy.
        proxy: String,
        /// `host:port` that it was asked for.
        target: String,
        /// HTTP status.
        status: u16,
        /// The status line's words.
        reason: String,
    },
    /// The proxy wants credentials (407), or others than those that it was given.
    #[error("{proxy} {}", if *.offered { "did not accept the user name and password (407): correct them, as in `license smart proxy user NAME`" } else { "asks for a user name and password (407): set them, as in `license smart proxy user NAME`" })]
    ProxyCredentials {
        /// `host:port` of the proxy.
        proxy: String,
        /// Whether credentials were sent.
        offered: bool,
    },
    /// What stands at the proxy's address does not speak HTTP CONNECT.
    #[error("{proxy} does not answer like an HTTP proxy ({reason}): check the proxy's address and port")]
    ProxyProtocol {
        /// `host:port` of the proxy.
        proxy: String,
        /// What was wrong.
        reason: String,
    },
    /// The certificate is for other names.
    #[error(
        "the certificate is for {presented}, and the URL says {wanted}: use a URL with one of the certificate's names, or give the manager a certificate for {wanted}"
    )]
    TlsName {
        /// The URL's host.
        wanted: String,
        /// The certificate's names.
        presented: String,
    },
    /// The certificate's issuer is not trusted.
    #[error(
        "the TLS certificate's issuer {issuer} is not trusted: if it is your vendor's root, add it to trust_anchors; if your own authority's, to tls_anchors; else check that the URL leads to the right manager"
    )]
    TlsTrust {
        /// Issuer of the last certificate that was presented.
        issuer: String,
    },
    /// The certificate has ended or is yet to begin.
    #[error(
        "the manager's TLS certificate {what} by this machine's clock, which shows {now}: correct the clock if it is wrong, otherwise the manager's certificate"
    )]
    TlsTime {
        /// `ended on …` or `begins only on …`.
        what: String,
        /// This machine's clock.
        now: Timestamp,
    },
    /// TLS failed otherwise.
    #[error("TLS with {host} failed: {reason}")]
    Tls {
        /// The URL's host.
        host: String,
        /// What was wrong.
        reason: String,
    },
    /// An HTTP status that is no success, without a signed answer.
    #[error("{status}{}", detail.as_ref().map(|d| format!(": {d}")).unwrap_or_default())]
    Http {
        /// HTTP status.
        status: u16,
        /// The documented code, if the answer named one.
        code: Option<ProblemCode>,
        /// What the answer said.
        detail: Option<String>,
    },
    /// HTTP success with something that is no signed answer.
    #[error(
        "what answered is not a manager, or something between changed the answer ({reason}): check the URL and its path"
    )]
    NotAnAnswer {
        /// What was wrong.
        reason: String,
    },
    /// The connection ended before the answer did.
    #[error("the connection was lost while the answer was awaited: {reason}")]
    Lost {
        /// What was seen.
        reason: String,
    },
    /// The answer is longer than the protocol allows.
    #[error(
        "the answer is larger than the {limit} bytes that the protocol allows: check that the URL leads to a manager"
    )]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// A stage took too long.
    #[error("nothing came from {host} within {seconds} s while {stage}")]
    Timeout {
        /// What was being done.
        stage: Stage,
        /// The stage's limit.
        seconds: u64,
        /// Whom it was done with.
        host: String,
    },
    /// The answer's signature does not hold.
    #[error(
        "{reason}: check that the URL leads to the right manager and that trust_anchors holds its vendor's root"
    )]
    Signature {
        /// What was wrong.
        reason: String,
    },
    /// The answer's certificates hold at another time than this machine's.
    #[error(
        "the certificate that signed the answer {what} by this machine's clock, which shows {now}: correct the clock; if it is right, the manager's signing certificate needs renewal"
    )]
    Clock {
        /// `has ended` or `is not valid yet`.
        what: &'static str,
        /// This machine's clock.
        now: Timestamp,
    },
}
