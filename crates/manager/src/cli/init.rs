//! `seatpool init`.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Args;
use seatpool_domain::Actor;
use seatpool_domain::access::{Client, OauthScope, Role};
use seatpool_domain::opening::{FirstAdministrator, Opening};
use seatpool_proto::{AccountId, Sha256, VirtualAccountId};
use seatpool_store::Store;
use zeroize::Zeroizing;

use super::database;
use super::serve::read_catalogue;
use crate::app::access::{check_strength, hash_password};
use crate::ca::{self, NewCa};
use crate::clock::{Clock, NewIds};
use crate::config::{Config, ConfigArgs, FILE_NAME, Loaded, Purpose, redact_url};

/// Make a new manager.
#[derive(Args, Debug)]
pub(super) struct Init {
    #[command(flatten)]
    config: ConfigArgs,
    /// Domain of the first smart account, as in example.com
    #[arg(long, value_name = "DOMAIN")]
    account_domain: String,
    /// Name of the first smart account [default: its domain]
    #[arg(long, value_name = "NAME")]
    account_name: Option<String>,
    /// Sign-in name of the first administrator
    #[arg(long, value_name = "LOGIN", default_value = "admin")]
    admin: String,
    /// File with the administrator's password (without it, one is made and printed once)
    #[arg(long, value_name = "FILE")]
    admin_password_file: Option<PathBuf>,
    /// Mark the vendor root as made for demonstration, which permits --time-lapse. Never for production
    #[arg(long)]
    demonstration: bool,
    /// Permit the first account export-controlled functionality
    #[arg(long)]
    export_permitted: bool,
    /// Let the products of the first account reserve all licenses without counting
    #[arg(long)]
    universal_permitted: bool,
}

impl Init {
    pub(super) async fn run(&self) -> anyhow::Result<()> {
        let loaded = Loaded::read(&self.config, std::env::vars(), Purpose::Init);
        let settings = loaded.texts.to_toml();
        let config = loaded.into_config()?;
        read_catalogue(&config)?;
        let (password, is_printed) = self.password()?;

        ensure!(
            self.demonstration || config.time_lapse.is_none(),
            "--time-lapse (time_lapse) exists for demonstrations only: add --demonstration, or remove it"
        );

        let clock = Clock::default();
        let (now, ids) = (clock.now(), NewIds(clock));
        let opening = Opening {
            id: AccountId(ids.uuid()),
            default_virtual_account: VirtualAccountId(ids.uuid()),
            domain: self.account_domain.clone(),
            name: self.account_name.clone().unwrap_or_else(|| Opening::name_of(&self.account_domain)),
            export_permitted: self.export_permitted,
            universal_permitted: self.universal_permitted,
            administrator: Some(FirstAdministrator {
                id: ids.uuid(),
                login: self.admin.clone(),
                password_hash: hash_password(&password)?,
                must_change_password: false,
                is_operator: true,
            }),
            actor: Actor::User(self.admin.trim().to_lowercase()),
            source: None,
        };
        let first = opening.into_workset(now).context("the first smart account can't be made")?;
        let (account, domain) = (first.account.id, first.account.domain.clone());

        refuse_to_overwrite(&config)?;
        let store = new_store(&config).await?;
        ca::create(&NewCa { config: &config, demonstration: self.demonstration })
            .context("the keys and certificates could not be made")?;
        store.migrate().await.context("the database could not be set up")?;
        database::mark(&config, &store).await?;

        store.create_account(first).await.context("the first smart account could not be created")?;
        let secret = random_text(32);
        let client = Client {
            id: random_text(16).to_string(),
            account,
            name: "Made by seatpool init".to_owned(),
            secret_hash: Sha256::of(secret.as_bytes()).to_string(),
            roles: vec![Role::VendorOperator, Role::AccountAdministrator],
            scopes: OauthScope::ALL.into(),
            created_at: now,
            previous_secret: None,
            deleted_at: None,
        };
        store.insert_client(&client).await.context("the OAuth2 client could not be created")?;
        write_client(&config, &client, &secret, &domain)?;
        store.close().await.context("the database could not be closed")?;
        // Last: its presence says that everything before it is there.
        ca::write_private(&config.data_dir.join(FILE_NAME), settings.as_bytes())?;
        self.tell(&config, is_printed.then_some(&password))
    }

    /// The password, and whether it was made here.
    fn password(&self) -> anyhow::Result<(Zeroizing<String>, bool)> {
        let Some(path) = &self.admin_password_file else {
            return Ok((random_text(15), true));
        };
        let text =
            std::fs::read_to_string(path).with_context(|| format!("{} can't be read", path.display()))?;
        let password = Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned());
        let name = self.account_name.as_deref().unwrap_or_default();
        check_strength(&password, &[&self.admin, &self.account_domain, name])
            .with_context(|| format!("the password in {} is not taken: choose another", path.display()))?;
        Ok((password, false))
    }

    fn tell(&self, config: &Config, password: Option<&Zeroizing<String>>) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        writeln!(out, "A manager was made in {}", config.data_dir.display())?;
        if self.demonstration {
            writeln!(out, "  DEMONSTRATION ONLY: agents that trust its root accept sped-up time")?;
        }
        writeln!(out, "  address        {}", config.public_url)?;
        writeln!(out, "  administrator  {}", self.admin.trim().to_lowercase())?;
        if let Some(password) = password {
            writeln!(out, "  password       {}  (shown this once)", password.as_str())?;
        }
        writeln!(out, "  REST client    {}", config.client_file().display())?;
        writeln!(out, "  vendor root    {}  (agents trust this file)", config.vendor_root_file().display())?;
        writeln!(out, "Start it with: seatpool serve --data-dir {}", config.data_dir.display())?;
        Ok(())
    }
}

/// The new database, before anything else is made: whatever is wrong with it leaves nothing behind.
async fn new_store(config: &Config) -> anyhow::Result<Store> {
    let is_new = !config.data_dir.exists();
    ca::make_dir(&config.data_dir, 0o700)?;
    let opened = async {
        let store = database::open(config).await?;
        if store.is_set_up().await? {
            bail!(
                "the database {} holds a manager's data already, and init never overwrites: name an empty one with \
                 database_url",
                redact_url(&config.database.url)
            );
        }
        Ok(store)
    };
    let store = opened.await;
    if store.is_err() && is_new {
        // Only if it is empty; what else may lie there is not ours.
        let _ = std::fs::remove_dir(&config.data_dir);
    }
    store
}

fn refuse_to_overwrite(config: &Config) -> anyhow::Result<()> {
    let settings = config.data_dir.join(FILE_NAME);
    if settings.exists() {
        bail!(
            "{} holds a manager already, and init never overwrites: choose another --data-dir",
            config.data_dir.display()
        );
    }
    let database = config.data_dir.join("seatpool.db");
    for left in [config.keys_dir(), config.certificates_dir(), database] {
        if left.exists() {
            bail!(
                "{} is there without {}: an earlier init was interrupted; remove {} and start anew",
                left.display(),
                FILE_NAME,
                config.data_dir.display()
            );
        }
    }
    Ok(())
}

fn write_client(config: &Config, client: &Client, secret: &str, domain: &str) -> anyhow::Result<()> {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let file = serde_json::json!({
        "url": config.public_url,
        "client_id": client.id,
        "client_secret": secret,
        "account": domain,
        "ca_file": absolute(&config.vendor_root_file()),
    });
    let text = Zeroizing::new(format!("{}\n", serde_json::to_string_pretty(&file)?));
    Ok(ca::write_private(&config.client_file(), text.as_bytes())?)
}

/// `bytes` random bytes as text that needs no quoting anywhere.
fn random_text(bytes: usize) -> Zeroizing<String> {
    let mut random = Zeroizing::new(vec![0; bytes]);
    seatpool_crypto::fill_random(&mut random);
    Zeroizing::new(URL_SAFE_NO_PAD.encode(&*random))
}
