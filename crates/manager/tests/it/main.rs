//! Tests through the manager's own doors: the real binary, real sockets, real TLS, a real database.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod access_oidc;
mod access_pages;
mod access_people;
mod access_sign_in;
mod audit;
mod certificates;
mod cli_commands;
mod durability;
mod operating_page;
mod operations;
mod portal_access;
mod portal_alerts;
mod portal_browser;
mod portal_forms;
mod portal_inventory;
mod portal_pages;
mod portal_reports;
mod portal_security;
mod postgres;
mod protocol_agent;
mod refusals;
mod rest_compat;
mod rest_explain;
mod rest_fixtures;
mod rest_ledger;
mod rest_matrix;
mod rest_oauth;
mod rest_once;
mod rest_own;
mod rest_previews;
mod rest_reports;
mod rest_support;
mod setup;
mod support;
mod wire;
