//! What only SQLite has: its file, its lock, a disk that fills, and a process that is killed.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use seatpool_domain::{EventKind, Touches};
use seatpool_store::testing::{indexed_plans, limit_pages, list_plans, pages};
use seatpool_store::{AccountFilter, EventQuery, Options, Page, Store, StoreError};

use crate::facts::*;
use crate::{migrated, open};

pub(crate) fn url(folder: &Path) -> String {
    format!("sqlite:{}/seatpool.db", folder.display())
}

#[tokio::test]
async fn the_file_and_its_log_are_the_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = migrated(url(folder.path())).await;
    create_account(&store, 1).await;
    for name in ["seatpool.db", "seatpool.db-wal", "seatpool.db-shm", "seatpool.db.lock"] {
        let mode = std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_file_in_use_is_refused_and_its_holder_named() {
    let folder = tempfile::tempdir().unwrap();
    let store = migrated(url(folder.path())).await;
    let options = Options { url: url(folder.path()), connections: 1, create: false };
    let refusal = Store::open(&options).await.err().unwrap();
    let own = format!("process {}", std::process::id());
    assert!(matches!(&refusal, StoreError::InUse { holder } if *holder == own), "{refusal}");
    drop(store);
    open(url(folder.path())).await;
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_named() {
    let options = Options { url: "sqlite:/nowhere/at/all.db".to_owned(), connections: 1, create: true };
    let refusal = Store::open(&options).await.err().unwrap().to_string();
    assert!(refusal.contains("/nowhere/at/all.db"), "{refusal}");
}

#[tokio::test]
async fn only_who_may_make_a_database_gets_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let at = |create| Options { url: url(folder.path()), connections: 1, create };
    let refusal = Store::open(&at(false)).await.err().unwrap();
    assert!(matches!(refusal, StoreError::Missing(_)), "{refusal}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was made, no lock either");
    std::fs::write(folder.path().join("seatpool.db"), "").unwrap();
    let refusal = Store::open(&at(false)).await.err().unwrap();
    assert!(matches!(refusal, StoreError::Missing(_)), "{refusal}");
    let store = Store::open(&at(true)).await.unwrap();
    assert!(!store.is_set_up().await.unwrap());
    store.migrate().await.unwrap();
    assert!(store.is_set_up().await.unwrap());
}

#[tokio::test]
async fn closed_the_database_is_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = migrated(url(folder.path())).await;
    create_account(&store, 1).await;
    let log = folder.path().join("seatpool.db-wal");
    assert!(log.metadata().unwrap().len() > 0);
    store.close().await.unwrap();
    assert!(!log.exists() && !folder.path().join("seatpool.db-shm").exists());
    assert!(store.probe().await.is_err());
    drop(store);
    let store = open(url(folder.path())).await;
    assert_eq!(store.accounts(AccountFilter::default(), Page::ALL).await.unwrap().total, 1);
}

#[tokio::test]
async fn an_unreachable_postgres_is_told_with_its_cause() {
    let url = "postgres://seatpool@127.0.0.1:1/seatpool".to_owned();
    let refusal =
        Store::open(&Options { url, connections: 1, create: true }).await.err().unwrap().to_string();
    assert!(refusal.contains("refused"), "{refusal}");
}

#[tokio::test]
async fn a_full_disk_is_told_and_service_resumes() {
    let folder = tempfile::tempdir().unwrap();
    let store = migrated(url(folder.path())).await;
    let account = create_account(&store, 1).await;
    limit_pages(&store, pages(&store).await.unwrap() + 3).await.unwrap();
    let mut stored = 1;
    let refusal = loop {
        let mut batch = store.begin(account, &Touches::default(), &catalogue()).await.unwrap();
        append(&mut batch.workset, event(EventKind::TokenCreated, &"x".repeat(1_000)));
        match batch.commit().await {
            Ok(()) => stored += 1,
            Err(refusal) => break refusal,
        }
        assert!(stored < 1_000, "the limit bites");
    };
    assert!(matches!(refusal, StoreError::Full), "{refusal}");
    assert!(refusal.is_unavailable());
    let log = store.events(account, EventQuery::default(), Page { limit: 1, offset: 0 }).await.unwrap();
    assert_eq!(log.total, stored, "what was acknowledged is there, the refused is not");
    // Again in vain, and then with room: the same connection goes on.
    let mut batch = store.begin(account, &Touches::default(), &catalogue()).await.unwrap();
    append(&mut batch.workset, event(EventKind::TokenCreated, &"x".repeat(10_000)));
    assert!(matches!(batch.commit().await.unwrap_err(), StoreError::Full));
    limit_pages(&store, 1_000_000).await.unwrap();
    add(&store, account, |workset| append(workset, event(EventKind::TokenCreated, &"x".repeat(10_000))))
        .await;
    store.probe().await.unwrap();
    let log = store.events(account, EventQuery::default(), Page { limit: 1, offset: 0 }).await.unwrap();
    assert_eq!(log.total, stored + 1);
}

#[tokio::test]
async fn every_list_is_read_by_an_index_and_none_scans_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let store = migrated(url(folder.path())).await;
    let plans = list_plans(&store).await.unwrap();
    assert!(plans.len() > 30, "{}", plans.len());
    let mut wrong = Vec::new();
    for (wanted, plan) in plans {
        let scans = [
            "SCAN instances",
            "SCAN events",
            "SCAN tokens",
            "SCAN usage_reports",
            "SCAN u",
            "TEMP B-TREE FOR ORDER BY",
        ];
        // Those that share one name are few, and are sorted by themselves.
        let plan = if plan.contains("CO-ROUTINE called") {
            plan.replace("USE TEMP B-TREE FOR ORDER BY", "sorted")
        } else {
            plan
        };
        if !plan.contains(wanted) || scans.iter().any(|scan| plan.contains(scan)) {
            wrong.push(format!("{wanted}: {plan}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn alerts_and_lots_are_found_by_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let store = migrated(url(folder.path())).await;
    for (index, plan) in indexed_plans(&store).await.unwrap() {
        let wanted = match index.strip_prefix("covering ") {
            Some(index) => format!("COVERING INDEX {index} "),
            None => format!("INDEX {index} "),
        };
        let used = plan.contains(&wanted) && !plan.contains("SCAN instances") && !plan.contains("SCAN lots");
        assert!(used, "{index} is not used: {plan}");
    }
}

const CHILD_FOLDER: &str = "SEATPOOL_STORE_TEST_FOLDER";

/// In the child: commits one event after the other for ever, and says each number once its commit returned.
async fn acknowledge_for_ever(folder: &Path) {
    let store = migrated(url(folder)).await;
    let account = create_account(&store, 1).await;
    loop {
        let mut batch = store.begin(account, &Touches::default(), &catalogue()).await.unwrap();
        let number = batch.workset.account.next_event;
        append(&mut batch.workset, event(EventKind::TokenCreated, "acknowledged"));
        batch.commit().await.unwrap();
        println!("stored {number}");
    }
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    if let Some(folder) = std::env::var_os(CHILD_FOLDER) {
        return acknowledge_for_ever(Path::new(&folder)).await;
    }
    for acknowledged_before in [1, 20, 150] {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "sqlite::what_was_acknowledged_survives_a_kill", "--nocapture"])
            .env(CHILD_FOLDER, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut number_in = |line: std::io::Result<String>| -> Option<u64> {
            line.ok()?.rsplit_once("stored ")?.1.parse().ok()
        };
        let mut last = 0;
        let mut seen = 0;
        while seen < acknowledged_before {
            if let Some(number) = number_in(lines.next().expect("the child goes on until it is killed")) {
                last = number;
                seen += 1;
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What it said before it died is acknowledged too; the last line may be cut short.
        last = lines.filter_map(&mut number_in).max().unwrap_or(last).max(last);

        let store = migrated(url(folder.path())).await;
        let log = store.events(account(1).id, EventQuery::default(), Page::ALL).await.unwrap();
        let numbers: Vec<u64> = log.items.iter().rev().map(|event| event.number).collect();
        assert!(numbers.len() as u64 >= last, "{last} were acknowledged, {} are there", numbers.len());
        assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "no gap");
        assert_eq!(store.account(account(1).id).await.unwrap().unwrap().next_event, numbers.len() as u64 + 1);
    }
}
