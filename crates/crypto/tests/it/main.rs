//! Tests of keys and chains against the page that others build on.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod chains;
mod codes;
mod party;
mod protocol_page;
