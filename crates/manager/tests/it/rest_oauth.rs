//! Access tokens: how they are asked for, how they end, and that no log ever holds a secret.

use std::process::Command;

use reqwest::header::AUTHORIZATION;
use seatpool_manager::App;
use seatpool_manager::app::access::clients;
use seatpool_manager::clock::Clock;
use seatpool_proto::Sha256;
use serde_json::{Value, json};

use crate::rest_support::{Caller, Record, credentials, granted};
use crate::support::manager::seatpool;
use crate::support::{ALICE, Manager, World, now};

async fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    assert_eq!(response.headers()["cache-control"], "no-store");
    (status, response.json().await.unwrap())
}

#[tokio::test]
async fn credentials_come_as_form_query_json_or_basic() {
    let world = World::new().await;
    let manager = world.start();
    let (id, secret) = credentials(&world);
    let parameters = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_secret", secret.as_str()),
    ];
    let json = json!({ "grant_type": "client_credentials", "client_id": id, "client_secret": secret });
    for path in ["/oauth/token", "/backend/oauth/token", "//oauth/token", "//backend/oauth/token"] {
        let post = || manager.http.post(format!("{}{path}", manager.url));
        let as_basic = post().basic_auth(&id, Some(&secret)).form(&parameters[..1]);
        let query_and_form = post().query(&parameters[..2]).form(&parameters[2..]);
        for request in [
            post().form(&parameters),
            post().query(&parameters),
            post().json(&json),
            post().body(json.to_string()),
            query_and_form,
            as_basic,
        ] {
            let (status, answer) = answer(request).await;
            assert_eq!(status, 200, "{answer}");
            assert_eq!(
                (answer["token_type"].as_str(), answer["expires_in"].as_i64()),
                (Some("Bearer"), Some(3599))
            );
            let token = answer["access_token"].as_str().unwrap();
            let list = manager.http.get(format!("{}/api/v2/accounts", manager.url)).bearer_auth(token);
            assert_eq!(list.send().await.unwrap().status().as_u16(), 200);
        }
    }
}

#[tokio::test]
async fn whatever_is_wrong_has_its_oauth_error() {
    let world = World::new().await;
    let manager = world.start();
    let (id, secret) = credentials(&world);
    let ask = |body: Value| manager.http.post(format!("{}/oauth/token", manager.url)).json(&body);
    let grant = "client_credentials";
    for (request, error) in [
        (ask(json!({ "grant_type": grant, "client_id": id, "client_secret": "wrong" })), "invalid_client"),
        (
            ask(json!({ "grant_type": grant, "client_id": "nosuch", "client_secret": secret })),
            "invalid_client",
        ),
        (ask(json!({ "grant_type": grant, "client_id": id })), "invalid_request"),
        (ask(json!({ "client_id": id, "client_secret": secret })), "invalid_request"),
        (
            ask(json!({ "grant_type": "password", "username": "alice", "password": "correct horse battery",
                "client_id": id, "client_secret": secret })),
            "unauthorized_client",
        ),
        (
            ask(json!({ "grant_type": "refresh_token", "client_id": id, "client_secret": secret })),
            "unsupported_grant_type",
        ),
        (manager.http.post(format!("{}/oauth/token", manager.url)).body("{nonsense"), "invalid_request"),
        (manager.http.post(format!("{}/oauth/token", manager.url)), "invalid_request"),
    ] {
        let (status, answer) = answer(request).await;
        assert_eq!((status, answer["error"].as_str()), (400, Some(error)), "{answer}");
        assert!(!answer["error_description"].as_str().unwrap().contains(&secret));
    }
}

#[tokio::test]
async fn every_form_of_asking_and_its_answer_is_recorded() {
    let world = World::new().await;
    let manager = world.start();
    let (id, secret) = credentials(&world);
    let mut record = Record::default();
    let asked = json!({ "grant_type": "client_credentials", "client_id": id, "client_secret": secret });
    let wrong = json!({ "grant_type": "client_credentials", "client_id": id, "client_secret": "wrong" });
    let password = json!({ "grant_type": "password", "client_id": id, "client_secret": secret,
        "username": "nobody", "password": "something" });
    for path in ["/oauth/token", "/backend/oauth/token", "//oauth/token", "//backend/oauth/token"] {
        let post = || manager.http.post(format!("{}{path}", manager.url));
        let told = |form: &str| format!("POST {path} ({form})");
        for body in [&asked, &wrong] {
            record.send(&told("form"), Some(body.clone()), post().form(body)).await;
            record.send(&told("query"), Some(body.clone()), post().query(body)).await;
            record.send(&told("JSON"), Some(body.clone()), post().json(body)).await;
        }
    }
    let post = || manager.http.post(format!("{}/oauth/token", manager.url));
    let told = "POST /oauth/token (form)";
    record.send(told, Some(password.clone()), post().form(&password)).await;
    let allowed = json!({ "second_factor_required": false, "password_grant": true });
    let first = Caller::first(&world, &manager).await;
    let rules = "/api/seatpool/v1/accounts/example.com/sign-in-rules";
    assert_eq!(first.call(reqwest::Method::PUT, rules, Some(&allowed)).await.status, 200);
    record.send(told, Some(password.clone()), post().form(&password)).await;
    let mut alice = password;
    (alice["username"], alice["password"]) = (ALICE.0.into(), ALICE.1.into());
    let granted = record.send(told, Some(json!({ "as": "the administrator" })), post().form(&alice)).await;
    assert_eq!(granted["token_type"], "Bearer");
    for (key, value) in [("grant_type", "refresh_token"), ("scope", "root")] {
        let mut odd = asked.clone();
        odd[key] = value.into();
        record.send(told, Some(odd.clone()), post().form(&odd)).await;
    }
    record.send("POST /oauth/token", None, post()).await;
    record.send("POST /oauth/token", Some("{nonsense".into()), post().body("{nonsense")).await;
    insta::assert_json_snapshot!("oauth_tokens", record.finish());
}

#[tokio::test]
async fn tokens_that_are_missing_foreign_or_over_are_told_apart() {
    let world = World::new().await;
    let (id, _) = credentials(&world);
    let (over, account) = (clients::secret(), world.account);
    world
        .offline(Clock::default(), async |app: App| {
            let ended = now() - jiff::SignedDuration::from_secs(1);
            let store = app.store();
            store.insert_access_token(Sha256::of(&over), &granted(&id, account, ended)).await.unwrap();
        })
        .await;
    let manager = world.start();
    let problem = async |value: Option<String>| {
        let mut request = manager.http.get(format!("{}/api/seatpool/v1/accounts", manager.url));
        if let Some(value) = value {
            request = request.header(AUTHORIZATION, value);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status().as_u16(), 401);
        assert!(response.headers()["www-authenticate"].to_str().unwrap().starts_with("Bearer"));
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        let problem: Value = response.json().await.unwrap();
        problem["code"].as_str().unwrap().to_owned()
    };
    assert_eq!(problem(None).await, "unauthenticated");
    assert_eq!(problem(Some("Basic YTpi".into())).await, "unauthenticated");
    assert_eq!(problem(Some("Bearer nonsense".into())).await, "token_invalid");
    assert_eq!(problem(Some(format!("Bearer {over}"))).await, "token_invalid");
}

#[tokio::test]
async fn no_log_line_holds_a_secret_even_when_everything_is_logged() {
    let world = World::new().await;
    let (id, secret) = credentials(&world);
    let mut command: Command = seatpool();
    command.args(["serve", "--log", "trace", "--data-dir"]).arg(world.data_dir());
    let manager = Manager::start(command, &world);
    let query = [("grant_type", "client_credentials"), ("client_id", &id), ("client_secret", &secret)];
    let request = manager.http.post(format!("{}/oauth/token", manager.url)).query(&query);
    let (status, granted) = answer(request).await;
    assert_eq!(status, 200);
    let wrong =
        [("grant_type", "client_credentials"), ("client_id", &id), ("client_secret", "wrong-Secret-1")];
    let wrong = wrong.map(|(name, value)| (name, value.to_owned()));
    assert_eq!(answer(manager.http.post(format!("{}/oauth/token", manager.url)).query(&wrong)).await.0, 400);
    let mut caller = Caller::anonymous(&manager);
    let access = granted["access_token"].as_str().unwrap().to_owned();
    caller.token = Some(access.clone());
    let tokens = "/api/seatpool/v1/accounts/example.com/virtual-accounts/Default/tokens";
    let made = caller.post(tokens, json!({})).await.json();
    let token = made["token"].as_str().unwrap().to_owned();
    let accounts = json!({ "domain": "other.example",
        "administrator": { "login": "bob", "password": "Very-Secret-Password" } });
    assert_eq!(caller.post("/api/seatpool/v1/accounts", accounts).await.status, 201);
    let nonsense = caller.get("/api/seatpool/v1/accounts?access_token=Query-Secret-2").await;
    assert_eq!(nonsense.status, 200);

    let log = manager.log();
    assert!(log.contains("TRACE") && log.contains("ready at"), "everything is logged: {log}");
    for held in [&secret, &access, &token, "wrong-Secret-1", "Very-Secret-Password", "Query-Secret-2"] {
        let line = log.lines().find(|line| line.contains(held));
        assert_eq!(line, None, "the log holds {held}");
    }
}
