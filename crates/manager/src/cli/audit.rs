//! `seatpool audit`.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use seatpool_domain::audit::Tampering;
use seatpool_proto::Sha256;
use seatpool_store::{AccountFilter, Page, Store};

use super::client::{Manager, output_line};
use super::database;
use crate::app::audit::{FindingView, VerificationView, verify_stored};
use crate::config::{Config, ConfigArgs, Purpose};

const EXIT_CODES: &str = "\
Exit codes: 0 everything is as it was written, 1 something is not, 2 it could not be verified (or wrong usage)";

/// Everything is as it was written.
const INTACT: u8 = 0;
/// Something is not.
const TAMPERED: u8 = 1;
/// It could not be found out.
const FAILED: u8 = 2;

/// Verification of the event log.
#[derive(Subcommand, Debug)]
pub(super) enum AuditCommand {
    /// Verify it as it stands in the database
    ///
    /// Reads the database itself and changes nothing, whether a manager serves it at the moment or not. Run it as the
    /// user who runs the manager.
    #[command(after_help = EXIT_CODES)]
    Verify(Box<Verify>),
    /// Have a running manager verify it, over its REST API
    #[command(after_help = EXIT_CODES)]
    VerifyServed(Box<VerifyServed>),
}

impl AuditCommand {
    pub(super) async fn run(self) -> ExitCode {
        let found = match self {
            Self::Verify(verify) => verify.run().await,
            Self::VerifyServed(verify) => verify.run().await,
        };
        ExitCode::from(found.unwrap_or_else(|error| {
            eprintln!("seatpool: {error:#}");
            FAILED
        }))
    }
}

#[derive(Args, Debug)]
pub(super) struct Verify {
    /// Of this account only
    #[arg(long, value_name = "DOMAIN")]
    account: Option<String>,
    /// The hash that an earlier verification of the account printed: so it shows if the newest events were cut off
    #[arg(long, value_name = "HASH", requires = "account")]
    head: Option<Sha256>,
    /// Print JSON, as the REST API answers it, one line for each account
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: ConfigArgs,
}

impl Verify {
    async fn run(self) -> anyhow::Result<u8> {
        let config = Config::load(&self.config, Purpose::Serve)?;
        let store = database::open_reading(&config).await?;
        let accounts = match &self.account {
            Some(domain) => match store.account_by_domain(domain).await? {
                Some(account) => vec![account],
                None => bail!("there is no smart account {domain}"),
            },
            None => store.accounts(AccountFilter::default(), Page::ALL).await?.items,
        };
        let mut worst = INTACT;
        for account in accounts {
            worst = worst.max(verify(&store, &account.domain, account.id, self.head, self.json).await?);
        }
        store.close().await.context("the database could not be closed")?;
        Ok(worst)
    }
}

async fn verify(
    store: &Store,
    domain: &str,
    account: seatpool_proto::AccountId,
    kept: Option<Sha256>,
    json: bool,
) -> anyhow::Result<u8> {
    let found = verify_stored(store, account, kept).await.with_context(|| format!("the log of {domain}"))?;
    let found = found.with_context(|| format!("the account {domain} went away meanwhile"))?;
    print(&found, json)
}

#[derive(Args, Debug)]
pub(super) struct VerifyServed {
    /// The hash that an earlier verification printed: so it shows if the newest events were cut off
    #[arg(long, value_name = "HASH")]
    head: Option<Sha256>,
    #[command(flatten)]
    to: Manager,
}

impl VerifyServed {
    async fn run(self) -> anyhow::Result<u8> {
        let session = self.to.connect().await.map_err(|error| anyhow::anyhow!("{error}"))?;
        let path = ["accounts", session.account(), "events", "verification"];
        let query = [("head", self.head.map(|head| head.to_string()))];
        let found: VerificationView =
            session.find(&path, &query).await.map_err(|error| anyhow::anyhow!("{error}"))?;
        print(&found, session.is_json())
    }
}

/// Prints what was found; the exit code for it.
fn print(found: &VerificationView, json: bool) -> anyhow::Result<u8> {
    if json {
        output_line(&serde_json::to_string(found)?);
    } else {
        output_line(&sentences(found).join("\n"));
    }
    Ok(if found.intact { INTACT } else { TAMPERED })
}

fn sentences(found: &VerificationView) -> Vec<String> {
    let VerificationView { account, events, head, .. } = found;
    let plural = if *events == 1 { "" } else { "s" };
    if found.intact {
        let intact = format!("{account}: {events} event{plural}, all as they were written");
        return match head {
            Some(head) => vec![
                format!("{intact}; the last has hash {head}"),
                "Keep that hash elsewhere: verified with --head, it shows later if events up to it are missing.".to_owned(),
            ],
            None => vec![intact],
        };
    }
    let line = |what: &str, finding: &FindingView| {
        let became = match finding.what {
            Tampering::Altered => "was altered",
            Tampering::Inserted => "was inserted",
            Tampering::Removed => "was removed",
            Tampering::Reordered => "was moved",
        };
        format!("{account}: {what} {} {became}: {}", finding.number, finding.message)
    };
    let event = found.event.iter().map(|finding| line("event", finding));
    let transaction = found.transaction.iter().map(|finding| line("lot transaction", finding));
    event
        .chain(transaction)
        .chain([format!("{account}: the first {events} event{plural} are in order")])
        .collect()
}
