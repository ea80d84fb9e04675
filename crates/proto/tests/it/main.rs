//! Tests of the protocol's shapes: what they refuse, what they ignore, and that bytes stay the same bytes.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod bytes_stay;
mod certificates;
mod limits;
mod never_panics;
mod page;
mod sample;
mod time_lapse;
mod unknown;
