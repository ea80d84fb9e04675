//! The smart account itself: its name, and what the vendor permits it.

use super::{By, Context, Outcome, Refused};
use crate::account::{Account, AccountTerms};
use crate::command::words;
use crate::event::{Event, EventKind};
use crate::workset::Workset;

/// What is to change of a smart account; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountChange {
    /// The new name for people.
    pub name: Option<String>,
    /// Whether export-controlled functionality may be permitted at all.
    pub export_permitted: Option<bool>,
    /// Whether products may reserve all licences without counting.
    pub universal_permitted: Option<bool>,
    /// What was seen when the change was made up; refused if it is something else by now.
    pub seen: Option<AccountTerms>,
}

/// Changes the account, with an event for each value. What is permitted no longer is not taken from those who have it.
pub(super) fn change(
    change: AccountChange,
    by: &By,
    workset: &mut Workset,
    context: &mut Context<'_>,
) -> Result<Outcome, Refused> {
    let before = AccountTerms::of(&workset.account);
    let after = AccountTerms {
        name: match change.name {
            Some(name) => words::name("name", &name)?,
            None => before.name.clone(),
        },
        export_permitted: change.export_permitted.unwrap_or(before.export_permitted),
        universal_permitted: change.universal_permitted.unwrap_or(before.universal_permitted),
    };
    if after == before {
        return Ok(Outcome::Done);
    }
    if let Some(seen) = change.seen.filter(|seen| *seen != before) {
        return Err(Refused::ChangedMeanwhile { seen: seen.to_string(), present: before.to_string() });
    }
    let mut record = |message: String, was: String, is: String| {
        workset.record(Event {
            before: Some(was),
            after: Some(is),
            ..by.event(EventKind::AccountChanged, context.now, message)
        });
    };
    if after.name != before.name {
        let message = format!("The smart account {} was renamed to {}.", before.name, after.name);
        record(message, before.name.clone(), after.name.clone());
    }
    let permissions = [
        ("Export-controlled functionality", before.export_permitted, after.export_permitted),
        ("Universal reservation", before.universal_permitted, after.universal_permitted),
    ];
    for (what, was, is) in permissions.into_iter().filter(|(_, was, is)| was != is) {
        let kept = if is { "" } else { " What holds it already keeps it." };
        let message = format!("{what} is {} for this smart account now.{kept}", permitted(is));
        record(message, permitted(was).to_owned(), permitted(is).to_owned());
    }
    let AccountTerms { name, export_permitted, universal_permitted } = after;
    workset.account = Account { name, export_permitted, universal_permitted, ..workset.account.clone() };
    Ok(Outcome::Done)
}

fn permitted(is: bool) -> &'static str {
    if is { "permitted" } else { "not permitted" }
}
