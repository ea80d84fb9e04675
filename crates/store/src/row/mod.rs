//! How each fact is laid out in its table: one file per group of tables, columns and both directions together.

pub(crate) mod access;
pub(crate) mod account;
pub(crate) mod dismissal;
pub(crate) mod event;
pub(crate) mod history;
pub(crate) mod instance;
pub(crate) mod lot;
pub(crate) mod pool;
pub(crate) mod reservation;
