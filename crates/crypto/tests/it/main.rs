//! Tests of keys and chains against the page that others build on.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod chains;
mod codes;
mod codes_page;
mod party;
mod protocol_page;
