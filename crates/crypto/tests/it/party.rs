//! The parties to codes carried by hand: managers with a chain each, and devices.

use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use seatpool_crypto::{Anchors, P256Key, P256ReservationKey};
use seatpool_proto::code::{
    AuthorizationCode, CodeFacts, Entitlement, Grant, RequestCode, ReservationKey as _, ReservationKind,
};
use seatpool_proto::{Quantity, Sha256, Udi};

pub(crate) struct Manager {
    pub(crate) key: P256Key,
    pub(crate) agreement: P256ReservationKey,
    pub(crate) chain: Vec<Vec<u8>>,
    pub(crate) anchors: Anchors,
}

impl Manager {
    pub(crate) fn new() -> Self {
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
        let leaf_key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let mut leaf = CertificateParams::new(Vec::new()).unwrap();
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::Other(vec![1, 3, 6, 1, 5, 5, 7, 3, 36])];
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyAgreement];
        leaf.not_before = rcgen::date_time_ymd(2026, 1, 1);
        leaf.not_after = rcgen::date_time_ymd(2028, 1, 1);
        let leaf =
            leaf.signed_by(&leaf_key, &Issuer::from_params(&issuing, &issuing_key)).unwrap().der().to_vec();
        let key = P256Key::from_pkcs8(&leaf_key.serialize_der()).unwrap();
        Self {
            agreement: P256ReservationKey::of(&key).unwrap(),
            key,
            chain: vec![leaf, issuing_der],
            anchors: Anchors::new([root_der]).unwrap(),
        }
    }

    /// A code for a request, made at `sequence`.
    pub(crate) fn authorize(&self, request: &RequestCode, sequence: u64) -> AuthorizationCode {
        let grant = grant(request.kind, sequence);
        AuthorizationCode::issue(grant, request.udi.clone(), request.digest(), &self.key, self.chain.clone())
            .unwrap()
    }
}

impl Manager {
    /// A code for a request whose entitlements are described so.
    pub(crate) fn with_texts(&self, request: &RequestCode, texts: &[String]) -> AuthorizationCode {
        let mut grant = grant(request.kind, 5);
        let first = grant.entitlements[0].clone();
        grant.entitlements =
            texts.iter().map(|text| Entitlement { tag_description: text.clone(), ..first.clone() }).collect();
        AuthorizationCode::issue(grant, request.udi.clone(), request.digest(), &self.key, self.chain.clone())
            .unwrap()
    }
}

pub(crate) struct Device {
    pub(crate) key: P256ReservationKey,
    pub(crate) request: RequestCode,
}

impl Device {
    pub(crate) fn new(sn: &str) -> Self {
        Self::with(Udi::new("UCM", sn, Some("d9a2c661-8fe1-4ce7-9e6f-bbc68a3edb16".into())).unwrap())
    }

    pub(crate) fn with(udi: Udi) -> Self {
        let key = P256ReservationKey::of(&P256Key::generate().unwrap()).unwrap();
        let request = RequestCode {
            udi,
            kind: ReservationKind::Specific,
            public_key: key.public_point(),
            nonce: seatpool_crypto::random_bytes(),
        };
        Self { key, request }
    }

    pub(crate) fn facts(&self, manager: &Manager, sequence: u64) -> CodeFacts {
        CodeFacts {
            udi: self.request.udi.clone(),
            request: self.request.digest(),
            sequence,
            device: self.request.public_key,
            manager: manager.agreement.public_point(),
        }
    }
}

pub(crate) fn now() -> Timestamp {
    "2026-11-22T00:00:00Z".parse().unwrap()
}

pub(crate) fn grant(kind: ReservationKind, sequence: u64) -> Grant {
    Grant {
        kind,
        product_instance_id: "6191f5e5-319e-41ff-abba-b220ea4b2e1f".parse().unwrap(),
        sequence,
        entitlements: vec![
            Entitlement {
                tag: "regid.2017-02.com.cisco.UCM_CUWL,12.0_cc59375a-1cd8-4b36-8366-6f42abba905a"
                    .parse()
                    .unwrap(),
                count: Quantity::of(3),
                start: Some("2020-Mar-04 UTC".parse().unwrap()),
                end: Some("2020-Aug-31 UTC".parse().unwrap()),
                license_type: "TERM".into(),
                display_name: "UC Manager \"CUWL\" License (12.X) & more".into(),
                tag_description: "UC Manager CUWL License".into(),
                subscription_id: String::new(),
            },
            Entitlement {
                tag: "UCM_ENHANCED".parse().unwrap(),
                count: Quantity::of(1),
                start: None,
                end: None,
                license_type: "PERPETUAL".into(),
                display_name: "UC Manager Enhanced License (12.X)".into(),
                tag_description: String::new(),
                subscription_id: "Sub1".into(),
            },
        ],
    }
}

/// A digest of nothing that was ever requested.
pub(crate) fn unrelated() -> Sha256 {
    Sha256::of("unrelated")
}
