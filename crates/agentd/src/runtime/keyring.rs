//! What the agent borrows for a step of a reservation: this directory's keys and the vendor's trust anchors.

use std::cell::RefCell;

use jiff::Timestamp;
use seatpool_agent::{KeyId, Keyring};
use seatpool_crypto::{Anchors, P256ReservationKey, P256Verifier, Purpose};
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
        self.anchors.verify(chain, Purpose::Reservation, now).map_err(|error| error.to_string())
    }

    fn reservation_key(&self, id: KeyId) -> Result<Box<dyn ReservationKey>, String> {
        let key = self.keys.borrow_mut().key(&id.to_string()).map_err(|error| error.to_string())?;
        let key = P256ReservationKey::of(&key).map_err(|error| error.to_string())?;
        Ok(Box::new(key))
    }
}
