//! What makes a chain: anchors, purposes, dates and signatures.

use jiff::Timestamp;
use seatpool_crypto::{Anchors, ChainError, Purpose};
use seatpool_proto::ProblemCode;

use crate::protocol_page::der;

fn fixture(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../proto/tests/fixtures/certificates");
    der(&std::fs::read_to_string(format!("{folder}/{name}.pem")).unwrap())
}

fn check(chain: &[Vec<u8>], purpose: Purpose, at: &str, expected: Result<(), ProblemCode>) {
    let anchors = Anchors::new([fixture("root")]).unwrap();
    let at: Timestamp = at.parse().unwrap();
    let found = anchors.verify(chain, purpose, at).map_err(|e| e.code());
    assert_eq!(found, expected, "at {at}");
}

const NOW: &str = "2026-12-01T00:00:00Z";

#[test]
fn a_chain_is_valid_from_its_first_second_to_its_last() {
    let chain = [fixture("agent-1"), fixture("issuing")];
    check(&chain, Purpose::Agent, "2026-11-21T23:59:59Z", Err(ProblemCode::CertificateNotYetValid));
    check(&chain, Purpose::Agent, "2026-11-22T00:00:00Z", Ok(()));
    check(&chain, Purpose::Agent, "2027-11-21T23:59:59Z", Ok(()));
    check(&chain, Purpose::Agent, "2027-11-22T00:00:00Z", Err(ProblemCode::CertificateExpired));
}

#[test]
fn one_purpose_does_not_serve_another() {
    let agent = [fixture("agent-1"), fixture("issuing")];
    let manager = [fixture("signing"), fixture("issuing")];
    check(&manager, Purpose::Manager, NOW, Ok(()));
    check(&agent, Purpose::Manager, NOW, Err(ProblemCode::CertificateInvalid));
    check(&manager, Purpose::Agent, NOW, Err(ProblemCode::CertificateInvalid));
    check(&[fixture("issuing")], Purpose::Manager, NOW, Err(ProblemCode::CertificateInvalid));
}

#[test]
fn without_its_issuer_or_under_another_root_nothing_is_trusted() {
    check(&[], Purpose::Agent, NOW, Err(ProblemCode::CertificateMissing));
    check(&[fixture("agent-1")], Purpose::Agent, NOW, Err(ProblemCode::CertificateUntrusted));
    // An agent's certificate issues nothing.
    let below_a_leaf = [fixture("agent-1"), fixture("faulty-authority")];
    check(&below_a_leaf, Purpose::Agent, NOW, Err(ProblemCode::CertificateUntrusted));
    let other = Anchors::new([fixture("issuing")]).unwrap();
    assert_eq!(other.certificates().len(), 1);
    let none = Anchors::default();
    let chain = [fixture("agent-1"), fixture("issuing")];
    let found = none.verify(&chain, Purpose::Agent, NOW.parse().unwrap()).unwrap_err();
    assert!(matches!(found, ChainError::Untrusted(_)), "{found:?}");
}

#[test]
fn a_changed_byte_anywhere_in_the_leaf_is_noticed() {
    let (leaf, issuing) = (fixture("agent-1"), fixture("issuing"));
    let anchors = Anchors::new([fixture("root")]).unwrap();
    for at in 0..leaf.len() {
        let mut changed = leaf.clone();
        changed[at] ^= 0x01;
        let found = anchors.verify(&[changed, issuing.clone()], Purpose::Agent, NOW.parse().unwrap());
        assert!(found.is_err(), "byte {at}");
    }
}

#[test]
fn several_roots_are_trusted_at_once() {
    let anchors = Anchors::new([fixture("issuing"), fixture("root")]).unwrap();
    let chain = [fixture("agent-1"), fixture("issuing")];
    assert_eq!(anchors.verify(&chain, Purpose::Agent, NOW.parse().unwrap()), Ok(()));
}
