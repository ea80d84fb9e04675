//! Tables whose rows belong to an account: their columns, and the set-based statements that write them.
//!
//! A table's columns stand once, in the [`table!`] beside the row's type; the lists of its SELECTs and the
//! statements that write it are made from there.

use std::sync::OnceLock;

use seatpool_domain::{Change, Rows};
use seatpool_proto::{AccountId, LotId, ProductInstanceId, Tag, TokenId, VirtualAccountId};

use crate::error::StoreError;
use crate::grid::{Grid, Kind};
use crate::sql::{Conn, Reader, Row, Sql, Value};

/// A table whose primary key is `account_id` and then its first columns.
pub(crate) struct Table {
    name: &'static str,
    key: usize,
    append_only: bool,
    columns: &'static [(&'static str, Kind)],
    upsert: OnceLock<Sql>,
    delete: OnceLock<Sql>,
}

/// Declares a table: `list` becomes a macro that gives its columns for a SELECT.
macro_rules! table {
    (
        $list:ident, $table:ident = $name:literal, key $key:literal, $append_only:literal:
        $first:ident $first_kind:ident $(, $rest:ident $rest_kind:ident)* $(,)?
    ) => {
        macro_rules! $list {
            () => { concat!(stringify!($first) $(, ", ", stringify!($rest))*) };
        }
        pub(crate) use $list;

        pub(crate) static $table: crate::table::Table = crate::table::Table::new(
            $name,
            $key,
            $append_only,
            &[
                (stringify!($first), crate::grid::Kind::$first_kind)
                $(, (stringify!($rest), crate::grid::Kind::$rest_kind))*
            ],
        );
    };
}
pub(crate) use table;

/// A row of an account's table.
pub(crate) trait Stored: Sized {
    /// Where it is kept.
    fn table() -> &'static Table;
    /// Its cells, in the order of the table's columns.
    fn write(&self, grid: &mut Grid);
    /// Reads it from the table's columns.
    fn read(reader: &mut Reader<'_>) -> Result<Self, StoreError>;
}

/// Reads all rows.
pub(crate) fn read_all<T: Stored>(rows: &[Row]) -> Result<Vec<T>, StoreError> {
    rows.iter().map(|row| T::read(&mut row.reader())).collect()
}

/// A key beside `account_id`.
pub(crate) trait Key {
    /// Its cells, in the order of the table's first columns.
    fn write(&self, grid: &mut Grid);
}

macro_rules! keys {
    ($($id:ident),*) => {$(
        impl Key for $id {
            fn write(&self, grid: &mut Grid) {
                grid.text(self);
            }
        }
    )*};
}
keys!(VirtualAccountId, TokenId, LotId, ProductInstanceId, String);

impl<A: ToString, B: ToString> Key for (A, B)
where
    (A, B): PairKey,
{
    fn write(&self, grid: &mut Grid) {
        grid.text(self.0.to_string()).text(self.1.to_string());
    }
}

/// The pairs that are keys.
pub(crate) trait PairKey {}
impl PairKey for (VirtualAccountId, Tag) {}
impl PairKey for (ProductInstanceId, Tag) {}

impl Table {
    pub(crate) const fn new(
        name: &'static str,
        key: usize,
        append_only: bool,
        columns: &'static [(&'static str, Kind)],
    ) -> Self {
        Self { name, key, append_only, columns, upsert: OnceLock::new(), delete: OnceLock::new() }
    }

    /// Adds the rows of a grid (`$2`) to account `$1`, and unless the table only grows, replaces those that are there.
    pub(crate) fn upsert(&self) -> &Sql {
        self.upsert.get_or_init(|| {
            if self.append_only {
                return self.insert_with("");
            }
            let rest = self.columns.get(self.key..).unwrap_or_default();
            self.upsert_setting(&rest.iter().map(|(name, _)| *name).collect::<Vec<_>>())
        })
    }

    /// The same, but of the rows that are there it sets these columns alone, and so leaves all indexes alone that
    /// hold none of them.
    pub(crate) fn upsert_setting(&self, columns: &[&str]) -> Sql {
        let set: Vec<String> = columns.iter().map(|name| format!("{name} = excluded.{name}")).collect();
        self.upsert_with(&set)
    }

    /// The same with these assignments.
    pub(crate) fn upsert_with(&self, set: &[String]) -> Sql {
        let key: Vec<&str> = self.columns.iter().take(self.key).map(|(name, _)| *name).collect();
        self.insert_with(&format!(
            " ON CONFLICT (account_id, {}) DO UPDATE SET {}",
            key.join(", "),
            set.join(", ")
        ))
    }

    fn insert_with(&self, on_conflict: &str) -> Sql {
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| *name).collect();
        let head = format!("INSERT INTO {} (account_id, {})", self.name, names.join(", "));
        let (sqlite_cells, postgres_arrays) = cells(self.columns);
        kept(
            // Without WHERE, SQLite takes ON for the start of a join's condition (lang_upsert.html).
            format!("{head} SELECT $1, {sqlite_cells} FROM json_each($2) WHERE TRUE{on_conflict}"),
            format!("{head} SELECT $1::text, * FROM UNNEST({postgres_arrays}){on_conflict}"),
        )
    }

    /// Removes the rows with the keys of a grid (`$2`) from account `$1`.
    pub(crate) fn delete(&self) -> &Sql {
        self.delete.get_or_init(|| {
            let key = self.columns.get(..self.key).unwrap_or_default();
            let names: Vec<&str> = key.iter().map(|(name, _)| *name).collect();
            let head =
                format!("DELETE FROM {} WHERE account_id = $1 AND ({}) IN ", self.name, names.join(", "));
            let (sqlite_cells, postgres_arrays) = cells(key);
            kept(
                format!("{head}(SELECT {sqlite_cells} FROM json_each($2))"),
                format!("{head}(SELECT * FROM UNNEST({postgres_arrays}))"),
            )
        })
    }

    fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.columns.iter().map(|(_, kind)| *kind)
    }
}

/// How each engine takes a grid apart: SQLite's cells of a JSON row, PostgreSQL's arrays from `$2` on.
fn cells(columns: &[(&'static str, Kind)]) -> (String, String) {
    let sqlite: Vec<String> = (0..columns.len()).map(|index| format!("value->>{index}")).collect();
    let postgres: Vec<String> = columns
        .iter()
        .enumerate()
        .map(|(index, (_, kind))| {
            let array = match kind {
                Kind::Text => "text[]",
                Kind::Int => "bigint[]",
                Kind::Flag => "boolean[]",
            };
            format!("${}::{array}", index + 2)
        })
        .collect();
    (sqlite.join(", "), postgres.join(", "))
}

/// Made once for each table of the program, so kept for good.
fn kept(sqlite: String, postgres: String) -> Sql {
    Sql { sqlite: sqlite.leak(), postgres: postgres.leak() }
}

/// Adds or replaces rows in the order given.
pub(crate) async fn put<'t, T: Stored + 't>(
    conn: &mut Conn<'_>,
    account: AccountId,
    rows: impl Iterator<Item = &'t T>,
) -> Result<(), StoreError> {
    put_by(T::table().upsert(), conn, account, rows).await
}

/// Adds or replaces rows by this statement, which takes all columns.
pub(crate) async fn put_by<'t, T: Stored + 't>(
    sql: &Sql,
    conn: &mut Conn<'_>,
    account: AccountId,
    rows: impl Iterator<Item = &'t T>,
) -> Result<(), StoreError> {
    let mut grid = Grid::new(T::table().kinds());
    for row in rows {
        grid.begin_row();
        row.write(&mut grid);
    }
    if !grid.is_empty() {
        conn.execute(sql, &[Value::text(account), Value::Grid(grid)]).await?;
    }
    Ok(())
}

/// Removes what was deleted from a workset.
pub(crate) async fn remove_deleted<K: Key + Ord + Clone, T: Stored>(
    conn: &mut Conn<'_>,
    account: AccountId,
    rows: &Rows<K, T>,
) -> Result<(), StoreError> {
    let mut grid = Grid::new(T::table().kinds().take(T::table().key));
    for (key, change, _) in rows.changes() {
        if change == Change::Deleted {
            grid.begin_row();
            key.write(&mut grid);
        }
    }
    if !grid.is_empty() {
        conn.execute(T::table().delete(), &[Value::text(account), Value::Grid(grid)]).await?;
    }
    Ok(())
}

/// What was inserted or updated in a workset.
pub(crate) fn changed<K: Ord + Clone, T>(rows: &Rows<K, T>) -> impl Iterator<Item = &T> {
    rows.changes().filter_map(|(_, _, row)| row)
}
