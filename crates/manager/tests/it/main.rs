//! Tests through the manager's own doors: the real binary, real sockets, real TLS, a real database.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod certificates;
mod durability;
mod operating_page;
mod operations;
mod protocol_agent;
mod refusals;
mod setup;
mod support;
mod wire;
