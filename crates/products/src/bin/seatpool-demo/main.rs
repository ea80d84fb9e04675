//! The demonstration: a manager and three contact centres as processes on this machine, at a time lapse that is
//! printed, telling scenarios 1 and 2 of the reference documents as they really happen.
//!
//! Everything it does it does as a person would: by `seatpool`, `license`, and lines typed at the contact
//! centres. It only watches what the processes say, and fails when it does not come true.

mod narrate;
mod stage;
mod story;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;

/// Watch a manager and three contact centres run out of licences and come back.
#[derive(Debug, Parser)]
#[command(name = "seatpool-demo")]
struct Flags {
    /// End by itself when all of it was seen, with exit code 0; with the reason and 1 when it was not
    #[arg(long)]
    once: bool,
    /// How many times as fast as real time
    #[arg(long, default_value_t = 180, value_parser = clap::value_parser!(u32).range(60..=600))]
    factor: u32,
    /// Directory of the built programs [default: this program's own]
    #[arg(long)]
    bin_dir: Option<PathBuf>,
    /// Port of the manager; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
}

fn main() -> ExitCode {
    match play(Flags::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nThe demonstration failed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn play(flags: Flags) -> anyhow::Result<()> {
    let bin_dir = match flags.bin_dir {
        Some(dir) => dir,
        None => std::env::current_exe()?.parent().context("the program has a folder")?.to_owned(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        tokio::select! {
            told = tell(&bin_dir, flags.factor, flags.port, flags.once) => told,
            _ = tokio::signal::ctrl_c() => {
                println!("\nEnded.");
                Ok(())
            }
        }
    })
}

async fn tell(bin_dir: &Path, factor: u32, port: u16, once: bool) -> anyhow::Result<()> {
    let mut stage = stage::Stage::set(bin_dir, factor, port).await?;
    story::tell(&mut stage).await?;
    if !once {
        narrate::say("It runs on: look around in the portal, or type Ctrl-C to end it.");
        stage.run_on().await?;
    }
    Ok(())
}
