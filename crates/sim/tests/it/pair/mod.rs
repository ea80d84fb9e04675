//! The pair test: the agent's core and the manager's core in one [`seatpool_sim::world`].

mod conversation;
mod periods;
mod scenarios;
mod year;
