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
