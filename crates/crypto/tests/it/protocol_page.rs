//! Every example of docs/protocol.md is real: its signatures verify under the page's own keys and chains,
//! its hashes follow one another, and each message is written again as the very same bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use seatpool_crypto::{Anchors, P256Key, P256Verifier, Purpose};
use seatpool_proto::message::IssuedCertificate;
use seatpool_proto::{
    IdCertificate, Request, RequestBody, RequestId, Response, ResponseBody, Sha256, Signature, SignedRequest,
    SignedResponse, Signer as _, Verifier as _,
};

const PAGE: &str = include_str!("../../../../docs/protocol.md");

/// The page's blocks of one kind, in order: (name, content).
pub(crate) fn blocks(kind: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut lines = PAGE.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let content: Vec<_> = lines.by_ref().take_while(|line| !line.starts_with("```")).collect();
        let named = info.split_once(' ').and_then(|(_, name)| name.strip_prefix(kind)?.strip_prefix(':'));
        if let Some(name) = named {
            found.push((name.to_owned(), content.join("\n")));
        }
    }
    found
}

pub(crate) fn der(pem: &str) -> Vec<u8> {
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    STANDARD.decode(body).unwrap()
}

fn block(kind: &str, name: &str) -> String {
    blocks(kind).into_iter().find(|(found, _)| found == name).unwrap().1
}

fn page_anchors() -> Anchors {
    Anchors::new([der(&block("certificate", "root"))]).unwrap()
}

fn page_key(name: &str) -> P256Key {
    P256Key::from_pkcs8(&der(&block("key", name))).unwrap()
}

enum Message {
    Request(Box<(SignedRequest, Request)>),
    Answer(Box<(SignedResponse, Response)>),
}

/// All examples, each shown to be written again as its very bytes.
fn messages() -> Vec<(String, Message)> {
    let reading = blocks("reading");
    let bodies = blocks("body");
    assert_eq!(reading.len(), bodies.len());
    let read = |((name, body), (_, shown)): ((String, String), (String, String))| {
        let is_request = body.starts_with("{\"request\":");
        let (text, message) = if is_request {
            let envelope = SignedRequest::from_bytes(body.as_bytes()).unwrap();
            assert_eq!(envelope.to_bytes(), body.as_bytes(), "{name}");
            let request = Request::from_text(&envelope.request).unwrap();
            assert_eq!(request.to_text(), envelope.request, "{name}");
            (envelope.request.clone(), Message::Request(Box::new((envelope, request))))
        } else {
            let envelope = SignedResponse::from_bytes(body.as_bytes()).unwrap();
            assert_eq!(envelope.to_bytes(), body.as_bytes(), "{name}");
            let response = Response::from_text(&envelope.response).unwrap();
            assert_eq!(response.to_text(), envelope.response, "{name}");
            (envelope.response.clone(), Message::Answer(Box::new((envelope, response))))
        };
        let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(json(&shown), json(&text), "{name}: shown for reading is what was signed");
        (name, message)
    };
    bodies.into_iter().zip(reading).map(read).collect()
}

fn verify(signature: &Signature, key: &[u8], text: &str) {
    P256Verifier.verify(&signature.algorithm, key, text.as_bytes(), &signature.value).unwrap();
    let altered = format!("{text} ");
    P256Verifier.verify(&signature.algorithm, key, altered.as_bytes(), &signature.value).unwrap_err();
}

/// The certificate whose key made the signature, its chain checked at `now`.
fn verify_by_certificate(signature: &Signature, text: &str, now: Timestamp) -> IdCertificate {
    page_anchors().verify(&signature.certificates, Purpose::Agent, now).unwrap();
    let leaf = IdCertificate::from_der(&signature.certificates[0]).unwrap();
    verify(signature, &leaf.public_key, text);
    leaf
}

#[test]
fn there_is_one_of_every_message() {
    let names: Vec<_> = messages().into_iter().map(|(name, _)| name).collect();
    let expected = [
        "registration",
        "registration-answer",
        "authorization",
        "authorization-answer",
        "skewed",
        "refusal",
        "id-certificate-renewal",
        "id-certificate-renewal-answer",
        "authorization-renewal",
        "authorization-renewal-answer",
        "re-registration",
        "re-registration-answer",
        "deregistration",
        "deregistration-answer",
    ];
    assert_eq!(names, expected);
}

#[test]
fn every_request_is_signed_as_the_page_says() {
    for (name, message) in messages() {
        let Message::Request(message) = message else { continue };
        let (envelope, request) = *message;
        // The one whose clock was wrong is judged by the manager's clock.
        let now = if name == "skewed" { "2026-11-22T11:00:00Z".parse().unwrap() } else { request.sent_at };
        let text = &envelope.request;
        match &request.body {
            RequestBody::Registration(body) => {
                assert!(envelope.signature.certificates.is_empty(), "{name}");
                verify(&envelope.signature, &body.public_key, text);
                if let Some(proof) = &envelope.co_signature {
                    let older = verify_by_certificate(proof, text, now);
                    assert_eq!(Some(older.product_instance_id), request.product_instance_id);
                }
            }
            body => {
                let leaf = verify_by_certificate(&envelope.signature, text, now);
                assert_eq!(Some(leaf.product_instance_id), request.product_instance_id, "{name}");
                if let RequestBody::IdCertificateRenewal(renewal) = body {
                    assert_ne!(renewal.public_key, leaf.public_key);
                    let co_signature = envelope.co_signature.as_ref().unwrap();
                    assert!(co_signature.certificates.is_empty());
                    verify(co_signature, &renewal.public_key, text);
                }
            }
        }
    }
}

#[test]
fn every_answer_is_signed_by_the_manager_and_bound_to_its_request() {
    let messages = messages();
    for pair in messages.chunks(2) {
        let [(name, Message::Request(asked)), (_, Message::Answer(answered))] = pair else {
            panic!("requests and answers take turns")
        };
        let (request, (envelope, answer)) = (&asked.1, answered.as_ref());
        let chain = &envelope.signature.certificates;
        page_anchors().verify(chain, Purpose::Manager, answer.signed_at).unwrap();
        page_anchors().verify(chain, Purpose::Agent, answer.signed_at).unwrap_err();
        verify(&envelope.signature, page_key("signing").public_key(), &envelope.response);
        assert_eq!((answer.request_id, answer.nonce), (request.request_id, request.nonce), "{name}");
        if let Some(issued) = issued(answer) {
            page_anchors().verify(&issued.certificates, Purpose::Agent, answer.signed_at).unwrap();
            let leaf = IdCertificate::from_der(&issued.certificates[0]).unwrap();
            assert_eq!(leaf.not_after, issued.expires_at, "{name}");
            assert!(answer.signed_at < issued.renew_at && issued.renew_at < issued.expires_at);
            let asked_for = match &request.body {
                RequestBody::Registration(body) => &body.public_key,
                RequestBody::IdCertificateRenewal(body) => &body.public_key,
                _ => panic!("{name} asks for no certificate"),
            };
            assert_eq!(&leaf.public_key, asked_for, "{name}");
        }
    }
}

#[test]
fn the_examples_are_one_conversation() {
    let (mut sequence, mut last_answer) = (0, None);
    let mut seen = std::collections::BTreeSet::<RequestId>::new();
    for (name, message) in messages() {
        match message {
            Message::Request(asked) => {
                let request = asked.1;
                assert!(request.sequence > sequence, "{name}");
                assert!(seen.insert(request.request_id), "{name}");
                assert_eq!(request.last_answer, last_answer, "{name}");
                sequence = request.sequence;
            }
            Message::Answer(answered) => {
                let (envelope, answer) = *answered;
                if answer.is_success() {
                    assert_eq!(answer.sequence, sequence, "{name}");
                    last_answer = Some(Sha256::of(&envelope.response));
                } else {
                    assert!(answer.sequence < sequence, "{name}");
                }
            }
        }
    }
}

fn issued(answer: &Response) -> Option<&IssuedCertificate> {
    match &answer.body {
        ResponseBody::Registration(made) => Some(&made.certificate),
        ResponseBody::IdCertificateRenewal(issued) => Some(issued),
        _ => None,
    }
}

#[test]
fn the_keys_on_the_page_are_those_of_the_fixtures() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../proto/tests/fixtures");
    for (kind, kinds) in [("key", "keys"), ("certificate", "certificates")] {
        for (name, pem) in blocks(kind) {
            let stored = std::fs::read_to_string(format!("{folder}/{kinds}/{name}.pem")).unwrap();
            assert_eq!(stored.trim_end(), pem, "{kind} {name}");
        }
    }
}
