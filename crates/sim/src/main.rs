//! `seatpool-sim`: measures Seatpool against the limits of the machine it runs on.
//!
//! Every figure is printed beside the limit it is held against, measured in the same run, as a ratio: the machine's
//! own speed cancels out. Nothing is asserted here; tests assert no time either.

mod bench;

use clap::{Parser, Subcommand};

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
}

fn main() -> anyhow::Result<()> {
    match Flags::parse().command {
        Command::Bench(options) => bench::run(&options),
    }
}
