//! Ids, nonces and jitter from the system's cryptographic source: the one place where the shell draws them.

use seatpool_agent::{Chance, KeyId};
use seatpool_crypto::random_bytes;
use seatpool_proto::{Nonce, RequestId};

/// The system's chance.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SystemChance;

impl Chance for SystemChance {
    fn request_id(&mut self) -> RequestId {
        RequestId(uuid::Builder::from_random_bytes(random_bytes()).into_uuid())
    }

    fn nonce(&mut self) -> Nonce {
        Nonce(random_bytes())
    }

    fn jitter(&mut self) -> f64 {
        // 53 random bits, as many as a double holds.
        (u64::from_be_bytes(random_bytes()) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// A name for a new key.
pub(super) fn key_id() -> KeyId {
    KeyId(SystemChance.request_id())
}
