//! What can go wrong in the store, by what a caller does about it.

use seatpool_proto::AccountId;
use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;

/// Why the store could not do what it was asked. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process serves this SQLite file.
    #[error(
        "the database is in use by {holder}; stop it first, or give this manager a data directory of its own"
    )]
    InUse {
        /// Who, as far as its lock file tells.
        holder: String,
    },
    /// There is no database, and none was to be made.
    #[error("there is no database at {0}, or it is empty")]
    Missing(String),
    /// The disk is full or fails. Service resumes by itself once it takes writes again.
    #[error("the database's disk is full or fails; free space on it, service then resumes by itself")]
    Full,
    /// The database can't be reached or is too busy; the same call may succeed later.
    #[error("the database can't be reached at present ({0}); it is tried again with the next request")]
    Unavailable(String),
    /// No connection to the database could be had in time. That took its while, so it is not tried again at once.
    #[error(
        "the database can't be reached at present (it accepted no connection within {0} seconds); it is tried again with the next request"
    )]
    TimedOut(u64),
    /// Something that must be unique is there already.
    #[error("there already is {what}")]
    Exists {
        /// What is taken, with its article.
        what: String,
    },
    /// No account has this id.
    #[error("there is no smart account {0}")]
    UnknownAccount(AccountId),
    /// The schema can't be brought to this program's version.
    #[error("{0}")]
    Migration(String),
    /// What is stored is not what this program writes.
    #[error("the database holds something that can't be read: {0}")]
    Corrupt(String),
    /// The database refused a statement: a defect of this program, or a violated constraint.
    #[error("the database refused: {0}")]
    Database(String),
}

impl StoreError {
    /// Whether requests are to be answered with 503 for now: nothing can be stored or read at present.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Full | Self::Unavailable(_) | Self::TimedOut(_))
    }

    /// Whether a new attempt makes sense at once.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// Names what is taken; other errors stay.
    pub(crate) fn taken(self, what: &str) -> Self {
        match self {
            Self::Exists { .. } => Self::Exists { what: what.to_owned() },
            other => other,
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(database) => {
                let message = database.message().to_owned();
                if database.is_unique_violation() {
                    return Self::Exists { what: message };
                }
                let code = database.code().unwrap_or_default();
                if database.try_downcast_ref::<SqliteError>().is_some() {
                    from_sqlite(code.parse().unwrap_or_default(), message)
                } else if let Some(postgres) = database.try_downcast_ref::<PgDatabaseError>() {
                    from_postgres(postgres.code(), message)
                } else {
                    Self::Database(message)
                }
            }
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::RowNotFound => {
                Self::Corrupt(error.to_string())
            }
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolClosed
            | sqlx::Error::BeginFailed
            | sqlx::Error::WorkerCrashed => Self::Unavailable(error.to_string()),
            sqlx::Error::PoolTimedOut => Self::TimedOut(crate::db::CONNECTION_SECONDS_MAX),
            other => Self::Database(other.to_string()),
        }
    }
}

/// By primary result code, the low byte of the extended one (sqlite.org/rescode.html).
fn from_sqlite(code: i32, message: String) -> StoreError {
    const BUSY: i32 = 5;
    const LOCKED: i32 = 6;
    const READONLY: i32 = 8;
    const IOERR: i32 = 10;
    const CORRUPT: i32 = 11;
    const FULL: i32 = 13;
    const CANTOPEN: i32 = 14;
    const NOTADB: i32 = 26;
    match code & 0xff {
        FULL | IOERR => StoreError::Full,
        BUSY | LOCKED | READONLY | CANTOPEN => StoreError::Unavailable(message),
        CORRUPT | NOTADB => StoreError::Corrupt(message),
        _ => StoreError::Database(message),
    }
}

/// By SQLSTATE (PostgreSQL documentation, appendix A).
fn from_postgres(code: &str, message: String) -> StoreError {
    match code {
        // disk_full, io_error
        "53100" | "58030" => StoreError::Full,
        // serialization_failure, deadlock_detected, lock_not_available, read_only_sql_transaction (a standby)
        "40001" | "40P01" | "55P03" | "25006" => StoreError::Unavailable(message),
        // connection exceptions, insufficient resources, operator intervention (a shutdown)
        _ if ["08", "53", "57"].iter().any(|class| code.starts_with(class)) => {
            StoreError::Unavailable(message)
        }
        // data_corrupted, index_corrupted
        "XX001" | "XX002" => StoreError::Corrupt(message),
        _ => StoreError::Database(message),
    }
}
