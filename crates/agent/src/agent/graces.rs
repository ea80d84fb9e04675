//! Enforcement: a set of graces, each with its own deadline (behaviour.md, "Three independent questions").

use jiff::Timestamp;

use super::Agent;
use crate::status::{EnforcementReason, Grace};
use crate::time::after;

impl Agent {
    /// Every cause with its beginning and its deadline; those that begin later are in it too.
    pub(super) fn causes(&self) -> Vec<Grace> {
        let mut graces = Vec::new();
        self.each_cause(|grace| graces.push(grace));
        graces
    }

    fn each_cause(&self, mut take: impl FnMut(Grace)) {
        let (profile, state) = (&self.profile, &self.state);
        let grace = |reason, tag, began_at, span| Grace {
            reason,
            tag,
            began_at,
            ends_at: Option::map(span, |span| after(began_at, span)),
            enforced: false,
        };
        for tag in self.license_type.tags() {
            if let Some(since) = state.tags.get(tag).and_then(|record| record.out_of_compliance_since) {
                let span = profile.out_of_compliance.enforced_after_days.span();
                take(grace(EnforcementReason::OutOfCompliance, Some(tag.clone()), since, span));
            }
        }
        if state.reservation.installed.is_some() {
            if let Some(since) = state.reservation.short_since {
                let span = profile.out_of_compliance.enforced_after_days.span();
                take(grace(EnforcementReason::ReservationExceeded, None, since, span));
            }
        } else if let Some(registration) = &state.registration {
            let span = profile.authorization.enforced_after_days.span();
            let ends_at = registration.authorization.ends_at;
            take(grace(EnforcementReason::AuthorizationExpired, None, ends_at, span));
        } else if let Some(ended) = state.evaluation.ends_at(profile.evaluation()) {
            let span = profile.evaluation.enforced_after_days.span();
            take(grace(EnforcementReason::EvaluationExpired, None, ended, span));
        }
    }

    /// The first deadline of all: from then on something is refused, unless its cause is mended before.
    pub(super) fn soonest_enforcement(&self) -> Option<(Timestamp, EnforcementReason)> {
        let mut soonest: Option<(Timestamp, EnforcementReason)> = None;
        self.each_cause(|grace| {
            if let Some(ends_at) = grace.ends_at {
                let found = (ends_at, grace.reason);
                soonest = Some(soonest.map_or(found, |known| known.min(found)));
            }
        });
        soonest
    }

    /// The graces that run or have ended at `now`, soonest end first, those without end last.
    pub(super) fn graces(&self, now: Timestamp) -> Vec<Grace> {
        let mut graces: Vec<Grace> =
            self.causes().into_iter().filter(|grace| grace.began_at <= now).collect();
        for grace in &mut graces {
            grace.enforced = grace.ends_at.is_some_and(|end| end <= now);
        }
        graces.sort_by_key(|grace| (grace.ends_at.is_none(), grace.ends_at, grace.reason));
        graces
    }
}
