//! Registration, replacement, certificate renewal, and the end of registrations.

use jiff::SignedDuration;
use seatpool_domain::command::Action;
use seatpool_domain::instance::EndReason;
use seatpool_domain::{Actor, EventKind, Outcome, Refused};
use seatpool_proto::{ProblemCode, RequestBody, Response, ResponseBody, Sha256, TokenId};
use uuid::Uuid;

use crate::agent::{Agent, code_of};
use crate::world::{World, q};

fn world_with_token() -> (World, TokenId) {
    let mut world = World::new();
    let va = world.default_va();
    let token = world.create_token(va, None);
    (world, token)
}

fn begin(world: &mut World, action: &Action) -> Result<Outcome, Refused> {
    world.submit_as(Actor::Instance("device".into()), action.clone())
}

#[test]
fn a_product_registers_in_three_phases() {
    let (mut world, token) = world_with_token();
    let mut agent = Agent::new(1);
    let request = agent.registration(false, world.now);
    let register = Action::Register { request: request.clone(), token, proof: None };
    let issue = begin(&mut world, &register).unwrap();
    let Outcome::Issue { instance, pending, product } = &issue else { panic!("{issue:?}") };
    assert_eq!(product, "Contact Centre");
    assert_eq!(pending.record.key_hash, Sha256::of(&agent.key));
    assert_eq!(
        pending.record.not_after.duration_since(pending.record.not_before),
        SignedDuration::from_hours(365 * 24)
    );
    assert!(world.instances[instance].is_registering());
    assert_eq!(world.tokens[&token].uses, 1);

    // Before it is signed, a retry is told to issue the very same, and the token is not used again.
    assert_eq!(begin(&mut world, &register).unwrap(), issue);
    assert_eq!(world.tokens[&token].uses, 1);

    let events = world.events.len();
    let body = agent.finish(&mut world, request.clone(), issue.clone()).unwrap();
    let ResponseBody::Registration(registered) = body else { panic!() };
    assert_eq!(registered.product_instance_id, *instance);
    assert_eq!(registered.home.virtual_account, "Default");
    assert_eq!(registered.home.smart_account, "Example");
    assert!(registered.export_controlled);
    assert_eq!(registered.certificate.expires_at, pending.record.not_after);
    assert_eq!(
        registered.certificate.renew_at,
        pending.record.not_before + SignedDuration::from_hours(180 * 24)
    );
    assert_eq!(world.kinds_since(events), [EventKind::InstanceRegistered]);
    assert_eq!(world.last_message(), "sn1.example.com (PID UCCX, SN SN1) registered in Default.");
    assert_eq!(world.instances[instance].conversation.head, agent.held);

    // After, both phases again give the same text.
    let before = world.clone();
    let finish = Action::FinishIssuance { instance: *instance, request, certificates: vec![vec![9]] };
    for action in [register, finish] {
        let Outcome::Answer { text, repeated } = begin(&mut world, &action).unwrap() else { panic!() };
        assert!(repeated);
        assert_eq!(Some(Sha256::of(text)), agent.held);
    }
    assert_eq!(world, before);
}

#[test]
fn every_way_in_which_a_token_fails_has_its_code() {
    let mut world = World::new();
    let va = world.default_va();
    let once = world.create_token(va, Some(1));
    let revoked = world.create_token(va, None);
    world.submit(Action::RevokeToken { token: revoked }).unwrap();
    Agent::new(1).register(&mut world, once).unwrap();
    let try_with = |world: &mut World, token| code_of(&Agent::new(2).register(world, token).unwrap_err());
    assert_eq!(try_with(&mut world, TokenId(Uuid::nil())), ProblemCode::TokenUnknown);
    assert_eq!(try_with(&mut world, once), ProblemCode::TokenExhausted);
    assert_eq!(try_with(&mut world, revoked), ProblemCode::TokenRevoked);
    let token = world.create_token(va, None);
    world.advance(30 * 86_400 - 1);
    Agent::new(3).register(&mut world, token).unwrap();
    world.advance(1);
    assert_eq!(try_with(&mut world, token), ProblemCode::TokenExpired);
}

#[test]
fn a_request_a_day_off_is_refused_with_both_times() {
    let (mut world, token) = world_with_token();
    let cases = [(86_400, false), (-86_400, false), (86_401, true), (-86_401, true)];
    for (number, (seconds, refused)) in (1..).zip(cases) {
        let mut agent = Agent::new(number);
        let request = agent.registration(true, world.now + SignedDuration::from_secs(seconds));
        let result = begin(&mut world, &Action::Register { request, token, proof: None });
        assert_eq!(result.is_err(), refused, "{seconds}");
        if let Err(Refused::Agent { code, detail, .. }) = result {
            assert_eq!(code, ProblemCode::ClockSkew);
            assert!(detail.contains(&world.now.to_string()), "{detail}");
        }
    }
}

#[test]
fn what_people_would_read_must_be_readable() {
    let (mut world, token) = world_with_token();
    let mut agent = Agent::new(1);
    let mut request = agent.registration(false, world.now);
    let RequestBody::Registration(body) = &mut request.body else { panic!() };
    body.product.name = "\u{7}".into();
    let refused = begin(&mut world, &Action::Register { request, token, proof: None }).unwrap_err();
    assert_eq!(refused.to_string(), "malformed: product.name holds a control character.");
}

#[test]
fn the_same_device_takes_its_old_place_by_proof_or_by_force() {
    let (mut world, token) = world_with_token();
    let va = world.default_va();
    world.order(va, "PO-1", "S", 10);
    let mut first = Agent::new(1);
    let old = first.register(&mut world, token).unwrap();
    let since = world.instances[&old].first_registered_at;
    first.report(&mut world, &[("S", 8, None)]).unwrap();
    world.advance(3600);

    // A fresh installation on the same device has nothing to show.
    let mut second = Agent::new(1);
    second.next_id += 1000;
    second.key = vec![77];
    let uses = world.tokens[&token].uses;
    let refused = second.register(&mut world, token).unwrap_err();
    assert_eq!(code_of(&refused), ProblemCode::Exists);
    assert_eq!(world.tokens[&token].uses, uses);
    let foreign = Agent { instance: Some(old), serial: "beef".into(), ..Agent::new(1) }.certificate();
    let refused = second.register_with(&mut world, token, Some(foreign), false).unwrap_err();
    assert_eq!(code_of(&refused), ProblemCode::Exists, "a certificate of another serial proves nothing");

    // With proof.
    let events = world.events.len();
    let proof = first.certificate();
    let new = second.register_with(&mut world, token, Some(proof), false).unwrap();
    assert_eq!(world.kinds_since(events), [EventKind::InstanceReplaced]);
    assert_eq!(world.instances[&new].first_registered_at, since);
    assert!(world.instances[&new].registered_at > since);
    assert_eq!(world.instances[&old].ended.as_ref().unwrap().reason, EndReason::Replaced);
    assert_eq!(world.total(va, "S").peak, q(0), "its usage ended with it");
    assert_eq!(first.report(&mut world, &[("S", 1, None)]), Err(ProblemCode::CertificateRevoked));

    // By force.
    let mut third = Agent::new(1);
    third.next_id += 2000;
    third.key = vec![78];
    let events = world.events.len();
    let newest = third.register_with(&mut world, token, None, true).unwrap();
    assert_eq!(world.kinds_since(events), [EventKind::InstanceForced]);
    assert_eq!(world.instances[&newest].first_registered_at, since);
    assert_eq!(second.report(&mut world, &[]), Err(ProblemCode::CertificateRevoked));
    assert!(third.report(&mut world, &[]).is_ok());
}

#[test]
fn a_forced_registration_that_is_replayed_does_not_end_itself() {
    let (mut world, token) = world_with_token();
    let mut agent = Agent::new(1);
    let request = agent.registration(true, world.now);
    let register = Action::Register { request: request.clone(), token, proof: None };
    let issue = begin(&mut world, &register).unwrap();
    agent.finish(&mut world, request, issue).unwrap();
    agent.report(&mut world, &[]).unwrap();
    let refused = begin(&mut world, &register).unwrap_err();
    assert_eq!(code_of(&refused), ProblemCode::Replayed);
    agent.report(&mut world, &[]).unwrap();
}

#[test]
fn a_registration_that_was_never_finished_gives_way() {
    let (mut world, token) = world_with_token();
    let mut agent = Agent::new(1);
    let lost = agent.registration(false, world.now);
    let stale = begin(&mut world, &Action::Register { request: lost.clone(), token, proof: None }).unwrap();
    let Outcome::Issue { instance, .. } = stale else { panic!() };
    agent.register(&mut world, token).unwrap();
    assert!(!world.instances.contains_key(&instance));
    let finish = Action::FinishIssuance { instance, request: lost, certificates: vec![] };
    assert_eq!(code_of(&begin(&mut world, &finish).unwrap_err()), ProblemCode::Replayed);
    // What is only begun is no instance yet.
    let mut other = Agent::new(2);
    let request = other.registration(false, world.now);
    let Ok(Outcome::Issue { instance, pending, .. }) =
        begin(&mut world, &Action::Register { request, token, proof: None })
    else {
        panic!()
    };
    (other.instance, other.account, other.serial) =
        (Some(instance), Some(world.account.id), pending.record.serial);
    assert_eq!(other.report(&mut world, &[]), Err(ProblemCode::InstanceUnknown));
    let removed = world.submit(Action::RemoveInstance { instance });
    assert_eq!(removed, Err(Refused::Unknown { what: "product instance" }));
}

#[test]
fn the_older_certificate_is_good_until_the_new_one_is_used() {
    let (mut world, token) = world_with_token();
    let mut agent = Agent::new(1);
    let id = agent.register(&mut world, token).unwrap();
    let first = agent.serial.clone();

    // The answer is lost: the agent goes on under the first certificate, and renews again.
    let body = RequestBody::IdCertificateRenewal(seatpool_proto::message::IdCertificateRenewalRequest {
        public_key: vec![42],
    });
    let request = agent.request(body, world.now);
    let issue = agent.deliver(&mut world, &request).unwrap();
    assert_eq!(agent.deliver(&mut world, &request).unwrap(), issue, "a retry gets the same serial");
    let Outcome::Issue { pending, .. } = issue else { panic!() };
    let finish = Action::FinishIssuance { instance: id, request, certificates: vec![vec![1]] };
    world.submit_as(Actor::System, finish).unwrap();
    assert_eq!(
        world.last_message().split(" until").next().unwrap(),
        "sn1.example.com (PID UCCX, SN SN1) renewed its ID certificate"
    );
    let lost = pending.record.serial;
    assert_eq!(world.instances[&id].previous_certificate.as_ref().unwrap().serial, first);
    agent.report(&mut world, &[]).unwrap();
    agent.renew_certificate(&mut world).unwrap();
    let second = agent.serial.clone();
    assert!(second != first && second != lost);
    assert_eq!(
        world.instances[&id].previous_certificate.as_ref().unwrap().serial,
        first,
        "the lost one was never used"
    );

    agent.report(&mut world, &[]).unwrap();
    assert_eq!(world.instances[&id].previous_certificate, None, "first use ends the older one");
    for serial in [first, lost] {
        agent.serial = serial;
        assert_eq!(agent.report(&mut world, &[]), Err(ProblemCode::CertificateRevoked));
    }
    agent.serial = second;
    agent.report(&mut world, &[]).unwrap();
}

#[test]
fn a_certificate_that_was_overtaken_while_being_signed_is_not_issued() {
    let (mut world, token) = world_with_token();
    let mut agent = Agent::new(1);
    let id = agent.register(&mut world, token).unwrap();
    let body = RequestBody::IdCertificateRenewal(seatpool_proto::message::IdCertificateRenewalRequest {
        public_key: agent.key.clone(),
    });
    let request = agent.request(body, world.now);
    agent.deliver(&mut world, &request).unwrap();
    agent.report(&mut world, &[]).unwrap();
    let finish = Action::FinishIssuance { instance: id, request, certificates: vec![] };
    let refused = world.submit_as(Actor::System, finish).unwrap_err();
    assert_eq!(code_of(&refused), ProblemCode::Replayed);
    agent.renew_certificate(&mut world).unwrap();
}

#[test]
fn the_end_of_a_registration_frees_everything_and_is_told_ever_after() {
    let (mut world, token) = world_with_token();
    let va = world.default_va();
    world.order(va, "PO-1", "S", 5);
    let (mut leaver, mut removed) = (Agent::new(1), Agent::new(2));
    leaver.register(&mut world, token).unwrap();
    removed.register(&mut world, token).unwrap();
    leaver.report(&mut world, &[("S", 4, None)]).unwrap();
    removed.report(&mut world, &[("S", 4, None)]).unwrap();

    let events = world.events.len();
    let farewell = leaver.request(RequestBody::Deregistration {}, world.now);
    let Outcome::Answer { text, .. } = leaver.deliver(&mut world, &farewell).unwrap() else { panic!() };
    let ResponseBody::Deregistration(gone) = Response::from_text(&text).unwrap().body else { panic!() };
    assert_eq!(gone.product_instance_id, leaver.id());
    assert_eq!(world.kinds_since(events), [EventKind::InstanceDeregistered, EventKind::InCompliance]);
    let again = leaver.deliver(&mut world, &farewell).unwrap();
    assert_eq!(again, Outcome::Answer { text, repeated: true }, "the answer can be had again");
    assert_eq!(leaver.report(&mut world, &[]), Err(ProblemCode::InstanceRemoved));

    world.submit(Action::RemoveInstance { instance: removed.id() }).unwrap();
    assert_eq!(world.total(va, "S").peak, q(0));
    assert_eq!(removed.report(&mut world, &[]), Err(ProblemCode::InstanceRemoved));
    let twice = world.submit(Action::RemoveInstance { instance: removed.id() });
    assert_eq!(twice, Err(Refused::Unknown { what: "product instance" }));
    removed.register(&mut world, token).unwrap();
    removed.report(&mut world, &[("S", 4, None)]).unwrap();
}

#[test]
fn identity_is_checked_before_anything_else() {
    let (mut world, token) = world_with_token();
    let mut agent = Agent::new(1);
    agent.register(&mut world, token).unwrap();
    let mut other = Agent::new(2);
    other.register(&mut world, token).unwrap();
    let check = |world: &mut World, agent: &Agent, expected| {
        assert_eq!(agent.clone().report(world, &[]), Err(expected));
    };
    let account = Some(seatpool_proto::AccountId(Uuid::nil()));
    check(&mut world, &Agent { account, ..agent.clone() }, ProblemCode::InstanceUnknown);
    check(&mut world, &Agent { udi: other.udi.clone(), ..agent.clone() }, ProblemCode::IdentityMismatch);
    check(
        &mut world,
        &Agent { serial: other.serial.clone(), ..agent.clone() },
        ProblemCode::CertificateRevoked,
    );
    let nobody = Some(seatpool_proto::ProductInstanceId(Uuid::nil()));
    check(&mut world, &Agent { instance: nobody, ..agent.clone() }, ProblemCode::InstanceUnknown);
    let request = agent.request(RequestBody::AuthorizationRenewal {}, world.now);
    let action = Action::Ask { request, certificate: other.certificate() };
    let refused = begin(&mut world, &action).unwrap_err();
    assert_eq!(code_of(&refused), ProblemCode::IdentityMismatch);
    agent.report(&mut world, &[]).unwrap();
}
