//! docs/protocol.md says what the code does: its tables of refusals, limits and tag statuses are made from
//! the code, every field of every example stands in a table, and every link leads somewhere.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use seatpool_proto::message::TagStatus;
use seatpool_proto::problem::Signed;
use seatpool_proto::{ProblemCode, RequestBody, limits};
use serde_json::Value;

use crate::sample::{PAGE, blocks};

/// The part of the page between `<!-- name begin -->` and `<!-- name end -->`.
fn part(name: &str) -> &'static str {
    let (_, rest) = PAGE.split_once(&format!("<!-- {name} begin -->\n")).unwrap();
    rest.split_once(&format!("<!-- {name} end -->")).unwrap().0
}

fn check(name: &str, expected: &str) {
    assert!(part(name) == expected, "the table \"{name}\" of docs/protocol.md should be:\n{expected}");
}

#[test]
fn the_table_of_refusals_is_that_of_the_code() {
    let mut table =
        String::from("| code | HTTP | signed | what happened | what to do |\n|---|---|---|---|---|\n");
    for code in ProblemCode::ALL {
        let signed = match code.signed() {
            Signed::Never => "no",
            Signed::IfHeaderRead => "if the header was read",
            Signed::Always => "yes",
        };
        let (status, meaning, action) = (code.http_status(), code.meaning(), code.action());
        writeln!(table, "| `{code}` | {status} | {signed} | {meaning} | {action} |").unwrap();
    }
    check("refusals", &table);
}

#[test]
fn the_table_of_limits_is_that_of_the_code() {
    let rows = [
        ("a body, envelope included, in both directions", "bytes", limits::MESSAGE_BYTES_MAX as u64),
        ("`signature.value`", "bytes", limits::SIGNATURE_BYTES_MAX as u64),
        ("`signature.certificates`", "certificates", limits::CHAIN_CERTIFICATES_MAX as u64),
        ("one certificate", "bytes", limits::CERTIFICATE_BYTES_MAX as u64),
        ("`public_key`", "bytes", limits::PUBLIC_KEY_BYTES_MAX as u64),
        ("`sequence`", "–", limits::SEQUENCE_MAX),
        ("`unanswered`", "ids", limits::UNANSWERED_MAX as u64),
        ("`udi.pid`, `udi.sn`, `udi.uuid`, each", "bytes", limits::UDI_FIELD_BYTES_MAX as u64),
        ("`token`", "characters", limits::TOKEN_CHARS_MAX as u64),
        (
            "`product.name`, `product.type`, `product.version`, each",
            "bytes",
            limits::PRODUCT_FIELD_BYTES_MAX as u64,
        ),
        ("`host_name`", "bytes", limits::HOST_NAME_BYTES_MAX as u64),
        ("a tag or family name", "bytes", limits::TAG_BYTES_MAX as u64),
        (
            "different tags in one report, in `usage` and `families` together",
            "tags",
            limits::REPORT_TAGS_MAX as u64,
        ),
        ("`families`", "families", limits::REPORT_FAMILIES_MAX as u64),
        ("`families[].tiers`", "tiers", limits::FAMILY_TIERS_MAX as u64),
        ("`peak`, `cumulative_peak`, `locked`, each", "licences", limits::QUANTITY_MAX),
        ("`tags` of an answer", "tags", limits::ANSWER_TAGS_MAX as u64),
        ("`tags[].explanation` in one answer", "tags", limits::EXPLAINED_TAGS_MAX as u64),
        ("`why`, `next` and `what_to_do`, each", "lines", limits::EXPLANATION_LINES_MAX as u64),
        (
            "one line of `why` and `what_to_do`, and `what`, each",
            "bytes",
            limits::EXPLANATION_LINE_BYTES_MAX as u64,
        ),
        ("`feature` of an export authorization", "bytes", limits::EXPORT_FEATURE_BYTES_MAX as u64),
        ("`exports`, `exports_ended`, each", "features", limits::EXPORTS_MAX as u64),
        ("`authorization_key`", "bytes", limits::EXPORT_KEY_BYTES_MAX as u64),
        ("`message` and `action` of a refusal, each", "bytes", limits::TEXT_BYTES_MAX as u64),
        ("`sent_at` away from the manager's time", "seconds", limits::CLOCK_SKEW_SECONDS_MAX as u64),
    ];
    let mut table = String::from("| what | at most | of |\n|---|---|---|\n");
    for (what, unit, most) in rows {
        writeln!(table, "| {what} | {} | {unit} |", grouped(most)).unwrap();
    }
    check("limits", &table);
}

/// 1234567 as 1,234,567.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let head = digits.len() % 3;
    let (head, rest) = digits.split_at(head);
    let groups = rest.as_bytes().chunks(3).map(|group| str::from_utf8(group).unwrap());
    [head].into_iter().filter(|head| !head.is_empty()).chain(groups).collect::<Vec<_>>().join(",")
}

#[test]
fn what_an_agent_does_is_said_once_for_every_code() {
    let (_, rest) = PAGE.split_once("What an agent does about it:").unwrap();
    let (table, _) = rest.split_once("## ").unwrap();
    let first_cells: String =
        table.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next()).collect();
    for code in ProblemCode::ALL {
        assert_eq!(first_cells.matches(&format!("`{code}`")).count(), 1, "{code}");
    }
}

#[test]
fn the_tag_statuses_are_those_of_the_code() {
    let mut told = BTreeSet::new();
    for row in part("tag statuses").lines() {
        let word = row.split('`').nth(1).unwrap();
        let status: TagStatus = serde_json::from_value(word.into()).unwrap();
        assert_ne!(status, TagStatus::Invalid, "{word}");
        assert_eq!(serde_json::to_value(status).unwrap(), Value::from(word));
        told.insert(status);
    }
    let all = [
        TagStatus::InCompliance,
        TagStatus::OutOfCompliance,
        TagStatus::NotInUse,
        TagStatus::InvalidTag,
        TagStatus::NotAuthorized,
        TagStatus::Disabled,
        TagStatus::NotApplicable,
    ];
    assert_eq!(told, all.into_iter().collect());
}

#[test]
fn every_request_type_has_a_section() {
    for kind in RequestBody::TYPES {
        assert!(PAGE.contains(&format!("`\"type\": \"{kind}\"`")), "{kind}");
    }
}

#[test]
fn every_field_of_every_example_stands_in_a_table() {
    fn fields(value: &Value, path: &str, into: &mut BTreeSet<String>) {
        match value {
            Value::Object(object) => {
                for (name, value) in object {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    into.insert(path.clone());
                    fields(value, &path, into);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| fields(item, &format!("{path}[]"), into)),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    for (name, text) in blocks("reading") {
        let value: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        fields(&value, "", &mut found);
    }
    assert!(found.len() > 40, "{found:?}");
    for field in found {
        // The certificate of a registration's answer has the fields of a renewal's.
        let field = field.strip_prefix("certificate.").unwrap_or(&field);
        let told = PAGE.contains(&format!("| `{field}` |")) || PAGE.contains(&format!("`{field}` (UUID)"));
        assert!(told, "the field {field} is in an example and in no table");
    }
}

#[test]
fn every_link_leads_somewhere() {
    let heading = |line: &str| -> String {
        let text = line.trim_start_matches('#').trim().to_lowercase();
        text.chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect()
    };
    let anchors: BTreeSet<_> = PAGE.lines().filter(|line| line.starts_with('#')).map(heading).collect();
    let docs = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs"));
    let targets: Vec<_> = PAGE.split("](").skip(1).map(|rest| rest.split_once(')').unwrap().0).collect();
    assert!(targets.len() > 10);
    for target in targets {
        match target.strip_prefix('#') {
            Some(anchor) => assert!(anchors.contains(anchor), "no heading #{anchor}"),
            None => assert!(docs.join(target).exists(), "no file {target}"),
        }
    }
}
