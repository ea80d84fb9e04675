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
    /// A manager signs authorization codes, and agrees on keys with devices.
    Reservation,
}

/// Why a chain is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// No certificate was given.
    #[error("there is no certificate")]
    Missing,
    /// It can't be read, or its usage is another; what the reader said is for the log.
    #[error("the certificate can't be read, or is one for another use")]
    Invalid(String),
    /// Nothing leads from it to a trusted root; what the check said is for the log.
    #[error("the certificate does not lead to a trusted root")]
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
        let usage = match purpose {
            Purpose::Agent => extended_key_usage::AGENT,
            Purpose::Manager | Purpose::Reservation => extended_key_usage::MANAGER,
        };
        check_leaf_usage(leaf, usage, purpose)?;
        let leaf = CertificateDer::from(leaf.as_slice());
        let leaf = EndEntityCert::try_from(&leaf).map_err(|e| ChainError::Invalid(e.to_string()))?;
        let intermediates: Vec<_> =
            intermediates.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
        let seconds = u64::try_from(now.as_second()).unwrap_or(0);
        let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        leaf.verify_for_usage(
            &[webpki::aws_lc_rs::ECDSA_P256_SHA256],
            &self.anchors,
            &intermediates,
            time,
            KeyUsage::required_if_present(usage),
            None,
            None,
        )
        .map(|_| ())
        .map_err(explain)
    }
}

/// The leaf must name `usage`. The path check below asks the same of the issuing certificates, but there
/// only where they name any usage at all: they name none.
fn check_leaf_usage(leaf: &[u8], usage: &[u8], purpose: Purpose) -> Result<(), ChainError> {
    let invalid = |what: &str| ChainError::Invalid(what.to_owned());
    let (_, certificate) =
        x509_parser::parse_x509_certificate(leaf).map_err(|e| ChainError::Invalid(e.to_string()))?;
    let extended = certificate.extended_key_usage().map_err(|e| ChainError::Invalid(e.to_string()))?;
    let extended = extended.ok_or_else(|| invalid("it names no extended key usage"))?.value;
    let named = match usage {
        extended_key_usage::AGENT => extended.client_auth,
        usage => extended.other.iter().any(|oid| oid.as_bytes() == usage),
    };
    if !named {
        return Err(invalid("its extended key usage is another"));
    }
    // Answers and authorization codes are signed under keys of their own, told apart by key agreement.
    let agrees = certificate.key_usage().ok().flatten().is_some_and(|usage| usage.value.key_agreement());
    if agrees == (purpose == Purpose::Reservation) {
        Ok(())
    } else {
        Err(invalid("its key usage is another"))
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

#[cfg(test)]
mod tests {
    use rcgen::{
        BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    };

    use super::*;

    /// A root, and a chain of a leaf with `usages` and an issuing certificate without any.
    fn chain(usages: Vec<ExtendedKeyUsagePurpose>) -> (Anchors, Vec<Vec<u8>>) {
        chain_for(usages, Vec::new())
    }

    fn chain_for(
        usages: Vec<ExtendedKeyUsagePurpose>,
        key_usages: Vec<KeyUsagePurpose>,
    ) -> (Anchors, Vec<Vec<u8>>) {
        let authority = |name: &str| {
            let mut params = CertificateParams::new(Vec::new()).unwrap();
            params.distinguished_name.push(rcgen::DnType::CommonName, name);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            (params, KeyPair::generate().unwrap())
        };
        let (root, root_key) = authority("Root");
        let (issuing, issuing_key) = authority("Issuing");
        let root_der = root.self_signed(&root_key).unwrap().der().to_vec();
        let issuing_der =
            issuing.signed_by(&issuing_key, &Issuer::from_params(&root, &root_key)).unwrap().der().to_vec();
        let mut leaf = CertificateParams::new(Vec::new()).unwrap();
        leaf.extended_key_usages = usages;
        leaf.key_usages = key_usages;
        let leaf = leaf
            .signed_by(&KeyPair::generate().unwrap(), &Issuer::from_params(&issuing, &issuing_key))
            .unwrap()
            .der()
            .to_vec();
        (Anchors::new([root_der]).unwrap(), vec![leaf, issuing_der])
    }

    #[test]
    fn a_leaf_serves_the_purpose_that_it_names_and_no_other() {
        let now: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        let signing = ExtendedKeyUsagePurpose::Other(vec![1, 3, 6, 1, 5, 5, 7, 3, 36]);
        let check = |usages: Vec<ExtendedKeyUsagePurpose>, agent: bool, manager: bool| {
            let (anchors, chain) = chain(usages);
            assert_eq!(anchors.verify(&chain, Purpose::Agent, now).is_ok(), agent);
            assert_eq!(anchors.verify(&chain, Purpose::Manager, now).is_ok(), manager);
        };
        check(vec![ExtendedKeyUsagePurpose::ClientAuth], true, false);
        check(vec![signing], false, true);
        check(vec![ExtendedKeyUsagePurpose::ServerAuth], false, false);
        check(vec![], false, false);
    }

    #[test]
    fn a_reservation_certificate_signs_no_answers_and_an_answers_certificate_no_reservations() {
        let now: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        let signing = || vec![ExtendedKeyUsagePurpose::Other(vec![1, 3, 6, 1, 5, 5, 7, 3, 36])];
        let (anchors, reservation) =
            chain_for(signing(), vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyAgreement]);
        assert_eq!(anchors.verify(&reservation, Purpose::Reservation, now), Ok(()));
        assert!(matches!(
            anchors.verify(&reservation, Purpose::Manager, now),
            Err(ChainError::Invalid(reason)) if reason.contains("key usage")
        ));
        let (anchors, answers) = chain_for(signing(), vec![KeyUsagePurpose::DigitalSignature]);
        assert!(anchors.verify(&answers, Purpose::Reservation, now).is_err());
    }

    #[test]
    fn another_root_and_another_time_are_told_apart() {
        let now: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        let (anchors, chain) = self::chain(vec![ExtendedKeyUsagePurpose::ClientAuth]);
        let (other, _) = self::chain(vec![]);
        assert!(matches!(other.verify(&chain, Purpose::Agent, now), Err(ChainError::Untrusted(_))));
        // rcgen's certificates are valid from 1975 to 4096.
        let early = "1970-01-02T00:00:00Z".parse().unwrap();
        assert_eq!(anchors.verify(&chain, Purpose::Agent, early), Err(ChainError::NotYetValid));
        let late = "5000-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(anchors.verify(&chain, Purpose::Agent, late), Err(ChainError::Expired));
        assert_eq!(anchors.verify(&[], Purpose::Agent, now), Err(ChainError::Missing));
    }
}
