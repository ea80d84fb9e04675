//! The agent's shell through its doors: real processes, real sockets, a real proxy.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod contact;
mod manager;
mod vendor;
