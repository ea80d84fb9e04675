//! How long a simulated year of one instance takes: both cores in memory, every text written and read, no
//! cryptography, no store.

use anyhow::ensure;

use super::clock::time;
use super::table::Table;
use crate::world::year;

/// Limit of the year, in seconds (the issue's: under a second).
const SECONDS_MAX: f64 = 1.0;
/// Reports that a year has at one in 15 minutes.
const REPORTS: usize = year::DAYS.unsigned_abs() as usize * 24 * 4;

pub(super) fn measure(table: &mut Table) -> anyhow::Result<()> {
    let (span, world) = time(year::live);
    let answered = world.exchanges.iter().filter(|exchange| exchange.answered).count();
    ensure!(answered >= REPORTS, "{answered} requests were answered in the year, not {REPORTS}");
    let seconds = span.as_secs_f64();
    table.line(
        "a simulated year of one instance",
        format!("{seconds:.2} s, {answered} requests"),
        format!("{SECONDS_MAX:.0} s"),
        seconds / SECONDS_MAX,
    );
    Ok(())
}
