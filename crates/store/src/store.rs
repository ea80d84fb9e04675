//! The store itself: opening it, its schema, its readiness.

use crate::db::{Access, Db, retried};
use crate::error::StoreError;
use crate::migration::{self, MIGRATIONS};
use crate::sql::{Sql, Value, statements};
use crate::sqlite;

statements! {
    PROBE = Sql::both("UPDATE probe SET writes = writes + 1");
    SET_UP = Sql {
        sqlite: "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'schema_migrations'",
        postgres: "SELECT count(*) FROM pg_catalog.pg_class WHERE oid = to_regclass('schema_migrations')",
    };
    SETTING = Sql::both("SELECT value FROM settings WHERE name = $1");
    SET_SETTING = Sql::both(
        "INSERT INTO settings (name, value) VALUES ($1, $2) \
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    );
}

/// Where the facts are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// `sqlite:/path/seatpool.db` or `postgres://…`.
    pub url: String,
    /// Most connections: to PostgreSQL altogether, to SQLite for reading.
    pub connections: u32,
    /// Whether a database that is not there is made. Only who makes a new manager wants that: a database that
    /// went away must not come back empty.
    pub create: bool,
}

/// The manager's facts. Clones share their connections.
#[derive(Clone)]
pub struct Store {
    pub(crate) db: Db,
}

impl Store {
    /// Opens the store. A SQLite file is made if [`Options::create`] says so (mode 0600), else
    /// [`StoreError::Missing`], and locked against other processes ([`StoreError::InUse`]). The schema is left
    /// alone: see [`Store::migrate`].
    pub async fn open(options: &Options) -> Result<Self, StoreError> {
        Self::open_for(options, Access::Write).await
    }

    /// Opens a store to look at it, whether a manager serves it or not: nothing can be written, and nobody is
    /// locked out. Refuses a schema that is not this program's.
    pub async fn open_reading(options: &Options) -> Result<Self, StoreError> {
        let store = Self::open_for(options, Access::Read).await?;
        if !store.is_set_up().await? {
            return Err(StoreError::Missing("the address given".to_owned()));
        }
        let recorded = store.db.rows(&migration::RECORDED, &[]).await?.len();
        if recorded != MIGRATIONS.len() {
            return Err(StoreError::Migration(format!(
                "the database has schema version {recorded}, this program reads version {}: use the seatpool that \
                 serves it",
                MIGRATIONS.len()
            )));
        }
        Ok(store)
    }

    async fn open_for(options: &Options, access: Access) -> Result<Self, StoreError> {
        let db = if let Some(path) = sqlite::path_of(&options.url) {
            match access {
                Access::Write => sqlite::open(&path, options.connections, options.create).await?,
                Access::Read => sqlite::open_reading(&path, options.connections).await?,
            }
        } else if ["postgres://", "postgresql://"].iter().any(|scheme| options.url.starts_with(scheme)) {
            Db::open_postgres(&options.url, options.connections, options.create, access).await?
        } else {
            return Err(StoreError::Database(
                "the database URL is neither sqlite:/path/to/file nor postgres://…".to_owned(),
            ));
        };
        Ok(Self { db })
    }

    /// Whether a manager's tables are there, of whatever version.
    pub async fn is_set_up(&self) -> Result<bool, StoreError> {
        let rows = self.db.rows(&SET_UP, &[]).await?;
        Ok(rows.first().map(|row| row.reader().int()).transpose()?.unwrap_or_default() > 0)
    }

    /// Ends all connections. SQLite's write-ahead log is written back and removed, so that the database is one
    /// file. Whatever comes after it is refused as unavailable.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.db.close().await
    }

    /// Brings the schema to this program's version, all or nothing; that version. Refuses a database of a newer program.
    pub async fn migrate(&self) -> Result<u32, StoreError> {
        self.migrate_to(MIGRATIONS.len()).await
    }

    pub(crate) async fn migrate_to(&self, target: usize) -> Result<u32, StoreError> {
        let mut transaction = retried!(self.db.begin())?;
        let version = migration::migrate(&mut transaction, target).await?;
        transaction.commit().await?;
        Ok(version)
    }

    /// A tiny durable write: whether facts can be stored at present.
    pub async fn probe(&self) -> Result<(), StoreError> {
        match self.db.execute(&PROBE, &[]).await? {
            1 => Ok(()),
            rows => Err(StoreError::Corrupt(format!("the table probe has {rows} rows instead of one"))),
        }
    }

    /// A setting of the manager, as its jobs keep them.
    pub async fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        let rows = self.db.rows(&SETTING, &[Value::text(name)]).await?;
        rows.first().map(|row| row.reader().text()).transpose()
    }

    /// Keeps a setting, in place of its older value.
    pub async fn set_setting(&self, name: &str, value: &str) -> Result<(), StoreError> {
        self.db.execute(&SET_SETTING, &[Value::text(name), Value::text(value)]).await.map(drop)
    }
}
