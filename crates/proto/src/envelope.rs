//! The envelope: the signed bytes are exactly the sent bytes.
//!
//! A request or answer travels as `{"request": "<JSON text>", "signature": {…}}` (or `"response"`).
//! The signature covers the UTF-8 bytes of that text after JSON unescaping; nothing is re-serialised
//! between signing and verifying.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::limits;
use crate::message::base64_bytes;
use crate::problem::ProblemCode;

/// How a signature was made. A field, so that keys and signatures can change kind later.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// ECDSA over P-256 with SHA-256 (FIPS 186-5), DER-encoded (RFC 3279, section 2.2.3).
    EcdsaP256Sha256,
    /// One that this version does not know.
    Unknown(String),
}

impl Algorithm {
    /// The name on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::EcdsaP256Sha256 => "ecdsa-p256-sha256",
            Self::Unknown(name) => name,
        }
    }
}

impl Serialize for Algorithm {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Algorithm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Ok(if name == Self::EcdsaP256Sha256.as_str() { Self::EcdsaP256Sha256 } else { Self::Unknown(name) })
    }
}

/// A signature with the certificates that carry its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// How it was made.
    pub algorithm: Algorithm,
    /// The signature.
    #[serde(with = "base64_bytes")]
    pub value: Vec<u8>,
    /// DER certificates, the signer's first, the vendor root left out. Empty where the key is known
    /// from the message itself (a registration's new key).
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "base64_bytes::list")]
    pub certificates: Vec<Vec<u8>>,
}

/// A request on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedRequest {
    /// The exact text of a [`crate::Request`].
    pub request: String,
    /// By the agent's key.
    pub signature: Signature,
    /// Registration: by the older key, as proof of being the same instance. Renewal with a new key: by
    /// the new key. Over the same bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub co_signature: Option<Signature>,
}

/// An answer on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedResponse {
    /// The exact text of a [`crate::Response`].
    pub response: String,
    /// By the manager's signing key.
    pub signature: Signature,
}

/// A request whose envelope was read and whose signatures have not been checked.
pub type UntrustedRequest = SignedRequest;

/// Signs with one private key. Implementations hold the key; this crate never sees it.
pub trait Signer: Send + Sync {
    /// How it signs.
    fn algorithm(&self) -> Algorithm;
    /// DER SubjectPublicKeyInfo of its key.
    fn public_key(&self) -> &[u8];
    /// The signature over `message`.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningFailed>;
}

/// Checks signatures.
pub trait Verifier: Send + Sync {
    /// Whether `signature` over `message` was made by the key in `public_key` (DER SubjectPublicKeyInfo).
    fn verify(
        &self,
        algorithm: &Algorithm,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), VerificationFailed>;
}

/// The key could not sign (an HSM that is away, say).
#[derive(Debug, thiserror::Error)]
#[error("the key could not sign: {0}")]
pub struct SigningFailed(pub String);

/// Why a signature was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerificationFailed {
    /// The algorithm or the kind of key is not known.
    #[error("the algorithm or the kind of key is not known")]
    Unsupported,
    /// It does not match.
    #[error("the signature does not match")]
    Mismatch,
}

impl VerificationFailed {
    /// The documented code.
    pub fn code(self) -> ProblemCode {
        match self {
            Self::Unsupported => ProblemCode::AlgorithmUnsupported,
            Self::Mismatch => ProblemCode::SignatureInvalid,
        }
    }
}

/// Why bytes are not an envelope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct InvalidEnvelope {
    /// `too_large`, `malformed` or `limit_exceeded`.
    pub code: ProblemCode,
    /// What is wrong.
    pub detail: String,
}

impl SignedRequest {
    /// Signs `text`; `certificates` carry the signer's key.
    pub fn sign(
        text: String,
        signer: &dyn Signer,
        certificates: Vec<Vec<u8>>,
    ) -> Result<Self, SigningFailed> {
        let signature = Signature::make(&text, signer, certificates)?;
        Ok(Self { request: text, signature, co_signature: None })
    }

    /// Adds the second signature.
    pub fn co_sign(mut self, signer: &dyn Signer, certificates: Vec<Vec<u8>>) -> Result<Self, SigningFailed> {
        self.co_signature = Some(Signature::make(&self.request, signer, certificates)?);
        Ok(self)
    }

    /// The bytes to send.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads a body within the limits. Nothing in it is trusted yet.
    pub fn from_bytes(bytes: &[u8]) -> Result<UntrustedRequest, InvalidEnvelope> {
        let envelope: Self = read(bytes)?;
        envelope.signature.check_limits("signature")?;
        if let Some(co_signature) = &envelope.co_signature {
            co_signature.check_limits("co_signature")?;
        }
        Ok(envelope)
    }
}

impl SignedResponse {
    /// Signs `text`.
    pub fn sign(
        text: String,
        signer: &dyn Signer,
        certificates: Vec<Vec<u8>>,
    ) -> Result<Self, SigningFailed> {
        let signature = Signature::make(&text, signer, certificates)?;
        Ok(Self { response: text, signature })
    }

    /// The bytes to send.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads a body within the limits. Nothing in it is trusted yet.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidEnvelope> {
        let envelope: Self = read(bytes)?;
        envelope.signature.check_limits("signature")?;
        Ok(envelope)
    }
}

impl Signature {
    fn make(text: &str, signer: &dyn Signer, certificates: Vec<Vec<u8>>) -> Result<Self, SigningFailed> {
        Ok(Self { algorithm: signer.algorithm(), value: signer.sign(text.as_bytes())?, certificates })
    }

    fn check_limits(&self, field: &str) -> Result<(), InvalidEnvelope> {
        let longest = self.certificates.iter().map(Vec::len).max().unwrap_or(0);
        let checks = [
            ("value", self.value.len(), limits::SIGNATURE_BYTES_MAX),
            ("certificates", self.certificates.len(), limits::CHAIN_CERTIFICATES_MAX),
            ("certificates[]", longest, limits::CERTIFICATE_BYTES_MAX),
        ];
        match checks.into_iter().find(|(_, found, most)| found > most) {
            Some((part, found, most)) => Err(InvalidEnvelope {
                code: ProblemCode::LimitExceeded,
                detail: format!("{field}.{part} has {found}, the limit is {most}"),
            }),
            None => Ok(()),
        }
    }
}

fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, InvalidEnvelope> {
    if bytes.len() > limits::MESSAGE_BYTES_MAX {
        let detail = format!("{} bytes, the limit is {}", bytes.len(), limits::MESSAGE_BYTES_MAX);
        return Err(InvalidEnvelope { code: ProblemCode::TooLarge, detail });
    }
    serde_json::from_slice(bytes)
        .map_err(|e| InvalidEnvelope { code: ProblemCode::Malformed, detail: limits::shorten(e.to_string()) })
}
