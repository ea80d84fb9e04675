//! The manager: agent endpoints, REST API, portal, keys and jobs.
//!
//! | module | owns | must not |
//! |---|---|---|
//! | [`app`] | the use cases; the ledger, which alone writes what licensing depends on | know HTTP |
//! | [`ca`] | every signing key | let a key out |
//! | [`clock`] | the one clock, and new ids | |
//! | [`config`] | file < environment < flags, checked whole | |
//! | [`wire`], [`rest`], [`portal`], [`ops`] | HTTP in and out | touch the store but through [`app`] |
//! | [`server`] | listeners, TLS, limits, graceful shutdown | |
//! | [`cli`] | the commands of the binary `seatpool` | |

pub mod app;
pub mod ca;
pub mod cli;
pub mod clock;
pub mod config;
mod csv;
pub mod ops;
mod percent;
pub mod portal;
pub mod rest;
pub mod server;
pub mod wire;

pub use app::{App, AppError};
