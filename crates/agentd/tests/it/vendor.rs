//! A vendor's keys for tests: root, issuing CA, message-signing and TLS certificates.

use core::time::Duration;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use seatpool_agentd::transport::Trust;
use seatpool_crypto::{Anchors, P256Key};
use seatpool_proto::certificate::DEMONSTRATION_UNIT;
use seatpool_proto::{ProductInstanceId, Response, SignedResponse};

/// `id-kp-documentSigning` (RFC 9336).
const DOCUMENT_SIGNING: [u64; 9] = [1, 3, 6, 1, 5, 5, 7, 3, 36];

pub(crate) struct Vendor {
    root: CertificateParams,
    root_key: KeyPair,
    root_der: Vec<u8>,
    issuing: CertificateParams,
    issuing_key: KeyPair,
    issuing_der: Vec<u8>,
}

/// A certificate of some use with its key.
pub(crate) struct Issued {
    pub(crate) chain: Vec<Vec<u8>>,
    pub(crate) key: P256Key,
}

/// A span in days around the real present.
#[derive(Clone, Copy)]
pub(crate) struct Days(pub(crate) i64, pub(crate) i64);

pub(crate) const YEAR: Days = Days(-1, 364);

fn span(params: &mut CertificateParams, Days(from, to): Days) {
    #[allow(clippy::disallowed_methods, reason = "certificates for tests are made around the real present")]
    let now = std::time::SystemTime::now();
    let day = |days: i64| {
        let span = Duration::from_secs(days.unsigned_abs() * 86_400);
        if days < 0 { now - span } else { now + span }.into()
    };
    params.not_before = day(from);
    params.not_after = day(to);
}

fn key_pair(key: &P256Key) -> KeyPair {
    let der = key.to_pkcs8().to_vec();
    KeyPair::from_pkcs8_der_and_sign_algo(&PrivatePkcs8KeyDer::from(der), &rcgen::PKCS_ECDSA_P256_SHA256)
        .unwrap()
}

impl Vendor {
    pub(crate) fn demonstration() -> Self {
        Self::new("Test Vendor Root", true)
    }

    pub(crate) fn new(name: &str, demonstration: bool) -> Self {
        let authority = |name: &str, unit: bool| {
            let mut params = CertificateParams::new(Vec::new()).unwrap();
            params.distinguished_name.push(DnType::CommonName, name);
            if unit {
                params.distinguished_name.push(DnType::OrganizationalUnitName, DEMONSTRATION_UNIT);
            }
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
            span(&mut params, Days(-4000, 4000));
            params
        };
        let root = authority(name, demonstration);
        let root_key = KeyPair::generate().unwrap();
        let root_der = root.self_signed(&root_key).unwrap().der().to_vec();
        let issuing = authority(&format!("{name} Issuing"), false);
        let issuing_key = KeyPair::generate().unwrap();
        let issuing_der =
            issuing.signed_by(&issuing_key, &Issuer::from_params(&root, &root_key)).unwrap().der().to_vec();
        Self { root, root_key, root_der, issuing, issuing_key, issuing_der }
    }

    pub(crate) fn root(&self) -> &[u8] {
        assert!(matches!(self.root.is_ca, IsCa::Ca(_)) && !self.root_key.serialize_der().is_empty());
        &self.root_der
    }

    pub(crate) fn root_pem(&self) -> String {
        pem(self.root())
    }

    fn issue(&self, params: CertificateParams, key: P256Key, days: Days) -> Issued {
        self.issue_for(params, vec![KeyUsagePurpose::DigitalSignature], key, days)
    }

    fn issue_for(
        &self,
        mut params: CertificateParams,
        usages: Vec<KeyUsagePurpose>,
        key: P256Key,
        days: Days,
    ) -> Issued {
        params.key_usages = usages;
        params.use_authority_key_identifier_extension = true;
        span(&mut params, days);
        let issuer = Issuer::from_params(&self.issuing, &self.issuing_key);
        let leaf = params.signed_by(&key_pair(&key), &issuer).unwrap().der().to_vec();
        Issued { chain: vec![leaf, self.issuing_der.clone()], key }
    }

    /// The message-signing certificate.
    pub(crate) fn signing(&self, days: Days) -> Issued {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, "Test Manager");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Other(DOCUMENT_SIGNING.to_vec())];
        self.issue(params, P256Key::generate().unwrap(), days)
    }

    /// The certificate under which authorization codes are signed.
    pub(crate) fn reservation(&self, days: Days) -> Issued {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, "Test Manager");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Other(DOCUMENT_SIGNING.to_vec())];
        let usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyAgreement];
        self.issue_for(params, usages, P256Key::generate().unwrap(), days)
    }

    /// A TLS server certificate for `names`.
    pub(crate) fn tls(&self, names: &[&str], days: Days) -> Issued {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.issue(params, P256Key::generate().unwrap(), days)
    }

    /// What an agent of this vendor trusts.
    pub(crate) fn trust(&self) -> Trust {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(self.root().to_vec())).unwrap();
        Trust { vendor: Anchors::new([self.root().to_vec()]).unwrap(), tls: Arc::new(roots) }
    }
}

pub(crate) fn pem(der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|c| core::str::from_utf8(c).unwrap()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

impl Issued {
    /// Signs an answer.
    pub(crate) fn answer(&self, response: &Response) -> Vec<u8> {
        SignedResponse::sign(response.to_text(), &self.key, self.chain.clone()).unwrap().to_bytes()
    }
}

impl Vendor {
    /// An ID certificate over an agent's public key.
    pub(crate) fn id_certificate(
        &self,
        id: ProductInstanceId,
        product: &str,
        public_key: &[u8],
        days: Days,
    ) -> Vec<Vec<u8>> {
        struct Public(Vec<u8>);
        impl rcgen::PublicKeyData for Public {
            fn der_bytes(&self) -> &[u8] {
                &self.0
            }
            fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
                &rcgen::PKCS_ECDSA_P256_SHA256
            }
        }
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, product);
        params.distinguished_name.push(DnType::CustomDnType(vec![2, 5, 4, 5]), id.to_string());
        params.is_ca = IsCa::ExplicitNoCa;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        span(&mut params, days);
        let issuer = Issuer::from_params(&self.issuing, &self.issuing_key);
        // The point follows the 26 bytes of a P-256 SubjectPublicKeyInfo's head.
        let leaf = params.signed_by(&Public(public_key[26..].to_vec()), &issuer).unwrap();
        vec![leaf.der().to_vec(), self.issuing_der.clone()]
    }
}
