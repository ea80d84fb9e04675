//! Reading a usage report: which of its figures count, and for how much.

use std::collections::BTreeMap;

use jiff::Timestamp;
use seatpool_proto::message::AuthorizationRequest;
use seatpool_proto::{Family, ProductInstanceId, Quantity, Tag};

use crate::catalogue::{Catalogue, FamilyEntry, LicenseEntry};
use crate::instance::Usage;

/// What a report comes to.
#[derive(Debug)]
pub(super) struct Figures<'c> {
    /// One row per tag that counts. Beside the reported tags these are the lower tiers of their families, to
    /// which the usage of the tiers above carries over.
    pub(super) rows: Vec<Row<'c>>,
    /// Every tag that the report names, in its order.
    pub(super) asked: Vec<(Tag, Verdict)>,
}

/// What becomes of a reported tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It counts, by the row of this index.
    Counted(usize),
    /// The catalogue does not know it.
    InvalidTag,
    /// It is not metered for this product type.
    NotApplicable,
}

/// One tag's figures.
#[derive(Debug)]
pub(super) struct Row<'c> {
    pub(super) family: &'c FamilyEntry,
    pub(super) license: &'c LicenseEntry,
    pub(super) tier: usize,
    peak: Quantity,
    cumulative_peak: Quantity,
    locked: Option<Quantity>,
}

/// What the report says of one tag, in its two lists.
#[derive(Clone, Copy, Default)]
struct Said {
    own: Option<(Quantity, Option<Quantity>)>,
    cumulative: Option<(Quantity, Option<Quantity>)>,
}

impl<'c> Figures<'c> {
    /// Reads a report, or says what is wrong with it.
    pub(super) fn of(
        report: &AuthorizationRequest,
        product_type: &str,
        catalogue: &'c Catalogue,
    ) -> Result<Self, String> {
        if report.interval.end < report.interval.start {
            return Err(format!(
                "The interval ends on {}, before its start, {}.",
                report.interval.end, report.interval.start
            ));
        }
        let (order, said) = gather(report)?;
        let counts = |tag: &Tag| catalogue.license(tag).filter(|license| license.is_for(product_type));
        let families: BTreeMap<&Family, &'c FamilyEntry> = order
            .iter()
            .filter(|tag| counts(tag).is_some())
            .filter_map(|tag| catalogue.family_of(tag))
            .map(|family| (&family.family, family))
            .collect();
        let mut rows = Vec::with_capacity(order.len());
        for family in families.into_values() {
            add_family(family, &said, product_type, &mut rows);
        }
        let verdict = |tag: &Tag| match rows.iter().position(|row: &Row<'_>| row.license.tag == *tag) {
            Some(row) if counts(tag).is_some() => Verdict::Counted(row),
            _ if catalogue.license(tag).is_some() => Verdict::NotApplicable,
            _ => Verdict::InvalidTag,
        };
        let asked = order.iter().map(|&tag| (tag.clone(), verdict(tag))).collect();
        Ok(Self { rows, asked })
    }
}

/// Brings the report's two lists together, by tag and in the order in which tags are named first.
fn gather(report: &AuthorizationRequest) -> Result<(Vec<&Tag>, BTreeMap<&Tag, Said>), String> {
    let mut order = Vec::with_capacity(report.usage.len());
    let mut said: BTreeMap<&Tag, Said> = BTreeMap::new();
    for usage in &report.usage {
        let own = Some((usage.peak, usage.locked));
        if said.insert(&usage.tag, Said { own, cumulative: None }).is_some() {
            return Err(format!("usage names {} twice.", usage.tag));
        }
        order.push(&usage.tag);
    }
    for tier in report.families.iter().flat_map(|family| &family.tiers) {
        let entry = said.entry(&tier.tag).or_insert_with(|| {
            order.push(&tier.tag);
            Said::default()
        });
        if entry.cumulative.replace((tier.cumulative_peak, tier.locked)).is_some() {
            return Err(format!("families names {} twice.", tier.tag));
        }
    }
    Ok((order, said))
}

/// Adds the rows of one family, from its top tier down.
///
/// Cumulative figures never fall on the way down, nor below a tier's own peak: a report in which they do is read
/// the higher way. A tier without a cumulative figure is taken as used at the same moment as those above it.
fn add_family<'c>(
    family: &'c FamilyEntry,
    said: &BTreeMap<&Tag, Said>,
    product_type: &str,
    rows: &mut Vec<Row<'c>>,
) {
    let mut above = Quantity::ZERO;
    let mut held_above = Quantity::ZERO;
    for (tier, license) in family.licenses.iter().enumerate() {
        let said = said.get(&license.tag).filter(|_| license.is_for(product_type));
        let stands_alone = family.licenses.len() == 1 || license.required_present;
        let row = match said {
            Some(Said { own, cumulative }) if stands_alone => {
                let (peak, locked) = own.or(*cumulative).unwrap_or_default();
                Row { family, license, tier, peak, cumulative_peak: peak, locked }
            }
            Some(Said { own, cumulative }) => {
                let peak = own.map(|(peak, _)| peak);
                let reported = cumulative.map(|(peak, _)| peak);
                let least = above.max(peak.unwrap_or_default());
                let cumulative_peak =
                    reported.map_or_else(|| above.plus(peak.unwrap_or_default()), |peak| peak.max(least));
                let locked = match cumulative {
                    Some((_, locked)) => *locked,
                    None => own.and_then(|(_, locked)| locked).map(|locked| held_above.plus(locked)),
                };
                let peak = peak.unwrap_or_else(|| cumulative_peak.minus(above));
                Row { family, license, tier, peak, cumulative_peak, locked }
            }
            None if stands_alone || above.is_zero() => continue,
            None => Row { family, license, tier, peak: Quantity::ZERO, cumulative_peak: above, locked: None },
        };
        if !stands_alone {
            above = row.cumulative_peak;
            held_above = row.locked.unwrap_or(above);
        }
        rows.push(row);
    }
}

impl<'c> Row<'c> {
    /// A row as it was stored; none if the catalogue does not know the tag any more.
    pub(super) fn stored(usage: &Usage, catalogue: &'c Catalogue) -> Option<Self> {
        let family = catalogue.family_of(&usage.tag)?;
        Some(Self {
            family,
            license: catalogue.license(&usage.tag)?,
            tier: family.tier(&usage.tag)?,
            peak: usage.peak,
            cumulative_peak: usage.cumulative_peak,
            locked: usage.locked,
        })
    }

    /// The row as it is stored.
    pub(super) fn usage(&self, instance: ProductInstanceId, reported_at: Timestamp) -> Usage {
        Usage {
            instance,
            tag: self.license.tag.clone(),
            peak: self.peak,
            cumulative_peak: self.cumulative_peak,
            locked: self.locked,
            reported_at,
        }
    }

    /// As [`Usage::is_in_use`].
    pub(super) fn is_in_use(&self) -> bool {
        !self.peak.is_zero() || self.locked.is_some_and(|locked| !locked.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use seatpool_proto::message::{FamilyUsage, Interval, TagUsage, TierUsage};

    use super::*;

    const CATALOGUE: &str = r#"
        [[families]]
        family = "flex"
        licenses = [{ tag = "P", name = "Premium" }, { tag = "S", name = "Standard" }, { tag = "E", name = "Essential" }]
        [[families]]
        family = "server"
        licenses = [{ tag = "SRV", name = "Server", required_present = true, product_types = ["unified-ccx"] }]
    "#;

    fn q(count: u64) -> Quantity {
        Quantity::of(count)
    }

    fn report(
        usage: &[(&str, u64, Option<u64>)],
        tiers: &[(&str, u64, Option<u64>)],
    ) -> AuthorizationRequest {
        let at = |second| Timestamp::from_second(second).unwrap();
        AuthorizationRequest {
            interval: Interval { start: at(0), end: at(900) },
            scheduled: true,
            usage: usage
                .iter()
                .map(|(tag, peak, locked)| TagUsage {
                    tag: tag.parse().unwrap(),
                    peak: q(*peak),
                    locked: locked.map(q),
                })
                .collect(),
            families: vec![FamilyUsage {
                family: "flex".parse().unwrap(),
                tiers: tiers
                    .iter()
                    .map(|(tag, peak, locked)| TierUsage {
                        tag: tag.parse().unwrap(),
                        cumulative_peak: q(*peak),
                        locked: locked.map(q),
                    })
                    .collect(),
            }],
        }
    }

    /// Rows as `tag peak/cumulative` with `!locked`.
    fn check(report: &AuthorizationRequest, product_type: &str, rows: &str, asked: &str) {
        let catalogue = Catalogue::from_toml([CATALOGUE]).unwrap();
        let figures = Figures::of(report, product_type, &catalogue).unwrap();
        let found: Vec<String> = figures
            .rows
            .iter()
            .map(|row| {
                let locked = row.locked.map(|locked| format!("!{locked}")).unwrap_or_default();
                format!("{} {}/{}{locked}", row.license.tag, row.peak, row.cumulative_peak)
            })
            .collect();
        assert_eq!(found.join(", "), rows);
        let found: Vec<String> = figures
            .asked
            .iter()
            .map(|(tag, verdict)| match verdict {
                Verdict::Counted(_) => tag.to_string(),
                Verdict::InvalidTag => format!("{tag}?"),
                Verdict::NotApplicable => format!("{tag}-"),
            })
            .collect();
        assert_eq!(found.join(", "), asked);
    }

    #[test]
    fn every_shape_of_report_is_read() {
        let ccx = "unified-ccx";
        let both = report(&[("P", 10, None), ("S", 50, None)], &[("P", 10, None), ("S", 50, None)]);
        check(&both, ccx, "P 10/10, S 50/50, E 0/50", "P, S");
        let own_only = report(&[("P", 10, None), ("S", 40, None)], &[]);
        check(&own_only, ccx, "P 10/10, S 40/50, E 0/50", "P, S");
        let tiers_only = report(&[], &[("P", 10, None), ("S", 50, None)]);
        check(&tiers_only, ccx, "P 10/10, S 40/50, E 0/50", "P, S");
        let lower_only = report(&[("E", 7, None)], &[]);
        check(&lower_only, ccx, "E 7/7", "E");
        let falling = report(&[("P", 10, None), ("S", 40, None)], &[("P", 10, None), ("S", 5, None)]);
        check(&falling, ccx, "P 10/10, S 40/40, E 0/40", "P, S");
        let locked = report(&[("P", 1, Some(9)), ("S", 2, None)], &[("P", 1, Some(9)), ("S", 3, Some(30))]);
        check(&locked, ccx, "P 1/1!9, S 2/3!30, E 0/3", "P, S");
        let locked_own = report(&[("P", 1, Some(9)), ("S", 2, Some(20))], &[]);
        check(&locked_own, ccx, "P 1/1!9, S 2/3!29, E 0/3", "P, S");
        let nothing = report(&[("P", 0, None), ("S", 0, None)], &[("P", 0, None), ("S", 0, None)]);
        check(&nothing, ccx, "P 0/0, S 0/0", "P, S");
        let server = report(&[("SRV", 0, None), ("NEW", 3, None)], &[]);
        check(&server, ccx, "SRV 0/0", "SRV, NEW?");
        check(&server, "unified-cce", "", "SRV-, NEW?");
    }

    #[test]
    fn contradictory_reports_are_refused() {
        let catalogue = Catalogue::from_toml([CATALOGUE]).unwrap();
        let refused =
            |report: &AuthorizationRequest| Figures::of(report, "unified-ccx", &catalogue).unwrap_err();
        assert_eq!(refused(&report(&[("S", 1, None), ("S", 2, None)], &[])), "usage names S twice.");
        assert_eq!(refused(&report(&[], &[("S", 1, None), ("S", 2, None)])), "families names S twice.");
        let mut backwards = report(&[], &[]);
        core::mem::swap(&mut backwards.interval.start, &mut backwards.interval.end);
        assert_eq!(
            refused(&backwards),
            "The interval ends on 1970-01-01T00:00:00Z, before its start, 1970-01-01T00:15:00Z."
        );
    }
}
