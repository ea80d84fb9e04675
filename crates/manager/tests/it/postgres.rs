//! The manager on PostgreSQL: the same service, the same promises.

use std::path::Path;

use seatpool_domain::EventKind;
use seatpool_manager::App;
use seatpool_manager::clock::Clock;
use seatpool_proto::message::AuthorizationStatus;
use seatpool_proto::{ProblemCode, RequestBody};
use seatpool_store::testing::{PrivatePostgres, texts};
use seatpool_store::{EventQuery, Options, Page, Store};

use crate::durability::{Load, survives_kill_9};
use crate::support::manager::{seatpool, text};
use crate::support::{Agent, Manager, TAG, World};

/// A data directory whose database is a new one of this PostgreSQL; the database's URL.
async fn world_on(postgres: &PrivatePostgres) -> (World, String) {
    let url = postgres.database().unwrap();
    let world = World::with(tempfile::tempdir().unwrap(), &["--database-url", &url]).await;
    assert!(!world.data_dir().join("seatpool.db").exists(), "nothing is kept beside PostgreSQL");
    (world, url)
}

/// What an administrator's command prints.
fn administer(manager: &Manager, data_dir: &Path, arguments: &[&str]) -> String {
    let output = seatpool()
        .args(arguments)
        .args(["--url", &manager.url])
        .env("SEATPOOL_CREDENTIALS", data_dir.join("client.json"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

#[tokio::test]
async fn a_products_life_from_order_to_deregistration() {
    let postgres = PrivatePostgres::start().unwrap();
    let (world, _) = world_on(&postgres).await;
    let manager = world.start();
    let administer = |arguments: &[&str]| administer(&manager, &world.data_dir(), arguments);
    administer(&["order", "place", "--license", TAG, "--quantity", "5", "--perpetual", "--order-id", "O-1"]);
    let printed = administer(&["token", "create", "--description", "first"]);
    let token = printed.lines().next().unwrap();

    let mut agent = Agent::new("SN1");
    agent.register(&manager, token).await;
    let covered = agent.report_ok(&manager, 5).await;
    assert_eq!(covered.status, AuthorizationStatus::Authorized);
    assert_eq!((covered.tags[0].owned.count(), covered.tags[0].in_use.count()), (5, 5));
    let short = agent.report_ok(&manager, 7).await;
    assert_eq!(short.status, AuthorizationStatus::OutOfCompliance);
    administer(&["order", "place", "--license", TAG, "--quantity", "2", "--perpetual", "--order-id", "O-2"]);
    let mended = agent.report_ok(&manager, 7).await;
    assert_eq!(mended.status, AuthorizationStatus::Authorized);

    let first = agent.certificates.clone();
    let renewal = agent.renewal();
    agent.ask(&manager, renewal).await;
    assert_ne!(agent.certificates[0], first[0], "a new ID certificate");
    assert_eq!(agent.report_ok(&manager, 3).await.tags[0].in_use.count(), 3, "which is accepted");
    agent.ask(&manager, RequestBody::Deregistration {}).await;
    let request = agent.request(Agent::report(3));
    let answer = manager.send(&agent.signed(&request)).await;
    assert_eq!(answer.refusal(&manager, request.request_id, request.nonce), ProblemCode::InstanceRemoved);
    assert_eq!(manager.stop(), Some(0));

    let account = world.account;
    world
        .offline(Clock::default(), async |app: App| {
            let total = app.store().totals(account, None).await.unwrap().remove(0);
            assert_eq!((total.peak.count(), total.short.count()), (0, 0), "it uses nothing any more");
            let page = Page { limit: u32::MAX, offset: 0 };
            let events = app.store().events(account, EventQuery::default(), page).await.unwrap().items;
            let kinds: Vec<EventKind> = events.into_iter().rev().map(|event| event.kind).collect();
            let expected = [
                EventKind::AccountCreated,
                EventKind::LicensesOrdered,
                EventKind::TokenCreated,
                EventKind::InstanceRegistered,
                EventKind::OutOfCompliance,
                EventKind::LicensesOrdered,
                EventKind::InCompliance,
                EventKind::InstanceRenewed,
                EventKind::InstanceDeregistered,
            ];
            assert_eq!(kinds, expected);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_report_survives_kill_9_of_the_manager() {
    let postgres = PrivatePostgres::start().unwrap();
    let (world, url) = world_on(&postgres).await;
    let settled = async || {
        // PostgreSQL may still be busy with what the killed manager sent last.
        let sessions = "SELECT count(*)::text FROM pg_stat_activity \
                        WHERE application_name = 'seatpool' AND pid <> pg_backend_pid()";
        let store = Store::open(&Options { url: url.clone(), connections: 1, create: false }).await.unwrap();
        while texts(&store, sessions, 0).await.unwrap() != ["0"] {}
    };
    survives_kill_9(&world, &Load { agents: 6, rounds: 2, reports_per_round: 40 }, settled).await;
}

#[tokio::test]
async fn without_postgresql_requests_get_503_with_the_reason_and_service_resumes() {
    let mut postgres = PrivatePostgres::start().unwrap();
    let (world, _) = world_on(&postgres).await;
    let token = world.token().await;
    let manager = world.start();
    let mut agent = Agent::new("SN1");
    agent.register(&manager, &token.text).await;
    agent.report_ok(&manager, 1).await;

    postgres.halt().unwrap();
    let request = agent.request(Agent::report(2));
    let signed = agent.signed(&request);
    for _ in 0..3 {
        let answer = manager.send(&signed).await;
        assert_eq!(answer.status, 503);
        assert_eq!(answer.refusal(&manager, request.request_id, request.nonce), ProblemCode::Unavailable);
        assert!(String::from_utf8_lossy(&answer.bytes).contains("database can't be reached"));
    }
    // What readiness found stands for half a second.
    loop {
        match manager.get(&manager.ops_url, "/readyz").await {
            (200, _) => {}
            (status, reason) => {
                assert_eq!(status, 503);
                assert!(reason.contains("database can't be reached"), "{reason}");
                break;
            }
        }
    }
    assert_eq!(manager.get(&manager.url, "/healthz").await.0, 200, "it lives, and says what it lacks");

    postgres.resume().unwrap();
    let answer = manager.send(&signed).await;
    agent.accept(&manager, &request, &answer);
    assert_eq!(agent.report_ok(&manager, 3).await.tags[0].in_use.count(), 3);
    loop {
        match manager.get(&manager.ops_url, "/readyz").await {
            (200, _) => break,
            (_, reason) => assert!(reason.contains("database can't be reached"), "{reason}"),
        }
    }
    assert_eq!(manager.stop(), Some(0));
}
