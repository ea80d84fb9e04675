//! The agent's shell through its doors: real processes, real sockets, a real proxy.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod api;
mod cli;
mod contact;
mod daemon;
mod e2e;
mod identity;
mod layouts;
mod manager;
mod proxy;
mod registration;
mod reservation_commands;
mod reservation_steps;
mod reserving;
mod scripted;
mod sftp;
mod state;
mod vendor;
