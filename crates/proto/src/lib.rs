//! What licensing parties tell each other: ids, quantities, messages, the signed envelope, the
//! identity-certificate profile, problem codes and limits.
//!
//! This crate owns the shapes and their limits. It does no I/O, reads no clock, holds no chance and
//! chooses no signature implementation: [`Signer`] and [`Verifier`] are handed in. `docs/protocol.md`
//! is this crate in words; a test holds the two together.

pub mod certificate;
pub mod code;
pub mod digest;
pub mod envelope;
pub mod id;
pub mod limits;
pub mod message;
pub mod name;
pub mod problem;
pub mod quantity;
pub mod term;
pub mod time_lapse;
pub mod udi;

pub use certificate::{IdCertificate, ReservationCertificate};
pub use digest::Sha256;
pub use envelope::{Algorithm, Signature, SignedRequest, SignedResponse, Signer, UntrustedRequest, Verifier};
pub use id::{AccountId, LotId, Nonce, ProductInstanceId, RequestId, TokenId, VirtualAccountId};
pub use message::{Request, RequestBody, Response, ResponseBody};
pub use name::{Family, Tag};
pub use problem::ProblemCode;
pub use quantity::Quantity;
pub use term::{LotKind, Term};
pub use time_lapse::TimeLapse;
pub use udi::Udi;
