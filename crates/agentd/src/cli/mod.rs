//! The `license` command: words as administrators know them (cli.md), carried out over the agent's local API.
//! A command waits for what comes of it and says so; nothing is decided here.

mod reservation;
mod run;
mod sftp;
mod transfer;
mod words;

use std::io::Write as _;

use crate::complaint::complaint;

pub use sftp::{answer_askpass, sftp_argument};
pub use words::License;

/// How a command ended, as the process says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Ended {
    /// Done.
    Done = 0,
    /// Refused or failed; the text says why.
    Failed = 1,
    /// The agent goes on with it; there was no outcome within the time limit.
    Waiting = 3,
}

/// Carries out a command, writing to standard output, or to standard error where it failed.
pub async fn run(license: License) -> Ended {
    let (ended, text) = match run::run(license).await {
        Ok(outcome) => outcome,
        Err(error) => (Ended::Failed, complaint("license", &error) + "\n"),
    };
    // A reader that went away is told nothing more.
    let _ = match ended {
        Ended::Failed => std::io::stderr().write_all(text.as_bytes()),
        Ended::Done | Ended::Waiting => std::io::stdout().write_all(text.as_bytes()),
    };
    ended
}
