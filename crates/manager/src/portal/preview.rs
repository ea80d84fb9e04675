//! Balances before and after a step, as its page shows them.

use super::frame::Banner;
use super::part::{Balance, Count, Tone};
use crate::app::inventory::preview::{BalanceChange, Standing};

/// One balance that a step changes.
pub(crate) struct ChangeRow {
    pub(crate) key: String,
    pub(crate) place: String,
    pub(crate) license: String,
    pub(crate) purchased: (Count, Count),
    pub(crate) in_use: (Count, Count),
    pub(crate) balance: (Balance, Balance),
    /// What changes for compliance, if anything does.
    pub(crate) compliance: Option<(Tone, &'static str)>,
}

/// The rows of a step.
pub(crate) fn change_rows(changes: &[BalanceChange]) -> Vec<ChangeRow> {
    let balance = |standing: &Standing| Balance {
        spare: u64::try_from(standing.balance).unwrap_or(0),
        short: standing.short.count(),
    };
    let row = |change: &BalanceChange| ChangeRow {
        key: format!("{}-{}", change.virtual_account.id, change.tag),
        place: change.virtual_account.name.clone(),
        license: change.name.clone(),
        purchased: (Count(change.before.purchased.count()), Count(change.after.purchased.count())),
        in_use: (Count(change.before.in_use.count()), Count(change.after.in_use.count())),
        balance: (balance(&change.before), balance(&change.after)),
        compliance: match (change.before.short.is_zero(), change.after.short.is_zero()) {
            (true, false) => Some((Tone::Bad, "Goes out of compliance")),
            (false, true) => Some((Tone::Good, "Comes into compliance")),
            (false, false) => Some((Tone::Warn, "Stays out of compliance")),
            (true, true) => None,
        },
    };
    changes.iter().map(row).collect()
}

/// What a step does to compliance, in a sentence.
pub(crate) fn verdict(changes: &[BalanceChange]) -> Banner {
    let names = |wanted: fn(&BalanceChange) -> bool| -> Vec<String> {
        changes
            .iter()
            .filter(|change| wanted(change))
            .map(|change| format!("{} in {}", change.name, change.virtual_account.name))
            .collect()
    };
    let breaks = names(|change| change.after.short > change.before.short);
    let mends = names(|change| !change.before.short.is_zero() && change.after.short.is_zero());
    if !breaks.is_empty() {
        Banner::new(
            Tone::Bad,
            "This takes licenses out of compliance",
            format!(
                "Too few are left of {}. Every product instance there that uses them is told so at its next contact.",
                breaks.join(", ")
            ),
        )
    } else if !mends.is_empty() {
        let text = format!("There is enough of {} again.", mends.join(", "));
        Banner::new(Tone::Good, "This brings licenses back into compliance", text)
    } else {
        Banner::new(Tone::Note, "Compliance stays as it is", "")
    }
}
