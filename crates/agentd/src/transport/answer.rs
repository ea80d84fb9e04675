//! The signed answer: who signed it, when, and whether the signature holds.

use jiff::Timestamp;
use seatpool_crypto::{Anchors, ChainError, P256Verifier, Purpose};
use seatpool_proto::{Response, Sha256, SignedResponse, Verifier as _};

use super::{Failure, Instants};

/// An answer whose signature holds.
#[derive(Clone, Debug)]
pub struct Verified {
    /// What it says.
    pub response: Response,
    /// SHA-256 of its text, which later requests name.
    pub text_hash: Sha256,
}

/// Verifies an envelope under the vendor's trust anchors.
pub fn verify(envelope: &SignedResponse, anchors: &Anchors, instants: Instants) -> Result<Verified, Failure> {
    let untrusted = |reason: String| Failure::Signature { reason };
    let chain = &envelope.signature.certificates;
    check_chain(chain, anchors, instants)?;
    let leaf = chain.first().ok_or_else(|| untrusted("it names no certificate".into()))?;
    let (_, certificate) =
        x509_parser::parse_x509_certificate(leaf).map_err(|error| untrusted(error.to_string()))?;
    P256Verifier
        .verify(
            &envelope.signature.algorithm,
            certificate.public_key().raw,
            envelope.response.as_bytes(),
            &envelope.signature.value,
        )
        .map_err(|error| untrusted(error.to_string()))?;
    let response = Response::from_text(&envelope.response)
        .map_err(|error| Failure::NotAnAnswer { reason: error.to_string() })?;
    Ok(Verified { response, text_hash: Sha256::of(&envelope.response) })
}

/// In its time by the agent's estimate or by the machine's clock: see [`Instants`].
fn check_chain(chain: &[Vec<u8>], anchors: &Anchors, instants: Instants) -> Result<(), Failure> {
    let at = |now: Timestamp| anchors.verify(chain, Purpose::Manager, now);
    let result = match at(instants.estimate) {
        Err(error @ (ChainError::Expired | ChainError::NotYetValid)) => at(instants.local).map_err(|_| error),
        other => other,
    };
    result.map_err(|error| match error {
        ChainError::Expired => Failure::Clock { what: "has ended", now: instants.local },
        ChainError::NotYetValid => Failure::Clock { what: "is not valid yet", now: instants.local },
        other => Failure::Signature { reason: other.to_string() },
    })
}
