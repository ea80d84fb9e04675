//! Certificate chains to the vendor's roots.

use core::time::Duration;

use jiff::Timestamp;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use seatpool_proto::ProblemCode;
use seatpool_proto::certificate::extended_key_usage;
use webpki::{EndEntityCert, KeyUsage};

/// Trust anchors: the vendor's roots, several at once while one is being replaced.
#[derive(Clone, Debug, Default)]
pub struct Anchors {
    certificates: Vec<CertificateDer<'static>>,
    anchors: Vec<TrustAnchor<'static>>,
}

/// What the leaf of a chain is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A product instance signs requests.
    Agent,
    /// A manager signs answers.
    Manager,
}

/// Why a chain is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// No certificate was given.
    #[error("there is no certificate")]
    Missing,
    /// It can't be read, or its usage is another.
    #[error("the certificate is not usable: {0}")]
    Invalid(String),
    /// Nothing leads from it to a trusted root.
    #[error("the certificate does not lead to a trusted root: {0}")]
    Untrusted(String),
    /// Its last second is past.
    #[error("the certificate has ended")]
    Expired,
    /// Its first second is to come.
    #[error("the certificate is not valid yet")]
    NotYetValid,
}

impl ChainError {
    /// The documented code.
    pub fn code(&self) -> ProblemCode {
        match self {
            Self::Missing => ProblemCode::CertificateMissing,
            Self::Invalid(_) => ProblemCode::CertificateInvalid,
            Self::Untrusted(_) => ProblemCode::CertificateUntrusted,
            Self::Expired => ProblemCode::CertificateExpired,
            Self::NotYetValid => ProblemCode::CertificateNotYetValid,
        }
    }
}

impl Anchors {
    /// Anchors from DER certificates.
    pub fn new(certificates: impl IntoIterator<Item = Vec<u8>>) -> Result<Self, ChainError> {
        let certificates: Vec<_> = certificates.into_iter().map(CertificateDer::from).collect();
        let anchors = certificates
            .iter()
            .map(|der| webpki::anchor_from_trusted_cert(der).map(|anchor| anchor.to_owned()))
            .collect::<Result<_, _>>()
            .map_err(|e| ChainError::Invalid(e.to_string()))?;
        Ok(Self { certificates, anchors })
    }

    /// The anchors' certificates, DER.
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.certificates
    }

    /// Verifies a chain (leaf first, root left out) at `now` for `purpose`.
    pub fn verify(&self, chain: &[Vec<u8>], purpose: Purpose, now: Timestamp) -> Result<(), ChainError> {
        let (leaf, intermediates) = chain.split_first().ok_or(ChainError::Missing)?;
        let leaf = CertificateDer::from(leaf.as_slice());
        let leaf = EndEntityCert::try_from(&leaf).map_err(|e| ChainError::Invalid(e.to_string()))?;
        let intermediates: Vec<_> =
            intermediates.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
        let usage = KeyUsage::required(match purpose {
            Purpose::Agent => extended_key_usage::AGENT,
            Purpose::Manager => extended_key_usage::MANAGER,
        });
        let seconds = u64::try_from(now.as_second()).unwrap_or(0);
        let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        leaf.verify_for_usage(
            &[webpki::aws_lc_rs::ECDSA_P256_SHA256],
            &self.anchors,
            &intermediates,
            time,
            usage,
            None,
            None,
        )
        .map(|_| ())
        .map_err(explain)
    }
}

fn explain(error: webpki::Error) -> ChainError {
    match error {
        webpki::Error::CertExpired { .. } => ChainError::Expired,
        webpki::Error::CertNotValidYet { .. } => ChainError::NotYetValid,
        webpki::Error::UnknownIssuer
        | webpki::Error::InvalidSignatureForPublicKey
        | webpki::Error::PathLenConstraintViolated
        | webpki::Error::NameConstraintViolation => ChainError::Untrusted(error.to_string()),
        other => ChainError::Invalid(other.to_string()),
    }
}
