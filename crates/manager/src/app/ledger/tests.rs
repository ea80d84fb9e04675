use metrics_exporter_prometheus::PrometheusBuilder;
use seatpool_domain::command::Action;
use seatpool_domain::opening::Opening;
use seatpool_domain::{Actor, apply};
use seatpool_proto::VirtualAccountId;
use seatpool_store::Options;
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::*;

const BOOM: &str = "boom";

/// Changes something, then panics, where the new virtual account is named [`BOOM`].
fn explosive(command: Command, workset: &mut Workset, context: &mut Context<'_>) -> Result<Outcome, Refused> {
    let explodes = matches!(&command.action, Action::CreateVirtualAccount { name, .. } if name == BOOM);
    let outcome = apply(command, workset, context);
    assert!(!explodes, "a defect");
    outcome
}

/// A ledger on a store of its own with one account, which has the virtual account Default.
async fn ledger(decide: Decide) -> (TempDir, Ledger, AccountId) {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", dir.path().join("test.db").display());
    let store = Store::open(&Options { url, connections: 2, create: true }).await.unwrap();
    store.migrate().await.unwrap();
    let clock = Clock::default();
    let account = AccountId(NewIds(clock).uuid());
    let opening = Opening {
        id: account,
        default_virtual_account: VirtualAccountId(NewIds(clock).uuid()),
        domain: "example.com".into(),
        name: "Example".into(),
        export_permitted: true,
        universal_permitted: false,
        administrator: None,
        actor: Actor::System,
        source: None,
    };
    store.create_account(opening.into_workset(clock.now()).unwrap()).await.unwrap();
    let mut ledger = Ledger::new(store, Arc::new(Catalogue::default()), Policy::default(), clock, true);
    Arc::get_mut(&mut ledger.0).unwrap().decide = decide;
    (dir, ledger, account)
}

fn create(name: &str) -> Command {
    let action = Action::CreateVirtualAccount { name: name.into(), description: String::new() };
    Command { actor: Actor::System, source: None, action }
}

async fn names(ledger: &Ledger, account: AccountId) -> Vec<String> {
    let mut names: Vec<_> =
        ledger.0.store.virtual_accounts(account).await.unwrap().into_iter().map(|va| va.name).collect();
    names.sort();
    names
}

/// Holds the turn to write while `commands` are submitted, so that they are one batch (after the first, which
/// is under way already); what came of each, in order.
async fn submit_together(
    ledger: &Ledger,
    account: AccountId,
    commands: &[&str],
) -> Vec<Result<Outcome, AppError>> {
    let turn = ledger.0.writers.as_ref().unwrap().acquire().await.unwrap();
    let queued = || ledger.0.queues.lock().unwrap().get(&account).map(VecDeque::len);
    let mut tasks = JoinSet::new();
    for (i, name) in commands.iter().enumerate() {
        let (ledger, command) = (ledger.clone(), create(name));
        tasks.spawn(async move { (i, ledger.submit(account, command, None).await) });
        // The actor takes the first at once and waits for its turn; the others wait for the actor.
        while queued() != Some(i) {
            tokio::task::yield_now().await;
        }
    }
    drop(turn);
    let mut outcomes = tasks.join_all().await;
    outcomes.sort_by_key(|(i, _)| *i);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

#[tokio::test]
async fn what_arrives_while_a_commit_is_under_way_is_committed_together() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let counted = recorder.handle();
    // The test's runtime has this one thread.
    let _recording = ::metrics::set_default_local_recorder(&recorder);
    let (_dir, ledger, account) = ledger(apply).await;
    let wanted: Vec<String> = (0..100).map(|i| format!("va {i:02}")).collect();
    let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
    let outcomes = submit_together(&ledger, account, &wanted).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(names(&ledger, account).await.len(), 101);
    let metrics = counted.render();
    assert!(metrics.contains("seatpool_ledger_batch_commands_count 2\n"), "the first, then 99: {metrics}");
    assert!(ledger.0.queues.lock().unwrap().is_empty(), "an actor ends when there is nothing to do");
}

#[tokio::test]
async fn a_decision_that_panics_takes_nobody_down_with_it() {
    let (_dir, ledger, account) = ledger(explosive).await;
    let outcomes = submit_together(&ledger, account, &["a", "b", BOOM, "c", BOOM, "a"]).await;
    let shapes: Vec<_> = outcomes
        .iter()
        .map(|outcome| match outcome {
            Ok(Outcome::VirtualAccount(_)) => "created",
            Err(AppError::Refused(Refused::Exists { .. })) => "exists",
            Err(AppError::Internal) => "internal",
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(shapes, ["created", "created", "internal", "created", "internal", "exists"]);
    assert_eq!(names(&ledger, account).await, ["Default", "a", "b", "c"], "nothing of the panics is stored");
    ledger.submit(account, create("d"), None).await.unwrap();
    assert_eq!(names(&ledger, account).await.len(), 5);
}

#[tokio::test]
async fn an_account_that_is_not_there_is_an_error_and_not_a_wait() {
    let (_dir, ledger, _) = ledger(apply).await;
    let nobody = AccountId(uuid::Uuid::nil());
    let outcome = ledger.submit(nobody, create("a"), None).await;
    assert!(matches!(outcome, Err(AppError::Internal)), "{outcome:?}");
}
