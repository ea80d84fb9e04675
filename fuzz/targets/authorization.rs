//! The authorization code's XML, however it was wrapped and quoted: what is read is printed and read again as the same.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use seatpool_proto::code::{AuthorizationCode, UntrustedAuthorization};
use seatpool_proto::envelope::{SigningFailed, VerificationFailed};
use seatpool_proto::{Algorithm, Sha256, Signer, Verifier};

/// Takes any signature: the parser is what is looked at here.
struct Anything;

impl Verifier for Anything {
    fn verify(&self, _: &Algorithm, _: &[u8], _: &[u8], _: &[u8]) -> Result<(), VerificationFailed> {
        Ok(())
    }
}

impl Signer for Anything {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EcdsaP256Sha256
    }
    fn public_key(&self) -> &[u8] {
        &[]
    }
    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, SigningFailed> {
        Ok(vec![0; 64])
    }
}

/// The chain of the worked example.
static CHAIN: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let page = include_str!("../../docs/protocol.md");
    let (_, rest) = page.split_once("text code:first\n").expect("the page has a code");
    let text = rest.split_once("\n```").expect("it ends").0;
    UntrustedAuthorization::from_text(text).expect("the page's code").certificates
});

fn read(text: &str) -> Option<AuthorizationCode> {
    let read = UntrustedAuthorization::from_text(text).ok()?;
    let request = read.request.unwrap_or(Sha256([7; 32]));
    Some(read.verify(request, &CHAIN, &Anything).expect("any signature is taken"))
}

fuzz_target!(|text: &str| {
    let Some(code) = read(text) else { return };
    // In its wrapper, alone, and in quotation marks.
    for printed in [code.to_text(), code.to_bare_text(), format!("\u{201c}{}\u{201d}\r\n", code.to_text())] {
        let again = read(&printed).expect("what was read is printed so that it can be read");
        assert_eq!((&again.grant, &again.udi), (&code.grant, &code.udi));
        assert_eq!(again.digest(), code.digest(), "one code, one canonical text");
    }
    // A manager that issues the same grant: what it prints is what a product reads, and prints again.
    let issue = |code: &AuthorizationCode| {
        AuthorizationCode::issue(code.grant.clone(), code.udi.clone(), code.request, &Anything, CHAIN.clone())
            .expect("it signs anything")
    };
    let issued = issue(&code);
    let again = read(&issued.to_text()).expect("what is issued can be read");
    assert_eq!(again.digest(), issued.digest());
    assert_eq!(issue(&again).to_text(), issued.to_text());
});
