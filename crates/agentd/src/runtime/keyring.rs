//! What the agent borrows for a step of a reservation: this directory's keys and the vendor's trust anchors.

use std::cell::RefCell;

use jiff::Timestamp;
use seatpool_agent::{KeyId, Keyring};
use seatpool_crypto::{Anchors, ChainError, P256ReservationKey, P256Verifier, Purpose};
use seatpool_proto::Verifier;
use seatpool_proto::code::ReservationKey;

use crate::disk::Keys;

pub(super) struct Borrowed<'a> {
    pub(super) anchors: &'a Anchors,
    pub(super) keys: RefCell<&'a mut Keys>,
}

impl Keyring for Borrowed<'_> {
    fn verifier(&self) -> &dyn Verifier {
        &P256Verifier
    }

    fn trusts(&self, chain: &[Vec<u8>], now: Timestamp) -> Result<(), String> {
        self.anchors.verify(chain, Purpose::Reservation, now).map_err(|error| {
            tracing::debug!(?error, "the certificates of an authorization code were refused");
            let advice = match &error {
                ChainError::Expired => "check the product's clock; if it is right, get the code anew from the manager",
                ChainError::NotYetValid => "check the product's clock",
                ChainError::Missing | ChainError::Invalid(_) | ChainError::Untrusted(_) => {
                    "copy the code again, as a character may have been altered on its way; if that does not help, check \
                     the product's trust anchors"
                }
            };
            format!("{error}; {advice}")
        })
    }

    fn reservation_key(&self, id: KeyId) -> Result<Box<dyn ReservationKey>, String> {
        let key = self.keys.borrow_mut().key(&id.to_string()).map_err(|error| error.to_string())?;
        let key = P256ReservationKey::of(&key).map_err(|error| error.to_string())?;
        Ok(Box::new(key))
    }
}
