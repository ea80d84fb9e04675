//! The loop: take what came in, store, send, tell, wait.

use core::mem;
use core::time::Duration;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use seatpool_agent::reservation::{Step, Taken};
use seatpool_agent::{AgentEvent, Answer, Command, ContactFailure, KeyId, NewKey, State};
use seatpool_crypto::random_bytes;
use seatpool_proto::{RequestId, Signer as _};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Shared;
use super::chance::{SystemChance, key_id};
use super::change::{Change, ChangeError, ReservationChange};
use super::keyring::Borrowed;
use super::outbox::{self, Route};
use crate::disk::{Keys, StateDir};
use crate::log;
use crate::transport::{Instants, Trust};

/// How long an orderly end waits for the answer to a request under way, in real time.
const LAST_ANSWER_WITHIN: Duration = Duration::from_secs(3);

type Reply = oneshot::Sender<Result<Taken, ChangeError>>;
type Outcome = (RequestId, Result<Answer, ContactFailure>);

/// The loop's own things: nothing else touches the disk, the keys or the network.
pub struct Turns {
    shared: Arc<Shared>,
    directory: Arc<std::sync::Mutex<StateDir>>,
    keys: Keys,
    /// The keys that the last stored state names, and those of the one before: both generations on disk must
    /// stay usable.
    named: [BTreeSet<KeyId>; 2],
    /// Whether there may be keys that neither names.
    sweep: bool,
    /// Whether the state to be stored next must not be undone by the loss of one file.
    in_both: bool,
    /// Why the state that the agent wants stored is not.
    not_stored: Option<String>,
    trust: Trust,
    waiting: mpsc::Receiver<(Change, Reply)>,
    /// Changes that were made and are answered when they are durable.
    made: Vec<(Reply, Taken)>,
    contacts: JoinSet<Outcome>,
}

impl Turns {
    pub(super) fn new(
        shared: Arc<Shared>,
        directory: StateDir,
        keys: Keys,
        stored: BTreeSet<KeyId>,
        trust: Trust,
        waiting: mpsc::Receiver<(Change, Reply)>,
    ) -> Self {
        Self {
            shared,
            directory: Arc::new(std::sync::Mutex::new(directory)),
            keys,
            named: [stored.clone(), stored],
            sweep: true,
            in_both: false,
            not_stored: None,
            trust,
            waiting,
            made: Vec::new(),
            contacts: JoinSet::new(),
        }
    }

    /// Runs until every handle is gone; what was changed by then is stored.
    pub async fn run(mut self) {
        if let Some(alert) = &self.shared.restored {
            let event = AgentEvent {
                at: self.shared.clock.now(),
                code: alert.code,
                tag: None,
                message: alert.message.clone(),
            };
            log::event(&event);
            let _ = self.shared.events.send(event);
        }
        loop {
            self.store().await;
            self.answer_changes();
            if self.send() {
                continue;
            }
            self.tell();
            let deadline = self.shared.agent().poll_deadline();
            tokio::select! {
                () = self.shared.clock.sleep_until(deadline) => {
                    let now = self.shared.clock.now();
                    self.shared.agent().handle_timeout(now, &mut SystemChance);
                }
                Some(outcome) = self.contacts.join_next() => match outcome {
                    Ok((id, result)) => self.came_back(id, result),
                    Err(error) => tracing::error!("a contact was not carried through: {error}"),
                },
                change = self.waiting.recv() => match change {
                    Some(change) => {
                        self.make(change);
                        // Others that wait share the next store.
                        while let Ok(change) = self.waiting.try_recv() {
                            self.make(change);
                        }
                    }
                    None => break,
                },
            }
            // A deadline that has passed already must not keep the local API from being served.
            tokio::task::yield_now().await;
        }
        // An answer that is on its way is heard, so that nothing has to be asked again after the next start.
        if let Ok(Some(Ok((id, result)))) = timeout(LAST_ANSWER_WITHIN, self.contacts.join_next()).await {
            self.came_back(id, result);
        }
        let now = self.shared.clock.now();
        self.shared.agent().handle_stop(now);
        self.store().await;
        self.tell();
    }

    /// Makes a change in memory, or answers at once that it can't be.
    fn make(&mut self, (change, reply): (Change, Reply)) {
        match self.taken(change) {
            Ok(taken) => self.made.push((reply, taken)),
            Err(error) => {
                let _ = reply.send(Err(error));
            }
        }
    }

    fn taken(&mut self, change: Change) -> Result<Taken, ChangeError> {
        let command = match change {
            Change::Reservation(change) => return self.reserve(change),
            Change::Command(command) => command,
            Change::Usage(usage) => Command::SetUsage(usage),
            Change::Register { token, force } => {
                Command::Register { token: token.0, force, new_key: self.new_key()? }
            }
            Change::Transport(change) => {
                let mut transport = self.shared.agent().state().transport.clone();
                change.apply(&mut transport)?;
                Command::SetTransport(transport)
            }
            Change::Privacy { hostname, version } => {
                let mut privacy = self.shared.agent().state().privacy;
                privacy.hostname = hostname.unwrap_or(privacy.hostname);
                privacy.version = version.unwrap_or(privacy.version);
                Command::SetPrivacy(privacy)
            }
        };
        // Undone, it would use again what the manager was told to release.
        self.in_both |= matches!(command, Command::FactoryReset { .. });
        let now = self.shared.clock.now();
        self.shared.agent().handle_command(command, now, &mut SystemChance)?;
        Ok(Taken::Done)
    }

    fn reserve(&mut self, change: ReservationChange) -> Result<Taken, ChangeError> {
        let step = match change {
            ReservationChange::Step(step) => step,
            ReservationChange::Request(kind) => {
                // A key that turns out not to be needed is swept with the next store.
                Step::Request { kind, key: self.new_key()?, nonce: random_bytes() }
            }
        };
        // Codes leave the device with what they depend on durable in both files: a return code, say, whose reservation
        // came back with the generation before would leave its licences in two places.
        self.in_both = true;
        self.shared.hold_codes(true);
        let keyring = Borrowed { anchors: &self.trust.vendor, keys: RefCell::new(&mut self.keys) };
        let now = self.shared.clock.now();
        Ok(self.shared.agent().handle_reservation(step, &keyring, now)?)
    }

    /// A key that is durable before anything names it.
    fn new_key(&mut self) -> Result<NewKey, ChangeError> {
        self.sweep = true;
        let id = key_id();
        let key = self.keys.generate(&id.to_string()).map_err(|error| ChangeError::Key(error.to_string()))?;
        Ok(NewKey { id, public_key: key.public_key().to_vec() })
    }

    /// Stores what the agent wants stored. No input reaches the agent in between, since all come from this task.
    async fn store(&mut self) {
        self.store_all().await;
        if self.not_stored.is_none() {
            self.shared.hold_codes(false);
        }
    }

    async fn store_all(&mut self) {
        loop {
            let polled = self.shared.agent().poll_persist().map(|state| {
                let keys: BTreeSet<KeyId> = state.keys().collect();
                (serde_json::to_vec(state), keys)
            });
            let Some((bytes, keys)) = polled else { return };
            let directory = Arc::clone(&self.directory);
            let in_both = self.in_both;
            let stored = match bytes {
                Err(error) => Err(error.to_string()),
                // Off this thread, so that *may I?* is answered while the disk takes its time.
                Ok(bytes) => tokio::task::spawn_blocking(move || {
                    let mut directory = directory.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    let stored =
                        if in_both { directory.store_in_both(&bytes) } else { directory.store(&bytes) };
                    stored.map_err(|error| error.to_string())
                })
                .await
                .unwrap_or_else(|error| Err(error.to_string())),
            };
            match stored {
                Ok(()) => {
                    self.shared.agent().persisted();
                    self.not_stored = None;
                    if mem::take(&mut self.in_both) {
                        self.forget_keys(keys.clone());
                    }
                    self.forget_keys(keys);
                }
                Err(reason) => {
                    self.shared.agent().persist_failed(&reason);
                    self.not_stored = Some(reason);
                }
            }
        }
    }

    fn answer_changes(&mut self) {
        for (reply, taken) in mem::take(&mut self.made) {
            let _ = reply.send(match &self.not_stored {
                None => Ok(taken),
                Some(reason) => Err(ChangeError::NotStored(reason.clone())),
            });
        }
    }

    /// Removes keys that neither generation on disk names any more.
    fn forget_keys(&mut self, stored: BTreeSet<KeyId>) {
        self.sweep |= stored != self.named[0] || stored != self.named[1];
        self.named = [stored, mem::take(&mut self.named[0])];
        if !mem::take(&mut self.sweep) {
            return;
        }
        let kept: Vec<String> = self.named.iter().flatten().map(KeyId::to_string).collect();
        if let Err(error) = self.keys.keep_only(&kept) {
            tracing::warn!("a key that is not needed any more could not be removed: {error}");
        }
    }

    /// Sends what is to be sent; whether the agent heard back at once.
    fn send(&mut self) -> bool {
        let Some(transmit) = self.shared.agent().poll_transmit() else { return false };
        let request_id = transmit.request.request_id;
        let (transport, instants) = {
            let agent = self.shared.agent();
            let local = self.shared.clock.now();
            let state: &State = agent.state();
            (state.transport.clone(), Instants { local, estimate: state.clock.at(local) })
        };
        let ready = Route::new(&transport, &self.shared.config)
            .and_then(|route| Ok((route, outbox::sign(&transmit, &mut self.keys)?)));
        match ready {
            Ok((route, body)) => {
                let trust = self.trust.clone();
                self.contacts.spawn(async move {
                    (request_id, outbox::send(transmit, route, body, trust, instants).await)
                });
                false
            }
            Err(failure) => {
                self.came_back(request_id, Err(failure));
                true
            }
        }
    }

    fn came_back(&mut self, request_id: RequestId, result: Result<Answer, ContactFailure>) {
        let now = self.shared.clock.now();
        let mut agent = self.shared.agent();
        match result {
            Ok(answer) => agent.handle_answer(answer, now, &mut SystemChance),
            Err(failure) => agent.handle_failure(request_id, failure, now, &mut SystemChance),
        }
    }

    /// Logs and forwards events, and lets those who wait for a change look again.
    fn tell(&mut self) {
        loop {
            let event = self.shared.agent().poll_event();
            let Some(event) = event else { break };
            log::event(&event);
            // Nobody needs to be listening.
            let _ = self.shared.events.send(event);
        }
        self.shared.revision.send_modify(|revision| *revision += 1);
    }
}
