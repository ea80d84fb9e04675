//! Reservations: what they are found by in columns, the rest as JSON.

use seatpool_domain::Reservation;

use crate::error::StoreError;
use crate::grid::Grid;
use crate::sql::{Reader, json};
use crate::table::{Stored, Table, table};

table! {
    reservation_columns, RESERVATIONS = "reservations", key 1, false:
    instance Text, virtual_account Text, udi_pid Text, udi_sn Text, udi_uuid Text, request Text, is_open Flag,
    in_transit_since Int, facts Text,
}

impl Stored for Reservation {
    fn table() -> &'static Table {
        &RESERVATIONS
    }

    fn write(&self, grid: &mut Grid) {
        grid.text(self.instance)
            .text(self.virtual_account)
            .text(&self.udi.pid)
            .text(&self.udi.sn)
            .text(self.udi.uuid.as_deref().unwrap_or_default())
            .text(self.request)
            .flag(self.is_open())
            .maybe_time(self.transit.as_ref().map(|code| code.at))
            .text(json(self));
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, StoreError> {
        for _ in ["instance", "virtual_account", "udi_pid", "udi_sn", "udi_uuid", "request"] {
            reader.text()?;
        }
        reader.flag()?;
        reader.maybe_time()?;
        reader.json()
    }
}
