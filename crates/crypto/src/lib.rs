//! P-256 keys and certificate chains: the one implementation behind the protocol's [`Signer`] and
//! [`Verifier`] traits, shared by the manager and the agent's shell.
//!
//! It owns how keys are made, kept and used, and how a chain is verified. It reads no clock: the
//! instant at which a chain must be valid is handed in.
//!
//! [`Signer`]: seatpool_proto::Signer
//! [`Verifier`]: seatpool_proto::Verifier

mod chain;
mod key;
mod random;
mod reservation;

pub use chain::{Anchors, ChainError, Purpose};
pub use key::{P256Key, P256Verifier, UnusableKey};
pub use random::{fill_random, random_bytes};
pub use reservation::P256ReservationKey;
