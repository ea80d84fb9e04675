//! Tests of the system as a whole.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod architecture;
mod exports;
mod pair;
mod reservations;
mod seal;
