//! The agent in `tests/protocol-agent`, written in Python from docs/protocol.md alone, against a real manager.
//!
//! `python3` with the package `cryptography` must be there; `scripts/test` sees to it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use seatpool_domain::event::EventKind;
use seatpool_manager::app::App;
use seatpool_manager::clock::Clock;
use seatpool_store::{EventQuery, Page};
use serde_json::Value;
use tempfile::TempDir;

use super::support::manager::text;
use super::support::{Manager, TAG, World};

/// Exit codes of the agent, as it documents them.
const DONE: i32 = 0;
const UNABLE: i32 = 1;
const REFUSED: i32 = 2;
const FAILED: i32 = 3;

/// One state file of the agent.
struct PythonAgent {
    state: PathBuf,
    anchor: PathBuf,
    url: String,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/protocol-agent")
}

fn python(script: &str) -> Command {
    let mut command = Command::new("python3");
    // No traces in the source tree.
    command.arg("-B").arg(folder().join(script));
    command
}

impl PythonAgent {
    fn new(dir: &TempDir, name: &str, world: &World, manager: &Manager) -> Self {
        Self {
            state: dir.path().join(name),
            anchor: world.data_dir().join("certificates/vendor-root.pem"),
            url: manager.url.clone(),
        }
    }

    /// The same state and another manager's address.
    fn at(&self, manager: &Manager) -> Self {
        Self { state: self.state.clone(), anchor: self.anchor.clone(), url: manager.url.clone() }
    }

    fn output(&self, flags: &[&str], command: &[&str]) -> Output {
        python("agent.py")
            .arg("--state")
            .arg(&self.state)
            .arg("--anchor")
            .arg(&self.anchor)
            .args(["--url", &self.url])
            .args(flags)
            .args(command)
            .output()
            .expect("python3 is installed: scripts/test sees to it")
    }

    /// What the agent says of `command`, which must end with `code`.
    fn run(&self, flags: &[&str], command: &[&str], code: i32) -> Value {
        let output = self.output(flags, command);
        let (told, errors) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{command:?}: {told}{errors}");
        serde_json::from_str(&told).unwrap_or_else(|e| panic!("{e}: {told}{errors}"))
    }

    fn register(&self, serial: &str, token: &str, more: &[&str], code: i32) -> Value {
        let mut command = vec!["register", "--token", token, "--pid", "UCCX", "--sn", serial];
        command.extend(["--name", "Unified CCX", "--type", "unified-ccx", "--version", "15.0"]);
        command.extend(["--host-name", "ccx.example.com"]);
        command.extend(more);
        self.run(&[], &command, code)
    }

    fn report(&self, flags: &[&str], peak: u64, code: i32) -> Value {
        self.run(flags, &["report", "--usage", &format!("{TAG}={peak}")], code)
    }

    fn status(&self) -> Value {
        self.run(&[], &["status"], DONE)
    }
}

/// How often something happened in the account.
async fn events(world: &World, kind: EventKind) -> u64 {
    let account = world.account;
    world
        .offline(Clock::default(), async |app: App| {
            let query = EventQuery { kind: Some(kind), ..EventQuery::default() };
            app.store().events(account, query, Page { limit: 1, offset: 0 }).await.unwrap().total
        })
        .await
}

#[test]
fn verifies_every_example_of_the_page_and_signs_alike() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/protocol.md");
    let output = python("examples.py").arg(page).output().expect("python3 is installed");
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "14 examples verified\n");
}

#[tokio::test]
async fn lives_a_whole_life() {
    let (world, dir) = (World::new().await, tempfile::tempdir().unwrap());
    world.order(10).await;
    let token = world.token().await;
    let manager = world.start();
    let agent = PythonAgent::new(&dir, "one", &world, &manager);

    assert_eq!(agent.run(&[], &["deregister"], UNABLE)["type"], "unable");
    let made = agent.register("PY1", &token.text, &[], DONE);
    assert_eq!(made["home"]["smart_account"], "Example");
    assert_eq!(made["export_controlled"], true);
    assert_eq!(agent.report(&[], 10, DONE)["status"], "authorized");
    let short = agent.report(&[], 12, DONE);
    assert_eq!((&short["status"], &short["tags"][0]["short"]), (&"out-of-compliance".into(), &2.into()));

    // An answer that was lost is told again, word for word; nothing is counted twice.
    let before = agent.status();
    let explained: Vec<_> =
        before["explained"][TAG].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(explained.contains(&"12 are in use, 10 are owned: 2 are short."), "{explained:?}");
    assert!(explained.iter().any(|line| line.starts_with("since ")), "{explained:?}");
    assert!(explained.last().unwrap().starts_with("Have 2 more of "), "{explained:?}");
    assert_eq!(agent.report(&["--lose-answer"], 3, FAILED)["type"], "failed");
    let lost = agent.status();
    assert_eq!((&lost["under_way"], &lost["last_answer"]), (&"authorization".into(), &before["last_answer"]));
    let again = agent.run(&[], &["retry"], DONE);
    assert_eq!((&again["status"], &again["sequence"]), (&"authorized".into(), &lost["sequence"]));
    assert_eq!(again["tags"][0]["in_use"], 3);
    assert_eq!(agent.status()["explained"][TAG], serde_json::json!([]), "what is in order is not explained");
    assert_eq!(agent.status()["unanswered"], serde_json::json!([]));

    // Two lost in a row, and then a new report that names both: in step all the same.
    agent.report(&["--lose-answer"], 11, FAILED);
    agent.report(&["--lose-answer"], 4, FAILED);
    assert_eq!(agent.status()["unanswered"].as_array().unwrap().len(), 2);
    // What was not acknowledged is not lost: the peak of 11 is in it.
    assert_eq!(agent.report(&[], 4, DONE)["tags"][0]["in_use"], 11);

    // A clock that is three days ahead is corrected by the signed refusal, and the report counts.
    let skewed = ["--clock-offset", "259200"];
    assert_eq!(agent.report(&skewed, 5, DONE)["status"], "authorized");
    assert_eq!(agent.run(&skewed, &["status"], DONE)["difference_seconds"], -259_200);
    assert_eq!(agent.report(&[], 5, DONE)["status"], "authorized");

    let renewed = agent.run(&[], &["renew-certificate"], DONE);
    assert_ne!(renewed["certificates"][0], made["certificate"]["certificates"][0]);
    assert_eq!(agent.report(&[], 6, DONE)["status"], "authorized");
    agent.run(&["--lose-answer"], &["renew-certificate", "--same-key"], FAILED);
    assert_eq!(agent.run(&[], &["retry"], DONE)["type"], "id-certificate-renewal");
    let authorization = agent.run(&[], &["renew-authorization"], DONE);
    assert_eq!(
        (&authorization["type"], &authorization["tags"][0]["in_use"]),
        (&"authorization".into(), &6.into())
    );

    let families = ["report", "--family", "ccx-flex:CCX_FLEX_PREMIUM=1,CCX_FLEX_STANDARD=3"];
    let tiers = agent.run(&[], &families, DONE);
    assert_eq!((&tiers["tags"][0]["short"], &tiers["tags"][1]["short"]), (&1.into(), &2.into()));

    assert_eq!(agent.run(&[], &["deregister"], DONE)["type"], "deregistration");
    assert_eq!(agent.status()["registered"], false);
    drop(manager);
    for kind in [EventKind::InstanceRewound, EventKind::InstanceCloned] {
        assert_eq!(events(&world, kind).await, 0, "{kind:?}");
    }
}

#[tokio::test]
async fn is_refused_as_the_page_says() {
    let (world, dir) = (World::new().await, tempfile::tempdir().unwrap());
    let token = world.token().await;
    let manager = world.start();
    let agent = |name: &str| PythonAgent::new(&dir, name, &world, &manager);
    let (first, second) = (agent("first"), agent("second"));

    let refused = first.register("PY2", "bm8gdG9rZW4=", &[], REFUSED);
    assert_eq!(refused["code"], "token_unknown");
    first.register("PY2", &token.text, &[], DONE);
    assert_eq!(second.register("PY2", &token.text, &[], REFUSED)["code"], "exists");
    second.register("PY2", &token.text, &["--force"], DONE);
    assert_eq!(first.report(&[], 1, REFUSED)["code"], "certificate_revoked");
    assert_eq!(first.status()["registered"], false);
    // With the older key's co-signature no force is needed.
    let forced = second.status();
    let again = second.register("PY2", &token.text, &[], DONE);
    assert_ne!(again["product_instance_id"], forced["product_instance_id"]);
    assert_eq!(second.report(&[], 0, DONE)["status"], "no-licenses-in-use");

    // Two copies of one state: the one that comes later is the clone.
    std::fs::copy(&second.state, dir.path().join("copy")).unwrap();
    second.report(&[], 1, DONE);
    second.report(&[], 2, DONE);
    let copy = agent("copy");
    copy.report(&[], 1, DONE);
    assert_eq!(second.report(&[], 2, REFUSED)["code"], "clone_detected");
    drop(manager);
    assert_eq!(events(&world, EventKind::InstanceForced).await, 1);
    assert_eq!(events(&world, EventKind::InstanceRewound).await, 1);
    assert_eq!(events(&world, EventKind::InstanceCloned).await, 1);
}

#[tokio::test]
async fn trusts_nobody_else_and_goes_on_after_an_outage() {
    let (world, dir) = (World::new().await, tempfile::tempdir().unwrap());
    let token = world.token().await;
    let manager = world.start();
    let agent = PythonAgent::new(&dir, "one", &world, &manager);
    agent.register("PY3", &token.text, &[], DONE);

    // Another vendor's manager: its TLS is not trusted, and if it were, its answers are not.
    let foreign_world = World::new().await;
    let foreign = foreign_world.start();
    let reason = agent.at(&foreign).report(&[], 1, FAILED)["reason"].to_string();
    assert!(reason.contains("CERTIFICATE_VERIFY_FAILED"), "{reason}");
    let foreign_root = foreign_world.data_dir().join("certificates/vendor-root.pem");
    let tls_only = ["--tls-anchor", foreign_root.to_str().unwrap()];
    let reason = agent.at(&foreign).report(&tls_only, 1, FAILED)["reason"].to_string();
    assert!(reason.contains("no trust anchor"), "{reason}");

    // kill -9 while a report is under way: the same request counts once when the manager is back.
    agent.report(&["--lose-answer"], 7, FAILED);
    manager.kill();
    assert_eq!(agent.report(&[], 2, FAILED)["type"], "failed");
    let manager = world.start();
    assert_eq!(agent.at(&manager).run(&[], &["retry"], DONE)["tags"][0]["in_use"], 7);
    assert_eq!(agent.at(&manager).report(&[], 2, DONE)["tags"][0]["in_use"], 2);
    drop((manager, foreign));
    assert_eq!(events(&world, EventKind::InstanceRewound).await, 0);
}
