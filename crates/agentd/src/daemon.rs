//! The daemon from its start to its orderly end.

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use crate::api::Api;
use crate::config::Config;
use crate::runtime;

/// Runs until the process is told to end (SIGTERM, SIGINT); what was changed by then is stored.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM can't be awaited")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT can't be awaited")?;
    let lapse = config.time_lapse;
    let (handle, turns) = runtime::start(config)?;
    let socket = handle.config().socket.display().to_string();
    let api = Api::open(handle).await?;
    if let Some(lapse) = lapse {
        tracing::warn!(
            "time lapse: the clock runs {} times as fast; for demonstrations only",
            lapse.factor()
        );
    }
    tracing::info!("listening on {socket}");
    let turns = tokio::spawn(turns.run());
    tokio::select! {
        () = api.serve() => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    // The API is gone and with it every handle: the loop stores what is left and ends.
    turns.await.context("the agent's loop failed")
}
