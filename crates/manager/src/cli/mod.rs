//! The commands of the binary `seatpool`.

mod account;
mod alerts;
mod audit;
mod check_config;
mod client;
mod database;
mod devices;
mod events;
mod explain;
mod init;
mod licenses;
mod lot;
mod oauth_client;
mod order;
mod preview;
mod report;
mod reservation;
mod serve;
mod token;
mod user;
mod va;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Smart licence manager.
#[derive(Parser, Debug)]
#[command(name = "seatpool", version, about, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Make a new manager: keys, certificates, database, first account and administrator
    Init(Box<init::Init>),
    /// Run the manager
    Serve(Box<serve::Serve>),
    /// Print the configuration as it applies, secrets redacted, and everything that is wrong with it
    CheckConfig(Box<check_config::CheckConfig>),
    /// Verify the event log: which entry was altered, inserted, removed or reordered first
    #[command(subcommand)]
    Audit(Box<audit::AuditCommand>),
    #[command(flatten)]
    Client(Box<client::ClientCommand>),
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("seatpool: the asynchronous runtime can't be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(async {
        match cli.command {
            Command::Init(init) => init.run().await.map(|()| ExitCode::SUCCESS),
            Command::Serve(serve) => serve.run().await.map(|()| ExitCode::SUCCESS),
            Command::CheckConfig(check) => Ok(check.run().await),
            Command::Audit(audit) => Ok(audit.run().await),
            Command::Client(client) => Ok(client.run().await),
        }
    });
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("seatpool: {error:#}");
            ExitCode::FAILURE
        }
    }
}
