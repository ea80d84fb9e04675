//! Reports, filters of the event log, pages of lists and preferences through the REST API and the command line.

use reqwest::Method;
use serde_json::{Value, json};

use crate::audit::tamper;
use crate::rest_support::{Caller, Record, credentials, instance};
use crate::support::{ALICE, TAG, World};

const ACCOUNT: &str = "/api/seatpool/v1/accounts/example.com";

/// Every row of a list, three rows at a time, and how many pages that took.
async fn all(caller: &Caller, path: &str) -> (Vec<Value>, usize) {
    let (mut rows, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let reply = caller.get(&format!("{path}?limit=3{cursor}")).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text);
        let page = reply.json();
        rows.extend(page["items"].as_array().unwrap().clone());
        pages += 1;
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return (rows, pages),
        }
    }
}

#[tokio::test]
async fn virtual_accounts_licences_and_lots_are_read_page_by_page() {
    let world = World::new().await;
    let manager = world.start();
    let caller = Caller::first(&world, &manager).await;
    for n in 1..=4 {
        let path = format!("{ACCOUNT}/virtual-accounts");
        assert_eq!(caller.post(&path, json!({ "name": format!("VA{n}") })).await.status, 201);
        let line = json!({ "license": TAG, "quantity": n });
        let order = json!({ "order_id": format!("O-{n}"), "lines": [line] });
        assert_eq!(caller.post(&format!("{path}/VA{n}/orders"), order).await.status, 201);
    }
    let (places, pages) = all(&caller, &format!("{ACCOUNT}/virtual-accounts")).await;
    let names: Vec<_> = places.iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!((names, pages), (vec!["Default", "VA1", "VA2", "VA3", "VA4"], 2));
    for (text, found) in [("ccx premium", 4), ("O-2", 1), ("SUB-9", 0)] {
        let lots = caller.get(&format!("{ACCOUNT}/lots?text={text}")).await.json();
        assert_eq!(lots["total"], found, "{text}");
    }
    for list in ["licenses", "lots", "reports/licenses"] {
        let (rows, pages) = all(&caller, &format!("{ACCOUNT}/{list}")).await;
        assert_eq!((rows.len(), pages), (4, 2), "{list}");
        let one = caller.get(&format!("{ACCOUNT}/{list}?virtual_account=va3")).await.json();
        assert_eq!((&one["total"], &one["next_cursor"]), (&json!(1), &Value::Null), "{list}");
        assert_eq!(caller.get(&format!("{ACCOUNT}/{list}?virtual_account=nosuch")).await.status, 404);
        assert_eq!(caller.get(&format!("{ACCOUNT}/{list}?limit=0")).await.status, 400);
        assert_eq!(caller.get(&format!("{ACCOUNT}/{list}?cursor=nonsense")).await.status, 400);
    }
}

#[tokio::test]
async fn what_an_on_prem_manager_holds_is_in_no_subscriptions_quantity() {
    let world = World::new().await;
    world.deposit(world.default, "O-1", &[(TAG, 10, Some(30))]).await;
    let url = format!("sqlite:{}", world.data_dir().join("seatpool.db").display());
    tamper(&url, ["UPDATE lots SET moved_out = 4"].into_iter()).await;
    let manager = world.start();
    let caller = Caller::first(&world, &manager).await;
    let rows = caller.get(&format!("{ACCOUNT}/reports/subscriptions")).await.json();
    assert_eq!(rows["items"][0]["quantity"], 6, "{rows}");
    let file = caller.get(&format!("{ACCOUNT}/reports/subscriptions.csv")).await.text;
    assert!(file.contains(",TERM,6,"), "{file}");
    let rows = caller.get(&format!("{ACCOUNT}/reports/licenses")).await.json();
    assert_eq!(
        (&rows["items"][0]["purchased"], &rows["items"][0]["next_expiry_quantity"]),
        (&json!(6), &json!(6))
    );
    let known = caller.post("/api/v1/accounts/example.com/license-subscriptions", json!({})).await.json();
    assert_eq!(known["licenseSubscriptions"][0]["quantity"], 6, "{known}");
}

#[tokio::test]
async fn what_there_is_is_reported_as_rows_and_as_a_file() {
    let world = World::new().await;
    let token = world.token().await;
    let manager = world.start();
    let caller = Caller::first(&world, &manager).await;
    let lines = json!([
        { "license": TAG, "quantity": 10 },
        { "license": "CCX_FLEX_STANDARD", "quantity": 7, "subscription_id": "SUB-1",
          "starts_at": "2020-01-01T00:00:00Z", "ends_at": "2099-01-01T00:00:00Z" },
        { "license": "CCX_FLEX_PREMIUM", "quantity": 3, "subscription_id": "SUB-0",
          "ends_at": (crate::support::now() + jiff::SignedDuration::from_hours(24 * 20 + 1)).to_string() },
    ]);
    let order = json!({ "order_id": "O-1", "lines": lines });
    let placed = caller.post(&format!("{ACCOUNT}/virtual-accounts/Default/orders"), order).await;
    assert_eq!(placed.status, 201, "{}", placed.text);
    instance(&manager, &token.text, "SN1", 12).await;
    instance(&manager, &token.text, "SN2", 0).await;
    let mut record = Record::default();
    for report in ["licenses", "instances", "subscriptions"] {
        let path = format!("{ACCOUNT}/reports/{report}");
        let rows = record.get(&caller, &path).await["items"].as_array().unwrap().len();
        let file = caller.get(&format!("{path}.csv")).await;
        assert_eq!(file.content_type, "text/csv; charset=utf-8; header=present", "{report}");
        assert_eq!(file.text.lines().count(), rows + 1, "a head and every row: {}", file.text);
        let head = file.text.lines().next().unwrap().split(',').count();
        assert!(file.text.lines().all(|line| line.split(',').count() == head), "{}", file.text);
    }
    let file = caller.get(&format!("{ACCOUNT}/reports/licenses.csv")).await.text;
    assert!(file.contains("Default,CCX_PREMIUM,CCX Premium Agent,10,0,0,12,-2,Out Of Compliance,"), "{file}");
    let file = caller.get(&format!("{ACCOUNT}/reports/instances.csv?text=sn1")).await.text;
    assert!(file.contains(",UCCX,SN1,") && file.trim_end().ends_with(",12 CCX_PREMIUM"), "{file}");
    assert!(!file.contains("SN2"), "{file}");
    let soon = record.get(&caller, &format!("{ACCOUNT}/reports/subscriptions?ends_within_days=21")).await;
    assert_eq!((&soon["total"], &soon["items"][0]["days_left"]), (&json!(1), &json!(20)));
    let sooner = caller.get(&format!("{ACCOUNT}/reports/subscriptions?ends_within_days=20")).await.json();
    assert_eq!(sooner["total"], 0);
    record.get(&caller, &format!("{ACCOUNT}/reports/subscriptions?ends_within_days=soon")).await;
    record.get(&caller, &format!("{ACCOUNT}/reports/instances?license=nosuch")).await;
    insta::assert_json_snapshot!("own_reports", record.finish());
}

#[tokio::test]
async fn events_are_found_by_who_and_when() {
    let world = World::new().await;
    world.virtual_account("By Alice", "").await;
    let manager = world.start();
    let first = Caller::first(&world, &manager).await;
    let administrator = json!([{ "role": "account_administrator" }]);
    let other = first.new_client(&manager, "example.com", administrator).await;
    let made = other.post(&format!("{ACCOUNT}/virtual-accounts"), json!({ "name": "By a program" })).await;
    assert_eq!(made.status, 201);
    let at = other.get(&format!("{ACCOUNT}/events?limit=1")).await.json()["items"][0]["at"].clone();
    let at = at.as_str().unwrap();
    let events = format!("{ACCOUNT}/events?kind=virtual_account_created");
    let found = async |query: &str| -> Vec<String> {
        let page = first.get(&format!("{events}&{query}")).await.json();
        let rows = page["items"].as_array().unwrap_or_else(|| panic!("{query}: {page}"));
        rows.iter().map(|row| row["virtual_account"].as_str().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(found("actor=alice").await, ["By Alice"]);
    assert_eq!(found("actor=Of%20a%20test").await, ["By a program"], "by the client's name");
    assert_eq!(found("actor=nobody").await, Vec::<String>::new());
    assert_eq!(found(&format!("since={at}")).await, ["By a program"]);
    let until = found(&format!("until={at}")).await;
    assert!(until.contains(&"By Alice".to_owned()) && !until.contains(&"By a program".to_owned()));
    assert_eq!(first.get(&format!("{events}&since=yesterday")).await.status, 400);
    first.new_client(&manager, "example.com", json!([{ "role": "approver" }])).await;
    let refused = first.get(&format!("{events}&actor=of%20a%20test")).await;
    assert_eq!(refused.status, 422, "two clients have this name: {}", refused.text);
}

#[tokio::test]
async fn a_person_chooses_a_time_zone_and_a_program_has_none() {
    let world = World::new().await;
    let manager = world.start();
    let first = Caller::first(&world, &manager).await;
    let mut record = Record::default();
    let preferences = "/api/seatpool/v1/preferences";
    record.get(&first, preferences).await;
    let allowed = json!({ "second_factor_required": false, "password_grant": true });
    let rules = format!("{ACCOUNT}/sign-in-rules");
    assert_eq!(first.call(Method::PUT, &rules, Some(&allowed)).await.status, 200);
    let (id, secret) = credentials(&world);
    let as_alice = async |scope: &str| {
        let form = [
            ("grant_type", "password"),
            ("client_id", id.as_str()),
            ("client_secret", secret.as_str()),
            ("username", ALICE.0),
            ("password", ALICE.1),
            ("scope", scope),
        ];
        let answer = manager.http.post(format!("{}/oauth/token", manager.url)).form(&form).send().await;
        let answer: Value = answer.unwrap().json().await.unwrap();
        let token = answer["access_token"].as_str().map(str::to_owned);
        Caller { token, ..Caller::anonymous(&manager) }
    };
    let alice = as_alice("").await;
    let zone = |name: &str| Some(json!({ "time_zone": name }));
    assert_eq!(record.get(&alice, preferences).await["time_zone"], "UTC");
    let chosen = record.call(&alice, "PUT", preferences, zone("europe/vienna")).await;
    assert_eq!(chosen["time_zone"], "Europe/Vienna");
    record.call(&alice, "PUT", preferences, zone("Europe/Nowhere")).await;
    record.call(&as_alice("read").await, "PUT", preferences, zone("UTC")).await;
    record.call(&first, "PUT", preferences, zone("UTC")).await;
    assert_eq!(record.get(&alice, preferences).await["time_zone"], "Europe/Vienna");
    let zones = first.get("/api/seatpool/v1/time-zones").await.json();
    assert!(zones.as_array().unwrap().contains(&json!("Europe/Vienna")));
    insta::assert_json_snapshot!("own_preferences", record.finish());
}
