//! The one-way dependencies and the purity of the cores, read from the manifests, the dependency trees and the sources.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// Which of our crates a crate may use (ARCHITECTURE.md, "Crates").
const MAY_USE: &[(&str, &[&str])] = &[
    ("proto", &[]),
    ("crypto", &["proto"]),
    ("agent", &["proto"]),
    ("agentd", &["proto", "crypto", "agent"]),
    ("products", &["proto", "agent", "agentd"]),
    ("domain", &["proto"]),
    ("store", &["proto", "domain"]),
    ("manager", &["proto", "crypto", "domain", "store"]),
    ("sim", &["proto", "crypto", "agent", "agentd", "domain", "store", "manager"]),
];

/// Crates without clock, chance, I/O and async, and what must not be in their trees.
const CORES: &[&str] = &["proto", "agent", "domain"];
const IMPURE: &[&str] = &[
    "tokio",
    "async-std",
    "smol",
    "mio",
    "sqlx",
    "axum",
    "hyper",
    "reqwest",
    "getrandom",
    "rand",
    "rand_core",
    "fastrand",
    "aws-lc-rs",
    "ring",
    "rustls",
];
/// What must not be anywhere (deny.toml says why).
const BANNED: &[&str] = &["openssl", "openssl-sys", "native-tls", "ring", "chrono"];

/// Our crates, as their manifests declare them.
fn metadata() -> Metadata {
    MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec().unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_path_buf()
}

/// Names of all packages that one of our crates is built with when it is built alone.
fn reachable(name: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--edges", "normal", "--prefix", "none", "--format", "{p}", "--package"])
        .arg(format!("seatpool-{name}"))
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn our_crates_depend_one_way() {
    let metadata = metadata();
    let members: BTreeSet<_> = metadata
        .workspace_packages()
        .iter()
        .map(|package| package.name.strip_prefix("seatpool-").unwrap().to_owned())
        .collect();
    let listed: BTreeSet<_> = MAY_USE.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(members, listed, "every crate stands in ARCHITECTURE.md and here");
    for (name, may_use) in MAY_USE {
        let package =
            metadata.packages.iter().find(|p| p.name.as_str() == format!("seatpool-{name}")).unwrap();
        for dependency in package.dependencies.iter().filter(|d| d.kind != DependencyKind::Development) {
            if let Some(ours) = dependency.name.strip_prefix("seatpool-") {
                assert!(may_use.contains(&ours), "{name} must not use {ours}");
            }
        }
    }
}

#[test]
fn the_cores_reach_no_io_no_chance_and_no_runtime() {
    for core in CORES {
        let reached = reachable(core);
        for impure in IMPURE {
            assert!(!reached.contains(*impure), "{core} reaches {impure}");
        }
    }
}

#[test]
fn banned_crates_are_not_in_any_tree() {
    for (name, _) in MAY_USE {
        let reached = reachable(name);
        for banned in BANNED {
            assert!(!reached.contains(*banned), "{name} reaches {banned}");
        }
    }
}

#[test]
fn the_cores_sources_read_no_clock_and_do_no_io() {
    let ambient = [
        "::now()",
        "std::fs",
        "std::net",
        "std::process",
        "std::thread",
        "std::env::",
        "async fn",
        ".await",
        "thread_rng",
        "std::io",
    ];
    for core in CORES {
        for file in rust_files(&root().join("crates").join(core).join("src")) {
            let text = std::fs::read_to_string(&file).unwrap();
            for (number, line) in text.lines().enumerate() {
                let code = line.split("//").next().unwrap_or_default();
                for word in ambient {
                    assert!(!code.contains(word), "{}:{}: {word}", file.display(), number + 1);
                }
            }
        }
    }
}

#[test]
fn the_tests_that_architecture_names_exist() {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let mut found = 0;
    for (number, line) in page.lines().enumerate() {
        for name in line.split('`').skip(1).step_by(2) {
            let Some((name, module)) =
                name.split_once(": ").filter(|(name, _)| MAY_USE.iter().any(|c| c.0 == *name))
            else {
                continue;
            };
            let tests = root().join("crates").join(name).join("tests/it");
            let is_there =
                tests.join(format!("{module}.rs")).exists() || tests.join(module).join("mod.rs").exists();
            assert!(is_there, "ARCHITECTURE.md:{}: {name} has no tests {module}", number + 1);
            found += 1;
        }
    }
    assert!(found >= 10, "{found} tests are named");
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files
}
