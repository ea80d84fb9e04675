//! The desk: takes commands one after the other, asks the agent, changes the centre, tells the agent, and
//! says what was done.

use jiff::Timestamp;
use serde::Serialize;

use crate::centre::{Centre, Kind};
use crate::clock::Clock;
use crate::command::Command;
use crate::licensing::Licensing;

/// What was done, for people and programs.
#[derive(Clone, Debug, Serialize)]
pub struct Done {
    /// When, by the product's clock.
    pub at: Timestamp,
    /// What, as a sentence.
    pub text: String,
    /// How many seats came, left, or users were added.
    pub done: u64,
    /// How many were asked for and could not.
    pub refused: u64,
    /// Why not.
    pub reason: Option<String>,
    /// Premium seats signed in now.
    pub premium: u64,
    /// Standard seats signed in now.
    pub standard: u64,
    /// Known users.
    pub users: u64,
}

/// A contact centre with its agent.
#[derive(Debug)]
pub struct Desk {
    centre: Centre,
    licensing: Licensing,
    clock: Clock,
}

impl Desk {
    /// Opens the desk. Nobody is signed in, and the agent is told so.
    pub async fn open(centre: Centre, licensing: Licensing, clock: Clock) -> anyhow::Result<Self> {
        licensing.report(&centre).await?;
        Ok(Self { centre, licensing, clock })
    }

    /// Tells the agent what is in use now.
    pub async fn report(&self) -> anyhow::Result<()> {
        Ok(self.licensing.report(&self.centre).await?)
    }

    /// Carries out a command.
    pub async fn carry_out(&mut self, command: Command) -> anyhow::Result<Done> {
        match command {
            Command::SignIn(count, kind) => self.sign_in(count, kind).await,
            Command::SignOut(count, kind) => {
                let left = self.centre.sign_out(count, kind);
                self.licensing.report(&self.centre).await?;
                let refused = count - left;
                let reason = (refused > 0).then(|| "no more were signed in".to_owned());
                Ok(self.done(format!("{left} seats signed out"), left, refused, reason))
            }
            Command::AddUsers(count) => {
                let (mut added, mut reason) = (0, None);
                while added < count && reason.is_none() {
                    reason = self.sync_user().await?;
                    added += u64::from(reason.is_none());
                }
                Ok(self.done(format!("{added} users synchronized"), added, count - added, reason))
            }
            Command::Status => {
                let status = self.licensing.status().await?.status;
                let words = format!("{}, {}", status.registration.words, status.authorization.words);
                Ok(self.done(words, 0, 0, None))
            }
            Command::Quit => {
                let left = self.centre.sign_out(u64::MAX, None);
                self.licensing.report(&self.centre).await?;
                Ok(self.done(format!("closed; {left} seats signed out"), left, 0, None))
            }
        }
    }

    async fn sign_in(&mut self, count: u64, kind: Kind) -> anyhow::Result<Done> {
        let (mut came, mut reason) = (0, None);
        while came < count {
            reason = self.refusal(kind).await?;
            if reason.is_some() || !self.centre.sign_in(kind) {
                break;
            }
            came += 1;
        }
        // Those that a reservation does not cover leave again before anyone is told that they came.
        while let Err(refused) = self.licensing.claim(&self.centre).await? {
            reason = Some(refused.0);
            if came == 0 {
                break;
            }
            came -= self.centre.sign_out(1, Some(kind));
        }
        Ok(self.done(format!("{came} {kind} seats signed in"), came, count - came, reason))
    }

    /// Why the next seat can't sign in, if it can't.
    async fn refusal(&mut self, kind: Kind) -> anyhow::Result<Option<String>> {
        if let Err(full) = self.centre.has_room() {
            return Ok(Some(full.to_string()));
        }
        if let Err(refused) = self.licensing.may_sign_in(kind).await? {
            return Ok(Some(refused.0));
        }
        if self.centre.needs_user() {
            return self.sync_user().await;
        }
        Ok(None)
    }

    /// Synchronizes one user, or says why not.
    async fn sync_user(&mut self) -> anyhow::Result<Option<String>> {
        match self.licensing.may_sync_users().await? {
            Ok(()) => {
                self.centre.add_user();
                Ok(None)
            }
            Err(refused) => Ok(Some(format!("users are not synchronized. {}", refused.0))),
        }
    }

    fn done(&self, text: String, done: u64, refused: u64, reason: Option<String>) -> Done {
        Done {
            at: self.clock.now(),
            text,
            done,
            refused,
            reason,
            premium: self.centre.seats(Kind::Premium),
            standard: self.centre.seats(Kind::Standard),
            users: self.centre.users(),
        }
    }
}

impl core::fmt::Display for Done {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { at, text, premium, standard, .. } = self;
        write!(f, "{} {text}", at.strftime("%b %d %H:%M:%S"))?;
        if let (refused @ 1.., Some(reason)) = (self.refused, &self.reason) {
            write!(f, "; {refused} could not: {reason}")?;
        }
        write!(f, " (now {premium} premium, {standard} standard)")
    }
}
