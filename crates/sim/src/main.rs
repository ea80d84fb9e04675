//! `seatpool-sim`: measures Seatpool against the limits of the machine it runs on.

use clap::{Parser, Subcommand};
use seatpool_sim::bench::{self, CountingAllocator};
use seatpool_sim::{fill, pages};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Measures Seatpool.
#[derive(Debug, Parser)]
#[command(name = "seatpool-sim")]
struct Flags {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print each figure beside the limit it is held against
    Bench(bench::Options),
    /// Make a manager with a large customer's data
    Fill(fill::Options),
    /// Measure the portal's pages on such data
    Pages(pages::Options),
}

fn main() -> anyhow::Result<()> {
    match Flags::parse().command {
        Command::Bench(options) => bench::run(&options),
        Command::Fill(options) => fill::run(&options),
        Command::Pages(options) => pages::run(&options),
    }
}
