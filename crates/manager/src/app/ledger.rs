//! The ledger: the one way by which what licensing depends on is written.
//!
//! Each account has an actor that exists while there is something to do. It gathers the commands that arrive
//! while the last commit is under way (up to [`BATCH_MAX`]), loads what they touch, has the domain decide them
//! in order, writes all in one transaction, and only then answers each. A command whose decision panics is
//! answered [`AppError::Internal`], and the others of its batch are decided anew without it.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use seatpool_domain::command::Action;
use seatpool_domain::{Catalogue, Command, Context, Outcome, Policy, Refused, Touches, Workset, apply};
use seatpool_proto::AccountId;
use seatpool_store::{Store, StoreError};
use tokio::sync::{Semaphore, oneshot};

use super::AppError;
use super::requests::Mark;
use crate::clock::{Clock, NewIds, monotonic};
use crate::ops::metrics;

/// Most commands in one transaction.
const BATCH_MAX: usize = 256;
/// Most commands that wait for one account; more are refused, so that memory stays bounded.
const QUEUE_MAX: usize = 8192;

#[derive(Clone)]
pub(super) struct Ledger(Arc<Inner>);

struct Inner {
    store: Store,
    catalogue: Arc<Catalogue>,
    policy: Policy,
    clock: Clock,
    /// SQLite has one writer: accounts take turns here rather than in its busy handler.
    writers: Option<Semaphore>,
    decide: Decide,
    queues: Mutex<HashMap<AccountId, VecDeque<Job>>>,
}

/// How a command is decided: [`apply`], or a test's.
type Decide = fn(Command, &mut Workset, &mut Context<'_>) -> Result<Outcome, Refused>;

struct Job {
    command: Command,
    /// Of a request that is done once: what its outcome is stored with.
    mark: Option<Mark>,
    answer: oneshot::Sender<Result<Outcome, AppError>>,
}

impl Ledger {
    pub(super) fn new(
        store: Store,
        catalogue: Arc<Catalogue>,
        policy: Policy,
        clock: Clock,
        one_writer: bool,
    ) -> Self {
        let writers = one_writer.then(|| Semaphore::new(1));
        Self(Arc::new(Inner {
            store,
            catalogue,
            policy,
            clock,
            writers,
            decide: apply,
            queues: Mutex::default(),
        }))
    }

    pub(super) async fn submit(
        &self,
        account: AccountId,
        command: Command,
        mark: Option<Mark>,
    ) -> Result<Outcome, AppError> {
        let (answer, answered) = oneshot::channel();
        if self.enqueue(account, Job { command, mark, answer })? {
            let ledger = Arc::clone(&self.0);
            tokio::spawn(async move { ledger.run(account).await });
        }
        answered.await.unwrap_or(Err(AppError::Internal))
    }

    /// Decides commands one after the other without storing anything: the facts that they touch, as they are and as
    /// they would be.
    pub(super) async fn rehearse(
        &self,
        account: AccountId,
        commands: Vec<Command>,
    ) -> Result<(Workset, Workset), AppError> {
        let inner = &self.0;
        let now = inner.clock.now();
        let mut touches = Touches { now: Some(now), ..Touches::default() };
        for command in &commands {
            touches.unite(command.touches());
        }
        let before = {
            let _turn = match &inner.writers {
                Some(writers) => writers.acquire().await.ok(),
                None => None,
            };
            // Dropped at once, so that nobody waits for a rehearsal.
            inner.store.begin(account, &touches, &inner.catalogue).await?.workset.clone()
        };
        let mut after = before.clone();
        let mut ids = NewIds(inner.clock);
        for command in commands {
            let mut context =
                Context { now, catalogue: &inner.catalogue, policy: &inner.policy, ids: &mut ids };
            catch_unwind(AssertUnwindSafe(|| (inner.decide)(command, &mut after, &mut context)))
                .map_err(|_| AppError::Internal)??;
        }
        Ok((before, after))
    }

    /// Whether the account has no actor yet.
    fn enqueue(&self, account: AccountId, job: Job) -> Result<bool, AppError> {
        let mut queues = self.0.queues.lock().unwrap_or_else(PoisonError::into_inner);
        // An account has a queue exactly while it has an actor.
        let starts = !queues.contains_key(&account);
        let queue = queues.entry(account).or_default();
        if queue.len() >= QUEUE_MAX {
            return Err(AppError::Unavailable {
                reason: format!("{QUEUE_MAX} requests of this account are waiting already"),
            });
        }
        queue.push_back(job);
        Ok(starts)
    }
}

/// Ends the actor's queue should the actor itself be torn down, so that the next command starts a new one.
struct Turn<'a> {
    inner: &'a Inner,
    account: AccountId,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.inner.queues.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.account);
    }
}

impl Inner {
    async fn run(&self, account: AccountId) {
        let turn = Turn { inner: self, account };
        while let Some(jobs) = self.next_batch(account) {
            self.settle(account, jobs).await;
        }
        // `next_batch` took the queue away under the lock: a newer actor's must stay.
        core::mem::forget(turn);
    }

    /// The next commands, or the end of the actor: its queue is gone then.
    fn next_batch(&self, account: AccountId) -> Option<Vec<Job>> {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = queues.get_mut(&account)?;
        if queue.is_empty() {
            queues.remove(&account);
            return None;
        }
        let count = queue.len().min(BATCH_MAX);
        Some(queue.drain(..count).collect())
    }

    /// Decides, stores and answers all `jobs`.
    async fn settle(&self, account: AccountId, mut jobs: Vec<Job>) {
        while !jobs.is_empty() {
            let started = monotonic();
            match self.attempt(account, &jobs).await {
                Ok(outcomes) => {
                    metrics::ledger_batch(jobs.len(), started.elapsed());
                    for (job, outcome) in jobs.drain(..).zip(outcomes) {
                        // Whoever asked may have gone; what was decided stays.
                        let _ = job.answer.send(outcome);
                    }
                }
                Err(Failed::Panicked(index)) => {
                    let job = jobs.remove(index);
                    tracing::error!(%account, index, "a decision panicked; nothing of it was stored");
                    let _ = job.answer.send(Err(AppError::Internal));
                }
                // One command that can't be stored must not take the others down with it.
                Err(Failed::Store(error)) if !error.is_unavailable() && jobs.len() > 1 => {
                    tracing::error!(%account, %error, commands = jobs.len(), "a batch failed; each command is tried alone");
                    for job in jobs.drain(..) {
                        let job = vec![job];
                        Box::pin(self.settle(account, job)).await;
                    }
                }
                // Unique on the whole manager, which the account's facts could not tell.
                Err(Failed::Store(StoreError::Exists { .. })) if taken(&jobs).is_some() => {
                    for job in jobs.drain(..) {
                        let refused = taken(std::slice::from_ref(&job)).map(AppError::Refused);
                        let _ = job.answer.send(Err(refused.unwrap_or(AppError::Internal)));
                    }
                }
                Err(Failed::Store(error)) => {
                    metrics::ledger_failure();
                    let reason = error.to_string();
                    let unavailable = error.is_unavailable();
                    tracing::error!(%account, %error, commands = jobs.len(), "nothing could be stored");
                    for job in jobs.drain(..) {
                        let _ = job.answer.send(Err(if unavailable {
                            AppError::Unavailable { reason: reason.clone() }
                        } else {
                            AppError::Internal
                        }));
                    }
                }
            }
        }
    }

    async fn attempt(
        &self,
        account: AccountId,
        jobs: &[Job],
    ) -> Result<Vec<Result<Outcome, AppError>>, Failed> {
        let mut touches = Touches { now: Some(self.clock.now()), ..Touches::default() };
        for job in jobs {
            touches.unite(job.command.touches());
        }
        let _turn = match &self.writers {
            Some(writers) => writers.acquire().await.ok(),
            None => None,
        };
        let mut batch = self.store.begin(account, &touches, &self.catalogue).await?;
        let mut ids = NewIds(self.clock);
        let mut outcomes = Vec::with_capacity(jobs.len());
        for (index, job) in jobs.iter().enumerate() {
            let mut context = Context {
                now: self.clock.now(),
                catalogue: &self.catalogue,
                policy: &self.policy,
                ids: &mut ids,
            };
            let command = job.command.clone();
            // A workset that a panic left half-changed is dropped with its batch.
            let decided =
                catch_unwind(AssertUnwindSafe(|| (self.decide)(command, &mut batch.workset, &mut context)));
            let decided = decided.map_err(|_| Failed::Panicked(index))?;
            if let (Ok(outcome), Some(mark)) = (&decided, &job.mark) {
                batch.outcomes.insert(mark.key.clone(), mark.with(outcome));
            }
            outcomes.push(decided.map_err(AppError::Refused));
        }
        if batch.workset.is_changed() {
            batch.commit().await?;
        }
        Ok(outcomes)
    }
}

/// What a lone command would have made of a name that another account has taken.
fn taken(jobs: &[Job]) -> Option<Refused> {
    let [job] = jobs else { return None };
    let Action::Access { change, .. } = &job.command.action else { return None };
    let (what, name) = change.unique_name()?;
    Some(Refused::Exists { what, name: name.trim().to_lowercase() })
}

enum Failed {
    Store(StoreError),
    /// The decision at this place panicked.
    Panicked(usize),
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

#[cfg(test)]
mod tests;
