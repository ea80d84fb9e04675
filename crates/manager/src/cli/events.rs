//! `seatpool events`.

use clap::Args;
use jiff::Timestamp;

use super::client::{Failed, Manager, moment, or_dash, table};
use super::order::when;
use crate::app::events::EventView;
use crate::rest::own::Rows;

/// The event log, newest first.
#[derive(Args, Debug)]
pub(super) struct Events {
    #[command(flatten)]
    to: Manager,
    /// Of this virtual account only, by name or id
    #[arg(long, alias = "va", value_name = "NAME")]
    virtual_account: Option<String>,
    /// Of this licence only, by name or tag
    #[arg(long, value_name = "NAME|TAG")]
    license: Option<String>,
    /// Of this product instance only, by id, name or serial number; removed ones are found, too
    #[arg(long, value_name = "NAME|SN|ID")]
    instance: Option<String>,
    /// Of this kind only, as in licenses_ordered
    #[arg(long)]
    kind: Option<String>,
    /// Part of the message, of who, or of from where
    #[arg(long)]
    text: Option<String>,
    /// By whom: a sign-in name, a client's name or id, a product instance's id, or system
    #[arg(long, value_name = "NAME|ID")]
    actor: Option<String>,
    /// Not before this day or instant
    #[arg(long, value_name = "WHEN", value_parser = when)]
    since: Option<Timestamp>,
    /// Before this day or instant
    #[arg(long, value_name = "WHEN", value_parser = when)]
    until: Option<Timestamp>,
    /// The oldest first, in place of the newest
    #[arg(long)]
    oldest_first: bool,
    /// How many at most, 1 to 1000
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: u32,
    /// Go on where an earlier list ended
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
}

impl Events {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let session = self.to.connect().await?;
        let query = [
            ("virtual_account", self.virtual_account),
            ("license", self.license),
            ("instance", self.instance),
            ("kind", self.kind),
            ("text", self.text),
            ("actor", self.actor),
            ("since", self.since.map(|since| since.to_string())),
            ("until", self.until.map(|until| until.to_string())),
            ("sort", self.oldest_first.then(|| "time".to_owned())),
            ("limit", Some(self.limit.to_string())),
            ("cursor", self.cursor),
        ];
        session.read(&["accounts", session.account(), "events"], &query, list).await
    }
}

fn list(found: &Rows<EventView>) -> String {
    let rows = found.items.iter().map(|event| {
        vec![
            event.number.to_string(),
            moment(event.at),
            event.actor.clone(),
            or_dash(event.source.clone()),
            or_dash(event.virtual_account.clone()),
            event.message.clone(),
        ]
    });
    let table = table(&["#NO", "TIME", "BY", "FROM", "VIRTUAL ACCOUNT", "WHAT"], rows);
    format!("{table}\n{}", found.count_line("event"))
}
