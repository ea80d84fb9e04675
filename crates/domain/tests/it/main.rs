//! The manager's decisions, as a whole: every command goes through [`world::World`], which applies it to a workset
//! that holds only what the command touches and to one that holds everything, and checks the world afterwards.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

mod accounts;
mod agent;
mod alerts;
mod audit;
mod conversation;
mod declarations;
mod explain;
mod exports;
mod invariants;
mod ledger;
mod orders;
mod outlook;
mod path;
mod people;
mod pools;
mod proofs;
mod reference;
mod registration;
mod renewals;
mod reports;
mod reservations;
mod transfers;
mod world;
