//! The use cases. Everything that comes in by HTTP, a command line or a timer ends here, and only here is the
//! store touched.

pub mod access;
pub mod accounts;
pub mod agents;
pub mod alerts;
pub mod audit;
pub mod catalogue;
pub mod clients;
pub mod declarations;
pub mod events;
pub mod explain;
pub mod forms;
pub mod instances;
pub mod inventory;
mod ledger;
pub mod orders;
pub mod preferences;
pub mod rehearsal;
pub mod renewals;
pub mod reports;
pub mod requests;
pub mod reservations;
pub mod tokens;
pub mod users;

use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use jiff::Timestamp;
use seatpool_domain::{Catalogue, Command, Outcome, Policy, Refused, Workset};
use seatpool_proto::AccountId;
use seatpool_store::{Store, StoreError};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::ca::{Ca, CaError};
use crate::clock::{Clock, NewIds, monotonic};
use crate::config::Config;
use access::Gate;
use agents::limiter::FailureLimiter;
use ledger::Ledger;
use requests::{Submission, UnderWay};

/// Why a use case did not come about. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// It was decided against.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The role of whoever asks does not include it.
    #[error("this needs the role {needs}, which you do not hold here")]
    Forbidden {
        /// Whose it is, in words.
        needs: &'static str,
    },
    /// Its roles include it, but not its scopes.
    #[error("this needs the scope {scope}, which this client or its access token was not given")]
    OutOfScope {
        /// Which.
        scope: &'static str,
    },
    /// Nothing can be stored or read at the moment; it can be tried again.
    #[error("{reason}")]
    Unavailable {
        /// Why, for people.
        reason: String,
    },
    /// Too many passwords are being checked at the same time. None was looked at.
    #[error("too many people sign in at this moment: try again in {seconds} seconds")]
    Busy {
        /// In how long to try again.
        seconds: u64,
    },
    /// The manager failed in a way that it did not expect; the log says how.
    #[error("the manager failed in a way that it did not expect; its log says how")]
    Internal,
}

impl From<StoreError> for AppError {
    fn from(error: StoreError) -> Self {
        if error.is_unavailable() {
            Self::Unavailable { reason: error.to_string() }
        } else {
            tracing::error!(%error, "the database answered in a way that was not expected");
            Self::Internal
        }
    }
}

impl From<CaError> for AppError {
    fn from(error: CaError) -> Self {
        tracing::error!(%error, "a key or certificate could not be used");
        Self::Internal
    }
}

/// The manager's use cases with all they need. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    config: Config,
    clock: Clock,
    store: Store,
    catalogue: Arc<Catalogue>,
    policy: Policy,
    ca: Ca,
    ledger: Ledger,
    gate: Gate,
    token_failures: FailureLimiter,
    under_way: UnderWay,
    /// Codes of reservations that were entered wrong.
    entries: reservations::Entries,
    signed: reservations::Signed,
    turns: forms::Turns,
    /// Pages that showed a secret lately.
    shown: forms::Shown,
    /// Domains of accounts that were looked up; accounts are never deleted, and a domain never changes.
    domains: RwLock<HashMap<AccountId, String>>,
    /// When the store was last probed, and what came of it.
    probed: Mutex<Option<(Instant, Result<(), String>)>>,
}

/// What an [`App`] is made of.
pub struct Parts {
    /// The checked configuration.
    pub config: Config,
    /// The one clock.
    pub clock: Clock,
    /// The opened and migrated store.
    pub store: Store,
    /// All tags that exist.
    pub catalogue: Catalogue,
    /// The manager's periods.
    pub policy: Policy,
    /// The keys.
    pub ca: Ca,
}

/// How long a source that sent [`TOKEN_FAILURES_MAX`] wrong tokens has to wait at most.
pub const TOKEN_FAILURES_WINDOW: Duration = Duration::from_mins(1);
/// How many wrong registration tokens one address may send within [`TOKEN_FAILURES_WINDOW`]. Tokens hold 160
/// bits that can't be guessed: the limit keeps the log readable and the load low.
pub const TOKEN_FAILURES_MAX: u32 = 20;

/// How long a readiness check's result stands.
pub const PROBE_EVERY: Duration = Duration::from_millis(500);

impl core::fmt::Debug for App {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("App")
    }
}

impl App {
    /// Joins the parts.
    pub fn new(parts: Parts) -> Self {
        let catalogue = Arc::new(parts.catalogue);
        let ledger = Ledger::new(
            parts.store.clone(),
            Arc::clone(&catalogue),
            parts.policy,
            parts.clock,
            // SQLite takes one writer at a time.
            parts.config.database.url.starts_with("sqlite:"),
        );
        let oidc = parts.config.oidc.clone().map(access::oidc::Provider::new);
        Self(Arc::new(Inner {
            config: parts.config,
            clock: parts.clock,
            store: parts.store,
            catalogue,
            policy: parts.policy,
            ca: parts.ca,
            ledger,
            gate: Gate { oidc, ..Gate::default() },
            turns: forms::Turns::default(),
            shown: forms::Shown::default(),
            token_failures: FailureLimiter::new(TOKEN_FAILURES_MAX, TOKEN_FAILURES_WINDOW),
            under_way: UnderWay::default(),
            entries: reservations::Entries::default(),
            signed: reservations::Signed::default(),
            domains: RwLock::default(),
            probed: Mutex::default(),
        }))
    }

    /// The facts, to be read; what licensing depends on is written by [`App::submit`] alone.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// All tags that exist.
    pub fn catalogue(&self) -> &Catalogue {
        &self.0.catalogue
    }

    /// The manager's periods.
    pub fn policy(&self) -> &Policy {
        &self.0.policy
    }

    /// The keys: token texts, certificates, signed answers.
    pub fn ca(&self) -> &Ca {
        &self.0.ca
    }

    /// The checked configuration.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// The one clock.
    pub fn clock(&self) -> Clock {
        self.0.clock
    }

    /// The present time.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// A new id.
    pub fn new_id(&self) -> Uuid {
        NewIds(self.0.clock).uuid()
    }

    /// Has a command decided by the account's ledger. When it returns, the outcome is durable; it is decided
    /// and stored even if the caller goes away while it waits.
    pub async fn submit(&self, account: AccountId, command: Command) -> Result<Outcome, AppError> {
        match requests::next_command() {
            Submission::Plain => self.0.ledger.submit(account, command, None).await,
            Submission::Stored(outcome) => Ok(*outcome),
            Submission::Marked(mark) => {
                let outcome = self.0.ledger.submit(account, command, Some(mark)).await?;
                requests::stored(&outcome);
                Ok(outcome)
            }
        }
    }

    /// Decides commands one after the other without storing anything: the facts that they touch, as they are and as
    /// they would be.
    async fn rehearse(
        &self,
        account: AccountId,
        commands: Vec<Command>,
    ) -> Result<(Workset, Workset), AppError> {
        self.0.ledger.rehearse(account, commands).await
    }

    /// Whether something small can be stored durably. Asked more often than every [`PROBE_EVERY`], it repeats
    /// what it found, so that asking costs nobody anything.
    pub async fn probe(&self) -> Result<(), String> {
        let mut last = self.0.probed.lock().await;
        if let Some((at, found)) = &*last
            && at.elapsed() < PROBE_EVERY
        {
            return found.clone();
        }
        let found = self.0.store.probe().await.map_err(|e| e.to_string());
        *last = Some((monotonic(), found.clone()));
        found
    }

    /// The domain of an account, if it is on this manager.
    pub(crate) async fn known_domain(&self, account: AccountId) -> Result<Option<String>, AppError> {
        let known = self.0.domains.read().unwrap_or_else(PoisonError::into_inner).get(&account).cloned();
        if known.is_some() {
            return Ok(known);
        }
        let found = self.0.store.account(account).await?.map(|account| account.domain);
        if let Some(domain) = &found {
            let mut domains = self.0.domains.write().unwrap_or_else(PoisonError::into_inner);
            domains.insert(account, domain.clone());
        }
        Ok(found)
    }

    /// What sign-ins share.
    pub(crate) fn gate(&self) -> &Gate {
        &self.0.gate
    }

    /// Whose turn it is to work on a form.
    pub(crate) fn turns(&self) -> &forms::Turns {
        &self.0.turns
    }

    /// Pages that showed a secret lately.
    pub(crate) fn shown(&self) -> &forms::Shown {
        &self.0.shown
    }

    /// Codes of reservations that were entered wrong.
    pub(crate) fn entries(&self) -> &reservations::Entries {
        &self.0.entries
    }

    /// Authorization codes that were signed lately.
    pub(crate) fn signed(&self) -> &reservations::Signed {
        &self.0.signed
    }

    /// Requests that are done once however often they are sent, and are being done.
    pub(crate) fn under_way(&self) -> &UnderWay {
        &self.0.under_way
    }

    pub(crate) fn token_failures(&self) -> &FailureLimiter {
        &self.0.token_failures
    }
}
