//! The parts of the layouts.

use seatpool_agent::Status;
use seatpool_agent::TransportMode;
use seatpool_agent::state::Attempt;
use seatpool_agent::status::{
    AuthorizationState, EntitlementState, EntitlementStatus, RegistrationState, RegistrationStatus,
};

use seatpool_proto::message::TagExplanation;

use super::{Page, date, span};

pub(super) fn status(page: &mut Page, status: &Status) {
    page.line(0, "Smart Licensing is ENABLED");
    page.blank();
    registration(page, &status.registration);
    page.blank();
    authorization(page, status);
    page.blank();
    super::reservation::exports(page, &status.exports);
    page.blank();
    page.line(0, "Utility:");
    page.line(1, "Status: DISABLED");
    page.blank();
    privacy(page, status);
    page.blank();
    transport(page, status);
    page.blank();
    evaluation(page, status);
    page.blank();
}

fn registration(page: &mut Page, registration: &RegistrationStatus) {
    page.line(0, "Registration:");
    page.line(1, &format!("Status: {}", registration.state.word()));
    accounts(page, registration);
    page.line(1, &export_controlled(registration));
    match (registration.registered_at, &registration.last_attempt) {
        (Some(at), _) => page.line(1, &format!("Initial Registration: SUCCEEDED on {}", date(at))),
        (None, Some(attempt)) => outcome(page, "Initial Registration", attempt),
        (None, None) => {}
    }
    if let Some(at) = registration.next_attempt_at {
        page.line(1, &format!("Next Registration Attempt: {}", date(at)));
    }
    if registration.registered_at.is_some() {
        // A forced re-registration that failed, while the older registration goes on.
        if let Some(attempt) = registration.last_attempt.as_ref().filter(|attempt| attempt.failure.is_some())
        {
            outcome(page, "Last Registration Attempt", attempt);
        }
        match &registration.last_renewal {
            Some(attempt) => outcome(page, "Last Renewal Attempt", attempt),
            None => page.line(1, "Last Renewal Attempt: None"),
        }
        if registration.state == RegistrationState::Registered {
            page.line(
                1,
                &format!("Next Renewal Attempt: {}", registration.renew_at.map_or("None".into(), date)),
            );
        }
        page.line(
            1,
            &format!("Registration Expires: {}", registration.expires_at.map_or("None".into(), date)),
        );
    } else if let Some(ended) = &registration.ended {
        page.line(1, &format!("Last Registration: ENDED on {}", date(ended.at)));
        page.line(2, &format!("Reason: {}", ended.message));
    }
}

fn accounts(page: &mut Page, registration: &RegistrationStatus) {
    if let Some(account) = &registration.smart_account {
        page.line(1, &format!("Smart Account: {account}"));
    }
    if let Some(account) = &registration.virtual_account {
        page.line(1, &format!("Virtual Account: {account}"));
    }
}

fn export_controlled(registration: &RegistrationStatus) -> String {
    let allowed = if registration.export_controlled { "ALLOWED" } else { "NOT ALLOWED" };
    format!("Export-Controlled Functionality: {allowed}")
}

/// `SUCCEEDED on …`, or `FAILED on …` with its reason below.
fn outcome(page: &mut Page, label: &str, attempt: &Attempt) {
    match &attempt.failure {
        None => page.line(1, &format!("{label}: SUCCEEDED on {}", date(attempt.at))),
        Some(failure) => {
            page.line(1, &format!("{label}: FAILED on {}", date(attempt.at)));
            page.line(2, &format!("Failure reason: {}", failure.reason));
        }
    }
}

fn authorization(page: &mut Page, status: &Status) {
    let authorization = &status.authorization;
    page.line(0, "License Authorization:");
    page.line(1, &format!("Status: {}", authorization_words(status)));
    if status.registration.registered_at.is_none() {
        return;
    }
    match &authorization.last_attempt {
        Some(attempt) => outcome(page, "Last Communication Attempt", attempt),
        None => page.line(1, "Last Communication Attempt: None"),
    }
    let or_none = |at: Option<_>| at.map_or("None".into(), date);
    page.line(1, &format!("Next Communication Attempt: {}", or_none(authorization.next_attempt_at)));
    page.line(1, &format!("Communication Deadline: {}", or_none(authorization.ends_at)));
    for grace in &status.enforcement.graces {
        if let Some(at) = grace.ends_at {
            let label = if grace.enforced { "Restricted since" } else { "Restricted from" };
            page.line(1, &format!("{label}: {}", date(at)));
        }
    }
}

/// The word of the authorization with its date, where it has one.
fn authorization_words(status: &Status) -> String {
    let authorization = &status.authorization;
    let word = authorization.state.word();
    match (authorization.state, authorization.since) {
        (
            AuthorizationState::Authorized
            | AuthorizationState::OutOfCompliance
            | AuthorizationState::Expired
            | AuthorizationState::EvaluationExpired
            | AuthorizationState::ReservedInCompliance
            | AuthorizationState::NotAuthorizedReserved,
            Some(since),
        ) => format!("{word} on {}", date(since)),
        _ => word.to_owned(),
    }
}

fn privacy(page: &mut Page, status: &Status) {
    let enabled = |on: bool| if on { "ENABLED" } else { "DISABLED" };
    let hostname = status.privacy.hostname;
    page.line(0, "Data Privacy:");
    page.line(1, &format!("Sending Hostname: {}", if hostname { "no" } else { "yes" }));
    page.line(2, "Callhome hostname privacy: DISABLED");
    page.line(2, &format!("Smart Licensing hostname privacy: {}", enabled(hostname)));
    page.line(1, &format!("Version privacy: {}", enabled(status.privacy.version)));
}

fn transport(page: &mut Page, status: &Status) {
    let transport = &status.transport;
    page.line(0, "Transport:");
    page.line(
        1,
        match transport.mode {
            TransportMode::Direct => "Type: Smart",
            TransportMode::Gateway => "Type: Transport Gateway",
        },
    );
    page.line(1, &format!("URL: {}", transport.url.as_deref().unwrap_or("Not Configured")));
    match &transport.proxy {
        None => page.line(1, "Proxy: Not Configured"),
        Some(proxy) => {
            page.line(1, "Proxy:");
            page.line(2, &format!("Address: {}", proxy.host));
            page.line(2, &format!("Port: {}", proxy.port));
            page.line(2, &format!("Username: {}", proxy.user.as_deref().unwrap_or("<empty>")));
        }
    }
}

fn evaluation(page: &mut Page, status: &Status) {
    let evaluation = &status.evaluation;
    page.line(0, "Evaluation Period:");
    page.line(1, &format!("Evaluation Mode: {}", if evaluation.running { "In Use" } else { "Not In Use" }));
    page.line(1, &format!("Evaluation Period Remaining: {}", span(evaluation.remaining_seconds)));
    if let Some(at) = evaluation.expired_at {
        page.line(1, &format!("EXPIRED on {}", date(at)));
    }
}

pub(super) fn usage(page: &mut Page, status: &Status) {
    let shown: Vec<&EntitlementStatus> = status.entitlements.iter().filter(|e| is_shown(e)).collect();
    if shown.is_empty() {
        page.line(0, "No licenses in use");
        page.blank();
    }
    for entitlement in shown {
        page.line(0, &format!("{} ({}):", entitlement.name, entitlement.tag));
        page.line(1, &format!("Description: {}", entitlement.description));
        page.line(1, &format!("Count: {}", entitlement.actual));
        page.line(1, "Version: 1.0");
        page.line(1, &format!("Status: {}", entitlement_words(entitlement)));
        let restricted = status.exports.iter().any(|export| export.tag == entitlement.tag);
        page.line(1, if restricted { "Export status: RESTRICTED" } else { "Export status: NOT RESTRICTED" });
        if let Some(locked) = entitlement.locked {
            page.line(1, &format!("Locked count: {locked}"));
        }
        if entitlement.overages > 0 && entitlement.out_of_compliance_since.is_none() {
            let (count, most) = (entitlement.overages, entitlement.overages_until_transition);
            page.line(1, &format!("Overage reports: {count} of {most}"));
        }
        if let Some(reserved) = entitlement.reserved {
            page.line(1, &format!("Reserved: {reserved}"));
        }
        if let (Some(owned), Some(in_use)) = (entitlement.owned, entitlement.pool_in_use) {
            page.line(1, &format!("Virtual account: {owned} owned, {in_use} in use"));
        }
        if let Some(explanation) = &entitlement.explanation {
            explained(page, explanation);
        }
        page.blank();
    }
}

/// Why it stands so and what comes of it, as the manager last said.
fn explained(page: &mut Page, explanation: &TagExplanation) {
    page.line(1, "Why:");
    for why in &explanation.why {
        page.line(2, why);
    }
    if let Some(since) = explanation.since {
        page.line(1, &format!("Since: {}", date(since)));
    }
    if !explanation.next.is_empty() {
        page.line(1, "What happens next:");
    }
    for next in &explanation.next {
        let at = next.at.map(|at| format!("{}: ", date(at))).unwrap_or_default();
        page.line(2, &format!("{at}{}", next.what));
    }
    if !explanation.what_to_do.is_empty() {
        page.line(1, "What to do:");
    }
    for mend in &explanation.what_to_do {
        page.line(2, mend);
    }
}

/// In use, locked, required, or in a state that people should see.
fn is_shown(entitlement: &EntitlementStatus) -> bool {
    !entitlement.actual.is_zero()
        || entitlement.locked.is_some()
        || match entitlement.state {
            EntitlementState::NotInUse => false,
            EntitlementState::InCompliance => entitlement.required_present,
            _ => true,
        }
}

/// The word of one licence. Overage within tolerance is still authorized (behaviour.md, "Out of compliance with
/// tolerance"); the line about overage reports says more.
fn entitlement_words(entitlement: &EntitlementStatus) -> &'static str {
    match entitlement.state {
        EntitlementState::Waiting => "WAITING",
        EntitlementState::InCompliance | EntitlementState::Overage => "AUTHORIZED",
        EntitlementState::OutOfCompliance => "OUT OF COMPLIANCE",
        EntitlementState::Evaluation => "EVAL MODE",
        EntitlementState::EvaluationExpired => "EVAL EXPIRED",
        EntitlementState::AuthorizationExpired => "AUTHORIZATION EXPIRED",
        EntitlementState::InvalidTag => "INVALID TAG",
        EntitlementState::Disabled => "DISABLED",
        EntitlementState::NotAuthorized => "NOT AUTHORIZED",
        EntitlementState::NotApplicable => "NOT APPLICABLE",
        EntitlementState::Invalid => "INVALID",
        EntitlementState::NotInUse => "NOT IN USE",
        EntitlementState::ReservationInCompliance => "AUTHORIZED - RESERVED",
    }
}

pub(super) fn summary(page: &mut Page, status: &Status) {
    page.line(0, "Smart Licensing is ENABLED");
    page.blank();
    let registration = &status.registration;
    page.line(0, "Registration:");
    page.line(1, &format!("Status: {}", registration.state.word()));
    accounts(page, registration);
    page.line(1, &export_controlled(registration));
    if let Some(reason) = registration.last_attempt.as_ref().and_then(|attempt| attempt.failure.as_ref()) {
        page.line(1, &format!("Failure reason: {}", reason.reason));
    }
    if registration.state == RegistrationState::Registered {
        let last = registration.last_renewal.as_ref().map_or("None", word);
        page.line(1, &format!("Last Renewal Attempt: {last}"));
        page.line(1, &format!("Next Renewal Attempt: {}", registration.renew_at.map_or("None".into(), date)));
    }
    page.blank();
    let authorization = &status.authorization;
    page.line(0, "License Authorization:");
    page.line(1, &format!("Status: {}", authorization.state.word()));
    if registration.registered_at.is_some() {
        let last = authorization.last_attempt.as_ref().map_or("None", word);
        page.line(1, &format!("Last Communication Attempt: {last}"));
        let next = authorization.next_attempt_at.map_or("None".into(), date);
        page.line(1, &format!("Next Communication Attempt: {next}"));
    }
    page.blank();
    page.line(0, "License Usage:");
    table(page, status);
}

fn word(attempt: &Attempt) -> &'static str {
    if attempt.failure.is_none() { "SUCCEEDED" } else { "FAILED" }
}

/// `License  Entitlement Tag  Count  Status`, in columns.
fn table(page: &mut Page, status: &Status) {
    let mut rows = vec![["License", "Entitlement Tag", "Count", "Status"].map(str::to_owned)];
    rows.extend(status.entitlements.iter().filter(|e| is_shown(e)).map(|entitlement| {
        [
            entitlement.name.clone(),
            format!("({})", entitlement.tag),
            entitlement.actual.to_string(),
            entitlement_words(entitlement).to_owned(),
        ]
    }));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (first, second, third) = (width(0), width(1), width(2));
    for (at, [license, tag, count, words]) in rows.iter().enumerate() {
        let line = format!("{license:<first$}  {tag:<second$}  {count:>third$}  {words}");
        page.line(1, &line);
        if at == 0 {
            page.line(1, &"-".repeat(first + second + third + 6 + width(3)));
        }
    }
    if rows.len() == 1 {
        page.line(1, "No licenses in use");
    }
}
