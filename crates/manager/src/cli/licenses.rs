//! `seatpool licenses`.

use core::fmt::Write as _;

use clap::{Subcommand, ValueEnum};
use jiff::Timestamp;
use reqwest::Method;
use seatpool_proto::LotKind;
use serde_json::json;

use super::client::{Failed, Manager, day, moment, or_dash, table};
use super::order::{Kind, when};
use crate::app::catalogue::CatalogueLicense;
use crate::app::inventory::{LicenseDetail, LicenseView};
use crate::app::reports::UsageReport;

/// Licences.
#[derive(Subcommand, Debug)]
pub(super) enum LicensesCommand {
    /// List licences: purchased, in use, reserved, balance
    List {
        /// Of this virtual account only, by name or id
        #[arg(long, alias = "va", value_name = "NAME")]
        virtual_account: Option<String>,
    },
    /// Show a licence: its lots, its history, who uses it
    Show {
        /// Its name or tag
        license: String,
        /// The virtual account, by name or id
        #[arg(long, alias = "va", value_name = "NAME", default_value = "Default")]
        virtual_account: String,
    },
    /// List the licences that exist: what orders and declarations may name
    Catalogue,
    /// Report what was in use and owned over time
    Usage {
        /// Its name or tag
        license: String,
        /// The virtual account, by name or id
        #[arg(long, alias = "va", value_name = "NAME", default_value = "Default")]
        virtual_account: String,
        /// From this day or instant [default: 30 days before the end]
        #[arg(long, value_name = "WHEN", value_parser = when)]
        from: Option<Timestamp>,
        /// Until this day or instant [default: now]
        #[arg(long, value_name = "WHEN", value_parser = when)]
        to: Option<Timestamp>,
        /// By the hour or by the day [default: hours up to seven days, days beyond]
        #[arg(long, value_name = "STEP")]
        step: Option<Step>,
        /// Print comma-separated values, as a spreadsheet reads them
        #[arg(long)]
        csv: bool,
    },
    /// Move licences to another virtual account
    Transfer {
        /// Its name or tag
        license: String,
        /// How many
        #[arg(long, value_name = "N")]
        quantity: u64,
        /// The virtual account that they are moved out of
        #[arg(long, value_name = "NAME", default_value = "Default")]
        from: String,
        /// The virtual account that they go to
        #[arg(long, value_name = "NAME")]
        to: String,
        /// Out of this lot only
        #[arg(long, value_name = "ID")]
        lot: Option<String>,
        /// Of this kind only
        #[arg(long, value_name = "KIND")]
        kind: Option<Kind>,
        /// Only say what it would do to compliance
        #[arg(long)]
        preview: bool,
    },
}

/// The step of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Step {
    Hour,
    Day,
}

impl Step {
    fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }
}

impl LicensesCommand {
    pub(super) async fn run(self, manager: &Manager) -> Result<(), Failed> {
        let session = manager.connect().await?;
        let account = session.account();
        match self {
            Self::List { virtual_account } => {
                let query = [("virtual_account", virtual_account)];
                session.read_all(&["accounts", account, "licenses"], &query, list).await
            }
            Self::Show { license, virtual_account } => {
                let path = ["accounts", account, "virtual-accounts", &virtual_account, "licenses", &license];
                session.read(&path, &[], show).await
            }
            Self::Catalogue => {
                session.read(&["licenses"], &[], |found: &Vec<CatalogueLicense>| catalogue(found)).await
            }
            Self::Usage { license, virtual_account, from, to, step, csv } => {
                let query = [
                    ("virtual_account", Some(virtual_account)),
                    ("license", Some(license)),
                    ("from", from.map(|from| from.to_string())),
                    ("to", to.map(|to| to.to_string())),
                    ("step", step.map(|step| step.as_str().to_owned())),
                ];
                if csv {
                    return session.read_file(&["accounts", account, "reports", "usage.csv"], &query).await;
                }
                session.read(&["accounts", account, "reports", "usage"], &query, usage).await
            }
            Self::Transfer { license, quantity, from, to, lot, kind, preview } => {
                let done = format!("{quantity} of {license} were moved from {from:?} to {to:?}");
                let kind = kind.map(LotKind::from);
                let line =
                    json!({ "license": license, "quantity": quantity, "to": to, "lot": lot, "kind": kind });
                let path = ["accounts", account, "virtual-accounts", &from, "license-transfers"];
                let body = json!({ "lines": [line] });
                if preview {
                    return super::preview::balances(&session, &path, &body).await;
                }
                session.order(Method::POST, &path, Some(&body), &done).await
            }
        }
    }
}

fn list(found: &[LicenseView]) -> String {
    let rows = found.iter().map(|license| {
        vec![
            license.virtual_account.name.clone(),
            license.name.clone(),
            license.tag.to_string(),
            license.purchased.to_string(),
            license.in_use.to_string(),
            license.reserved.to_string(),
            format!("{:+}", license.balance),
            license.status.words().to_owned(),
            or_dash(license.next_expiry.map(day)),
        ]
    });
    let head = [
        "VIRTUAL ACCOUNT",
        "LICENSE",
        "TAG",
        "#PURCHASED",
        "#IN USE",
        "#RESERVED",
        "#BALANCE",
        "STATUS",
        "NEXT EXPIRY",
    ];
    table(&head, rows)
}

fn catalogue(found: &[CatalogueLicense]) -> String {
    let rows = found.iter().map(|license| {
        let tier = license.tier.to_string();
        vec![license.family.to_string(), tier, license.name.clone(), license.tag.to_string()]
    });
    table(&["FAMILY", "#TIER", "LICENSE", "TAG"], rows)
}

fn usage(report: &UsageReport) -> String {
    let rows = report.points.iter().map(|point| {
        let short = Some(point.short).filter(|short| !short.is_zero());
        vec![
            moment(point.starts_at),
            point.in_use.to_string(),
            point.owned.to_string(),
            or_dash(short.map(|short| short.to_string())),
        ]
    });
    let head = format!("{} ({}) in {:?}", report.name, report.tag, report.virtual_account.name);
    if report.points.is_empty() {
        return format!("{head}\nNothing is on record in this span.");
    }
    format!("{head}\n{}", table(&["FROM", "#IN USE AT MOST", "#OWNED", "#SHORT"], rows))
}

fn show(detail: &LicenseDetail) -> String {
    let license = &detail.license;
    let since = license.short_since.map(|since| format!(" since {}", moment(since))).unwrap_or_default();
    let mut text = format!(
        "{} ({}) in {:?}\n\
         Status:     {}{since}\n\
         Purchased:  {}\n\
         Reserved:   {}\n\
         In use:     {}\n\
         Balance:    {:+}\n",
        license.name,
        license.tag,
        license.virtual_account.name,
        license.status.words(),
        license.purchased,
        license.reserved,
        license.in_use,
        license.balance,
    );
    if license.actual != license.in_use {
        let _ = writeln!(text, "Actual:     {} (usage is locked while out of compliance)", license.actual);
    }
    for other in &license.borrowed_from {
        let _ = writeln!(text, "Borrowed:   {} from {}", other.quantity, other.name);
    }
    for other in &license.lent_to {
        let _ = writeln!(text, "Lent:       {} to {}", other.quantity, other.name);
    }
    let lots = license.lots.iter().map(|lot| {
        let status = lot.status.word();
        let status = match &lot.declaration {
            Some(declaration) => format!("{status}, {}", declaration.state.words()),
            None => status.to_owned(),
        };
        vec![
            lot.id.to_string(),
            lot.quantity.to_string(),
            lot.kind.as_str().to_owned(),
            day(lot.starts_at),
            or_dash(lot.ends_at.map(day)),
            status,
            lot.order_id.clone(),
            or_dash(lot.subscription_id.clone()),
        ]
    });
    let lots =
        table(&["LOT", "#QUANTITY", "TYPE", "STARTS", "ENDS", "STATUS", "ORDER", "SUBSCRIPTION"], lots);
    let history = detail.transactions.iter().map(|row| {
        let what = row.kind.words();
        let with = row.counterpart.clone().or_else(|| row.order_id.clone());
        let change = row.after.as_ref().map(|after| match &row.before {
            Some(before) => format!("{before} -> {after}"),
            None => after.clone(),
        });
        vec![
            moment(row.at),
            what.to_owned(),
            row.quantity.to_string(),
            or_dash(with),
            or_dash(change),
            row.by.clone(),
            or_dash(row.note.clone()),
        ]
    });
    let history =
        table(&["TIME", "WHAT", "#QUANTITY", "ORDER OR VIRTUAL ACCOUNT", "CHANGE", "BY", "NOTE"], history);
    let users = detail.instances.iter().map(|instance| {
        let usage = instance.usage.iter().find(|usage| usage.tag == license.tag);
        let quantity = usage.map(|usage| usage.quantity.to_string());
        vec![instance.name.clone(), or_dash(quantity), moment(instance.last_contact_at)]
    });
    let users = table(&["PRODUCT INSTANCE", "#IN USE", "LAST CONTACT"], users);
    format!(
        "{text}\nLots\n{lots}\n\nHistory ({} in all)\n{history}\n\nProduct instances ({} in all)\n{users}",
        detail.transactions_total, detail.instances_total
    )
}
