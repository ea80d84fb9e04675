//! Requests that are done once however often they are sent (`Idempotency-Key`).
//!
//! A key is claimed durably before anything is done. Every command that the ledger decides for the request is stored
//! together with what it came to, in one transaction; the whole answer is stored after it. So, of a request that is
//! sent again with its key: one that was answered gets the same answer; one whose manager died on the way goes
//! through the same steps again, and commands that had been stored are not decided again but give what they came to.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::SignedDuration;
use seatpool_domain::Outcome;
use seatpool_domain::command::Actor;
use seatpool_proto::Sha256;
use seatpool_store::RequestKey;

use super::access::Principal;
use super::{App, AppError};
use crate::ca::CaError;

/// How long it is known what came of a request.
pub const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24);

tokio::task_local! {
    /// The request that the running task serves.
    static SERVED: Arc<Served>;
}

/// Keys of requests that are under way in this process.
#[derive(Debug, Default)]
pub(crate) struct UnderWay(Mutex<BTreeSet<RequestKey>>);

/// What became of a claim to a key.
pub enum Claim {
    /// The request is to be done: the first time, or again because nobody knows of an answer.
    Do(Turn),
    /// It was answered.
    Answered(Vec<u8>),
    /// It is being done at this moment.
    UnderWay,
    /// The key belongs to another request.
    Differs,
}

/// The right to do a request. Dropped, the key may be claimed again.
pub struct Turn {
    app: App,
    served: Arc<Served>,
}

struct Served {
    key: RequestKey,
    progress: Mutex<Progress>,
}

/// What is known of the request's commands, in their order.
#[derive(Default)]
struct Progress {
    outcomes: Vec<Outcome>,
    /// How many of them this run has asked for.
    asked: usize,
}

/// What the ledger stores with the outcome of a request's command.
#[derive(Clone)]
pub(super) struct Mark {
    pub(super) key: RequestKey,
    /// What the request's commands before it came to.
    pub(super) before: Vec<Outcome>,
}

impl Mark {
    /// As it is stored: what all commands of the request came to so far, this one last.
    pub(super) fn with(&self, outcome: &Outcome) -> String {
        let all: Vec<&Outcome> = self.before.iter().chain([outcome]).collect();
        // Ids, names and texts: writing them can't fail.
        serde_json::to_string(&all).unwrap_or_default()
    }
}

/// Claims `key` for a request of `principal`; `request` is the hash of all that it asks for.
pub async fn claim(app: &App, principal: &Principal, key: &str, request: Sha256) -> Result<Claim, AppError> {
    let kind = match &principal.actor {
        Actor::User(_) => "user",
        Actor::Client(_) => "client",
        Actor::Instance(_) => "instance",
        Actor::System => "system",
    };
    let key = RequestKey {
        account: principal.account,
        principal: format!("{kind}:{}", principal.actor.name()),
        key: Sha256::of(key),
    };
    if !app.under_way().lock().insert(key.clone()) {
        return Ok(Claim::UnderWay);
    }
    // From here on the key is given free when the turn is dropped.
    let served = Arc::new(Served { key, progress: Mutex::default() });
    let turn = Turn { app: app.clone(), served };
    let known = app.store().claim_request(&turn.served.key, request, app.now()).await?;
    if known.request != request {
        return Ok(Claim::Differs);
    }
    if let Some(sealed) = known.answer {
        let answer = app.ca().unseal(&answer_to(&turn.served.key), &sealed);
        let answer = answer.ok_or(CaError::Sealed("the kept answer to a request"))?;
        return Ok(Claim::Answered(answer.to_vec()));
    }
    turn.served.progress().outcomes = serde_json::from_str(&known.outcomes).map_err(|error| {
        tracing::error!(%error, "what a request came to can't be read");
        AppError::Internal
    })?;
    Ok(Claim::Do(turn))
}

impl Turn {
    /// Does the request: commands that it submits are tied to its key.
    pub async fn run<T>(&self, request: impl Future<Output = T>) -> T {
        SERVED.scope(Arc::clone(&self.served), request).await
    }

    /// Keeps the answer.
    pub async fn finish(self, answer: &[u8]) -> Result<(), AppError> {
        let sealed = self.app.ca().seal(&answer_to(&self.served.key), answer)?;
        Ok(self.app.store().finish_request(&self.served.key, &sealed).await?)
    }

    /// The request did not come off: unless a command of it was stored, nothing is known of it any more.
    pub async fn give_up(self) -> Result<(), AppError> {
        Ok(self.app.store().give_up_request(&self.served.key).await?)
    }
}

/// What an answer is sealed for: the account, the principal and the key that it answers.
fn answer_to(key: &RequestKey) -> String {
    format!("answer to {}, {}, {}", key.account, key.principal, key.key)
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.app.under_way().lock().remove(&self.served.key);
    }
}

impl Served {
    fn progress(&self) -> std::sync::MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl UnderWay {
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<RequestKey>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a command is to be submitted.
pub(super) enum Submission {
    /// No request that is done once is served.
    Plain,
    /// With this mark.
    Marked(Mark),
    /// Not at all: it was stored before, and came to this.
    Stored(Box<Outcome>),
}

/// How the next command of the running task is to be submitted.
pub(super) fn next_command() -> Submission {
    let Ok(served) = SERVED.try_with(Arc::clone) else { return Submission::Plain };
    let mut progress = served.progress();
    let asked = progress.asked;
    progress.asked += 1;
    match progress.outcomes.get(asked) {
        Some(known) => Submission::Stored(Box::new(known.clone())),
        None => Submission::Marked(Mark { key: served.key.clone(), before: progress.outcomes.clone() }),
    }
}

/// The command that [`next_command`] marked was stored.
pub(super) fn stored(outcome: &Outcome) {
    let _ = SERVED.try_with(|served| served.progress().outcomes.push(outcome.clone()));
}
