//! The Smart Agent's state machine, sans I/O.
//!
//! An [`Agent`] is told what happened (`handle_*`), and is then asked what is to be done (`poll_*`). It reads
//! no clock, draws no chance, touches no disk or network and never sees a private key: its *shell* (crate
//! `agentd`, or a product that embeds it) does all of that.
//!
//! # The order of polling
//!
//! After every `handle_*` call, and after every `persisted` or `persist_failed`, poll in this order:
//!
//! 1. [`Agent::poll_persist`]: if it gives a [`State`], store it durably, then call [`Agent::persisted`]
//!    (or [`Agent::persist_failed`]). Until then nothing that depends on it is given out.
//! 2. [`Agent::poll_transmit`]: if it gives a [`Transmit`], sign and send it. Exactly one
//!    [`Agent::handle_answer`] or [`Agent::handle_failure`] must follow; one request is under way at a time.
//! 3. [`Agent::poll_deadline`]: the instant, on the shell's clock, at which [`Agent::handle_timeout`] is
//!    wanted. Wait
//!    for the span from the `now` of the last call until then on a monotonic clock: a wait until the wall
//!    clock shows
//!    the instant could be stretched by setting that clock back. Waking early is harmless.
//! 4. [`Agent::poll_event`]: until it gives nothing; log and forward each.
//!
//! # Keys
//!
//! The shell makes key pairs, keeps the private halves under a [`KeyId`] of its own choosing, and hands the
//! public half in with the command that needs it ([`NewKey`]); it must have stored the private half durably
//! before. [`Transmit`] names the key (or two) that sign. Automatic renewals of the ID certificate keep the
//! present key, so that they need nothing from the shell. Once a state is stored, all keys that
//! [`State::keys`] does not name may be destroyed.
//!
//! # Time
//!
//! Every call takes `now` from the shell's clock. What the agent counts by is its own estimate (see
//! [`clock`]), which a clock that is set back does not stop; all instants in [`State`] and [`Status`] are on
//! that estimate, and [`Agent::poll_deadline`] is on the shell's clock.

pub mod agent;
pub mod clock;
pub mod command;
pub mod compliance;
pub mod contact;
pub mod evaluation;
pub mod event;
pub mod export;
pub mod identity;
pub mod meter;
pub mod profile;
pub mod reservation;
pub mod retry;
pub mod state;
pub mod status;
mod time;

pub use agent::Agent;
pub use command::{Chance, Command, CommandRefused};
pub use contact::{Answer, ContactFailure, FailureKind, SigningKey, Transmit};
pub use event::{AgentEvent, EventCode};
pub use identity::{Identity, KeyId, NewKey, Privacy, Proxy, Secret, Transport, TransportMode};
pub use profile::Profile;
pub use reservation::{Keyring, ReservationRefused};
pub use state::State;
pub use status::{Decision, EnforcementReason, Status};
