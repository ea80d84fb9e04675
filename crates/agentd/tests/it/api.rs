//! The local API, request by request.

use http::Method;
use seatpool_agentd::api::{MayI, StatusAnswer};
use seatpool_agentd::client::{Client, ClientError};
use seatpool_agentd::show::{Banner, Severity};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::daemon::Place;
use crate::scripted::Scripted;
use crate::vendor::Vendor;

fn place() -> Place {
    Place::new(&Vendor::demonstration(), "https://manager.invalid/")
}

async fn refused(client: &Client, method: Method, path: &str, body: Value) -> (u16, String, String) {
    match client.change(method, path, Some(&body)).await {
        Err(ClientError::Refused { status, code, description }) => (status, code, description),
        other => panic!("{path}: {other:?}"),
    }
}

#[tokio::test]
async fn the_status_object_has_the_shape_that_clients_know() {
    let place = place();
    let _daemon = place.start();
    let mut status: Value = Client::new(place.socket()).get("licensing").await.unwrap();
    assert_eq!(status["features"].as_array().unwrap().len(), 3);
    status["features"].as_array_mut().unwrap().truncate(1);
    insta::assert_json_snapshot!(status);
}

#[tokio::test]
async fn a_registered_status_has_its_dates_and_accounts() {
    let world = Scripted::start();
    let place = Place::new(&world.vendor, &world.url());
    let _daemon = place.start();
    let client = Client::new(place.socket());
    let token = json!({ "token": "token-1", "reregister": false });
    assert_eq!(client.change(Method::POST, "licensing/registration", Some(&token)).await.unwrap(), 204);
    let mut answer: StatusAnswer = client.get("licensing/status").await.unwrap();
    while answer.status.authorization.last_success_at.is_none() {
        let path = format!("licensing/status?newer_than={}&wait_seconds=20", answer.revision);
        answer = client.get(&path).await.unwrap();
    }
    let status: Value = client.get("licensing").await.unwrap();
    let registration = &status["registration"];
    assert_eq!(registration["status"], "COMPLETED");
    assert_eq!(registration["register_time"]["success"], "SUCCESS");
    assert_eq!(
        (&registration["smart_account"], &registration["virtual_account"]),
        (&json!("Example"), &json!("Default"))
    );
    assert_eq!(status["authorization"]["status"], "NO_LICENSES_IN_USE");
    let expires = registration["expires"].as_str().unwrap();
    assert!(expires.len() == 19 && expires.as_bytes()[10] == b' ', "{expires}");
    let done: (http::StatusCode, Option<Value>) =
        client.ask(Method::DELETE, "licensing/deregistration").await.unwrap();
    assert_eq!(done, (http::StatusCode::NO_CONTENT, None));
}

#[tokio::test]
async fn usage_is_told_and_may_i_is_answered() {
    let place = place();
    let _daemon = place.start();
    let client = Client::new(place.socket());
    let usage = json!({ "CCX_FLEX_PREMIUM": 2, "CCX_FLEX_STANDARD": 5 });
    assert_eq!(client.change(Method::PATCH, "licensing/features", Some(&usage)).await.unwrap(), 204);
    let features: Vec<Value> = client.get("licensing/features").await.unwrap();
    let in_use: Vec<_> = features.iter().map(|f| f["in_use"].as_u64().unwrap()).collect();
    assert_eq!(in_use, [2, 5, 0]);
    assert_eq!(features[0]["status"], "EVALUATION");
    let may: MayI = client.get("licensing/may-i/user-sync").await.unwrap();
    assert_eq!(may, MayI { allowed: true, reason: None, since: None, description: None });
    let (status, code, words) =
        refused(&client, Method::GET, "licensing/may-i/user-synch", json!(null)).await;
    assert_eq!((status, code.as_str()), (404, "unknown_feature"), "{words}");
    assert!(words.contains("\"user-synch\"") && words.ends_with("it knows user-sync"), "{words}");
    let banner: Banner = client.get("licensing/banner").await.unwrap();
    assert_eq!((banner.severity, banner.text.as_str()), (Severity::Info, "Evaluation Mode"));
}

#[tokio::test]
async fn what_can_not_be_is_refused_with_a_code_and_words() {
    let place = place();
    let _daemon = place.start();
    let client = Client::new(place.socket());
    let check = async |method: Method, path: &str, body: Value, status: u16, code: &str, part: &str| {
        let (found, found_code, words) = refused(&client, method, path, body).await;
        assert_eq!((found, found_code.as_str()), (status, code), "{path}: {words}");
        assert!(words.contains(part), "{path}: {words}");
    };
    let (put, post, patch) = (Method::PUT, Method::POST, Method::PATCH);
    check(put.clone(), "licensing/nothing", json!(null), 404, "not_found", "PUT /licensing/nothing").await;
    check(put.clone(), "licensing/registration/renew", json!(null), 409, "not_registered", "with a token")
        .await;
    check(put.clone(), "licensing/authorization/renew", json!(null), 409, "not_registered", "with a token")
        .await;
    check(Method::DELETE, "licensing/deregistration", json!(null), 409, "not_registered", "not registered")
        .await;
    let token = json!({ "token": "a b" });
    check(post.clone(), "licensing/registration", token, 400, "invalid_token", "copy it again").await;
    check(post.clone(), "licensing/registration", json!({ "toke": "a" }), 400, "malformed", "toke").await;
    check(patch.clone(), "licensing/features", json!({ "NO_SUCH": 1 }), 400, "unknown_tag", "NO_SUCH").await;
    check(
        patch.clone(),
        "licensing/features",
        json!({ "CCX_SERVER": -1 }),
        400,
        "malformed",
        "`CCX_SERVER` is a negative number",
    )
    .await;
    check(patch, "licensing/features", json!("x".repeat(140_000)), 413, "too_large", "132096").await;
    check(put.clone(), "licensing/transport", json!({ "ssms": "http://m/" }), 400, "invalid_url", "over TLS")
        .await;
    let proxy = json!({ "proxy": { "server": "http://proxy", "port": 1 } });
    check(put.clone(), "licensing/transport", proxy, 400, "invalid_proxy", "without http://").await;
    let proxy = json!({ "proxy": { "port": 3128 } });
    check(put.clone(), "licensing/transport", proxy, 409, "no_proxy", "set its address first").await;
    check(put, "licensing/product_license", json!("Gold"), 400, "unknown_license_type", "Flex").await;
}

#[tokio::test]
async fn the_transport_is_set_and_set_back() {
    let place = place();
    let _daemon = place.start();
    let client = Client::new(place.socket());
    let set = async |body: Value| {
        client.change(Method::PUT, "licensing/transport", Some(&body)).await.unwrap();
        client.get::<Value>("licensing").await.unwrap()["transport"].clone()
    };
    let on_prem = "https://on-prem.example/Transportgateway/services/DeviceRequestHandler";
    let transport = set(json!({ "ssms": on_prem, "proxy": { "server": "127.0.0.1", "port": 49_152 } })).await;
    let default = "https://manager.invalid/";
    let expect = json!({ "ssms": on_prem, "default_ssms": default, "proxy": { "server": "127.0.0.1", "port": 49_152 } });
    assert_eq!(transport, expect);
    let transport = set(json!({ "ssms": null, "proxy": { "server": null, "port": null } })).await;
    let expect =
        json!({ "ssms": default, "default_ssms": default, "proxy": { "server": null, "port": null } });
    assert_eq!(transport, expect);
}

#[tokio::test]
async fn the_licence_type_is_chosen_before_registration() {
    let place = place();
    let _daemon = place.start();
    let client = Client::new(place.socket());
    client.change(Method::PUT, "licensing/product_license", Some(&"Perpetual Premium")).await.unwrap();
    let status: Value = client.get("licensing").await.unwrap();
    assert_eq!(status["product_license"]["active"], "Perpetual Premium");
    assert_eq!(status["features"][0]["id"], "CCX_PREMIUM");
}

#[tokio::test]
async fn events_come_as_lines_while_they_happen() {
    let place = place();
    let _daemon = place.start();
    let client = Client::new(place.socket());
    let mut lines = client.lines("licensing/alerts").await.unwrap();
    let usage = json!({ "CCX_FLEX_STANDARD": 1 });
    client.change(Method::PATCH, "licensing/features", Some(&usage)).await.unwrap();
    let event: Value = lines.next().await.unwrap().unwrap();
    assert_eq!(event["code"], "evaluation_started", "{event}");
    client.change(Method::POST, "licensing/registration", Some(&json!({ "token": "t" }))).await.unwrap();
    loop {
        let event: Value = lines.next().await.unwrap().unwrap();
        if event["code"] == "registration_failed" {
            assert!(event["message"].as_str().unwrap().contains("manager.invalid"), "{event}");
            break;
        }
    }
    // Who comes later is told what stands.
    let mut lines = client.lines("licensing/alerts").await.unwrap();
    let alert: Value = lines.next().await.unwrap().unwrap();
    assert_eq!(alert["severity"], 3, "{alert}");
}

#[tokio::test]
async fn the_loopback_address_asks_for_the_token() {
    let place = place();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let token_file = place.path("token");
    let flags = ["--listen", &port.to_string(), "--listen-token-file", token_file.to_str().unwrap()];
    let _daemon = place.start_with(&flags);
    assert_eq!(crate::daemon::mode(&token_file), 0o600);
    let token = std::fs::read_to_string(&token_file).unwrap();
    let ask = async |header: String| {
        let mut stream = tokio::net::TcpStream::connect(port).await.unwrap();
        let request =
            format!("GET /licensing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{header}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    assert!(ask(String::new()).await.starts_with("HTTP/1.1 401 "));
    assert!(ask("Authorization: Bearer wrong\r\n".into()).await.starts_with("HTTP/1.1 401 "));
    let answer = ask(format!("Authorization: Bearer {}\r\n", token.trim())).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("NOT_REGISTERED"), "{answer}");
}
