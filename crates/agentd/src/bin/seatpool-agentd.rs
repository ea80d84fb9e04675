//! The Smart Agent as a daemon.

use std::process::ExitCode;

use clap::Parser as _;
use seatpool_agentd::complaint::complaint;
use seatpool_agentd::config::{Config, Flags};

fn main() -> ExitCode {
    match run(Flags::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", complaint("seatpool-agentd", &error));
            ExitCode::FAILURE
        }
    }
}

fn run(flags: Flags) -> anyhow::Result<()> {
    let config = Config::load(flags)?;
    seatpool_agentd::log::start(&config.log)?;
    // One thread is enough, and keeps the daemon small.
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(seatpool_agentd::daemon::run(config))
}
