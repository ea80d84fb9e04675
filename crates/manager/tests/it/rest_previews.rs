//! Previews through the REST API: what a step would do is what it does, and asking does nothing.

use reqwest::Method;
use serde_json::{Value, json};

use crate::rest_support::{Caller, Record, instance};
use crate::support::{ALICE, Manager, TAG, Visitor, World};

const ACCOUNT: &str = "/api/seatpool/v1/accounts/example.com";
const HERE: &str = "/api/seatpool/v1/accounts/example.com/virtual-accounts/Default";

struct Scene {
    _world: World,
    _manager: Manager,
    caller: Caller,
    /// Of two instances in Default, using 60 and 30.
    instances: [String; 2],
}

/// Default owns 100, 40 of them by the subscription SUB-1, and uses 90; North Sea owns and uses nothing.
async fn scene() -> Scene {
    let world = World::new().await;
    let token = world.token().await;
    world.deposit(world.default, "O-1", &[(TAG, 60, None)]).await;
    let manager = world.start();
    let caller = Caller::first(&world, &manager).await;
    for (order, quantity) in [("O-2", 10), ("O-3", 30)] {
        let line = json!({ "license": TAG, "quantity": quantity, "subscription_id": "SUB-1",
            "starts_at": "2020-01-01T00:00:00Z", "ends_at": "2099-01-01T00:00:00Z" });
        let body = json!({ "order_id": order, "lines": [line] });
        assert_eq!(caller.post(&format!("{HERE}/orders"), body).await.status, 201);
    }
    let made = caller.post(&format!("{ACCOUNT}/virtual-accounts"), json!({ "name": "North Sea" })).await;
    assert_eq!(made.status, 201);
    let instances = [
        instance(&manager, &token.text, "SN1", 60).await.to_string(),
        instance(&manager, &token.text, "SN2", 30).await.to_string(),
    ];
    Scene { _world: world, _manager: manager, caller, instances }
}

impl Scene {
    /// Owned, in use and short of the licence in Default and in North Sea.
    async fn balances(&self) -> Vec<(String, i64, u64)> {
        let rows = self.caller.get(&format!("{ACCOUNT}/licenses")).await.json();
        let row = |row: &Value| {
            let name = row["virtual_account"]["name"].as_str().unwrap().to_owned();
            (name, row["balance"].as_i64().unwrap(), row["short"].as_u64().unwrap())
        };
        rows["items"].as_array().unwrap().iter().map(row).collect()
    }

    async fn events(&self) -> Value {
        self.caller.get(&format!("{ACCOUNT}/events?limit=1")).await.json()["total"].clone()
    }
}

/// The balances right after a step, as its preview has them.
fn foreseen(preview: &Value) -> Vec<(String, i64, u64)> {
    let row = |row: &Value| {
        let name = row["virtual_account"]["name"].as_str().unwrap().to_owned();
        (name, row["after"]["balance"].as_i64().unwrap(), row["after"]["short"].as_u64().unwrap())
    };
    let is_now = |row: &&Value| row["later"] == false;
    preview["changes"].as_array().unwrap().iter().filter(is_now).map(row).collect()
}

#[tokio::test]
async fn a_transfer_does_what_its_preview_said() {
    let scene = scene().await;
    let (before, events) = (scene.balances().await, scene.events().await);
    let mut record = Record::default();
    let path = format!("{HERE}/license-transfers");
    let body =
        |quantity: u64| json!({ "lines": [{ "license": TAG, "quantity": quantity, "to": "North Sea" }] });
    let harmless = record.post(&scene.caller, &format!("{path}/preview"), body(10)).await;
    assert_eq!(harmless["effect"], "breaks", "not today: when the subscription ends");
    let breaks = |change: &&Value| change["after"]["short"].as_u64() > change["before"]["short"].as_u64();
    let missed: Vec<_> = harmless["changes"].as_array().unwrap().iter().filter(breaks).collect();
    assert_eq!((missed.len(), &missed[0]["at"]), (1, &json!("2099-01-01T00:00:00Z")));
    let breaking = record.post(&scene.caller, &format!("{path}/preview"), body(25)).await;
    assert_eq!(breaking["effect"], "breaks");
    record.post(&scene.caller, &format!("{path}/preview"), body(101)).await;
    record.post(&scene.caller, &format!("{path}/preview"), json!({ "lines": [] })).await;
    assert_eq!((scene.balances().await, scene.events().await), (before, events), "asking does nothing");
    assert_eq!(scene.caller.post(&path, body(25)).await.status, 204);
    assert_eq!(scene.balances().await, foreseen(&breaking));

    let move_second = json!({ "instances": [scene.instances[1]], "to": "North Sea" });
    let previews = format!("{ACCOUNT}/instances/preview");
    let mending = record.post(&scene.caller, &previews, move_second).await;
    assert_eq!(mending["effect"], "breaks", "North Sea has 25 and would use 30");
    let both = json!({ "instances": scene.instances });
    let removal = record.post(&scene.caller, &previews, both).await;
    assert_eq!(removal["effect"], "mends");
    record.post(&scene.caller, &previews, json!({ "instances": [] })).await;
    record.post(&scene.caller, &previews, json!({ "instances": ["nosuch"] })).await;
    let nowhere = json!({ "instances": [scene.instances[0]], "to": "nosuch" });
    record.post(&scene.caller, &previews, nowhere).await;
    for id in &scene.instances {
        let gone = scene.caller.call(Method::DELETE, &format!("{ACCOUNT}/instances/{id}"), None).await;
        assert_eq!(gone.status, 204);
    }
    let north_sea = scene.balances().await.pop().unwrap();
    assert_eq!(scene.balances().await, [foreseen(&removal), vec![north_sea]].concat());
    insta::assert_json_snapshot!("own_previews", record.finish());
}

#[tokio::test]
async fn a_subscription_is_cancelled_as_a_whole_as_its_preview_said() {
    let scene = scene().await;
    let mut record = Record::default();
    let cancel = format!("{ACCOUNT}/subscriptions/SUB-1/cancel");
    let events = scene.events().await;
    let told = record.post(&scene.caller, &format!("{cancel}/preview"), json!({})).await;
    assert_eq!((&told[0]["short_before"], &told[0]["short_after"]), (&json!(0), &json!(30)));
    let renew = json!({ "order_id": "O-9", "term_years": 3 });
    let renewal = format!("{ACCOUNT}/subscriptions/SUB-1/renew/preview");
    let told = record.post(&scene.caller, &renewal, renew).await;
    assert_eq!(told[0]["at"], "2099-01-01T00:00:00Z", "on the day of the old end");
    record.post(&scene.caller, &renewal, json!({ "order_id": "O-9" })).await;
    let more = json!({ "order_id": "O-8", "lines": [{ "license": TAG, "quantity": 5 }] });
    let told = record.post(&scene.caller, &format!("{HERE}/orders/preview"), more).await;
    assert_eq!((&told[0]["owned_before"], &told[0]["owned_after"]), (&json!(100), &json!(105)));
    record.post(&scene.caller, &format!("{ACCOUNT}/orders/O-2/cancel/preview"), json!({})).await;
    let lots = scene.caller.get(&format!("{ACCOUNT}/lots")).await.json();
    let lot = lots["items"].as_array().unwrap().iter().find(|lot| lot["order_id"] == "O-3").unwrap();
    let lot = lot["id"].as_str().unwrap().to_owned();
    let part = json!({ "quantity": 1 });
    record.post(&scene.caller, &format!("{ACCOUNT}/lots/{lot}/cancel/preview"), part).await;
    let later = json!({ "order_id": "O-9", "ends_at": "2099-06-01T00:00:00Z" });
    record.post(&scene.caller, &format!("{ACCOUNT}/lots/{lot}/renew/preview"), later).await;
    record.post(&scene.caller, &format!("{ACCOUNT}/lots/nosuch/cancel/preview"), json!({})).await;
    record.post(&scene.caller, &format!("{ACCOUNT}/subscriptions/nosuch/cancel/preview"), json!({})).await;
    assert_eq!(scene.events().await, events, "asking does nothing");

    record.post(&scene.caller, &cancel, json!({ "quantity": 1 })).await;
    let left = record.post(&scene.caller, &cancel, json!({ "reason": "not wanted" })).await;
    assert_eq!(left, json!([]));
    assert_eq!(scene.balances().await, [("Default".to_owned(), -30, 30)]);
    record.post(&scene.caller, &cancel, json!({})).await;
    insta::assert_json_snapshot!("own_deposit_previews", record.finish());
}

/// Default uses 30: it owns 10 until June 2099, 30 until 2099 begins, and 30 from then on.
async fn in_turns() -> (World, Manager, Caller) {
    let world = World::new().await;
    let token = world.token().await;
    let manager = world.start();
    let caller = Caller::first(&world, &manager).await;
    let turn = "2099-01-01T00:00:00Z";
    for (order, quantity, start, end) in [
        ("PO-1", 10, "2020-01-01T00:00:00Z", Some("2099-06-01T00:00:00Z")),
        ("PO-A", 30, "2020-01-01T00:00:00Z", Some(turn)),
        ("PO-B", 30, turn, None),
    ] {
        let line = json!({ "license": TAG, "quantity": quantity, "starts_at": start, "ends_at": end });
        let made =
            caller.post(&format!("{HERE}/orders"), json!({ "order_id": order, "lines": [line] })).await;
        assert_eq!(made.status, 201, "{}", made.text);
    }
    let made = caller.post(&format!("{ACCOUNT}/virtual-accounts"), json!({ "name": "North Sea" })).await;
    assert_eq!(made.status, 201);
    instance(&manager, &token.text, "SN1", 30).await;
    (world, manager, caller)
}

#[tokio::test]
async fn a_lot_that_begins_when_another_ends_is_missed_from_then_on() {
    let (world, manager, caller) = in_turns().await;
    let mut record = Record::default();
    let told = record.post(&caller, &format!("{ACCOUNT}/orders/PO-B/cancel/preview"), json!({})).await;
    assert_eq!(told[0]["at"], "2099-01-01T00:00:00Z");
    assert_eq!((&told[0]["short_before"], &told[0]["short_after"]), (&json!(0), &json!(20)));
    let lots = caller.get(&format!("{ACCOUNT}/lots")).await.json();
    let id = |order: &str| {
        let lot = lots["items"].as_array().unwrap().iter().find(|lot| lot["order_id"] == order).unwrap();
        lot["id"].as_str().unwrap().to_owned()
    };
    let away = |lot: &str, quantity: u64| json!({ "lines": [{ "license": TAG, "lot": lot, "quantity": quantity, "to": "North Sea" }] });
    let transfers = format!("{HERE}/license-transfers/preview");
    let later = record.post(&caller, &transfers, away(&id("PO-B"), 30)).await;
    assert_eq!(later["effect"], "breaks");
    let breaks = later["changes"].as_array().unwrap().iter().find(|change| change["after"]["short"] == 20);
    let breaks = breaks.expect("the day on which they are missed");
    assert_eq!((&breaks["at"], &breaks["later"]), (&json!("2099-01-01T00:00:00Z"), &json!(true)));
    // What counts now, and is missed when the others end.
    let now = record.post(&caller, &transfers, away(&id("PO-1"), 10)).await;
    assert_eq!(now["effect"], "none", "neither now nor later");
    let line = json!({ "license": TAG, "quantity": 5, "starts_at": "2099-06-01T00:00:00Z" });
    let order = json!({ "order_id": "PO-C", "lines": [line] });
    let told = record.post(&caller, &format!("{HERE}/orders/preview"), order).await;
    assert_eq!((&told[0]["owned_before"], &told[0]["owned_after"]), (&json!(30), &json!(35)));
    insta::assert_json_snapshot!("own_later_previews", record.finish());

    let mut alice = Visitor::signed_in(&manager, ALICE).await;
    let page = alice.get(&format!("/portal/example.com/lots/{}/cancel", id("PO-B"))).await;
    assert!(page.has("0 → <strong>20</strong>") && page.has("2099-01-01"), "{}", page.body);
    let transfer = world.page(&format!("licenses/{TAG}/transfer"));
    let form = alice.get(&transfer).await;
    let north_sea = form.between("<option value=\"", "\">North Sea").unwrap_or_default();
    let north_sea = north_sea.rsplit("value=\"").next().unwrap().to_owned();
    let based_on = form.between("name=\"based_on\" value=\"", "\"").unwrap();
    let lot = format!("lot-{}", id("PO-B"));
    let fields = [("to", north_sea.as_str()), (&lot, "30"), ("based_on", &based_on)];
    let shown = alice.submit(&transfer, &transfer, &fields).await;
    for text in ["This takes licenses out of compliance later", "Goes out of compliance", "2099-01-01"] {
        assert!(shown.has(text), "{text}: {}", shown.body);
    }
}

#[tokio::test]
async fn a_declaration_and_its_rejection_are_told_before() {
    let scene = scene().await;
    let mut record = Record::default();
    let declared = format!("{HERE}/declarations");
    let what = json!({ "license": TAG, "quantity": 9, "note": "contract 7" });
    let told = record.post(&scene.caller, &format!("{declared}/preview"), what.clone()).await;
    assert_eq!((&told[0]["owned_before"], &told[0]["owned_after"]), (&json!(100), &json!(109)));
    let made = scene.caller.post(&declared, what).await;
    assert_eq!(made.status, 201, "only now is it declared: {}", made.text);
    let lot = format!("{ACCOUNT}/lots/{}", made.json()["id"].as_str().unwrap());
    let why = json!({ "reason": "contract 7 has ended" });
    let told = record.post(&scene.caller, &format!("{lot}/reject/preview"), why.clone()).await;
    assert_eq!((&told[0]["owned_before"], &told[0]["owned_after"]), (&json!(109), &json!(100)));
    record.post(&scene.caller, &format!("{lot}/reject/preview"), json!({})).await;
    assert_eq!(scene.caller.post(&format!("{lot}/reject"), why).await.status, 200);
    insta::assert_json_snapshot!("own_declaration_previews", record.finish());
}
