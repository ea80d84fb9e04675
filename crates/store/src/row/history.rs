//! The usage history: an hour's row takes in what comes later in the hour.

use std::sync::OnceLock;

use seatpool_domain::history::UsageSpan;

use crate::error::StoreError;
use crate::grid::Grid;
use crate::sql::{Reader, Sql, word};
use crate::table::{Stored, Table, table};

table! {
    history_columns, USAGE_HISTORY = "usage_history", key 4, false:
    virtual_account Text, tag Text, starts_at Int, span Text, in_use_high Int, in_use Int, short_high Int,
    short Int, owned Int,
}

impl Stored for UsageSpan {
    fn table() -> &'static Table {
        &USAGE_HISTORY
    }

    fn write(&self, grid: &mut Grid) {
        grid.text(self.virtual_account)
            .text(&self.tag)
            .time(self.starts_at)
            .text(word(&self.span))
            .quantity(self.in_use_high)
            .quantity(self.in_use)
            .quantity(self.short_high)
            .quantity(self.short)
            .quantity(self.owned);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            virtual_account: reader.parsed()?,
            tag: reader.parsed()?,
            starts_at: reader.time()?,
            span: reader.word()?,
            in_use_high: reader.quantity()?,
            in_use: reader.quantity()?,
            short_high: reader.quantity()?,
            short: reader.quantity()?,
            owned: reader.quantity()?,
        })
    }
}

/// Adds rows; of those that are there it keeps the highest and takes the rest, as [`UsageSpan::go_on`] does.
pub(crate) fn go_on() -> &'static Sql {
    static SQL: OnceLock<Sql> = OnceLock::new();
    SQL.get_or_init(|| {
        let highest = |name: &str| {
            format!(
                "{name} = CASE WHEN excluded.{name} > usage_history.{name} THEN excluded.{name} \
                 ELSE usage_history.{name} END"
            )
        };
        let last = |name: &str| format!("{name} = excluded.{name}");
        let set =
            [highest("in_use_high"), last("in_use"), highest("short_high"), last("short"), last("owned")];
        USAGE_HISTORY.upsert_with(&set)
    })
}
