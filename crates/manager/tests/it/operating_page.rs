//! docs/operating.md lists every configuration key and every metric, and none that is not there.

use std::collections::BTreeSet;

use seatpool_manager::config::{ConfigArgs, Loaded, Purpose};

const PAGE: &str = include_str!("../../../../docs/operating.md");
const METRICS: &str = include_str!("../../src/ops/metrics.rs");

/// The names in the first column of the page's table.
fn told(table: &str) -> BTreeSet<String> {
    let (_, rest) = PAGE.split_once(&format!("<!-- {table} begin -->\n")).unwrap();
    let (rows, _) = rest.split_once(&format!("<!-- {table} end -->")).unwrap();
    let names = rows.lines().filter_map(|row| row.strip_prefix("| `")?.split(['`', '{']).next());
    names.map(str::to_owned).collect()
}

#[test]
fn the_configuration_keys_are_those_of_the_manager() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("seatpool.toml");
    std::fs::write(&file, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx = 1\n").unwrap();
    let args = ConfigArgs { config: Some(file), ..ConfigArgs::default() };
    let loaded = Loaded::read(&args, [], Purpose::Init);
    let mut messages = loaded.problems.iter().map(|problem| &problem.message);
    // A key that is like no other is refused with the names of all.
    let list = messages.find_map(|text| text.split_once("there are ")).unwrap().1;
    let keys: BTreeSet<String> = list.split(", ").map(str::to_owned).collect();
    assert!(keys.len() > 10, "{keys:?}");
    assert_eq!(told("keys"), keys);
}

#[test]
fn the_metrics_are_those_of_the_manager() {
    let names = METRICS.split('"').filter(|text| text.starts_with("seatpool_"));
    assert_eq!(told("metrics"), names.map(str::to_owned).collect());
}
