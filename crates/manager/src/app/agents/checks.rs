//! What is checked of a request before the ledger sees it: algorithms, certificates, chains, signatures.

use jiff::{SignedDuration, Timestamp};
use seatpool_crypto::{Anchors, P256Verifier, Purpose};
use seatpool_proto::message::Registration;
use seatpool_proto::{
    Algorithm, IdCertificate, ProblemCode, Request, RequestBody, Signature, SignedRequest, Verifier as _,
};

use super::Refusing;

/// How long after its end a certificate still proves that a registration is of the same instance.
const PROOF_AFTER_END: SignedDuration = SignedDuration::from_hours(365 * 24);

/// The registration's own key signed it.
pub(super) fn own_signature(envelope: &SignedRequest, registration: &Registration) -> Result<(), Refusing> {
    known_algorithms(envelope)?;
    verify(&envelope.signature, &registration.public_key, &envelope.request, "signature")
}

/// The certificate of the older registration that co-signed, if one did. One that ended too long ago proves
/// nothing any more and is left aside, so that its holder can still register as new.
pub(super) fn proof(
    envelope: &SignedRequest,
    anchors: &Anchors,
    now: Timestamp,
) -> Result<Option<IdCertificate>, Refusing> {
    let Some(co_signature) = &envelope.co_signature else { return Ok(None) };
    let certificate = leaf(co_signature)?;
    if now.duration_since(certificate.not_after) > PROOF_AFTER_END {
        return Ok(None);
    }
    chain(co_signature, anchors, now.min(certificate.not_after))?;
    verify(co_signature, &certificate.public_key, &envelope.request, "co_signature")?;
    Ok(Some(certificate))
}

/// The ID certificate under which a request other than a registration is signed.
pub(super) fn certified_signature(
    envelope: &SignedRequest,
    request: &Request,
    anchors: &Anchors,
    now: Timestamp,
) -> Result<IdCertificate, Refusing> {
    known_algorithms(envelope)?;
    let certificate = leaf(&envelope.signature)?;
    chain(&envelope.signature, anchors, now)?;
    verify(&envelope.signature, &certificate.public_key, &envelope.request, "signature")?;
    // A renewal for a new key is co-signed by it: nobody gets a certificate for a key that he does not hold.
    if let RequestBody::IdCertificateRenewal(renewal) = &request.body
        && renewal.public_key != certificate.public_key
    {
        let co_signature = envelope.co_signature.as_ref().ok_or_else(|| {
            Refusing::new(ProblemCode::SignatureInvalid, "A renewal with a new key needs its co_signature.")
        })?;
        verify(co_signature, &renewal.public_key, &envelope.request, "co_signature")?;
    }
    Ok(certificate)
}

fn known_algorithms(envelope: &SignedRequest) -> Result<(), Refusing> {
    let signatures = [Some(&envelope.signature), envelope.co_signature.as_ref()];
    match signatures.into_iter().flatten().find(|s| s.algorithm != Algorithm::EcdsaP256Sha256) {
        None => Ok(()),
        Some(signature) => {
            let name: String = signature.algorithm.as_str().chars().take(64).collect();
            Err(Refusing::new(ProblemCode::AlgorithmUnsupported, format!("It was {name:?}.")))
        }
    }
}

fn leaf(signature: &Signature) -> Result<IdCertificate, Refusing> {
    let der =
        signature.certificates.first().ok_or_else(|| Refusing::new(ProblemCode::CertificateMissing, ""))?;
    IdCertificate::from_der(der).map_err(|e| refusing(ProblemCode::CertificateInvalid, e))
}

fn chain(signature: &Signature, anchors: &Anchors, at: Timestamp) -> Result<(), Refusing> {
    anchors.verify(&signature.certificates, Purpose::Agent, at).map_err(|e| refusing(e.code(), e))
}

fn verify(signature: &Signature, public_key: &[u8], text: &str, field: &str) -> Result<(), Refusing> {
    P256Verifier
        .verify(&signature.algorithm, public_key, text.as_bytes(), &signature.value)
        .map_err(|e| refusing(e.code(), format_args!("{field}: {e}")))
}

/// The reason as a sentence of its own.
fn refusing(code: ProblemCode, reason: impl core::fmt::Display) -> Refusing {
    Refusing::new(code, format!("({reason})"))
}
