//! Balances before and after a step, as its page shows them.

use super::frame::Banner;
use super::part::{Balance, Count, Tone, When};
use crate::app::inventory::preview::{BalanceChange, Standing};

/// One balance that a step changes.
pub(crate) struct ChangeRow {
    pub(crate) key: String,
    /// From when on; none if from now on.
    pub(crate) from: Option<When>,
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
        key: format!("{}-{}-{}", change.virtual_account.id, change.tag, change.at.as_second()),
        from: change.later.then(|| When::at(change.at)),
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

/// What a step does to compliance, in a sentence: now, and if that is nothing, later.
pub(crate) fn verdict(changes: &[BalanceChange]) -> Banner {
    let names = |wanted: fn(&BalanceChange) -> bool| -> Vec<String> {
        let mut names: Vec<String> = changes
            .iter()
            .filter(|change| wanted(change))
            .map(|change| format!("{} in {}", change.name, change.virtual_account.name))
            .collect();
        names.sort();
        names.dedup();
        names
    };
    let breaks = names(|change| change.breaks() && !change.later);
    let breaks_later = names(|change| change.breaks() && change.later);
    let mends = names(|change| change.mends() && !change.later);
    let mends_later = names(|change| change.mends() && change.later);
    if !breaks.is_empty() {
        Banner::new(
            Tone::Bad,
            "This takes licenses out of compliance",
            format!(
                "Too few are left of {}. Every product instance there that uses them is told so at its next contact.",
                breaks.join(", ")
            ),
        )
    } else if !breaks_later.is_empty() {
        Banner::new(
            Tone::Bad,
            "This takes licenses out of compliance later",
            format!(
                "From the times below on, as other licenses end or start, too few are left of {} if usage stays.",
                breaks_later.join(", ")
            ),
        )
    } else if !mends.is_empty() {
        let text = format!("There is enough of {} again.", mends.join(", "));
        Banner::new(Tone::Good, "This brings licenses back into compliance", text)
    } else if !mends_later.is_empty() {
        let text = format!("There will be enough of {} at the times below.", mends_later.join(", "));
        Banner::new(Tone::Good, "This prevents a shortage", text)
    } else {
        let text = "Now, and whenever a license that is known starts or ends, as far as usage stays.";
        Banner::new(Tone::Note, "Compliance stays as it is", text)
    }
}
