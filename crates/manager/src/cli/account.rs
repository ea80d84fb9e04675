//! `seatpool account`.

use std::path::PathBuf;

use clap::Subcommand;
use clap::builder::BoolishValueParser;
use reqwest::Method;
use zeroize::Zeroizing;

use super::client::{Failed, Manager, moment, table};
use crate::app::accounts::{AccountChange, AccountPreview, AccountView, NewAccount, NewAdministrator};
use crate::rest::own::Rows;

/// Smart accounts.
#[derive(Subcommand, Debug)]
pub(super) enum AccountCommand {
    /// List the smart accounts that you may see
    List {
        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: u32,
        /// Go on where an earlier list ended
        #[arg(long, value_name = "CURSOR")]
        cursor: Option<String>,
    },
    /// Create a smart account with its virtual account Default (vendor operators)
    Create {
        /// Its domain, as in example.com
        #[arg(long, value_name = "DOMAIN")]
        domain: String,
        /// Its name for people [default: its domain]
        #[arg(long)]
        name: Option<String>,
        /// Let its tokens allow export-controlled functionality
        #[arg(long)]
        export_permitted: bool,
        /// Let its products reserve all licenses without counting
        #[arg(long)]
        universal_permitted: bool,
        /// Sign-in name of the person who will administer it
        #[arg(long, value_name = "LOGIN", requires = "admin_password_file")]
        admin: Option<String>,
        /// File with that person's first password
        #[arg(long, value_name = "FILE", requires = "admin")]
        admin_password_file: Option<PathBuf>,
    },
    /// Rename a smart account, or permit it something else (vendor operators)
    Change {
        /// Its domain [default: the credentials' account]
        domain: Option<String>,
        /// Its new name for people
        #[arg(long)]
        name: Option<String>,
        /// Whether its tokens may allow export-controlled functionality
        #[arg(long, value_name = "yes|no", hide_possible_values = true, value_parser = BoolishValueParser::new())]
        export_permitted: Option<bool>,
        /// Whether its products may reserve all licenses without counting
        #[arg(long, value_name = "yes|no", hide_possible_values = true, value_parser = BoolishValueParser::new())]
        universal_permitted: Option<bool>,
        /// Only say what it would come to
        #[arg(long)]
        preview: bool,
    },
    /// Show a smart account
    Show {
        /// Its domain [default: the credentials' account]
        domain: Option<String>,
    },
}

impl AccountCommand {
    pub(super) async fn run(self, to: &Manager) -> Result<(), Failed> {
        match self {
            Self::List { limit, cursor } => {
                let query = [("limit", Some(limit.to_string())), ("cursor", cursor)];
                to.connect().await?.read(&["accounts"], &query, list).await
            }
            Self::Create {
                domain,
                name,
                export_permitted,
                universal_permitted,
                admin,
                admin_password_file,
            } => {
                let administrator = match (admin, admin_password_file) {
                    (Some(login), Some(file)) => Some(NewAdministrator {
                        login,
                        password: password(file)?.to_string(),
                        must_change: true,
                    }),
                    _ => None,
                };
                let new = NewAccount { domain, name, export_permitted, universal_permitted, administrator };
                to.connect().await?.ask(Method::POST, &["accounts"], &new, show).await
            }
            Self::Change { domain, name, export_permitted, universal_permitted, preview } => {
                let session = to.connect().await?;
                let domain = domain.unwrap_or_else(|| session.account().to_owned());
                let change = AccountChange { name, export_permitted, universal_permitted, seen: None };
                if preview {
                    return session
                        .ask(Method::POST, &["accounts", &domain, "preview"], &change, consequences)
                        .await;
                }
                session.ask(Method::PATCH, &["accounts", &domain], &change, show).await
            }
            Self::Show { domain } => {
                let session = to.connect().await?;
                let domain = domain.unwrap_or_else(|| session.account().to_owned());
                session.read(&["accounts", &domain], &[], show).await
            }
        }
    }
}

fn password(file: PathBuf) -> Result<Zeroizing<String>, Failed> {
    let text = std::fs::read_to_string(&file).map(Zeroizing::new);
    let text = text.map_err(|why| Failed::refused(format!("{} can't be read: {why}", file.display())))?;
    Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

fn list(found: &Rows<AccountView>) -> String {
    let rows = found
        .items
        .iter()
        .map(|account| vec![account.domain.clone(), account.name.clone(), moment(account.created_at)]);
    let table = table(&["DOMAIN", "NAME", "CREATED"], rows);
    format!("{table}\n{}", found.count_line("account"))
}

fn consequences(found: &AccountPreview) -> String {
    let mut lines = found.consequences.clone();
    lines.push("Nothing was done.".to_owned());
    lines.join("\n")
}

fn show(account: &AccountView) -> String {
    let word = |permitted| if permitted { "permitted" } else { "not permitted" };
    [
        format!("Domain:                           {}", account.domain),
        format!("Name:                             {}", account.name),
        format!("Id:                               {}", account.id),
        format!("Export-controlled functionality:  {}", word(account.export_permitted)),
        format!("Universal reservation:            {}", word(account.universal_permitted)),
        format!("Created:                          {}", moment(account.created_at)),
    ]
    .join("\n")
}
