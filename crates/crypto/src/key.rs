//! ECDSA P-256 keys.

use core::fmt;

use aws_lc_rs::encoding::{AsBigEndian as _, EcPrivateKeyBin};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _, ParsedPublicKey,
};
use seatpool_proto::envelope::{SigningFailed, VerificationFailed};
use seatpool_proto::{Algorithm, Signer, Verifier};
use zeroize::Zeroizing;

/// DER of a P-256 SubjectPublicKeyInfo up to the uncompressed point (RFC 5480, sections 2 and 2.2).
const SPKI_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// Length of an uncompressed P-256 point with its leading 0x04 (SEC 1, section 2.3.3).
const POINT_BYTES: usize = 65;

/// A P-256 private key. Its `Debug` shows nothing of the key.
pub struct P256Key {
    pair: EcdsaKeyPair,
    public_key: Vec<u8>,
    pkcs8: Zeroizing<Vec<u8>>,
}

/// The bytes are no usable P-256 private key.
#[derive(Debug, thiserror::Error)]
#[error("not a P-256 private key in PKCS#8: {0}")]
pub struct UnusableKey(String);

impl UnusableKey {
    pub(crate) fn because(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl P256Key {
    /// A new key from the system's cryptographic source.
    pub fn generate() -> Result<Self, UnusableKey> {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new())
            .map_err(|e| UnusableKey(e.to_string()))?;
        Self::from_pkcs8(document.as_ref())
    }

    /// A key from PKCS#8 DER (RFC 5208).
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, UnusableKey> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der)
            .map_err(|e| UnusableKey(e.to_string()))?;
        let mut public_key = SPKI_PREFIX.to_vec();
        public_key.extend_from_slice(pair.public_key().as_ref());
        Ok(Self { pair, public_key, pkcs8: Zeroizing::new(der.to_vec()) })
    }

    /// The private number, for key agreement under the same key.
    pub(crate) fn scalar(&self) -> Result<EcPrivateKeyBin<'static>, UnusableKey> {
        self.pair.private_key().as_be_bytes().map_err(|e| UnusableKey(e.to_string()))
    }

    /// The key as PKCS#8 DER, to be stored where only its owner can read it.
    pub fn to_pkcs8(&self) -> Zeroizing<Vec<u8>> {
        self.pkcs8.clone()
    }
}

impl fmt::Debug for P256Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("P256Key(private)")
    }
}

impl Signer for P256Key {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EcdsaP256Sha256
    }

    fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningFailed> {
        self.pair
            .sign(&SystemRandom::new(), message)
            .map(|signature| signature.as_ref().to_vec())
            .map_err(|_| SigningFailed("the P-256 signature could not be computed".into()))
    }
}

/// Verifies ECDSA P-256 signatures.
#[derive(Clone, Copy, Debug, Default)]
pub struct P256Verifier;

impl Verifier for P256Verifier {
    fn verify(
        &self,
        algorithm: &Algorithm,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), VerificationFailed> {
        if *algorithm != Algorithm::EcdsaP256Sha256 {
            return Err(VerificationFailed::Unsupported);
        }
        let point = public_key.strip_prefix(&SPKI_PREFIX).ok_or(VerificationFailed::Unsupported)?;
        if point.len() != POINT_BYTES {
            return Err(VerificationFailed::Unsupported);
        }
        // A point that is not on the curve is refused here.
        let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point)
            .map_err(|_| VerificationFailed::Unsupported)?;
        key.verify_sig(message, signature).map_err(|_| VerificationFailed::Mismatch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_verifies_under_its_key_and_no_other() {
        let (key, other) = (P256Key::generate().unwrap(), P256Key::generate().unwrap());
        let signature = key.sign(b"usage").unwrap();
        let check = |public_key: &[u8], message: &[u8], signature: &[u8]| {
            P256Verifier.verify(&Algorithm::EcdsaP256Sha256, public_key, message, signature)
        };
        assert_eq!(check(key.public_key(), b"usage", &signature), Ok(()));
        assert_eq!(check(other.public_key(), b"usage", &signature), Err(VerificationFailed::Mismatch));
        assert_eq!(check(key.public_key(), b"usagf", &signature), Err(VerificationFailed::Mismatch));
        assert_eq!(check(key.public_key(), b"usage", &signature[1..]), Err(VerificationFailed::Mismatch));
        assert_eq!(check(&key.public_key()[1..], b"usage", &signature), Err(VerificationFailed::Unsupported));
        let unknown = Algorithm::Unknown("ml-dsa-65".into());
        assert_eq!(
            P256Verifier.verify(&unknown, key.public_key(), b"usage", &signature),
            Err(VerificationFailed::Unsupported)
        );
    }

    #[test]
    fn a_stored_key_is_the_same_key() {
        let key = P256Key::generate().unwrap();
        let again = P256Key::from_pkcs8(&key.to_pkcs8()).unwrap();
        assert_eq!(key.public_key(), again.public_key());
    }

    #[test]
    fn a_point_off_the_curve_is_refused() {
        let mut spki = P256Key::generate().unwrap().public_key().to_vec();
        spki[90] ^= 1;
        let result = P256Verifier.verify(&Algorithm::EcdsaP256Sha256, &spki, b"", &[0; 70]);
        assert_eq!(result, Err(VerificationFailed::Unsupported));
    }
}
