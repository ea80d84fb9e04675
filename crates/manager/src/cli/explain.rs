//! `seatpool explain`.

use core::fmt::Write as _;

use clap::Subcommand;
use reqwest::Method;
use serde_json::json;

use super::client::{Failed, Manager, moment};
use crate::app::explain::ExplanationView;

/// Explanations.
#[derive(Subcommand, Debug)]
pub(super) enum ExplainCommand {
    /// Explain a licence: why, since when, what next, what to do
    License {
        /// Its name or tag
        license: String,
        /// The virtual account, by name or id
        #[arg(long, alias = "va", value_name = "NAME", default_value = "Default")]
        virtual_account: String,
        /// Carry out the moves that are proposed, one after the other
        #[arg(long)]
        apply: bool,
    },
    /// Explain a product instance: why, since when, what next, what to do
    Instance {
        /// Its id
        instance: String,
    },
}

impl ExplainCommand {
    pub(super) async fn run(self, manager: &Manager) -> Result<(), Failed> {
        let session = manager.connect().await?;
        let account = session.account();
        match self {
            Self::License { license, virtual_account, apply } => {
                let of = ["accounts", account, "virtual-accounts", &virtual_account, "licenses", &license];
                let path = [&of[..], &["explanation"]].concat();
                if !apply {
                    return session.read(&path, &[], |found| show(&license, found)).await;
                }
                let mut found: ExplanationView = session.find(&path, &[]).await?;
                let mut done = Vec::new();
                while let Some((key, text)) = first_move(&found) {
                    let mends = [&of[..], &["mends"]].concat();
                    found = session.call(Method::POST, &mends, &json!({ "key": key })).await?;
                    done.push(format!("Done: {text}"));
                }
                if done.is_empty() {
                    done.push("There is nothing to move.".to_owned());
                }
                session.print(&found, |found| format!("{}\n\n{}", done.join("\n"), show(&license, found)))
            }
            Self::Instance { instance } => {
                let path = ["accounts", account, "instances", &instance, "explanation"];
                session.read(&path, &[], |found| show(&instance, found)).await
            }
        }
    }
}

fn first_move(found: &ExplanationView) -> Option<(String, String)> {
    found.what_to_do.iter().find_map(|mend| Some((mend.key.clone()?, mend.text.clone())))
}

fn show(what: &str, found: &ExplanationView) -> String {
    let since = found.since.map(|since| format!(" since {}", moment(since))).unwrap_or_default();
    let mut text = format!("{what}: {}{since}\n\nWhy", found.status_words);
    for why in &found.why {
        let _ = write!(text, "\n  {}", why.text);
    }
    if !found.next.is_empty() {
        text.push_str("\n\nWhat happens next");
    }
    for next in &found.next {
        let at = next.at.map(|at| format!("{}  ", moment(at))).unwrap_or_default();
        let _ = write!(text, "\n  {at}{}", next.text);
    }
    if !found.what_to_do.is_empty() {
        text.push_str("\n\nWhat to do");
    }
    for mend in &found.what_to_do {
        let apply = if mend.key.is_some() { " (--apply)" } else { "" };
        let _ = write!(text, "\n  {}{apply}", mend.text);
    }
    text
}
