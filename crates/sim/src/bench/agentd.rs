//! How much memory `seatpool-agentd` keeps resident.

use core::time::Duration;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use seatpool_agentd::client::Client;
use tokio::process::Command;

use super::table::Table;

/// Limit of what is resident, in KiB (what we hold ourselves to: under 20 MB).
const RESIDENT_KIB_MAX: f64 = 20.0 * 1e6 / 1024.0;

/// Starts an agent, asks it everything it can be asked a hundred times, and reads its memory.
pub(super) async fn measure(folder: &Path, bin_dir: &Path, table: &mut Table) -> anyhow::Result<()> {
    let state = folder.join("agentd");
    let root = folder.join("manager/certificates/vendor-root.pem");
    let mut agent = Command::new(bin_dir.join("seatpool-agentd"))
        .arg("--state-dir")
        .arg(&state)
        .arg("--trust-anchor")
        .arg(&root)
        .args(["--profile", "unified-ccx", "--manager-url", "https://localhost:1"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("seatpool-agentd can't be started: build it beside this program")?;
    let client = Client::new(state.join("agentd.sock"));
    let mut answered = 0;
    for _ in 0..500 {
        match client.text("licensing/tech_support").await {
            Ok(_) => answered += 1,
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
        if answered == 100 {
            break;
        }
    }
    ensure!(answered == 100, "the agent answers on its socket");
    let pid = agent.id().context("the agent runs")?;
    let resident = super::resident_kib(pid)?;
    agent.kill().await?;
    table.line(
        "resident memory of seatpool-agentd",
        format!("{resident:.0} KiB"),
        format!("{RESIDENT_KIB_MAX:.0} KiB"),
        resident / RESIDENT_KIB_MAX,
    );
    Ok(())
}
