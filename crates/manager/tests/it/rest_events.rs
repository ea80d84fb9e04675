//! The event log of each virtual account: what goes from one to another stands in both.

use serde_json::{Value, json};

use crate::rest_support::{Caller, instance};
use crate::support::{ALICE, TAG, Visitor, World};

const ACCOUNT: &str = "/api/seatpool/v1/accounts/example.com";

#[tokio::test]
async fn what_is_moved_is_found_in_the_logs_of_both_virtual_accounts() {
    let world = World::new().await;
    let token = world.token().await;
    world.order(10).await;
    let manager = world.start();
    let caller = Caller::first(&world, &manager).await;
    let places = format!("{ACCOUNT}/virtual-accounts");
    let made = caller.post(&places, json!({ "name": "EMEA" })).await.json();
    let emea = made["id"].as_str().unwrap().to_owned();
    let declared = json!({ "license": TAG, "quantity": 4, "note": "contract 7" });
    let declared = caller.post(&format!("{places}/Default/declarations"), declared).await;
    assert_eq!(declared.status, 201, "{}", declared.text);
    let lot = declared.json()["id"].as_str().unwrap().to_owned();
    for line in [
        json!({ "license": TAG, "quantity": 3, "to": "EMEA" }),
        json!({ "lot": lot, "license": TAG, "quantity": 1, "to": "EMEA" }),
    ] {
        let moved =
            caller.post(&format!("{places}/Default/license-transfers"), json!({ "lines": [line] })).await;
        assert!(moved.status < 300, "{}", moved.text);
    }
    let confirmed = caller.post(&format!("{ACCOUNT}/lots/{lot}/confirm"), json!({})).await;
    assert!(confirmed.status < 300, "{}", confirmed.text);
    let id = instance(&manager, &token.text, "SN1", 1).await;
    let moved = caller.post(&format!("{ACCOUNT}/instances/{id}/transfer"), json!({ "to": "EMEA" })).await;
    assert!(moved.status < 300, "{}", moved.text);

    let log = async |place: &str, kind: &str| -> Vec<String> {
        let path = format!("{ACCOUNT}/events?virtual_account={place}&kind={kind}");
        let found = caller.get(&path).await.json();
        let message = |row: &Value| row["message"].as_str().unwrap().to_owned();
        found["items"].as_array().unwrap().iter().map(message).collect()
    };
    let name = "CCX Premium Agent";
    assert_eq!(
        log("Default", "licenses_transferred").await,
        [
            format!("Moved from Default: 1 of {name} to EMEA."),
            format!("Moved from Default: 3 of {name} to EMEA.")
        ]
    );
    assert_eq!(
        log("EMEA", "licenses_transferred").await,
        [
            format!("Moved to EMEA: 1 of {name} from Default."),
            format!("Moved to EMEA: 3 of {name} from Default.")
        ]
    );
    for (place, quantity) in [("Default", 3), ("EMEA", 1)] {
        let told = log(place, "licenses_confirmed").await;
        assert!(
            told.len() == 1 && told[0].starts_with(&format!("{quantity} of {name}, declared by")),
            "{told:?}"
        );
    }
    let label = "ccx.example.com (PID UCCX, SN SN1)";
    assert_eq!(
        log("Default", "instance_transferred").await,
        [format!("{label} was moved from Default to EMEA; its usage counts there now.")]
    );
    assert_eq!(
        log("EMEA", "instance_transferred").await,
        [format!("{label} arrived in EMEA from Default; its usage counts here now.")]
    );
    let mut alice = Visitor::signed_in(&manager, ALICE).await;
    let page = alice.get(&format!("/portal/example.com/va/{emea}/events")).await;
    for text in ["Moved to EMEA: 3 of", "arrived in EMEA from Default"] {
        assert!(page.has(text), "{text}: {}", page.body);
    }
    assert!(!page.has("Moved from Default"), "{}", page.body);
    let verified = caller.get(&format!("{ACCOUNT}/events/verification")).await;
    assert_eq!(verified.status, 200, "{}", verified.text);
}

#[tokio::test]
async fn what_a_removed_instance_did_is_found_by_the_name_that_the_log_shows() {
    let world = World::new().await;
    let token = world.token().await;
    world.order(10).await;
    let manager = world.start();
    let caller = Caller::first(&world, &manager).await;
    let id = instance(&manager, &token.text, "SN1", 1).await;
    let removed = caller.call(http::Method::DELETE, &format!("{ACCOUNT}/instances/{id}"), None).await;
    assert!(removed.status < 300, "{}", removed.text);
    let again = instance(&manager, &token.text, "SN1", 1).await;
    assert_ne!(id, again);
    let log = async |query: &str| -> Vec<(u64, String)> {
        let found = caller.get(&format!("{ACCOUNT}/events?{query}")).await.json();
        let row =
            |row: &Value| (row["number"].as_u64().unwrap(), row["instance"].as_str().unwrap().to_owned());
        found["items"].as_array().unwrap().iter().map(row).collect()
    };
    let both = log("instance=ccx.example.com").await;
    for wanted in [id, again] {
        assert!(both.iter().any(|(_, of)| *of == wanted.to_string()), "{both:?}");
    }
    assert_eq!(log("instance=SN1&virtual_account=Default").await, both);
    assert!(both.is_sorted_by(|a, b| a > b), "the newest first: {both:?}");
    let mut turned = log("instance=CCX.example.com&sort=time").await;
    turned.reverse();
    assert_eq!(turned, both);
    let gone = log(&format!("instance={id}&kind=instance_removed")).await;
    assert_eq!(gone.len(), 1);
    for (query, status) in [("instance=nobody", 404), ("sort=size", 400)] {
        assert_eq!(caller.get(&format!("{ACCOUNT}/events?{query}")).await.status, status, "{query}");
    }
    // Page by page from the oldest on, while something is added at the end.
    let mut numbers = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = caller.get(&format!("{ACCOUNT}/events?sort=time&limit=3{cursor}")).await.json();
        numbers.extend(page["items"].as_array().unwrap().iter().map(|row| row["number"].as_u64().unwrap()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
        if numbers.len() == 3 {
            caller.post(&format!("{ACCOUNT}/virtual-accounts"), json!({ "name": "EMEA" })).await;
        }
    }
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());

    let mut alice = Visitor::signed_in(&manager, ALICE).await;
    for path in ["/portal/example.com/activity".to_owned(), world.page("events")] {
        let newest = alice.get(&format!("{path}?instance=ccx.example.com")).await;
        assert!(newest.has("was removed") && !newest.has("instance-error"), "{}", newest.body);
        assert!(newest.has("aria-sort=\"descending\""), "{}", newest.body);
        assert_eq!(newest.between("id=\"e-", "\""), Some(both[0].0.to_string()));
        let oldest = alice.get(&format!("{path}?instance=ccx.example.com&sort=time&order=up")).await;
        assert!(oldest.has("aria-sort=\"ascending\""), "{}", oldest.body);
        assert_eq!(oldest.between("id=\"e-", "\""), Some(both.last().unwrap().0.to_string()));
        // Filtering again keeps the order.
        assert!(oldest.has("name=\"order\" value=\"up\""), "{}", oldest.body);
    }
}
