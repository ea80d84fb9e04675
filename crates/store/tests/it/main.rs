//! The store through its interface: one conformance suite on both engines, and what only one engine has.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod access;
mod alerts;
mod away;
mod constraints;
mod events;
mod exports;
mod facts;
mod history;
mod ledger;
mod loading;
mod lots;
mod migrations;
mod queries;
mod reservations;
mod sorted;
mod sqlite;

use std::future::Future;
use std::pin::Pin;

use seatpool_store::testing::PrivatePostgres;
use seatpool_store::{Options, Store};

type Case = fn(Store) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// Declares the conformance suite: each case is a test of its own on SQLite, and all run on one PostgreSQL.
macro_rules! conformance {
    ($($module:ident :: $case:ident,)*) => {
        const CASES: &[(&str, Case)] = &[
            $((concat!(stringify!($module), "::", stringify!($case)), |store| Box::pin($module::$case(store))),)*
        ];

        mod on_sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    let folder = tempfile::tempdir().unwrap();
                    super::$module::$case(super::migrated(super::sqlite::url(folder.path())).await).await;
                }
            )*
        }
    };
}

conformance! {
    loading::nothing_touched_loads_the_account_alone,
    loading::instances_bring_their_usage_place_and_pools,
    loading::udis_find_the_registered_and_the_pending_one_but_no_tombstone,
    loading::a_tombstone_is_found_by_its_id,
    loading::tokens_and_lots_bring_their_places_but_tokens_no_pools,
    loading::virtual_accounts_are_found_by_name_without_regard_to_case,
    loading::pools_are_loaded_by_family_in_the_named_places,
    loading::contents_count_registered_instances_and_lots_that_have_not_ended,
    loading::orders_bring_what_they_did_and_their_lots,
    loading::another_accounts_rows_are_never_loaded,
    lots::lots_are_listed_as_people_look_at_them,
    lots::holders_of_licences_are_found_by_what_is_held_or_in_use,
    lots::lots_come_to_what_the_domain_says,
    lots::lots_are_found_by_what_names_them,
    reservations::reservations_come_back_and_bring_their_lots,
    exports::who_holds_export_controlled_functionality_is_found,
    ledger::every_entity_comes_back_as_it_was_written,
    ledger::a_contact_and_a_move_are_both_written,
    ledger::a_dropped_batch_changes_nothing,
    ledger::two_batches_on_one_account_are_serialised,
    ledger::batches_on_different_accounts_go_on_side_by_side,
    ledger::an_unknown_account_is_refused,
    ledger::a_replacement_takes_over_the_udi_in_one_batch,
    ledger::virtual_accounts_can_swap_their_names,
    ledger::deleted_rows_are_gone,
    ledger::a_failed_commit_leaves_the_store_usable,
    ledger::a_nul_in_a_name_does_not_fail_the_batch,
    history::an_hour_keeps_its_highest_and_takes_the_rest,
    history::hours_become_days_in_parts,
    constraints::events_are_append_only,
    constraints::lot_transactions_are_append_only,
    constraints::a_lot_never_promises_more_than_it_owns,
    constraints::a_udi_is_registered_once,
    constraints::event_numbers_are_unique,
    constraints::a_domain_is_taken_once,
    queries::pages_neither_repeat_nor_miss_an_instance,
    queries::instances_are_sorted_by_each_key_in_both_directions,
    queries::instances_are_found_by_text_type_place_and_licence,
    queries::more_instances_than_a_search_names_are_counted_and_paged,
    queries::instances_are_found_by_udi,
    queries::events_are_filtered_and_newest_first,
    queries::what_many_events_say_is_counted_and_paged,
    events::filters_together_leave_what_a_look_at_each_event_leaves,
    events::instances_are_known_by_their_names_also_when_they_are_gone,
    sorted::tokens_are_searched_sorted_and_paged,
    sorted::users_are_searched_sorted_and_paged,
    sorted::lots_are_sorted_by_each_key_in_both_directions,
    queries::transactions_are_newest_first_and_by_licence,
    queries::accounts_are_found_by_part_of_their_domain,
    queries::jobs_find_ended_authorizations_and_turned_lots,
    queries::settings_are_replaced_and_the_probe_writes,
    alerts::instances_are_counted_and_listed_by_the_conditions_that_hold_for_them,
    alerts::licences_and_tokens_are_found_by_their_ends,
    alerts::dismissals_come_and_go_with_their_account,
    access::users_and_clients_come_back_and_are_unique,
    access::sessions_and_access_tokens_end_and_are_purged,
    access::sessions_of_a_person_are_listed_seen_and_ended,
    access::a_time_step_is_used_once,
    access::a_time_zone_goes_with_its_person,
    access::a_form_is_taken_once_and_forgotten_after_a_day,
    access::people_are_written_with_the_batch_and_never_across_accounts,
    migrations::every_statement_is_understood,
    migrations::a_schema_built_step_by_step_equals_a_fresh_one,
    migrations::what_is_stored_outlives_the_migrations,
    migrations::instances_of_an_older_schema_get_their_certificates_day,
    migrations::a_newer_database_is_refused_in_words,
    migrations::a_changed_migration_is_refused,
    migrations::instances_of_before_are_listed_counted_and_found,
}

async fn open(url: String) -> Store {
    Store::open(&Options { url, connections: 4, create: true }).await.unwrap()
}

async fn migrated(url: String) -> Store {
    let store = open(url).await;
    assert_eq!(store.migrate().await.unwrap() as usize, seatpool_store::testing::version());
    store
}

/// One test for all cases: the cluster is started once, and each case has a database of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_case_holds_on_postgres() {
    let postgres = PrivatePostgres::start().unwrap_or_else(|reason| panic!("{reason}"));
    let mut failed = Vec::new();
    for (name, case) in CASES {
        let store = migrated(postgres.database().unwrap()).await;
        if tokio::spawn(case(store)).await.is_err() {
            failed.push(*name);
        }
    }
    assert!(failed.is_empty(), "on PostgreSQL these cases fail: {failed:?}");
}
