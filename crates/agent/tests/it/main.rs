//! Tests of the agent through its public interface, with a tiny scripted manager.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod clocks;
mod enforcement;
mod evaluation;
mod exports;
mod peaks;
mod profiles;
mod random;
mod refusals;
mod registration;
mod renewal;
mod reports;
mod script;
mod tolerance;
mod world;
