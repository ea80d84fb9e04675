//! The schema and its versions.

use seatpool_proto::{AccountId, Sha256, VirtualAccountId};
use seatpool_store::testing::{self, execute};
use seatpool_store::{InstanceQuery, Page, Store, StoreError, TransactionQuery};
use uuid::Uuid;

use crate::facts::{account, instance_id, place};

pub(crate) async fn every_statement_is_understood(store: Store) {
    let prepared = testing::prepare_all(&store).await.unwrap();
    assert!(prepared > 60, "{prepared} statements are not all");
}

/// The store comes migrated at once; it is emptied and built again one version at a time.
pub(crate) async fn a_schema_built_step_by_step_equals_a_fresh_one(store: Store) {
    let fresh = testing::schema(&store).await.unwrap();
    assert!(fresh.iter().any(|line| line.contains("lots_promise_no_more_than_owned")));
    testing::clear(&store).await.unwrap();
    assert!(testing::schema(&store).await.unwrap().len() < fresh.len() / 2);
    for version in 1..=testing::version() {
        assert_eq!(testing::migrate_to(&store, version).await.unwrap() as usize, version);
    }
    assert_eq!(testing::schema(&store).await.unwrap(), fresh);
    assert_eq!(store.migrate().await.unwrap() as usize, testing::version(), "nothing is left to do");
    assert_eq!(testing::schema(&store).await.unwrap(), fresh);
}

pub(crate) async fn what_is_stored_outlives_the_migrations(store: Store) {
    testing::clear(&store).await.unwrap();
    testing::migrate_to(&store, 1).await.unwrap();
    let account = Uuid::from_u128(1);
    let place = VirtualAccountId(Uuid::from_u128(2));
    for row in [
        format!(
            "INSERT INTO accounts VALUES ('{account}', 'example.com', 'Example', {}, 0, 1, NULL)",
            truth(&store).await
        ),
        format!(
            "INSERT INTO lots VALUES ('{account}', '{account}', '{place}', 'desk', 9, 1, 1, 'PERPETUAL', 0, NULL, NULL, \
             'PO-1', NULL, 0)"
        ),
        format!(
            "INSERT INTO lot_transactions VALUES ('{account}', 1000, 0, '{account}', '{place}', 'desk', 'ordered', 9, \
             NULL, 'PO-1', 'vendor')"
        ),
    ] {
        execute(&store, &row).await.unwrap();
    }
    store.migrate().await.unwrap();
    let lots = store.lots(AccountId(account), None).await.unwrap();
    assert_eq!((lots[0].order_id.as_str(), &lots[0].declaration), ("PO-1", &None));
    let query = TransactionQuery { virtual_account: place, tag: None };
    let history = store.transactions(AccountId(account), query, Page::ALL).await.unwrap();
    assert_eq!((history.items[0].number, history.items[0].by.as_str()), (1000, "vendor"));
    let refused = execute(&store, "DELETE FROM lot_transactions").await.unwrap_err();
    assert!(refused.to_string().contains("append-only"), "{refused}");
}

/// How the engine writes it.
async fn truth(store: &Store) -> &'static str {
    if testing::schema(store).await.unwrap().iter().any(|line| line.contains("STRICT")) {
        "1"
    } else {
        "TRUE"
    }
}

pub(crate) async fn a_newer_database_is_refused_in_words(store: Store) {
    let next = testing::version() + 1;
    execute(&store, &format!("INSERT INTO schema_migrations VALUES ({next}, 'later', 'ff')")).await.unwrap();
    let refusal = store.migrate().await.unwrap_err();
    assert!(matches!(refusal, StoreError::Migration(_)));
    assert!(refusal.to_string().contains("newer seatpool"), "{refusal}");
}

pub(crate) async fn a_changed_migration_is_refused(store: Store) {
    let hash = seatpool_proto::Sha256::of("other text");
    execute(&store, &format!("UPDATE schema_migrations SET hash = '{hash}' WHERE version = 1"))
        .await
        .unwrap();
    let refusal = store.migrate().await.unwrap_err();
    assert!(matches!(&refusal, StoreError::Migration(words) if words.contains("0001_initial")), "{refusal}");
}

/// What `0004_alerts` adds to instances is filled from what is there.
pub(crate) async fn instances_of_an_older_schema_get_their_certificates_day(store: Store) {
    testing::clear(&store).await.unwrap();
    testing::migrate_to(&store, 1).await.unwrap();
    execute(&store, "INSERT INTO accounts VALUES ('a', 'a.example', 'A', FALSE, 0, 1, NULL)").await.unwrap();
    let certificate =
        r#"{"serial":"1","not_before":"2026-01-01T00:00:00Z","not_after":"2026-07-01T23:59:59.5Z"}"#;
    let row = format!(
        "INSERT INTO instances (account_id, id, virtual_account, udi_pid, udi_sn, udi_uuid, product_name, \
         product_type, first_registered_at, registered_at, last_contact_at, export_controlled, certificate, \
         counted, conversation, registered, sort_name) \
         VALUES ('a', 'i', 'v', 'P', 'S', '', 'n', 't', 0, 0, 0, FALSE, '{certificate}', FALSE, '{{}}', TRUE, 's')"
    );
    execute(&store, &row).await.unwrap();
    store.migrate().await.unwrap();
    let days =
        testing::texts(&store, "SELECT CAST(certificate_day AS TEXT) FROM instances", 0).await.unwrap();
    let expected = "2026-07-01T00:00:00Z".parse::<jiff::Timestamp>().unwrap().as_second() / 86_400;
    assert_eq!(days, [expected.to_string()]);
}

/// Instances of before the lists had columns and counts of their own.
pub(crate) async fn instances_of_before_are_listed_counted_and_found(store: Store) {
    testing::clear(&store).await.unwrap();
    let lists = testing::version_of("0007_lists").unwrap();
    testing::migrate_to(&store, lists - 1).await.unwrap();
    let (account, place) = (account(1).id, place(0));
    let flag =
        |set: bool| if testing::is_postgres(&store) { set.to_string() } else { u8::from(set).to_string() };
    execute(
        &store,
        &format!(
            "INSERT INTO accounts (id, domain, name, export_permitted, created_at, next_event) \
             VALUES ('{account}', 'old.example', 'Old', {}, 1, 1)",
            flag(true)
        ),
    )
    .await
    .unwrap();
    let hash = Sha256::of("key");
    let certificate = format!(
        r#"{{"serial":"1","not_before":"2026-01-01T00:00:00Z","not_after":"2027-01-01T00:00:00Z","key_hash":"{hash}"}}"#
    );
    let conversation = r#"{"sequence":1,"last_request":null,"last_sent_at":null,"last_answer":null,"head":null,"previous":null,"abandoned":[]}"#;
    for (number, registered) in [(1, true), (2, true), (3, false)] {
        let day = number * 86_400_000_000;
        let ended = if registered { "NULL, NULL" } else { "9, 'removed'" };
        let row = format!(
            "INSERT INTO instances (account_id, id, virtual_account, udi_pid, udi_sn, udi_uuid, host_name, product_name, \
             product_type, product_version, first_registered_at, registered_at, last_contact_at, export_controlled, \
             certificate, counted, conversation, ended_at, end_reason, registered, sort_name) \
             VALUES ('{account}', '{}', '{place}', 'PID', 'SN-{number}', '', 'Host-{number}', 'Thing', 'type-{number}', \
             NULL, 1, 1, {day}, {}, '{certificate}', {}, '{conversation}', {ended}, {}, 'host-{number}')",
            instance_id(number),
            flag(false),
            flag(false),
            flag(registered),
        );
        execute(&store, &row).await.unwrap();
    }
    store.migrate().await.unwrap();
    let found = async |query: InstanceQuery| {
        let found = store.instances(account, query, Page::ALL).await.unwrap();
        assert_eq!(found.total as usize, found.items.len());
        found.items.into_iter().map(|row| row.udi.sn).collect::<Vec<_>>()
    };
    assert_eq!(found(InstanceQuery::default()).await, ["SN-1", "SN-2"]);
    let text = |text: &str| InstanceQuery { text: Some(text.into()), ..InstanceQuery::default() };
    assert_eq!(found(text("HOST-2 thing TYPE-2")).await, ["SN-2"]);
    let of_type = InstanceQuery { product_type: Some("type-1".into()), ..InstanceQuery::default() };
    assert_eq!(found(of_type).await, ["SN-1"]);
    let days = testing::texts(&store, "SELECT CAST(contact_day AS TEXT) FROM instances ORDER BY id", 0).await;
    assert_eq!(days.unwrap(), ["1", "2", "3"]);
}
