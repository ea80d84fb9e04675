//! What an agent and the manager say to each other when all is well.

use seatpool_crypto::{Anchors, P256Key, Purpose};
use seatpool_proto::message::{AuthorizationStatus, IdCertificateRenewalRequest, TagStatus};
use seatpool_proto::{
    IdCertificate, ProblemCode, Request, RequestBody, ResponseBody, SignedResponse, Signer as _,
};

use crate::support::{Agent, World, now};

#[tokio::test]
async fn a_product_registers_reports_renews_and_deregisters() {
    let world = World::new().await;
    let token = world.token().await;
    world.order(5).await;
    let manager = world.start();
    let mut agent = Agent::new("SN1");

    let ResponseBody::Registration(registered) = agent.register(&manager, &token.text).await.body else {
        panic!()
    };
    assert_eq!(registered.home.smart_account, "Example");
    assert_eq!(registered.home.virtual_account, "Default");
    assert_eq!(registered.home.account_id, world.account);
    assert!(registered.export_controlled);
    let certificate = IdCertificate::from_der(&agent.certificates[0]).unwrap();
    assert_eq!(certificate.product_instance_id, registered.product_instance_id);
    assert_eq!(certificate.product, "Unified CCX");
    assert_eq!(certificate.public_key, agent.key.public_key());
    let days = |from: jiff::Timestamp, to: jiff::Timestamp| to.duration_since(from).as_secs() / 86_400;
    assert_eq!(days(certificate.not_before, registered.certificate.expires_at), 365);
    assert_eq!(days(certificate.not_before, registered.certificate.renew_at), 180);
    let anchors = Anchors::new([manager.root.clone()]).unwrap();
    anchors.verify(&agent.certificates, Purpose::Agent, now()).unwrap();

    let covered = agent.report_ok(&manager, 3).await;
    assert_eq!(covered.status, AuthorizationStatus::Authorized);
    assert_eq!(days(now(), covered.authorized_until), 89, "90 days, less the moment since");
    let short = agent.report_ok(&manager, 7).await;
    assert_eq!(short.status, AuthorizationStatus::OutOfCompliance);
    let tag = &short.tags[0];
    assert_eq!(tag.status, TagStatus::OutOfCompliance);
    assert_eq!((tag.owned.count(), tag.in_use.count(), tag.short.count()), (5, 7, 2));
    assert_eq!(agent.report_ok(&manager, 0).await.status, AuthorizationStatus::NoLicensesInUse);

    let renewed = agent.ask(&manager, RequestBody::AuthorizationRenewal {}).await;
    assert!(matches!(renewed.body, ResponseBody::Authorization(_)));

    let before = agent.certificates[0].clone();
    let body = agent.renewal();
    agent.ask(&manager, body).await;
    let renewed = IdCertificate::from_der(&agent.certificates[0]).unwrap();
    assert_ne!(before, agent.certificates[0]);
    assert_eq!(renewed.product_instance_id, certificate.product_instance_id);
    assert_ne!(renewed.serial, certificate.serial);
    agent.report_ok(&manager, 1).await;

    // With a new key, which co-signs.
    let new_key = P256Key::generate().unwrap();
    let request = agent.request(RequestBody::IdCertificateRenewal(IdCertificateRenewalRequest {
        public_key: new_key.public_key().to_vec(),
    }));
    let signed = agent.signed(&request).co_sign(&new_key, Vec::new()).unwrap();
    let answer = manager.send(&signed).await;
    agent.accept(&manager, &request, &answer);
    agent.key = new_key;
    agent.report_ok(&manager, 1).await;

    agent.ask(&manager, RequestBody::Deregistration {}).await;
    let request = agent.request(Agent::report(1));
    let answer = manager.send(&agent.signed(&request)).await;
    let code = answer.refusal(&manager, request.request_id, request.nonce);
    assert_eq!(code, ProblemCode::InstanceRemoved);
    assert_eq!(manager.stop(), Some(0));
}

#[tokio::test]
async fn a_retry_gets_the_same_answer_and_counts_once() {
    let world = World::new().await;
    let token = world.token_made_at(seatpool_manager::clock::Clock::default(), Some(1)).await;
    let manager = world.start();
    let mut agent = Agent::new("SN1");
    let body = agent.registration(&token.text, false);
    let request = agent.request(body);
    let signed = agent.signed(&request);
    let text = |bytes: &[u8]| SignedResponse::from_bytes(bytes).unwrap().response;
    let first = manager.send(&signed).await;
    let second = manager.send(&signed).await;
    assert_eq!((second.status, text(&first.bytes)), (200, text(&second.bytes)));
    agent.accept(&manager, &request, &first);

    let request = agent.request(Agent::report(4));
    let signed = agent.signed(&request);
    let first = manager.send(&signed).await;
    let second = manager.send(&signed).await;
    assert_eq!((second.status, text(&first.bytes)), (200, text(&second.bytes)));
    agent.accept(&manager, &request, &second);
    assert_eq!(agent.report_ok(&manager, 4).await.tags[0].in_use.count(), 4);
}

#[tokio::test]
async fn every_agent_path_speaks_the_protocol_and_ignores_what_it_does_not_know() {
    let world = World::new().await;
    let token = world.token().await;
    let manager = world.start();
    for (i, path) in seatpool_manager::wire::PATHS.into_iter().enumerate() {
        let mut agent = Agent::new(&format!("SN{i}"));
        let body = agent.registration(&token.text, false);
        let request = agent.request(body);
        // A newer agent's fields, in the message and in the envelope.
        let text = request.to_text().replacen('{', r#"{"mood":"sunny","#, 1);
        assert_eq!(Request::from_text(&text).unwrap(), request);
        let envelope = String::from_utf8(agent.signed_text(text).to_bytes()).unwrap();
        let envelope = envelope.replacen('{', r#"{"colour":["blue"],"#, 1);
        let answer = manager.send_bytes(path, "application/json; charset=utf-8", envelope.into_bytes()).await;
        agent.accept(&manager, &request, &answer);
        agent.report_ok(&manager, 1).await;
    }
    let (status, _) = manager.get(&manager.url, "/licservice/license").await;
    assert_eq!(status, 405, "agents post");
}

#[tokio::test]
async fn registering_a_udi_again_needs_proof_or_force() {
    let world = World::new().await;
    let token = world.token().await;
    let manager = world.start();
    let mut agent = Agent::new("SN1");
    agent.register(&manager, &token.text).await;
    agent.report_ok(&manager, 2).await;
    let first = agent.instance;

    let mut stranger = Agent::new("SN1");
    let body = stranger.registration(&token.text, false);
    let request = stranger.request(body);
    let answer = manager.send(&stranger.signed(&request)).await;
    assert_eq!(answer.refusal(&manager, request.request_id, request.nonce), ProblemCode::Exists);

    // The same machine with a new key, and the old one to prove it.
    let old = agent.copy();
    agent.key = P256Key::generate().unwrap();
    let body = agent.registration(&token.text, false);
    let request = agent.request(body);
    let mut signed = agent.signed(&request).co_sign(&old.key, old.certificates.clone()).unwrap();
    signed.signature.certificates.clear();
    let answer = manager.send(&signed).await;
    agent.accept(&manager, &request, &answer);
    assert_ne!(agent.instance, first);
    assert_eq!(agent.report_ok(&manager, 2).await.tags[0].in_use.count(), 2, "the older one's usage went");

    let body = stranger.registration(&token.text, true);
    let request = stranger.request(body);
    let answer = manager.send(&stranger.signed(&request)).await;
    stranger.accept(&manager, &request, &answer);
    for replaced in [&old, &agent] {
        let mut replaced = replaced.copy();
        let request = replaced.request(Agent::report(1));
        let answer = manager.send(&replaced.signed(&request)).await;
        let code = answer.refusal(&manager, request.request_id, request.nonce);
        assert_eq!(code, ProblemCode::CertificateRevoked);
    }
}
