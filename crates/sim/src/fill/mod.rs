//! The data set on which pages are measured: a manager made by `seatpool init`, filled with a large customer.
//!
//! Everything is made from numbers, so that the same options make the same customer but for the ids of its account and
//! its dates, which lie around the present. Totals are the sums of what the instances report, and shortages those that
//! the domain computes, so that the manager that serves it finds nothing wrong.

mod catalogue;
mod customer;
mod entitlements;
mod fleet;
mod log;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use clap::Args;
use seatpool_domain::{Catalogue, Touches};
use seatpool_manager::config::{Config, ConfigArgs, Purpose};
use seatpool_store::{Batch, Store};

use crate::bench::{beside_this_program, now};
use customer::Customer;

/// Domain of the account that is filled.
pub(crate) const DOMAIN: &str = "large.example";
/// Its administrator.
pub(crate) const LOGIN: &str = "alice";
/// The administrator's password.
pub(crate) const PASSWORD: &str = "a large customer's password";
/// Rows written in one transaction.
const CHUNK: u64 = 2_000;

/// How large the customer is, and where it is made.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Data directory of the manager, which is made here
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// Database of the manager, empty so far [default: SQLite in the data directory]
    #[arg(long, alias = "database-url", value_name = "URL")]
    database: Option<String>,
    /// Virtual accounts
    #[arg(long, default_value_t = 100)]
    virtual_accounts: u64,
    /// Licences in the catalogue
    #[arg(long, default_value_t = 1_000)]
    licenses: u64,
    /// Product instances; the first virtual account holds a quarter of them
    #[arg(long, default_value_t = 200_000)]
    instances: u64,
    /// Entries of the event log
    #[arg(long, default_value_t = 100_000)]
    events: u64,
    /// Directory of the built programs [default: this program's own]
    #[arg(long)]
    bin_dir: Option<PathBuf>,
}

/// Makes the manager and fills it.
///
/// # Errors
/// The manager can't be made, as when there is one already, or its database fails.
pub fn run(options: &Options) -> anyhow::Result<()> {
    let bin_dir = match &options.bin_dir {
        Some(dir) => dir.clone(),
        None => beside_this_program()?,
    };
    let parent = options.data_dir.parent().context("the data directory lies in another")?;
    std::fs::create_dir_all(parent)?;
    let catalogue_file = options.data_dir.with_extension("catalogue.toml");
    let text = catalogue::text(options.licenses);
    std::fs::write(&catalogue_file, &text)?;
    init(options, &bin_dir, &catalogue_file)?;
    let catalogue = Catalogue::from_toml([Catalogue::SHIPPED, &text])?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(fill(options, &catalogue))?;
    println!("{DOMAIN} is in {}; sign in as {LOGIN} with {PASSWORD:?}", options.data_dir.display());
    Ok(())
}

fn init(options: &Options, bin_dir: &Path, catalogue: &Path) -> anyhow::Result<()> {
    let password = options.data_dir.with_extension("password");
    std::fs::write(&password, PASSWORD)?;
    let mut command = Command::new(bin_dir.join("seatpool"));
    command
        .args(["init", "--name", "127.0.0.1", "--account-domain", DOMAIN, "--account-name", "Large Example"])
        .args(["--listen", "127.0.0.1:0", "--ops-listen", "off", "--admin", LOGIN, "--export-permitted"])
        .arg("--admin-password-file")
        .arg(&password)
        .arg("--catalogue")
        .arg(std::path::absolute(catalogue)?)
        .arg("--data-dir")
        .arg(&options.data_dir);
    if let Some(url) = &options.database {
        command.args(["--database-url", url]);
    }
    let made = command.output().context("seatpool can't be run: build it beside this program")?;
    ensure!(made.status.success(), "seatpool init: {}", String::from_utf8_lossy(&made.stderr));
    Ok(())
}

async fn fill(options: &Options, catalogue: &Catalogue) -> anyhow::Result<()> {
    let args = ConfigArgs { data_dir: options.data_dir.to_str().map(str::to_owned), ..ConfigArgs::default() };
    let config = Config::load(&args, Purpose::Serve)?;
    let store = Store::open(&config.database).await?;
    store.migrate().await?;
    let account = store.account_by_domain(DOMAIN).await?.context("init made the account")?;
    let default = store.virtual_accounts(account.id).await?.pop().context("it has a virtual account")?;
    let ledger = Ledger { store: &store, account: account.id, catalogue };
    let customer = Customer::new(options, catalogue, default.id, now());
    ledger.write(1, |workset, _| customer.put_virtual_accounts(workset)).await?;
    let mut fleet = fleet::Fleet::new(&customer);
    ledger.write(options.instances, |workset, number| fleet.put(workset, number)).await?;
    let mut entitlements = entitlements::Entitlements::new(&customer, &fleet);
    ledger.write(entitlements.len(), |workset, number| entitlements.put(workset, number)).await?;
    ledger
        .write(customer.places(), |workset, number| {
            entitlements.put_totals(workset, number);
            Ok(())
        })
        .await?;
    let first = ledger.begin().await?.workset.account.next_event;
    let rest = options.events.saturating_sub(first.saturating_sub(1));
    ledger
        .write(rest, |workset, number| {
            log::put(&customer, workset, number);
            Ok(())
        })
        .await?;
    Ok(store.close().await?)
}

/// Writes rows in transactions of [`CHUNK`].
struct Ledger<'a> {
    store: &'a Store,
    account: seatpool_proto::AccountId,
    catalogue: &'a Catalogue,
}

impl Ledger<'_> {
    async fn begin(&self) -> anyhow::Result<Batch> {
        Ok(self.store.begin(self.account, &Touches::default(), self.catalogue).await?)
    }

    async fn write(
        &self,
        count: u64,
        mut put: impl FnMut(&mut seatpool_domain::Workset, u64) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut next = 0;
        while next < count {
            let end = (next + CHUNK).min(count);
            let mut batch = self.begin().await?;
            for number in next..end {
                put(&mut batch.workset, number)?;
            }
            batch.commit().await?;
            next = end;
        }
        Ok(())
    }
}
