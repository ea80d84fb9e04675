//! Who holds licences by authorizations of export-restricted features: a lot that one holds is not taken away.

use std::collections::BTreeSet;

use seatpool_proto::LotId;

use super::words;
use crate::workset::Workset;

/// So many are named in a sentence.
const NAMED_MAX: usize = 3;

/// Who holds some of these lots and what frees them, to go on a refusal with; empty if nobody does.
pub(super) fn words(lots: impl IntoIterator<Item = LotId>, workset: &Workset) -> String {
    let lots: BTreeSet<LotId> = lots.into_iter().collect();
    let mut held = Vec::new();
    for instance in workset.instances.values() {
        let of_lots =
            instance.exports.iter().filter(|grant| grant.lot.is_some_and(|lot| lots.contains(&lot)));
        held.extend(of_lots.map(|grant| (grant.feature.as_str(), instance.label())));
    }
    held.sort_unstable();
    let Some(feature) = held.first().map(|(feature, _)| *feature) else { return String::new() };
    let mut named: Vec<String> =
        held.iter().take(NAMED_MAX).map(|(feature, label)| format!("{feature} on {label}")).collect();
    if held.len() > NAMED_MAX {
        named.push(format!("{} more", held.len() - NAMED_MAX));
    }
    let (features, hold) = if held.len() == 1 { ("feature", "holds one") } else { ("features", "hold some") };
    format!(
        "; the export-restricted {features} {} {hold} of them: return what is not needed on the product, as with `license \
         smart export return local {feature}`",
        words::list(&named)
    )
}
