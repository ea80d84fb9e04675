//! Reservations through REST: the compatible API's shapes and Seatpool's own, with a product that carries codes.

use seatpool_proto::code::{AuthorizationCode, ReservationKind, Returned};
use serde_json::{Value, json};

use crate::rest_support::{Caller, Record};
use crate::support::{Manager, Product, TAG, World};

const PLACE: &str = "/api/v1/accounts/example.com/virtual-accounts/Default";
const REMOVE: &str = "/api/v2/accounts/example.com/virtual-accounts/Default/devices/remove";
const OWN: &str = "/api/seatpool/v1/accounts/example.com";

async fn scene() -> (World, Manager, Caller) {
    let world = World::new().await;
    world.order(20).await;
    let manager = world.start();
    let caller = Caller::first(&world, &manager).await;
    (world, manager, caller)
}

/// How many of the licence reservations hold, as the inventory says.
async fn reserved(caller: &Caller) -> u64 {
    let found = caller.post("/api/v1/accounts/example.com/licenses", json!({})).await.json();
    found["licenses"][0]["reserved"].as_u64().unwrap()
}

fn sudi(sn: &str) -> Value {
    json!({ "suvi": null, "uuid": null, "hostIdentifier": null, "udiPid": "UCCX", "udiSerialNumber": sn, "udiVid": null,
            "macAddress": null })
}

#[tokio::test]
async fn scripts_reserve_change_confirm_and_remove() {
    let (_world, _manager, caller) = scene().await;
    let mut record = Record::default();
    let mut post = async |path: String, body: Value| record.post(&caller, &path, body).await;
    let product = Product::new("CARRIED1");
    let (reserve, update, confirm) = ("reserve-licenses", "update-licenses", "confirm-licenses");
    let at = |what: &str| format!("{PLACE}/{what}");
    let line = |quantity: Value| json!({ "entitlementTag": TAG, "quantity": quantity, "precedence": "LONGEST_TERM_FIRST" });
    let request = |lines: Value| {
        json!({ "reservationRequests": [{ "reservationCode": product.request.to_string(),
                "reservationType": "SPECIFIC", "licenses": lines }] })
    };

    for wrong in [
        json!({}),
        json!({ "reservationRequests": null }),
        json!({ "reservationRequests": [{}] }),
        json!({ "reservationRequests": [{ "reservationCode": "CB-ZWRONG" }] }),
        request(json!([])),
        request(json!([{ "quantity": 1 }])),
        request(json!([{ "entitlementTag": TAG }])),
        request(json!([{ "entitlementTag": TAG, "quantity": 1, "precedence": "SHORTEST" }])),
        request(json!([line(json!(21))])),
        request(json!([{ "entitlementTag": "NONE", "quantity": 1 }])),
    ] {
        let refused = post(at(reserve), wrong).await;
        assert_eq!(refused["status"], "ERROR", "{refused}");
    }
    let made = post(at(reserve), request(json!([line(json!("4"))]))).await;
    assert_eq!(made["status"], "SUCCESS", "{made}");
    let text = made["authorizationCodes"][0]["authorizationCode"].as_str().unwrap();
    let code: AuthorizationCode = product.install(text);
    let said: Vec<_> =
        code.grant.entitlements.iter().map(|line| (line.tag.as_str(), line.count.count())).collect();
    assert_eq!(said, [(TAG, 4)]);
    assert_eq!(reserved(&caller).await, 4);
    // Lost on its way, and asked for again.
    let again = post(at(reserve), request(json!([line(json!(4))]))).await;
    let copy = product.install(again["authorizationCodes"][0]["authorizationCode"].as_str().unwrap());
    assert_eq!(copy.grant, code.grant);

    let changes = |lines: Value| json!({ "reservationUpdateRequests": [{ "sudi": sudi("CARRIED1"), "licenses": lines }] });
    for wrong in [
        json!({}),
        json!({ "reservationUpdateRequests": [{ "sudi": sudi("NOBODY"), "licenses": [] }] }),
        changes(json!([])),
    ] {
        assert_eq!(post(at(update), wrong).await["status"], "ERROR");
    }
    let changed = post(at(update), changes(json!([line(json!(7))]))).await;
    let second = product.install(changed["authorizationCodes"][0]["authorizationCode"].as_str().unwrap());
    assert!(second.grant.sequence > code.grant.sequence);
    assert_eq!(reserved(&caller).await, 7);
    let confirmations = |code: &str| {
        json!({ "reservationConfirmationRequests": [{ "sudi": sudi("CARRIED1"), "productTagName": "UCCX",
                "confirmationCode": code }] })
    };
    for wrong in [json!({}), confirmations(""), confirmations(&product.confirmation(&code).to_string())] {
        assert_eq!(post(at(confirm), wrong).await["status"], "ERROR");
    }
    let right = confirmations(&product.confirmation(&second).to_string());
    for _ in 0..2 {
        assert_eq!(post(at(confirm), right.clone()).await["status"], "SUCCESS");
    }

    let removal = |code: &str| json!({ "productInstacesRemoveRequests": [{ "sudi": sudi("CARRIED1"), "returnCode": code }] });
    let stranger = Product::new("CARRIED1").return_code(&second, Returned::Whole).to_string();
    for wrong in [removal(""), removal("nonsense"), removal(&stranger)] {
        assert_eq!(post(REMOVE.into(), wrong).await["status"], "ERROR");
    }
    let gone = removal(&product.return_code(&second, Returned::Whole).to_string());
    assert_eq!(post(REMOVE.into(), gone).await["status"], "SUCCESS");
    assert_eq!(reserved(&caller).await, 0);
    let back = caller.get(&format!("{OWN}/alerts?kind=reserved_licenses_returned")).await.json();
    let back = back["items"].as_array().unwrap();
    assert_eq!(back.len(), 1, "{back:?}");
    assert_eq!(
        (back[0]["severity"].as_str(), back[0]["source"]["id"].as_str()),
        (Some("informational"), Some(TAG))
    );
    let message = back[0]["message"].as_str().unwrap();
    assert!(message.contains("CARRIED1) gave its reservation back on "), "{message}");
    let known = caller.post("/api/v1/accounts/example.com/alerts", json!({ "limit": -1 })).await.json();
    let known = known["alerts"].as_array().unwrap();
    assert_eq!(
        (known[0]["messageType"].as_str(), known[0]["severity"].as_str()),
        (Some("Reserved Licenses Returned to Smart Account"), Some("Minor")),
        "scripts know two severities"
    );
    assert_eq!(
        post(at(reserve), request(json!([line(json!(4))]))).await["status"],
        "ERROR",
        "the request was used"
    );
    insta::assert_json_snapshot!("compat_reservations", record.finish());
}

#[tokio::test]
async fn a_reservation_goes_its_way_in_the_own_api() {
    let (_world, manager, caller) = scene().await;
    let mut record = Record::default();
    let product = Product::new("CARRIED2");
    let new = format!("{OWN}/virtual-accounts/Default/reservations");
    let body = |quantity: u64| json!({ "request_code": product.request.to_string(), "licenses": [{ "license": TAG, "quantity": quantity }] });
    record.post(&caller, &new, json!({ "request_code": "SP-Z" })).await;
    record.post(&caller, &new, body(21)).await;
    let spoken = json!({ "request_code": product.request.to_spoken(), "licenses": [{ "license": TAG, "quantity": 3 }] });
    let made = record.post(&caller, &new, spoken).await;
    let code = product.install(made["authorization_code"].as_str().unwrap());
    let one = format!("{OWN}/reservations/{}", made["instance"].as_str().unwrap());
    record.get(&caller, &format!("{OWN}/reservations")).await;
    record.get(&caller, &one).await;
    record.get(&caller, &format!("{OWN}/reservations/none")).await;
    let shown = record.get(&caller, &format!("{one}/authorization-code")).await;
    assert_eq!(product.install(shown["authorization_code"].as_str().unwrap()).grant, code.grant);

    let to = |quantity: u64| json!({ "licenses": [{ "license": TAG, "quantity": quantity }] });
    let changed = record.post(&caller, &format!("{one}/update"), to(2)).await;
    let second = product.install(changed["authorization_code"].as_str().unwrap());
    record.post(&caller, &format!("{one}/update"), to(5)).await;
    assert_eq!(reserved(&caller).await, 3, "the larger is held");
    let explained = format!("{OWN}/instances/{}/explanation", made["instance"].as_str().unwrap());
    let explained = caller.get(&explained).await.json();
    assert_eq!(
        (&explained["status"], &explained["status_words"]),
        (&json!("reserved"), &json!("Reserved, In Compliance"))
    );
    let facts: Vec<_> = explained["why"]
        .as_array()
        .unwrap()
        .iter()
        .map(|why| why["fact"]["reason"].as_str().unwrap())
        .collect();
    assert_eq!(facts, ["reserves", "change_unconfirmed"], "{explained}");
    assert_eq!(explained["what_to_do"][0]["fact"]["do"], "enter_confirmation");
    let back = product.return_code(&second, Returned::Change).to_string();
    let left = record.post(&caller, &format!("{one}/return"), json!({ "code": back })).await;
    assert!(left["in_transit"].is_null() && left["ended"].is_null());
    let changed = record.post(&caller, &format!("{one}/update"), to(2)).await;
    let third = product.install(changed["authorization_code"].as_str().unwrap());
    record.post(&caller, &format!("{one}/confirm"), json!({ "code": "00000000" })).await;
    let confirmation = json!({ "code": product.confirmation(&third).to_spoken() });
    record.post(&caller, &format!("{one}/confirm"), confirmation).await;
    assert_eq!(reserved(&caller).await, 2);
    // Five wrong codes, and one waits.
    let stranger = Product::new("CARRIED2").return_code(&third, Returned::Whole).to_string();
    for _ in 0..5 {
        let refused = caller.post(&format!("{one}/return"), json!({ "code": stranger })).await;
        assert_eq!(refused.status, 422, "{}", refused.text);
    }
    let waits = caller.post(&format!("{one}/return"), json!({ "code": stranger })).await;
    assert_eq!((waits.status, waits.json()["code"].as_str()), (409, Some("too_many_wrong_codes")));

    record.post(&caller, &format!("{one}/rehost"), json!({ "step": "approve" })).await;
    record.post(&caller, &format!("{one}/rehost"), json!({ "step": "ask", "reason": "burnt down" })).await;
    let approver = caller.new_client(&manager, "example.com", json!([{ "role": "approver" }])).await;
    record.post(&approver, &format!("{one}/rehost"), json!({ "step": "ask", "reason": "I may not" })).await;
    let program = record.post(&approver, &format!("{one}/rehost"), json!({ "step": "approve" })).await;
    assert_eq!(program["code"], "not_a_person");
    record.post(&approver, &format!("{one}/rehost"), json!({ "step": "refuse", "reason": "it runs" })).await;
    record
        .post(&caller, &format!("{one}/rehost"), json!({ "step": "release", "reason": "burnt down" }))
        .await;
    assert_eq!(reserved(&caller).await, 0);
    insta::assert_json_snapshot!("own_reservations", record.finish());
}

#[tokio::test]
async fn universal_reservations_are_for_accounts_that_are_permitted_them() {
    let (_world, manager, caller) = scene().await;
    let product = Product::of_kind("CARRIED3", ReservationKind::Universal);
    let body = json!({ "request_code": product.request.to_string() });
    let refused = caller.post(&format!("{OWN}/virtual-accounts/Default/reservations"), body.clone()).await;
    assert_eq!((refused.status, refused.json()["code"].as_str()), (409, Some("universal_not_permitted")));
    let permitted = json!({ "domain": "universal.example", "universal_permitted": true });
    assert_eq!(caller.post("/api/seatpool/v1/accounts", permitted).await.status, 201);
    let theirs = json!([{ "role": "account_administrator" }]);
    let their = caller.new_client(&manager, "universal.example", theirs).await;
    let path = "/api/seatpool/v1/accounts/universal.example/virtual-accounts/Default/reservations";
    let made = their.post(path, body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let code = product.install(made.json()["authorization_code"].as_str().unwrap());
    assert_eq!((code.grant.kind, code.grant.entitlements.len()), (ReservationKind::Universal, 0));
    let specific = json!({ "reservationRequests": [{ "reservationCode": product.request.to_string(), "reservationType": "SPECIFIC" }] });
    let other = their
        .post("/api/v1/accounts/universal.example/virtual-accounts/Default/reserve-licenses", specific)
        .await;
    assert!(other.text.contains("the request code is for a UNIVERSAL reservation"), "{}", other.text);
}
