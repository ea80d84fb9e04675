//! What instances reported, and its totals.

use seatpool_domain::{PoolTotal, Usage};
use seatpool_proto::Quantity;

use crate::error::StoreError;
use crate::grid::Grid;
use crate::sql::Reader;
use crate::table::{Stored, Table, table};

table! {
    total_columns, POOL_TOTALS = "pool_totals", key 2, false:
    virtual_account Text, tag Text, instances Int, peak Int, cumulative_peak Int, locked_instances Int,
    run_high Int, short Int, short_since Int,
}

impl Stored for PoolTotal {
    fn table() -> &'static Table {
        &POOL_TOTALS
    }

    fn write(&self, grid: &mut Grid) {
        grid.text(self.virtual_account)
            .text(&self.tag)
            .count(self.instances)
            .quantity(self.peak)
            .quantity(self.cumulative_peak)
            .count(self.locked_instances)
            .quantity(self.run_high)
            .quantity(self.short)
            .maybe_time(self.short_since);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            virtual_account: reader.parsed()?,
            tag: reader.parsed()?,
            instances: reader.count()?,
            peak: reader.quantity()?,
            cumulative_peak: reader.quantity()?,
            locked_instances: reader.count()?,
            run_high: reader.quantity()?,
            short: reader.quantity()?,
            short_since: reader.maybe_time()?,
        })
    }
}

table! {
    usage_columns, USAGE = "usage_reports", key 2, false:
    instance Text, tag Text, peak Int, cumulative_peak Int, locked Int, reported_at Int,
}

impl Stored for Usage {
    fn table() -> &'static Table {
        &USAGE
    }

    fn write(&self, grid: &mut Grid) {
        grid.text(self.instance)
            .text(&self.tag)
            .quantity(self.peak)
            .quantity(self.cumulative_peak)
            .maybe_count(self.locked.map(Quantity::count))
            .time(self.reported_at);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            instance: reader.parsed()?,
            tag: reader.parsed()?,
            peak: reader.quantity()?,
            cumulative_peak: reader.quantity()?,
            locked: reader.maybe_count()?.map(Quantity::of),
            reported_at: reader.time()?,
        })
    }
}
