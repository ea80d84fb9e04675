//! `seatpool audit verify` on databases that were tampered with behind the manager's back.

use seatpool_store::testing::{PrivatePostgres, execute};
use seatpool_store::{Options, Store};
use serde_json::{Value, json};

use crate::rest_support::credentials;
use crate::support::manager::{seatpool, text};
use crate::support::{TAG, World};

/// What the command found in the database of a world: exit code and JSON.
fn verify(world: &World, more: &[&str]) -> (i32, Value) {
    let output = seatpool()
        .args(["audit", "verify", "--json", "--data-dir"])
        .arg(world.data_dir())
        .args(more)
        .output()
        .unwrap();
    let code = output.status.code().unwrap();
    assert!(code < 2, "{}", text(&output.stderr));
    (code, serde_json::from_slice(&output.stdout).unwrap())
}

/// Six events: the account's, four of virtual accounts, an order's.
async fn history(world: &World) {
    for name in ["a", "b", "c", "d"] {
        world.virtual_account(name, "").await;
    }
    world.deposit(world.default, "O-1", &[(TAG, 5, None)]).await;
}

/// Statements that a person with the database in hand could run, and what must be found.
const TAMPERED: &[(&[&str], &str, u64)] = &[
    (&["UPDATE events SET message = 'nothing happened' WHERE number = 3"], "altered", 3),
    (&["UPDATE events SET kind = 'never_heard_of' WHERE number = 4"], "altered", 4),
    (&["UPDATE events SET at = at + 1 WHERE number = 6"], "altered", 6),
    (&["DELETE FROM events WHERE number = 2"], "removed", 2),
    (
        &["DELETE FROM events WHERE number = 2", "UPDATE events SET number = number - 1 WHERE number = 3"],
        "removed",
        2,
    ),
    (&["DELETE FROM events WHERE number >= 5"], "removed", 5),
    (
        &[
            "UPDATE events SET number = -number WHERE number >= 4",
            "UPDATE events SET number = 1 - number WHERE number < 0",
            "INSERT INTO events SELECT account_id, 4, at, actor_kind, actor_name, source, kind, virtual_account, \
             tag, instance, 'forged', value_before, value_after, previous_hash, hash FROM events WHERE number = 3",
        ],
        "inserted",
        4,
    ),
    (
        &[
            "UPDATE events SET number = 100 WHERE number = 2",
            "UPDATE events SET number = 2 WHERE number = 5",
            "UPDATE events SET number = 5 WHERE number = 100",
        ],
        "reordered",
        2,
    ),
    (&["UPDATE accounts SET next_event = 6"], "inserted", 6),
    (&["UPDATE accounts SET event_head = NULL"], "altered", 6),
];

/// Lifts what keeps the log append-only.
const UNGUARD_SQLITE: &[&str] = &[
    "DROP TRIGGER events_never_change",
    "DROP TRIGGER events_never_go",
    "DROP TRIGGER lot_transactions_never_change",
    "DROP TRIGGER lot_transactions_never_go",
    // The check on numbers, which may be negative in passing.
    "PRAGMA ignore_check_constraints = ON",
];

async fn store(url: &str) -> Store {
    Store::open(&Options { url: url.to_owned(), connections: 1, create: false }).await.unwrap()
}

pub(crate) async fn tamper(url: &str, statements: impl Iterator<Item = &str>) {
    let store = store(url).await;
    for statement in statements {
        execute(&store, statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    store.close().await.unwrap();
}

#[tokio::test]
async fn every_way_of_tampering_with_a_sqlite_file_is_named() {
    let world = World::new().await;
    history(&world).await;
    let (code, found) = verify(&world, &[]);
    assert_eq!((code, &found["intact"], &found["events"]), (0, &json!(true), &json!(6)));
    let file = world.data_dir().join("seatpool.db");
    let url = format!("sqlite:{}", file.display());
    let original = std::fs::read(&file).unwrap();
    for (statements, what, number) in TAMPERED {
        tamper(&url, UNGUARD_SQLITE.iter().chain(*statements).copied()).await;
        let (code, found) = verify(&world, &["--account", "example.com"]);
        let event = &found["event"];
        assert_eq!(
            (code, &event["what"], &event["number"]),
            (1, &json!(what), &json!(number)),
            "{statements:?}"
        );
        std::fs::write(&file, &original).unwrap();
    }
    let lots: &[(&str, &str, u64)] = &[
        ("DELETE FROM lot_transactions", "removed", 6000),
        ("UPDATE lot_transactions SET done_by = 'mallory'", "altered", 6000),
        ("UPDATE lot_transactions SET number = 2000", "altered", 2000),
        ("UPDATE lot_transactions SET number = 9000", "removed", 6000),
    ];
    for (statement, what, number) in lots {
        tamper(&url, UNGUARD_SQLITE.iter().copied().chain([*statement])).await;
        let (code, found) = verify(&world, &[]);
        let row = &found["transaction"];
        assert_eq!((code, &row["what"], &row["number"]), (1, &json!(what), &json!(number)), "{statement}");
        std::fs::write(&file, &original).unwrap();
    }
    assert_eq!(verify(&world, &[]).0, 0, "and put back, it is as it was");
}

#[tokio::test]
async fn every_way_of_tampering_with_postgresql_is_named() {
    let postgres = PrivatePostgres::start().unwrap();
    let url = postgres.database().unwrap();
    let world = World::with(tempfile::tempdir().unwrap(), &["--database-url", &url]).await;
    history(&world).await;
    assert_eq!(verify(&world, &[]).0, 0);
    let unguard = [
        "ALTER TABLE events DISABLE TRIGGER USER",
        "ALTER TABLE events DROP CONSTRAINT IF EXISTS events_number_check",
        "CREATE TABLE kept_events AS SELECT * FROM events",
        "CREATE TABLE kept_accounts AS SELECT * FROM accounts",
    ];
    tamper(&url, unguard.into_iter()).await;
    for (statements, what, number) in TAMPERED {
        tamper(&url, statements.iter().copied()).await;
        let (code, found) = verify(&world, &[]);
        let event = &found["event"];
        assert_eq!(
            (code, &event["what"], &event["number"]),
            (1, &json!(what), &json!(number)),
            "{statements:?}"
        );
        let restore = [
            "DELETE FROM events",
            "INSERT INTO events SELECT * FROM kept_events",
            "UPDATE accounts SET next_event = (SELECT next_event FROM kept_accounts), \
             event_head = (SELECT event_head FROM kept_accounts)",
        ];
        tamper(&url, restore.into_iter()).await;
    }
    assert_eq!(verify(&world, &[]).0, 0, "and put back, it is as it was");
}

#[tokio::test]
async fn newest_events_that_were_cut_off_are_missed_by_the_hash_that_was_kept() {
    let world = World::new().await;
    history(&world).await;
    let kept = verify(&world, &[]).1["head"].as_str().unwrap().to_owned();
    let with_kept = |world: &World| verify(world, &["--account", "example.com", "--head", &kept]);
    world.virtual_account("e", "").await;
    assert_eq!(with_kept(&world).0, 0, "the log grew since");
    let url = format!("sqlite:{}", world.data_dir().join("seatpool.db").display());
    let cut = [
        "DELETE FROM events WHERE number > 4",
        "DELETE FROM lot_transactions",
        "UPDATE accounts SET next_event = 5, event_head = (SELECT hash FROM events WHERE number = 4)",
    ];
    tamper(&url, UNGUARD_SQLITE.iter().copied().chain(cut)).await;
    assert_eq!(verify(&world, &[]).0, 0, "what is left is in order");
    let (code, found) = with_kept(&world);
    let event = &found["event"];
    assert_eq!((code, &event["what"], &event["number"]), (1, &json!("removed"), &json!(5)));
    assert!(event["message"].as_str().unwrap().contains(&format!("no event has the hash {kept}")), "{found}");
    let manager = world.start();
    let output = seatpool()
        .args(["audit", "verify-served", "--json", "--head", &kept, "--url", &manager.url, "--credentials"])
        .arg(world.data_dir().join("client.json"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap(), found);
}

#[tokio::test]
async fn a_log_is_verified_beside_the_manager_that_serves_it_and_by_it() {
    let world = World::new().await;
    history(&world).await;
    let client = credentials(&world);
    let manager = world.start();
    let (code, beside) = verify(&world, &[]);
    assert_eq!((code, &beside["intact"]), (0, &json!(true)));
    let served = |path: &std::path::Path| {
        seatpool()
            .args(["audit", "verify-served", "--json", "--url", &manager.url, "--credentials"])
            .arg(path)
            .output()
            .unwrap()
    };
    let output = served(&world.data_dir().join("client.json"));
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap(), beside);
    drop(client);
    assert_eq!(served(&world.data_dir().join("nothing.json")).status.code(), Some(2));
    assert_eq!(manager.stop(), Some(0));

    let file = world.data_dir().join("seatpool.db");
    tamper(&format!("sqlite:{}", file.display()), UNGUARD_SQLITE.iter().chain(TAMPERED[0].0).copied()).await;
    let manager = world.start();
    let output = seatpool()
        .args(["audit", "verify-served", "--url", &manager.url, "--credentials"])
        .arg(world.data_dir().join("client.json"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        text(&output.stdout),
        "example.com: event 3 was altered: its contents are not those that its hash was made of\n\
         example.com: the first 2 events are in order\n"
    );
    assert_eq!(manager.stop(), Some(0));
}

#[tokio::test]
async fn what_can_not_be_verified_is_said_with_exit_code_2() {
    let world = World::new().await;
    let run = |arguments: &[&str]| {
        let output = seatpool()
            .args(["audit", "verify", "--data-dir"])
            .arg(world.data_dir())
            .args(arguments)
            .output()
            .unwrap();
        (output.status.code(), text(&output.stderr))
    };
    let (code, said) = run(&["--account", "nobody.example"]);
    assert_eq!((code, said.trim_end()), (Some(2), "seatpool: there is no smart account nobody.example"));
    std::fs::remove_file(world.data_dir().join("seatpool.db")).unwrap();
    let (code, said) = run(&[]);
    assert_eq!(code, Some(2));
    assert!(said.contains("no manager's data is in"), "{said}");
    assert!(!world.data_dir().join("seatpool.db").exists(), "and none was made");
}
