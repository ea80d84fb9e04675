//! The system's `sftp` client held within limits while it runs: what it may write, and how long it may take. What it
//! fetches comes from a machine that may send without end, or never.

use core::time::Duration;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;

use anyhow::{Context as _, anyhow};
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// How long the client has to end its own connection when it is told to, before it is killed.
const LEAVES_WITHIN: Duration = Duration::from_secs(5);
/// As much of what it says is kept, in bytes.
const SAID_BYTES_MAX: u64 = 64 * 1024;

/// How a transfer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The file is there.
    Done,
    /// It failed; what the client said.
    Failed(String),
    /// It was stopped: the file is larger than it may be.
    TooLarge,
    /// It was stopped: it took longer than it may.
    TooLong,
}

/// Runs the client. No file that it writes grows beyond `bytes_max`, which the system sees to; after `within`, with
/// whatever people had to answer, it is stopped.
pub(super) async fn run(command: &mut Command, bytes_max: u64, within: Duration) -> anyhow::Result<Ended> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => anyhow!(
            "the program sftp is missing: install the system's OpenSSH client, or copy the file here and give its path"
        ),
        _ => anyhow::Error::from(error).context("sftp can't be started"),
    })?;
    let pid = pid(&child)?;
    let at_most = |bytes| Rlimit { current: Some(bytes), maximum: Some(bytes) };
    // It has a connection to make before it writes anything.
    prlimit(Some(pid), Resource::Fsize, at_most(bytes_max))
        .and_then(|_| prlimit(Some(pid), Resource::Core, at_most(0)))
        .context("the size of what sftp fetches can't be limited")?;
    let stderr = child.stderr.take().context("sftp has no standard error")?;
    let mut said = Vec::new();
    let ended = async {
        // Read to its end, so that the client never waits for a reader.
        stderr.take(SAID_BYTES_MAX).read_to_end(&mut said).await?;
        child.wait().await
    };
    let Ok(ended) = timeout(within, ended).await else {
        stop(&mut child, pid).await;
        return Ok(Ended::TooLong);
    };
    let status = ended.context("sftp can't be waited for")?;
    let said = String::from_utf8_lossy(&said).into_owned();
    Ok(match status.signal() {
        _ if status.success() => Ended::Done,
        Some(signal) if signal == Signal::XFSZ.as_raw() => Ended::TooLarge,
        // Where the signal is ignored, the write fails (EFBIG).
        _ if said.contains("File too large") => Ended::TooLarge,
        _ => Ended::Failed(said),
    })
}

fn pid(child: &Child) -> anyhow::Result<Pid> {
    let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    id.context("sftp ended at once")
}

/// Told to end, it ends the `ssh` that asks for a password at the terminal, too; killed, it would leave that behind.
async fn stop(child: &mut Child, pid: Pid) {
    let told = kill_process(pid, Signal::TERM);
    if told.is_err() || timeout(LEAVES_WITHIN, child.wait()).await.is_err() {
        let _ = child.kill().await;
    }
}
