//! For tests alone, behind the feature `testing`: a private PostgreSQL, and looks behind the store's interface.

mod postgres;

pub use postgres::PrivatePostgres;

use sqlx::{AssertSqlSafe, Executor as _, SqlSafeStr as _};

use crate::error::StoreError;
use crate::migration::MIGRATIONS;
use crate::sql::{Conn, Row, Sql};
use crate::store::Store;
use crate::table::Table;
use crate::{batch, load, migration, query, row, store};

/// The schema version that this program makes.
pub fn version() -> usize {
    MIGRATIONS.len()
}

/// The schema version that this migration makes.
pub fn version_of(name: &str) -> Option<usize> {
    MIGRATIONS.iter().position(|migration| migration.name == name).map(|position| position + 1)
}

/// Applies migrations up to a version only.
pub async fn migrate_to(store: &Store, version: usize) -> Result<u32, StoreError> {
    store.migrate_to(version).await
}

/// Lists that people page through.
const LISTS: [&[(&str, Sql)]; 4] =
    [query::instances::LISTS, query::events::LISTS, query::tokens::LISTS, query::users::LISTS];

/// Every statement that the store can run.
fn statements() -> Vec<Sql> {
    let tables: [&Table; 10] = [
        &row::account::VIRTUAL_ACCOUNTS,
        &row::account::TOKENS,
        &row::dismissal::DISMISSALS,
        &row::lot::LOTS,
        &row::lot::TRANSACTIONS,
        &row::pool::POOL_TOTALS,
        &row::pool::USAGE,
        &row::instance::INSTANCES,
        &row::event::EVENTS,
        &row::history::USAGE_HISTORY,
    ];
    let fixed = [
        batch::ALL,
        load::ALL,
        store::ALL,
        query::access::ALL,
        row::access::ALL,
        query::accounts::ALL,
        query::audit::ALL,
        query::events::ALL,
        query::exports::ALL,
        query::history::ALL,
        query::instances::ALL,
        query::jobs::ALL,
        query::lots::ALL,
        query::requests::ALL,
        query::preferences::ALL,
        query::alerts::ALL,
        query::pools::ALL,
        query::reservations::ALL,
        query::tokens::ALL,
        query::users::ALL,
        &[migration::CREATE_RECORD, migration::RECORDED, migration::RECORD],
    ];
    fixed
        .into_iter()
        .flatten()
        .copied()
        .chain(
            query::instances::LISTS
                .iter()
                .chain(query::events::LISTS)
                .chain(query::alerts::INDEXED)
                .chain(query::exports::INDEXED)
                .map(|(_, sql)| *sql),
        )
        .chain([*row::instance::upsert_after_contact(), *row::history::go_on()])
        .chain(tables.into_iter().flat_map(|table| [*table.upsert(), *table.delete()]))
        .collect()
}

/// Prepares every statement on the store's engine; how many, or which one is refused and why.
pub async fn prepare_all(store: &Store) -> Result<usize, String> {
    let all = statements();
    for sql in &all {
        let mut reading = store.db.reader().await.map_err(|error| error.to_string())?;
        let prepared = match reading.conn() {
            Conn::Sqlite(connection) => connection.prepare(sql.sqlite.into_sql_str()).await.map(drop),
            Conn::Postgres(connection) => connection.prepare(sql.postgres.into_sql_str()).await.map(drop),
        };
        prepared.map_err(|error| format!("{error} in {sql:?}"))?;
    }
    Ok(all.len())
}

/// The lists of instances, events, tokens and users on SQLite: what the plan of each must hold, and the engine's plan for it.
pub async fn list_plans(store: &Store) -> Result<Vec<(&'static str, String)>, StoreError> {
    let mut plans = Vec::new();
    for (index, sql) in LISTS.into_iter().flatten() {
        let details = texts(store, &format!("EXPLAIN QUERY PLAN {}", sql.sqlite), 3).await?;
        plans.push((*index, details.join("\n")));
    }
    Ok(plans)
}

/// What alerts are computed from and how lots are found, on SQLite: the index that must serve each statement, and the engine's plan for it.
pub async fn indexed_plans(store: &Store) -> Result<Vec<(&'static str, String)>, StoreError> {
    let mut plans = Vec::new();
    let few = query::exports::INDEXED.iter().chain(query::reservations::INDEXED);
    for (index, sql) in query::alerts::INDEXED.iter().chain(query::lots::INDEXED).chain(few) {
        let details = texts(store, &format!("EXPLAIN QUERY PLAN {}", sql.sqlite), 3).await?;
        plans.push((*index, details.join("\n")));
    }
    Ok(plans)
}

/// Whether the store's engine is PostgreSQL.
pub fn is_postgres(store: &Store) -> bool {
    matches!(store.db, crate::db::Db::Postgres { .. })
}

/// Runs any statement of the test's own in a transaction; how many rows it changed.
pub async fn execute(store: &Store, sql: &str) -> Result<u64, StoreError> {
    let mut transaction = store.db.begin().await?;
    let query = AssertSqlSafe(sql.to_owned());
    let changed = match transaction.conn()? {
        Conn::Sqlite(connection) => sqlx::query(query).execute(connection).await?.rows_affected(),
        Conn::Postgres(connection) => sqlx::query(query).execute(connection).await?.rows_affected(),
    };
    transaction.commit().await?;
    Ok(changed)
}

/// One text column of the rows of any statement of the test's own.
pub async fn texts(store: &Store, sql: &str, column: usize) -> Result<Vec<String>, StoreError> {
    let mut reading = store.db.reader().await?;
    let query = AssertSqlSafe(sql.to_owned());
    let rows: Vec<Row> = match reading.conn() {
        Conn::Sqlite(connection) => {
            sqlx::query(query).fetch_all(connection).await?.into_iter().map(Row::Sqlite).collect()
        }
        Conn::Postgres(connection) => {
            sqlx::query(query).fetch_all(connection).await?.into_iter().map(Row::Postgres).collect()
        }
    };
    rows.iter().map(|row| row.reader_from(column).text()).collect()
}

/// The schema as the engine describes it, to be compared.
pub async fn schema(store: &Store) -> Result<Vec<String>, StoreError> {
    const SQLITE: &str = "SELECT coalesce(sql, name) FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%' ORDER BY type, name";
    const POSTGRES: &str = "SELECT text FROM (
        SELECT concat_ws(' ', table_name, ordinal_position, column_name, data_type, collation_name, is_nullable,
                         column_default) AS text
        FROM information_schema.columns WHERE table_schema = current_schema()
        UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema()
        UNION ALL SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint
                  WHERE connamespace = current_schema()::regnamespace
        UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger 
                  WHERE NOT tgisinternal AND tgrelid IN (SELECT oid FROM pg_class
                  WHERE relnamespace = current_schema()::regnamespace)
        UNION ALL SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = current_schema()::regnamespace
    ) AS described ORDER BY text";
    let is_postgres = store.db.reader().await?.conn().is_postgres();
    texts(store, if is_postgres { POSTGRES } else { SQLITE }, 0).await
}

/// Removes the whole schema.
pub async fn clear(store: &Store) -> Result<(), StoreError> {
    if store.db.reader().await?.conn().is_postgres() {
        let schema = texts(store, "SELECT current_schema()::text", 0).await?.join("");
        execute(store, &format!("DROP SCHEMA {schema} CASCADE")).await?;
        return execute(store, &format!("CREATE SCHEMA {schema}")).await.map(drop);
    }
    let tables =
        texts(store, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rowid DESC", 0).await?;
    for table in tables {
        execute(store, &format!("DROP TABLE {table}")).await?;
    }
    Ok(())
}

/// Lets the SQLite file grow to so many pages of 4096 bytes and no further, as a full disk does.
pub async fn limit_pages(store: &Store, pages: u32) -> Result<(), StoreError> {
    let mut transaction = store.db.begin().await?;
    if let Conn::Sqlite(connection) = transaction.conn()? {
        sqlx::query(AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"))).execute(connection).await?;
    }
    transaction.commit().await
}

/// How many pages of 4096 bytes the SQLite file has.
pub async fn pages(store: &Store) -> Result<u32, StoreError> {
    let texts = texts(store, "SELECT CAST(page_count AS TEXT) FROM pragma_page_count", 0).await?;
    texts
        .first()
        .and_then(|count| count.parse().ok())
        .ok_or_else(|| StoreError::Database("no page count".to_owned()))
}
