//! `seatpool check-config`.

use std::process::ExitCode;

use clap::Args;

use crate::config::{ConfigArgs, Loaded, Purpose};

/// Print the configuration as it applies, secrets redacted, and everything that is wrong with it.
#[derive(Args, Debug)]
pub(super) struct CheckConfig {
    #[command(flatten)]
    config: ConfigArgs,
}

impl CheckConfig {
    /// 0 if `serve` would start with it, as far as can be told without starting.
    pub(super) async fn run(&self) -> ExitCode {
        let loaded = Loaded::read(&self.config, std::env::vars(), Purpose::Serve);
        if let Some(file) = loaded.texts.file() {
            println!("# read from {}", file.display());
        }
        if let Some(config) = &loaded.config {
            let mut problems = Vec::new();
            if let Err(error) = super::serve::read_catalogue(config) {
                problems.push(format!("catalogues: {error:#}"));
            }
            if let Err(error) = crate::ca::Ca::check(config) {
                problems.push(error.to_string());
            }
            if let Err(error) = super::database::check(config).await {
                problems.push(format!("database_url: {error:#}"));
            }
            print!("{}", config.to_annotated_toml(&loaded.texts));
            if problems.is_empty() {
                return ExitCode::SUCCESS;
            }
            for problem in problems {
                eprintln!("seatpool: {problem}");
            }
        }
        for problem in &loaded.problems {
            eprintln!("seatpool: {problem}");
        }
        ExitCode::FAILURE
    }
}
