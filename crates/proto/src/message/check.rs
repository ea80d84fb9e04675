//! What can be wrong with a request beyond its shape: lengths and counts above their limits, and
//! fields that contradict each other or are missing for this type.

use std::collections::BTreeSet;

use serde_json::Value;

use super::request::{AuthorizationRequest, Request, RequestBody};
use crate::limits;

/// The first field beyond its limit, in words.
pub(super) fn over_limit(request: &Request) -> Option<String> {
    if request.sequence > limits::SEQUENCE_MAX {
        return Some(format!("sequence is {}, the limit is {}", request.sequence, limits::SEQUENCE_MAX));
    }
    let mut checks: Vec<(&str, usize, usize)> =
        vec![("unanswered", request.unanswered.len(), limits::UNANSWERED_MAX)];
    match &request.body {
        RequestBody::Registration(r) => {
            let version = r.product.version.as_ref().map_or(0, String::len);
            checks.extend([
                ("token", r.token.len(), limits::TOKEN_CHARS_MAX),
                ("public_key", r.public_key.len(), limits::PUBLIC_KEY_BYTES_MAX),
                ("product.name", r.product.name.len(), limits::PRODUCT_FIELD_BYTES_MAX),
                ("product.type", r.product.kind.len(), limits::PRODUCT_FIELD_BYTES_MAX),
                ("product.version", version, limits::PRODUCT_FIELD_BYTES_MAX),
                ("host_name", r.host_name.as_ref().map_or(0, String::len), limits::HOST_NAME_BYTES_MAX),
            ]);
        }
        RequestBody::Authorization(report) => {
            checks.push(("usage", report.usage.len(), limits::REPORT_TAGS_MAX));
            checks.push(("families", report.families.len(), limits::REPORT_FAMILIES_MAX));
            checks.extend(
                report
                    .families
                    .iter()
                    .map(|family| ("families.tiers", family.tiers.len(), limits::FAMILY_TIERS_MAX)),
            );
            checks.push(("usage with families.tiers", different_tags(report), limits::REPORT_TAGS_MAX));
        }
        RequestBody::IdCertificateRenewal(r) => {
            checks.push(("public_key", r.public_key.len(), limits::PUBLIC_KEY_BYTES_MAX));
        }
        RequestBody::ExportRequest(asked) | RequestBody::ExportReturn(asked) => {
            checks.push(("feature", asked.feature.len(), limits::EXPORT_FEATURE_BYTES_MAX));
        }
        RequestBody::AuthorizationRenewal {} | RequestBody::Deregistration {} => {}
    }
    checks
        .into_iter()
        .find(|(_, found, most)| found > most)
        .map(|(field, found, most)| format!("{field} has {found}, the limit is {most}"))
}

fn different_tags(report: &AuthorizationRequest) -> usize {
    let tiers = report.families.iter().flat_map(|family| &family.tiers).map(|tier| &tier.tag);
    report.usage.iter().map(|usage| &usage.tag).chain(tiers).collect::<BTreeSet<_>>().len()
}

/// The first field beyond its limit of a text that has no request's shape, in words: a tag, quantity or
/// device field beyond its limit can't be held by the types, and its sender deserves to be told which.
pub(super) fn over_limit_in(text: &str) -> Option<String> {
    let request: Value = serde_json::from_str(text).ok()?;
    let length = |at: &Value, field: &str, most: usize| {
        let found = at.get(field)?.as_str()?.len();
        (found > most).then(|| format!("{field} has {found}, the limit is {most}"))
    };
    let number = |at: &Value, field: &str, most: u64| {
        let found = at.get(field)?.as_f64()?;
        (found > most as f64).then(|| format!("{field} is {found}, the limit is {most}"))
    };
    let items =
        |at: &Value, field: &str| at.get(field).and_then(Value::as_array).cloned().unwrap_or_default();
    let udi = request.get("udi").cloned().unwrap_or_default();
    number(&request, "sequence", limits::SEQUENCE_MAX)
        .or_else(|| ["pid", "sn", "uuid"].iter().find_map(|f| length(&udi, f, limits::UDI_FIELD_BYTES_MAX)))
        .or_else(|| {
            let families = items(&request, "families");
            let tiers = families.iter().flat_map(|family| items(family, "tiers"));
            let tagged: Vec<_> = items(&request, "usage").into_iter().chain(tiers).collect();
            let names = families.iter().map(|f| (f, "family")).chain(tagged.iter().map(|t| (t, "tag")));
            names.into_iter().find_map(|(at, field)| length(at, field, limits::TAG_BYTES_MAX)).or_else(|| {
                let figures = ["peak", "cumulative_peak", "locked"];
                tagged.iter().find_map(|at| figures.iter().find_map(|f| number(at, f, limits::QUANTITY_MAX)))
            })
        })
}

/// What a request of the right shape says that can't be, in words.
pub(super) fn contradiction(request: &Request) -> Option<String> {
    match &request.body {
        RequestBody::Registration(r) => [
            ("product.name", Some(&r.product.name)),
            ("product.type", Some(&r.product.kind)),
            ("product.version", r.product.version.as_ref()),
            ("host_name", r.host_name.as_ref()),
        ]
        .into_iter()
        .find_map(|(field, text)| match text {
            Some(text) if text.trim().is_empty() => Some(format!("{field} is empty")),
            Some(text) if text.contains(char::is_control) => {
                Some(format!("{field} holds a control character"))
            }
            _ => None,
        }),
        body => {
            if request.account_id.is_none() {
                return Some(format!("account_id is missing, which type {} needs", body.kind()));
            }
            if request.product_instance_id.is_none() {
                return Some(format!("product_instance_id is missing, which type {} needs", body.kind()));
            }
            match body {
                RequestBody::Authorization(report) => twisted(report),
                RequestBody::ExportRequest(asked) | RequestBody::ExportReturn(asked) => {
                    let visible =
                        !asked.feature.is_empty() && asked.feature.bytes().all(|b| b.is_ascii_graphic());
                    (!visible).then(|| "feature is not a name of visible ASCII characters".to_owned())
                }
                _ => None,
            }
        }
    }
}

/// A report that would count something twice, or whose cumulative peaks are none.
fn twisted(report: &AuthorizationRequest) -> Option<String> {
    let mut seen = BTreeSet::new();
    if let Some(twice) = report.usage.iter().find(|usage| !seen.insert(&usage.tag)) {
        return Some(format!("usage names the tag {} twice", twice.tag));
    }
    let mut families = BTreeSet::new();
    let mut tiers = BTreeSet::new();
    for family in &report.families {
        if !families.insert(&family.family) {
            return Some(format!("families names the family {} twice", family.family));
        }
        if let Some(twice) = family.tiers.iter().find(|tier| !tiers.insert(&tier.tag)) {
            return Some(format!("families names the tag {} twice", twice.tag));
        }
        let falling = family.tiers.windows(2).find(|pair| match pair {
            [upper, lower] => lower.cumulative_peak < upper.cumulative_peak,
            _ => false,
        });
        if let Some([_, lower]) = falling {
            return Some(format!(
                "the cumulative_peak of {} is below that of the tier above it; it includes that tier",
                lower.tag
            ));
        }
    }
    None
}
