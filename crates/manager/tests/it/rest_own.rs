//! Seatpool's own API, request by request.

use serde_json::{Value, json};

use crate::rest_support::{Caller, Record, instance};
use crate::support::{TAG, World};

const API: &str = "/api/seatpool/v1";
const ACCOUNT: &str = "/api/seatpool/v1/accounts/example.com";

#[tokio::test]
async fn accounts_and_clients_are_created_by_those_who_may() {
    let world = World::new().await;
    let manager = world.start();
    let caller = Caller::first(&world, &manager).await;
    let mut record = Record::default();
    let accounts = format!("{API}/accounts");
    let new = json!({
        "domain": "Other.Example", "name": "Other", "export_permitted": true,
        "administrator": { "login": "Bob", "password": "a long enough one" },
    });
    let made = record.post(&caller, &accounts, new).await;
    assert_eq!(made["domain"], "other.example");
    record.post(&caller, &accounts, json!({ "domain": "other.example" })).await;
    record.post(&caller, &accounts, json!({ "domain": "no spaces" })).await;
    let short = json!({ "domain": "third.example", "administrator": { "login": "c", "password": "short" } });
    record.post(&caller, &accounts, short).await;
    let taken = json!({ "domain": "third.example", "administrator": { "login": "bob", "password": "a long enough one" } });
    record.post(&caller, &accounts, taken).await;
    record.get(&caller, &format!("{accounts}?limit=1")).await;
    record.get(&caller, &format!("{accounts}/other.example")).await;
    record.get(&caller, &format!("{accounts}/nosuch.example")).await;
    let other = format!("{accounts}/other.example");
    let terms = json!({ "name": "Other", "export_permitted": true, "universal_permitted": false });
    let change = json!({ "name": "Another", "export_permitted": false, "seen": terms });
    record.post(&caller, &format!("{other}/preview"), change.clone()).await;
    record.call(&caller, "PATCH", &other, Some(change)).await;
    let stale = json!({ "universal_permitted": true, "seen": terms });
    record.call(&caller, "PATCH", &other, Some(stale)).await;
    record.call(&caller, "PATCH", &other, Some(json!({ "name": "" }))).await;
    record.get(&caller, &format!("{other}/events?kind=account_changed")).await;
    let clients = format!("{accounts}/other.example/clients");
    let administrator = json!({ "name": "scripts", "roles": [{ "role": "account_administrator" }] });
    record.post(&caller, &clients, administrator.clone()).await;
    record.post(&caller, &clients, administrator).await;
    record.get(&caller, &clients).await;
    let clients = format!("{ACCOUNT}/clients");
    let of_va = json!([{ "role": "virtual_account_user", "virtual_account": "Default" }]);
    record.post(&caller, &clients, json!({ "name": "monitoring", "roles": of_va })).await;
    record.post(&caller, &clients, json!({ "name": "none", "roles": [] })).await;
    let nosuch = json!([{ "role": "virtual_account_user", "virtual_account": "nosuch" }]);
    record.post(&caller, &clients, json!({ "name": "none", "roles": nosuch })).await;
    insta::assert_json_snapshot!("own_accounts", record.finish());
}

#[tokio::test]
async fn virtual_accounts_and_tokens_live_and_end() {
    let world = World::new().await;
    let manager = world.start();
    let caller = Caller::first(&world, &manager).await;
    let mut record = Record::default();
    let all = format!("{ACCOUNT}/virtual-accounts");
    let made = record.post(&caller, &all, json!({ "name": "North Sea" })).await;
    record.post(&caller, &all, json!({ "name": "NORTH SEA" })).await;
    let by_id = format!("{all}/{}", made["id"].as_str().unwrap());
    let changed = json!({ "name": "Baltic", "description": "ports" });
    record.call(&caller, "PATCH", &by_id, Some(changed)).await;
    record.get(&caller, &format!("{all}/north%20sea")).await;
    record.get(&caller, &format!("{all}/baltic")).await;
    record.get(&caller, &all).await;
    record.post(&caller, &all, json!({ "name": "x", "unknown": 1 })).await;

    let tokens = format!("{all}/Baltic/tokens");
    let token = record.post(&caller, &tokens, json!({ "description": "for ships", "uses_max": 3 })).await;
    record.post(&caller, &tokens, json!({ "expires_after_days": 0 })).await;
    record.get(&caller, &tokens).await;
    let revoke = format!("{tokens}/{}/revoke", token["id"].as_str().unwrap());
    record.call(&caller, "POST", &revoke, None).await;
    record.get(&caller, &tokens).await;
    let elsewhere = format!("{all}/Default/tokens/{}/revoke", token["id"].as_str().unwrap());
    record.call(&caller, "POST", &elsewhere, None).await;

    record.call(&caller, "DELETE", &format!("{all}/Default"), None).await;
    record.call(&caller, "DELETE", &by_id, None).await;
    record.get(&caller, &by_id).await;
    insta::assert_json_snapshot!("own_virtual_accounts", record.finish());
}

#[tokio::test]
async fn lists_go_on_where_the_page_before_ended() {
    let world = World::new().await;
    let manager = world.start();
    let caller = Caller::first(&world, &manager).await;
    let places = format!("{ACCOUNT}/virtual-accounts/Default");
    let role = json!([{ "role": "approver" }]);
    for n in 0..3 {
        for (path, body) in [
            (format!("{places}/tokens"), json!({ "description": format!("no. {n}") })),
            (
                format!("{places}/declarations"),
                json!({ "license": TAG, "quantity": 1, "note": "contract 7" }),
            ),
            (format!("{ACCOUNT}/clients"), json!({ "name": format!("no. {n}"), "roles": role })),
            (format!("{ACCOUNT}/users"), json!({ "login": format!("person{n}"), "roles": role })),
        ] {
            let made = caller.post(&path, body).await;
            assert_eq!(made.status, 201, "{path}: {}", made.text);
        }
    }
    for list in [
        format!("{places}/tokens"),
        format!("{ACCOUNT}/declarations"),
        format!("{ACCOUNT}/clients"),
        format!("{ACCOUNT}/users"),
    ] {
        let whole = caller.get(&list).await.json();
        let total = whole["total"].as_u64().unwrap();
        assert!(total >= 3 && whole["next_cursor"].is_null(), "{list}: {whole}");
        let (mut rows, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = caller.get(&format!("{list}?limit=2{cursor}")).await.json();
            assert_eq!(page["total"], total, "{list}");
            rows.extend(page["items"].as_array().unwrap().clone());
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(&rows, whole["items"].as_array().unwrap(), "{list}");
        for wrong in ["limit=0", "limit=1001", "cursor=nonsense"] {
            assert_eq!(caller.get(&format!("{list}?{wrong}")).await.status, 400, "{list}?{wrong}");
        }
    }
}

#[tokio::test]
async fn orders_deposit_once_and_lots_are_renewed() {
    let world = World::new().await;
    let manager = world.start();
    let caller = Caller::first(&world, &manager).await;
    let mut record = Record::default();
    let orders = format!("{ACCOUNT}/virtual-accounts/Default/orders");
    let order = json!({ "order_id": "O-1", "lines": [
        { "license": "CCX Premium Agent", "quantity": 100 },
        { "license": "CCX_FLEX_STANDARD", "quantity": 7, "subscription_id": "Sub1",
          "starts_at": "2020-01-01T00:00:00Z", "ends_at": "2099-01-01T00:00:00Z" },
        { "license": "CCX_FLEX_STANDARD", "quantity": 5, "kind": "DEMO", "term_years": 1 },
    ]});
    let placed = record.post(&caller, &orders, order.clone()).await;
    let again = caller.post(&orders, order).await.json();
    assert_eq!(placed["lots"], again["lots"], "the same order answers with the lots that it made");
    let other = json!({ "order_id": "O-1", "lines": [{ "license": "CCX_PREMIUM", "quantity": 1 }] });
    record.post(&caller, &orders, other).await;
    for line in [
        json!({ "license": "nosuch", "quantity": 1 }),
        json!({ "license": TAG, "quantity": 0 }),
        json!({ "license": TAG, "quantity": 2_000_000_000 }),
        json!({ "license": TAG, "quantity": 1, "term_years": 2 }),
    ] {
        record.post(&caller, &orders, json!({ "order_id": "O-2", "lines": [line] })).await;
    }
    record.post(&caller, &orders, json!({ "order_id": "O-2", "lines": [] })).await;
    let lots = caller.get(&format!("{ACCOUNT}/lots?virtual_account=default")).await.json();
    assert_eq!(lots["items"].as_array().unwrap().len(), 3);
    let lot = |kind: &str| {
        placed["lots"].as_array().unwrap().iter().find(|lot| lot["kind"] == kind).unwrap()["id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let renew = |kind: &str| format!("{ACCOUNT}/lots/{}/renew", lot(kind));
    let years = json!({ "order_id": "O-3", "term_years": 3 });
    let renewed = record.post(&caller, &renew("TERM"), years.clone()).await;
    assert_eq!(renewed["ends_at"], "2102-01-01T00:00:00Z");
    let earlier = json!({ "order_id": "O-4", "ends_at": "2099-01-01T00:00:00Z" });
    record.post(&caller, &renew("TERM"), earlier).await;
    record.post(&caller, &renew("PERPETUAL"), years.clone()).await;
    record.post(&caller, &renew("TERM"), json!({ "order_id": "O-5" })).await;
    record.post(&caller, &format!("{ACCOUNT}/lots/nosuch/renew"), years).await;
    insta::assert_json_snapshot!("own_orders", record.finish());
}

#[tokio::test]
async fn licences_tell_their_lots_history_and_users() {
    let world = World::new().await;
    let token = world.token().await;
    let manager = world.start();
    let caller = Caller::first(&world, &manager).await;
    let all = format!("{ACCOUNT}/virtual-accounts");
    caller.post(&all, json!({ "name": "North Sea" })).await;
    let order = json!({ "order_id": "O-1", "lines": [{ "license": TAG, "quantity": 100 }] });
    caller.post(&format!("{all}/Default/orders"), order).await;
    instance(&manager, &token.text, "SN1", 90).await;
    let mut record = Record::default();
    let transfers = format!("{all}/Default/license-transfers");
    let transfer =
        |quantity: u64| json!({ "lines": [{ "license": TAG, "quantity": quantity, "to": "North Sea" }] });
    record.post(&caller, &transfers, transfer(30)).await;
    record.post(&caller, &transfers, transfer(71)).await;
    record.post(&caller, &transfers, json!({ "lines": [] })).await;
    let listed = record.get(&caller, &format!("{ACCOUNT}/licenses?virtual_account=Default")).await;
    assert_eq!(
        (listed["items"][0]["balance"].as_i64(), listed["items"][0]["status"].as_str()),
        (Some(-20), Some("out_of_compliance"))
    );
    record.get(&caller, &format!("{all}/Default/licenses/CCX%20Premium%20Agent")).await;
    record.get(&caller, &format!("{all}/North%20Sea/licenses/{TAG}")).await;
    record.get(&caller, &format!("{all}/North%20Sea/licenses/CCX_SERVER")).await;
    record.get(&caller, &format!("{all}/Default/transactions?license={TAG}&limit=1")).await;
    insta::assert_json_snapshot!("own_licenses", record.finish());
}

#[tokio::test]
async fn instances_are_found_shown_moved_and_removed() {
    let world = World::new().await;
    let token = world.token().await;
    world.order(100).await;
    let manager = world.start();
    let caller = Caller::first(&world, &manager).await;
    caller.post(&format!("{ACCOUNT}/virtual-accounts"), json!({ "name": "North Sea" })).await;
    let mut ids = Vec::new();
    for (serial, peak) in [("SN1", 10), ("SN2", 20), ("SN3", 0)] {
        ids.push(instance(&manager, &token.text, serial, peak).await);
    }
    let mut record = Record::default();
    let all = format!("{ACCOUNT}/instances");
    let serials = async |query: &str| -> Vec<String> {
        let found = caller.get(&format!("{all}?{query}")).await.json();
        let rows = found["items"].as_array().unwrap_or_else(|| panic!("{query}: {found}"));
        rows.iter().map(|row| row["udi"]["sn"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(serials("sort=registered").await, ["SN1", "SN2", "SN3"]);
    assert_eq!(serials("sort=-registered").await, ["SN3", "SN2", "SN1"]);
    assert_eq!(serials("text=sn2").await, ["SN2"]);
    assert_eq!(serials(&format!("license={TAG}&sort=registered")).await, ["SN1", "SN2"]);
    assert_eq!(serials("product_type=nosuch").await, Vec::<String>::new());
    assert_eq!(serials("virtual_account=North%20Sea").await, Vec::<String>::new());
    let first = record.get(&caller, &format!("{all}?limit=2&sort=registered")).await;
    let cursor = first["next_cursor"].as_str().unwrap();
    assert_eq!(serials(&format!("limit=2&sort=registered&cursor={cursor}")).await, ["SN3"]);
    record.get(&caller, &format!("{all}?sort=colour")).await;
    record.get(&caller, &format!("{all}?limit=0")).await;
    record.get(&caller, &format!("{all}?virtual_account=nosuch")).await;

    let one = format!("{all}/{}", ids[0]);
    record.post(&caller, &format!("{one}/transfer"), json!({ "to": "North Sea" })).await;
    record.post(&caller, &format!("{one}/transfer"), json!({ "to": "nosuch" })).await;
    record.get(&caller, &one).await;
    record.call(&caller, "DELETE", &one, None).await;
    record.call(&caller, "DELETE", &one, None).await;
    let ended = record.get(&caller, &one).await;
    assert_eq!(ended["instance"]["status"], "ended");
    assert_eq!(serials("sort=registered").await, ["SN2", "SN3"]);
    record.get(&caller, &format!("{all}/nosuch")).await;
    insta::assert_json_snapshot!("own_instances", record.finish());
}

#[tokio::test]
async fn events_are_read_page_by_page_whatever_happens_meanwhile() {
    let world = World::new().await;
    let manager = world.start();
    let caller = Caller::first(&world, &manager).await;
    let name = async |name: &str| {
        let made = caller.post(&format!("{ACCOUNT}/virtual-accounts"), json!({ "name": name })).await;
        assert_eq!(made.status, 201, "{}", made.text);
    };
    for n in 1..=5 {
        name(&format!("VA{n}")).await;
    }
    let events = format!("{ACCOUNT}/events");
    let before = caller.get(&events).await.json();
    let numbers = |page: &Value| -> Vec<u64> {
        page["items"].as_array().unwrap().iter().map(|event| event["number"].as_u64().unwrap()).collect()
    };
    let wanted = numbers(&before);
    assert!(wanted.is_sorted_by(|a, b| a == &(b + 1)), "newest first, without gaps: {wanted:?}");
    let mut seen = Vec::new();
    let mut query = "limit=2".to_owned();
    for n in 6.. {
        let page = caller.get(&format!("{events}?{query}")).await.json();
        seen.extend(numbers(&page));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        query = format!("limit=2&cursor={cursor}");
        name(&format!("VA{n}")).await;
    }
    assert_eq!(seen, wanted);

    let mut record = Record::default();
    record.get(&caller, &format!("{events}?kind=virtual_account_created&text=VA1&limit=1")).await;
    record.get(&caller, &format!("{events}?virtual_account=VA1")).await;
    record.get(&caller, &format!("{events}?kind=nonsense")).await;
    record.get(&caller, &format!("{events}?cursor=nonsense")).await;
    insta::assert_json_snapshot!("own_events", record.finish());
}

#[tokio::test]
async fn what_is_not_served_says_so_everywhere() {
    let world = World::new().await;
    let manager = world.start();
    let caller = Caller::first(&world, &manager).await;
    for (path, status) in [("/nothing", 404), ("/licservice/license", 405), ("/openapi.yaml", 404)] {
        let (found, text) = manager.get(&manager.url, path).await;
        assert_eq!(found, status, "{path}");
        assert!(text.contains("/openapi.json"), "{path}: {text}");
    }
    for (path, status, key) in [
        ("/api/seatpool/v1/accounts/example.com/events?limit=abc", 400, "detail"),
        ("/api/v1/accounts/search?limit=1&limit=2", 200, "statusMessage"),
    ] {
        let answer = caller.get(path).await;
        assert_eq!(answer.status, status, "{path}");
        let said = answer.json()[key].as_str().unwrap().to_owned();
        assert!(said.starts_with("the query parameter limit "), "{said}");
    }
    assert_eq!(manager.stop(), Some(0));
}
