//! `seatpool report`.

use clap::{Args, Subcommand};

use super::client::{Failed, Manager, day, moment, or_dash, table};
use crate::app::reports::stock::{InstanceRow, LicenseRow, SubscriptionRow};

/// Reports: all rows, as a table, as JSON or as CSV.
#[derive(Subcommand, Debug)]
pub(super) enum ReportCommand {
    /// Licences: purchased, in use, balance, next expiry
    Licenses(Which),
    /// Registered product instances: what they are, how they stand, what they use
    Instances(Which),
    /// Subscriptions and everything that ends, what ends first first
    Subscriptions {
        #[command(flatten)]
        which: Which,
        /// Those alone that end within so many days
        #[arg(long, value_name = "DAYS")]
        ends_within: Option<u32>,
        /// Also those that have ended
        #[arg(long)]
        ended: bool,
    },
}

/// Of what, and how.
#[derive(Args, Debug)]
pub(super) struct Which {
    /// Of this virtual account only, by name or id
    #[arg(long, alias = "va", value_name = "NAME")]
    virtual_account: Option<String>,
    /// Print comma-separated values, as a spreadsheet reads them
    #[arg(long)]
    csv: bool,
}

impl ReportCommand {
    pub(super) async fn run(self, manager: &Manager) -> Result<(), Failed> {
        let session = manager.connect().await?;
        let place = |which: &Which| vec![("virtual_account", which.virtual_account.clone())];
        let (name, which, query) = match &self {
            Self::Licenses(which) => ("licenses", which, place(which)),
            Self::Instances(which) => ("instances", which, place(which)),
            Self::Subscriptions { which, ends_within, ended } => {
                let mut query = place(which);
                query.push(("ends_within_days", ends_within.map(|days| days.to_string())));
                query.push(("ended", Some(ended.to_string())));
                ("subscriptions", which, query)
            }
        };
        if which.csv {
            let file = format!("{name}.csv");
            return session.read_file(&["accounts", session.account(), "reports", &file], &query).await;
        }
        let path = ["accounts", session.account(), "reports", name];
        match self {
            Self::Licenses(_) => session.read_all(&path, &query, licenses).await,
            Self::Instances(_) => session.read_all(&path, &query, instances).await,
            Self::Subscriptions { .. } => session.read_all(&path, &query, subscriptions).await,
        }
    }
}

fn licenses(found: &[LicenseRow]) -> String {
    let rows = found.iter().map(|row| {
        vec![
            row.virtual_account.clone(),
            row.license.clone(),
            row.purchased.to_string(),
            row.in_use.to_string(),
            format!("{:+}", row.balance),
            row.status.words().to_owned(),
            or_dash(row.next_expiry.map(day)),
        ]
    });
    let head = ["VIRTUAL ACCOUNT", "LICENSE", "#PURCHASED", "#IN USE", "#BALANCE", "STATUS", "NEXT EXPIRY"];
    table(&head, rows)
}

fn instances(found: &[InstanceRow]) -> String {
    let rows = found.iter().map(|row| {
        let used = row.licenses.iter().map(|used| format!("{} {}", used.quantity, used.tag));
        vec![
            row.virtual_account.clone(),
            row.name.clone(),
            row.sn.clone(),
            row.product_type.clone(),
            row.status.words().to_owned(),
            moment(row.last_contact_at),
            or_dash(row.authorized_until.map(day)),
            or_dash(row.certificate_until.map(day)),
            or_dash(Some(used.collect::<Vec<_>>().join(", "))),
        ]
    });
    let head = [
        "VIRTUAL ACCOUNT",
        "NAME",
        "SERIAL NUMBER",
        "PRODUCT TYPE",
        "STATUS",
        "LAST CONTACT",
        "AUTHORIZED UNTIL",
        "CERTIFICATE UNTIL",
        "IN USE",
    ];
    table(&head, rows)
}

fn subscriptions(found: &[SubscriptionRow]) -> String {
    let rows = found.iter().map(|row| {
        vec![
            or_dash(row.subscription_id.clone()),
            row.order_id.clone(),
            row.virtual_account.clone(),
            row.license.clone(),
            row.quantity.to_string(),
            row.kind.as_str().to_owned(),
            day(row.starts_at),
            or_dash(row.ends_at.map(day)),
            or_dash(row.days_left.map(|days| days.to_string())),
            row.status.word().to_owned(),
        ]
    });
    let head = [
        "SUBSCRIPTION",
        "ORDER",
        "VIRTUAL ACCOUNT",
        "LICENSE",
        "#QUANTITY",
        "TYPE",
        "STARTS",
        "ENDS",
        "#DAYS LEFT",
        "STATUS",
    ];
    table(&head, rows)
}
