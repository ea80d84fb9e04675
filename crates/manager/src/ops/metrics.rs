//! Every metric of the manager, in one place: names, helps, and the functions by which the others count.

use std::sync::OnceLock;
use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

const AGENT_REQUESTS: &str = "seatpool_agent_requests_total";
const LEDGER_COMMANDS: &str = "seatpool_ledger_commands_total";
const LEDGER_COMMIT_SECONDS: &str = "seatpool_ledger_commit_duration_seconds";
const LEDGER_BATCH: &str = "seatpool_ledger_batch_commands";
const LEDGER_FAILURES: &str = "seatpool_ledger_failures_total";
const CERTIFICATE_EXPIRY: &str = "seatpool_certificate_expiry_timestamp_seconds";
const CONNECTIONS: &str = "seatpool_connections_open";
const CONNECTIONS_REFUSED: &str = "seatpool_connections_refused_total";
const JOB_FAILURES: &str = "seatpool_job_failures_total";
const READY: &str = "seatpool_ready";
const BUILD: &str = "seatpool_build_info";

/// Sets up counting for this process, once, and describes every metric.
pub fn install() -> &'static PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        let seconds = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];
        let commands = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];
        let builder = PrometheusBuilder::new();
        let builder = match builder
            .set_buckets_for_metric(Matcher::Full(LEDGER_COMMIT_SECONDS.into()), &seconds)
            .and_then(|builder| builder.set_buckets_for_metric(Matcher::Full(LEDGER_BATCH.into()), &commands))
        {
            Ok(builder) => builder,
            // Only for empty bucket lists; summaries then stand in.
            Err(_) => PrometheusBuilder::new(),
        };
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("another metrics recorder is installed in this process: /metrics stays empty");
        }
        describe();
        handle
    })
}

fn describe() {
    describe_counter!(
        AGENT_REQUESTS,
        "Requests of agents by type and outcome: ok or the code of the refusal."
    );
    describe_counter!(LEDGER_COMMANDS, "Commands that the ledger decided and stored.");
    describe_histogram!(LEDGER_COMMIT_SECONDS, Unit::Seconds, "Time to load, decide and commit one batch.");
    describe_histogram!(LEDGER_BATCH, "Commands in one transaction.");
    describe_counter!(LEDGER_FAILURES, "Batches of which nothing could be stored.");
    describe_gauge!(
        CERTIFICATE_EXPIRY,
        Unit::Seconds,
        "End of each certificate of the manager, in Unix time."
    );
    describe_gauge!(CONNECTIONS, "Open connections.");
    describe_counter!(CONNECTIONS_REFUSED, "Connections that came to nothing, by reason.");
    describe_counter!(JOB_FAILURES, "Runs of the manager's own jobs that failed, by job.");
    describe_gauge!(READY, "1 if the last durable write of a readiness check succeeded, else 0.");
    describe_gauge!(BUILD, "1, with the version of the manager.");
    gauge!(BUILD, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    gauge!(CONNECTIONS).set(0.0);
    counter!(LEDGER_COMMANDS).absolute(0);
    counter!(LEDGER_FAILURES).absolute(0);
}

/// A request of an agent came to an end: `code` is `ok` or the refusal's.
pub fn agent_request(kind: &'static str, code: &'static str) {
    counter!(AGENT_REQUESTS, "type" => kind, "code" => code).increment(1);
}

/// A batch was stored.
pub fn ledger_batch(commands: usize, elapsed: Duration) {
    counter!(LEDGER_COMMANDS).increment(commands as u64);
    histogram!(LEDGER_BATCH).record(commands as f64);
    histogram!(LEDGER_COMMIT_SECONDS).record(elapsed.as_secs_f64());
}

/// Nothing of a batch could be stored.
pub fn ledger_failure() {
    counter!(LEDGER_FAILURES).increment(1);
}

/// When a certificate of the manager ends.
pub fn certificate_expiry(certificate: &'static str, unix_seconds: i64) {
    gauge!(CERTIFICATE_EXPIRY, "certificate" => certificate).set(unix_seconds as f64);
}

/// A connection was opened.
pub fn connection_opened() {
    gauge!(CONNECTIONS).increment(1.0);
}

/// A connection was closed.
pub fn connection_closed() {
    gauge!(CONNECTIONS).decrement(1.0);
}

/// A connection came to nothing.
pub fn connection_refused(reason: &'static str) {
    counter!(CONNECTIONS_REFUSED, "reason" => reason).increment(1);
}

/// A run of a job failed.
pub fn job_failure(job: &'static str) {
    counter!(JOB_FAILURES, "job" => job).increment(1);
}

/// What the last readiness check found.
pub fn ready(is_ready: bool) {
    gauge!(READY).set(if is_ready { 1.0 } else { 0.0 });
}
