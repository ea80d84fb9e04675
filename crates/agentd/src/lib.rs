//! The agent's shell: transport, disk, keys, clock, local socket and the license command line.
//!
//! It owns everything that the state machine (crate `seatpool-agent`) must not touch: sockets, files,
//! keys, the clock and chance. It decides nothing that the state machine decides: it stores what it is
//! given to store, sends what it is given to send, and hands back what came of it.

pub mod api;
pub mod cli;
pub mod client;
pub mod clock;
pub mod complaint;
pub mod config;
pub mod daemon;
pub mod disk;
pub mod identity;
pub mod log;
pub mod runtime;
pub mod show;
pub mod transport;
pub mod trust;
