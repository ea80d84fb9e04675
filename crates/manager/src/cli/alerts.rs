//! `seatpool alerts`.

use clap::{Args, Subcommand, ValueEnum};
use reqwest::Method;
use serde_json::json;

use super::client::{Failed, Manager, moment, or_dash, table};
use crate::app::alerts::AlertView;
use crate::rest::own::Rows;

/// How much an alert matters.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Severity {
    /// To be acted on
    Major,
    /// To be looked at
    Minor,
    /// To be known
    Informational,
}

/// Alerts, the gravest first.
#[derive(Args, Debug)]
pub(super) struct Alerts {
    #[command(flatten)]
    to: Manager,
    #[command(flatten)]
    list: List,
    #[command(subcommand)]
    command: Option<AlertsCommand>,
}

#[derive(Subcommand, Debug)]
enum AlertsCommand {
    /// Dismiss an alert; a worse state raises it anew
    Dismiss {
        /// Its id, as the list shows it
        alert: String,
        /// The state in which it was seen, as the list has it with --json: another one is not dismissed
        #[arg(long, value_name = "STATE")]
        seen: Option<String>,
    },
    /// Bring a dismissed alert back
    Restore {
        /// Its id, as the list shows it with --dismissed
        alert: String,
    },
}

/// Which alerts.
#[derive(Args, Debug)]
struct List {
    /// Of this virtual account only, by name or id
    #[arg(long, alias = "va", value_name = "NAME")]
    virtual_account: Option<String>,
    /// Of this severity only
    #[arg(long)]
    severity: Option<Severity>,
    /// Of this kind only, as in insufficient_licenses
    #[arg(long)]
    kind: Option<String>,
    /// Those that were dismissed
    #[arg(long)]
    dismissed: bool,
    /// By severity, source or action_due; with a - before it, from the other end
    #[arg(long, value_name = "WORD", allow_hyphen_values = true)]
    sort: Option<String>,
    /// How many at most, 1 to 1000
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: u32,
    /// Go on where an earlier list ended
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
}

impl Alerts {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let session = self.to.connect().await?;
        let account = session.account();
        match self.command {
            None => {
                let list = self.list;
                let severity = list.severity.and_then(|severity| severity.to_possible_value());
                let query = [
                    ("virtual_account", list.virtual_account),
                    ("severity", severity.map(|value| value.get_name().to_owned())),
                    ("kind", list.kind),
                    ("dismissed", list.dismissed.then(|| "true".to_owned())),
                    ("sort", list.sort),
                    ("limit", Some(list.limit.to_string())),
                    ("cursor", list.cursor),
                ];
                session.read(&["accounts", account, "alerts"], &query, show).await
            }
            Some(AlertsCommand::Dismiss { alert, seen }) => {
                let path = ["accounts", account, "alerts", &alert, "dismiss"];
                let done = format!("the alert {alert} was dismissed; a worse state raises it anew");
                session.ask::<AlertView>(Method::POST, &path, &json!({ "seen": seen }), |_| done).await
            }
            Some(AlertsCommand::Restore { alert }) => {
                let path = ["accounts", account, "alerts", &alert, "restore"];
                let done = format!("the alert {alert} is raised again, if its cause is there still");
                session.order(Method::POST, &path, None::<&()>, &done).await
            }
        }
    }
}

fn show(found: &Rows<AlertView>) -> String {
    let rows = found.items.iter().map(|alert| {
        vec![
            alert.severity.words().to_owned(),
            alert.message.clone(),
            alert.source.name.clone(),
            or_dash(alert.action_due.map(moment)),
            alert.id.clone(),
        ]
    });
    let list = table(&["SEVERITY", "MESSAGE", "SOURCE", "ACTION DUE", "ALERT"], rows);
    format!("{list}\n\n{}", found.count_line("alert"))
}
