//! Codes carried by hand: how a product that may touch no network gets, changes and gives back its licences.
//!
//! [`RequestCode`] goes from the product to the manager, [`AuthorizationCode`] back; a [`ConfirmationCode`] tells
//! that an update was installed, a [`ReturnCode`] that a reservation was given back. All are documents of
//! `docs/protocol.md`, "Codes carried by hand". Keys and signatures are handed in: [`crate::Signer`],
//! [`crate::Verifier`] and [`ReservationKey`].

mod answer;
pub mod authorization;
mod base58;
mod broken;
mod checksum;
pub mod confirmation;
mod date;
pub mod key;
mod paste;
pub mod picture;
pub mod request;
pub mod return_code;
mod spoken;
mod xml;

pub use answer::CodeFacts;
pub use authorization::{
    AuthorizationCode, AuthorizationRefused, Entitlement, Grant, InvalidAuthorizationCode,
    UntrustedAuthorization,
};
pub use confirmation::{ConfirmationCode, ConfirmationRefused, InvalidConfirmationCode};
pub use date::{CodeDate, InvalidCodeDate};
pub use key::{AgreementFailed, PublicPoint, ReservationKey};
pub use request::{InvalidRequestCode, RequestCode, ReservationKind};
pub use return_code::{InvalidReturnCode, ReturnCode, ReturnRefused, Returned};
pub use xml::InvalidXml;
