//! What an operator watches.

use std::io::Write as _;
use std::process::{Command, Stdio};

use seatpool_domain::EventKind;
use seatpool_domain::command::{Action, CoTermination, OrderLine};
use seatpool_manager::App;
use seatpool_manager::ops::jobs;
use seatpool_proto::message::AuthorizationStatus;
use seatpool_proto::{LotKind, Quantity, Term};
use seatpool_store::{EventQuery, Page};

use crate::support::agent::later;
use crate::support::manager::in_days;
use crate::support::{Agent, TAG, World, now};

#[tokio::test]
async fn health_readiness_and_metrics_are_served() {
    let world = World::new().await;
    let token = world.token().await;
    let manager = world.start();
    for base in [&manager.url, &manager.ops_url] {
        assert_eq!(manager.get(base, "/healthz").await, (200, "ok\n".into()));
        assert_eq!(manager.get(base, "/readyz").await, (200, "ready\n".into()));
    }
    let (status, _) = manager.get(&manager.url, "/metrics").await;
    assert_eq!(status, 404, "metrics are the operator's alone");

    let mut agent = Agent::new("SN1");
    agent.register(&manager, &token.text).await;
    agent.report_ok(&manager, 1).await;
    let refused = manager.send_bytes("/licservice/license", "application/json", b"{".to_vec()).await;
    assert_eq!(refused.problem(), "malformed");

    assert_eq!(manager.metric(r#"seatpool_agent_requests_total{type="authorization",code="ok"}"#).await, 1);
    assert_eq!(
        manager.metric(r#"seatpool_agent_requests_total{type="unreadable",code="malformed"}"#).await,
        1
    );
    assert!(manager.metric("seatpool_ledger_commands_total").await >= 3);
    assert_eq!(manager.metric("seatpool_ready").await, 1);
    assert!(
        manager.metric(r#"seatpool_certificate_expiry_timestamp_seconds{certificate="tls"}"#).await
            > 1_000_000_000
    );

    let (_, metrics) = manager.get(&manager.ops_url, "/metrics").await;
    promtool(&metrics);
}

#[tokio::test]
async fn ipv4_and_ipv6_are_served_side_by_side() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        eprintln!("skipped: this machine has no IPv6");
        return;
    }
    let flags = ["--name", "::1", "--listen", "[::1]:0"];
    let world = World::with(tempfile::tempdir().unwrap(), &flags).await;
    let manager = world.start();
    assert_eq!(manager.urls.len(), 2);
    assert!(manager.urls[1].starts_with("https://[::1]:"));
    for url in &manager.urls {
        assert_eq!(manager.get(url, "/healthz").await.0, 200);
    }
}

#[tokio::test]
async fn a_request_that_is_open_at_sigterm_is_answered() {
    use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
    let world = World::new().await;
    let token = world.token().await;
    let mut manager = world.start();
    let mut agent = Agent::new("SN1");
    agent.register(&manager, &token.text).await;
    let request = agent.request(Agent::report(1));
    let body = agent.signed(&request).to_bytes();
    let mut tls = BufReader::new(manager.connect().await);
    let head = format!(
        "POST /licservice/license HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        body.len()
    );
    tls.write_all(head.as_bytes()).await.unwrap();
    tls.flush().await.unwrap();
    let mut line = String::new();
    tls.read_line(&mut line).await.unwrap();
    assert_eq!(line.trim(), "HTTP/1.1 100 Continue", "the request is being worked on");
    manager.terminate();
    // It stops accepting before it lets go of what is open.
    while tokio::net::TcpStream::connect(manager.url.strip_prefix("https://").unwrap()).await.is_ok() {}
    tls.write_all(&body).await.unwrap();
    tls.flush().await.unwrap();
    let mut answer = String::new();
    tls.read_to_string(&mut answer).await.unwrap();
    assert!(answer.trim_start().starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(manager.wait(), Some(0));
}

#[tokio::test]
async fn what_comes_due_is_done_once_and_survives_a_restart() {
    let world = World::new().await;
    let token = world.token().await;
    let account = world.account;
    let line = OrderLine {
        tag: TAG.parse().unwrap(),
        quantity: Quantity::of(5),
        kind: LotKind::Term,
        term: Term { starts_at: later(now(), 10 * 86_400), ends_at: Some(later(now(), 20 * 86_400)) },
        dates: seatpool_domain::lot::NamedDates::default(),
        subscription_id: None,
        co_termination: CoTermination::Own,
    };
    let order =
        Action::Order { virtual_account: world.default, order_id: "a term".into(), lines: vec![line] };
    world.command(order).await;
    let manager = world.start();
    let mut agent = Agent::new("SN1");
    agent.register(&manager, &token.text).await;
    let short = agent.report_ok(&manager, 4).await;
    assert_eq!(short.status, AuthorizationStatus::OutOfCompliance);
    // The first look notes from when on lots are to be looked at.
    while !manager.get(&manager.url, "/readyz").await.1.contains("ready") {}
    assert_eq!(manager.stop(), Some(0));

    let count = async |app: &App, kind| {
        let query = EventQuery { kind: Some(kind), ..EventQuery::default() };
        app.store().events(account, query, Page { limit: 1, offset: 0 }).await.unwrap().total
    };
    let look = async |days| {
        world
            .offline(in_days(days), async |app: App| {
                // Twice: nothing is done again.
                jobs::due(&app).await;
                jobs::due(&app).await;
                let total = app.store().totals(account, None).await.unwrap().remove(0);
                let started = count(&app, EventKind::LicensesStarted).await;
                let ended = count(&app, EventKind::LicensesEnded).await;
                let expired = count(&app, EventKind::AuthorizationExpired).await;
                (total.short.count(), total.peak.count(), started, ended, expired)
            })
            .await
    };
    assert_eq!(look(1).await, (4, 4, 0, 0, 0));
    assert_eq!(look(11).await, (0, 4, 1, 0, 0), "the term began");
    assert_eq!(look(21).await, (4, 4, 1, 1, 0), "the term ended");
    assert_eq!(look(91).await, (0, 0, 1, 1, 1), "the authorization ended, and its usage counts no more");
}

/// `promtool check metrics` finds nothing to say.
fn promtool(metrics: &str) {
    if std::env::var_os("SEATPOOL_TEST_WITHOUT_PROMTOOL").is_some() {
        eprintln!("skipped: SEATPOOL_TEST_WITHOUT_PROMTOOL is set");
        return;
    }
    let mut child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool (Debian: prometheus) is installed, or SEATPOOL_TEST_WITHOUT_PROMTOOL=1 is set");
    child.stdin.take().unwrap().write_all(metrics.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success() && said.is_empty(), "{}\n{metrics}", String::from_utf8_lossy(&said));
}
