//! The manager that is measured, as a process.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, bail};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};

pub(super) struct Manager {
    child: Child,
    _output: BufReader<ChildStdout>,
    pub(super) url: String,
}

impl Manager {
    /// Starts it, and waits until it listens.
    pub(super) async fn start(bin_dir: &Path, data_dir: &Path) -> anyhow::Result<Self> {
        let mut child = Command::new(bin_dir.join("seatpool"))
            .args(["serve", "--listen", "127.0.0.1:0", "--ops-listen", "off", "--log", "warn", "--data-dir"])
            .arg(data_dir)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("seatpool can't be started: build it beside this program")?;
        let mut output = BufReader::new(child.stdout.take().context("its output is piped")?);
        let mut url = None;
        let mut line = String::new();
        while output.read_line(&mut line).await? > 0 {
            let said = line.trim().trim_start_matches("seatpool: ");
            if let Some(address) = said.strip_prefix("listening on ") {
                url = Some(address.to_owned());
            }
            if said.starts_with("ready") {
                let url = url.context("it says where it listens")?;
                return Ok(Self { child, _output: output, url });
            }
            line.clear();
        }
        bail!("the manager did not start")
    }

    /// How much of it is resident, in bytes.
    pub(super) fn resident(&self) -> anyhow::Result<f64> {
        let pid = self.child.id().context("it runs")?;
        crate::bench::resident_kib(pid).map(|kib| kib * 1024.0)
    }

    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }
}
