//! Which alerts people dismissed.

use seatpool_domain::alert::Dismissal;

use crate::error::StoreError;
use crate::grid::Grid;
use crate::sql::Reader;
use crate::table::{Stored, Table, table};

table! {
    dismissal_columns, DISMISSALS = "alert_dismissals", key 1, false:
    key Text, virtual_account Text, fingerprint Text, dismissed_at Int, dismissed_by Text,
}

impl Stored for Dismissal {
    fn table() -> &'static Table {
        &DISMISSALS
    }

    fn write(&self, grid: &mut Grid) {
        grid.text(&self.key).text(self.virtual_account).text(&self.fingerprint).time(self.at).text(&self.by);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            key: reader.text()?,
            virtual_account: reader.parsed()?,
            fingerprint: reader.text()?,
            at: reader.time()?,
            by: reader.text()?,
        })
    }
}
