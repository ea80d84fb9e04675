//! The steps of a reservation.

use jiff::Timestamp;
use seatpool_proto::code::{
    AuthorizationCode, ConfirmationCode, Grant, ReservationKey, ReservationKind, ReturnCode, Returned,
    UntrustedAuthorization,
};
use seatpool_proto::{ReservationCertificate, Sha256};

use super::Agent;
use crate::event::EventCode;
use crate::reservation::{
    GIVEN_UP_MAX, GivenUp, Installed, Keyring, Requested, ReservationRefused as Refused, Step, Taken, grants,
};

impl Agent {
    /// Takes a step of a reservation. A refusal changes nothing. What is given is to be shown only once the state is
    /// durable: a return code, say, is the reservation's end.
    pub fn handle_reservation(
        &mut self,
        step: Step,
        keyring: &dyn Keyring,
        now: Timestamp,
    ) -> Result<Taken, Refused> {
        let now = self.advance(now);
        let taken = self.take(step, keyring, now);
        if taken.is_ok() {
            self.mark();
        }
        self.finish(now);
        taken
    }

    fn take(&mut self, step: Step, keyring: &dyn Keyring, now: Timestamp) -> Result<Taken, Refused> {
        let needs_none = matches!(
            step,
            Step::Enable | Step::ForgetCanceled | Step::ForgetConfirmation | Step::ForgetReturn
        );
        if !needs_none && !self.state.reservation.enabled {
            return Err(Refused::NotEnabled);
        }
        match step {
            Step::Enable => self.enable(),
            Step::Disable => {
                self.refuse_if_requested()?;
                self.state.reservation.enabled = false;
                Ok(Taken::Done)
            }
            Step::Request { kind, key, nonce } => self.request_reservation(kind, key, nonce, now),
            Step::Cancel => {
                self.refuse_if_reserved()?;
                let request = self.state.reservation.request.take().ok_or(Refused::NoRequest)?;
                self.state.reservation.give_up(request, false);
                self.tell(
                    EventCode::ReservationCanceled,
                    None,
                    now,
                    "The reservation request was canceled. If the manager has made an authorization code for it, give \
                    that back with `license smart reservation return-authorization`.",
                );
                Ok(Taken::Done)
            }
            Step::Install(text) => self.install(&text, keyring, now),
            Step::Return => self.give_back(keyring, now),
            Step::ForgetCanceled => {
                self.state.reservation.given_up.retain(|given_up| given_up.returned);
                Ok(Taken::Done)
            }
            Step::ForgetConfirmation => {
                self.state.reservation.last_confirmation = None;
                Ok(Taken::Done)
            }
            Step::ForgetReturn => {
                self.state.reservation.last_return = None;
                Ok(Taken::Done)
            }
            Step::ReturnAuthorization(text) => self.give_back_unused(&text, keyring, now),
        }
    }

    fn refuse_if_reserved(&self) -> Result<(), Refused> {
        if self.state.reservation.installed.is_some() { Err(Refused::Reserved) } else { Ok(()) }
    }

    fn refuse_if_requested(&self) -> Result<(), Refused> {
        self.refuse_if_reserved()?;
        if self.state.reservation.request.is_some() { Err(Refused::RequestInProgress) } else { Ok(()) }
    }

    fn enable(&mut self) -> Result<Taken, Refused> {
        if let Some(in_flight) = &self.state.in_flight {
            return Err(Refused::Busy(in_flight.purpose.as_str()));
        }
        if self.state.registration.is_some() || self.state.registering.is_some() {
            return Err(Refused::Registered);
        }
        self.state.reservation.enabled = true;
        Ok(Taken::Done)
    }

    fn request_reservation(
        &mut self,
        kind: ReservationKind,
        key: crate::identity::NewKey,
        nonce: [u8; 8],
        now: Timestamp,
    ) -> Result<Taken, Refused> {
        use seatpool_proto::code::{PublicPoint, RequestCode};
        self.refuse_if_reserved()?;
        if let Some(present) = &self.state.reservation.request {
            return if present.code.kind == kind {
                Ok(Taken::Requested(present.code.clone()))
            } else {
                Err(Refused::OtherKind(match present.code.kind {
                    ReservationKind::Specific => "specific",
                    ReservationKind::Universal => "universal",
                }))
            };
        }
        if self.state.reservation.canceled().count() >= GIVEN_UP_MAX {
            return Err(Refused::TooManyCanceled);
        }
        let public_key =
            PublicPoint::from_spki(&key.public_key).map_err(|error| Refused::Key(error.to_string()))?;
        let code = RequestCode { udi: self.identity.udi.clone(), kind, public_key, nonce };
        self.state.reservation.request = Some(Requested { code: code.clone(), key, at: now });
        self.tell(
            EventCode::ReservationRequested,
            None,
            now,
            "A reservation request code was made. Enter it at the manager.",
        );
        Ok(Taken::Requested(code))
    }

    fn install(&mut self, text: &str, keyring: &dyn Keyring, now: Timestamp) -> Result<Taken, Refused> {
        let reservation = &self.state.reservation;
        let present = reservation.installed.as_ref();
        let open = present.map(|installed| &installed.request).or(reservation.request.as_ref());
        let Some(request) = open else {
            return Err(self.without_request(text, keyring));
        };
        let read = self.read_code(text)?;
        // Nothing that it says is judged before its signature is: it may say several things.
        let code = self.verified(&read, &request.code.digest(), keyring, now)?;
        let sequence = code.grant.sequence;
        if present.is_some_and(|installed| installed.grant.sequence == sequence) {
            return Err(Refused::UsedTwice);
        }
        if sequence <= reservation.sequence {
            return Err(Refused::Older { found: sequence, last: reservation.sequence });
        }
        let manager = manager_of(&code)?;
        if let Some(installed) = present {
            if installed.manager != manager {
                return Err(Refused::OtherManager);
            }
            let (found, own) = (code.grant.product_instance_id, installed.grant.product_instance_id);
            if found != own {
                return Err(Refused::OtherInstance { found: found.to_string(), own: own.to_string() });
            }
            // The manager would give to others what is in use here.
            if let Some(short) = self.shorter(&installed.grant, &code.grant, now) {
                return Err(Refused::InUse { tag: short.tag, used: short.used, reserved: short.reserved });
            }
        }
        self.refuse_if_lost(Some(&code.grant), now)?;
        // The first installation has one, too: the code may be that of a change that was made before any was installed.
        let key = device_key(request, keyring)?;
        let confirmation = ConfirmationCode::make(&request.facts(sequence, manager), key.as_ref())?;
        let is_update = present.is_some();
        let request = request.clone();
        let count = code.grant.entitlements.len();
        let reservation = &mut self.state.reservation;
        reservation.request = None;
        reservation.sequence = sequence;
        reservation.chain.clone_from(&code.certificates);
        reservation.installed = Some(Installed { request, grant: code.grant, manager, at: now });
        reservation.last_confirmation = Some((confirmation, now));
        self.state.ended = None;
        self.state.tags.clear();
        let what = if is_update { "The reservation was updated" } else { "A reservation was installed" };
        let message = format!("{what}: {count} entitlements.");
        self.tell(EventCode::ReservationInstalled, None, now, message);
        Ok(Taken::Installed(confirmation))
    }

    /// Reads a code and sees whether it is for this device.
    fn read_code(&self, text: &str) -> Result<UntrustedAuthorization, Refused> {
        let read = UntrustedAuthorization::from_text(text)?;
        if read.udi != self.identity.udi {
            let (found, own) = (read.udi.to_string(), self.identity.udi.to_string());
            return Err(Refused::OtherDevice { found, own });
        }
        Ok(read)
    }

    /// The code, if a trusted manager signed it for `request`. Otherwise the refusal says what it was signed for, as
    /// far as that can be found out.
    fn verified(
        &self,
        read: &UntrustedAuthorization,
        request: &Sha256,
        keyring: &dyn Keyring,
        now: Timestamp,
    ) -> Result<AuthorizationCode, Refused> {
        let reservation = &self.state.reservation;
        let chain = if read.certificates.is_empty() { &reservation.chain } else { &read.certificates };
        let holds = |request| read.verify(request, chain, keyring.verifier());
        let code = match holds(*request) {
            Ok(code) => code,
            Err(refused) => {
                if let Some(of_former) = self.of_former(read, chain, keyring) {
                    return Err(of_former);
                }
                let other = read.request.filter(|named| named != request);
                return Err(match other.map(holds) {
                    Some(Ok(_)) => Refused::OtherRequest,
                    _ => refused.into(),
                });
            }
        };
        keyring.trusts(&code.certificates, now).map_err(Refused::Untrusted)?;
        Ok(code)
    }

    /// Why a code is refused that a trusted manager signed for a request that was given up; nothing if it is for none.
    fn of_former(
        &self,
        read: &UntrustedAuthorization,
        chain: &[Vec<u8>],
        keyring: &dyn Keyring,
    ) -> Option<Refused> {
        let reservation = &self.state.reservation;
        reservation.given_up.iter().find_map(|former| {
            let code = read.verify(former.request.code.digest(), chain, keyring.verifier()).ok()?;
            // What was given back already is not to be given back once more.
            let settled = former.returned && code.grant.sequence <= reservation.sequence;
            Some(if settled { Refused::GivenBack } else { Refused::Canceled })
        })
    }

    /// Why a code is refused while there is no request: that it is for one that was given up, if so.
    fn without_request(&self, text: &str, keyring: &dyn Keyring) -> Refused {
        let Ok(read) = self.read_code(text) else { return Refused::NoRequest };
        let own = &self.state.reservation.chain;
        let chain = if read.certificates.is_empty() { own } else { &read.certificates };
        self.of_former(&read, chain, keyring).unwrap_or(Refused::NoRequest)
    }

    /// A restricted feature that is on keeps its licence, as over the network.
    fn refuse_if_lost(&self, after: Option<&Grant>, now: Timestamp) -> Result<(), Refused> {
        let lost = self.profile.export_features.iter().find(|known| {
            self.state.exports.on.contains(&known.name)
                && self.state.reservation.names(&known.tag, now)
                && !after.is_some_and(|grant| grants(grant, &known.tag, now))
        });
        lost.map_or(Ok(()), |known| Err(Refused::ExportInUse(known.name.clone())))
    }

    fn give_back(&mut self, keyring: &dyn Keyring, now: Timestamp) -> Result<Taken, Refused> {
        let installed = self.state.reservation.installed.as_ref().ok_or(Refused::NothingInstalled)?;
        self.refuse_if_lost(None, now)?;
        let facts = installed.request.facts(installed.grant.sequence, installed.manager);
        let key = device_key(&installed.request, keyring)?;
        let code = ReturnCode::make(&facts, Returned::Whole, key.as_ref())?;
        let reservation = &mut self.state.reservation;
        let installed = reservation.installed.take();
        reservation.short_since = None;
        reservation.last_confirmation = None;
        reservation.last_return = Some((code, now));
        if let Some(installed) = installed {
            // An update that was never installed may still be on its way here.
            reservation.give_up(installed.request, true);
        }
        self.tell(
            EventCode::ReservationReturned,
            None,
            now,
            "The reservation was given back. Enter the return code at the manager to free its licenses.",
        );
        Ok(Taken::Returned(code))
    }

    fn give_back_unused(
        &mut self,
        text: &str,
        keyring: &dyn Keyring,
        now: Timestamp,
    ) -> Result<Taken, Refused> {
        let reservation = &self.state.reservation;
        let read = self.read_code(text)?;
        let chain = if read.certificates.is_empty() { &reservation.chain } else { &read.certificates };
        let installed = reservation.installed.as_ref();
        let of_installed = installed.map(|installed| &installed.request);
        let given_up = reservation.given_up.iter().rev().map(|given_up| &given_up.request);
        let known = reservation.request.iter().chain(of_installed).chain(given_up);
        let verified = known.clone().find_map(|request| {
            let code = read.verify(request.code.digest(), chain, keyring.verifier()).ok()?;
            Some((request.clone(), code))
        });
        let Some((request, code)) = verified else {
            let digest = known.clone().next().ok_or(Refused::NoRequest)?.code.digest();
            return Err(self.verified(&read, &digest, keyring, now).err().unwrap_or(Refused::OtherRequest));
        };
        keyring.trusts(&code.certificates, now).map_err(Refused::Untrusted)?;
        let sequence = code.grant.sequence;
        if let Some(installed) = installed.filter(|installed| installed.request.code == request.code) {
            // An update may be given back as long as it was not installed; what was superseded may not.
            if installed.grant.sequence == sequence {
                return Err(Refused::IsInstalled);
            }
            if sequence < reservation.sequence {
                return Err(Refused::Older { found: sequence, last: reservation.sequence });
            }
        }
        let manager = manager_of(&code)?;
        let key = device_key(&request, keyring)?;
        // Of a request that nothing is installed of, nothing ever will be: the manager is to free all that it holds.
        let is_change = installed.is_some_and(|installed| installed.request.code == request.code);
        let what = if is_change { Returned::Change } else { Returned::Whole };
        let returned = ReturnCode::make(&request.facts(sequence, manager), what, key.as_ref())?;
        let reservation = &mut self.state.reservation;
        // What was given back is never installed, by whatever request it came.
        reservation.sequence = reservation.sequence.max(sequence);
        reservation.last_return = Some((returned, now));
        if let Some(request) = reservation.request.take_if(|present| present.code == request.code) {
            reservation.give_up(request, true);
        }
        let of_it = |given_up: &&mut GivenUp| given_up.request.code == request.code;
        reservation.given_up.iter_mut().filter(of_it).for_each(|given_up| given_up.returned = true);
        self.tell(
            EventCode::ReservationReturned,
            None,
            now,
            "An authorization code that was not installed was given back. Enter the return code at the manager to \
            free its licenses.",
        );
        Ok(Taken::Returned(returned))
    }
}

fn device_key(request: &Requested, keyring: &dyn Keyring) -> Result<Box<dyn ReservationKey>, Refused> {
    keyring.reservation_key(request.key.id).map_err(Refused::Key)
}

fn manager_of(code: &AuthorizationCode) -> Result<seatpool_proto::code::PublicPoint, Refused> {
    let leaf = code.certificates.first().ok_or(seatpool_proto::code::AuthorizationRefused::NoCertificate)?;
    let certificate = ReservationCertificate::from_der(leaf)
        .map_err(seatpool_proto::code::AuthorizationRefused::Certificate)?;
    Ok(certificate.public_point)
}
