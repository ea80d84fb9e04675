//! Reservation keys: P-256 keys that agree on a secret with another party's public key.

use core::fmt;

use aws_lc_rs::agreement::{self, ECDH_P256, PrivateKey, UnparsedPublicKey};
use aws_lc_rs::encoding::EcPrivateKeyBin;
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use aws_lc_rs::hmac;
use seatpool_proto::Signer as _;
use seatpool_proto::code::key::AGREEMENT_INFO;
use seatpool_proto::code::{AgreementFailed, PublicPoint, ReservationKey};

use crate::key::{P256Key, UnusableKey};

/// A P-256 private key for reservations: the device's, or the manager's. Its `Debug` shows nothing of it.
pub struct P256ReservationKey {
    private: PrivateKey,
    public: PublicPoint,
}

impl P256ReservationKey {
    /// The same key as `key`, for agreement.
    pub fn of(key: &P256Key) -> Result<Self, UnusableKey> {
        let public =
            PublicPoint::from_spki(key.public_key()).map_err(|e| UnusableKey::because(e.to_string()))?;
        let scalar: EcPrivateKeyBin<'_> = key.scalar()?;
        let private = PrivateKey::from_private_key(&ECDH_P256, scalar.as_ref())
            .map_err(|e| UnusableKey::because(e.to_string()))?;
        Ok(Self { private, public })
    }
}

impl fmt::Debug for P256ReservationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("P256ReservationKey(private)")
    }
}

/// HKDF's output length.
struct Bytes32;

impl KeyType for Bytes32 {
    fn len(&self) -> usize {
        32
    }
}

impl ReservationKey for P256ReservationKey {
    fn public_point(&self) -> PublicPoint {
        self.public
    }

    fn authenticate(&self, peer: &PublicPoint, message: &[u8]) -> Result<[u8; 32], AgreementFailed> {
        let failed = |what: &str| AgreementFailed(what.to_owned());
        let peer = UnparsedPublicKey::new(&ECDH_P256, peer.as_bytes());
        let key =
            agreement::agree(&self.private, peer, failed("the other's key is no P-256 key"), |secret| {
                let mut key = [0; 32];
                Salt::new(HKDF_SHA256, &[])
                    .extract(secret)
                    .expand(&[AGREEMENT_INFO], Bytes32)
                    .and_then(|okm| okm.fill(&mut key))
                    .map_err(|_| failed("no key could be derived"))?;
                Ok(hmac::Key::new(hmac::HMAC_SHA256, &key))
            })?;
        let mut authentication = [0; 32];
        authentication.copy_from_slice(hmac::sign(&key, message).as_ref());
        Ok(authentication)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_agree_and_a_third_does_not() {
        let [device, manager, third] =
            [(); 3].map(|()| P256ReservationKey::of(&P256Key::generate().unwrap()).unwrap());
        let made = device.authenticate(&manager.public_point(), b"facts").unwrap();
        assert_eq!(manager.authenticate(&device.public_point(), b"facts").unwrap(), made);
        assert_ne!(manager.authenticate(&device.public_point(), b"facts!").unwrap(), made);
        assert_ne!(third.authenticate(&device.public_point(), b"facts").unwrap(), made);
        assert_ne!(third.authenticate(&manager.public_point(), b"facts").unwrap(), made);
    }

    #[test]
    fn a_point_off_the_curve_is_refused() {
        let key = P256ReservationKey::of(&P256Key::generate().unwrap()).unwrap();
        let refused = (0..=255).filter(|&last| {
            let mut bytes = [7; 33];
            (bytes[0], bytes[32]) = (2, last);
            key.authenticate(&PublicPoint::from_compressed(bytes).unwrap(), b"").is_err()
        });
        // About half of all x coordinates belong to no point.
        assert!((64..192).contains(&refused.count()));
    }

    #[test]
    fn a_stored_key_is_the_same_key() {
        let key = P256Key::generate().unwrap();
        let again = P256Key::from_pkcs8(&key.to_pkcs8()).unwrap();
        let peer = P256ReservationKey::of(&P256Key::generate().unwrap()).unwrap().public_point();
        let made = P256ReservationKey::of(&key).unwrap().authenticate(&peer, b"facts").unwrap();
        assert_eq!(P256ReservationKey::of(&again).unwrap().authenticate(&peer, b"facts").unwrap(), made);
    }
}
