//! The schema and its versions.

use seatpool_store::testing::{self, execute};
use seatpool_store::{Store, StoreError};

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
