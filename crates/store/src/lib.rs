//! The manager's facts on SQLite and PostgreSQL behind one interface.
//!
//! [`Store::begin`] loads and locks what a batch of commands touches, `seatpool_domain` decides in memory, and
//! [`Batch::commit`] writes the outcome in a few set-based statements and makes it durable. Everything else reads.
//! The store decides nothing, reads no clock and draws no chance; every statement on an account's tables names the
//! account.

mod batch;
mod db;
mod error;
mod grid;
mod load;
mod migration;
mod query;
mod row;
mod sql;
mod sqlite;
mod store;
mod table;
#[cfg(feature = "testing")]
pub mod testing;

pub use batch::Batch;
pub use error::StoreError;
pub use query::access::{AccessToken, Session, Stage};
pub use query::accounts::AccountFilter;
pub use query::alerts::{Alike, Noticed};
pub use query::audit::AuditLog;
pub use query::events::EventQuery;
pub use query::instances::{InstanceQuery, InstanceSort};
pub use query::lots::{LotName, LotQuery, LotSort, TransactionQuery};
pub use query::pools::MostUsed;
pub use query::preferences::FormSent;
pub use query::requests::{KnownRequest, RequestKey};
pub use query::tokens::{TokenQuery, TokenSort};
pub use query::users::{UserQuery, UserSort};
pub use query::{Page, Paged};
pub use store::{Options, Store};
