//! The two engines: connections, transactions, and what is retried.

use std::sync::Arc;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, PgPool, Postgres, Sqlite, SqlitePool};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::error::StoreError;
use crate::sql::{Conn, Row, Sql, Value};
use crate::sqlite::{self, Writer};

/// How long a caller waits for a connection before it is told that the database is unavailable.
pub(crate) const WAIT_SECONDS_MAX: u64 = 10;
/// How long a caller waits for a connection of a pool: one that is free, or a new one. A server that is away refuses
/// connections all the time, and its callers are told soon.
pub(crate) const CONNECTION_SECONDS_MAX: u64 = 3;
/// How often something is tried that failed for a passing reason.
pub(crate) const ATTEMPTS_MAX: usize = 3;

/// An engine with its connections.
#[derive(Clone)]
pub(crate) enum Db {
    /// One writer, several readers; the lock is held as long as any clone lives. Opened for reading, there is none.
    Sqlite { writer: Arc<Mutex<Writer>>, readers: SqlitePool, _lock: Option<Arc<sqlite::Lock>> },
    /// One pool for both.
    Postgres { pool: PgPool },
}

/// What a database is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// To serve it.
    Write,
    /// To look at it, be it served or not.
    Read,
}

/// Tries again what failed for a passing reason and may be repeated.
macro_rules! retried {
    ($attempt:expr) => {{
        let mut attempt = 1;
        loop {
            match $attempt.await {
                Err(error) if error.is_transient() && attempt < crate::db::ATTEMPTS_MAX => attempt += 1,
                result => break result,
            }
        }
    }};
}
pub(crate) use retried;

impl Db {
    /// Connects to PostgreSQL; unless `at_once`, waits a little for one that is just starting.
    pub(crate) async fn open_postgres(
        url: &str,
        connections: u32,
        at_once: bool,
        access: Access,
    ) -> Result<Self, StoreError> {
        let options: PgConnectOptions = url
            .parse()
            .map_err(|error: sqlx::Error| StoreError::Database(format!("the database URL: {error}")))?;
        let mut options = options.application_name("seatpool");
        if access == Access::Read {
            options = options.options([("default_transaction_read_only", "on")]);
        }
        reach(&options, if at_once { 1 } else { WAIT_SECONDS_MAX }).await?;
        let pool = PgPoolOptions::new()
            .max_connections(connections.max(1))
            .acquire_timeout(Duration::from_secs(CONNECTION_SECONDS_MAX))
            .connect_with(options)
            .await?;
        Ok(Self::Postgres { pool })
    }

    /// Ends all connections; on SQLite everything is then in the one file.
    pub(crate) async fn close(&self) -> Result<(), StoreError> {
        let wait = Duration::from_secs(WAIT_SECONDS_MAX);
        let busy = |_| StoreError::Unavailable("a connection is still in use".to_owned());
        match self {
            Self::Sqlite { writer, readers, .. } => {
                // Readers first: the writer can empty the log only when nobody reads in it.
                tokio::time::timeout(wait, readers.close()).await.map_err(busy)?;
                tokio::time::timeout(wait, writer.lock()).await.map_err(busy)?.close().await
            }
            Self::Postgres { pool } => tokio::time::timeout(wait, pool.close()).await.map_err(busy),
        }
    }

    /// A connection for reading.
    pub(crate) async fn reader(&self) -> Result<Reading, StoreError> {
        Ok(match self {
            Self::Sqlite { readers, .. } => Reading::Sqlite(readers.acquire().await?),
            Self::Postgres { pool } => Reading::Postgres(pool.acquire().await?),
        })
    }

    /// A transaction that only reads, and sees one moment throughout.
    pub(crate) async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        Ok(match self {
            Self::Sqlite { readers, .. } => Snapshot::Sqlite(readers.begin().await?),
            Self::Postgres { pool } => {
                Snapshot::Postgres(pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?)
            }
        })
    }

    /// A transaction that writes. On SQLite there is one at a time.
    pub(crate) async fn begin(&self) -> Result<Transaction, StoreError> {
        Ok(match self {
            Self::Sqlite { writer, .. } => {
                let wait = Duration::from_secs(WAIT_SECONDS_MAX);
                let mut writer = tokio::time::timeout(wait, Arc::clone(writer).lock_owned())
                    .await
                    .map_err(|_| StoreError::Unavailable("the writer is busy".to_owned()))?;
                writer.begin().await?;
                Transaction::Sqlite(SqliteTransaction { writer: Some(writer) })
            }
            Self::Postgres { pool } => Transaction::Postgres(pool.begin().await?),
        })
    }

    /// The rows of one statement.
    pub(crate) async fn rows(&self, sql: &Sql, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        retried!(async { self.reader().await?.conn().rows(sql, values).await })
    }

    /// One statement in a transaction of its own; how many rows it changed. Tried again only where the
    /// transaction is known to have failed as a whole.
    pub(crate) async fn execute(&self, sql: &Sql, values: &[Value]) -> Result<u64, StoreError> {
        let mut transaction = retried!(self.begin())?;
        let changed = transaction.conn()?.execute(sql, values).await?;
        transaction.commit().await?;
        Ok(changed)
    }
}

/// Whether PostgreSQL can be reached, and if not, why: the pool itself would only say that it waited in vain.
async fn reach(options: &PgConnectOptions, attempts: u64) -> Result<(), StoreError> {
    let wait = Duration::from_secs(WAIT_SECONDS_MAX);
    for attempt in 1..=attempts {
        match tokio::time::timeout(wait, options.connect()).await {
            Ok(Ok(connection)) => return Ok(connection.close().await?),
            Ok(Err(sqlx::Error::Io(error)))
                if error.kind() == std::io::ErrorKind::ConnectionRefused && attempt < attempts =>
            {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            Ok(Err(error)) => return Err(error.into()),
            Err(_) => break,
        }
    }
    let seconds = wait.as_secs();
    Err(StoreError::Unavailable(format!("{} did not answer within {seconds} seconds", options.get_host())))
}

/// A connection that is lent for reading.
pub(crate) enum Reading {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
}

impl Reading {
    pub(crate) fn conn(&mut self) -> Conn<'_> {
        match self {
            Self::Sqlite(connection) => Conn::Sqlite(connection),
            Self::Postgres(connection) => Conn::Postgres(connection),
        }
    }
}

/// A transaction that only reads.
pub(crate) enum Snapshot {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Postgres(sqlx::Transaction<'static, Postgres>),
}

impl Snapshot {
    pub(crate) fn conn(&mut self) -> Conn<'_> {
        match self {
            Self::Sqlite(transaction) => Conn::Sqlite(transaction),
            Self::Postgres(transaction) => Conn::Postgres(transaction),
        }
    }
}

/// A transaction that writes; dropped, it is rolled back.
pub(crate) enum Transaction {
    Sqlite(SqliteTransaction),
    Postgres(sqlx::Transaction<'static, Postgres>),
}

impl Transaction {
    pub(crate) fn conn(&mut self) -> Result<Conn<'_>, StoreError> {
        Ok(match self {
            Self::Sqlite(transaction) => Conn::Sqlite(transaction.writer()?.connection()?),
            Self::Postgres(transaction) => Conn::Postgres(transaction),
        })
    }

    /// Makes it durable.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(mut transaction) => transaction.writer()?.commit().await,
            Self::Postgres(transaction) => Ok(transaction.commit().await?),
        }
    }
}

/// SQLite's one writer, held by a transaction.
pub(crate) struct SqliteTransaction {
    /// Present until it is dropped.
    writer: Option<OwnedMutexGuard<Writer>>,
}

impl SqliteTransaction {
    fn writer(&mut self) -> Result<&mut Writer, StoreError> {
        self.writer.as_deref_mut().ok_or_else(|| StoreError::Database("the transaction has ended".to_owned()))
    }
}

impl Drop for SqliteTransaction {
    fn drop(&mut self) {
        let Some(mut writer) = self.writer.take().filter(|writer| writer.in_transaction()) else { return };
        // Outside of a runtime the next transaction rolls back before it begins.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { writer.roll_back().await });
        }
    }
}
