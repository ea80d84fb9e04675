//! What people and the product ask.

use std::collections::BTreeMap;

use jiff::Timestamp;
use seatpool_proto::{Quantity, Tag, limits};

use super::Agent;
use super::coverage::Shortage;
use crate::command::{Command, CommandRefused};
use crate::event::EventCode;
use crate::export::Exports;
use crate::identity::{NewKey, Secret, Transport};
use crate::meter::Meter;
use crate::reservation::Reservation;
use crate::retry::Retry;
use crate::state::{Announced, Ended, Purpose, Registering, State};

impl Agent {
    pub(super) fn command(&mut self, command: Command, now: Timestamp) -> Result<(), CommandRefused> {
        match command {
            Command::Register { token, force, new_key } => self.register(token, force, new_key, now)?,
            Command::Deregister => self.deregister(now)?,
            Command::RenewAuthorization => {
                self.refuse_unless_registered(now)?;
                if let Some(registration) = &mut self.state.registration {
                    registration.authorization.renewal.next_at = now;
                }
            }
            Command::RenewRegistration { new_key } => self.renew(new_key, now)?,
            Command::UpdateUsageNow => {
                self.refuse_unless_registered(now)?;
                if let Some(registration) = &mut self.state.registration {
                    registration.extra_report = true;
                }
            }
            Command::SetTransport(transport) => self.use_transport(transport, now),
            Command::SetPrivacy(privacy) => self.state.privacy = privacy,
            Command::SetLicenseType(name) => self.choose(name, now)?,
            Command::SetUsage(usage) => {
                for (tag, count) in &usage {
                    self.check_usage(tag, *count)?;
                }
                self.refuse_beyond_reservation(&usage, now)?;
                for (tag, count) in usage {
                    self.meter(&tag, count, now);
                }
                return Ok(());
            }
            Command::RequestExport(feature) => self.request_export(feature, now)?,
            Command::ReturnExport(feature) => self.return_export(feature, now)?,
            Command::CancelExport => self.cancel_export()?,
            Command::SetExportFeature { feature, on } => {
                self.known_export(&feature)?;
                if on {
                    self.state.exports.on.insert(feature);
                } else {
                    self.state.exports.on.remove(&feature);
                }
            }
            Command::FactoryReset { force } => self.factory_reset(force, now)?,
        }
        self.mark();
        Ok(())
    }

    /// Takes note of usage; the evaluation runs or stands by it.
    pub(super) fn use_tag(
        &mut self,
        tag: &Tag,
        count: Quantity,
        now: Timestamp,
    ) -> Result<(), CommandRefused> {
        self.check_usage(tag, count)?;
        if self.state.reservation.installed.is_some() {
            self.refuse_beyond_reservation(&BTreeMap::from([(tag.clone(), count)]), now)?;
        }
        self.meter(tag, count, now);
        Ok(())
    }

    fn meter(&mut self, tag: &Tag, count: Quantity, now: Timestamp) {
        if self.state.meter.set(tag, count, now, &self.license_type) {
            self.unsaved_since.get_or_insert(now);
        }
    }

    /// A reserved instance never begins to use more than is reserved. What only becomes less is always taken.
    fn refuse_beyond_reservation(
        &self,
        usage: &BTreeMap<Tag, Quantity>,
        now: Timestamp,
    ) -> Result<(), CommandRefused> {
        let more = usage.iter().any(|(tag, count)| *count > self.state.meter.current(tag));
        if self.state.reservation.installed.is_none() || !more {
            return Ok(());
        }
        let after = |tag: &Tag| usage.get(tag).copied().unwrap_or_else(|| self.state.meter.current(tag));
        match self.beyond_reservation(after, now) {
            Some(Shortage { tag, used, reserved, .. }) => {
                Err(CommandRefused::BeyondReservation { asked: used, tag, reserved })
            }
            None => Ok(()),
        }
    }

    fn check_usage(&self, tag: &Tag, count: Quantity) -> Result<(), CommandRefused> {
        if !self.license_type.tags().any(|known| known == tag) {
            let license_type = self.license_type.name.clone();
            return Err(CommandRefused::UnknownTag { tag: tag.clone(), license_type });
        }
        Quantity::new(count.count())?;
        Ok(())
    }

    pub(super) fn refuse_unless_registered(&self, now: Timestamp) -> Result<(), CommandRefused> {
        match self.state.certificate() {
            None if self.state.reservation.enabled => Err(CommandRefused::ReservationEnabled),
            None => Err(CommandRefused::NotRegistered),
            Some(certificate) if certificate.expires_at <= now => Err(CommandRefused::RegistrationExpired),
            Some(_) => Ok(()),
        }
    }

    pub(super) fn refuse_while_under_way(&self, purposes: &[Purpose]) -> Result<(), CommandRefused> {
        match &self.state.in_flight {
            Some(in_flight) if purposes.contains(&in_flight.purpose) => {
                Err(CommandRefused::Busy(in_flight.purpose.as_str()))
            }
            _ => Ok(()),
        }
    }

    fn register(
        &mut self,
        token: String,
        force: bool,
        new_key: NewKey,
        now: Timestamp,
    ) -> Result<(), CommandRefused> {
        let is_token_character = |c: char| c.is_ascii_alphanumeric() || "+/%=-".contains(c);
        if token.is_empty() || token.len() > limits::TOKEN_CHARS_MAX || !token.chars().all(is_token_character)
        {
            return Err(CommandRefused::InvalidToken);
        }
        if self.state.reservation.enabled {
            return Err(CommandRefused::ReservationEnabled);
        }
        let expired = self.state.certificate().is_some_and(|certificate| certificate.expires_at <= now);
        if self.state.registration.is_some() && !force && !expired {
            return Err(CommandRefused::AlreadyRegistered);
        }
        self.refuse_while_under_way(&[Purpose::Registration, Purpose::Deregistration])?;
        if let Some(registration) = &mut self.state.registration {
            registration.leaving = false;
        }
        self.state.registering = Some(Registering {
            token: Secret(token),
            force,
            new_key,
            since: now,
            retry: Retry::due_at(now),
            request: None,
        });
        Ok(())
    }

    fn deregister(&mut self, now: Timestamp) -> Result<(), CommandRefused> {
        self.refuse_while_under_way(&[Purpose::Registration, Purpose::Deregistration])?;
        let gave_up = self.state.registering.take().is_some();
        let Some(registration) = &mut self.state.registration else {
            return if gave_up { Ok(()) } else { Err(CommandRefused::NotRegistered) };
        };
        if registration.certificate.expires_at > now {
            registration.leaving = true;
            return Ok(());
        }
        let message =
            self.remove_by_hand("its ID certificate has ended, so the manager would not take it from here");
        self.tell(EventCode::DeregisteredLocally, None, now, message.clone());
        self.unregister(Ended { at: now, code: None, message, remove_by_hand: true });
        Ok(())
    }

    fn renew(&mut self, new_key: Option<NewKey>, now: Timestamp) -> Result<(), CommandRefused> {
        self.refuse_unless_registered(now)?;
        self.refuse_while_under_way(&[Purpose::CertificateRenewal])?;
        if let Some(registration) = &mut self.state.registration {
            registration.renewal.retry.next_at = now;
            registration.renewal.new_key = new_key;
            registration.renewal.request = None;
        }
        Ok(())
    }

    /// Another way may work: what waits for a retry is tried at once.
    fn use_transport(&mut self, transport: Transport, now: Timestamp) {
        self.state.transport = transport;
        let try_now = |retry: &mut Retry| {
            if retry.failing_since.is_some() {
                retry.next_at = retry.next_at.min(now);
            }
        };
        if let Some(registering) = &mut self.state.registering {
            try_now(&mut registering.retry);
        }
        if let Some(registration) = &mut self.state.registration {
            try_now(&mut registration.renewal.retry);
            try_now(&mut registration.authorization.renewal);
        }
        if let Some(farewell) = &mut self.state.farewell {
            try_now(&mut farewell.retry);
        }
    }

    fn choose(&mut self, name: String, now: Timestamp) -> Result<(), CommandRefused> {
        let Some(license_type) = self.profile.license_type(&name).cloned() else {
            let known: Vec<&str> = self.profile.license_types.iter().map(|t| t.name.as_str()).collect();
            return Err(CommandRefused::UnknownLicenseType { name, known: known.join(", ") });
        };
        if license_type.name == self.license_type.name {
            return Ok(());
        }
        let reserved = self.state.reservation.installed.is_some();
        if self.state.registration.is_some() || self.state.registering.is_some() || reserved {
            return Err(CommandRefused::LicenseTypeFixed);
        }
        self.state.license_type = name;
        self.license_type = license_type;
        self.state.meter = Meter::new(now);
        self.state.tags.clear();
        self.state.announced.entitlements.clear();
        Ok(())
    }

    fn factory_reset(&mut self, force: bool, now: Timestamp) -> Result<(), CommandRefused> {
        if self.state.reservation.installed.is_some() && !force {
            return Err(CommandRefused::Reserved);
        }
        let registered = self.state.registration.is_some();
        let reserved =
            self.state.reservation.installed.as_ref().map(|installed| installed.grant.product_instance_id);
        let message = if let Some(instance) = reserved {
            format!(
                "Everything but the evaluation countdown and the reservation's sequence number was forgotten. The \
                manager still holds the licenses that were reserved for {instance}. If you have the text of the installed \
                authorization code, give it back: `license smart reservation enable`, then `license smart reservation \
                return-authorization`. If it is lost, have the licenses released at the manager as those of a failed product."
            )
        } else if registered {
            format!(
                "Everything but the evaluation countdown was forgotten. {}",
                self.remove_by_hand("a factory reset tells the manager nothing")
            )
        } else {
            "Everything but the evaluation countdown was forgotten.".to_owned()
        };
        self.tell(EventCode::FactoryReset, None, now, message.clone());
        let by_hand = registered || reserved.is_some();
        let ended = by_hand.then_some(Ended { at: now, code: None, message, remove_by_hand: true });
        let reservation = core::mem::take(&mut self.state.reservation).after_reset();
        self.forget(now, reservation, ended);
        Ok(())
    }

    /// The state is of another installation: what it says of a registration is not this one's.
    pub(super) fn disown(&mut self, now: Timestamp) {
        let message = format!(
            "The stored state is of {}, and this installation is {}; it was put aside and is not used here. \
            Register this installation with a token.",
            self.state.udi, self.identity.udi
        );
        self.tell(EventCode::StateForeign, None, now, message);
        let sequence = self.state.reservation.sequence;
        self.forget(now, Reservation { sequence, ..Reservation::default() }, None);
    }

    /// Starts anew with the evaluation countdown, the clock, the sequence number and what is given of a reservation.
    fn forget(&mut self, now: Timestamp, reservation: Reservation, ended: Option<Ended>) {
        let name = self.profile.default_license_type.clone();
        let kept = &self.state;
        let state = State {
            clock: kept.clock,
            sequence: kept.sequence,
            evaluation: kept.evaluation,
            reservation,
            exports: Exports { on: kept.exports.on.clone(), ..Exports::default() },
            announced: Announced {
                evaluation_expired: kept.announced.evaluation_expired,
                evaluation_mark: kept.announced.evaluation_mark,
                enforced: kept.announced.enforced,
                ..Announced::default()
            },
            ended,
            ..State::new(self.identity.udi.clone(), name.clone(), now)
        };
        self.license_type = super::license_type_of(&self.profile, &name);
        self.state = state;
        self.transmitted = false;
        self.mark();
    }

    /// What to do at the manager after a registration was ended here alone, and where.
    pub(super) fn remove_by_hand(&self, because: &str) -> String {
        match &self.state.registration {
            Some(r) => format!(
                "Remove the product instance {} by hand in the smart account {:?}, virtual account {:?}, to \
                free its licences: {because}.",
                r.product_instance_id, r.home.smart_account, r.home.virtual_account
            ),
            None => format!(
                "Remove the product instance {} by hand at the manager: {because}.",
                self.identity.udi
            ),
        }
    }
}
