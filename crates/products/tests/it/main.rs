//! The reference products as processes, each with a real agent over a real socket.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod contact_centre;
mod place;
