//! What is written is read back the same, and written again as the very same bytes.

use proptest::prelude::*;
use seatpool_proto::message::{Product, Registration};
use seatpool_proto::{Request, RequestBody, Response, SignedRequest, SignedResponse, TimeLapse};

use crate::sample;

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn of_requests(request in sample::request()) {
        let text = request.to_text();
        let again = Request::from_text(&text).unwrap();
        prop_assert_eq!(again.to_text(), text);
        prop_assert_eq!(again, request);
    }

    #[test]
    fn of_answers(response in sample::response()) {
        let text = response.to_text();
        let again = Response::from_text(&text).unwrap();
        prop_assert_eq!(again.to_text(), text);
        prop_assert_eq!(again, response);
    }

    #[test]
    fn of_request_envelopes(envelope in sample::signed_request()) {
        let bytes = envelope.to_bytes();
        let again = SignedRequest::from_bytes(&bytes).unwrap();
        prop_assert_eq!(again.to_bytes(), bytes);
        prop_assert_eq!(again, envelope);
    }

    #[test]
    fn of_answer_envelopes(envelope in sample::signed_response()) {
        let bytes = envelope.to_bytes();
        let again = SignedResponse::from_bytes(&bytes).unwrap();
        prop_assert_eq!(again.to_bytes(), bytes);
        prop_assert_eq!(again, envelope);
    }

    #[test]
    fn of_time_lapses(factor in 1..=seatpool_proto::time_lapse::FACTOR_MAX, anchor in sample::instant()) {
        let text = TimeLapse::new(factor, anchor).unwrap().to_string();
        prop_assert_eq!(text.parse::<TimeLapse>().unwrap().to_string(), text);
    }

    #[test]
    fn of_tags(tag in sample::tag()) {
        let json = serde_json::to_string(&tag).unwrap();
        prop_assert_eq!(serde_json::from_str::<seatpool_proto::Tag>(&json).unwrap(), tag);
    }
}

#[test]
fn debug_output_of_a_registration_does_not_show_its_token() {
    let body = RequestBody::Registration(Registration {
        token: "Zm9vYmFyYmF6".to_owned(),
        public_key: vec![1, 2],
        force: true,
        product: Product { name: "Unified CCX".to_owned(), kind: "unified-ccx".to_owned(), version: None },
        host_name: Some("ccx1".to_owned()),
    });
    let shown = format!("{body:?}");
    assert!(!shown.contains("Zm9v"), "{shown}");
    for part in ["token: \"…\"", "[1, 2]", "force: true", "Unified CCX", "ccx1"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}
