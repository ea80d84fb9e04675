//! The daemon's heart: one task that hands inputs to the agent and does what the agent polls out, in the
//! order that the agent's documentation lays down (store, then send, then wait, then tell).
//!
//! Changes reach the agent through that one task, so that none can slip in between taking a state to be
//! stored and saying that it is. A change is answered only when the state that it led to is durable. Questions
//! (*may I?*, status) are answered from memory at once.

mod chance;
mod change;
mod keyring;
mod outbox;
mod turn;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use seatpool_agent::profile::InvalidProfile;
use seatpool_agent::reservation::Taken;
use seatpool_agent::status::Alert;
use seatpool_agent::{Agent, AgentEvent, Decision, EventCode, Identity, Profile, State, Status};
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use crate::clock::Clock;
use crate::config::Config;
use crate::disk::{Keys, StateDir};
use crate::{identity, trust};

pub use change::{
    Change, ChangeError, DEFAULT_PROXY_PORT, ProxyChange, ReservationChange, Setting, TransportChange,
};
pub use turn::Turns;

/// How many events a slow reader of the stream may lag behind before it misses some.
const EVENTS_HELD: usize = 256;
/// How many changes may wait for the one under way.
const CHANGES_WAITING: usize = 256;

/// A running agent, as the local API sees it.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
    changes: mpsc::Sender<(Change, oneshot::Sender<Result<Taken, ChangeError>>)>,
}

/// A feature that the profile does not name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the profile {profile} knows no feature {feature:?} that could be restricted; it knows {known}")]
pub struct UnknownFeature {
    /// As it was asked for.
    pub feature: String,
    /// The profile's name.
    pub profile: String,
    /// Those that it names.
    pub known: String,
}

pub(super) struct Shared {
    agent: Mutex<Agent>,
    clock: Clock,
    config: Config,
    /// Counts the turns after which something may look different.
    revision: watch::Sender<u64>,
    events: broadcast::Sender<AgentEvent>,
    /// Whether there are codes that the agent has made and that are not durable: none is shown until then.
    holding_codes: AtomicBool,
    /// The shell's own alert: an older generation of the state is in use.
    restored: Option<Alert>,
}

impl Shared {
    /// The agent. The lock is never held across a wait, and a panic of another holder can't have left it
    /// half changed in a way that matters more than going on.
    pub(super) fn agent(&self) -> MutexGuard<'_, Agent> {
        self.agent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Called before the agent makes codes, and when they are durable.
    pub(super) fn hold_codes(&self, hold: bool) {
        self.holding_codes.store(hold, Ordering::SeqCst);
    }
}

impl Handle {
    /// Asks for a change, and returns when it is durable or refused.
    pub async fn change(&self, change: Change) -> Result<(), ChangeError> {
        self.taken(change).await.map(|_| ())
    }

    /// Takes a step of a reservation, and returns what came of it when that is durable.
    pub async fn reserve(&self, change: ReservationChange) -> Result<Taken, ChangeError> {
        self.taken(Change::Reservation(change)).await
    }

    async fn taken(&self, change: Change) -> Result<Taken, ChangeError> {
        let (reply, answer) = oneshot::channel();
        self.changes.send((change, reply)).await.map_err(|_| ChangeError::Ending)?;
        answer.await.unwrap_or(Err(ChangeError::Ending))
    }

    /// Everything that can be shown, with the shell's own alerts beside the agent's.
    pub fn status(&self) -> Status {
        let mut status = self.shared.agent().status(self.shared.clock.now());
        // Asked after the status was taken: what it holds was durable by then, if none is held now.
        if self.shared.holding_codes.load(Ordering::SeqCst) {
            let reservation = &mut status.reservation;
            reservation.request_code = None;
            reservation.last_confirmation_code = None;
            reservation.last_return_code = None;
        }
        status.alerts.extend(self.shared.restored.clone());
        if status.transport.url.is_none() {
            status.transport.url.clone_from(&self.shared.config.manager_url);
        }
        status
    }

    /// *May I?*, from memory. A feature that the profile does not name is refused, so that a misspelt one can't
    /// pass for allowed.
    pub fn may_i(&self, feature: &str) -> Result<Decision, UnknownFeature> {
        let agent = self.shared.agent();
        let profile = agent.profile();
        let exports = profile.export_features.iter().map(|known| &known.name);
        let known: Vec<&str> =
            profile.enforcement.blocked.iter().chain(exports).map(String::as_str).collect();
        if known.contains(&feature) {
            return Ok(agent.may_i(feature, self.shared.clock.now()));
        }
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Err(UnknownFeature { feature: feature.to_owned(), profile: agent.profile().name.clone(), known })
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.shared.config
    }

    /// Counts up whenever something may look different.
    pub fn revision(&self) -> watch::Receiver<u64> {
        self.shared.revision.subscribe()
    }

    /// Events from now on.
    pub fn events(&self) -> broadcast::Receiver<AgentEvent> {
        self.shared.events.subscribe()
    }
}

/// Opens the state directory, reads the trust anchors and the profile, and wakes the agent with what it
/// remembers. Nothing is sent before [`Turns::run`].
pub fn start(config: Config) -> anyhow::Result<(Handle, Turns)> {
    let trust = trust::read(&config.trust_anchors, &config.tls_anchors)?;
    let clock = match config.time_lapse {
        None => Clock::real(),
        Some(lapse) => Clock::lapsed(lapse, &trust.vendor)?,
    };
    let profile = profile(&config.profile)?;
    let (directory, found) = StateDir::open(&config.state_dir)?;
    let keys = Keys::open(&directory)?;
    let state: Option<State> = found
        .state
        .map(|bytes| serde_json::from_slice(&bytes))
        .transpose()
        .with_context(|| {
            format!(
                "the state in {} is whole, but of a shape that this version can't read: start the version that wrote it",
                config.state_dir.display()
            )
        })?;
    let udi = identity::udi(&config, &profile.name.to_ascii_uppercase(), &directory, state.as_ref())?;
    if let Some(state) = state.as_ref().filter(|state| state.udi.uuid != udi.uuid) {
        let aside = directory.set_aside()?;
        tracing::warn!(
            "the stored state is of another machine ({}), and this one is {udi}: it is kept with its keys in {}, and is not used here",
            state.udi,
            aside.display()
        );
    }
    let identity = Identity {
        udi,
        product_name: config.product_name.clone().unwrap_or_else(|| profile.title.clone()),
        product_version: Some(config.product_version.clone()),
        host_name: config.host_name.clone().or_else(identity::host_name),
    };
    let restored = found.fallback.map(|damage| Alert {
        code: EventCode::StateRestored,
        severity: EventCode::StateRestored.severity(),
        since: Some(clock.now()),
        tag: None,
        message: format!(
            "The newest stored state was damaged ({damage}); the one before it is in use, and what changed since is lost. Check the disk; if the status is not as expected, register again."
        ),
    });
    let stored_keys = state.as_ref().map(|state| state.keys().collect()).unwrap_or_default();
    let agent = Agent::new(profile, identity, state, clock.now());
    let (changes, waiting) = mpsc::channel(CHANGES_WAITING);
    let shared = Arc::new(Shared {
        agent: Mutex::new(agent),
        clock,
        config,
        revision: watch::Sender::new(0),
        events: broadcast::Sender::new(EVENTS_HELD),
        holding_codes: AtomicBool::new(false),
        restored,
    });
    let turns = Turns::new(Arc::clone(&shared), directory, keys, stored_keys, trust, waiting);
    Ok((Handle { shared, changes }, turns))
}

/// A profile that ships with Seatpool, by name, or one in a file.
fn profile(name: &str) -> anyhow::Result<Profile> {
    if name.contains('/') || Path::new(name).extension().is_some_and(|extension| extension == "toml") {
        let text =
            std::fs::read_to_string(name).with_context(|| format!("the profile {name} can't be read"))?;
        return Profile::from_toml(&text).with_context(|| format!("in {name}"));
    }
    Profile::shipped(name).map_err(|error| match error {
        InvalidProfile::Unknown(_) => {
            let shipped: Vec<&str> = Profile::SHIPPED.iter().map(|(name, _)| *name).collect();
            anyhow::anyhow!("{error}: choose {}, or name a TOML file by its path", shipped.join(" or "))
        }
        error => error.into(),
    })
}
