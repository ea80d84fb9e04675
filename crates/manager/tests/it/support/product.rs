//! A product that is never in contact: its side of the codes that people carry.

use seatpool_crypto::{P256Key, P256ReservationKey, P256Verifier};
use seatpool_proto::Udi;
use seatpool_proto::certificate::ReservationCertificate;
use seatpool_proto::code::{
    AuthorizationCode, CodeFacts, ConfirmationCode, RequestCode, ReservationKey as _, ReservationKind,
    ReturnCode, Returned, UntrustedAuthorization,
};

pub(crate) struct Product {
    key: P256ReservationKey,
    pub(crate) request: RequestCode,
}

impl Product {
    /// One that asks for chosen licences.
    pub(crate) fn new(sn: &str) -> Self {
        Self::of_kind(sn, ReservationKind::Specific)
    }

    pub(crate) fn of_kind(sn: &str, kind: ReservationKind) -> Self {
        let key = P256ReservationKey::of(&P256Key::generate().unwrap()).unwrap();
        let request = RequestCode {
            udi: Udi::new("UCCX", sn, None).unwrap(),
            kind,
            public_key: key.public_point(),
            nonce: seatpool_crypto::random_bytes(),
        };
        Self { key, request }
    }

    /// The code that a person brought: whole, signed, and for this product.
    pub(crate) fn install(&self, text: &str) -> AuthorizationCode {
        let code = UntrustedAuthorization::from_text(text).unwrap();
        assert_eq!(code.udi, self.request.udi);
        let chain = code.certificates.clone();
        code.verify(self.request.digest(), &chain, &P256Verifier).unwrap()
    }

    fn facts(&self, code: &AuthorizationCode) -> CodeFacts {
        CodeFacts {
            udi: self.request.udi.clone(),
            request: self.request.digest(),
            sequence: code.grant.sequence,
            device: self.request.public_key,
            manager: ReservationCertificate::from_der(&code.certificates[0]).unwrap().public_point,
        }
    }

    /// What it prints when it installed this code over an older one.
    pub(crate) fn confirmation(&self, code: &AuthorizationCode) -> ConfirmationCode {
        ConfirmationCode::make(&self.facts(code), &self.key).unwrap()
    }

    /// What it prints when it gives this code back.
    pub(crate) fn return_code(&self, code: &AuthorizationCode, returned: Returned) -> ReturnCode {
        ReturnCode::make(&self.facts(code), returned, &self.key).unwrap()
    }
}
