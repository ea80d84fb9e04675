//! The manager's reservation key: signs authorization codes and agrees with devices' keys on what confirmation and
//! return codes are authenticated by. It stays the same for the life of the manager, since a device that holds a
//! reservation knows it from the code that it installed.

use std::path::Path;

use seatpool_crypto::{P256Key, P256ReservationKey};
use seatpool_proto::code::{AuthorizationCode, Grant, PublicPoint, ReservationKey};
use seatpool_proto::{Sha256, Udi};

use super::{Ca, CaError, files};

/// One key in its two uses.
pub(super) struct Keys {
    signing: P256Key,
    agreement: P256ReservationKey,
}

impl Keys {
    /// The key of a directory, if it has one.
    pub(super) fn read(keys: &Path) -> Result<Option<Self>, CaError> {
        let path = keys.join(files::RESERVATION_KEY);
        if !path.exists() {
            return Ok(None);
        }
        let signing = files::read_key(&path)?;
        let agreement = P256ReservationKey::of(&signing)
            .map_err(|e| CaError::Contents { path, reason: e.to_string() })?;
        Ok(Some(Self { signing, agreement }))
    }

    pub(super) fn signing(&self) -> &P256Key {
        &self.signing
    }
}

impl Ca {
    /// Signs an authorization code for a device and its request (the SHA-256 of its request code), and adds
    /// the chain.
    pub fn authorize(&self, grant: Grant, udi: Udi, request: Sha256) -> Result<AuthorizationCode, CaError> {
        let chains = self.chains();
        let chain = vec![chains.reservation, chains.issuing];
        AuthorizationCode::issue(grant, udi, request, &self.reservation()?.signing, chain)
            .map_err(|e| CaError::Signing("an authorization code", e.to_string()))
    }

    /// The key by which confirmation and return codes are checked. It can be used, never seen.
    pub fn reservation_key(&self) -> Result<&dyn ReservationKey, CaError> {
        Ok(&self.reservation()?.agreement)
    }

    /// Its public half, to be kept with each reservation.
    pub fn reservation_point(&self) -> Result<PublicPoint, CaError> {
        Ok(self.reservation()?.agreement.public_point())
    }

    fn reservation(&self) -> Result<&Keys, CaError> {
        let missing = || CaError::Signing("a reservation", "there is no reservation key".to_owned());
        self.0.reservation_key.as_ref().ok_or_else(missing)
    }
}
