//! No parser panics, whatever it is given.

use proptest::collection::vec;
use proptest::prelude::*;
use seatpool_proto::certificate::serial_text;
use seatpool_proto::{
    AccountId, Family, IdCertificate, Nonce, ProblemCode, Request, Response, Sha256, SignedRequest,
    SignedResponse, Tag, TimeLapse, Udi,
};

use crate::sample;

const CASES: u32 = 2000;

/// Gives `bytes` to every parser; where one accepts them, what it read can be written and read again.
fn feed(bytes: &[u8]) -> Result<(), TestCaseError> {
    if let Ok(envelope) = SignedRequest::from_bytes(bytes) {
        prop_assert_eq!(&SignedRequest::from_bytes(&envelope.to_bytes()).unwrap(), &envelope);
        feed_text(&envelope.request)?;
    }
    if let Ok(envelope) = SignedResponse::from_bytes(bytes) {
        prop_assert_eq!(&SignedResponse::from_bytes(&envelope.to_bytes()).unwrap(), &envelope);
        feed_text(&envelope.response)?;
    }
    let _ = IdCertificate::from_der(bytes);
    let _ = serial_text(bytes);
    feed_text(&String::from_utf8_lossy(bytes))
}

fn feed_text(text: &str) -> Result<(), TestCaseError> {
    match Request::from_text(text) {
        Ok(request) => prop_assert_eq!(Request::from_text(&request.to_text()).unwrap(), request),
        Err(refused) => {
            prop_assert!(!refused.detail.is_empty());
            prop_assert!(refused.detail.len() <= seatpool_proto::limits::TEXT_BYTES_MAX);
            let codes = [
                ProblemCode::Malformed,
                ProblemCode::LimitExceeded,
                ProblemCode::UnsupportedVersion,
                ProblemCode::UnknownRequestType,
            ];
            prop_assert!(codes.contains(&refused.code));
        }
    }
    if let Ok(response) = Response::from_text(text) {
        prop_assert_eq!(Response::from_text(&response.to_text()).unwrap(), response);
    }
    macro_rules! round_trips {
        ($($kind:ty),*) => {$(
            if let Ok(value) = text.parse::<$kind>() {
                prop_assert_eq!(value.to_string().parse::<$kind>().unwrap(), value);
            }
        )*};
    }
    round_trips!(Tag, Family, Nonce, Sha256, TimeLapse, AccountId);
    if let Ok(udi) = Udi::new(text, text, Some(text.to_owned())) {
        prop_assert_eq!(serde_json::from_str::<Udi>(&serde_json::to_string(&udi).unwrap()).unwrap(), udi);
    }
    Ok(())
}

fn example_bodies() -> Vec<Vec<u8>> {
    sample::blocks("body").into_iter().map(|(_, body)| body.into_bytes()).collect()
}

fn example_texts() -> Vec<Vec<u8>> {
    let mut texts = Vec::new();
    for (_, body) in sample::blocks("body") {
        if let Ok(envelope) = SignedRequest::from_bytes(body.as_bytes()) {
            texts.push(envelope.request.into_bytes());
        } else {
            texts.push(SignedResponse::from_bytes(body.as_bytes()).unwrap().response.into_bytes());
        }
    }
    texts
}

fn certificates() -> Vec<Vec<u8>> {
    ["agent-1", "agent-2", "signing", "issuing", "root"].map(sample::certificate).to_vec()
}

fn short_forms() -> Vec<Vec<u8>> {
    [
        "CCX_FLEX_PREMIUM",
        "000102030405060708090a0b0c0d0e0f",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "180@2026-11-22T00:00:00Z",
        "019ab2c0-8a10-7000-8000-0000000000a1",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn on_arbitrary_bytes(bytes in vec(any::<u8>(), 0..600)) {
        feed(&bytes)?;
    }

    #[test]
    fn on_arbitrary_text(text in "\\PC{0,200}") {
        feed(text.as_bytes())?;
    }

    #[test]
    fn on_mutated_bodies(bytes in sample::mutated(example_bodies())) {
        feed(&bytes)?;
    }

    #[test]
    fn on_mutated_messages(bytes in sample::mutated(example_texts())) {
        feed_text(&String::from_utf8_lossy(&bytes))?;
    }

    #[test]
    fn on_mutated_certificates(bytes in sample::mutated(certificates())) {
        let _ = IdCertificate::from_der(&bytes);
    }

    #[test]
    fn on_mutated_short_forms(bytes in sample::mutated(short_forms())) {
        feed_text(&String::from_utf8_lossy(&bytes))?;
    }
}

#[test]
fn on_deep_nesting() {
    for open in ["[", "{\"a\":"] {
        let deep = open.repeat(10_000);
        assert_eq!(SignedRequest::from_bytes(deep.as_bytes()).unwrap_err().code, ProblemCode::Malformed);
        assert_eq!(Request::from_text(&deep).unwrap_err().code, ProblemCode::Malformed);
        assert!(Response::from_text(&deep).is_err());
    }
}
