//! `seatpool devices`.

use clap::Subcommand;
use reqwest::Method;
use serde_json::json;

use super::client::{Failed, Manager, Session, moment, or_dash, table};
use crate::app::instances::{InstanceDetail, InstanceView};
use crate::rest::own::Rows;

/// Product instances.
#[derive(Subcommand, Debug)]
pub(super) enum DevicesCommand {
    /// List registered product instances
    List {
        /// Of this virtual account only, by name or id
        #[arg(long, alias = "va", value_name = "NAME")]
        virtual_account: Option<String>,
        /// Part of the host name, product name, product type, serial number or UUID
        #[arg(long)]
        text: Option<String>,
        /// Of this product type only
        #[arg(long, value_name = "TYPE")]
        product_type: Option<String>,
        /// Those that use this licence only, by name or tag
        #[arg(long, value_name = "NAME|TAG")]
        license: Option<String>,
        /// name, product_type, last_contact or registered; with a - before it, from the other end
        #[arg(long, value_name = "KEY", default_value = "name", allow_hyphen_values = true)]
        sort: String,
        /// How many at most, 1 to 1000
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: u32,
        /// Go on where an earlier list ended
        #[arg(long, value_name = "CURSOR")]
        cursor: Option<String>,
    },
    /// Show a product instance
    Show {
        /// Its id, serial number or host name
        device: String,
    },
    /// Move a product instance to another virtual account; its usage goes with it at once
    Transfer {
        /// Its id, serial number or host name
        device: String,
        /// The virtual account that it goes to
        #[arg(long, value_name = "NAME")]
        to: String,
        /// Only say what it would do to compliance
        #[arg(long)]
        preview: bool,
    },
    /// Remove a product instance: frees its licences at once and revokes its certificate
    Remove {
        /// Its id, serial number or host name
        device: String,
        /// Only say what it would do to compliance
        #[arg(long)]
        preview: bool,
    },
}

impl DevicesCommand {
    pub(super) async fn run(self, manager: &Manager) -> Result<(), Failed> {
        let session = manager.connect().await?;
        let all = ["accounts", session.account(), "instances"];
        match self {
            Self::List { virtual_account, text, product_type, license, sort, limit, cursor } => {
                let query = [
                    ("virtual_account", virtual_account),
                    ("text", text),
                    ("product_type", product_type),
                    ("license", license),
                    ("sort", Some(sort)),
                    ("limit", Some(limit.to_string())),
                    ("cursor", cursor),
                ];
                session.read(&all, &query, list).await
            }
            Self::Show { device } => {
                let id = id_of(&session, &device).await?;
                session.read(&[&all[..], &[&id]].concat(), &[], show).await
            }
            Self::Transfer { device, to, preview } => {
                let id = id_of(&session, &device).await?;
                if preview {
                    let step = json!({ "instances": [id], "to": to });
                    return super::preview::balances(&session, &all, &step).await;
                }
                let done = format!("product instance {device:?} was moved to {to:?}");
                let path = [&all[..], &[&id, "transfer"]].concat();
                session.order(Method::POST, &path, Some(&json!({ "to": to })), &done).await
            }
            Self::Remove { device, preview } => {
                let id = id_of(&session, &device).await?;
                if preview {
                    return super::preview::balances(&session, &all, &json!({ "instances": [id] })).await;
                }
                let done =
                    format!("product instance {device:?} was removed; it learns so on its next contact");
                session.order(Method::DELETE, &[&all[..], &[&id]].concat(), None::<&()>, &done).await
            }
        }
    }
}

/// The id of the one registered instance with this id, serial number or host name.
async fn id_of(session: &Session, device: &str) -> Result<String, Failed> {
    if device.parse::<uuid::Uuid>().is_ok() {
        return Ok(device.to_owned());
    }
    let query = [("text", Some(device.to_owned())), ("limit", Some("1000".to_owned()))];
    let found: Rows<InstanceView> =
        session.find(&["accounts", session.account(), "instances"], &query).await?;
    let same = |row: &&InstanceView| row.udi.sn == device || row.host_name.as_deref() == Some(device);
    let mut matching = found.items.iter().filter(same);
    match (matching.next(), matching.next()) {
        (Some(one), None) => Ok(one.id.to_string()),
        (None, _) => Err(Failed::refused(format!(
            "there is no product instance with the serial number or host name {device:?}\n\
             `seatpool devices list --text {device}` shows those that are like it"
        ))),
        (Some(_), Some(_)) => Err(Failed::refused(format!(
            "several product instances have the serial number or host name {device:?}\n\
             name the id: `seatpool devices list --text {device}` shows them"
        ))),
    }
}

fn list(found: &Rows<InstanceView>) -> String {
    let rows = found.items.iter().map(|row| {
        let usage = row.usage.iter().filter(|usage| !usage.quantity.is_zero());
        let usage: Vec<_> = usage.map(|usage| format!("{} {}", usage.quantity, usage.tag)).collect();
        vec![
            row.id.to_string(),
            row.name.clone(),
            row.udi.sn.clone(),
            row.product_type.clone(),
            row.virtual_account.name.clone(),
            row.status.words().to_owned(),
            moment(row.last_contact_at),
            or_dash(Some(usage.join(", "))),
        ]
    });
    let head = [
        "ID",
        "NAME",
        "SERIAL NUMBER",
        "PRODUCT TYPE",
        "VIRTUAL ACCOUNT",
        "STATUS",
        "LAST CONTACT",
        "IN USE",
    ];
    format!("{}\n{}", table(&head, rows), found.count_line("product instance"))
}

fn show(detail: &InstanceDetail) -> String {
    let row = &detail.instance;
    let mut lines = vec![
        format!("Name:                 {}", row.name),
        format!("Id:                   {}", row.id),
        format!("Status:               {}", row.status.words()),
        format!("Virtual account:      {}", row.virtual_account.name),
        format!("UDI:                  {}", row.udi),
        format!("Host name:            {}", row.host_name.as_deref().unwrap_or("withheld")),
        format!("Product:              {} ({})", row.product_name, row.product_type),
        format!("Version:              {}", row.product_version.as_deref().unwrap_or("withheld")),
        format!("First registered:     {}", moment(row.first_registered_at)),
        format!("Registered:           {}", moment(row.registered_at)),
        format!("Last contact:         {}", moment(row.last_contact_at)),
        format!("Authorized until:     {}", or_dash(row.authorized_until.map(moment))),
    ];
    if let Some(certificate) = &row.certificate {
        lines.push(format!("Certificate expires:  {}", moment(certificate.not_after)));
        lines.push(format!("Certificate serial:   {}", certificate.serial));
    }
    if let Some(ended) = &row.ended {
        lines.push(format!("Ended:                {}", moment(ended.at)));
    }
    let usage = row.usage.iter().map(|usage| {
        let short = if usage.short { "short" } else { "" };
        vec![
            usage.name.clone(),
            usage.quantity.to_string(),
            usage.peak.to_string(),
            moment(usage.reported_at),
            short.to_owned(),
        ]
    });
    let usage = table(&["LICENSE", "#IN USE", "#PEAK", "REPORTED", ""], usage);
    let events =
        detail.events.iter().map(|event| vec![moment(event.at), event.actor.clone(), event.message.clone()]);
    let events = table(&["TIME", "BY", "WHAT"], events);
    format!(
        "{}\n\nLicences in use\n{usage}\n\nEvents ({} in all)\n{events}",
        lines.join("\n"),
        detail.events_total
    )
}
