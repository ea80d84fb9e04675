//! The pair test: the agent's core and the manager's core, joined in memory. The clock jumps from deadline to
//! deadline, so that a year passes in moments. No cryptography: certificates are stand-ins that neither
//! core looks into.

mod conversation;
mod manager;
mod periods;
mod scenarios;
mod world;
mod year;
