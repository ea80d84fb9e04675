//! The codes of docs/protocol.md are real: each is what the page's keys make, and is read as what it says.

use seatpool_crypto::{Anchors, P256Key, P256ReservationKey, P256Verifier, Purpose};
use seatpool_proto::code::{
    CodeFacts, ConfirmationCode, RequestCode, ReservationKey as _, ReturnCode, Returned,
    UntrustedAuthorization,
};
use seatpool_proto::{ReservationCertificate, Sha256};

use crate::protocol_page::{blocks, der};

fn block(kind: &str, name: &str) -> String {
    blocks(kind).into_iter().find(|(found, _)| found == name).unwrap_or_else(|| panic!("no {kind}:{name}")).1
}

fn key(name: &str) -> P256ReservationKey {
    P256ReservationKey::of(&P256Key::from_pkcs8(&der(&block("code-key", name))).unwrap()).unwrap()
}

#[test]
fn every_code_of_the_page_is_made_and_read_as_it_says() {
    let request: RequestCode = block("code", "request").parse().unwrap();
    assert_eq!(request.to_string(), block("code", "request"));
    assert_eq!(request.to_spoken(), block("code", "request-spoken"));
    assert_eq!(block("code", "request-spoken").parse::<RequestCode>().unwrap(), request);
    assert_eq!(Sha256::of(block("code", "request")).to_string(), block("code", "request-sha256"));
    let (device, manager) = (key("device"), key("reservation"));
    assert_eq!(device.public_point(), request.public_key);

    let anchors = Anchors::new([der(&block("certificate", "root"))]).unwrap();
    let mut sequence = 0;
    for name in ["first", "update"] {
        let read = UntrustedAuthorization::from_text(&block("code", name)).unwrap();
        let code = read.verify(request.digest(), &read.certificates, &P256Verifier).unwrap();
        assert_eq!(code.to_text(), block("code", name));
        assert!(code.grant.sequence > sequence);
        sequence = code.grant.sequence;
        let now = "2026-11-22T00:00:00Z".parse().unwrap();
        assert_eq!(anchors.verify(&code.certificates, Purpose::Reservation, now), Ok(()));
        assert!(anchors.verify(&code.certificates, Purpose::Manager, now).is_err());
        let certificate = ReservationCertificate::from_der(&code.certificates[0]).unwrap();
        assert_eq!(certificate.public_point, manager.public_point());
    }

    let facts = CodeFacts {
        udi: request.udi.clone(),
        request: request.digest(),
        sequence,
        device: request.public_key,
        manager: manager.public_point(),
    };
    let confirmation: ConfirmationCode = block("code", "confirmation").parse().unwrap();
    assert_eq!(ConfirmationCode::make(&facts, &device), Ok(confirmation));
    assert_eq!(confirmation.check(&facts, &manager), Ok(()));
    assert_eq!(confirmation.to_spoken(), block("code", "confirmation-spoken"));
    for (name, returned) in [("return", Returned::Whole), ("return-unused", Returned::Change)] {
        let code: ReturnCode = block("code", name).parse().unwrap();
        assert_eq!(ReturnCode::make(&facts, returned, &device), Ok(code));
        assert_eq!(code.check(&facts, &manager), Ok(()));
        assert_eq!(code.to_string(), block("code", name));
    }
    let aloud: ReturnCode = block("code", "return-spoken").parse().unwrap();
    assert_eq!(aloud.to_string(), block("code", "return"));
}
