//! Queries beside the ledger: what pages, reports and jobs read, and who may sign in.

pub(crate) mod access;
pub(crate) mod accounts;
pub(crate) mod alerts;
pub(crate) mod audit;
pub(crate) mod events;
pub(crate) mod exports;
pub(crate) mod history;
pub(crate) mod instances;
pub(crate) mod jobs;
pub(crate) mod lots;
pub(crate) mod pools;
pub(crate) mod preferences;
pub(crate) mod requests;
pub(crate) mod reservations;
pub(crate) mod tokens;
pub(crate) mod users;

use crate::error::StoreError;
use crate::sql::{Reader, Row, Sql, Value};
use crate::store::Store;

/// A part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// At most so many; `u32::MAX` for all.
    pub limit: u32,
    /// How many come before.
    pub offset: u64,
}

impl Page {
    /// The whole list.
    pub const ALL: Self = Self { limit: u32::MAX, offset: 0 };
}

/// A page of a list, and how long the list is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paged<T> {
    /// The page.
    pub items: Vec<T>,
    /// Of the whole list, at the same moment.
    pub total: u64,
}

/// Reads all rows with `read`.
fn each<T>(
    rows: &[Row],
    read: impl Fn(&mut Reader<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    rows.iter().map(|row| read(&mut row.reader())).collect()
}

impl Store {
    /// A page and its list's length, of one moment. `items` takes limit and offset after the values of `count`.
    async fn page<T>(
        &self,
        items: &Sql,
        count: &Sql,
        mut values: Vec<Value>,
        page: Page,
        read: impl Fn(&mut Reader<'_>) -> Result<T, StoreError>,
    ) -> Result<Paged<T>, StoreError> {
        let mut snapshot = crate::db::retried!(self.db.snapshot())?;
        let mut conn = snapshot.conn();
        let counted = conn.rows(count, &values).await?;
        let total = counted.first().map(|row| row.reader().count()).transpose()?.unwrap_or_default();
        values.push(Value::Int(Some(i64::from(page.limit))));
        values.push(Value::Int(Some(i64::try_from(page.offset).unwrap_or(i64::MAX))));
        let items = each(&conn.rows(items, &values).await?, read)?;
        Ok(Paged { items, total })
    }
}
