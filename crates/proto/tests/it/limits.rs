//! Everything beyond a limit is refused with `limit_exceeded` (bodies with `too_large`), at the limit taken.

use seatpool_proto::limits::*;
use seatpool_proto::message::{Refusal, ResponseBody, TagExplanation};
use seatpool_proto::{
    Nonce, ProblemCode, Quantity, Request, Response, Sha256, SignedRequest, SignedResponse, Tag, Udi,
};
use serde_json::{Value, json};

use crate::sample;

fn example(name: &str) -> Value {
    let (_, text) = sample::blocks("reading").into_iter().find(|(found, _)| found == name).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// At the limit `make` gives a request that is taken; one beyond, one refused with the limit in words.
fn check(name: &str, most: u64, make: impl Fn(&mut Value, u64)) {
    let mut request = example(name);
    make(&mut request, most);
    Request::from_text(&request.to_string()).unwrap();
    make(&mut request, most + 1);
    let refused = Request::from_text(&request.to_string()).unwrap_err();
    assert_eq!(refused.code, ProblemCode::LimitExceeded, "{}", refused.detail);
    assert!(refused.detail.ends_with(&format!("the limit is {most}")), "{}", refused.detail);
    assert!(refused.header.is_some());
}

fn x(length: u64) -> String {
    "x".repeat(length as usize)
}

#[test]
fn of_every_length_count_and_number_of_a_request() {
    check("authorization", SEQUENCE_MAX, |r, n| r["sequence"] = json!(n));
    for field in ["pid", "sn", "uuid"] {
        check("authorization", UDI_FIELD_BYTES_MAX as u64, |r, n| r["udi"][field] = json!(x(n)));
    }
    check("authorization", UNANSWERED_MAX as u64, |r, n| {
        r["unanswered"] = (0..n).map(|_| r["request_id"].clone()).collect();
    });
    check("registration", TOKEN_CHARS_MAX as u64, |r, n| r["token"] = json!(x(n)));
    check("registration", HOST_NAME_BYTES_MAX as u64, |r, n| r["host_name"] = json!(x(n)));
    for field in ["name", "type", "version"] {
        check("registration", PRODUCT_FIELD_BYTES_MAX as u64, |r, n| r["product"][field] = json!(x(n)));
    }
    check("authorization", TAG_BYTES_MAX as u64, |r, n| r["usage"][0]["tag"] = json!(x(n)));
    check("authorization", TAG_BYTES_MAX as u64, |r, n| r["families"][0]["family"] = json!(x(n)));
    check("authorization", TAG_BYTES_MAX as u64, |r, n| r["families"][0]["tiers"][0]["tag"] = json!(x(n)));
    for field in ["peak", "locked"] {
        check("authorization", QUANTITY_MAX, |r, n| r["usage"][0][field] = json!(n));
    }
    for field in ["cumulative_peak", "locked"] {
        check("authorization", QUANTITY_MAX, |r, n| r["families"][0]["tiers"][1][field] = json!(n));
    }
    check("authorization", REPORT_TAGS_MAX as u64, |r, n| {
        r["families"] = json!([]);
        r["usage"] = (0..n).map(|i| json!({"tag": format!("T{i}"), "peak": 1})).collect();
    });
    let tier = |i| json!({"tag": format!("T{i}"), "cumulative_peak": i});
    check("authorization", FAMILY_TIERS_MAX as u64, |r, n| {
        r["families"][0]["tiers"] = (0..n).map(tier).collect();
    });
    check("authorization", REPORT_FAMILIES_MAX as u64, |r, n| {
        r["families"] = (0..n).map(|i| json!({"family": format!("F{i}"), "tiers": [tier(i)]})).collect();
    });
    // Tags that stand in a family alone count too: an answer has a line for each.
    check("authorization", REPORT_TAGS_MAX as u64, |r, n| {
        r["usage"] = (0..n - 10).map(|i| json!({"tag": format!("U{i}"), "peak": 1})).collect();
        r["families"] = json!([{"family": "F", "tiers": (0..10).map(tier).collect::<Vec<_>>()}]);
    });
}

#[test]
fn of_public_keys() {
    use base64::Engine as _;
    for name in ["registration", "id-certificate-renewal"] {
        check(name, PUBLIC_KEY_BYTES_MAX as u64, |r, n| {
            let bytes = vec![0_u8; n as usize];
            r["public_key"] = json!(base64::engine::general_purpose::STANDARD.encode(bytes));
        });
    }
}

#[test]
fn numbers_beyond_64_bits_are_above_their_limit_too() {
    for figure in ["18446744073709551616", "1e300"] {
        let text = example("authorization").to_string().replace("\"peak\":12", &format!("\"peak\":{figure}"));
        assert_eq!(Request::from_text(&text).unwrap_err().code, ProblemCode::LimitExceeded, "{figure}");
    }
    for figure in ["-1", "1.5", "\"12\""] {
        let text = example("authorization").to_string().replace("\"peak\":12", &format!("\"peak\":{figure}"));
        assert_eq!(Request::from_text(&text).unwrap_err().code, ProblemCode::Malformed, "{figure}");
    }
}

#[test]
fn of_envelopes() {
    let (_, body) = sample::blocks("body").into_iter().find(|(name, _)| name == "re-registration").unwrap();
    let envelope = SignedRequest::from_bytes(body.as_bytes()).unwrap();
    let check = |change: &dyn Fn(&mut SignedRequest, usize), most: usize| {
        let mut changed = envelope.clone();
        change(&mut changed, most);
        SignedRequest::from_bytes(&changed.to_bytes()).unwrap();
        change(&mut changed, most + 1);
        let refused = SignedRequest::from_bytes(&changed.to_bytes()).unwrap_err();
        assert_eq!(refused.code, ProblemCode::LimitExceeded, "{}", refused.detail);
    };
    check(&|e, n| e.signature.value = vec![0; n], SIGNATURE_BYTES_MAX);
    check(&|e, n| e.signature.certificates = vec![vec![0]; n], CHAIN_CERTIFICATES_MAX);
    check(&|e, n| e.signature.certificates = vec![vec![0; n]], CERTIFICATE_BYTES_MAX);
    check(&|e, n| e.co_signature.as_mut().unwrap().value = vec![0; n], SIGNATURE_BYTES_MAX);
    check(&|e, n| e.co_signature.as_mut().unwrap().certificates = vec![vec![0; n]], CERTIFICATE_BYTES_MAX);
}

#[test]
fn of_bodies() {
    let (_, body) = sample::blocks("body").into_iter().find(|(name, _)| name == "registration").unwrap();
    let mut bytes = body.into_bytes();
    bytes.resize(MESSAGE_BYTES_MAX, b' ');
    SignedRequest::from_bytes(&bytes).unwrap();
    bytes.push(b' ');
    assert_eq!(SignedRequest::from_bytes(&bytes).unwrap_err().code, ProblemCode::TooLarge);
    assert_eq!(SignedResponse::from_bytes(&bytes).unwrap_err().code, ProblemCode::TooLarge);
}

#[test]
fn a_refusal_that_quotes_its_sender_can_still_be_read() {
    let mut request = example("authorization");
    request["type"] = json!("\"é".repeat(10_000));
    let refused = Request::from_text(&request.to_string()).unwrap_err();
    for detail in [refused.detail, "é".repeat(5000), "\u{1}".repeat(5000)] {
        let refusal = Refusal::new(ProblemCode::UnknownRequestType, detail);
        assert!(refusal.message.len() <= TEXT_BYTES_MAX);
        assert!(refusal.message.ends_with('…'));
    }
}

#[test]
fn words_of_every_code_are_within_the_limit() {
    for code in ProblemCode::ALL {
        let refusal = Refusal::new(*code, "");
        assert!(refusal.message.len() <= TEXT_BYTES_MAX && refusal.action.len() <= TEXT_BYTES_MAX);
    }
}

#[test]
fn an_answer_may_tell_sums_above_the_largest_quantity() {
    let mut answer = example("authorization-answer");
    answer["tags"][0]["owned"] = json!(QUANTITY_MAX * 3);
    answer["tags"][1]["short"] = json!(QUANTITY_MAX * 2);
    let ResponseBody::Authorization(read) = Response::from_text(&answer.to_string()).unwrap().body else {
        panic!()
    };
    assert_eq!(read.tags[0].owned, Quantity::of(QUANTITY_MAX * 3));
    assert_eq!(read.tags[1].short, Quantity::of(QUANTITY_MAX * 2));
}

#[test]
fn an_answer_beyond_its_limits_is_refused() {
    let mut answer = example("authorization-answer");
    let tag = answer["tags"][0].clone();
    answer["tags"] = vec![tag.clone(); ANSWER_TAGS_MAX].into();
    Response::from_text(&answer.to_string()).unwrap();
    answer["tags"] = vec![tag; ANSWER_TAGS_MAX + 1].into();
    assert!(Response::from_text(&answer.to_string()).is_err());
    let mut answer = example("authorization-answer");
    let mut explained = |explanation: Value| {
        answer["tags"][0]["explanation"] = explanation;
        Response::from_text(&answer.to_string()).is_ok()
    };
    let line = "x".repeat(EXPLANATION_LINE_BYTES_MAX);
    assert!(explained(json!({ "why": vec![line.clone(); EXPLANATION_LINES_MAX] })));
    assert!(!explained(json!({ "why": vec!["x"; EXPLANATION_LINES_MAX + 1] })));
    assert!(!explained(json!({ "why": [], "next": [{ "what": format!("{line}x") }] })));
    assert!(!explained(json!({ "why": [], "what_to_do": vec!["x"; EXPLANATION_LINES_MAX + 1] })));
    let long = TagExplanation {
        why: vec!["x".repeat(EXPLANATION_LINE_BYTES_MAX + 9); EXPLANATION_LINES_MAX + 9],
        ..TagExplanation::default()
    };
    assert!(explained(serde_json::to_value(long.shortened()).unwrap()));
    let mut answer = example("authorization-answer");
    let mut tag = answer["tags"][0].clone();
    tag["explanation"] = json!({ "why": ["x"] });
    answer["tags"] = vec![tag.clone(); EXPLAINED_TAGS_MAX].into();
    Response::from_text(&answer.to_string()).unwrap();
    answer["tags"] = vec![tag; EXPLAINED_TAGS_MAX + 1].into();
    assert!(Response::from_text(&answer.to_string()).is_err());
    let mut answer = example("registration-answer");
    answer["certificate"]["certificates"] = vec!["AAAA"; CHAIN_CERTIFICATES_MAX + 1].into();
    assert!(Response::from_text(&answer.to_string()).is_err());
}

#[test]
fn what_contradicts_itself_is_malformed_and_says_where() {
    let refused = |name: &str, change: &dyn Fn(&mut Value)| {
        let mut request = example(name);
        change(&mut request);
        let refused = Request::from_text(&request.to_string()).unwrap_err();
        assert_eq!(refused.code, ProblemCode::Malformed, "{}", refused.detail);
        assert!(refused.header.is_some());
        refused.detail
    };
    let without = |field: &'static str| move |r: &mut Value| drop(r.as_object_mut().unwrap().remove(field));
    for name in ["authorization", "authorization-renewal", "id-certificate-renewal", "deregistration"] {
        for field in ["account_id", "product_instance_id"] {
            assert!(refused(name, &without(field)).contains(field));
        }
    }
    let doubled = |field: &'static str| {
        move |r: &mut Value| {
            let first = r[field][0].clone();
            r[field].as_array_mut().unwrap().push(first);
        }
    };
    assert!(refused("authorization", &doubled("usage")).contains("CCX_FLEX_PREMIUM twice"));
    assert!(refused("authorization", &doubled("families")).contains("ccx-flex twice"));
    let fall = |r: &mut Value| r["families"][0]["tiers"][1]["cumulative_peak"] = json!(11);
    assert!(refused("authorization", &fall).contains("cumulative_peak of CCX_FLEX_STANDARD"));
    for text in ["", " ", "a\nb", "\u{1b}[31m"] {
        for field in ["name", "type", "version"] {
            assert!(refused("registration", &|r| r["product"][field] = json!(text)).contains(field));
        }
        assert!(refused("registration", &|r| r["host_name"] = json!(text)).contains("host_name"));
    }
}

#[test]
fn short_forms_are_refused_one_character_off() {
    for length in [0, 31, 33] {
        assert!("0".repeat(length).parse::<Nonce>().is_err());
        assert!("0".repeat(2 * length).parse::<Sha256>().is_err());
    }
    for text in ["+f".repeat(32), "0x".repeat(32), "é".repeat(32), " 0".repeat(32)] {
        assert!(text.parse::<Sha256>().is_err(), "{text}");
        assert!(text[..32].parse::<Nonce>().is_err(), "{text}");
    }
    for text in ["", "a b", "a\"b", "é", "a\n", &x(129)] {
        assert!(text.parse::<Tag>().is_err(), "{text}");
        assert!(Udi::new(text, "sn", None).is_err() || text == "a\"b", "{text}");
    }
    for text in ["a:b", "a;b", "a,b", "a b", "\u{7f}"] {
        assert!(Udi::new("pid", text, None).is_err(), "{text}");
    }
}
