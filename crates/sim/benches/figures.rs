//! `cargo bench -p seatpool-sim`: the same figures as `seatpool-sim bench`. It starts `seatpool-agentd`, so build the
//! programs first: `cargo build --release`.

use clap::Parser;
use seatpool_sim::bench::{self, CountingAllocator};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Prints each figure beside the limit it is held against.
#[derive(Debug, Parser)]
struct Flags {
    #[command(flatten)]
    options: bench::Options,
    /// What cargo says to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<()> {
    let Flags { options, bench: _ } = Flags::parse();
    bench::run(&options)
}
