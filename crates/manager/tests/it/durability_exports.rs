//! Export-restricted features under load, with `kill -9`: an authorization that was acknowledged is there, and no
//! licence is given to two instances.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use seatpool_manager::App;
use seatpool_manager::clock::Clock;
use seatpool_proto::message::ExportFeature;
use seatpool_proto::{LotId, Request, RequestBody, SignedRequest};
use serde_json::json;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::rest_exports::start;
use crate::rest_support::Caller;
use crate::support::{Agent, Manager, World};

const OWN: &str = "/api/seatpool/v1/accounts/example.com";
const AGENTS: usize = 6;

/// An instance that asks for its feature and gives it back, in turns.
struct Asking {
    agent: Agent,
    authorized: bool,
    /// The request that got no answer: it is sent again as it was.
    unanswered: Option<(Request, SignedRequest)>,
}

fn asked(authorized: bool) -> RequestBody {
    let feature = ExportFeature { feature: "mixed-mode".into(), tag: "CM_EXPORT".parse().unwrap() };
    if authorized { RequestBody::ExportReturn(feature) } else { RequestBody::ExportRequest(feature) }
}

/// Asks until the manager is gone.
async fn ask_until_gone(
    mut asking: Asking,
    manager: Arc<Manager>,
    answers: Arc<(AtomicU32, Notify)>,
) -> Asking {
    loop {
        let (request, signed) = asking.unanswered.take().unwrap_or_else(|| {
            let request = asking.agent.request(asked(asking.authorized));
            let signed = asking.agent.signed(&request);
            (request, signed)
        });
        let sent = manager.try_send("/licservice/license", "application/json", signed.to_bytes()).await;
        let Ok(answer) = sent else {
            asking.unanswered = Some((request, signed));
            return asking;
        };
        if answer.status == 409 {
            let code = answer.refusal(&manager, request.request_id, request.nonce);
            assert_eq!(code.as_str(), "export_not_available", "others hold what there is");
        } else {
            asking.agent.accept(&manager, &request, &answer);
            asking.authorized = !asking.authorized;
        }
        answers.0.fetch_add(1, Ordering::Relaxed);
        answers.1.notify_one();
    }
}

/// Of every lot exactly what instances hold is reserved, never more than there is; each instance holds what it was told.
async fn holds_are_as_acknowledged(world: &World, all: &[Asking]) {
    let account = world.account;
    world
        .offline(Clock::default(), async |app: App| {
            let mut held: BTreeMap<LotId, u64> = BTreeMap::new();
            for asking in all {
                let row =
                    app.store().instance(account, asking.agent.instance.unwrap()).await.unwrap().unwrap();
                let lots: Vec<LotId> = row.exports.iter().filter_map(|grant| grant.lot).collect();
                assert!(
                    asking.unanswered.is_some() || lots.len() == usize::from(asking.authorized),
                    "the product was told {}: {row:?}",
                    asking.authorized
                );
                for lot in lots {
                    *held.entry(lot).or_default() += 1;
                }
            }
            for lot in app.store().lots(account, None).await.unwrap() {
                let held = held.remove(&lot.id).unwrap_or_default();
                assert_eq!(lot.reserved.count(), held, "{lot:?}");
                assert!(lot.promised() <= lot.quantity, "{lot:?}");
            }
            assert!(held.is_empty(), "of lots that are gone: {held:?}");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn authorizations_of_restricted_features_survive_kill_9() {
    let world = World::new().await;
    let token = world.token().await;
    let first = start(&world);
    let caller = Caller::first(&world, &first).await;
    let order = json!({ "order_id": "PO-1", "lines": [{ "license": "CM_EXPORT", "quantity": 4 }] });
    assert_eq!(caller.post(&format!("{OWN}/virtual-accounts/Default/orders"), order).await.status, 201);
    let mut all = Vec::new();
    for number in 0..AGENTS {
        let mut agent = Agent::new(&format!("SN{number}"));
        agent.register(&first, &token.text).await;
        all.push(Asking { agent, authorized: false, unanswered: None });
    }
    let mut manager = Some(first);
    for _ in 0..3 {
        let running = Arc::new(manager.take().unwrap_or_else(|| start(&world)));
        let answers = Arc::new((AtomicU32::new(0), Notify::new()));
        let mut asking = JoinSet::new();
        for one in all.drain(..) {
            asking.spawn(ask_until_gone(one, Arc::clone(&running), Arc::clone(&answers)));
        }
        while answers.0.load(Ordering::Relaxed) < 60 {
            answers.1.notified().await;
        }
        assert!(Command::new("kill").args(["-9", &running.pid().to_string()]).status().unwrap().success());
        all.extend(asking.join_all().await);
        Arc::into_inner(running).unwrap().kill();
        holds_are_as_acknowledged(&world, &all).await;
    }
    // Who asks again gets what was promised, and all that is given back is free.
    let running = start(&world);
    for asking in &mut all {
        if let Some((request, signed)) = asking.unanswered.take() {
            let answer = running.send(&signed).await;
            if answer.status == 200 {
                asking.agent.accept(&running, &request, &answer);
            }
        }
        asking.agent.ask(&running, asked(true)).await;
        asking.authorized = false;
    }
    assert_eq!(running.stop(), Some(0));
    holds_are_as_acknowledged(&world, &all).await;
}
