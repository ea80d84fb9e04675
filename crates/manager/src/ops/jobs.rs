//! What the manager does by itself, by its own clock: authorizations that end, lots that start or end, rows that
//! nobody needs any more, certificates that are to be renewed.
//!
//! How far the lots were looked at is stored, so that none is missed while the manager is down.

use core::time::Duration;
use std::collections::BTreeMap;

use jiff::Timestamp;
use seatpool_domain::command::Action;
use seatpool_domain::history;
use seatpool_domain::{Actor, Command};
use seatpool_proto::AccountId;
use tokio::sync::watch;

use super::metrics;
use crate::app::{App, AppError, requests};
use crate::server::stopped;

/// How often what came due is looked for, on the manager's clock.
const DUE_EVERY: Duration = Duration::from_secs(30);
/// How often ended rows are purged and certificates looked at, on the manager's clock.
const UPKEEP_EVERY: Duration = Duration::from_hours(1);
/// Never more often than this in real time, however fast the clock runs.
const REAL_PAUSE_MIN: Duration = Duration::from_millis(200);
/// How many hours of usage history become days in one transaction.
const THIN_BATCH: u32 = 2000;
/// How many ended authorizations are dropped in one command.
const EXPIRE_BATCH: u32 = 500;
/// The setting that holds up to when lots were looked at.
const LOTS_SEEN: &str = "jobs.lots_seen_until";

/// Runs all jobs until `stop` becomes true.
pub async fn run(app: App, mut stop: watch::Receiver<bool>) {
    let jobs = async {
        let mut upkeep_at = app.now();
        loop {
            due(&app).await;
            if app.now() >= upkeep_at {
                upkeep(&app).await;
                upkeep_at = app.now().checked_add(UPKEEP_EVERY).unwrap_or(Timestamp::MAX);
            }
            let clock = app.clock();
            tokio::join!(clock.sleep(DUE_EVERY), tokio::time::sleep(REAL_PAUSE_MIN));
        }
    };
    tokio::select! {
        () = jobs => {}
        () = stopped(&mut stop) => {}
    }
}

/// One look at what came due; what fails is logged, counted, and tried again at the next look.
pub async fn due(app: &App) {
    report("expire_authorizations", expire_authorizations(app).await);
    report("turn_lots", turn_lots(app).await);
}

/// One look at rows that are too many and certificates that end.
pub async fn upkeep(app: &App) {
    report("purge", app.store().purge(app.now()).await.map(|_| ()).map_err(AppError::from));
    let forgotten = app.store().purge_requests(app.now() - requests::KEPT_FOR).await;
    report("purge_requests", forgotten.map(|_| ()).map_err(AppError::from));
    report("thin_usage", thin_usage(app).await);
    report("renew_certificates", renew_certificates(app).await);
}

fn report(job: &'static str, result: Result<(), AppError>) {
    if let Err(error) = result {
        metrics::job_failure(job);
        tracing::warn!(job, %error, "a job failed; it is tried again");
    }
}

async fn expire_authorizations(app: &App) -> Result<(), AppError> {
    loop {
        let ended = app.store().authorizations_ended(app.now(), EXPIRE_BATCH).await?;
        let is_last = ended.len() < EXPIRE_BATCH as usize;
        for (account, instances) in by_account(ended) {
            app.submit(account, by_system(Action::ExpireAuthorizations { instances })).await?;
        }
        if is_last {
            return Ok(());
        }
    }
}

async fn turn_lots(app: &App) -> Result<(), AppError> {
    let until = app.now();
    let seen = app.store().setting(LOTS_SEEN).await?;
    let after = match seen.as_deref().map(str::parse::<Timestamp>) {
        Some(Ok(after)) => after,
        Some(Err(error)) => {
            tracing::error!(%error, setting = LOTS_SEEN, "the setting can't be read; all lots are looked at");
            Timestamp::UNIX_EPOCH
        }
        // A new manager has no lots.
        None => {
            app.store().set_setting(LOTS_SEEN, &until.to_string()).await?;
            return Ok(());
        }
    };
    let turned = app.store().lots_turned(after, until).await?;
    if turned.is_empty() {
        // An idle manager writes nothing more than once an hour.
        if until.duration_since(after) < jiff::SignedDuration::from_hours(1) {
            return Ok(());
        }
    }
    for (account, lots) in by_account(turned) {
        app.submit(account, by_system(Action::ReassessLots { lots, after })).await?;
    }
    app.store().set_setting(LOTS_SEEN, &until.to_string()).await?;
    Ok(())
}

/// Makes days of the usage history's hours that are old enough.
async fn thin_usage(app: &App) -> Result<(), AppError> {
    let before = history::hours_kept_since(app.now());
    loop {
        let hours = app.store().usage_hours(before, THIN_BATCH).await?;
        let is_last = hours.len() < THIN_BATCH as usize;
        for (account, mut hours) in by_account(hours) {
            hours.sort_by(|a, b| {
                (a.virtual_account, &a.tag, a.starts_at).cmp(&(b.virtual_account, &b.tag, b.starts_at))
            });
            app.store().thin_usage(account, &hours, &history::thin(&hours)).await?;
        }
        if is_last {
            return Ok(());
        }
    }
}

async fn renew_certificates(app: &App) -> Result<(), AppError> {
    let renewing = app.clone();
    let renewed = tokio::task::spawn_blocking(move || renewing.ca().renew(renewing.config()))
        .await
        .map_err(|_| AppError::Internal)??;
    for certificate in renewed {
        tracing::info!(certificate, "certificate renewed");
    }
    for (certificate, ends_at) in app.ca().expiries()? {
        metrics::certificate_expiry(certificate, ends_at.as_second());
    }
    Ok(())
}

fn by_system(action: Action) -> Command {
    Command { actor: Actor::System, source: None, action }
}

fn by_account<T>(rows: Vec<(AccountId, T)>) -> BTreeMap<AccountId, Vec<T>> {
    let mut accounts: BTreeMap<AccountId, Vec<T>> = BTreeMap::new();
    for (account, row) in rows {
        accounts.entry(account).or_default().push(row);
    }
    accounts
}
