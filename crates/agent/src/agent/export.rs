//! Export-restricted features: commands, requests, answers, and whether one may be used.

use jiff::Timestamp;
use seatpool_proto::message::{ExportAuthorized, ExportEnd, ExportFeature, ExportReturned};
use seatpool_proto::{ProblemCode, Request, RequestBody};

use super::Agent;
use super::requests::{may_repeat, under_way};
use crate::command::{Chance, CommandRefused};
use crate::event::EventCode;
use crate::export::{Asked, Asking, Authorized, Export};
use crate::profile::ExportFeature as Known;
use crate::retry::Retry;
use crate::state::{InFlight, Purpose};
use crate::status::ExportEnds;

impl Agent {
    pub(super) fn known_export(&self, feature: &str) -> Result<Known, CommandRefused> {
        let known = &self.profile.export_features;
        known.iter().find(|known| known.name == feature).cloned().ok_or_else(|| {
            let names: Vec<&str> = known.iter().map(|known| known.name.as_str()).collect();
            let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            CommandRefused::UnknownExportFeature { feature: feature.to_owned(), known }
        })
    }

    pub(super) fn request_export(&mut self, feature: String, now: Timestamp) -> Result<(), CommandRefused> {
        self.known_export(&feature)?;
        self.refuse_unless_exporting(now)?;
        let allowed = self.state.registration.as_ref().is_some_and(|r| r.export_controlled);
        if !allowed {
            return Err(CommandRefused::ExportNotAllowed);
        }
        if self.state.exports.features.get(&feature).is_some_and(Export::is_authorized) {
            return Err(CommandRefused::ExportAuthorized(feature));
        }
        self.ask_export(feature, Asked::Request, now);
        Ok(())
    }

    pub(super) fn return_export(&mut self, feature: String, now: Timestamp) -> Result<(), CommandRefused> {
        self.known_export(&feature)?;
        self.refuse_unless_exporting(now)?;
        let export = self.state.exports.features.get(&feature);
        if export.is_none_or(|export| export.authorized.is_none() && !export.unsettled) {
            return Err(CommandRefused::ExportNotAuthorized(feature));
        }
        if export.is_some_and(Export::is_authorized) && self.state.exports.on.contains(&feature) {
            return Err(CommandRefused::ExportInUse(feature));
        }
        self.ask_export(feature, Asked::Return, now);
        Ok(())
    }

    /// Stops the automatic retries. What is under way is answered still. Nobody knows here whether the manager did what
    /// was asked: what was to be given back is not counted on any more, and may be given back once more.
    pub(super) fn cancel_export(&mut self) -> Result<(), CommandRefused> {
        let mut any = false;
        for (feature, export) in &mut self.state.exports.features {
            let Some(asking) = export.asking.take() else { continue };
            any = true;
            export.unsettled = true;
            if asking.what == Asked::Return {
                export.authorized = None;
            }
            export.failure = Some(format!(
                "it was canceled, and the manager may hold a license for it: `license smart export return local {feature}` gives \
                 it back, `license smart export request local {feature}` asks for it anew"
            ));
        }
        self.forget_exports_without_content();
        if any { Ok(()) } else { Err(CommandRefused::NothingToCancel) }
    }

    fn refuse_unless_exporting(&self, now: Timestamp) -> Result<(), CommandRefused> {
        if self.state.reservation.enabled {
            return Err(CommandRefused::ExportByReservation);
        }
        self.refuse_unless_registered(now)?;
        self.refuse_while_under_way(&[Purpose::Export])
    }

    fn ask_export(&mut self, feature: String, what: Asked, now: Timestamp) {
        let export = self.state.exports.features.entry(feature).or_insert_with(|| Export {
            authorized: None,
            asking: None,
            unsettled: false,
            failure: None,
        });
        export.failure = None;
        if what == Asked::Request {
            // Where it was to be given back before, nobody knows whether it was.
            export.unsettled |= export.authorized.take().is_some();
        }
        export.asking = Some(Asking { what, retry: Retry::due_at(now), request: None });
    }

    /// The soonest attempt, and for which feature. What would end at once with the instance's own authorization is
    /// asked for when that is renewed.
    pub(super) fn next_export(&self, now: Timestamp) -> Option<(String, Timestamp)> {
        let has_ended = self.state.registration.as_ref().is_none_or(|r| r.authorization.ends_at <= now);
        let asking = |(feature, export): (&String, &Export)| {
            // One that an update of the product took out of its profile has nothing to be asked with.
            self.known_export(feature).ok()?;
            let asking =
                export.asking.as_ref().filter(|asking| !has_ended || asking.what == Asked::Return)?;
            Some((feature.clone(), asking.retry.next_at))
        };
        self.state.exports.features.iter().filter_map(asking).min_by_key(|(_, at)| *at)
    }

    pub(super) fn export_request(&mut self, now: Timestamp, chance: &mut dyn Chance) -> Option<InFlight> {
        let (feature, _) = self.next_export(now)?;
        let tag = self.known_export(&feature).ok()?.tag;
        let sequence = self.state.sequence;
        let asking = self.state.exports.features.get_mut(&feature)?.asking.as_mut()?;
        if let Some(request) = asking.request.take()
            && may_repeat(&request, sequence, now)
        {
            return Some(InFlight { repeated: true, ..under_way(request, Purpose::Export) });
        }
        let asked = ExportFeature { feature, tag };
        let body = match asking.what {
            Asked::Request => RequestBody::ExportRequest(asked),
            Asked::Return => RequestBody::ExportReturn(asked),
        };
        self.ask(body, now, chance).map(|request| under_way(request, Purpose::Export))
    }

    pub(super) fn export_authorized(&mut self, answer: ExportAuthorized, now: Timestamp) {
        let message = format!(
            "The export-restricted feature {} is authorized by the key {}.",
            answer.feature, answer.authorization_key
        );
        let until = answer.authorized_until;
        let authorized = Some(Authorized { key: answer.authorization_key, since: now, until });
        let export = Export { authorized, asking: None, unsettled: false, failure: None };
        self.state.exports.features.insert(answer.feature, export);
        self.tell(EventCode::ExportKeyInstalled, Some(answer.tag), now, message);
    }

    pub(super) fn export_returned(&mut self, answer: ExportReturned, now: Timestamp) {
        self.state.exports.features.remove(&answer.feature);
        let message =
            format!("The authorization of the export-restricted feature {} was given back.", answer.feature);
        self.tell(EventCode::ExportKeyRemoved, Some(answer.tag), now, message);
    }

    /// The present ends of what is authorized: a licence may have been renewed, or another took its place.
    pub(super) fn exports_last(&mut self, ends: Vec<ExportEnd>) {
        for end in ends {
            let export = self.state.exports.features.get_mut(&end.feature);
            if let Some(authorized) = export.and_then(|export| export.authorized.as_mut()) {
                authorized.until = end.authorized_until;
            }
        }
    }

    /// The manager says that no licence authorizes these features any more: each is asked for anew at once, and then by
    /// the retry schedule. What is not authorized here is known already.
    pub(super) fn exports_ended(&mut self, features: Vec<String>, now: Timestamp) {
        for feature in features {
            // What is being given back is given back still.
            if self.state.exports.features.get(&feature).is_some_and(Export::is_authorized) {
                self.end_export(feature, "no license authorizes it any more", now);
            }
        }
    }

    /// Ends what has come to its end on this machine's clock, in contact or not.
    pub(super) fn end_exports(&mut self, now: Timestamp) {
        let of = |(feature, export): (&String, &Export)| {
            let (end, why) = self.export_end(export)?;
            (end <= now).then(|| (feature.clone(), why))
        };
        let ended: Vec<(String, ExportEnds)> = self.state.exports.features.iter().filter_map(of).collect();
        for (feature, why) in ended {
            self.end_export(feature, why.words(), now);
            self.mark();
        }
    }

    /// When an authorization ends on this machine's clock, and with what; nothing if it may not be used anyway.
    pub(super) fn export_end(&self, export: &Export) -> Option<(Timestamp, ExportEnds)> {
        let authorized = export.authorized.as_ref().filter(|_| export.is_authorized())?;
        let contact = self.state.registration.as_ref()?.authorization.ends_at;
        match authorized.until {
            Some(until) if until <= contact => Some((until, ExportEnds::License)),
            _ => Some((contact, ExportEnds::Authorization)),
        }
    }

    /// The soonest of these ends.
    pub(super) fn next_export_end(&self) -> Option<Timestamp> {
        let exports = self.state.exports.features.values();
        exports.filter_map(|export| self.export_end(export)).map(|(end, _)| end).min()
    }

    fn end_export(&mut self, feature: String, why: &str, now: Timestamp) {
        self.ask_export(feature.clone(), Asked::Request, now);
        if let Some(export) = self.state.exports.features.get_mut(&feature) {
            export.failure = Some(why.to_owned());
        }
        let message = format!(
            "The export-restricted feature {feature} is authorized no longer: {why}. It is asked for anew, until that is \
             canceled with `license smart export cancel`."
        );
        let tag = self.known_export(&feature).ok().map(|known| known.tag);
        self.tell(EventCode::ExportKeyRemoved, tag, now, message);
    }

    /// A request was refused, or got no answer: it is tried again, unless it was canceled or is refused for good.
    pub(super) fn export_failed(
        &mut self,
        request: Request,
        again: Option<ExportRetry>,
        reason: &str,
        now: Timestamp,
        jitter: f64,
    ) {
        let (RequestBody::ExportRequest(asked) | RequestBody::ExportReturn(asked)) = request.body.clone()
        else {
            return;
        };
        let Some(export) = self.state.exports.features.get_mut(&asked.feature) else { return };
        export.failure = Some(reason.to_owned());
        let mut words = "It is not tried again.";
        match (&mut export.asking, again) {
            (Some(asking), Some(again)) => {
                asking.retry.failed(now, &self.profile.retry, false, jitter);
                asking.request = (again == ExportRetry::SameRequest).then_some(request);
                words = "It is tried again until it is canceled with `license smart export cancel`.";
            }
            (asking, _) => *asking = None,
        }
        let message = format!("The export request for {} failed: {reason}. {words}", asked.feature);
        self.tell(EventCode::ExportRequestFailed, Some(asked.tag), now, message);
    }

    fn forget_exports_without_content(&mut self) {
        self.state.exports.features.retain(|_, export| {
            export.authorized.is_some() || export.asking.is_some() || export.failure.is_some()
        });
    }

    /// Whether an export-restricted feature may be used at `now`, by the agent's estimate: its licence is in the
    /// installed authorization code, or the manager authorized it.
    pub(super) fn export_is_authorized(&self, known: &Known, now: Timestamp) -> bool {
        if self.state.reservation.names(&known.tag, now) {
            return true;
        }
        let registration = self.state.registration.as_ref();
        registration.is_some_and(|r| r.export_controlled)
            && self
                .state
                .exports
                .features
                .get(&known.name)
                .and_then(|export| self.export_end(export))
                .is_some_and(|(end, _)| now < end)
    }

    /// Until when a feature that is authorized is, and what ends it then; nothing if it does not end.
    pub(super) fn export_lasts(&self, known: &Known, now: Timestamp) -> Option<(Timestamp, ExportEnds)> {
        if self.state.reservation.names(&known.tag, now) {
            return self
                .state
                .reservation
                .names_until(&known.tag, now)
                .map(|end| (end, ExportEnds::Reservation));
        }
        self.state.exports.features.get(&known.name).and_then(|export| self.export_end(export))
    }

    /// Features that are on and not authorized: the alert SmartLicenseExportControlNotAllowed.
    pub(super) fn export_violations(&self, now: Timestamp) -> impl Iterator<Item = &Known> {
        self.profile.export_features.iter().filter(move |known| {
            self.state.exports.on.contains(&known.name) && !self.export_is_authorized(known, now)
        })
    }
}

/// How a failed request is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ExportRetry {
    /// As it was: it may have been applied.
    SameRequest,
    /// Anew.
    NewRequest,
}

/// Whether a refusal of an export request may pass by itself.
pub(super) fn may_become_available(code: ProblemCode) -> bool {
    code == ProblemCode::ExportNotAvailable
}
