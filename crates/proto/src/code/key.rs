//! The two keys of a reservation, and what they agree on: the device's (its public half is in the request
//! code) and the manager's (its public half is in the certificate of the authorization code).

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// DER of a P-256 SubjectPublicKeyInfo up to the point's form octet (RFC 5480, sections 2 and 2.2).
const SPKI_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// A P-256 public key as a compressed point (SEC 1, section 2.3.3): 33 bytes, the first of them 2 or 3.
/// Written as 66 hexadecimal digits. Whether it lies on the curve is found out when it is used.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicPoint([u8; 33]);

/// The bytes are no compressed P-256 point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a P-256 public key")]
pub struct InvalidPoint;

impl PublicPoint {
    /// A point from its 33 bytes.
    pub fn from_compressed(bytes: [u8; 33]) -> Result<Self, InvalidPoint> {
        if matches!(bytes[0], 2 | 3) { Ok(Self(bytes)) } else { Err(InvalidPoint) }
    }

    /// The point of a DER SubjectPublicKeyInfo with an uncompressed P-256 point.
    pub fn from_spki(der: &[u8]) -> Result<Self, InvalidPoint> {
        let point = der.strip_prefix(&SPKI_PREFIX).ok_or(InvalidPoint)?;
        let [4, coordinates @ ..] = point else { return Err(InvalidPoint) };
        let (x, y) = coordinates.split_at_checked(32).ok_or(InvalidPoint)?;
        let [.., last] = y else { return Err(InvalidPoint) };
        if y.len() != 32 {
            return Err(InvalidPoint);
        }
        let mut bytes = [2 + (last & 1); 33];
        bytes[1..].copy_from_slice(x);
        Ok(Self(bytes))
    }

    /// The 33 bytes.
    pub fn as_bytes(&self) -> &[u8; 33] {
        &self.0
    }
}

impl fmt::Display for PublicPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for PublicPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicPoint({self})")
    }
}

impl FromStr for PublicPoint {
    type Err = InvalidPoint;

    fn from_str(text: &str) -> Result<Self, InvalidPoint> {
        let mut bytes = [0; 33];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| InvalidPoint)?;
        Self::from_compressed(bytes)
    }
}

impl Serialize for PublicPoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicPoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The private half of one of the two keys. Implementations hold it; this crate never sees it.
pub trait ReservationKey: Send + Sync {
    /// Its public half.
    fn public_point(&self) -> PublicPoint;

    /// HMAC-SHA-256 of `message` under the key that both sides agree on: HKDF-SHA-256 without salt, with the
    /// info [`AGREEMENT_INFO`], 32 bytes, of the ECDH secret (the x coordinate) of this key and `peer`.
    fn authenticate(&self, peer: &PublicPoint, message: &[u8]) -> Result<[u8; 32], AgreementFailed>;
}

/// HKDF's info.
pub const AGREEMENT_INFO: &[u8] = b"seatpool reservation codes 1";

/// No secret could be agreed on: the other's key is not on the curve, or the own one could not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no key could be agreed on: {0}")]
pub struct AgreementFailed(pub String);
