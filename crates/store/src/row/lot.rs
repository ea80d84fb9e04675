//! Lots and their history.

use seatpool_domain::{Lot, LotTransaction};
use seatpool_proto::Term;

use crate::error::StoreError;
use crate::grid::Grid;
use crate::sql::{Reader, json, word};
use crate::table::{Stored, Table, table};

table! {
    lot_columns, LOTS = "lots", key 1, false:
    id Text, virtual_account Text, tag Text, quantity Int, reserved Int, moved_out Int, kind Text,
    starts_at Int, ends_at Int, subscription_id Text, order_id Text, origin Text, created_at Int, declaration Text,
}

impl Stored for Lot {
    fn table() -> &'static Table {
        &LOTS
    }

    fn write(&self, grid: &mut Grid) {
        grid.text(self.id)
            .text(self.virtual_account)
            .text(&self.tag)
            .quantity(self.quantity)
            .quantity(self.reserved)
            .quantity(self.moved_out)
            .text(self.kind.as_str())
            .time(self.term.starts_at)
            .maybe_time(self.term.ends_at)
            .maybe_text(self.subscription_id.as_ref())
            .text(&self.order_id)
            .maybe_text(self.origin)
            .time(self.created_at)
            .maybe_text(self.declaration.as_ref().map(json));
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: reader.parsed()?,
            virtual_account: reader.parsed()?,
            tag: reader.parsed()?,
            quantity: reader.quantity()?,
            reserved: reader.quantity()?,
            moved_out: reader.quantity()?,
            kind: reader.word()?,
            term: Term { starts_at: reader.time()?, ends_at: reader.maybe_time()? },
            subscription_id: reader.maybe_text()?,
            order_id: reader.text()?,
            origin: reader.maybe_parsed()?,
            created_at: reader.time()?,
            declaration: reader.maybe_json()?,
        })
    }
}

table! {
    transaction_columns, TRANSACTIONS = "lot_transactions", key 1, true:
    number Int, at Int, lot Text, virtual_account Text, tag Text, kind Text, quantity Int,
    counterpart Text, order_id Text, done_by Text, value_before Text, value_after Text, note Text,
    asked Text,
}

impl Stored for LotTransaction {
    fn table() -> &'static Table {
        &TRANSACTIONS
    }

    fn write(&self, grid: &mut Grid) {
        grid.count(self.number)
            .time(self.at)
            .text(self.lot)
            .text(self.virtual_account)
            .text(&self.tag)
            .text(word(&self.kind))
            .quantity(self.quantity)
            .maybe_text(self.counterpart)
            .maybe_text(self.order_id.as_ref())
            .text(&self.by)
            .maybe_text(self.before.as_ref())
            .maybe_text(self.after.as_ref())
            .maybe_text(self.note.as_ref())
            .maybe_text(self.asked.as_ref().map(json));
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            number: reader.count()?,
            at: reader.time()?,
            lot: reader.parsed()?,
            virtual_account: reader.parsed()?,
            tag: reader.parsed()?,
            kind: reader.word()?,
            quantity: reader.quantity()?,
            counterpart: reader.maybe_parsed()?,
            order_id: reader.maybe_text()?,
            by: reader.text()?,
            before: reader.maybe_text()?,
            after: reader.maybe_text()?,
            note: reader.maybe_text()?,
            asked: reader.maybe_json()?,
        })
    }
}
