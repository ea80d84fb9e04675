//! Nothing acknowledged is lost, and nothing is served that can't be kept.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use seatpool_manager::App;
use seatpool_manager::clock::Clock;
use seatpool_proto::{ProblemCode, SignedRequest};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::support::manager::{seatpool, text};
use crate::support::{Agent, Manager, World};

/// One agent under load: what was acknowledged last, and the request that is without an answer.
struct Loaded {
    agent: Agent,
    acknowledged: u64,
    unanswered: Option<(seatpool_proto::Request, SignedRequest)>,
}

/// Reports rising peaks until the manager is gone.
async fn report_until_gone(
    mut loaded: Loaded,
    manager: Arc<Manager>,
    count: Arc<(AtomicU32, Notify)>,
) -> Loaded {
    loop {
        let (request, signed) = match loaded.unanswered.take() {
            Some(again) => again,
            None => {
                let request = loaded.agent.request(Agent::report(loaded.acknowledged + 1));
                let signed = loaded.agent.signed(&request);
                (request, signed)
            }
        };
        let sent = manager.try_send("/licservice/license", "application/json", signed.to_bytes()).await;
        let Ok(answer) = sent else {
            loaded.unanswered = Some((request, signed));
            return loaded;
        };
        loaded.agent.accept(&manager, &request, &answer);
        loaded.acknowledged += 1;
        count.0.fetch_add(1, Ordering::Relaxed);
        count.1.notify_one();
    }
}

/// How much is reported before each `kill -9`.
pub(crate) struct Load {
    pub(crate) agents: usize,
    pub(crate) rounds: u32,
    pub(crate) reports_per_round: u32,
}

/// Kills the manager under load, again and again; every time all that it acknowledged is there. `settled` returns
/// once nothing of a killed manager can change the database any more.
pub(crate) async fn survives_kill_9(world: &World, load: &Load, settled: impl AsyncFn()) {
    let token = world.token().await;
    let mut loads = Vec::new();
    let manager = world.start();
    for i in 0..load.agents {
        let mut agent = Agent::new(&format!("SN{i}"));
        agent.register(&manager, &token.text).await;
        loads.push(Loaded { agent, acknowledged: 0, unanswered: None });
    }
    let mut manager = Some(manager);
    for _ in 0..load.rounds {
        let running = Arc::new(manager.take().unwrap_or_else(|| world.start()));
        let count = Arc::new((AtomicU32::new(0), Notify::new()));
        let mut tasks = JoinSet::new();
        for loaded in loads.drain(..) {
            tasks.spawn(report_until_gone(loaded, Arc::clone(&running), Arc::clone(&count)));
        }
        while count.0.load(Ordering::Relaxed) < load.reports_per_round {
            count.1.notified().await;
        }
        assert!(Command::new("kill").args(["-9", &running.pid().to_string()]).status().unwrap().success());
        while let Some(loaded) = tasks.join_next().await {
            loads.push(loaded.unwrap());
        }
        // Gone for good before the database is looked at.
        Arc::into_inner(running).unwrap().kill();
        settled().await;

        let account = world.account;
        let wanted: Vec<_> = loads
            .iter()
            .map(|loaded| (loaded.agent.instance.unwrap(), loaded.acknowledged, loaded.unanswered.is_some()))
            .collect();
        world
            .offline(Clock::default(), async |app: App| {
                let mut total = 0;
                for (instance, acknowledged, is_one_open) in wanted {
                    let usage = app.store().usage(account, &[instance]).await.unwrap();
                    let stored = usage.first().map_or(0, |usage| usage.peak.count());
                    let may_be = acknowledged..=acknowledged + u64::from(is_one_open);
                    assert!(may_be.contains(&stored), "{stored} of {instance} is not in {may_be:?}");
                    total += stored;
                }
                let totals = app.store().totals(account, None).await.unwrap();
                assert_eq!(totals[0].peak.count(), total, "totals and reports were stored together");
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_report_survives_kill_9_under_load() {
    let world = World::new().await;
    let load = Load { agents: 12, rounds: 3, reports_per_round: 120 };
    // SQLite's lock went with the process.
    survives_kill_9(&world, &load, async || ()).await;
}

#[tokio::test]
async fn a_second_manager_on_one_directory_refuses_and_says_why() {
    let world = World::new().await;
    let first = world.start();
    let second = seatpool().args(["serve", "--data-dir"]).arg(world.data_dir()).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let reason = text(&second.stderr);
    assert!(reason.contains("another manager serves"), "{reason}");
    assert!(reason.contains(&first.pid().to_string()), "it names the process: {reason}");
    assert_eq!(first.get(&first.url, "/readyz").await.0, 200);
}

/// Sets how large the process's files may get: beyond it, a write fails as on a full disk.
pub(crate) fn limit_files(manager: &Manager, bytes: &str) {
    let done = Command::new("prlimit")
        .args(["--pid", &manager.pid().to_string(), &format!("--fsize={bytes}:")])
        .status()
        .expect("prlimit (Debian: util-linux) is installed");
    assert!(done.success());
}

#[tokio::test]
async fn with_a_full_disk_requests_get_503_with_the_reason_and_service_resumes() {
    let world = World::new().await;
    let token = world.token().await;
    let manager = world.start();
    let mut agent = Agent::new("SN1");
    agent.register(&manager, &token.text).await;
    agent.report_ok(&manager, 1).await;

    limit_files(&manager, "4096");
    let request = agent.request(Agent::report(2));
    let signed = agent.signed(&request);
    for _ in 0..3 {
        let answer = manager.send(&signed).await;
        assert_eq!(answer.status, 503);
        assert_eq!(answer.refusal(&manager, request.request_id, request.nonce), ProblemCode::Unavailable);
        assert!(String::from_utf8_lossy(&answer.bytes).contains("disk is full"));
    }
    let (status, reason) = manager.get(&manager.ops_url, "/readyz").await;
    assert_eq!(status, 503);
    assert!(reason.contains("disk is full"), "{reason}");
    assert_eq!(manager.get(&manager.url, "/healthz").await.0, 200, "it lives, and says what it lacks");

    limit_files(&manager, "unlimited");
    let answer = manager.send(&signed).await;
    agent.accept(&manager, &request, &answer);
    assert_eq!(agent.report_ok(&manager, 3).await.tags[0].in_use.count(), 3);
    // What readiness found stands for half a second.
    loop {
        match manager.get(&manager.ops_url, "/readyz").await {
            (200, _) => break,
            (_, reason) => assert!(reason.contains("disk is full"), "{reason}"),
        }
    }
    assert_eq!(manager.stop(), Some(0));
}
