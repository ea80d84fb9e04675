//! Carrying out the commands.

use core::time::Duration;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use http::{Method, StatusCode};
use seatpool_agent::Status;
use seatpool_agent::state::Attempt;
use seatpool_agent::status::RegistrationState;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::Ended;
use super::reservation;
use super::words::{
    Export, ExportWhere, Factory, Force, License, No, Privacy, Proxy, Register, Renew, Show, Smart,
    Transport, Update, What, Words,
};
use crate::api::{LocalOnly, StatusAnswer};
use crate::client::{Client, ClientError};
use crate::show;

pub(super) type Outcome = anyhow::Result<(Ended, String)>;

pub(super) async fn run(license: License) -> Outcome {
    let session = Session { client: Client::new(license.socket), wait: Duration::from_secs(license.wait) };
    match license.words {
        Words::Show(show) => session.show(&show).await,
        Words::Smart(smart) => session.smart(smart).await,
    }
}

struct Session {
    client: Client,
    wait: Duration,
}

#[expect(clippy::unnecessary_wraps, reason = "the end of most commands, which may fail before it")]
pub(super) fn done(text: impl Into<String>) -> Outcome {
    let mut text: String = text.into();
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok((Ended::Done, text))
}

impl Session {
    async fn status(&self) -> anyhow::Result<StatusAnswer> {
        Ok(self.client.get("licensing/status").await?)
    }

    async fn change(&self, method: Method, path: &str, body: Value) -> anyhow::Result<StatusCode> {
        self.unless_busy(async || self.client.change(method.clone(), path, Some(&body)).await).await
    }

    async fn command(&self, method: Method, path: &str) -> anyhow::Result<StatusCode> {
        self.unless_busy(async || self.client.change(method.clone(), path, None::<&()>).await).await
    }

    /// Asks again while the agent is busy with a request whose answer decides.
    async fn unless_busy<T>(&self, ask: impl AsyncFn() -> Result<T, ClientError>) -> anyhow::Result<T> {
        let mut patience = core::pin::pin!(sleep(self.wait));
        loop {
            let revision = self.status().await?.revision;
            match ask().await {
                Err(ClientError::Refused { code, .. }) if code == "busy" => {}
                other => return Ok(other?),
            }
            tokio::select! {
                newer = self.newer_than(revision) => drop(newer?),
                () = &mut patience => {
                    bail!("the agent is still busy with a request that has no answer; try again later")
                }
            }
        }
    }

    async fn newer_than(&self, revision: u64) -> Result<StatusAnswer, ClientError> {
        self.client.get(&format!("licensing/status?newer_than={revision}&wait_seconds=30")).await
    }

    async fn show(&self, Show { what, json }: &Show) -> Outcome {
        let status = self.status().await?.status;
        if *json {
            let Status { registration, authorization, enforcement, evaluation, .. } = &status;
            let value = match what {
                What::All | What::TechSupport => serde_json::to_value(&status)?,
                What::Status => json!({
                    "registration": registration, "authorization": authorization,
                    "enforcement": enforcement, "evaluation": evaluation, "alerts": status.alerts,
                    "transport": status.transport, "privacy": status.privacy,
                    "reservation": status.reservation, "exports": status.exports,
                }),
                What::Summary => json!({
                    "registration": registration, "authorization": authorization,
                    "entitlements": status.entitlements,
                }),
                What::Usage => json!({ "entitlements": status.entitlements }),
                What::Udi => json!({ "udi": status.udi }),
            };
            return done(serde_json::to_string_pretty(&value)?);
        }
        done(match what {
            What::All => show::all(&status),
            What::Status => show::status(&status),
            What::Summary => show::summary(&status),
            What::Usage => show::usage(&status),
            What::Udi => show::udi(&status),
            What::TechSupport => show::tech_support(&status),
        })
    }

    async fn smart(&self, smart: Smart) -> Outcome {
        match smart {
            Smart::Register(Register::Idtoken { token, force }) => {
                self.register(token, force.is_some()).await
            }
            Smart::Deregister => self.deregister().await,
            Smart::Renew(Renew::Auth) => self.renew_authorization("licensing/authorization/renew").await,
            Smart::Update(Update::Usage) => self.renew_authorization("licensing/usage/update").await,
            Smart::Renew(Renew::Id) => self.renew_registration().await,
            Smart::Transport(Transport::Direct) => {
                self.transport(json!({ "ssms": null, "mode": "direct" })).await
            }
            Smart::Transport(Transport::Gateway { url }) => {
                self.transport(json!({ "ssms": url, "mode": "gateway" })).await
            }
            Smart::Url { url } => {
                let mode = self.status().await?.status.transport.mode;
                self.transport(json!({ "ssms": url, "mode": mode })).await
            }
            Smart::No(No::Url) => self.transport(json!({ "ssms": null })).await,
            Smart::Transport(Transport::Proxy { host, port }) => {
                self.transport(json!({ "proxy": { "server": host, "port": port } })).await
            }
            Smart::Proxy(Proxy::Address { host }) => {
                self.transport(json!({ "proxy": { "server": host } })).await
            }
            Smart::Proxy(Proxy::Port { port }) => self.transport(json!({ "proxy": { "port": port } })).await,
            Smart::Proxy(Proxy::User { name, password_file }) => {
                let password = secret(password_file.as_deref())?;
                self.transport(json!({ "proxy": { "user": name, "password": password } })).await
            }
            Smart::No(No::Proxy) => self.transport(json!({ "proxy": null })).await,
            Smart::Privacy(what) => self.privacy(what, true).await,
            Smart::No(No::Privacy(what)) => self.privacy(what, false).await,
            Smart::Reservation(step) => reservation::run(&self.client, step).await,
            Smart::Export(export) => self.export(export).await,
            Smart::Factory(Factory::Reset { force }) => {
                let path = match force {
                    None => "licensing/factory_reset",
                    Some(Force::Force) => "licensing/factory_reset/force",
                };
                self.command(Method::POST, path).await?;
                let status = self.status().await?.status;
                let by_hand = status.registration.ended.filter(|ended| ended.remove_by_hand);
                let forgotten = by_hand.map_or_else(
                    || "Everything but the evaluation countdown was forgotten.".to_owned(),
                    |ended| ended.message,
                );
                done([forgotten, reservation::outstanding(&status.reservation)].concat())
            }
        }
    }

    async fn export(&self, export: Export) -> Outcome {
        let (path, feature, asking) = match export {
            Export::Cancel => {
                self.command(Method::DELETE, "licensing/export/cancel").await?;
                return done("The automatic retry was canceled.");
            }
            Export::Request(ExportWhere::Local { feature }) => ("request", feature, "Export request"),
            Export::Return(ExportWhere::Local { feature }) => ("return", feature, "Export return"),
        };
        let wanted = path == "request";
        self.change(Method::POST, &format!("licensing/export/{path}"), json!(feature)).await?;
        let settled = async {
            let mut answer = self.status().await?;
            loop {
                let export = answer.status.exports.iter().find(|export| export.feature == feature);
                match export {
                    Some(export) if export.failure.is_some() => return anyhow::Ok(Some(export.clone())),
                    Some(export) if export.asking.is_some() => {}
                    Some(export) if export.authorized == wanted => return Ok(Some(export.clone())),
                    _ => return Ok(None),
                }
                answer = self.newer_than(answer.revision).await?;
            }
        };
        let Ok(settled) = timeout(self.wait, settled).await else { return Ok(waiting(asking)) };
        let Some(export) = settled? else {
            return Ok((Ended::Failed, format!("{asking} was canceled.\n")));
        };
        match export.failure {
            Some(failure) => Ok((Ended::Failed, format!("{asking} failed: {failure}\n"))),
            None => match export.authorization_key {
                Some(key) => done(format!("{asking} succeeded.\n  Export authorization key: {key}")),
                None => done(format!("{asking} succeeded.")),
            },
        }
    }

    async fn transport(&self, body: Value) -> Outcome {
        self.change(Method::PUT, "licensing/transport", body).await?;
        let transport = self.status().await?.status.transport;
        let url = transport.url.as_deref().unwrap_or("no URL yet");
        done(match transport.proxy {
            None => format!("Transport: {url}, without proxy"),
            Some(proxy) => format!("Transport: {url}, through the proxy {} port {}", proxy.host, proxy.port),
        })
    }

    async fn privacy(&self, what: Privacy, on: bool) -> Outcome {
        let (name, words) = match what {
            Privacy::Hostname => ("hostname", "The host name"),
            Privacy::Version => ("version", "The version"),
        };
        self.change(Method::PUT, "licensing/privacy", json!({ name: on })).await?;
        let happens = if on { "withheld from" } else { "sent to" };
        // Both travel in registrations only.
        done(format!("{words} is {happens} the manager from the next registration on."))
    }

    async fn register(&self, token: String, force: bool) -> Outcome {
        let token = if token == "-" { secret(None)? } else { token };
        let before = self.status().await?.status.registration.last_attempt;
        self.change(Method::POST, "licensing/registration", json!({ "token": token, "reregister": force }))
            .await?;
        let Some(status) = self.until_new(before.as_ref(), |s| s.registration.last_attempt.clone()).await?
        else {
            return Ok(waiting("The registration"));
        };
        let registration = &status.registration;
        if let Some(failure) = registration.last_attempt.as_ref().and_then(|attempt| attempt.failure.as_ref())
        {
            let mut text = format!("Registration failed: {}\n", failure.reason);
            if let (RegistrationState::Registering, Some(at)) =
                (registration.state, registration.next_attempt_at)
            {
                text = format!("{text}It is tried again on {}.\n", show::date(at));
            }
            return Ok((Ended::Failed, text));
        }
        done(format!(
            "Registration succeeded.\n  Smart Account: {}\n  Virtual Account: {}",
            registration.smart_account.as_deref().unwrap_or("-"),
            registration.virtual_account.as_deref().unwrap_or("-"),
        ))
    }

    async fn deregister(&self) -> Outcome {
        let ask = async || self.client.ask::<LocalOnly>(Method::DELETE, "licensing/deregistration").await;
        let Ok(answer) = timeout(self.wait, self.unless_busy(ask)).await else {
            return Ok(waiting("The deregistration"));
        };
        let (status, local) = answer?;
        match local.filter(|_| status == StatusCode::ACCEPTED) {
            None => done("Deregistration succeeded."),
            Some(local) => done(format!("Deregistered here only. {}", local.description)),
        }
    }

    async fn renew_authorization(&self, path: &str) -> Outcome {
        let before = self.status().await?.status.authorization.last_attempt;
        self.command(Method::PUT, path).await?;
        let Some(status) = self.until_new(before.as_ref(), |s| s.authorization.last_attempt.clone()).await?
        else {
            return Ok(waiting("The renewal"));
        };
        let authorization = &status.authorization;
        outcome("Authorization renewal", authorization.last_attempt.as_ref(), || {
            let ends = authorization.ends_at.map_or_else(|| "-".to_owned(), show::date);
            format!("  Status: {}\n  Communication Deadline: {ends}", authorization.state.word())
        })
    }

    async fn renew_registration(&self) -> Outcome {
        let before = self.status().await?.status.registration.last_renewal;
        self.command(Method::PUT, "licensing/registration/renew").await?;
        let Some(status) = self.until_new(before.as_ref(), |s| s.registration.last_renewal.clone()).await?
        else {
            return Ok(waiting("The renewal"));
        };
        let registration = &status.registration;
        outcome("Registration renewal", registration.last_renewal.as_ref(), || {
            let expires = registration.expires_at.map_or_else(|| "-".to_owned(), show::date);
            format!("  Registration Expires: {expires}")
        })
    }

    /// Waits until another attempt than `before` has ended; nothing if none does in time.
    async fn until_new(
        &self,
        before: Option<&Attempt>,
        attempt: impl Fn(&Status) -> Option<Attempt>,
    ) -> anyhow::Result<Option<Status>> {
        let changed = async {
            let mut answer = self.status().await?;
            while attempt(&answer.status).as_ref() == before {
                answer = self.newer_than(answer.revision).await?;
            }
            anyhow::Ok(answer.status)
        };
        match timeout(self.wait, changed).await {
            Ok(status) => status.map(Some),
            Err(_) => Ok(None),
        }
    }
}

fn waiting(what: &str) -> (Ended, String) {
    let text = format!("{what} has no answer yet; the agent goes on with it. See `license show status`.\n");
    (Ended::Waiting, text)
}

fn outcome(what: &str, attempt: Option<&Attempt>, details: impl Fn() -> String) -> Outcome {
    match attempt.and_then(|attempt| attempt.failure.as_ref()) {
        Some(failure) => Ok((Ended::Failed, format!("{what} failed: {}\n", failure.reason))),
        None => done(format!("{what} succeeded.\n{}", details())),
    }
}

/// A secret from a file or from standard input: never from the command line, where others can see it.
fn secret(file: Option<&Path>) -> anyhow::Result<String> {
    let mut text = String::new();
    match file {
        Some(path) => {
            text = std::fs::read_to_string(path)
                .with_context(|| format!("the file {} can't be read", path.display()))?;
        }
        None => {
            std::io::stdin().read_to_string(&mut text).context("standard input can't be read")?;
        }
    }
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
