//! The compatible API, request by request, as rest-api.md has it.

use serde_json::{Value, json};

use crate::rest_support::{Caller, Record, instance};
use crate::support::World;

const ACCOUNT: &str = "/api/v1/accounts/example.com";

#[tokio::test]
async fn accounts_are_found_and_listed() {
    let world = World::new().await;
    let manager = world.start();
    let caller = Caller::first(&world, &manager).await;
    let mut record = Record::default();
    let path = "/api/v1/accounts/search?domain=example.com&type=CUSTOMER&limit=10&offset=0";
    let found = record.get(&caller, path).await;
    assert_eq!(found["accounts"][0]["domain"], "example.com");
    record.get(&caller, "/api/v1/accounts/search").await;
    record.get(&caller, "/api/v1/accounts/search?domain=nosuch.example").await;
    record.get(&caller, "/api/v1/accounts/search?limit=-1&offset=1").await;
    record.get(&caller, "/api/v1/accounts/search?limit=-2").await;
    record.get(&caller, "/api/v2/accounts").await;
    let anonymous = Caller::anonymous(&manager);
    record.get(&anonymous, "/api/v1/accounts/search").await;
    insta::assert_json_snapshot!("compat_accounts", record.finish());
}

#[tokio::test]
async fn virtual_accounts_are_listed_created_and_deleted() {
    let world = World::new().await;
    let manager = world.start();
    let caller = Caller::first(&world, &manager).await;
    let mut record = Record::default();
    let all = format!("{ACCOUNT}/virtual-accounts");
    let listed = record.get(&caller, &all).await;
    assert_eq!(listed["virtualAccounts"][0]["isDefault"], "true", "a text, not a boolean");
    record.post(&caller, &all, json!({ "name": "North Sea", "description": "rigs" })).await;
    record.post(&caller, &all, json!({ "name": "north sea" })).await;
    record.post(&caller, &all, json!({ "name": "" })).await;
    record.post(&caller, &all, json!({})).await;
    let listed = record.get(&caller, &format!("{ACCOUNT}/customer/virtual-accounts")).await;
    assert_eq!(listed["virtualAccounts"].as_array().unwrap().len(), 2);
    assert_eq!(
        listed,
        caller.get("/api/accounts/example.com/customer/virtual-accounts").await.json(),
        "the third address of the same list"
    );
    record.call(&caller, "POST", &format!("{all}/North%20Sea/delete"), None).await;
    record.call(&caller, "POST", &format!("{all}/North%20Sea/delete"), None).await;
    record.call(&caller, "POST", &format!("{all}/Default/delete"), None).await;
    record.get(&caller, "/api/v1/accounts/nosuch.example/virtual-accounts").await;
    insta::assert_json_snapshot!("compat_virtual_accounts", record.finish());
}

#[tokio::test]
async fn tokens_are_created_listed_and_revoked() {
    let world = World::new().await;
    let manager = world.start();
    let caller = Caller::first(&world, &manager).await;
    let mut record = Record::default();
    let tokens = format!("{ACCOUNT}/virtual-accounts/Default/tokens");
    let first = json!({ "description": "a", "expiresAfterDays": 30, "exportControlled": "Allowed" });
    let first = record.post(&caller, &tokens, first).await;
    let second = json!({
        "description": "b", "expiresAfterDays": "365", "exportControlled": "Not Allowed", "numberofUses": 2
    });
    record.post(&caller, &tokens, second).await;
    record.post(&caller, &tokens, json!({ "expiresAfterDays": 366 })).await;
    record.post(&caller, &tokens, json!({ "expiresAfterDays": "soon" })).await;
    record.get(&caller, &tokens).await;
    let first = first["tokenInfo"]["token"].as_str().unwrap().to_owned();
    record.post(&caller, &format!("{tokens}/revoke"), json!({ "tokens": [first, "nonsense"] })).await;
    let revoked = record.post(&caller, &format!("{tokens}/revoke"), json!({ "tokens": [first] })).await;
    assert_eq!(revoked["status"], "SUCCESS");
    let left = record.get(&caller, &tokens).await;
    assert_eq!(left["tokens"].as_array().unwrap().len(), 1, "the revoked one is gone");
    record.post(&caller, &format!("{tokens}/revoke"), json!({ "tokens": [] })).await;
    record.get(&caller, &format!("{ACCOUNT}/virtual-accounts/nosuch/tokens")).await;
    insta::assert_json_snapshot!("compat_tokens", record.finish());
}

/// 100 perpetual CCX Premium, 20 of Flex Premium and 40 of Flex Standard for a term, and a second virtual
/// account.
async fn with_licenses(caller: &Caller) {
    let own = "/api/seatpool/v1/accounts/example.com/virtual-accounts";
    assert_eq!(caller.post(own, json!({ "name": "North Sea" })).await.status, 201);
    let term = |license: &str, quantity: u64| {
        json!({
            "license": license, "quantity": quantity, "subscription_id": "Sub1",
            "starts_at": "2020-01-01T00:00:00Z", "ends_at": "2120-01-01T00:00:00Z",
        })
    };
    let order = json!({ "order_id": "O-1", "lines": [
        { "license": "CCX_PREMIUM", "quantity": 100 },
        term("CCX Flex Premium Agent", 20),
        term("CCX_FLEX_STANDARD", 40),
    ]});
    let placed = caller.post(&format!("{own}/Default/orders"), order).await;
    assert_eq!(placed.status, 201, "{}", placed.text);
}

#[tokio::test]
async fn licenses_are_listed_and_transferred() {
    let world = World::new().await;
    let token = world.token().await;
    let manager = world.start();
    let caller = Caller::first(&world, &manager).await;
    with_licenses(&caller).await;
    instance(&manager, &token.text, "SN1", 130).await;
    let mut record = Record::default();
    let licenses = format!("{ACCOUNT}/licenses");
    record.post(&caller, &licenses, json!({})).await;
    assert_eq!(
        caller.call(reqwest::Method::POST, &licenses, None).await.json(),
        caller.post(&licenses, json!({ "virtualAccounts": [], "limit": -1, "offset": 0 })).await.json(),
        "no body at all, and every key at its default"
    );
    let page = json!({ "virtualAccounts": ["Default"], "limit": "1", "offset": 1 });
    let page = record.post(&caller, &licenses, page).await;
    assert_eq!((page["totalRecords"].as_u64(), page["licenses"].as_array().unwrap().len()), (Some(3), 1));
    record.post(&caller, &licenses, json!({ "virtualAccounts": ["nosuch"] })).await;
    record.post(&caller, &format!("{ACCOUNT}/license-subscriptions"), json!({})).await;

    let transfer = format!("{ACCOUNT}/virtual-accounts/Default/licenses/transfer");
    let line = |license: &str, kind: &str, quantity: u64| json!({ "license": license, "licenseType": kind, "quantity": quantity, "targetVirtualAccount": "North Sea" });
    let lines = json!({ "licenses": [
        line("CCX Premium Agent", "PERPETUAL", 30), line("CCX Flex Premium Agent", "TERM", 5),
    ]});
    let moved = record.post(&caller, &transfer, lines).await;
    assert_eq!(moved["status"], "SUCCESS");
    // The second line can't be carried out, so the first is not either.
    let lines = json!({ "licenses": [
        line("CCX Premium Agent", "PERPETUAL", 1), line("CCX Flex Premium Agent", "TERM", 16),
    ]});
    record.post(&caller, &transfer, lines).await;
    record.post(&caller, &transfer, json!({ "licenses": [line("CCX Premium Agent", "TERM", 1)] })).await;
    record.post(&caller, &transfer, json!({ "licenses": [line("nosuch", "TERM", 1)] })).await;
    record.post(&caller, &transfer, json!({ "licenses": [] })).await;
    record
        .post(&caller, &licenses, json!({ "virtualAccounts": ["North Sea", "Default"], "limit": 100 }))
        .await;
    insta::assert_json_snapshot!("compat_licenses", record.finish());
}

#[tokio::test]
async fn a_spare_higher_licence_stands_in_and_is_told() {
    let world = World::new().await;
    let token = world.token().await;
    let manager = world.start();
    let caller = Caller::first(&world, &manager).await;
    with_licenses(&caller).await;
    let mut agent = crate::support::Agent::new("SN1");
    agent.register(&manager, &token.text).await;
    agent.ask(&manager, crate::rest_support::flex_report(10, 45)).await;
    let listed = caller.post(&format!("{ACCOUNT}/licenses"), json!({})).await.json();
    let row = |name: &str| {
        let rows = listed["licenses"].as_array().unwrap();
        rows.iter().find(|row| row["license"] == name).unwrap().clone()
    };
    let standard = row("CCX Flex Standard Agent");
    assert_eq!(standard["status"], "In Compliance");
    assert_eq!(standard["inUse"], 45);
    assert_eq!(
        standard["licenseSubstitutions"],
        json!([{
            "licenseName": "CCX Flex Premium Agent", "substitutedLicense": "CCX Flex Standard Agent",
            "substitutedQuantity": 5, "substitutionType": "Substitution from higher tier",
        }])
    );
    let premium = row("CCX Flex Premium Agent");
    assert_eq!((premium["inUse"].as_u64(), premium["available"].as_i64()), (Some(10), Some(5)));
    assert_eq!(premium["licenseSubstitutions"][0]["substitutionType"], "Substitution to lower tier");
}

#[tokio::test]
async fn devices_are_listed_moved_and_removed() {
    let world = World::new().await;
    let token = world.token().await;
    let manager = world.start();
    let caller = Caller::first(&world, &manager).await;
    with_licenses(&caller).await;
    for (serial, peak) in [("SN1", 70), ("SN2", 40), ("SN3", 0)] {
        instance(&manager, &token.text, serial, peak).await;
    }
    let mut record = Record::default();
    let here = format!("{ACCOUNT}/virtual-accounts/Default/devices");
    let there = format!("{ACCOUNT}/virtual-accounts/North%20Sea/devices");
    let listed = record.get(&caller, &format!("{here}?limit=2&offset=0")).await;
    assert_eq!((listed["totalRecords"].as_u64(), listed["devices"].as_array().unwrap().len()), (Some(3), 2));
    assert!(listed["devices"][0]["instanceName"].as_str().unwrap().ends_with("; "), "the space is theirs");
    record.post(&caller, &format!("{ACCOUNT}/devices"), json!({ "virtualAccounts": [], "limit": -1 })).await;

    let sudi = |serial: &str| {
        json!({
            "suvi": null, "uuid": null, "hostIdentifier": null, "udiPid": "UCCX",
            "udiSerialNumber": serial, "udiVid": null, "macAddress": null,
        })
    };
    let product = "unified-ccx";
    let transfer = |serial: &str, to: &str| {
        json!({ "productInstances": [
            { "sudi": sudi(serial), "productTagName": product, "targetVirtualAccount": to }
        ]})
    };
    let moved = record.post(&caller, &format!("{here}/transfer"), transfer("SN1", "North Sea")).await;
    assert_eq!(moved["status"], "SUCCESS");
    record.post(&caller, &format!("{here}/transfer"), transfer("SN1", "North Sea")).await;
    record.post(&caller, &format!("{here}/transfer"), transfer("SN2", "nosuch")).await;
    record.post(&caller, &format!("{here}/transfer"), json!({})).await;
    let serials = |listed: &Value| -> Vec<String> {
        let rows = listed["devices"].as_array().unwrap();
        rows.iter().map(|row| row["sudi"]["udiSerialNumber"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(serials(&record.get(&caller, &there).await), ["SN1"]);
    assert_eq!(serials(&record.get(&caller, &here).await), ["SN2", "SN3"]);

    let remove = |va: &str| format!("/api/v2/accounts/example.com/virtual-accounts/{va}/devices/remove");
    let request =
        |serial: &str| json!([{ "sudi": sudi(serial), "productTagName": product, "returnCode": null }]);
    let misspelt = json!({ "productInstacesRemoveRequests": request("SN1") });
    assert_eq!(record.post(&caller, &remove("North%20Sea"), misspelt).await["status"], "SUCCESS");
    let right = json!({ "productInstancesRemoveRequests": request("SN2") });
    assert_eq!(record.post(&caller, &remove("Default"), right).await["status"], "SUCCESS");
    let gone = json!({ "productInstacesRemoveRequests": request("SN2") });
    record.post(&caller, &remove("Default"), gone).await;
    record
        .post(&caller, &remove("Default"), json!({ "productInstacesRemoveRequests": [{ "sudi": {} }] }))
        .await;
    let left = json!({ "limit": 100 });
    assert_eq!(serials(&record.post(&caller, &format!("{ACCOUNT}/devices"), left).await), ["SN3"]);
    insta::assert_json_snapshot!("compat_devices", record.finish());
}

#[tokio::test]
async fn every_prefix_with_one_slash_or_two_serves_the_same() {
    let world = World::new().await;
    let manager = world.start();
    let caller = Caller::first(&world, &manager).await;
    let path = "v1/accounts/example.com/virtual-accounts";
    let wanted = caller.get(&format!("/api/{path}")).await;
    assert_eq!(wanted.status, 200);
    for prefix in ["/api", "/backend/api", "/services/api/smart-accounts-and-licensing"] {
        for slash in ["", "/"] {
            let reply = caller.get(&format!("{slash}{prefix}/{path}")).await;
            assert_eq!((reply.status, &reply.text), (200, &wanted.text), "{slash}{prefix}");
        }
    }
}

#[tokio::test]
async fn bodies_that_cannot_be_read_are_refused_in_their_shape() {
    let world = World::new().await;
    let manager = world.start();
    let caller = Caller::first(&world, &manager).await;
    for (body, status) in [("{", 400), ("[1]", 400), ("null", 400), (r#"{"limit":"many"}"#, 400)] {
        let request = manager.http.post(format!("{}{ACCOUNT}/licenses", manager.url));
        let request = request.bearer_auth(caller.token.as_ref().unwrap()).body(body);
        let response = request.send().await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{body}");
        let answer: Value = response.json().await.unwrap();
        assert_eq!(answer["status"], "ERROR");
        assert!(!answer["statusMessage"].as_str().unwrap().is_empty());
    }
    let huge = "x".repeat(3 * 1024 * 1024);
    let request = manager.http.post(format!("{}{ACCOUNT}/licenses", manager.url));
    let response = request.bearer_auth(caller.token.as_ref().unwrap()).body(huge).send().await.unwrap();
    assert_eq!(response.status().as_u16(), 413);
}
