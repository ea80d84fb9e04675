//! The log: events in the familiar syslog form, at the level of their severity.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use seatpool_agent::AgentEvent;
use tracing_subscriber::EnvFilter;

/// Logs to standard error, as `filter` says (`info`, or a directive of `tracing`).
pub fn start(filter: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(filter)
        .with_context(|| format!("log is {filter:?}; it can be error, warn, info, debug or trace"))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .try_init()
        .map_err(|error| anyhow::anyhow!("the log can't be started: {error}"))
}

/// Logs one event (RFC 5424 severities: 3 and below are errors, 4 a warning).
pub(crate) fn event(event: &AgentEvent) {
    let line = event.to_syslog();
    match event.code.severity() {
        ..=3 => tracing::error!("{line}"),
        4 => tracing::warn!("{line}"),
        _ => tracing::info!("{line}"),
    }
}
