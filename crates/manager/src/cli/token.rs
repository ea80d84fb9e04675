//! `seatpool token`.

use clap::{Subcommand, ValueEnum};
use reqwest::Method;

use super::client::{Failed, Manager, moment, table};
use crate::app::tokens::{NewToken, TokenStatus, TokenView};

/// Registration tokens.
#[derive(Subcommand, Debug)]
pub(super) enum TokenCommand {
    /// List the tokens of a virtual account
    List {
        /// The virtual account, by name or id
        #[arg(long, alias = "va", value_name = "NAME", default_value = "Default")]
        virtual_account: String,
        /// Part of the description
        #[arg(long)]
        text: Option<String>,
        /// Those that stand so: active, exhausted, expired or revoked
        #[arg(long)]
        status: Option<String>,
    },
    /// Create a token; prints its text, with which product instances register
    Create {
        /// The virtual account that product instances will land in, by name or id
        #[arg(long, alias = "va", value_name = "NAME", default_value = "Default")]
        virtual_account: String,
        /// What it is for
        #[arg(long, default_value = "")]
        description: String,
        /// Days until it expires, 1 to 365
        #[arg(long, value_name = "DAYS", default_value_t = 30)]
        expires_after_days: u16,
        /// How often it may be used [default: no limit]
        #[arg(long, value_name = "N")]
        uses: Option<u32>,
        /// Whether it allows export-controlled functionality [default: as the account is permitted]
        #[arg(long, value_name = "WORD")]
        export_controlled: Option<ExportControlled>,
    },
    /// Revoke a token; product instances that registered with it stay
    Revoke {
        /// Its id, as `token list` shows it
        id: String,
        /// The virtual account, by name or id
        #[arg(long, alias = "va", value_name = "NAME", default_value = "Default")]
        virtual_account: String,
    },
}

/// Whether export-controlled functionality is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ExportControlled {
    Allowed,
    NotAllowed,
}

impl TokenCommand {
    pub(super) async fn run(self, to: &Manager) -> Result<(), Failed> {
        let session = to.connect().await?;
        let account = session.account();
        match self {
            Self::List { virtual_account, text, status } => {
                let path = ["accounts", account, "virtual-accounts", &virtual_account, "tokens"];
                session.read_all(&path, &[("text", text), ("status", status)], list).await
            }
            Self::Create { virtual_account, description, expires_after_days, uses, export_controlled } => {
                let path = ["accounts", account, "virtual-accounts", &virtual_account, "tokens"];
                let new = NewToken {
                    description,
                    expires_after_days,
                    uses_max: uses,
                    export_controlled: export_controlled.map(|word| word == ExportControlled::Allowed),
                };
                session.ask(Method::POST, &path, &new, show).await
            }
            Self::Revoke { id, virtual_account } => {
                let path =
                    ["accounts", account, "virtual-accounts", &virtual_account, "tokens", &id, "revoke"];
                session.order(Method::POST, &path, None::<&()>, &format!("token {id} was revoked")).await
            }
        }
    }
}

fn list(found: &[TokenView]) -> String {
    let rows = found.iter().map(|token| {
        vec![
            token.id.to_string(),
            status(token.status).to_owned(),
            uses(token),
            moment(token.expires_at),
            export(token).to_owned(),
            token.description.clone(),
        ]
    });
    table(&["ID", "STATUS", "#USES", "EXPIRES", "EXPORT-CONTROLLED", "DESCRIPTION"], rows)
}

/// The token alone first, so that a script reads one line.
fn show(token: &TokenView) -> String {
    [
        token.token.clone(),
        String::new(),
        format!("Id:                 {}", token.id),
        format!("Expires:            {}", moment(token.expires_at)),
        format!("Uses:               {}", uses(token)),
        format!("Export-controlled:  {}", export(token)),
    ]
    .join("\n")
}

fn uses(token: &TokenView) -> String {
    match token.uses_max {
        Some(max) => format!("{} of {max}", token.uses),
        None => token.uses.to_string(),
    }
}

fn export(token: &TokenView) -> &'static str {
    if token.export_controlled { "allowed" } else { "not allowed" }
}

fn status(status: TokenStatus) -> &'static str {
    match status {
        TokenStatus::Active => "active",
        TokenStatus::Exhausted => "exhausted",
        TokenStatus::Expired => "expired",
        TokenStatus::Revoked => "revoked",
    }
}
