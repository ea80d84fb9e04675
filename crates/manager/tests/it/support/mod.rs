//! A manager as a process, and an agent that speaks the protocol by hand.

pub(crate) mod agent;
pub(crate) mod browser;
pub(crate) mod manager;
pub(crate) mod oidc;
mod product;
pub(crate) mod scene;
pub(crate) mod totp;
pub(crate) mod visitor;

pub(crate) use agent::Agent;
pub(crate) use browser::Browser;
pub(crate) use manager::{Manager, World};
pub(crate) use product::Product;
pub(crate) use visitor::{ALICE, Page, Visitor};

use seatpool_proto::TokenId;

/// The tag that most tests use.
pub(crate) const TAG: &str = "CCX_PREMIUM";

/// The present time, of tests.
#[expect(clippy::disallowed_methods, reason = "tests stand in for machines that have clocks")]
pub(crate) fn now() -> jiff::Timestamp {
    // As JSON carries it.
    jiff::Timestamp::now().round(jiff::Unit::Microsecond).unwrap()
}

/// A random UUID.
pub(crate) fn new_uuid() -> uuid::Uuid {
    uuid::Builder::from_random_bytes(seatpool_crypto::random_bytes()).into_uuid()
}

/// A token as the tests use it.
#[derive(Clone, Debug)]
pub(crate) struct TestToken {
    pub(crate) id: TokenId,
    pub(crate) text: String,
}
