//! Explanations and alerts through the REST API: what they say, what they propose, and doing it.

use seatpool_proto::VirtualAccountId;
use serde_json::{Value, json};

use crate::rest_support::{Caller, instance, steady};
use crate::support::{Manager, TAG, World};

const ACCOUNT: &str = "/api/seatpool/v1/accounts/example.com";
const VAS: &str = "/api/seatpool/v1/accounts/example.com/virtual-accounts";
const EXPLANATION: &str =
    "/api/seatpool/v1/accounts/example.com/virtual-accounts/Default/licenses/CCX_PREMIUM/explanation";
const MENDS: &str =
    "/api/seatpool/v1/accounts/example.com/virtual-accounts/Default/licenses/CCX_PREMIUM/mends";

/// Default owns 10 and uses 22; EMEA owns 40 and uses none.
async fn short_by_twelve(world: &World) -> (Manager, Caller) {
    let token = world.token().await;
    world.order(10).await;
    let manager = world.start();
    let caller = Caller::first(world, &manager).await;
    assert_eq!(caller.post(VAS, json!({ "name": "EMEA" })).await.status, 201);
    deposit(&caller, "EMEA", "O-EMEA", json!({ "license": TAG, "quantity": 40 })).await;
    instance(&manager, &token.text, "SN1", 15).await;
    instance(&manager, &token.text, "SN2", 7).await;
    (manager, caller)
}

async fn deposit(caller: &Caller, place: &str, order: &str, line: Value) {
    let body = json!({ "order_id": order, "lines": [line] });
    let made = caller.post(&format!("{VAS}/{place}/orders"), body).await;
    assert_eq!(made.status, 201, "{}", made.text);
}

/// Every key of a move is named by what it is, since it differs in every run.
fn without_keys(explanation: &Value) -> Value {
    let mut shown = explanation.clone();
    for mend in shown["what_to_do"].as_array_mut().unwrap() {
        if mend["key"].is_string() {
            mend["key"] = "[key]".into();
        }
    }
    steady(&mut shown);
    shown
}

#[tokio::test]
async fn a_shortage_is_explained_and_the_proposed_move_mends_it() {
    let world = World::new().await;
    let (manager, caller) = short_by_twelve(&world).await;
    let short = caller.get(EXPLANATION).await.json();
    insta::assert_json_snapshot!("explanation_short", without_keys(&short));
    let key = short["what_to_do"][0]["key"].as_str().unwrap().to_owned();

    // What the proposal was worked out from changes: it is refused with the new figures.
    deposit(&caller, "Default", "O-2", json!({ "license": TAG, "quantity": 2 })).await;
    let refused = caller.post(MENDS, json!({ "key": key })).await;
    assert_eq!((refused.status, refused.json()["code"].as_str()), (409, Some("changed")));
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("10 are short") && detail.contains("Move 10 of"), "{detail}");

    let again = caller.get(EXPLANATION).await.json();
    let key = again["what_to_do"][0]["key"].as_str().unwrap().to_owned();
    let body = json!({ "key": key });

    // Only who manages both virtual accounts may.
    let roles = json!([{ "role": "virtual_account_administrator", "virtual_account": "Default" }]);
    let neighbour = caller.new_client(&manager, "example.com", roles).await;
    let told = neighbour.get(EXPLANATION).await.json();
    assert_eq!(told["what_to_do"][0]["fact"]["do"], "obtain", "it does not learn what EMEA has: {told}");
    let refused = neighbour.post(MENDS, body.clone()).await;
    assert_eq!(refused.status, 409, "{}", refused.text);

    let mended = caller.post(MENDS, body.clone()).await;
    assert_eq!(mended.status, 200, "{}", mended.text);
    insta::assert_json_snapshot!("explanation_mended", without_keys(&mended.json()));
    assert_eq!(caller.post(MENDS, body).await.status, 409, "a move is done once");
    let lots = caller.get(&format!("{VAS}/EMEA/licenses/{TAG}")).await.json();
    assert_eq!(lots["license"]["owned"], 30);
}

#[tokio::test]
async fn what_a_reader_may_not_move_it_is_told_to_ask_for() {
    let world = World::new().await;
    let (manager, caller) = short_by_twelve(&world).await;
    let key = caller.get(EXPLANATION).await.json()["what_to_do"][0]["key"].as_str().unwrap().to_owned();
    let roles = json!([
        { "role": "virtual_account_administrator", "virtual_account": "Default" },
        { "role": "virtual_account_user", "virtual_account": "EMEA" },
    ]);
    let neighbour = caller.new_client(&manager, "example.com", roles).await;
    let told = neighbour.get(EXPLANATION).await.json();
    let first = &told["what_to_do"][0];
    assert_eq!((&first["fact"]["do"], &first["key"]), (&json!("ask"), &Value::Null), "{told}");
    assert!(
        first["text"].as_str().unwrap().starts_with("Ask an account administrator to move 12 of"),
        "{told}"
    );
    assert_eq!(
        neighbour.post(MENDS, json!({ "key": key })).await.status,
        403,
        "who found out the key may not either"
    );
    assert_eq!(caller.post(MENDS, json!({ "key": key })).await.status, 200);
}

#[tokio::test]
async fn only_those_who_use_a_license_are_named_and_since_they_were_there() {
    let world = World::new().await;
    let token = world.token().await;
    world.order(10).await;
    let manager = world.start();
    let caller = Caller::first(&world, &manager).await;
    instance(&manager, &token.text, "SN1", 22).await;
    instance(&manager, &token.text, "SN2", 0).await;
    let late = instance(&manager, &token.text, "SN3", 4).await;
    let pool = caller.get(EXPLANATION).await.json();
    let texts: Vec<_> = pool["why"].as_array().unwrap().iter().map(|why| &why["text"]).collect();
    assert!(texts.contains(&&json!("Used by ccx.example.com (22) and ccx.example.com (4).")), "{texts:?}");

    let path = format!("{ACCOUNT}/instances/{late}");
    let row = caller.get(&path).await.json();
    let told = caller.get(&format!("{path}/explanation")).await.json();
    assert_eq!(told["status"], "out_of_compliance", "{told}");
    assert_eq!(told["since"], row["instance"]["registered_at"], "its pool was short before it came");
    let enforced = told["next"]
        .as_array()
        .unwrap()
        .iter()
        .find(|next| next["fact"]["event"] == "enforced_at_the_earliest");
    assert!(enforced.is_some_and(|next| next["text"].as_str().unwrap().contains("fifth report")), "{told}");
}

#[tokio::test]
async fn an_instance_says_who_else_makes_it_short() {
    let world = World::new().await;
    let (_manager, caller) = short_by_twelve(&world).await;
    let instances = caller.get(&format!("{ACCOUNT}/instances")).await.json();
    let id = instances["items"][0]["id"].as_str().unwrap().to_owned();
    let told = caller.get(&format!("{ACCOUNT}/instances/{id}/explanation")).await.json();
    insta::assert_json_snapshot!("explanation_instance", without_keys(&told));
    assert_eq!(
        caller.call("DELETE".parse().unwrap(), &format!("{ACCOUNT}/instances/{id}"), None).await.status,
        204
    );
    let removed = caller.get(&format!("{ACCOUNT}/instances/{id}/explanation")).await.json();
    assert_eq!(removed["status"], "removed");
    let why = removed["why"][0]["text"].as_str().unwrap();
    assert!(why.starts_with("It was removed on ") && why.contains(", by "), "{why}");
}

#[tokio::test]
async fn alerts_are_listed_dismissed_and_raised_anew_by_a_worse_state() {
    let world = World::new().await;
    let (_manager, caller) = short_by_twelve(&world).await;
    let in_days =
        |days: i64| (crate::support::now() + jiff::SignedDuration::from_hours(24 * days)).to_string();
    for (order, days) in [("O-20", 20), ("O-50", 50), ("O-80", 80), ("O-200", 200)] {
        let line = json!({ "license": "CCX_FLEX_PREMIUM", "quantity": days, "ends_at": in_days(days) });
        deposit(&caller, "EMEA", order, line).await;
    }
    let all = format!("{ACCOUNT}/alerts");
    let listed = caller.get(&all).await.json();
    let shown: Vec<String> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|alert| format!("{} {} {}", alert["severity"], alert["kind"], alert["source"]["name"]))
        .collect();
    assert_eq!(
        shown,
        [
            r#""major" "insufficient_licenses" "CCX Premium Agent""#,
            r#""major" "licenses_expiring" "CCX Flex Premium Agent""#,
            r#""minor" "licenses_expiring" "CCX Flex Premium Agent""#,
            r#""informational" "licenses_expiring" "CCX Flex Premium Agent""#,
        ]
    );
    assert_eq!(listed["total"], 4);
    let id = |n: usize| listed["items"][n]["id"].as_str().unwrap().to_owned();

    let refused = caller.post(&format!("{all}/{}/dismiss", id(0)), json!({})).await;
    assert_eq!((refused.status, refused.json()["code"].as_str()), (422, Some("invalid")), "{}", refused.text);
    let dismiss = format!("{all}/{}/dismiss", id(1));
    let dismissed = caller.post(&dismiss, json!({})).await;
    assert_eq!(dismissed.status, 200, "{}", dismissed.text);
    assert!(dismissed.json()["dismissed_by"].is_string());
    assert_eq!(caller.post(&dismiss, json!({})).await.status, 200, "twice is once");
    assert_eq!(caller.get(&all).await.json()["total"], 3);
    let hidden = caller.get(&format!("{all}?dismissed=true")).await.json();
    assert_eq!(
        (hidden["total"].as_u64(), hidden["items"][0]["id"].as_str()),
        (Some(1), Some(id(1).as_str()))
    );
    let events = caller.get(&format!("{ACCOUNT}/events?kind=alert_dismissed")).await.json();
    assert_eq!(events["total"], 1, "{events}");

    let restore = format!("{all}/{}/restore", id(1));
    assert_eq!(caller.post(&restore, json!({})).await.status, 204);
    assert_eq!(caller.post(&restore, json!({})).await.status, 404);
    assert_eq!(caller.get(&all).await.json()["total"], 4);

    // Dismissed, and then more of them end at the same instant: that is another state.
    assert_eq!(caller.post(&dismiss, json!({})).await.status, 200);
    let ends = listed["items"][1]["action_due"].as_str().unwrap();
    let more = json!({ "license": "CCX_FLEX_PREMIUM", "quantity": 5, "ends_at": ends });
    deposit(&caller, "EMEA", "O-more", more).await;
    assert_eq!(caller.get(&all).await.json()["total"], 4);

    let minor = caller.get(&format!("{all}?severity=minor&virtual_account=emea")).await.json();
    assert_eq!(minor["total"], 1);
    let paged = caller.get(&format!("{all}?limit=3")).await.json();
    let next = format!("{all}?limit=3&cursor={}", paged["next_cursor"].as_str().unwrap());
    assert_eq!(caller.get(&next).await.json()["items"].as_array().unwrap().len(), 1);
    assert_eq!(caller.get(&format!("{all}?kind=nosuch")).await.status, 400);
    let nowhere = VirtualAccountId(uuid::Uuid::nil());
    let unknown = format!("{all}/licenses_expired:{nowhere}:{TAG}@0/dismiss");
    assert_eq!(caller.post(&unknown, json!({})).await.status, 404);
}
