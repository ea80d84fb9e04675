//! The manager's database: opened, and known to be its own.
//!
//! `init` writes a random id into the data directory and into the database. A manager serves no database without
//! its id: an empty or foreign one would tell all registered agents that they are unknown.

use anyhow::{Context as _, anyhow, bail};
use seatpool_store::{Store, StoreError};

use crate::ca;
use crate::config::{Config, redact_url};

/// The setting that holds the manager's id.
const SETTING: &str = "manager_id";
/// What to do when the data are elsewhere.
const REMEDY: &str = "restore the backup (docs/operating.md, Backup and restore), or correct database_url";

/// Opens the database and says what to do when it can't be.
pub(super) async fn open(config: &Config) -> anyhow::Result<Store> {
    let url = redact_url(&config.database.url);
    Store::open(&config.database).await.map_err(|error| match error {
        StoreError::InUse { .. } => anyhow::Error::new(error).context(format!(
            "another manager serves {}: two on one directory would undo each other's work",
            config.data_dir.display()
        )),
        StoreError::Missing(_) => anyhow!("no manager's data is in {url}: {REMEDY}"),
        StoreError::Unavailable(reason) => {
            anyhow!("the database {url} can't be reached ({reason}): start it, or correct database_url")
        }
        other => anyhow::Error::new(other).context(format!("the database {url} can't be opened")),
    })
}

/// Opens the database that `init` made for this manager to look at it, served or not; refuses any other.
pub(super) async fn open_reading(config: &Config) -> anyhow::Result<Store> {
    let url = redact_url(&config.database.url);
    let store = Store::open_reading(&config.database).await.map_err(|error| match error {
        StoreError::Missing(_) => anyhow!("no manager's data is in {url}: {REMEDY}"),
        other => anyhow::Error::new(other).context(format!("the database {url} can't be opened")),
    })?;
    refuse_foreign(config, store).await
}

/// Opens the database that `init` made for this manager; refuses any other.
pub(super) async fn open_own(config: &Config) -> anyhow::Result<Store> {
    refuse_foreign(config, open(config).await?).await
}

async fn refuse_foreign(config: &Config, store: Store) -> anyhow::Result<Store> {
    let path = config.manager_id_file();
    let own = std::fs::read_to_string(&path).with_context(|| {
        format!("{} can't be read: restore it from the backup of this directory", path.display())
    })?;
    let stored = if store.is_set_up().await? { store.setting(SETTING).await? } else { None };
    let url = redact_url(&config.database.url);
    match stored {
        None => bail!("no manager's data is in {url}: {REMEDY}"),
        Some(id) if id != own.trim() => {
            bail!("another manager's data is in {url}, not that of {}: {REMEDY}", config.data_dir.display())
        }
        Some(_) => Ok(store),
    }
}

/// Whether [`open_own`] would succeed. A manager that serves at present is no problem.
pub(super) async fn check(config: &Config) -> anyhow::Result<()> {
    match open_own(config).await {
        Ok(store) => Ok(store.close().await?),
        Err(error) if matches!(error.downcast_ref(), Some(StoreError::InUse { .. })) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Gives the new manager its id, in both places.
pub(super) async fn mark(config: &Config, store: &Store) -> anyhow::Result<()> {
    let id = uuid::Builder::from_random_bytes(seatpool_crypto::random_bytes()).into_uuid().to_string();
    store.set_setting(SETTING, &id).await.context("the manager's id could not be stored")?;
    Ok(ca::write(&config.manager_id_file(), format!("{id}\n").as_bytes(), 0o644)?)
}
