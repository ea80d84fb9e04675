//! What a step would do, as a table: `--preview` of the commands that change what is owned or used.

use reqwest::Method;
use serde::Serialize;

use super::client::{Failed, Session, moment, or_dash, table};
use crate::app::inventory::preview::{Effect, Preview};
use crate::app::rehearsal::ConsequenceView;

/// Asks what the POST to `path` would change, and prints it.
pub(super) async fn balances(session: &Session, path: &[&str], body: &impl Serialize) -> Result<(), Failed> {
    session.ask(Method::POST, &[path, &["preview"]].concat(), body, changes).await
}

/// Asks what the POST to `path` would change now and later, and prints it.
pub(super) async fn consequences(
    session: &Session,
    path: &[&str],
    body: &impl Serialize,
) -> Result<(), Failed> {
    let path = [path, &["preview"]].concat();
    session.ask(Method::POST, &path, body, |found: &Vec<_>| foreseen(found)).await
}

fn changes(preview: &Preview) -> String {
    let rows = preview.changes.iter().map(|change| {
        let (before, after) = (&change.before, &change.after);
        vec![
            if change.later { moment(change.at) } else { "now".to_owned() },
            change.virtual_account.name.clone(),
            change.name.clone(),
            format!("{} -> {}", before.purchased, after.purchased),
            format!("{} -> {}", before.in_use, after.in_use),
            format!("{:+} -> {:+}", before.balance, after.balance),
            or_dash((!after.short.is_zero()).then(|| format!("{} short", after.short))),
        ]
    });
    let breaks_now = preview.changes.iter().any(|change| change.breaks() && !change.later);
    let verdict = match preview.effect {
        Effect::Breaks if !breaks_now => {
            "Nothing was done. It would take licences out of compliance later: WHEN says from which time on."
        }
        Effect::Breaks => "Nothing was done. It would take licences out of compliance.",
        Effect::Mends => "Nothing was done. It would bring licences back into compliance.",
        Effect::None => "Nothing was done. Compliance would stay as it is, now and later, if usage stays.",
    };
    let head = ["WHEN", "VIRTUAL ACCOUNT", "LICENSE", "PURCHASED", "IN USE", "BALANCE", "SHORTAGE"];
    format!("{}\n{verdict}", table(&head, rows))
}

fn foreseen(found: &[ConsequenceView]) -> String {
    let rows = found.iter().map(|row| {
        vec![
            moment(row.at),
            row.virtual_account.clone(),
            row.name.clone(),
            row.in_use.to_string(),
            format!("{} -> {}", row.owned_before, row.owned_after),
            format!("{} -> {}", row.short_before, row.short_after),
        ]
    });
    let head = ["WHEN", "VIRTUAL ACCOUNT", "LICENSE", "#IN USE", "OWNED", "SHORT"];
    let verdict = if found.is_empty() {
        "Nothing was done. As many licences would be owned and short as without it, now and later."
    } else {
        "Nothing was done. Each line holds from its time on, if usage stays."
    };
    format!("{}\n{verdict}", table(&head, rows))
}
