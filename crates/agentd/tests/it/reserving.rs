//! A manager that makes authorization codes, for tests without one.

use seatpool_crypto::P256ReservationKey;
use seatpool_proto::code::{
    AuthorizationCode, CodeFacts, Entitlement, Grant, RequestCode, ReservationKey as _, ReservationKind,
};
use seatpool_proto::{ProductInstanceId, Quantity};
use uuid::Uuid;

use crate::vendor::{Issued, Vendor, YEAR};

pub(crate) struct Desk {
    issued: Issued,
    pub(crate) key: P256ReservationKey,
}

impl Desk {
    pub(crate) fn new(vendor: &Vendor) -> Self {
        Self::of(vendor.reservation(YEAR))
    }

    pub(crate) fn of(issued: Issued) -> Self {
        let key = P256ReservationKey::of(&issued.key).unwrap();
        Self { issued, key }
    }

    /// A code for a request, made at `sequence`, with entitlements as `TAG count [start end]`.
    pub(crate) fn authorize(
        &self,
        request: &RequestCode,
        sequence: u64,
        entitlements: &[&str],
    ) -> AuthorizationCode {
        let grant = Grant {
            kind: request.kind,
            product_instance_id: ProductInstanceId(Uuid::from_u128(7)),
            sequence,
            entitlements: entitlements.iter().map(|text| entitlement(text)).collect(),
        };
        self.sign(request, grant)
    }

    pub(crate) fn sign(&self, request: &RequestCode, grant: Grant) -> AuthorizationCode {
        let (udi, digest) = (request.udi.clone(), request.digest());
        AuthorizationCode::issue(grant, udi, digest, &self.issued.key, self.issued.chain.clone()).unwrap()
    }

    pub(crate) fn facts(&self, request: &RequestCode, sequence: u64) -> CodeFacts {
        CodeFacts {
            udi: request.udi.clone(),
            request: request.digest(),
            sequence,
            device: request.public_key,
            manager: self.key.public_point(),
        }
    }
}

pub(crate) fn entitlement(text: &str) -> Entitlement {
    let words: Vec<&str> = text.split(' ').collect();
    let date = |at: usize| words.get(at).map(|day| format!("{day} UTC").parse().unwrap());
    Entitlement {
        tag: words[0].parse().unwrap(),
        count: Quantity::of(words[1].parse().unwrap()),
        start: date(2),
        end: date(3),
        license_type: if words.len() > 2 { "TERM" } else { "PERPETUAL" }.to_owned(),
        display_name: format!("License {}", words[0]),
        tag_description: "A license".to_owned(),
        subscription_id: String::new(),
    }
}

pub(crate) const SPECIFIC: ReservationKind = ReservationKind::Specific;
pub(crate) const UNIVERSAL: ReservationKind = ReservationKind::Universal;
