//! Orders, renewals, cancellations, declarations and reports through the REST API, request by request.

use seatpool_manager::App;
use seatpool_manager::ops::jobs;
use serde_json::{Value, json};

use crate::rest_support::{Caller, instance};
use crate::support::manager::in_days;
use crate::support::{TAG, World};

const ACCOUNT: &str = "/api/seatpool/v1/accounts/example.com";
const HERE: &str = "/api/seatpool/v1/accounts/example.com/virtual-accounts/Default";

async fn ok(caller: &Caller, path: &str, body: Value) -> Value {
    let reply = caller.post(path, body).await;
    assert!((200..300).contains(&reply.status), "{path}: {}", reply.text);
    reply.json()
}

async fn refused(caller: &Caller, path: &str, body: Value) -> (u16, String, String) {
    let reply = caller.post(path, body).await;
    let told = reply.json();
    let text = |key: &str| told[key].as_str().unwrap_or_default().to_owned();
    (reply.status, text("code"), text("detail"))
}

fn line(quantity: u64, more: Value) -> Value {
    let mut line = json!({ "license": TAG, "quantity": quantity });
    line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    line
}

#[tokio::test]
async fn a_subscription_ends_together_is_renewed_as_a_whole_and_cancelled() {
    let world = World::new().await;
    let manager = world.start();
    let caller = Caller::first(&world, &manager).await;
    let orders = format!("{HERE}/orders");
    let first = json!({ "starts_at": "2096-02-29T12:00:00Z", "term_years": 1, "subscription_id": "SUB-1" });
    let made = ok(&caller, &orders, json!({ "order_id": "O-1", "lines": [line(5, first)] })).await;
    let lot = made["lots"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(made["lots"][0]["ends_at"], "2097-02-28T12:00:00Z");
    let with = json!({ "subscription_id": "SUB-1", "co_termination": "with_subscription" });
    let made = ok(&caller, &orders, json!({ "order_id": "O-2", "lines": [line(7, with.clone())] })).await;
    assert_eq!(
        (&made["lots"][0]["ends_at"], &made["lots"][0]["kind"]),
        (&json!("2097-02-28T12:00:00Z"), &json!("TERM"))
    );
    // Said again, it is the same order.
    let again = ok(&caller, &orders, json!({ "order_id": "O-2", "lines": [line(7, with)] })).await;
    assert_eq!(again["lots"], made["lots"]);

    let renewed = ok(
        &caller,
        &format!("{ACCOUNT}/subscriptions/SUB-1/renew"),
        json!({ "order_id": "O-3", "term_years": 3 }),
    )
    .await;
    let ends: Vec<_> =
        renewed.as_array().unwrap().iter().map(|lot| lot["ends_at"].as_str().unwrap()).collect();
    assert_eq!(ends, ["2100-02-28T12:00:00Z"; 2]);
    let history = caller.get(&format!("{HERE}/transactions?license={TAG}")).await.json();
    let row = &history["items"][0];
    assert_eq!((&row["kind"], &row["order_id"]), (&json!("renewed"), &json!("O-3")));
    assert_eq!(
        (&row["before"], &row["after"]),
        (&json!("2097-02-28T12:00:00Z"), &json!("2100-02-28T12:00:00Z"))
    );

    let cancel = format!("{ACCOUNT}/lots/{lot}/cancel");
    let (status, code, detail) = refused(&caller, &cancel, json!({ "quantity": 6 })).await;
    assert_eq!((status, code.as_str()), (409, "held"), "{detail}");
    assert!(
        detail.contains("6 of CCX_PREMIUM can't be taken back") && detail.contains("holds 5"),
        "{detail}"
    );
    let left = ok(&caller, &cancel, json!({ "quantity": 2, "reason": "mistaken" })).await;
    assert_eq!(left[0]["quantity"], 3);
    let left = ok(&caller, &format!("{ACCOUNT}/orders/O-1/cancel"), json!({})).await;
    assert_eq!(left, json!([]));
    let (status, code, _) = refused(&caller, &orders, json!({ "order_id": "O-1", "lines": [line(5, json!({ "starts_at": "2096-02-29T12:00:00Z", "term_years": 1, "subscription_id": "SUB-1" }))] })).await;
    assert_eq!((status, code.as_str()), (409, "order_cancelled"));
    let history = caller.get(&format!("{HERE}/transactions?license={TAG}")).await.json();
    let kinds: Vec<_> =
        history["items"].as_array().unwrap().iter().map(|row| row["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["cancelled", "cancelled", "renewed", "renewed", "ordered", "ordered"]);
    assert_eq!(history["items"][1]["note"], "mistaken");
}

#[tokio::test]
async fn a_used_order_id_names_one_order_and_answers_with_what_became_of_it() {
    let world = World::new().await;
    let manager = world.start();
    let caller = Caller::first(&world, &manager).await;
    ok(&caller, &format!("{ACCOUNT}/virtual-accounts"), json!({ "name": "North Sea" })).await;
    let orders = format!("{HERE}/orders");
    let year = json!({ "term_years": 1 });
    let two = |first: Value| {
        let lines = [line(10, first), line(3, json!({}))];
        json!({ "order_id": " PO-1 ", "lines": lines })
    };
    let made = ok(&caller, &orders, two(year.clone())).await;
    assert_eq!(made["order_id"], "PO-1", "as it is on record");
    for other in [
        json!({ "term_years": 5, "subscription_id": "SUB-X" }),
        json!({ "term_years": 5 }),
        json!({ "term_years": 1, "subscription_id": "SUB-X" }),
        json!({ "term_years": 1, "kind": "DEMO" }),
        json!({ "term_years": 1, "starts_at": "2096-01-01T00:00:00Z" }),
        json!({ "ends_at": "2096-01-01T00:00:00Z" }),
        json!({}),
    ] {
        let (status, code, detail) = refused(&caller, &orders, two(other.clone())).await;
        assert_eq!((status, code.as_str()), (409, "order_differs"), "{other}: {detail}");
    }

    // The first lot goes away as a whole, a part of the second as well: the order still tells of all.
    let lot = |n: usize| made["lots"][n]["id"].as_str().unwrap().to_owned();
    let away = |lot: String, quantity: u64| json!({ "license": TAG, "lot": lot, "quantity": quantity, "to": "North Sea" });
    let lines = json!({ "lines": [away(lot(0), 10), away(lot(1), 1)] });
    assert_eq!(caller.post(&format!("{HERE}/license-transfers"), lines).await.status, 204);
    let again = ok(&caller, &orders, two(year)).await;
    let lots: Vec<String> = again["lots"]
        .as_array()
        .unwrap()
        .iter()
        .map(|lot| format!("{} {} {}", lot["kind"], lot["quantity"], lot["virtual_account"]["name"]))
        .collect();
    assert_eq!(
        lots,
        [r#""TERM" 10 "North Sea""#, r#""PERPETUAL" 2 "Default""#, r#""PERPETUAL" 1 "North Sea""#]
    );

    let moved = again["lots"][0]["id"].as_str().unwrap();
    let renew = format!("{ACCOUNT}/lots/{moved}/renew");
    let years = |years: u8| json!({ "order_id": "R-1", "term_years": years });
    let renewed = ok(&caller, &renew, years(1)).await;
    let (status, code, _) = refused(&caller, &renew, years(3)).await;
    assert_eq!((status, code.as_str()), (409, "order_differs"));
    let end = json!({ "order_id": "R-1", "ends_at": "2096-01-01T00:00:00Z" });
    assert_eq!(refused(&caller, &renew, end).await.1, "order_differs");
    assert_eq!(ok(&caller, &renew, years(1)).await["ends_at"], renewed["ends_at"], "once");
}

#[tokio::test]
async fn a_customer_declares_and_the_vendor_decides() {
    let world = World::new().await;
    let manager = world.start();
    let first = Caller::first(&world, &manager).await;
    let made = first.post("/api/seatpool/v1/accounts", json!({ "domain": "vendor.example" })).await;
    assert_eq!(made.status, 201);
    let customer =
        first.new_client(&manager, "example.com", json!([{ "role": "account_administrator" }])).await;
    let vendor = first.new_client(&manager, "vendor.example", json!([{ "role": "vendor_operator" }])).await;
    let declared = format!("{HERE}/declarations");
    let what = json!({ "license": TAG, "quantity": 9, "note": "contract 7" });
    assert_eq!(refused(&vendor, &declared, what.clone()).await.0, 403, "the vendor declares nothing");
    let lot = ok(&customer, &declared, what).await;
    let id = lot["id"].as_str().unwrap();
    assert_eq!((&lot["declaration"]["state"], &lot["status"]), (&json!("declared"), &json!("active")));
    let licenses = customer.get(&format!("{ACCOUNT}/licenses")).await.json();
    assert_eq!((&licenses["items"][0]["owned"], &licenses["items"][0]["declared"]), (&json!(9), &json!(9)));
    assert_eq!(
        vendor.get(&format!("{ACCOUNT}/declarations?state=declared")).await.json()["items"][0]["id"],
        id
    );
    let reject = format!("{ACCOUNT}/lots/{id}/reject");
    assert_eq!(
        refused(&customer, &reject, json!({ "reason": "mine" })).await.0,
        403,
        "nobody confirms their own"
    );
    assert_eq!(refused(&vendor, &reject, json!({})).await.0, 422);
    let lot = ok(&vendor, &reject, json!({ "reason": "no such contract" })).await;
    assert_eq!(
        (&lot["declaration"]["reason"], &lot["status"]),
        (&json!("no such contract"), &json!("ended"))
    );
    let (status, code, _) = refused(&vendor, &format!("{ACCOUNT}/lots/{id}/confirm"), json!({})).await;
    assert_eq!((status, code.as_str()), (409, "decided"));
    assert_eq!(
        customer.get(&format!("{ACCOUNT}/declarations?state=declared")).await.json()["items"],
        json!([])
    );
    let licenses = customer.get(&format!("{ACCOUNT}/licenses")).await.json();
    assert_eq!((&licenses["items"][0]["owned"], &licenses["items"][0]["declared"]), (&json!(0), &json!(0)));
}

#[tokio::test]
async fn a_lot_ends_by_itself_and_the_report_remembers_what_was_used() {
    let world = World::new().await;
    let token = world.token().await;
    world.deposit(world.default, "O-1", &[(TAG, 10, Some(2))]).await;
    let manager = world.start();
    instance(&manager, &token.text, "SN1", 8).await;
    let caller = Caller::first(&world, &manager).await;
    let report = format!("{ACCOUNT}/reports/usage?virtual_account=Default&license={TAG}");
    let today = caller.get(&report).await.json();
    let last = today["points"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&last["in_use"], &last["owned"], &last["short"]), (&json!(8), &json!(10), &json!(0)));
    assert_eq!(today["step"], "day");
    let csv = caller.get(&report.replace("usage?", "usage.csv?")).await;
    assert_eq!(csv.content_type, "text/csv; charset=utf-8");
    assert!(csv.text.lines().last().unwrap().ends_with(",day,8,10,0"), "{}", csv.text);
    assert_eq!(caller.get(&format!("{report}&step=week")).await.status, 400);
    assert_eq!(caller.get(&format!("{report}&from=2020-01-01T00:00:00Z&step=hour")).await.status, 422);
    let (id, secret) = crate::rest_support::credentials(&world);
    drop(caller);
    while !manager.get(&manager.url, "/readyz").await.1.contains("ready") {}
    assert_eq!(manager.stop(), Some(0));

    // Three days on: the lot has ended, without anybody's doing.
    world
        .offline(in_days(3), async |app: App| {
            jobs::due(&app).await;
            let (account, place) =
                (app.store().account_by_domain("example.com").await.unwrap().unwrap().id, world.default);
            let (from, to) = (jiff::Timestamp::UNIX_EPOCH, jiff::Timestamp::MAX);
            let (_, rows) =
                app.store().usage_history(account, place, &TAG.parse().unwrap(), from, to).await.unwrap();
            let last = rows.last().unwrap();
            assert_eq!((last.in_use.count(), last.owned.count(), last.short.count()), (8, 0, 8));
        })
        .await;
    // Two months on, the hours have become days.
    world
        .offline(in_days(70), async |app: App| {
            jobs::upkeep(&app).await;
            let before = seatpool_domain::history::hours_kept_since(app.now());
            assert_eq!(app.store().usage_hours(before, 9).await.unwrap(), []);
        })
        .await;
    let manager = world.start();
    let caller = Caller::with(&manager, &id, &secret).await;
    let licenses = caller.get(&format!("{ACCOUNT}/licenses")).await.json();
    assert_eq!(
        (&licenses["items"][0]["status"], &licenses["items"][0]["short"]),
        (&json!("out_of_compliance"), &json!(8))
    );
}

#[tokio::test]
async fn the_catalogue_is_listed_and_named_where_a_name_is_wrong() {
    let world = World::new().await;
    let manager = world.start();
    let caller = Caller::first(&world, &manager).await;
    let found = caller.get("/api/seatpool/v1/licenses").await.json();
    let names: Vec<_> =
        found.as_array().unwrap().iter().map(|license| license["name"].as_str().unwrap()).collect();
    assert!(
        names.contains(&"CCX Flex Premium Agent") && names.contains(&"UC Manager CUWL License (12.X)"),
        "{names:?}"
    );
    let order = json!({ "order_id": "O-1", "lines": [{ "license": "CCX_PREMIUMM", "quantity": 1 }] });
    let (status, code, detail) = refused(&caller, &format!("{HERE}/orders"), order).await;
    assert_eq!((status, code.as_str()), (404, "unknown"));
    assert!(
        detail.starts_with("there is no license \"CCX_PREMIUMM\"; `seatpool licenses catalogue`"),
        "{detail}"
    );
}
