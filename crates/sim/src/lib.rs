//! The simulated world and the benchmark.
//!
//! - [`world`] joins the agent's core and the manager's in memory under one clock, for tests and the benchmark.
//! - [`mod@bench`] measures Seatpool against the limits of the machine it runs on.
//! - [`fill`] makes a large customer's data, and [`pages`] measures the portal's pages on it.

pub mod bench;
pub mod fill;
pub mod pages;
pub mod world;
