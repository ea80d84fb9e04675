//! Every way in which a request is refused, reached through the socket; and nothing is changed by any.

use core::time::Duration;

use jiff::Timestamp;
use rcgen::{CertificateParams, DnType, DnValue, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose};
use seatpool_crypto::P256Key;
use seatpool_domain::command::Action;
use seatpool_manager::App;
use seatpool_manager::clock::Clock;
use seatpool_proto::{
    Algorithm, IdCertificate, ProblemCode, ProductInstanceId, Request, RequestBody, SignedRequest,
    Signer as _, TimeLapse,
};
use seatpool_store::{EventQuery, Page, TokenQuery};

use crate::support::agent::later;
use crate::support::{Agent, Manager, World, new_uuid, now};

/// Sends and expects a signed refusal with this code.
async fn refused(manager: &Manager, request: &Request, signed: &SignedRequest, code: ProblemCode) {
    let answer = manager.send(signed).await;
    assert_eq!(answer.refusal(manager, request.request_id, request.nonce), code);
}

/// What a world holds, in words that can be compared; the readiness probe and events aside.
async fn facts(world: &World) -> String {
    let account = world.account;
    world
        .offline(Clock::default(), async |app: App| {
            let store = app.store();
            let page = Page { limit: u32::MAX, offset: 0 };
            let instances = store.instances(account, Default::default(), page).await.unwrap().items;
            let ids: Vec<_> = instances.iter().map(|instance| instance.id).collect();
            format!(
                "{instances:#?}\n{:#?}\n{:#?}\n{:#?}\n{:#?}",
                store.usage(account, &ids).await.unwrap(),
                store.totals(account, None).await.unwrap(),
                store.tokens(account, world.default, &TokenQuery::default(), page).await.unwrap().items,
                store.lots(account, None).await.unwrap(),
            )
        })
        .await
}

/// How many events of a kind there are.
async fn events(world: &World, kind: seatpool_domain::EventKind) -> u64 {
    let account = world.account;
    world
        .offline(Clock::default(), async |app: App| {
            let query = EventQuery { kind: Some(kind), ..EventQuery::default() };
            app.store().events(account, query, Page { limit: 1, offset: 0 }).await.unwrap().total
        })
        .await
}

/// Puts the product instance into the subject.
fn name(params: &mut CertificateParams, instance: ProductInstanceId) {
    let number = DnValue::PrintableString(instance.to_string().as_str().try_into().unwrap());
    params.distinguished_name.push(DnType::CustomDnType(vec![2, 5, 4, 5]), number);
}

/// A certificate like an ID certificate, for `key`, signed by the issuing key of `issuer`.
fn minted(issuer: &World, key: &P256Key, change: impl FnOnce(&mut CertificateParams)) -> Vec<Vec<u8>> {
    let read = |path: &str| std::fs::read_to_string(issuer.data_dir().join(path)).unwrap();
    let issuing = read("certificates/issuing.pem");
    let issuing_key = KeyPair::from_pem(&read("keys/issuing.key")).unwrap();
    let signer = rcgen::Issuer::from_ca_cert_pem(&issuing, issuing_key).unwrap();
    let subject = rcgen::SubjectPublicKeyInfo::from_der(key.public_key()).unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Unified CCX");
    name(&mut params, ProductInstanceId(new_uuid()));
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2090, 1, 1);
    change(&mut params);
    let leaf = params.signed_by(&subject, &signer).unwrap();
    vec![leaf.der().to_vec(), crate::support::manager::pem_certificate(issuing.as_bytes())]
}

#[tokio::test]
async fn what_can_not_be_read_is_refused_unsigned() {
    let world = World::new().await;
    let token = world.token().await;
    let manager = world.start();
    let mut agent = Agent::new("SN1");
    agent.register(&manager, &token.text).await;
    let request = agent.request(Agent::report(1));
    let good = agent.signed(&request).to_bytes();
    let json = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut value: serde_json::Value = serde_json::from_slice(&good).unwrap();
        change(&mut value);
        value.to_string().into_bytes()
    };
    let padding = " ".repeat(70_000);
    let cases: Vec<(&str, &str, Vec<u8>, u16)> = vec![
        ("malformed", "application/json", Vec::new(), 400),
        ("malformed", "application/json", b"null".to_vec(), 400),
        ("malformed", "application/json", good[..good.len() - 1].to_vec(), 400),
        ("malformed", "application/json", good[1..].to_vec(), 400),
        ("malformed", "application/json", [&good[..], b"x"].concat(), 400),
        ("malformed", "application/json", b"\xff\xfe{}".to_vec(), 400),
        ("malformed", "application/json", "[".repeat(60_000).into_bytes(), 400),
        ("malformed", "application/json", json(&|v| v["request"] = "{}".into()), 400),
        ("malformed", "application/json", json(&|v| v["signature"]["value"] = "not base64!".into()), 400),
        (
            "limit_exceeded",
            "application/json",
            json(&|v| v["signature"]["certificates"] = vec!["AA=="; 5].into()),
            400,
        ),
        (
            "limit_exceeded",
            "application/json",
            json(&|v| v["signature"]["value"] = "A".repeat(1000).into()),
            400,
        ),
        ("too_large", "application/json", [&good[..], padding.as_bytes()].concat(), 413),
        ("unsupported_media_type", "text/plain", good.clone(), 415),
        ("unsupported_media_type", "application/jsonp", good.clone(), 415),
    ];
    for (i, (code, content_type, body, status)) in cases.into_iter().enumerate() {
        let answer = manager.send_bytes("/SmartTransport", content_type, body).await;
        assert_eq!((answer.problem().as_str(), answer.status), (code, status), "case {i}");
    }
    // None of it counted against the request itself.
    let answer = manager.send(&agent.signed(&request)).await;
    agent.accept(&manager, &request, &answer);
    let unreadable = r#"seatpool_agent_requests_total{type="unreadable",code="malformed"}"#;
    assert_eq!(manager.metric(unreadable).await, 9);
    assert_eq!(manager.log().matches("agent's request refused").count(), 14, "each is logged once");
    assert!(!manager.log().contains(&token.text), "no token reaches the log");
}

#[tokio::test]
async fn a_body_that_ends_early_or_claims_too_much_is_refused() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let world = World::new().await;
    let manager = world.start();
    for (length, body, expected) in [(500, "{\"request\":", "400"), (10_000_000, "{", "413")] {
        let mut tls = manager.connect().await;
        let head = format!(
            "POST /licservice/license HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        tls.write_all(head.as_bytes()).await.unwrap();
        tls.flush().await.unwrap();
        if length < 1000 {
            tls.shutdown().await.unwrap();
        }
        let mut answer = Vec::new();
        // The connection may be reset once the answer was sent.
        let _ = tls.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer);
        assert!(
            answer.is_empty() && length < 1000 || answer.starts_with(&format!("HTTP/1.1 {expected}")),
            "{answer}"
        );
    }
    assert_eq!(manager.get(&manager.url, "/healthz").await.0, 200);
}

#[tokio::test]
async fn each_refusal_has_its_code_and_changes_nothing() {
    let (world, foreign) = (World::new().await, World::new().await);
    let token = world.token().await;
    let once = world.token_made_at(Clock::default(), Some(1)).await;
    // Made forty days ago, by a clock that is that far behind.
    let anchor = later(now(), 86_400);
    let forty_days_ago = Clock::new(Some(TimeLapse::new(41, anchor).unwrap()));
    let expired = world.token_made_at(forty_days_ago, None).await;
    let revoked = world.token().await;
    world.command(Action::RevokeToken { token: revoked.id }).await;
    let foreign_token = foreign.token().await;
    world.order(10).await;

    // Two instances that live, one whose certificate was renewed twice, one that was removed.
    let manager = world.start();
    let (mut agent, mut other) = (Agent::new("SN1"), Agent::new("SN2"));
    agent.register(&manager, &token.text).await;
    agent.report_ok(&manager, 3).await;
    other.register(&manager, &token.text).await;
    other.report_ok(&manager, 1).await;
    let (mut renewed, mut removed) = (Agent::new("SN3"), Agent::new("SN4"));
    renewed.register(&manager, &once.text).await;
    let mut outdated = renewed.copy();
    for _ in 0..2 {
        let body = renewed.renewal();
        renewed.ask(&manager, body).await;
        renewed.report_ok(&manager, 1).await;
    }
    removed.register(&manager, &token.text).await;
    assert_eq!(manager.stop(), Some(0));
    world.command(Action::RemoveInstance { instance: removed.instance.unwrap() }).await;

    let before = facts(&world).await;
    let manager = world.start();
    refused_reports(&manager, &world, &foreign, &mut agent, &other).await;
    let request = outdated.request(Agent::report(1));
    refused(&manager, &request, &outdated.signed(&request), ProblemCode::CertificateRevoked).await;
    let request = removed.request(Agent::report(1));
    refused(&manager, &request, &removed.signed(&request), ProblemCode::InstanceRemoved).await;

    // Registrations.
    let mut new = Agent::new("SN9");
    for (text, code) in [
        ("nonsense", ProblemCode::TokenUnknown),
        (foreign_token.text.as_str(), ProblemCode::TokenUnknown),
        (&token.text[..80], ProblemCode::TokenUnknown),
        (&once.text, ProblemCode::TokenExhausted),
        (&expired.text, ProblemCode::TokenExpired),
        (&revoked.text, ProblemCode::TokenRevoked),
    ] {
        let body = new.registration(text, false);
        let request = new.request(body);
        refused(&manager, &request, &new.signed(&request), code).await;
    }
    let body = new.registration(&token.text, false);
    let request = new.request(body);
    // Signed by another key than the one that it registers.
    refused(&manager, &request, &agent.signed(&request), ProblemCode::SignatureInvalid).await;
    // A proof that was never issued here.
    let foreign_proof = minted(&foreign, &agent.key, |_| {});
    let signed = new.signed(&request).co_sign(&agent.key, foreign_proof).unwrap();
    refused(&manager, &request, &signed, ProblemCode::CertificateUntrusted).await;
    let signed = new.signed(&request).co_sign(&agent.key, Vec::new()).unwrap();
    refused(&manager, &request, &signed, ProblemCode::CertificateMissing).await;
    let mut twin = Agent::new("SN1");
    let body = twin.registration(&token.text, false);
    let request = twin.request(body);
    refused(&manager, &request, &twin.signed(&request), ProblemCode::Exists).await;

    let refusals = manager.log().matches("agent's request refused").count();
    let (_, metrics) = manager.get(&manager.ops_url, "/metrics").await;
    let counted: usize = metrics
        .lines()
        .filter(|line| line.starts_with("seatpool_agent_requests_total{"))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok())
        .sum();
    assert_eq!(counted, refusals, "each is logged once and counted once: {metrics}");
    assert_eq!(manager.stop(), Some(0));
    assert_eq!(facts(&world).await, before);
}

/// Everything that can be wrong with a request of a registered instance.
async fn refused_reports(
    manager: &Manager,
    world: &World,
    foreign: &World,
    agent: &mut Agent,
    other: &Agent,
) {
    let request = agent.request(Agent::report(9));
    let good = agent.signed(&request);

    // What is said.
    let text = |from: &str, to: &str| {
        let text = request.to_text();
        assert!(text.contains(from), "{from} in {text}");
        agent.signed_text(text.replacen(from, to, 1))
    };
    for (signed, code) in [
        (text("\"version\":1", "\"version\":2"), ProblemCode::UnsupportedVersion),
        (text("\"type\":\"authorization\"", "\"type\":\"divination\""), ProblemCode::UnknownRequestType),
        (text("\"usage\":[", "\"usage\":{},\"x\":["), ProblemCode::Malformed),
        (text("\"peak\":9", "\"peak\":-9"), ProblemCode::Malformed),
        (text("\"peak\":9", "\"peak\":1000000001"), ProblemCode::LimitExceeded),
        (text(&format!("\"account_id\":\"{}\",", world.account), ""), ProblemCode::Malformed),
    ] {
        refused(manager, &request, &signed, code).await;
    }
    let many = Request { unanswered: vec![request.request_id; 33], ..request.clone() };
    refused(manager, &many, &agent.signed(&many), ProblemCode::LimitExceeded).await;

    // How it is signed.
    let mut signed = good.clone();
    signed.signature.algorithm = Algorithm::Unknown("ml-dsa-65".into());
    refused(manager, &request, &signed, ProblemCode::AlgorithmUnsupported).await;
    let mut signed = good.clone();
    signed.signature.value[10] ^= 1;
    refused(manager, &request, &signed, ProblemCode::SignatureInvalid).await;
    let mut signed = good.clone();
    signed.request = signed.request.replacen("\"peak\":9", "\"peak\":1", 1);
    refused(manager, &request, &signed, ProblemCode::SignatureInvalid).await;
    let renewal = agent.request(RequestBody::IdCertificateRenewal(
        seatpool_proto::message::IdCertificateRenewalRequest { public_key: other.key.public_key().to_vec() },
    ));
    refused(manager, &renewal, &agent.signed(&renewal), ProblemCode::SignatureInvalid).await;

    // Under which certificate.
    let certificates = [
        (Vec::new(), ProblemCode::CertificateMissing),
        (vec![vec![0x30, 0x03, 1, 2, 3]], ProblemCode::CertificateInvalid),
        (agent.certificates[1..].to_vec(), ProblemCode::CertificateInvalid),
        (minted(world, &agent.key, |p| p.extended_key_usages.clear()), ProblemCode::CertificateInvalid),
        (
            minted(world, &agent.key, |p| p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]),
            ProblemCode::CertificateInvalid,
        ),
        (agent.certificates[..1].to_vec(), ProblemCode::CertificateUntrusted),
        (minted(foreign, &agent.key, |_| {}), ProblemCode::CertificateUntrusted),
        (
            minted(world, &agent.key, |p| p.not_after = rcgen::date_time_ymd(2021, 1, 1)),
            ProblemCode::CertificateExpired,
        ),
        (
            minted(world, &agent.key, |p| p.not_before = rcgen::date_time_ymd(2089, 1, 1)),
            ProblemCode::CertificateNotYetValid,
        ),
        (other.certificates.clone(), ProblemCode::SignatureInvalid),
    ];
    for (i, (certificates, code)) in certificates.into_iter().enumerate() {
        let signed = SignedRequest::sign(request.to_text(), &agent.key, certificates).unwrap();
        let answer = manager.send(&signed).await;
        assert_eq!(answer.refusal(manager, request.request_id, request.nonce), code, "case {i}");
    }

    // Whose it is.
    let stranger = ProductInstanceId(new_uuid());
    for (change, code) in [
        (Request { product_instance_id: other.instance, ..request.clone() }, ProblemCode::IdentityMismatch),
        (Request { udi: other.udi.clone(), ..request.clone() }, ProblemCode::IdentityMismatch),
        (
            Request { account_id: Some(seatpool_proto::AccountId(new_uuid())), ..request.clone() },
            ProblemCode::InstanceUnknown,
        ),
        (Request { account_id: Some(foreign.account), ..request.clone() }, ProblemCode::InstanceUnknown),
        (Request { product_instance_id: Some(stranger), ..request.clone() }, ProblemCode::IdentityMismatch),
        // When it was sent.
        (Request { sent_at: later(now(), 90_000), ..request.clone() }, ProblemCode::ClockSkew),
        (Request { sent_at: later(now(), -90_000), ..request.clone() }, ProblemCode::ClockSkew),
        // Older than one that was applied.
        (
            Request { sequence: 1, sent_at: later(request.sent_at, -60), ..request.clone() },
            ProblemCode::Replayed,
        ),
    ] {
        refused(manager, &change, &agent.signed(&change), code).await;
    }
    let unknown = Request { product_instance_id: Some(stranger), ..request };
    let certificates = minted(world, &agent.key, |params| name(params, stranger));
    let signed = SignedRequest::sign(unknown.to_text(), &agent.key, certificates).unwrap();
    refused(manager, &unknown, &signed, ProblemCode::InstanceUnknown).await;
}

#[tokio::test]
async fn the_later_child_of_a_fork_is_refused_with_one_alert() {
    let world = World::new().await;
    let token = world.token().await;
    let manager = world.start();
    let mut original = Agent::new("SN1");
    original.register(&manager, &token.text).await;
    original.report_ok(&manager, 1).await;
    let mut copy = original.copy();
    original.report_ok(&manager, 2).await;
    // The copy goes on from the state that it was made of: a restored snapshot, for all that is known.
    let request = copy.request(Agent::report(3));
    let request = Request { sequence: request.sequence + 10, ..request };
    let answer = manager.send(&copy.signed(&request)).await;
    copy.accept(&manager, &request, &answer);
    copy.sequence += 10;
    // Then the original speaks again, from a state that was left behind.
    let request = original.request(Agent::report(4));
    let request = Request { sequence: request.sequence + 20, ..request };
    for _ in 0..3 {
        refused(&manager, &request, &original.signed(&request), ProblemCode::CloneDetected).await;
    }
    copy.report_ok(&manager, 5).await;
    assert_eq!(manager.stop(), Some(0));
    assert_eq!(events(&world, seatpool_domain::EventKind::InstanceRewound).await, 1);
    assert_eq!(events(&world, seatpool_domain::EventKind::InstanceCloned).await, 1);
}

#[tokio::test]
async fn who_guesses_tokens_is_told_to_wait() {
    let world = World::new().await;
    let token = world.token().await;
    let manager = world.start();
    let mut agent = Agent::new("SN1");
    agent.register(&manager, &token.text).await;
    let mut guesser = Agent::new("SN2");
    for _ in 0..seatpool_manager::app::TOKEN_FAILURES_MAX {
        let body = guesser.registration("AAAA", false);
        let request = guesser.request(body);
        refused(&manager, &request, &guesser.signed(&request), ProblemCode::TokenUnknown).await;
    }
    let body = guesser.registration(&token.text, false);
    let request = guesser.request(body);
    let answer = manager.send(&guesser.signed(&request)).await;
    assert_eq!(answer.refusal(&manager, request.request_id, request.nonce), ProblemCode::RateLimited);
    assert!((1..=60).contains(&answer.retry_after.unwrap()));
    agent.report_ok(&manager, 1).await;
}

#[tokio::test]
async fn a_certificate_proves_its_holder_for_a_year_after_its_end() {
    let world = World::new().await;
    let token = world.token().await;
    let manager = world.start();
    let mut old = Agent::new("SN1");
    old.register(&manager, &token.text).await;
    let issued = IdCertificate::from_der(&old.certificates[0]).unwrap();
    // The same certificate, had it been issued for a time that is over.
    let ended = |until: Timestamp| {
        minted(&world, &old.key, |params| {
            name(params, issued.product_instance_id);
            let serial: Vec<u8> = (0..issued.serial.len())
                .step_by(2)
                .map(|i| u8::from_str_radix(&issued.serial[i..i + 2], 16).unwrap())
                .collect();
            params.serial_number = Some(rcgen::SerialNumber::from_slice(&serial));
            let since_epoch = Duration::from_secs(until.as_second().unsigned_abs());
            params.not_after = rcgen::date_time_ymd(1970, 1, 1) + since_epoch;
        })
    };
    let mut new = Agent::new("SN1");
    let body = new.registration(&token.text, false);
    let request = new.request(body);
    // So long ago that it is left aside: the request is like one without proof.
    let signed = new.signed(&request).co_sign(&old.key, ended(later(now(), -366 * 86_400))).unwrap();
    refused(&manager, &request, &signed, ProblemCode::Exists).await;
    let signed = new.signed(&request).co_sign(&old.key, ended(later(now(), -600))).unwrap();
    let answer = manager.send(&signed).await;
    new.accept(&manager, &request, &answer);
}

#[tokio::test]
async fn a_body_that_is_too_large_gets_its_answer_over_http2_too() {
    let world = World::new().await;
    let manager = world.start();
    let body = world.data_dir().join("large");
    std::fs::write(&body, vec![b' '; 1_000_000]).unwrap();
    let output = std::process::Command::new("curl")
        .args(["--silent", "--show-error", "--http2", "--write-out", "\n%{http_version} %{http_code}"])
        .args(["--noproxy", "*", "--header", "Content-Type: application/json", "--cacert"])
        .arg(world.data_dir().join("certificates/vendor-root.pem"))
        .arg("--data-binary")
        .arg(format!("@{}", body.display()))
        .arg(format!("{}/SmartTransport", manager.url))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("too_large") && said.ends_with("\n2 413"), "{said}");
}
