//! Schema migrations: forward-only, one folder per engine, each applied in a transaction and recorded by hash.

use seatpool_proto::Sha256;

use crate::db::Transaction;
use crate::error::StoreError;
use crate::sql::{Sql, Value};

/// One step of the schema, as text for each engine. What has been released never changes.
pub(crate) struct Migration {
    pub(crate) name: &'static str,
    pub(crate) text: Sql,
}

macro_rules! migrations {
    ($($name:literal),* $(,)?) => {
        &[$(Migration {
            name: $name,
            text: Sql {
                sqlite: include_str!(concat!("../migrations/sqlite/", $name, ".sql")),
                postgres: include_str!(concat!("../migrations/postgres/", $name, ".sql")),
            },
        }),*]
    };
}

/// All migrations; the first makes version 1.
pub(crate) const MIGRATIONS: &[Migration] = migrations![
    "0001_initial",
    "0002_access",
    "0003_ledger",
    "0004_alerts",
    "0005_preferences",
    "0006_requests",
    "0007_lists",
    "0008_lot_lists",
    "0009_reservations",
    "0010_holders",
    "0011_endings",
    "0012_sorted_lists",
    "0013_asked"
];

pub(crate) const CREATE_RECORD: Sql = Sql::both(
    "CREATE TABLE IF NOT EXISTS schema_migrations \
     (version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, hash TEXT NOT NULL)",
);
pub(crate) const RECORDED: Sql =
    Sql::both("SELECT version, name, hash FROM schema_migrations ORDER BY version");
pub(crate) const RECORD: Sql =
    Sql::both("INSERT INTO schema_migrations (version, name, hash) VALUES ($1, $2, $3)");
/// Two managers that start at once on one PostgreSQL take turns.
const TAKE_TURNS: Sql = Sql::both("SELECT pg_advisory_xact_lock(7311415027)");

/// Brings the schema to version `target` (of those known) within the transaction; the version reached.
pub(crate) async fn migrate(transaction: &mut Transaction, target: usize) -> Result<u32, StoreError> {
    let mut conn = transaction.conn()?;
    if conn.is_postgres() {
        conn.rows(&TAKE_TURNS, &[]).await?;
    }
    conn.execute(&CREATE_RECORD, &[]).await?;
    let recorded = conn.rows(&RECORDED, &[]).await?;
    if recorded.len() > MIGRATIONS.len() {
        return Err(StoreError::Migration(format!(
            "the database has schema version {}, this program knows versions up to {}: it was last used by a newer \
             seatpool; start that version or a later one",
            recorded.len(),
            MIGRATIONS.len()
        )));
    }
    for (row, migration) in recorded.iter().zip(MIGRATIONS) {
        let mut reader = row.reader();
        let (version, name, hash) = (reader.int()?, reader.text()?, reader.parsed::<Sha256>()?);
        if name != migration.name || hash != migration.hash(conn.is_postgres()) {
            return Err(StoreError::Migration(format!(
                "migration {version} ({name}) of the database is not the one that this program holds ({}): the \
                 database was made by another build; use that build, or restore a backup made by this one",
                migration.name
            )));
        }
    }
    for (index, migration) in MIGRATIONS.iter().enumerate().take(target).skip(recorded.len()) {
        conn.script(&migration.text).await?;
        let version = i64::try_from(index + 1).unwrap_or(i64::MAX);
        let hash = migration.hash(conn.is_postgres());
        conn.execute(&RECORD, &[Value::Int(Some(version)), Value::text(migration.name), Value::text(hash)])
            .await?;
    }
    Ok(u32::try_from(recorded.len().max(target)).unwrap_or(u32::MAX))
}

impl Migration {
    fn hash(&self, postgres: bool) -> Sha256 {
        Sha256::of(if postgres { self.text.postgres } else { self.text.sqlite })
    }
}
