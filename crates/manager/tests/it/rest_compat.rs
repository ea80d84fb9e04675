//! The compatible API, request by request, as rest-api.md has it.

use serde_json::{Value, json};

use crate::rest_support::{Caller, Record, instance};
use crate::support::{Manager, World};

const ACCOUNT: &str = "/api/v1/accounts/example.com";

/// A recording of what an account's client may do, and of what it may not.
struct Scene {
    /// Its directory lives as long as the manager needs it.
    _world: World,
    manager: Manager,
    /// Vendor operator and account administrator of example.com.
    caller: Caller,
    record: Record,
}

impl Scene {
    async fn new() -> Self {
        Self::of(World::new().await).await
    }

    async fn of(world: World) -> Self {
        let manager = world.start();
        let caller = Caller::first(&world, &manager).await;
        Self { _world: world, manager, caller, record: Record::default() }
    }

    /// One who reads Default and nothing else.
    async fn reader(&self) -> Caller {
        let role = json!([{ "role": "virtual_account_user", "virtual_account": "Default" }]);
        self.caller.new_client(&self.manager, "example.com", role).await
    }

    async fn get(&mut self, path: &str) -> Value {
        self.record.get(&self.caller, path).await
    }

    async fn post(&mut self, path: &str, body: Value) -> Value {
        self.record.post(&self.caller, path, body).await
    }

    /// Posts without a body.
    async fn post_nothing(&mut self, path: &str) -> Value {
        self.record.call(&self.caller, "POST", path, None).await
    }
}

#[tokio::test]
async fn accounts_are_found_and_listed() {
    let mut scene = Scene::new().await;
    let other = json!({ "domain": "other.example", "name": "Other & Sons" });
    assert_eq!(scene.caller.post("/api/seatpool/v1/accounts", other).await.status, 201);
    let search = "/api/v1/accounts/search";
    let found = scene.get(&format!("{search}?domain=example.com&type=CUSTOMER&limit=10&offset=0")).await;
    assert_eq!(found["accounts"][0]["domain"], "example.com");
    assert_eq!(scene.get(search).await["totalRecords"], 2);
    scene.get(&format!("{search}?domain=Other.Example&type=customer&limit=&offset=")).await;
    scene.get(&format!("{search}?domain=nosuch.example")).await;
    scene.get(&format!("{search}?type=PARTNER")).await;
    scene.get(&format!("{search}?limit=1&offset=1")).await;
    scene.get(&format!("{search}?limit=-1&offset=1")).await;
    scene.get(&format!("{search}?limit=-2")).await;
    scene.get(&format!("{search}?limit=many")).await;
    scene.get("/api/v2/accounts").await;
    let reader = scene.reader().await;
    scene.record.get(&reader, "/api/v2/accounts").await;
    scene.record.get(&reader, search).await;
    let anonymous = Caller::anonymous(&scene.manager);
    scene.record.get(&anonymous, search).await;
    scene.record.get(&anonymous, "/api/v2/accounts").await;
    insta::assert_json_snapshot!("compat_accounts", scene.record.finish());
}

#[tokio::test]
async fn accounts_say_what_is_above_them() {
    let mut scene = Scene::new().await;
    let other = json!({ "domain": "other.example", "name": "Other & Sons" });
    assert_eq!(scene.caller.post("/api/seatpool/v1/accounts", other).await.status, 201);
    let path = "/backend/api/v1/upstream_satellites/accounts";
    let all = scene.post_nothing(path).await;
    assert_eq!(all["accounts"].as_array().unwrap().len(), 2);
    let reader = scene.reader().await;
    let own = scene.record.call(&reader, "POST", path, None).await;
    assert_eq!(own["accounts"].as_array().unwrap().len(), 1, "another's account is as if it were not there");
    let anonymous = Caller::anonymous(&scene.manager);
    scene.record.call(&anonymous, "POST", path, None).await;
    insta::assert_json_snapshot!("compat_upstream_accounts", scene.record.finish());
}

#[tokio::test]
async fn devices_without_classic_licences_are_not_converted() {
    let mut scene = Scene::new().await;
    let path = format!("{ACCOUNT}/dlc_convert");
    let sudi = json!({ "suvi": null, "uuid": null, "udiPid": "UCCX", "udiSerialNumber": 4711 });
    let into = |name: &str, sudi: &Value| json!({ "virtualAccounts": [{ "name": name, "dlcRequests": [{ "sudi": sudi }] }] });
    let tried = scene.post(&path, into("Default", &sudi)).await;
    assert_eq!(tried["devices"][0]["conversionStatus"], "CONVERT_FAILED");
    assert_eq!(tried["devices"][0]["sudi"]["udiPid"], "UCCX", "scripts find their device by it");
    scene.post(&path, into("Nowhere", &sudi)).await;
    scene.post(&path, into("Default", &json!({ "udiPid": "UCCX" }))).await;
    scene.post(&path, json!({ "virtualAccounts": [{ "dlcRequests": [{ "sudi": sudi }] }] })).await;
    scene.post(&path, json!({ "virtualAccounts": [{ "name": "Default" }] })).await;
    scene.post_nothing(&path).await;
    let reader = scene.reader().await;
    scene.record.post(&reader, &path, into("Default", &sudi)).await;
    insta::assert_json_snapshot!("compat_conversions", scene.record.finish());
}

#[tokio::test]
async fn virtual_accounts_are_listed_created_and_deleted() {
    let mut scene = Scene::new().await;
    let all = format!("{ACCOUNT}/virtual-accounts");
    let listed = scene.get(&all).await;
    assert_eq!(listed["virtualAccounts"][0]["isDefault"], "true", "a text, not a boolean");
    scene.post(&all, json!({ "name": "North Sea", "description": "rigs" })).await;
    scene.post(&all, json!({ "name": "north sea" })).await;
    scene.post(&all, json!({ "name": "", "description": null })).await;
    scene.post(&all, json!({ "name": null })).await;
    scene.post(&all, json!({ "name": ["North"] })).await;
    scene.post_nothing(&all).await;
    for (all, name) in [
        (format!("{ACCOUNT}/customer/virtual-accounts"), json!("West")),
        ("/api/accounts/example.com/customer/virtual-accounts".to_owned(), json!(2026)),
    ] {
        scene.post(&all, json!({ "name": name })).await;
        scene.post(&all, json!({ "name": name })).await;
        scene.get(&all).await;
        let one = name.as_str().unwrap_or("2026");
        scene.post_nothing(&format!("{all}/{one}/delete")).await;
        scene.post_nothing(&format!("{all}/{one}/delete")).await;
        let stranger = all.replace("example.com", "nosuch.example");
        scene.get(&stranger).await;
    }
    let reader = scene.reader().await;
    scene.record.get(&reader, &all).await;
    scene.record.post(&reader, &all, json!({ "name": "Mine" })).await;
    scene.record.call(&reader, "POST", &format!("{all}/Default/delete"), None).await;
    scene.record.call(&reader, "POST", &format!("{all}/North%20Sea/delete"), None).await;
    scene.post_nothing(&format!("{all}/North%20Sea/delete")).await;
    scene.post_nothing(&format!("{all}/North%20Sea/delete")).await;
    scene.post_nothing(&format!("{all}/Default/delete")).await;
    scene.get("/api/v1/accounts/nosuch.example/virtual-accounts").await;
    insta::assert_json_snapshot!("compat_virtual_accounts", scene.record.finish());
}

#[tokio::test]
async fn tokens_are_created_listed_and_revoked() {
    let mut scene = Scene::new().await;
    let tokens = format!("{ACCOUNT}/virtual-accounts/Default/tokens");
    let first = json!({ "description": "a", "expiresAfterDays": 30, "exportControlled": "Allowed" });
    let first = scene.post(&tokens, first).await;
    let second = json!({
        "description": "b", "expiresAfterDays": "365", "exportControlled": "Not Allowed", "numberofUses": 2
    });
    scene.post(&tokens, second).await;
    let rightly_spelt = json!({ "description": 7, "numberOfUses": "3", "exportControlled": false });
    let made = scene.post(&tokens, rightly_spelt).await;
    assert_eq!(made["tokenInfo"]["numberofUses"], 3);
    scene.post_nothing(&tokens).await;
    scene.post(&tokens, json!({ "expiresAfterDays": 366 })).await;
    scene.post(&tokens, json!({ "expiresAfterDays": "soon" })).await;
    scene.post(&tokens, json!({ "numberofUses": -1 })).await;
    scene.post(&tokens, json!({ "exportControlled": "maybe" })).await;
    scene.get(&tokens).await;
    let first = first["tokenInfo"]["token"].as_str().unwrap().to_owned();
    let revoke = format!("{tokens}/revoke");
    scene.post(&revoke, json!({ "tokens": [first, "nonsense"] })).await;
    let revoked = scene.post(&revoke, json!({ "tokens": [first] })).await;
    assert_eq!(revoked["status"], "SUCCESS");
    let left = scene.get(&tokens).await;
    assert_eq!(left["tokens"].as_array().unwrap().len(), 3, "the revoked one is gone");
    scene.post(&revoke, json!({ "tokens": [] })).await;
    scene.post_nothing(&revoke).await;
    scene.get(&format!("{ACCOUNT}/virtual-accounts/nosuch/tokens")).await;
    let reader = scene.reader().await;
    scene.record.get(&reader, &tokens).await;
    scene.record.post(&reader, &tokens, json!({})).await;
    scene.record.post(&reader, &revoke, json!({ "tokens": ["x"] })).await;
    insta::assert_json_snapshot!("compat_tokens", scene.record.finish());
}

#[tokio::test]
async fn an_account_without_export_control_gets_no_such_token() {
    let mut scene = Scene::new().await;
    let other = json!({ "domain": "other.example" });
    assert_eq!(scene.caller.post("/api/seatpool/v1/accounts", other).await.status, 201);
    let administrator = json!([{ "role": "account_administrator" }]);
    scene.caller = scene.caller.new_client(&scene.manager, "other.example", administrator).await;
    let tokens = "/api/v1/accounts/other.example/virtual-accounts/Default/tokens";
    let refused = scene.post(tokens, json!({ "exportControlled": "Allowed" })).await;
    assert_eq!(refused["status"], "ERROR");
    let made = scene.post(tokens, json!({ "exportControlled": "Not Allowed" })).await;
    assert_eq!(made["status"], "SUCCESS");
    insta::assert_json_snapshot!("compat_tokens_without_export", scene.record.finish());
}

/// 100 perpetual CCX Premium, 20 of Flex Premium and 40 of Flex Standard for a term, CCX Enhanced to try out (now
/// and later), and a second virtual account.
async fn with_licenses(caller: &Caller) {
    let own = "/api/seatpool/v1/accounts/example.com/virtual-accounts";
    assert_eq!(caller.post(own, json!({ "name": "North Sea" })).await.status, 201);
    let term = |license: &str, quantity: u64| {
        json!({
            "license": license, "quantity": quantity, "subscription_id": "Sub1",
            "starts_at": "2020-01-01T00:00:00Z", "ends_at": "2120-01-01T00:00:00Z",
        })
    };
    let demo = |license: &str, quantity: u64, starts_at: &str, ends_at: &str| {
        json!({
            "license": license, "quantity": quantity, "kind": "DEMO",
            "starts_at": starts_at, "ends_at": ends_at,
        })
    };
    let order = json!({ "order_id": "O-1", "lines": [
        { "license": "CCX_PREMIUM", "quantity": 100 },
        term("CCX Flex Premium Agent", 20),
        term("CCX_FLEX_STANDARD", 40),
        demo("CCX_ENHANCED", 3, "2020-01-01T00:00:00Z", "2120-01-01T00:00:00Z"),
        demo("CCX_ENHANCED", 5, "2120-01-01T00:00:00Z", "2120-06-01T00:00:00Z"),
    ]});
    let placed = caller.post(&format!("{own}/Default/orders"), order).await;
    assert_eq!(placed.status, 201, "{}", placed.text);
}

#[tokio::test]
async fn licenses_are_listed_with_their_lots() {
    let world = World::new().await;
    let token = world.token().await;
    let mut scene = Scene::of(world).await;
    with_licenses(&scene.caller).await;
    instance(&scene.manager, &token.text, "SN1", 130).await;
    let licenses = format!("{ACCOUNT}/licenses");
    let every_key = json!({ "virtualAccounts": [], "limit": -1, "offset": 0 });
    let all = scene.post(&licenses, every_key.clone()).await;
    assert_eq!(all["totalRecords"], 4);
    for same in [
        json!({}),
        json!({ "virtualAccounts": null, "limit": null }),
        json!({ "virtualAccounts": ["Default"], "limit": "-1" }),
        json!({ "virtualAccounts": "default", "limit": " 100 ", "offset": "" }),
        json!({ "limit": 50, "unheardOf": true }),
    ] {
        assert_eq!(scene.caller.post(&licenses, same.clone()).await.json(), all, "{same}");
    }
    assert_eq!(scene.post_nothing(&licenses).await, all, "no body at all is every key at its default");
    let page =
        scene.post(&licenses, json!({ "virtualAccounts": ["Default"], "limit": "1", "offset": 1 })).await;
    assert_eq!((page["totalRecords"].as_u64(), page["licenses"].as_array().unwrap().len()), (Some(4), 1));
    scene.post(&licenses, json!({ "virtualAccounts": ["North Sea"] })).await;
    scene.post(&licenses, json!({ "virtualAccounts": ["Default", "nosuch"] })).await;
    scene.post(&licenses, json!({ "limit": "many" })).await;
    scene.post(&licenses, json!({ "offset": -1 })).await;
    scene.post("/api/v1/accounts/nosuch.example/licenses", json!({})).await;

    let subscriptions = format!("{ACCOUNT}/license-subscriptions");
    let listed = scene.post(&subscriptions, json!({ "virtualAccounts": [] })).await;
    assert_eq!(listed["licenseSubscriptions"].as_array().unwrap().len(), 4);
    assert_eq!(scene.caller.call(reqwest::Method::POST, &subscriptions, None).await.json(), listed);
    scene.post(&subscriptions, json!({ "virtualAccounts": ["North Sea"] })).await;
    scene.post(&subscriptions, json!({ "limit": "1", "offset": 1 })).await;
    scene.post(&subscriptions, json!({ "virtualAccounts": ["nosuch"] })).await;

    let reader = scene.reader().await;
    scene.record.post(&reader, &licenses, json!({ "virtualAccounts": ["North Sea"] })).await;
    let read = reader.post(&licenses, every_key).await.json();
    assert_eq!(read["totalRecords"], 4, "what it may read");
    insta::assert_json_snapshot!("compat_licenses", scene.record.finish());
}

#[tokio::test]
async fn licenses_are_transferred_all_or_none() {
    let mut scene = Scene::new().await;
    with_licenses(&scene.caller).await;
    let licenses = format!("{ACCOUNT}/licenses");
    let transfer = format!("{ACCOUNT}/virtual-accounts/Default/licenses/transfer");
    let line = |license: &str, kind: &str, quantity: Value| json!({ "license": license, "licenseType": kind, "quantity": quantity, "targetVirtualAccount": "North Sea" });
    let lines = json!({ "licenses": [
        line("CCX Premium Agent", "PERPETUAL", json!(30)), line("CCX Flex Premium Agent", "TERM", json!("5")),
    ]});
    let moved = scene.post(&transfer, lines).await;
    assert_eq!(moved["status"], "SUCCESS");
    let demo = json!({ "licenses": [line("CCX_ENHANCED", "demo", json!(1))] });
    assert_eq!(scene.post(&transfer, demo).await["status"], "SUCCESS", "by tag, and in any case");
    // The second line can't be carried out, so the first is not either.
    let lines = json!({ "licenses": [
        line("CCX Premium Agent", "PERPETUAL", json!(1)), line("CCX Flex Premium Agent", "TERM", json!(16)),
    ]});
    scene.post(&transfer, lines).await;
    for line in [
        line("CCX Premium Agent", "TERM", json!(1)),
        line("CCX Premium Agent", "FOREVER", json!(1)),
        line("CCX Premium Agent", "", json!(0)),
        line("CCX Premium Agent", "PERPETUAL", json!("some")),
        line("nosuch", "TERM", json!(1)),
        json!({ "license": "CCX Premium Agent", "quantity": 1, "targetVirtualAccount": "nosuch" }),
        json!({ "license": "CCX Premium Agent", "quantity": 1 }),
        json!({ "targetVirtualAccount": "North Sea" }),
    ] {
        scene.post(&transfer, json!({ "licenses": [line] })).await;
    }
    scene.post(&transfer, json!({ "licenses": [] })).await;
    scene.post_nothing(&transfer).await;
    let reader = scene.reader().await;
    let own = json!({ "licenses": [line("CCX Premium Agent", "PERPETUAL", json!(1))] });
    scene.record.post(&reader, &transfer, own).await;
    scene.post(&licenses, json!({ "virtualAccounts": ["North Sea", "Default"], "limit": 100 })).await;
    insta::assert_json_snapshot!("compat_license_transfers", scene.record.finish());
}

#[tokio::test]
async fn a_spare_higher_licence_stands_in_and_is_told() {
    let world = World::new().await;
    let token = world.token().await;
    let mut scene = Scene::of(world).await;
    with_licenses(&scene.caller).await;
    let mut agent = crate::support::Agent::new("SN1");
    agent.register(&scene.manager, &token.text).await;
    agent.ask(&scene.manager, crate::rest_support::flex_report(10, 45)).await;
    let listed = scene.post(&format!("{ACCOUNT}/licenses"), json!({})).await;
    insta::assert_json_snapshot!("compat_substitutions", scene.record.finish());
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
    let mut scene = Scene::of(world).await;
    with_licenses(&scene.caller).await;
    for (serial, peak) in [("SN1", 70), ("SN2", 40), ("SN3", 0), ("4711", 0)] {
        instance(&scene.manager, &token.text, serial, peak).await;
    }
    let here = format!("{ACCOUNT}/virtual-accounts/Default/devices");
    let there = format!("{ACCOUNT}/virtual-accounts/North%20Sea/devices");
    let listed = scene.get(&format!("{here}?limit=2&offset=1")).await;
    assert_eq!((listed["totalRecords"].as_u64(), listed["devices"].as_array().unwrap().len()), (Some(4), 2));
    assert!(listed["devices"][0]["instanceName"].as_str().unwrap().ends_with("; "), "the space is theirs");
    let all = format!("{ACCOUNT}/devices");
    scene.post(&all, json!({ "virtualAccounts": [], "limit": -1 })).await;
    scene.post_nothing(&all).await;
    scene.post(&all, json!({ "virtualAccounts": ["North Sea"], "limit": "10", "offset": "0" })).await;
    scene.post(&all, json!({ "virtualAccounts": ["nosuch"] })).await;
    scene.get(&format!("{here}?limit=-2")).await;
    scene.get(&format!("{ACCOUNT}/virtual-accounts/nosuch/devices")).await;

    let sudi = |serial: Value| {
        json!({
            "suvi": null, "uuid": null, "hostIdentifier": null, "udiPid": "UCCX",
            "udiSerialNumber": serial, "udiVid": null, "macAddress": null,
        })
    };
    let product = "unified-ccx";
    let transfer = |serial: Value, to: &str| {
        json!({ "productInstances": [
            { "sudi": sudi(serial), "productTagName": product, "targetVirtualAccount": to }
        ]})
    };
    let transfers = format!("{here}/transfer");
    let moved = scene.post(&transfers, transfer(json!("SN1"), "North Sea")).await;
    assert_eq!(moved["status"], "SUCCESS");
    let moved = scene.post(&transfers, transfer(json!(4711), "North Sea")).await;
    assert_eq!(moved["status"], "SUCCESS", "a serial number of digits alone");
    scene.post(&transfers, transfer(json!("SN1"), "North Sea")).await;
    scene.post(&transfers, transfer(json!("SN2"), "nosuch")).await;
    scene.post(&transfers, json!({ "productInstances": [{ "sudi": null }] })).await;
    let to = json!({ "productInstances": [{ "sudi": sudi(json!("SN2")), "productTagName": "other",
        "targetVirtualAccount": "North Sea" }] });
    scene.post(&transfers, to).await;
    scene.post(&transfers, json!({})).await;
    let serials = |listed: &Value| -> Vec<String> {
        let rows = listed["devices"].as_array().unwrap();
        rows.iter().map(|row| row["sudi"]["udiSerialNumber"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(serials(&scene.get(&there).await), ["SN1", "4711"]);
    assert_eq!(serials(&scene.get(&here).await), ["SN2", "SN3"]);

    let remove = |va: &str| format!("/api/v2/accounts/example.com/virtual-accounts/{va}/devices/remove");
    let request = |serial: &str| json!([{ "sudi": sudi(json!(serial)), "productTagName": product, "returnCode": null }]);
    let reader = scene.reader().await;
    let own = json!({ "productInstacesRemoveRequests": request("SN2") });
    scene.record.post(&reader, &remove("Default"), own).await;
    scene.record.post(&reader, &transfers, transfer(json!("SN2"), "Default")).await;
    let misspelt = json!({ "productInstacesRemoveRequests": request("SN1") });
    assert_eq!(scene.post(&remove("North%20Sea"), misspelt).await["status"], "SUCCESS");
    let right = json!({ "productInstancesRemoveRequests": request("SN2") });
    assert_eq!(scene.post(&remove("Default"), right).await["status"], "SUCCESS");
    let gone = json!({ "productInstacesRemoveRequests": request("SN2") });
    scene.post(&remove("Default"), gone).await;
    scene.post(&remove("Default"), json!({ "productInstacesRemoveRequests": [{ "sudi": {} }] })).await;
    scene.post(&remove("Default"), json!({ "productInstacesRemoveRequests": null })).await;
    let older = remove("North%20Sea").replace("/v2/", "/v1/");
    scene.post(&older, json!({ "productInstacesRemoveRequests": request("nosuch") })).await;
    let removed = scene.post(&older, json!({ "productInstacesRemoveRequests": request("4711") })).await;
    assert_eq!(removed["status"], "SUCCESS");
    assert_eq!(serials(&scene.post(&all, json!({ "limit": 100 })).await), ["SN3"]);
    insta::assert_json_snapshot!("compat_devices", scene.record.finish());
}

#[tokio::test]
async fn alerts_are_listed_as_administrators_know_them() {
    let world = World::new().await;
    let token = world.token().await;
    let mut scene = Scene::of(world).await;
    with_licenses(&scene.caller).await;
    instance(&scene.manager, &token.text, "SN1", 130).await;
    let alerts = format!("{ACCOUNT}/alerts");
    let all = scene.post(&alerts, json!({ "limit": -1 })).await;
    let first = &all["alerts"][0];
    assert_eq!(
        (first["messageType"].as_str(), first["severity"].as_str()),
        (Some("Insufficient Licenses"), Some("Major"))
    );
    scene.post_nothing(&alerts).await;
    scene.post(&alerts, json!({ "limit": "1", "offset": 1 })).await;
    let elsewhere = scene.post(&alerts, json!({ "virtualAccounts": ["North Sea"] })).await;
    assert_eq!(elsewhere["totalRecords"], 0);
    scene.post(&alerts, json!({ "virtualAccounts": ["nosuch"] })).await;
    scene.post("/api/v1/accounts/nosuch.example/alerts", json!({ "limit": -1 })).await;
    insta::assert_json_snapshot!("compat_alerts", scene.record.finish());
}

#[tokio::test]
async fn every_failure_has_the_same_body() {
    let mut scene = Scene::new().await;
    let other = json!({ "domain": "other.example" });
    assert_eq!(scene.caller.post("/api/seatpool/v1/accounts", other).await.status, 201);
    let administrator = json!([{ "role": "account_administrator" }]);
    scene.caller = scene.caller.new_client(&scene.manager, "example.com", administrator).await;
    let mut invalid = Caller::anonymous(&scene.manager);
    let licenses = format!("{ACCOUNT}/licenses");
    scene.record.post(&invalid, &licenses, json!({})).await;
    invalid.token = Some("nonsense".to_owned());
    scene.record.post(&invalid, &licenses, json!({})).await;
    scene.post("/api/v1/accounts/other.example/licenses", json!({})).await;
    scene.post("/api/v1/accounts/nosuch.example/licenses", json!({})).await;
    scene.get("/api/v1/nosuch").await;
    scene.get(&licenses).await;
    let post = |body: String| {
        let request = scene.manager.http.post(format!("{}{licenses}", scene.manager.url));
        request.bearer_auth(scene.caller.token.as_ref().unwrap()).body(body)
    };
    let told = format!("POST {licenses}");
    for body in ["{", "[1]", "null", "{}{}", r#"{"limit":"many"}"#, r#"{"limit":1,"limit":2}"#] {
        let answer = scene.record.send(&told, Some(body.into()), post(body.to_owned())).await;
        assert_eq!(answer["status"], "ERROR", "{body}");
        assert!(!answer["statusMessage"].as_str().unwrap().is_empty(), "{body}");
    }
    // The byte that is too many is the last one, so that nothing is left unread when the answer comes.
    let huge = post("x".repeat(2 * 1024 * 1024 + 1));
    scene.record.send(&told, Some("2 MiB of x and one more".into()), huge).await;
    insta::assert_json_snapshot!("compat_failures", scene.record.finish());
}
