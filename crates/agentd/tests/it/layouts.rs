//! The layouts of `license show`, of an agent whose time and manager are in the test's hands.

use jiff::{SignedDuration, Timestamp};
use seatpool_agent::{
    Agent, Answer, Chance, Command, ContactFailure, FailureKind, Identity, KeyId, NewKey, Profile, Transport,
};
use seatpool_agentd::show;
use seatpool_crypto::P256Key;
use seatpool_proto::message::{
    Authorization, AuthorizationStatus, Home, IssuedCertificate, Registered, TagAnswer, TagComing,
    TagExplanation, TagStatus,
};
use seatpool_proto::{
    AccountId, Nonce, ProductInstanceId, Quantity, RequestBody, RequestId, Response, ResponseBody, Sha256,
    Signer as _, Udi,
};
use uuid::Uuid;

use crate::vendor::{Vendor, YEAR};

/// Ids in order, and no jitter.
struct Counting(u128);

impl Chance for Counting {
    fn request_id(&mut self) -> RequestId {
        self.0 += 1;
        RequestId(Uuid::from_u128(self.0))
    }
    fn nonce(&mut self) -> Nonce {
        Nonce([0; 16])
    }
    fn jitter(&mut self) -> f64 {
        0.5
    }
}

struct World {
    agent: Agent,
    now: Timestamp,
    chance: Counting,
    vendor: Vendor,
    owned: u64,
}

impl World {
    fn new() -> Self {
        let now = "2023-02-10T11:27:20Z".parse().unwrap();
        let identity = Identity {
            udi: Udi::new("UCCX", "9A0HVAQF2CJ", Some("4d0f1c3e-1111-8222-9333-444455556666".into()))
                .unwrap(),
            product_name: "Contact Centre".into(),
            product_version: Some("15.0".into()),
            host_name: Some("ccx-1".into()),
        };
        let agent = Agent::new(Profile::shipped("unified-ccx").unwrap(), identity, None, now);
        let mut world = Self { agent, now, chance: Counting(0), vendor: Vendor::demonstration(), owned: 100 };
        let url = "https://manager.example/licservice/license";
        world.command(Command::SetTransport(Transport { url: Some(url.into()), ..Transport::default() }));
        world
    }

    fn command(&mut self, command: Command) {
        self.agent.handle_command(command, self.now, &mut self.chance).unwrap();
    }

    fn register(&mut self) {
        let key = P256Key::generate().unwrap();
        let id = KeyId(RequestId(Uuid::from_u128(77)));
        let new_key = NewKey { id, public_key: key.public_key().to_vec() };
        self.command(Command::Register { token: "t".into(), force: false, new_key });
    }

    /// Stores, sends and answers, until nothing is under way.
    fn settle(&mut self, fail: Option<&ContactFailure>) {
        loop {
            while self.agent.poll_persist().is_some() {
                self.agent.persisted();
            }
            let Some(transmit) = self.agent.poll_transmit() else { return };
            let id = transmit.request.request_id;
            if let Some(failure) = fail {
                self.agent.handle_failure(id, failure.clone(), self.now, &mut self.chance);
                continue;
            }
            let response = Response {
                version: 1,
                request_id: id,
                nonce: transmit.request.nonce,
                signed_at: self.now,
                sequence: transmit.request.sequence,
                body: self.answer(&transmit.request.body),
            };
            let text_hash = Sha256::of(response.to_text());
            self.agent.handle_answer(
                Answer { request_id: id, text_hash, response },
                self.now,
                &mut self.chance,
            );
        }
    }

    fn answer(&self, request: &RequestBody) -> ResponseBody {
        let days = |days: i64| self.now + SignedDuration::from_hours(24 * days);
        let home = Home {
            account_id: AccountId(Uuid::from_u128(1)),
            smart_account: "Example Corporation".into(),
            virtual_account: "Default".into(),
        };
        match request {
            RequestBody::Registration(r) => ResponseBody::Registration(Registered {
                product_instance_id: ProductInstanceId(Uuid::from_u128(2)),
                home,
                export_controlled: true,
                certificate: IssuedCertificate {
                    certificates: self.vendor.id_certificate(
                        ProductInstanceId(Uuid::from_u128(2)),
                        "Contact Centre",
                        &r.public_key,
                        YEAR,
                    ),
                    renew_at: days(180),
                    expires_at: days(365),
                },
            }),
            RequestBody::Authorization(report) => ResponseBody::Authorization(Authorization {
                status: AuthorizationStatus::Authorized,
                authorized_until: days(90),
                renew_at: days(30),
                tags: report
                    .usage
                    .iter()
                    .map(|usage| {
                        let short = usage.peak.minus(Quantity::of(self.owned));
                        let status = if short.is_zero() {
                            TagStatus::InCompliance
                        } else {
                            TagStatus::OutOfCompliance
                        };
                        let owned = Quantity::of(self.owned);
                        let explanation = (!short.is_zero()).then(|| explanation(short));
                        TagAnswer {
                            tag: usage.tag.clone(),
                            status,
                            owned,
                            in_use: usage.peak,
                            short,
                            explanation,
                        }
                    })
                    .collect(),
                home,
                exports_ended: Vec::new(),
                exports: Vec::new(),
            }),
            other => panic!("{other:?} is not part of this test"),
        }
    }

    fn seats(&mut self, count: u64) {
        let tag = "CCX_FLEX_STANDARD".parse().unwrap();
        self.agent.handle_usage(&tag, Quantity::of(count), self.now).unwrap();
    }

    fn pass(&mut self, minutes: i64) {
        self.now += SignedDuration::from_mins(minutes);
        self.agent.handle_timeout(self.now, &mut self.chance);
        self.settle(None);
    }
}

#[test]
fn show_all_registered_and_authorized() {
    let mut world = World::new();
    world.register();
    world.settle(None);
    world.seats(90);
    world.pass(15);
    world.pass(15);
    let status = world.agent.status(world.now);
    insta::assert_snapshot!("registered_all", show::all(&status));
    insta::assert_snapshot!("registered_summary", show::summary(&status));
}

#[test]
fn show_all_out_of_compliance_with_its_locked_count() {
    let mut world = World::new();
    world.register();
    world.settle(None);
    world.seats(130);
    world.pass(15);
    world.pass(15);
    insta::assert_snapshot!("overage_usage", show::usage(&world.agent.status(world.now)));
    for _ in 0..4 {
        world.pass(15);
    }
    world.seats(40);
    world.pass(5);
    let status = world.agent.status(world.now);
    insta::assert_snapshot!("out_of_compliance_all", show::all(&status));
    insta::assert_snapshot!("out_of_compliance_support", show::tech_support(&status));
}

#[test]
fn show_status_of_a_failed_registration_has_its_reason() {
    let mut world = World::new();
    world.register();
    let failure = ContactFailure::new(FailureKind::Dns, "manager.example has no address here (no such name)");
    world.settle(Some(&failure));
    world.seats(5);
    world.pass(1);
    insta::assert_snapshot!("failed_status", show::status(&world.agent.status(world.now)));
}

/// Why a pool is short, as a manager tells it.
fn explanation(short: Quantity) -> TagExplanation {
    TagExplanation {
        why: vec![format!("130 are in use, 100 are owned: {short} are short.")],
        since: Some("2026-07-01T09:00:00Z".parse().unwrap()),
        next: vec![TagComing {
            what: "40 of the license end; 70 will be short then, if usage stays.".into(),
            at: Some("2027-03-01T00:00:00Z".parse().unwrap()),
        }],
        what_to_do: vec![format!("Have {short} more moved to Contact centre, or ordered.")],
    }
}
