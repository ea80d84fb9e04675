//! Reference products: small real programs, each limited by its agent.
//!
//! One so far: a contact centre whose operators (seats) sign in and out. It asks its agent before each
//! sign-in, tells it what is in use, and does without what the agent refuses. It knows nothing of managers,
//! certificates or periods: all that is the agent's.

pub mod centre;
pub mod clock;
pub mod command;
pub mod desk;
pub mod licensing;
