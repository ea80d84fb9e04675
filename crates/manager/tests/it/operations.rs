//! What an operator watches.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::support::{Agent, World};

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
