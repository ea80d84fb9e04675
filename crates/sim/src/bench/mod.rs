//! The benchmark: one module for each figure.
//!
//! Every figure is printed beside the limit it is held against, measured in the same run, as a ratio: the machine's
//! own speed cancels out. Nothing is asserted here; tests assert no time either.

mod agentd;
mod clock;
mod limits;
mod may_i;
mod report_cost;
mod report_rate;
mod table;
mod year;

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

pub(crate) use self::clock::{median, now, time_async};
pub use self::may_i::CountingAllocator;
pub(crate) use self::table::Table;

/// What to measure.
#[derive(Args, Debug)]
pub struct Options {
    /// Instances of the large account
    #[arg(long, default_value_t = 100_000)]
    instances: u64,
    /// Reports that each median is taken of
    #[arg(long, default_value_t = 2_000)]
    reports: u64,
    /// Agents that report at once
    #[arg(long, default_value_t = 64)]
    agents: usize,
    /// Directory of the built programs [default: this program's own]
    #[arg(long)]
    bin_dir: Option<PathBuf>,
}

/// Measures and prints.
///
/// # Errors
/// A part can't be started or does not do what it is measured at.
pub fn run(options: &Options) -> anyhow::Result<()> {
    let bin_dir = match &options.bin_dir {
        Some(dir) => dir.clone(),
        None => beside_this_program()?,
    };
    if cfg!(debug_assertions) {
        println!("This is a debug build: build with --release for figures that mean something.\n");
    }
    let folder = tempfile::tempdir()?;
    let mut table = table::Table::default();
    let limits = limits::measure(folder.path())?;
    limits.print(&mut table);
    may_i::measure(&mut table)?;
    year::measure(&mut table)?;
    report_cost::measure(folder.path(), options.instances, options.reports, &mut table)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        report_rate::measure(folder.path(), &bin_dir, options, &limits, &mut table).await?;
        agentd::measure(folder.path(), &bin_dir, &mut table).await
    })?;
    table.print();
    Ok(())
}

/// The folder of the built programs: this one's own, but that benches and tests are built one folder below.
pub(crate) fn beside_this_program() -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe()?;
    let folder = program.parent().context("the program has a folder")?;
    let above = folder.parent().filter(|_| folder.ends_with("deps"));
    Ok(above.unwrap_or(folder).to_owned())
}

/// How much of a process is resident, in KiB.
pub(crate) fn resident_kib(pid: u32) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse().ok())
        .context("the system says how much is resident")
}
