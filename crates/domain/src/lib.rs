//! The manager's decisions: accounts, pools, lots, tokens, registration, compliance.
//!
//! [`apply`] takes one [`Command`], the facts it touches ([`Workset`]) and the present time, and either
//! changes the workset and answers, or refuses and changes nothing. It does no I/O, reads no clock, draws no
//! chance, and knows neither SQL nor HTTP: loading the workset and writing its changes is the store's task,
//! signing what it answers the manager's.

pub mod access;
pub mod account;
pub mod alert;
pub mod audit;
pub mod catalogue;
pub mod command;
pub mod dates;
pub mod event;
pub mod explain;
pub mod history;
pub mod instance;
pub mod lot;
pub mod opening;
pub mod owned;
pub mod policy;
pub mod pool;
pub mod reservation;
pub mod token;
pub mod workset;

pub use account::{Account, AccountTerms, VirtualAccount};
pub use catalogue::Catalogue;
pub use command::{Actor, Command, Context, Ids, Outcome, Refused, apply};
pub use event::{Event, EventKind};
pub use instance::{Instance, Usage};
pub use lot::{Declaration, Lot, LotTransaction};
pub use owned::Owned;
pub use policy::Policy;
pub use pool::PoolTotal;
pub use reservation::Reservation;
pub use token::Token;
pub use workset::{Change, Rows, Touches, Workset};
