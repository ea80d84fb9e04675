//! Rows on their way into the database, column by column.

use jiff::Timestamp;
use seatpool_proto::Quantity;

use crate::sql::{count, storable};

/// One column's values.
#[derive(Clone, Debug)]
pub(crate) enum Array {
    Text(Vec<Option<String>>),
    Int(Vec<Option<i64>>),
    Flag(Vec<Option<bool>>),
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Int,
    Flag,
}

/// Several rows of the same columns.
#[derive(Clone, Debug)]
pub(crate) struct Grid {
    arrays: Vec<Array>,
    rows: usize,
    next: usize,
}

impl Grid {
    /// No rows, of these columns.
    pub(crate) fn new(kinds: impl IntoIterator<Item = Kind>) -> Self {
        let arrays = kinds
            .into_iter()
            .map(|kind| match kind {
                Kind::Text => Array::Text(Vec::new()),
                Kind::Int => Array::Int(Vec::new()),
                Kind::Flag => Array::Flag(Vec::new()),
            })
            .collect();
        Self { arrays, rows: 0, next: 0 }
    }

    /// Whether there are no rows.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The columns.
    pub(crate) fn arrays(&self) -> &[Array] {
        &self.arrays
    }

    /// Begins a row; its cells follow in the order of the columns.
    pub(crate) fn begin_row(&mut self) {
        debug_assert!(self.next == 0 || self.next == self.arrays.len(), "a row has as many cells as columns");
        self.rows += 1;
        self.next = 0;
    }

    fn push(&mut self, text: Option<String>, int: Option<i64>, flag: Option<bool>) -> &mut Self {
        match self.arrays.get_mut(self.next) {
            Some(Array::Text(items)) => items.push(text),
            Some(Array::Int(items)) => items.push(int),
            Some(Array::Flag(items)) => items.push(flag),
            None => debug_assert!(false, "more cells than columns"),
        }
        self.next += 1;
        self
    }

    /// A text.
    pub(crate) fn text(&mut self, text: impl ToString) -> &mut Self {
        self.push(Some(storable(text.to_string())), None, None)
    }

    /// A text that may be absent.
    pub(crate) fn maybe_text(&mut self, text: Option<impl ToString>) -> &mut Self {
        self.push(text.map(|text| storable(text.to_string())), None, None)
    }

    /// A count.
    pub(crate) fn count(&mut self, figure: impl Into<u64>) -> &mut Self {
        self.push(None, Some(count(figure.into())), None)
    }

    /// A count that may be absent.
    pub(crate) fn maybe_count(&mut self, figure: Option<impl Into<u64>>) -> &mut Self {
        self.push(None, figure.map(|figure| count(figure.into())), None)
    }

    /// A quantity of licences.
    pub(crate) fn quantity(&mut self, quantity: Quantity) -> &mut Self {
        self.count(quantity.count())
    }

    /// An instant.
    pub(crate) fn time(&mut self, at: Timestamp) -> &mut Self {
        self.push(None, Some(at.as_microsecond()), None)
    }

    /// An instant that may be absent.
    pub(crate) fn maybe_time(&mut self, at: Option<Timestamp>) -> &mut Self {
        self.push(None, at.map(Timestamp::as_microsecond), None)
    }

    /// A truth value.
    pub(crate) fn flag(&mut self, flag: bool) -> &mut Self {
        self.push(None, None, Some(flag))
    }

    /// A JSON array of rows, each an array of cells.
    pub(crate) fn to_json(&self) -> String {
        let rows: Vec<serde_json::Value> = (0..self.rows)
            .map(|row| {
                self.arrays
                    .iter()
                    .map(|array| match array {
                        Array::Text(items) => items.get(row).cloned().flatten().into(),
                        Array::Int(items) => items.get(row).copied().flatten().into(),
                        Array::Flag(items) => items.get(row).copied().flatten().into(),
                    })
                    .collect::<Vec<serde_json::Value>>()
                    .into()
            })
            .collect();
        serde_json::Value::Array(rows).to_string()
    }
}
