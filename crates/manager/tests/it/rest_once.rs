//! `Idempotency-Key`: a request is done once, however often it is sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use seatpool_domain::access::{OauthScope, Role};
use seatpool_domain::command::{Action, Outcome};
use seatpool_domain::{Actor, Command};
use seatpool_manager::App;
use seatpool_manager::app::access::Principal;
use seatpool_manager::app::requests::{self, Claim};
use seatpool_manager::clock::Clock;
use seatpool_proto::Sha256;
use seatpool_store::{EventQuery, Page};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::rest_support::Caller;
use crate::support::{TAG, World};

const HOME: &str = "/api/seatpool/v1/accounts/example.com";

/// A POST with a key: status, whether it was replayed, body.
async fn post(
    caller: &Caller,
    path: &str,
    key: &str,
    body: &Value,
) -> Result<(u16, bool, String), reqwest::Error> {
    let request = caller.http.post(format!("{}{HOME}{path}", caller.url)).header("Idempotency-Key", key);
    let response = request.bearer_auth(caller.token.as_ref().unwrap()).body(body.to_string()).send().await?;
    let replayed = response.headers().get("idempotency-replayed").is_some_and(|value| value == "true");
    Ok((response.status().as_u16(), replayed, response.text().await?))
}

fn code(text: &str) -> String {
    serde_json::from_str::<Value>(text).unwrap()["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_same_request_gets_the_same_answer_and_another_one_is_refused() {
    let world = World::new().await;
    let manager = world.start();
    let first = Caller::first(&world, &manager).await;
    let send = async |key: &str, path: &str, body: Value| post(&first, path, key, &body).await.unwrap();

    let token = json!({ "description": "once", "expires_after_days": 30 });
    let tokens = "/virtual-accounts/Default/tokens";
    let (status, replayed, made) = send("k-1", tokens, token.clone()).await;
    assert_eq!((status, replayed), (201, false), "{made}");
    assert_eq!(send("k-1", tokens, token.clone()).await, (201, true, made.clone()));
    let (status, _, other) = send("k-2", tokens, token.clone()).await;
    assert!(status == 201 && other != made, "another key is another request");
    let secret = serde_json::from_str::<Value>(&made).unwrap()["token"].as_str().unwrap().to_owned();

    let (status, _, refused) = send("k-1", tokens, json!({ "description": "other" })).await;
    assert_eq!((status, code(&refused).as_str()), (422, "idempotency_key_reused"));
    let (status, _, refused) = send("k-1", "/virtual-accounts/Other/tokens", token.clone()).await;
    assert_eq!((status, code(&refused).as_str()), (422, "idempotency_key_reused"), "nor with another path");
    let (status, _, refused) = send("", tokens, token.clone()).await;
    assert_eq!((status, code(&refused).as_str()), (400, "unreadable"));
    let (status, _, refused) = send(&"k".repeat(256), tokens, token.clone()).await;
    assert_eq!((status, code(&refused).as_str()), (400, "unreadable"));

    let order = json!({ "order_id": "O-1", "lines": [{ "license": TAG, "quantity": 0 }] });
    let orders = "/virtual-accounts/Default/orders";
    let (status, _, refused) = send("k-3", orders, order.clone()).await;
    assert_eq!(status, 422, "{refused}");
    assert_eq!(send("k-3", orders, order).await, (422, true, refused), "a refusal is an answer, too");

    let roles = json!([{ "role": "account_administrator" }]);
    let second = first.new_client(&manager, "example.com", roles).await;
    let (status, replayed, others) = post(&second, tokens, "k-1", &token).await.unwrap();
    assert!(status == 201 && !replayed && others != made, "another client's keys are its own");
    let anonymous = first.http.post(format!("{}{HOME}{tokens}", first.url)).header("Idempotency-Key", "k-1");
    assert_eq!(anonymous.send().await.unwrap().status(), 401);

    assert_eq!(manager.stop(), Some(0));
    let file = std::fs::read(world.data_dir().join("seatpool.db")).unwrap();
    let holds = |text: &str| file.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("example.com") && !holds(&secret), "what is kept of an answer is sealed");
}

#[tokio::test]
async fn a_key_is_claimed_once_at_a_time_and_stored_commands_are_not_done_again() {
    let world = World::new().await;
    let account = world.account;
    world
        .offline(Clock::default(), async |app: App| {
            let roles = vec![Role::AccountAdministrator];
            let scopes = OauthScope::ALL.into();
            let principal =
                Principal { actor: Actor::Client("c".into()), account, roles, scopes, source: None };
            let asked = Sha256::of("what is asked for");
            let claim = async || requests::claim(&app, &principal, "key", asked).await.unwrap();
            let create = async || {
                let action = Action::CreateVirtualAccount { name: "Once".into(), description: String::new() };
                let actor = Actor::Client("c".into());
                app.submit(account, Command { actor, source: None, action }).await.unwrap()
            };
            let Claim::Do(turn) = claim().await else { panic!("it is the first") };
            assert!(matches!(claim().await, Claim::UnderWay));
            let made = turn.run(create()).await;
            // As if the manager died here: the command is stored, the answer is not.
            drop(turn);
            let Claim::Do(turn) = claim().await else { panic!("nobody knows of an answer") };
            assert_eq!(turn.run(create()).await, made, "what it came to, and not that the name is taken");
            assert!(matches!(made, Outcome::VirtualAccount(_)));
            turn.finish(b"done").await.unwrap();
            let Claim::Answered(answer) = claim().await else { panic!("it has an answer") };
            assert_eq!(answer, b"done");
            let differs = requests::claim(&app, &principal, "key", Sha256::of("else")).await.unwrap();
            assert!(matches!(differs, Claim::Differs));

            let Claim::Do(turn) = requests::claim(&app, &principal, "vain", asked).await.unwrap() else {
                panic!()
            };
            turn.give_up().await.unwrap();
            let again = requests::claim(&app, &principal, "vain", Sha256::of("else")).await.unwrap();
            assert!(matches!(again, Claim::Do(_)), "what did nothing leaves nothing");
            drop(again);
            let until = app.now();
            assert_eq!(app.store().purge_requests(until).await.unwrap(), 2);
            assert!(matches!(claim().await, Claim::Do(_)), "a day later it is a new request");
        })
        .await;
}

/// Sends creations with keys of their own until the manager is gone; what was answered, and what was not.
async fn create_until_gone(
    caller: Arc<Caller>,
    worker: u32,
    count: Arc<(AtomicU32, Notify)>,
) -> (Vec<(String, String)>, String) {
    let mut answered = Vec::new();
    for number in 0.. {
        let name = format!("{worker}-{number}");
        match post(&caller, "/virtual-accounts", &name, &json!({ "name": name })).await {
            Ok((201, false, body)) => answered.push((name, body)),
            Ok(other) => panic!("{other:?}"),
            Err(_) => return (answered, name),
        }
        count.0.fetch_add(1, Ordering::Relaxed);
        count.1.notify_one();
    }
    unreachable!("numbers don't end")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_kill_9_interrupted_is_sent_again_and_done_once() {
    let world = World::new().await;
    let mut names = Vec::new();
    for round in 0..3_u32 {
        let manager = world.start();
        let caller = Arc::new(Caller::first(&world, &manager).await);
        let count = Arc::new((AtomicU32::new(0), Notify::new()));
        let mut workers = JoinSet::new();
        for worker in 0..4 {
            workers.spawn(create_until_gone(Arc::clone(&caller), round * 10 + worker, Arc::clone(&count)));
        }
        while count.0.load(Ordering::Relaxed) < 30 {
            count.1.notified().await;
        }
        manager.kill();
        let done = workers.join_all().await;

        let manager = world.start();
        let caller = Caller::first(&world, &manager).await;
        for (answered, lost) in done {
            for (name, body) in answered {
                let again =
                    post(&caller, "/virtual-accounts", &name, &json!({ "name": name })).await.unwrap();
                assert_eq!(again, (201, true, body), "{name}: answered before");
                names.push(name);
            }
            let (status, _, body) =
                post(&caller, "/virtual-accounts", &lost, &json!({ "name": lost })).await.unwrap();
            assert_eq!(status, 201, "{lost}: {body}");
            names.push(lost);
        }
        assert_eq!(manager.stop(), Some(0));
    }
    let account = world.account;
    world
        .offline(Clock::default(), async |app: App| {
            let query = EventQuery {
                kind: Some(seatpool_domain::EventKind::VirtualAccountCreated),
                ..EventQuery::default()
            };
            let events = app.store().events(account, query, Page::ALL).await.unwrap();
            assert_eq!(events.total, names.len() as u64, "each was created once");
        })
        .await;
}
