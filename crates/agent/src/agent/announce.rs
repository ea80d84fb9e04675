//! Telling of what came with time: each thing once, whenever what holds now differs from what was told.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Agent;
use crate::evaluation::warning_mark;
use crate::event::EventCode;
use crate::state::Announced;
use crate::time::between;

impl Agent {
    pub(super) fn announce(&mut self, now: Timestamp) {
        let before = core::mem::take(&mut self.state.announced);
        let after = self.levels(now, &before);
        self.tell_of_registration(&before, &after, now);
        self.tell_of_evaluation(&before, &after, now);
        self.tell_of_enforcement(&before, &after, now);
        self.tell_of_clock(&before, &after, now);
        for feature in after.export_not_allowed.difference(&before.export_not_allowed) {
            let message = format!(
                "{feature} is on and is not authorized for export any more. Turn it off (set the cluster to non-secure \
                mode), or have it authorized again."
            );
            self.tell(EventCode::ExportControlNotAllowed, None, now, message);
        }
        for (tag, state) in &after.entitlements {
            let was = before.entitlements.get(tag);
            if was.is_some_and(|was| was != state) {
                let message = format!("The status of {tag} is now {}.", state.as_str());
                self.tell(EventCode::EnforcementModeChanged, Some(tag.clone()), now, message);
            }
        }
        if before != after {
            self.mark();
        }
        self.state.announced = after;
    }

    /// What holds now.
    fn levels(&self, now: Timestamp, before: &Announced) -> Announced {
        let state = &self.state;
        let registration = state.registration.as_ref();
        let expires_in = registration.map(|r| between(now, r.certificate.expires_at));
        let remaining = state.evaluation.remaining(now, self.profile.evaluation());
        let running = state.evaluation.running_since.is_some();
        let lowest =
            |mark: Option<u32>, was: Option<u32>| mark.map_or(was, |m| Some(was.map_or(m, |w| w.min(m))));
        Announced {
            registration_expired: expires_in.is_some_and(|left| !left.is_positive()),
            authorization_expired: registration.is_some_and(|r| r.authorization.ends_at <= now),
            evaluation_expired: state.evaluation.expired_at.is_some(),
            evaluation_running: running,
            evaluation_mark: if running {
                lowest(warning_mark(remaining, true), before.evaluation_mark)
            } else {
                before.evaluation_mark
            },
            certificate_mark: expires_in
                .filter(jiff::SignedDuration::is_positive)
                .and_then(|left| warning_mark(left, false)),
            enforced: self.soonest_enforcement().is_some_and(|(at, _)| at <= now),
            clock_off: state.clock.is_off(),
            export_not_allowed: self.export_violations(now).map(|known| known.name.clone()).collect(),
            entitlements: self.entitlement_states(now).collect::<BTreeMap<_, _>>(),
        }
    }

    fn tell_of_registration(&mut self, before: &Announced, after: &Announced, now: Timestamp) {
        if after.registration_expired && !before.registration_expired {
            self.tell(
                EventCode::RegistrationExpired,
                None,
                now,
                "The ID certificate has ended: the registration has expired. Register again with a token.",
            );
        }
        let lower = match (before.certificate_mark, after.certificate_mark) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(was), Some(is)) => is < was,
        };
        if let Some(hours) = after.certificate_mark.filter(|_| lower) {
            let message =
                format!("The ID certificate ends within {}. Renew the registration.", hours_in_words(hours));
            self.tell(EventCode::CertificateWarning, None, now, message);
        }
        if after.authorization_expired && !before.authorization_expired {
            let message = "The authorization has ended, because the manager was not reached for too long. \
            Restore the connection and renew the authorization.";
            self.tell(EventCode::AuthorizationExpired, None, now, message);
        }
        if before.authorization_expired && !after.authorization_expired && self.state.registration.is_some() {
            self.tell(EventCode::AuthorizationRestored, None, now, "The authorization is in force again.");
        }
    }

    fn tell_of_evaluation(&mut self, before: &Announced, after: &Announced, now: Timestamp) {
        let left = self.state.evaluation.remaining(now, self.profile.evaluation());
        if after.evaluation_running && !before.evaluation_running {
            let message = format!(
                "The evaluation runs; {} are left of it.",
                hours_in_words(left.as_hours().max(0) as u32)
            );
            self.tell(EventCode::EvaluationStarted, None, now, message);
        }
        if after.evaluation_expired && !before.evaluation_expired {
            self.tell(
                EventCode::EvaluationExpired,
                None,
                now,
                "The evaluation has ended. Register the product instance with a token.",
            );
        } else if after.evaluation_mark != before.evaluation_mark
            && let Some(hours) = after.evaluation_mark
        {
            let message = format!(
                "The evaluation ends after {} more of use. Register the product instance with a token.",
                hours_in_words(hours)
            );
            self.tell(EventCode::EvaluationWarning, None, now, message);
        }
    }

    fn tell_of_enforcement(&mut self, before: &Announced, after: &Announced, now: Timestamp) {
        if after.enforced && !before.enforced {
            let why: Vec<&str> =
                self.graces(now).iter().filter(|g| g.enforced).map(|g| g.reason.meaning()).collect();
            let message = format!("{} {}", self.profile.enforcement.description, why.join(" "));
            self.tell(EventCode::EnforcementStarted, None, now, message);
        }
        if before.enforced && !after.enforced {
            self.tell(
                EventCode::EnforcementStopped,
                None,
                now,
                "The causes are mended; the product is not restricted any more.",
            );
        }
    }

    fn tell_of_clock(&mut self, before: &Announced, after: &Announced, now: Timestamp) {
        if after.clock_off && !before.clock_off {
            let ahead = self.state.clock.local_ahead;
            let message = format!(
                "The clock is {:#} {} the manager's; the manager's is used. Set the clock, or check the \
                machine's time source.",
                ahead.abs(),
                if ahead.is_negative() { "behind" } else { "ahead of" }
            );
            self.tell(EventCode::ClockOutOfRange, None, now, message);
        }
        if before.clock_off && !after.clock_off {
            self.tell(EventCode::ClockCorrected, None, now, "The clock agrees with the manager's again.");
        }
    }
}

/// `720` → `30 days`.
fn hours_in_words(hours: u32) -> String {
    match (hours / 24, hours % 24) {
        (0, 1) => "1 hour".to_owned(),
        (0, hours) => format!("{hours} hours"),
        (1, 0) => "1 day".to_owned(),
        (days, 0) => format!("{days} days"),
        (days, hours) => format!("{days} days and {hours} hours"),
    }
}
