//! `license show tech-support`: everything above, and what someone who helps from afar asks for next.

use seatpool_agent::Status;
use seatpool_agent::state::{Attempt, Statistics};
use seatpool_agent::status::Timer;
use seatpool_proto::RequestBody;
use seatpool_proto::message::VERSION;

use super::{Page, all, date, reservation};

/// The whole text.
pub fn tech_support(status: &Status) -> String {
    let mut page = Page::default();
    for line in all(status).lines() {
        page.line(0, line);
    }
    page.blank();
    page.title("Upcoming Scheduled Jobs");
    page.line(0, &format!("Current time: {}", date(status.at)));
    for job in &status.jobs {
        page.line(0, &format!("{}: {}", job_words(job.timer), date(job.at)));
    }
    page.blank();
    page.title("Communication Statistics");
    for kind in RequestBody::TYPES {
        let none = Statistics::default();
        statistics(&mut page, kind, status.communication.classes.get(*kind).unwrap_or(&none));
    }
    page.blank();
    page.title("Reservation");
    reservation::support(&mut page, &status.reservation);
    page.blank();
    page.title("License Certificates");
    match status.registration.product_instance_id {
        None => page.line(0, "ID certificate: none"),
        Some(id) => {
            page.line(0, "ID certificate:");
            page.line(1, &format!("Product instance: {id}"));
            page.line(1, &format!("Expires: {}", status.registration.expires_at.map_or("None".into(), date)));
            page.line(1, &format!("Renewal: {}", status.registration.renew_at.map_or("None".into(), date)));
        }
    }
    page.blank();
    page.title("Agent State");
    page.line(
        0,
        &format!("Product: {} {}", status.product.name, status.product.version.as_deref().unwrap_or("")),
    );
    page.line(0, &format!("Profile: {}", status.product.kind));
    page.line(0, &format!("License type: {}", status.license_type));
    page.line(0, &format!("Clock ahead of the manager's: {} seconds", status.clock.local_ahead_seconds));
    page.line(0, &format!("Restricted: {}", if status.enforcement.enforced { "yes" } else { "no" }));
    page.line(0, &format!("Message version: {VERSION}"));
    page.line(0, &format!("Capabilities: {}", RequestBody::TYPES.join(", ")));
    page.blank();
    page.title("Alerts");
    if status.alerts.is_empty() {
        page.line(0, "None");
    }
    for alert in &status.alerts {
        let since = alert.since.map(|at| format!(" since {}", date(at))).unwrap_or_default();
        page.line(0, &format!("{}-{}{since}: {}", alert.severity, alert.code.mnemonic(), alert.message));
    }
    page.end()
}

fn statistics(page: &mut Page, kind: &str, statistics: &Statistics) {
    page.line(0, &format!("{kind}:"));
    let Statistics { attempts, successes, failures, last, last_success_at, last_failure_at } = statistics;
    page.line(1, &format!("Attempts: {attempts}, Successes: {successes}, Failures: {failures}"));
    page.line(1, &format!("Last response: {}", last.as_ref().map_or("None".into(), last_words)));
    page.line(1, &format!("Last success: {}", last_success_at.map_or("None".into(), date)));
    page.line(1, &format!("Last failure: {}", last_failure_at.map_or("None".into(), date)));
}

fn last_words(attempt: &Attempt) -> String {
    match &attempt.failure {
        None => format!("OK on {}", date(attempt.at)),
        Some(failure) => format!("NOT OK on {} ({}): {}", date(attempt.at), failure.code, failure.reason),
    }
}

fn job_words(timer: Timer) -> &'static str {
    match timer {
        Timer::Registration => "Registration",
        Timer::Deregistration => "Deregistration",
        Timer::CertificateRenewal => "Registration renewal",
        Timer::ScheduledReport => "Usage report",
        Timer::ExtraReport => "Extra usage report",
        Timer::AuthorizationRenewal => "Authorization renewal",
        Timer::Farewell => "Telling the manager of the deregistration",
        Timer::RegistrationEnd => "Registration expiry",
        Timer::RegistrationWarning => "Registration expiry warning",
        Timer::AuthorizationEnd => "Authorization expiry",
        Timer::EvaluationEnd => "Evaluation expiry",
        Timer::EvaluationWarning => "Evaluation warning",
        Timer::Export => "Export request",
        Timer::ExportEnd => "Export authorization expiry",
        Timer::ReservationChange => "Reservation begins or ends in part",
        Timer::Enforcement => "Restriction",
        Timer::Checkpoint => "State checkpoint",
    }
}
