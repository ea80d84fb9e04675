//! One way to run a statement on either engine: its two texts, the values it takes, the rows it gives.

use core::str::FromStr;
use std::time::Instant;

use jiff::Timestamp;
use seatpool_proto::{Quantity, Sha256};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{PgConnection, Postgres, Row as _, Sqlite, SqliteConnection};

use crate::error::StoreError;
use crate::grid::{Array, Grid};

/// A statement's text on each engine. Placeholders are `$1`, `$2`, … on both.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sql {
    pub(crate) sqlite: &'static str,
    pub(crate) postgres: &'static str,
}

impl Sql {
    /// A text that both engines understand.
    pub(crate) const fn both(text: &'static str) -> Self {
        Self { sqlite: text, postgres: text }
    }
}

/// Declares statements, and `ALL`, which lists them: each is prepared on both engines by a test.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)*) => {
        $($(#[$doc])* const $name: crate::sql::Sql = $sql;)*
        /// Every statement of this module.
        #[cfg(feature = "testing")]
        pub(crate) const ALL: &[crate::sql::Sql] = &[$($name),*];
    };
}
pub(crate) use statements;

/// A value for a placeholder.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Text(Option<String>),
    Int(Option<i64>),
    Flag(bool),
    /// SQLite: a JSON array, for `json_each`; PostgreSQL: `text[]`.
    Set(Option<Vec<String>>),
    /// SQLite: one JSON array of rows, for `json_each`; PostgreSQL: one array per column, for `UNNEST`.
    Grid(Grid),
}

impl Value {
    /// An id, name or other text.
    pub(crate) fn text(text: impl ToString) -> Self {
        Self::Text(Some(storable(text.to_string())))
    }

    /// A text that may be absent.
    pub(crate) fn maybe(text: Option<impl ToString>) -> Self {
        Self::Text(text.map(|text| storable(text.to_string())))
    }

    /// An instant, in microseconds.
    pub(crate) fn time(at: Timestamp) -> Self {
        Self::Int(Some(at.as_microsecond()))
    }

    /// A set of ids or names.
    pub(crate) fn set(items: impl IntoIterator<Item = impl ToString>) -> Self {
        Self::Set(Some(items.into_iter().map(|item| storable(item.to_string())).collect()))
    }
}

/// PostgreSQL's `text` can't hold NUL, which no name has a use for: it becomes U+FFFD on both engines, so that
/// one sender's NUL can't fail the others' commits.
pub(crate) fn storable(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

/// From how long on a statement is worth a line in the log, for whoever looks for what is slow.
const SLOW_MILLISECONDS: u128 = 5;

/// A connection that is borrowed for some statements.
pub(crate) enum Conn<'a> {
    Sqlite(&'a mut SqliteConnection),
    Postgres(&'a mut PgConnection),
}

impl Conn<'_> {
    /// Whether the engine is PostgreSQL.
    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Runs a text of several statements, without values.
    pub(crate) async fn script(&mut self, sql: &Sql) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(connection) => {
                sqlx::raw_sql(sql.sqlite).execute(&mut **connection).await.map(|_| ())
            }
            Self::Postgres(connection) => {
                sqlx::raw_sql(sql.postgres).execute(&mut **connection).await.map(|_| ())
            }
        }?;
        Ok(())
    }

    /// All rows that the statement gives. A slow one is on the log's level `debug`, without its values.
    #[expect(clippy::disallowed_methods, reason = "how long it took goes into the log, and into no decision")]
    pub(crate) async fn rows(&mut self, sql: &Sql, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        let began = Instant::now();
        let rows = self.fetched(sql, values).await?;
        let milliseconds = began.elapsed().as_millis();
        if milliseconds >= SLOW_MILLISECONDS {
            let statement = if self.is_postgres() { sql.postgres } else { sql.sqlite };
            tracing::debug!(milliseconds, rows = rows.len(), statement, "a slow statement");
        }
        Ok(rows)
    }

    async fn fetched(&mut self, sql: &Sql, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        Ok(match self {
            Self::Sqlite(connection) => sqlite_query(sql, values)
                .fetch_all(&mut **connection)
                .await?
                .into_iter()
                .map(Row::Sqlite)
                .collect(),
            Self::Postgres(connection) => postgres_query(sql, values)
                .fetch_all(&mut **connection)
                .await?
                .into_iter()
                .map(Row::Postgres)
                .collect(),
        })
    }

    /// Runs the statement; how many rows it changed.
    pub(crate) async fn execute(&mut self, sql: &Sql, values: &[Value]) -> Result<u64, StoreError> {
        Ok(match self {
            Self::Sqlite(connection) => {
                sqlite_query(sql, values).execute(&mut **connection).await?.rows_affected()
            }
            Self::Postgres(connection) => {
                postgres_query(sql, values).execute(&mut **connection).await?.rows_affected()
            }
        })
    }
}

type SqliteQuery<'q> = sqlx::query::Query<'q, Sqlite, sqlx::sqlite::SqliteArguments>;
type PostgresQuery<'q> = sqlx::query::Query<'q, Postgres, sqlx::postgres::PgArguments>;

fn sqlite_query<'q>(sql: &Sql, values: &'q [Value]) -> SqliteQuery<'q> {
    values.iter().fold(sqlx::query(sql.sqlite), |query, value| match value {
        Value::Text(text) => query.bind(text.as_deref()),
        Value::Int(int) => query.bind(*int),
        Value::Flag(flag) => query.bind(*flag),
        Value::Set(set) => {
            query.bind(set.as_ref().map(|set| serde_json::Value::from(set.as_slice()).to_string()))
        }
        Value::Grid(grid) => query.bind(grid.to_json()),
    })
}

fn postgres_query<'q>(sql: &Sql, values: &'q [Value]) -> PostgresQuery<'q> {
    values.iter().fold(sqlx::query(sql.postgres), |query, value| match value {
        Value::Text(text) => query.bind(text.as_deref()),
        Value::Int(int) => query.bind(*int),
        Value::Flag(flag) => query.bind(*flag),
        Value::Set(set) => query.bind(set.as_deref()),
        Value::Grid(grid) => grid.arrays().iter().fold(query, |query, array| match array {
            Array::Text(items) => query.bind(items.as_slice()),
            Array::Int(items) => query.bind(items.as_slice()),
            Array::Flag(items) => query.bind(items.as_slice()),
        }),
    })
}

/// A row of either engine.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    /// Reads its columns from the first on.
    pub(crate) fn reader(&self) -> Reader<'_> {
        Reader { row: self, next: 0 }
    }

    /// Reads its columns from this one on.
    #[cfg(feature = "testing")]
    pub(crate) fn reader_from(&self, next: usize) -> Reader<'_> {
        Reader { row: self, next }
    }
}

/// Reads a row's columns in the order of the statement's list.
pub(crate) struct Reader<'r> {
    row: &'r Row,
    next: usize,
}

macro_rules! read {
    ($(#[$doc:meta] $name:ident -> $type:ty;)*) => {$(
        #[$doc]
        pub(crate) fn $name(&mut self) -> Result<$type, StoreError> {
            let index = self.next;
            self.next += 1;
            Ok(match self.row {
                Row::Sqlite(row) => row.try_get(index)?,
                Row::Postgres(row) => row.try_get(index)?,
            })
        }
    )*};
}

impl Reader<'_> {
    read! {
        /// A text.
        text -> String;
        /// A text that may be absent.
        maybe_text -> Option<String>;
        /// A number.
        int -> i64;
        /// A number that may be absent.
        maybe_int -> Option<i64>;
        /// A truth value.
        flag -> bool;
    }

    /// An id, tag or digest, from its text.
    pub(crate) fn parsed<T: FromStr<Err: core::fmt::Display>>(&mut self) -> Result<T, StoreError> {
        let text = self.text()?;
        parse(&text)
    }

    /// An id, tag or digest that may be absent.
    pub(crate) fn maybe_parsed<T: FromStr<Err: core::fmt::Display>>(
        &mut self,
    ) -> Result<Option<T>, StoreError> {
        self.maybe_text()?.as_deref().map(parse).transpose()
    }

    /// A SHA-256 digest that may be absent.
    pub(crate) fn maybe_hash(&mut self) -> Result<Option<Sha256>, StoreError> {
        self.maybe_parsed()
    }

    /// An instant.
    pub(crate) fn time(&mut self) -> Result<Timestamp, StoreError> {
        instant(self.int()?)
    }

    /// An instant that may be absent.
    pub(crate) fn maybe_time(&mut self) -> Result<Option<Timestamp>, StoreError> {
        self.maybe_int()?.map(instant).transpose()
    }

    /// A count.
    pub(crate) fn count<T: TryFrom<i64>>(&mut self) -> Result<T, StoreError> {
        let int = self.int()?;
        T::try_from(int).map_err(|_| StoreError::Corrupt(format!("{int} is not a count")))
    }

    /// A count that may be absent.
    pub(crate) fn maybe_count<T: TryFrom<i64>>(&mut self) -> Result<Option<T>, StoreError> {
        let Some(int) = self.maybe_int()? else { return Ok(None) };
        T::try_from(int).map(Some).map_err(|_| StoreError::Corrupt(format!("{int} is not a count")))
    }

    /// A quantity of licences.
    pub(crate) fn quantity(&mut self) -> Result<Quantity, StoreError> {
        Ok(Quantity::of(self.count()?))
    }

    /// A nested value, from its JSON.
    pub(crate) fn json<T: DeserializeOwned>(&mut self) -> Result<T, StoreError> {
        let text = self.text()?;
        from_json(&text)
    }

    /// A nested value that may be absent.
    pub(crate) fn maybe_json<T: DeserializeOwned>(&mut self) -> Result<Option<T>, StoreError> {
        self.maybe_text()?.as_deref().map(from_json).transpose()
    }

    /// A unit variant, from the word that serde writes for it.
    pub(crate) fn word<T: DeserializeOwned>(&mut self) -> Result<T, StoreError> {
        let text = self.text()?;
        from_word(text)
    }

    /// A unit variant that may be absent.
    pub(crate) fn maybe_word<T: DeserializeOwned>(&mut self) -> Result<Option<T>, StoreError> {
        self.maybe_text()?.map(from_word).transpose()
    }
}

fn parse<T: FromStr<Err: core::fmt::Display>>(text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|error| StoreError::Corrupt(format!("{text:?}: {error}")))
}

fn instant(microseconds: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(microseconds)
        .map_err(|_| StoreError::Corrupt(format!("{microseconds} is not an instant")))
}

fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Corrupt(error.to_string()))
}

fn from_word<T: DeserializeOwned>(text: String) -> Result<T, StoreError> {
    serde_json::from_value(serde_json::Value::String(text))
        .map_err(|error| StoreError::Corrupt(error.to_string()))
}

/// The word that serde writes for a unit variant.
pub(crate) fn word(variant: &impl Serialize) -> String {
    match serde_json::to_value(variant) {
        Ok(serde_json::Value::String(word)) => word,
        // Not reachable for the unit variants that this is used for; the column's CHECK would refuse it.
        _ => String::new(),
    }
}

/// A nested value as JSON.
pub(crate) fn json(value: &impl Serialize) -> String {
    // These types hold only strings, numbers and lists: writing them can't fail.
    serde_json::to_string(value).unwrap_or_default()
}

/// A count as SQL holds it; what is beyond `i64` (no sum of real reports) is held at its limit.
pub(crate) fn count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
