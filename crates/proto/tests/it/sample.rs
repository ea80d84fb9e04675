//! Messages to start from: arbitrary valid ones, and the page's examples as mutation seeds.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use seatpool_proto::message::{
    Authorization, AuthorizationRequest, AuthorizationStatus, Deregistered, FamilyUsage, Home,
    IdCertificateRenewalRequest, Interval, IssuedCertificate, Product, Refusal, Registered, Registration,
    TagAnswer, TagComing, TagExplanation, TagStatus, TagUsage, TierUsage, VERSION,
};
use seatpool_proto::{
    Algorithm, Family, Nonce, ProblemCode, Quantity, Request, RequestBody, RequestId, Response, ResponseBody,
    Sha256, Signature, SignedRequest, SignedResponse, Tag, Udi, limits,
};
use uuid::Uuid;

/// The page, which holds an example of every message.
pub(crate) const PAGE: &str = include_str!("../../../../docs/protocol.md");

/// The blocks of the page whose info string is `language kind:…`, with their names.
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
    assert!(!found.is_empty(), "the page has no blocks of kind {kind}");
    found
}

/// DER of a fixture certificate.
pub(crate) fn certificate(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/fixtures/certificates/{name}.pem", env!("CARGO_MANIFEST_DIR"));
    let pem = std::fs::read_to_string(path).unwrap();
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    STANDARD.decode(body).unwrap()
}

/// `bytes` with a few edits: changed, dropped, doubled or inserted pieces, or cut.
pub(crate) fn mutated(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let edits = vec((0..5_u8, any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()), 0..8);
    (prop::sample::select(seeds), edits).prop_map(|(mut bytes, edits)| {
        for (kind, at, other, byte) in edits {
            if bytes.is_empty() {
                break;
            }
            let (at, other) = (at.index(bytes.len()), other.index(bytes.len()));
            match kind {
                0 => bytes[at] = byte,
                1 => bytes[at] ^= 1 << (byte % 8),
                2 => bytes.insert(at, byte),
                3 => drop(bytes.drain(at.min(other)..at.max(other).min(at.min(other) + 64))),
                _ if byte < 32 => bytes.truncate(at),
                _ => {
                    let piece = bytes[at.min(other)..at.max(other)].to_vec();
                    bytes.splice(at..at, piece);
                }
            }
        }
        bytes
    })
}

fn text(most: usize) -> impl Strategy<Value = String> {
    vec(prop::sample::select("abcXYZ 09-._\"\\/<é漢😀".chars().collect::<Vec<_>>()), 1..20).prop_map(
        move |chars| {
            let text: String = chars.into_iter().collect();
            let text = text[..text.floor_char_boundary(most)].to_owned();
            if text.trim().is_empty() { "x".into() } else { text }
        },
    )
}

fn name() -> impl Strategy<Value = String> {
    vec(prop::sample::select("ABCxyz019._,:/+-".chars().collect::<Vec<_>>()), 1..24)
        .prop_map(String::from_iter)
}

pub(crate) fn tag() -> impl Strategy<Value = Tag> {
    name().prop_map(|text| text.parse().unwrap())
}

pub(crate) fn instant() -> impl Strategy<Value = Timestamp> {
    (-62_135_596_800_i64..253_402_207_200, 0..1_000_000_i32)
        .prop_map(|(second, micro)| Timestamp::new(second, micro * 1000).unwrap())
}

fn uuid() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

fn quantity() -> impl Strategy<Value = Quantity> {
    (0..=limits::QUANTITY_MAX).prop_map(Quantity::of)
}

fn udi() -> impl Strategy<Value = Udi> {
    let field = "[!-+.-9<-~-]{1,40}";
    (field, field, option::of(field)).prop_map(|(pid, sn, uuid)| Udi::new(pid, sn, uuid).unwrap())
}

fn report() -> impl Strategy<Value = AuthorizationRequest> {
    let usage = btree_map(tag(), (quantity(), option::of(quantity())), 0..6).prop_map(|tags| {
        tags.into_iter().map(|(tag, (peak, locked))| TagUsage { tag, peak, locked }).collect::<Vec<_>>()
    });
    let tiers = btree_map(tag(), (quantity(), option::of(quantity())), 0..4);
    let families = option::of((name(), tiers)).prop_map(|family| {
        let Some((family, tiers)) = family else { return vec![] };
        let mut peaks: Vec<_> = tiers.values().map(|(peak, _)| *peak).collect();
        peaks.sort_unstable();
        let tiers = tiers.into_iter().zip(peaks);
        let tiers =
            tiers.map(|((tag, (_, locked)), cumulative_peak)| TierUsage { tag, cumulative_peak, locked });
        vec![FamilyUsage { family: family.parse::<Family>().unwrap(), tiers: tiers.collect() }]
    });
    (instant(), instant(), any::<bool>(), usage, families).prop_map(
        |(start, end, scheduled, usage, families)| AuthorizationRequest {
            interval: Interval { start, end },
            scheduled,
            usage,
            families,
        },
    )
}

fn request_body() -> impl Strategy<Value = RequestBody> {
    let key = vec(any::<u8>(), 0..100);
    let product = (text(64), text(64), option::of(text(64)));
    let registration = (text(64), key.clone(), any::<bool>(), product, option::of(text(255))).prop_map(
        |(token, public_key, force, (name, kind, version), host_name)| {
            let product = Product { name, kind, version };
            RequestBody::Registration(Registration { token, public_key, force, product, host_name })
        },
    );
    let renewal = key
        .prop_map(|public_key| RequestBody::IdCertificateRenewal(IdCertificateRenewalRequest { public_key }));
    prop_oneof![
        registration,
        report().prop_map(RequestBody::Authorization),
        renewal,
        Just(RequestBody::AuthorizationRenewal {}),
        Just(RequestBody::Deregistration {}),
    ]
}

/// Any request that this version may send.
pub(crate) fn request() -> impl Strategy<Value = Request> {
    let unanswered = vec(uuid().prop_map(RequestId), 0..4);
    let order = (0..=limits::SEQUENCE_MAX, instant(), option::of(any::<[u8; 32]>()), unanswered);
    (uuid(), any::<[u8; 16]>(), order, (uuid(), uuid()), udi(), request_body()).prop_map(
        |(id, nonce, (sequence, sent_at, last_answer, unanswered), (account, instance), udi, body)| Request {
            version: VERSION,
            request_id: RequestId(id),
            nonce: Nonce(nonce),
            sequence,
            sent_at,
            last_answer: last_answer.map(Sha256),
            unanswered,
            account_id: Some(seatpool_proto::AccountId(account)),
            product_instance_id: Some(seatpool_proto::ProductInstanceId(instance)),
            udi,
            body,
        },
    )
}

fn home() -> impl Strategy<Value = Home> {
    (uuid(), text(64), text(64)).prop_map(|(id, smart_account, virtual_account)| Home {
        account_id: seatpool_proto::AccountId(id),
        smart_account,
        virtual_account,
    })
}

fn issued() -> impl Strategy<Value = IssuedCertificate> {
    (vec(vec(any::<u8>(), 0..50), 0..=4), instant(), instant()).prop_map(
        |(certificates, renew_at, expires_at)| IssuedCertificate { certificates, renew_at, expires_at },
    )
}

fn response_body() -> impl Strategy<Value = ResponseBody> {
    let sum = || any::<u64>().prop_map(Quantity::of);
    let status = prop::sample::select(vec![
        TagStatus::InCompliance,
        TagStatus::OutOfCompliance,
        TagStatus::NotInUse,
        TagStatus::InvalidTag,
        TagStatus::NotAuthorized,
        TagStatus::Disabled,
        TagStatus::NotApplicable,
        TagStatus::Invalid,
    ]);
    let line = || "[a-z .]{0,40}";
    let coming = (line(), prop::option::of(instant())).prop_map(|(what, at)| TagComing { what, at });
    let explanation = (vec(line(), 0..3), prop::option::of(instant()), vec(coming, 0..3), vec(line(), 0..3))
        .prop_map(|(why, since, next, what_to_do)| TagExplanation { why, since, next, what_to_do });
    let tag = (tag(), status, sum(), sum(), sum(), prop::option::of(explanation)).prop_map(
        |(tag, status, owned, in_use, short, explanation)| TagAnswer {
            tag,
            status,
            owned,
            in_use,
            short,
            explanation,
        },
    );
    let overall = prop::sample::select(vec![
        AuthorizationStatus::NoLicensesInUse,
        AuthorizationStatus::Authorized,
        AuthorizationStatus::OutOfCompliance,
    ]);
    let authorization = (overall, instant(), instant(), vec(tag, 0..6), home()).prop_map(
        |(status, authorized_until, renew_at, tags, home)| {
            ResponseBody::Authorization(Authorization {
                status,
                authorized_until,
                renew_at,
                tags,
                home,
                exports_ended: Vec::new(),
                exports: Vec::new(),
            })
        },
    );
    let registered = (uuid(), home(), any::<bool>(), issued()).prop_map(|(id, home, export, certificate)| {
        ResponseBody::Registration(Registered {
            product_instance_id: seatpool_proto::ProductInstanceId(id),
            home,
            export_controlled: export,
            certificate,
        })
    });
    let refusal = (prop::sample::select(ProblemCode::ALL), text(64))
        .prop_map(|(code, detail)| ResponseBody::Refusal(Refusal::new(code, detail)));
    let deregistered = uuid().prop_map(|id| {
        ResponseBody::Deregistration(Deregistered {
            product_instance_id: seatpool_proto::ProductInstanceId(id),
        })
    });
    prop_oneof![
        registered,
        authorization,
        issued().prop_map(ResponseBody::IdCertificateRenewal),
        deregistered,
        refusal
    ]
}

/// Any answer that this version may send.
pub(crate) fn response() -> impl Strategy<Value = Response> {
    (uuid(), any::<[u8; 16]>(), instant(), any::<u64>(), response_body()).prop_map(
        |(id, nonce, signed_at, sequence, body)| Response {
            version: VERSION,
            request_id: RequestId(id),
            nonce: Nonce(nonce),
            signed_at,
            sequence,
            body,
        },
    )
}

fn signature() -> impl Strategy<Value = Signature> {
    let algorithm =
        prop_oneof![Just(Algorithm::EcdsaP256Sha256), Just(Algorithm::Unknown("ml-dsa-65".into()))];
    (algorithm, vec(any::<u8>(), 0..80), vec(vec(any::<u8>(), 0..50), 0..=4))
        .prop_map(|(algorithm, value, certificates)| Signature { algorithm, value, certificates })
}

/// Any request envelope within the limits.
pub(crate) fn signed_request() -> impl Strategy<Value = SignedRequest> {
    (request(), signature(), option::of(signature())).prop_map(|(request, signature, co_signature)| {
        SignedRequest { request: request.to_text(), signature, co_signature }
    })
}

/// Any answer envelope within the limits.
pub(crate) fn signed_response() -> impl Strategy<Value = SignedResponse> {
    (response(), signature())
        .prop_map(|(response, signature)| SignedResponse { response: response.to_text(), signature })
}
