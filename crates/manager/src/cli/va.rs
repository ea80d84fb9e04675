//! `seatpool va`.

use clap::Subcommand;
use reqwest::Method;
use serde_json::json;

use super::client::{Failed, Manager, moment, table};
use crate::app::accounts::VirtualAccountView;

/// Virtual accounts.
#[derive(Subcommand, Debug)]
pub(super) enum VaCommand {
    /// List the virtual accounts that you may read
    List,
    /// Create a virtual account
    Create {
        /// Its name
        name: String,
        /// What it is for
        #[arg(long, default_value = "")]
        description: String,
    },
    /// Rename a virtual account
    Rename {
        /// Its name or id
        virtual_account: String,
        /// Its new name
        name: String,
    },
    /// Say what a virtual account is for
    Describe {
        /// Its name or id
        virtual_account: String,
        /// What it is for
        description: String,
    },
    /// Delete an empty virtual account
    Delete {
        /// Its name or id
        virtual_account: String,
    },
}

impl VaCommand {
    pub(super) async fn run(self, to: &Manager) -> Result<(), Failed> {
        let session = to.connect().await?;
        let all = ["accounts", session.account(), "virtual-accounts"];
        let one = |name| [&all[..], &[name]].concat();
        match &self {
            Self::List => session.read_all(&all, &[], list).await,
            Self::Create { name, description } => {
                let body = json!({ "name": name, "description": description });
                session.ask(Method::POST, &all, &body, show).await
            }
            Self::Rename { virtual_account, name } => {
                session.ask(Method::PATCH, &one(virtual_account), &json!({ "name": name }), show).await
            }
            Self::Describe { virtual_account, description } => {
                let body = json!({ "description": description });
                session.ask(Method::PATCH, &one(virtual_account), &body, show).await
            }
            Self::Delete { virtual_account } => {
                let done = format!("virtual account {virtual_account:?} was deleted");
                session.order(Method::DELETE, &one(virtual_account), None::<&()>, &done).await
            }
        }
    }
}

fn list(found: &[VirtualAccountView]) -> String {
    let rows = found.iter().map(|row| {
        let default = if row.is_default { "yes" } else { "" };
        vec![row.name.clone(), default.to_owned(), moment(row.created_at), row.description.clone()]
    });
    table(&["NAME", "DEFAULT", "CREATED", "DESCRIPTION"], rows)
}

fn show(row: &VirtualAccountView) -> String {
    [
        format!("Name:         {}", row.name),
        format!("Id:           {}", row.id),
        format!("Description:  {}", row.description),
        format!("Created:      {}", moment(row.created_at)),
    ]
    .join("\n")
}
