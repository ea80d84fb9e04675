//! Administration over the REST API.

use clap::Subcommand;

/// Commands that call a running manager.
#[derive(Subcommand, Debug)]
pub(super) enum ClientCommand {}

impl ClientCommand {
    #[expect(clippy::unused_async, reason = "the commands call the REST API")]
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {}
    }
}
