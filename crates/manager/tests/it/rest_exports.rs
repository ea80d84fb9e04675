//! Export-restricted licences in use: not taken away, and what waits for them is an alert.

use seatpool_proto::message::ExportFeature;
use seatpool_proto::{ProblemCode, RequestBody, ResponseBody};
use serde_json::{Value, json};

use crate::rest_support::Caller;
use crate::support::manager::seatpool;
use crate::support::{ALICE, Agent, Manager, Visitor, World};

const OWN: &str = "/api/seatpool/v1/accounts/example.com";
const CATALOGUE: &str = r#"
[[families]]
family = "mixed-mode"
licenses = [{ tag = "CM_EXPORT", name = "Mixed Mode", export_restricted = true }]
"#;

pub(crate) fn start(world: &World) -> Manager {
    let file = world.data_dir().join("restricted.toml");
    std::fs::write(&file, CATALOGUE).unwrap();
    let mut command = seatpool();
    command.args(["serve", "--data-dir"]).arg(world.data_dir()).arg("--catalogue").arg(file);
    Manager::start(command, world)
}

fn request() -> RequestBody {
    let (feature, tag) = ("mixed-mode".into(), "CM_EXPORT".parse().unwrap());
    RequestBody::ExportRequest(ExportFeature { feature, tag })
}

async fn registered(manager: &Manager, serial: &str, token: &str) -> Agent {
    let mut agent = Agent::new(serial);
    agent.register(manager, token).await;
    agent
}

async fn alerts(caller: &Caller, kind: &str) -> Vec<Value> {
    let found = caller.get(&format!("{OWN}/alerts?kind={kind}")).await.json();
    found["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn restricted_licences_in_use_stay_and_who_waits_for_one_is_an_alert() {
    let world = World::new().await;
    let token = world.token().await;
    let manager = start(&world);
    let caller = Caller::first(&world, &manager).await;
    let va = format!("{OWN}/virtual-accounts");
    assert_eq!(caller.post(&va, json!({ "name": "EMEA" })).await.status, 201);
    let order = json!({ "order_id": "PO-1", "lines": [{ "license": "CM_EXPORT", "quantity": 1 }] });
    assert_eq!(caller.post(&format!("{va}/Default/orders"), order).await.status, 201);
    let mut one = registered(&manager, "SN1", &token.text).await;
    let made = one.ask(&manager, request()).await;
    assert!(matches!(made.body, ResponseBody::ExportRequest(_)), "{made:?}");

    let transfer = json!({ "lines": [{ "license": "CM_EXPORT", "quantity": 1, "to": "EMEA" }] });
    for (path, body) in [
        (format!("{va}/Default/license-transfers"), transfer),
        (format!("{OWN}/orders/PO-1/cancel"), json!({})),
        (format!("{OWN}/orders/PO-1/cancel/preview"), json!({})),
    ] {
        let refused = caller.post(&path, body).await;
        assert_eq!(refused.status, 409, "{path}: {}", refused.text);
        let told = refused.json()["detail"].as_str().unwrap().to_owned();
        let who = "the export-restricted feature mixed-mode on ccx.example.com (PID UCCX, SN SN1) holds one of them";
        assert!(told.contains(who), "{path}: {told}");
    }

    assert_eq!(alerts(&caller, "restricted_license_unavailable").await, [] as [Value; 0]);
    let mut two = registered(&manager, "SN2", &token.text).await;
    let asked = two.request(request());
    let refused = manager.send(&two.signed(&asked)).await;
    let code = refused.refusal(&manager, asked.request_id, asked.nonce);
    assert_eq!(code, ProblemCode::ExportNotAvailable);
    let found = alerts(&caller, "restricted_license_unavailable").await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (found[0]["title"].as_str(), found[0]["severity"].as_str(), found[0]["source"]["id"].as_str()),
        (Some("Restricted License Not Available"), Some("major"), Some("CM_EXPORT"))
    );
    let message = found[0]["message"].as_str().unwrap();
    assert!(message.contains("SN SN2) asked for the export-restricted feature mixed-mode on "), "{message}");
    let mut alice = Visitor::signed_in(&manager, ALICE).await;
    let page = alice.get("/portal/example.com/alerts?kind=restricted_license_unavailable").await;
    for text in [
        "Restricted License Not Available",
        "Mixed Mode has none to spare in Default",
        ">Order…<",
        "Dismiss<",
    ] {
        assert!(page.has(text), "{text}: {}", page.body);
    }
    let key = found[0]["id"].as_str().unwrap();
    let dismissed = caller.post(&format!("{OWN}/alerts/{key}/dismiss"), json!({})).await;
    assert!(dismissed.status < 300, "{}", dismissed.text);
    assert_eq!(alerts(&caller, "restricted_license_unavailable").await, [] as [Value; 0]);
}
