//! The SQLite file: who may open it, how it is opened, and its one writing connection.

use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection, SqlitePool};
use tokio::sync::Mutex;

use crate::db::{CONNECTION_SECONDS_MAX, Db, WAIT_SECONDS_MAX};
use crate::error::StoreError;

/// Only the owner reads and writes the database and what belongs to it.
const FILE_MODE: u32 = 0o600;
/// The writer's page cache, in KiB (negative: not pages); readers share the operating system's.
const WRITER_CACHE: &str = "-32768";
/// How large the write-ahead log stays on disk after a checkpoint, in bytes.
const WAL_BYTES_KEPT: &str = "67108864";

/// The path in `sqlite:/path` or `sqlite:///path`; nothing if it is another kind of URL.
pub(crate) fn path_of(url: &str) -> Option<PathBuf> {
    let path = url.strip_prefix("sqlite:")?;
    Some(PathBuf::from(path.strip_prefix("//").unwrap_or(path)))
}

/// Opens the file; one that is not there or empty is made if `create`, and refused otherwise.
pub(crate) async fn open(path: &Path, connections: u32, create: bool) -> Result<Db, StoreError> {
    if !create && is_missing(path) {
        return Err(StoreError::Missing(path.display().to_string()));
    }
    let in_vain = |error: std::io::Error| {
        if matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded) {
            StoreError::Full
        } else {
            StoreError::Database(format!("{} can't be opened: {error}", path.display()))
        }
    };
    let lock = Lock::take(path).map_err(|refusal| match refusal {
        Refusal::Held(holder) => StoreError::InUse { holder },
        Refusal::Failed(error) => in_vain(error),
    })?;
    // SQLite gives -wal and -shm the mode of the database (sqlite.org/src, os_unix.c, findCreateFileMode).
    private(path, true).map_err(in_vain)?;
    let options = options(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .pragma("journal_size_limit", WAL_BYTES_KEPT);
    let writer = Writer::connect(options.clone().pragma("cache_size", WRITER_CACHE)).await?;
    let readers = readers(options, connections).await?;
    Ok(Db::Sqlite { writer: Arc::new(Mutex::new(writer)), readers, _lock: Some(Arc::new(lock)) })
}

/// Opens the file to look at it. A manager may serve it meanwhile: in the write-ahead log's mode readers and the
/// writer don't keep each other waiting (sqlite.org/wal.html), and a reader takes no lock but SQLite's own.
pub(crate) async fn open_reading(path: &Path, connections: u32) -> Result<Db, StoreError> {
    if is_missing(path) {
        return Err(StoreError::Missing(path.display().to_string()));
    }
    let options = options(path).read_only(true);
    let writer = Arc::new(Mutex::new(Writer::closed(options.clone())));
    Ok(Db::Sqlite { writer, readers: readers(options, connections).await?, _lock: None })
}

/// What all connections to the file have in common.
fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .busy_timeout(Duration::from_secs(WAIT_SECONDS_MAX))
        .pragma("trusted_schema", "OFF")
        .disable_statement_logging()
}

/// Connections that only read.
async fn readers(options: SqliteConnectOptions, connections: u32) -> Result<SqlitePool, StoreError> {
    Ok(SqlitePoolOptions::new()
        .max_connections(connections.max(1))
        .acquire_timeout(Duration::from_secs(CONNECTION_SECONDS_MAX))
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_with(options.pragma("query_only", "ON"))
        .await?)
}

/// Whether nothing was ever stored there. What can't be looked at is told when it is opened.
fn is_missing(path: &Path) -> bool {
    match std::fs::metadata(path) {
        Ok(found) => found.len() == 0,
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}

/// Opens or creates a file that only its owner can read; a file made now survives a crash.
fn private(path: &Path, durable: bool) -> std::io::Result<File> {
    let is_new = !path.exists();
    let file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(FILE_MODE).open(path)?;
    file.set_permissions(Permissions::from_mode(FILE_MODE))?;
    if is_new && durable {
        file.sync_all()?;
        if let Some(folder) = path.parent() {
            File::open(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })?.sync_all()?;
        }
    }
    Ok(file)
}

/// The advisory lock on `<file>.lock`, which names its holder. The operating system gives it back when the
/// process ends, however it ends.
pub(crate) struct Lock {
    _file: File,
}

enum Refusal {
    Held(String),
    Failed(std::io::Error),
}

impl Lock {
    fn take(database: &Path) -> Result<Self, Refusal> {
        let mut name = database.as_os_str().to_owned();
        name.push(".lock");
        let mut file = private(Path::new(&name), false).map_err(Refusal::Failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                let holder = holder.trim();
                return Err(Refusal::Held(if holder.is_empty() {
                    "another process".to_owned()
                } else {
                    format!("process {holder}")
                }));
            }
            Err(TryLockError::Error(error)) => return Err(Refusal::Failed(error)),
        }
        file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(Refusal::Failed)?;
        Ok(Self { _file: file })
    }
}

/// The one connection that writes. Its transactions are begun and ended here and not by sqlx, whose count of
/// open transactions goes wrong where SQLite rolls back by itself, as on a full disk.
pub(crate) struct Writer {
    options: SqliteConnectOptions,
    connection: Option<SqliteConnection>,
    in_transaction: bool,
    is_closed: bool,
}

impl Writer {
    async fn connect(options: SqliteConnectOptions) -> Result<Self, StoreError> {
        let connection = options.connect().await?;
        Ok(Self { options, connection: Some(connection), in_transaction: false, is_closed: false })
    }

    /// One that never writes.
    fn closed(options: SqliteConnectOptions) -> Self {
        Self { options, connection: None, in_transaction: false, is_closed: true }
    }

    /// Writes the log back and closes the connection for good; the last one to close removes the log.
    pub(crate) async fn close(&mut self) -> Result<(), StoreError> {
        if self.in_transaction {
            self.roll_back().await;
        }
        self.is_closed = true;
        let Some(mut connection) = self.connection.take() else { return Ok(()) };
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await?;
        Ok(connection.close().await?)
    }

    pub(crate) fn in_transaction(&self) -> bool {
        self.in_transaction
    }

    /// The connection of a transaction.
    pub(crate) fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        self.connection.as_mut().ok_or_else(|| StoreError::Unavailable("the connection was lost".to_owned()))
    }

    /// Begins a transaction that holds SQLite's write lock from its start. Opens the connection anew if it was lost.
    pub(crate) async fn begin(&mut self) -> Result<(), StoreError> {
        if self.in_transaction {
            self.roll_back().await;
        }
        if self.is_closed {
            return Err(StoreError::Unavailable(
                "the database was closed, or opened for reading only".to_owned(),
            ));
        }
        if self.connection.is_none() {
            self.connection = Some(self.options.connect().await?);
        }
        self.in_transaction = true;
        let begun = sqlx::query("BEGIN IMMEDIATE").execute(self.connection()?).await;
        if begun.is_err() {
            self.roll_back().await;
        }
        Ok(begun.map(|_| ())?)
    }

    /// Commits. If that fails, the transaction is rolled back.
    pub(crate) async fn commit(&mut self) -> Result<(), StoreError> {
        let committed = sqlx::query("COMMIT").execute(self.connection()?).await;
        if committed.is_err() {
            self.roll_back().await;
        } else {
            self.in_transaction = false;
        }
        Ok(committed.map(|_| ())?)
    }

    /// Rolls back. SQLite may have done so already, and then says that there is no transaction: no error here.
    pub(crate) async fn roll_back(&mut self) {
        if let Some(connection) = &mut self.connection {
            match sqlx::query("ROLLBACK").execute(connection).await {
                Ok(_) | Err(sqlx::Error::Database(_)) => {}
                Err(_) => self.connection = None,
            }
        }
        self.in_transaction = false;
    }
}
