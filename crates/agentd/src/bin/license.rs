//! The `license` command.

use std::process::ExitCode;

use clap::Parser as _;
use seatpool_agentd::cli::{Ended, License, answer_askpass, run};

fn main() -> ExitCode {
    if answer_askpass() {
        return ExitCode::SUCCESS;
    }
    let license = License::parse();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("license: the system refused what a process needs to wait for answers: {error}");
            return ExitCode::from(Ended::Failed as u8);
        }
    };
    ExitCode::from(runtime.block_on(run(license)) as u8)
}
