//! Forward compatibility: unknown fields are ignored, unknown words told apart from broken ones.

use proptest::prelude::*;
use seatpool_proto::message::{ResponseBody, TagStatus};
use seatpool_proto::{Algorithm, ProblemCode, Request, Response, SignedRequest, SignedResponse};
use serde_json::{Value, json};

use crate::sample;

/// `text` with an unknown field in every object.
fn with_strangers(text: &str, stranger: &Value) -> String {
    fn visit(value: &mut Value, stranger: &Value) {
        match value {
            Value::Object(fields) => {
                fields.values_mut().for_each(|field| visit(field, stranger));
                fields.insert("x-from-the-future".into(), stranger.clone());
            }
            Value::Array(items) => items.iter_mut().for_each(|item| visit(item, stranger)),
            _ => {}
        }
    }
    let mut value: Value = serde_json::from_str(text).unwrap();
    visit(&mut value, stranger);
    value.to_string()
}

fn stranger() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![json!(null), json!(1.5), json!("x"), json!([{"tag": 1}]), json!({"type": "y"})])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fields_of_requests_are_ignored(request in sample::request(), stranger in stranger()) {
        prop_assert_eq!(Request::from_text(&with_strangers(&request.to_text(), &stranger)).unwrap(), request);
    }

    #[test]
    fn fields_of_answers_are_ignored(response in sample::response(), stranger in stranger()) {
        prop_assert_eq!(Response::from_text(&with_strangers(&response.to_text(), &stranger)).unwrap(), response);
    }

    #[test]
    fn fields_of_envelopes_are_ignored(
        asked in sample::signed_request(), answered in sample::signed_response(), stranger in stranger()
    ) {
        let text = String::from_utf8(asked.to_bytes()).unwrap();
        prop_assert_eq!(SignedRequest::from_bytes(with_strangers(&text, &stranger).as_bytes()).unwrap(), asked);
        let text = String::from_utf8(answered.to_bytes()).unwrap();
        prop_assert_eq!(SignedResponse::from_bytes(with_strangers(&text, &stranger).as_bytes()).unwrap(), answered);
    }
}

fn example(name: &str) -> Value {
    let (_, text) = sample::blocks("reading").into_iter().find(|(found, _)| found == name).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn an_unknown_type_is_answered_as_such_with_its_header() {
    let mut request = example("authorization");
    request["type"] = json!("telemetry");
    let refused = Request::from_text(&request.to_string()).unwrap_err();
    assert_eq!(refused.code, ProblemCode::UnknownRequestType);
    assert!(refused.detail.contains("telemetry"), "{}", refused.detail);
    assert!(refused.header.is_some());
}

#[test]
fn another_version_is_answered_as_such_whatever_else_it_holds() {
    let request = json!({
        "version": 2, "type": "authorization", "request_id": "019ab2c0-8a10-7000-8000-000000000e01",
        "nonce": "00112233445566778899aabbccddeeff", "everything": "else changed",
    });
    let refused = Request::from_text(&request.to_string()).unwrap_err();
    assert_eq!(refused.code, ProblemCode::UnsupportedVersion);
    assert!(refused.header.is_some());
    let mut answer = example("refusal");
    answer["version"] = json!(2);
    assert!(Response::from_text(&answer.to_string()).unwrap_err().to_string().contains("version 2"));
}

#[test]
fn an_unknown_code_and_an_unknown_tag_status_are_read() {
    let mut refusal = example("refusal");
    refusal["code"] = json!("quota_of_the_future");
    let ResponseBody::Refusal(read) = Response::from_text(&refusal.to_string()).unwrap().body else {
        panic!()
    };
    assert_eq!(read.code, ProblemCode::Unknown);

    let mut answer = example("authorization-answer");
    answer["tags"][0]["status"] = json!("borrowed");
    let ResponseBody::Authorization(read) = Response::from_text(&answer.to_string()).unwrap().body else {
        panic!()
    };
    assert_eq!(read.tags[0].status, TagStatus::Invalid);
    assert_eq!(read.tags[1].status, TagStatus::OutOfCompliance);
}

#[test]
fn an_unknown_algorithm_is_kept_by_name() {
    let (_, body) = sample::blocks("body").into_iter().find(|(name, _)| name == "registration").unwrap();
    let body = body.replace("ecdsa-p256-sha256", "ml-dsa-65");
    let envelope = SignedRequest::from_bytes(body.as_bytes()).unwrap();
    assert_eq!(envelope.signature.algorithm, Algorithm::Unknown("ml-dsa-65".into()));
}
