//! Commands that call a running manager over its REST API: which there are, and how they find the manager,
//! authenticate, and tell what went wrong.

mod call;
mod output;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{
    account, alerts, devices, events, explain, licenses, lot, oauth_client, order, report, reservation,
    token, user, va,
};
use crate::rest::own::Rows;
pub(super) use call::{Connection, Failed};
pub(super) use output::line as output_line;
pub(super) use output::{day, moment, or_dash, table};

const EXIT_CODES: &str = "\
Exit codes: 0 done, 1 refused, 2 wrong usage, 3 not allowed (credentials or role), 4 the manager can't be \
reached or can't answer at the moment";

/// Commands that call a running manager.
#[derive(Subcommand, Debug)]
pub(super) enum ClientCommand {
    /// Smart accounts: list, create, show
    #[command(after_help = EXIT_CODES)]
    Account(Group<account::AccountCommand>),
    /// Virtual accounts: list, create, rename, describe, delete
    #[command(after_help = EXIT_CODES)]
    Va(Group<va::VaCommand>),
    /// Registration tokens: list, create, revoke
    #[command(after_help = EXIT_CODES)]
    Token(Group<token::TokenCommand>),
    /// Orders: deposit licences, renew and cancel them
    #[command(after_help = EXIT_CODES)]
    Order(Group<order::OrderCommand>),
    /// Lots that customers declare themselves: declare, list, confirm, reject
    #[command(after_help = EXIT_CODES)]
    Lot(Group<lot::LotCommand>),
    /// Licences: list, show, catalogue, usage over time, transfer between virtual accounts
    #[command(after_help = EXIT_CODES)]
    Licenses(Group<licenses::LicensesCommand>),
    /// Reports of licences, product instances and subscriptions, as tables or CSV
    #[command(after_help = EXIT_CODES)]
    Report(Group<report::ReportCommand>),
    /// Product instances: list, show, transfer, remove
    #[command(after_help = EXIT_CODES)]
    Devices(Group<devices::DevicesCommand>),
    /// Reservations of products that are never in contact: reserve, update, confirm, return, rehost
    #[command(after_help = EXIT_CODES)]
    Reservation(Group<reservation::ReservationCommand>),
    /// Users: invite, change, disable, reset, delete; sessions; what signing in takes
    #[command(after_help = EXIT_CODES)]
    User(Group<user::UserCommand>),
    /// OAuth2 clients: list, create, rotate the secret, delete
    #[command(after_help = EXIT_CODES)]
    Client(Group<oauth_client::OauthClientCommand>),
    /// The event log
    #[command(after_help = EXIT_CODES)]
    Events(events::Events),
    /// Alerts: list, dismiss, restore
    #[command(after_help = EXIT_CODES)]
    Alerts(alerts::Alerts),
    /// Why a licence or product instance stands as it stands, what comes, and what mends it
    #[command(after_help = EXIT_CODES)]
    Explain(Group<explain::ExplainCommand>),
}

/// A command with its subcommands.
#[derive(Args, Debug)]
pub(super) struct Group<C: Subcommand> {
    #[command(flatten)]
    to: Manager,
    #[command(subcommand)]
    command: C,
}

/// Which manager, in whose name.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Manager")]
pub(super) struct Manager {
    /// Credentials file [default: client.json in the data directory]
    #[arg(long, global = true, value_name = "FILE", env = "SEATPOOL_CREDENTIALS", hide_env_values = true)]
    credentials: Option<PathBuf>,
    /// The manager's data directory, for its client.json
    #[arg(long, global = true, value_name = "DIR", env = "SEATPOOL_DATA_DIR", hide_env_values = true)]
    data_dir: Option<PathBuf>,
    /// The manager's address [default: as in the credentials file]
    #[arg(long, global = true, value_name = "URL")]
    url: Option<String>,
    /// The smart account's domain [default: as in the credentials file]
    #[arg(long, global = true, value_name = "DOMAIN")]
    account: Option<String>,
    /// Print JSON, as the REST API answers it
    #[arg(long, global = true)]
    json: bool,
}

/// A connection to the manager, and how to print.
pub(super) struct Session {
    connection: Connection,
    json: bool,
}

impl Manager {
    pub(super) async fn connect(&self) -> Result<Session, Failed> {
        let connection = Connection::open(
            self.credentials.as_deref(),
            self.data_dir.as_deref(),
            self.url.as_deref(),
            self.account.as_deref(),
        )
        .await?;
        Ok(Session { connection, json: self.json })
    }
}

impl Session {
    /// The account that the command is about.
    pub(super) fn account(&self) -> &str {
        &self.connection.account
    }

    /// Whether JSON is to be printed.
    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    /// Reads, and prints as JSON or with `show`.
    pub(super) async fn read<T: Serialize + DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, Option<String>)],
        show: impl FnOnce(&T) -> String,
    ) -> Result<(), Failed> {
        let found: T = self.connection.call(Method::GET, path, query, None::<&()>).await?;
        self.print(&found, show)
    }

    /// Reads all pages of a list, and prints all rows as JSON or with `show`.
    pub(super) async fn read_all<T: Serialize + DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, Option<String>)],
        show: impl FnOnce(&[T]) -> String,
    ) -> Result<(), Failed> {
        let (mut rows, mut cursor) = (Vec::new(), None);
        loop {
            let page = [("limit", Some("1000".to_owned())), ("cursor", cursor)];
            let found: Rows<T> = self.find(path, &[query, &page[..]].concat()).await?;
            rows.extend(found.items);
            cursor = found.next_cursor;
            if cursor.is_none() {
                return self.print(&rows, |rows| show(rows));
            }
        }
    }

    /// Reads a file, and prints it as it came.
    pub(super) async fn read_file(
        &self,
        path: &[&str],
        query: &[(&str, Option<String>)],
    ) -> Result<(), Failed> {
        if self.json {
            return Err(Failed::refused("--csv and --json can't be had at once: leave one of them out"));
        }
        output::line(&self.connection.text(path, query).await?);
        Ok(())
    }

    /// Asks for something, and prints what came of it as JSON or with `show`.
    pub(super) async fn ask<T: Serialize + DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        body: &impl Serialize,
        show: impl FnOnce(&T) -> String,
    ) -> Result<(), Failed> {
        let made: T = self.connection.call(method, path, &[], Some(body)).await?;
        self.print(&made, show)
    }

    /// Asks for something of which nothing comes back; says `done`.
    pub(super) async fn order(
        &self,
        method: Method,
        path: &[&str],
        body: Option<&impl Serialize>,
        done: &str,
    ) -> Result<(), Failed> {
        self.connection.call_for_nothing(method, path, body).await?;
        if self.json {
            output::line("{}");
        } else {
            output::line(done);
        }
        Ok(())
    }

    /// Reads without printing.
    pub(super) async fn find<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, Option<String>)],
    ) -> Result<T, Failed> {
        self.connection.call(Method::GET, path, query, None::<&()>).await
    }

    /// Asks for something without printing what came of it.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<T, Failed> {
        self.connection.call(method, path, &[], Some(body)).await
    }

    /// Prints as JSON or with `show`.
    pub(super) fn print<T: Serialize>(
        &self,
        value: &T,
        show: impl FnOnce(&T) -> String,
    ) -> Result<(), Failed> {
        if self.json {
            let text = serde_json::to_string_pretty(value).map_err(|why| Failed::refused(why.to_string()))?;
            output::line(&text);
        } else {
            output::line(&show(value));
        }
        Ok(())
    }
}

impl ClientCommand {
    /// Runs the command; says on standard error what went wrong.
    pub(super) async fn run(self) -> ExitCode {
        let done = match self {
            Self::Account(Group { to, command }) => command.run(&to).await,
            Self::Va(Group { to, command }) => command.run(&to).await,
            Self::Token(Group { to, command }) => command.run(&to).await,
            Self::Order(Group { to, command }) => command.run(&to).await,
            Self::Lot(Group { to, command }) => command.run(&to).await,
            Self::Licenses(Group { to, command }) => command.run(&to).await,
            Self::Report(Group { to, command }) => command.run(&to).await,
            Self::Devices(Group { to, command }) => command.run(&to).await,
            Self::Reservation(Group { to, command }) => command.run(&to).await,
            Self::User(Group { to, command }) => command.run(&to).await,
            Self::Client(Group { to, command }) => command.run(&to).await,
            Self::Events(events) => events.run().await,
            Self::Alerts(alerts) => alerts.run().await,
            Self::Explain(Group { to, command }) => command.run(&to).await,
        };
        match done {
            Ok(()) => ExitCode::SUCCESS,
            Err(failed) => {
                eprintln!("seatpool: {failed}");
                ExitCode::from(failed.exit_code())
            }
        }
    }
}
