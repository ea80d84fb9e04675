//! The Smart Agent as a daemon.

use clap::Parser as _;
use seatpool_agentd::config::{Config, Flags};

fn main() -> anyhow::Result<()> {
    let config = Config::load(Flags::parse())?;
    seatpool_agentd::log::start(&config.log)?;
    // One thread is enough, and keeps the daemon small.
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(seatpool_agentd::daemon::run(config))
}
