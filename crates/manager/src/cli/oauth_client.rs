//! `seatpool client`.

use clap::Subcommand;
use reqwest::Method;
use seatpool_domain::access::OauthScope;
use serde_json::json;

use super::client::{Failed, Manager, moment, table};
use super::user::{role, role_texts};
use crate::app::accounts::RoleView;
use crate::app::clients::{ClientView, NewClient, NewClientView, OVERLAP_HOURS_DEFAULT};

/// Programs that call the REST API.
#[derive(Subcommand, Debug)]
pub(super) enum OauthClientCommand {
    /// List the OAuth2 clients of the smart account
    List,
    /// Create a client; prints its secret, this once
    Create {
        /// What it is for
        name: String,
        /// As `seatpool user invite` takes it; may be given several times
        #[arg(long = "role", value_name = "ROLE", required = true, value_parser = role)]
        roles: Vec<RoleView>,
        /// read, inventory, tokens, orders or admin; may be given several times [default: all]
        #[arg(long = "scope", value_name = "SCOPE", value_parser = scope)]
        scopes: Vec<OauthScope>,
    },
    /// Give a client a new secret; prints it, this once
    Rotate {
        /// Its client id
        client: String,
        /// For how many hours the secret before is taken as well
        #[arg(long, value_name = "HOURS", default_value_t = OVERLAP_HOURS_DEFAULT)]
        overlap_hours: u32,
    },
    /// Delete a client; its access tokens end at once
    Delete {
        /// Its client id
        client: String,
    },
}

fn scope(text: &str) -> Result<OauthScope, String> {
    OauthScope::parse(text).ok_or_else(|| "is none of read, inventory, tokens, orders, admin".to_owned())
}

impl OauthClientCommand {
    pub(super) async fn run(self, to: &Manager) -> Result<(), Failed> {
        let session = to.connect().await?;
        let all = ["accounts", session.account(), "clients"];
        match &self {
            Self::List => session.read_all(&all, &[], list).await,
            Self::Create { name, roles, scopes } => {
                let scopes = Some(scopes.clone()).filter(|scopes| !scopes.is_empty());
                let new = NewClient { name: name.clone(), roles: roles.clone(), scopes };
                session.ask(Method::POST, &all, &new, secret).await
            }
            Self::Rotate { client, overlap_hours } => {
                let path = [&all[..], &[client, "rotate-secret"]].concat();
                session.ask(Method::POST, &path, &json!({ "overlap_hours": overlap_hours }), secret).await
            }
            Self::Delete { client } => {
                let done = format!("client {client} was deleted");
                session.order(Method::DELETE, &[&all[..], &[client]].concat(), None::<&()>, &done).await
            }
        }
    }
}

fn scopes(client: &ClientView) -> String {
    client.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ")
}

fn list(found: &[ClientView]) -> String {
    let rows = found.iter().map(|client| {
        vec![client.client_id.clone(), client.name.clone(), role_texts(&client.roles), scopes(client)]
    });
    table(&["CLIENT ID", "NAME", "ROLES", "SCOPES"], rows)
}

/// The secret alone first, so that a script reads one line.
fn secret(made: &NewClientView) -> String {
    let mut lines = vec![
        made.client_secret.clone(),
        String::new(),
        format!("Client id:  {}", made.client.client_id),
        format!("Name:       {}", made.client.name),
        format!("Scopes:     {}", scopes(&made.client)),
    ];
    if let Some(until) = made.client.previous_secret_until {
        lines.push(format!("The secret before is taken until {}.", moment(until)));
    }
    lines.join("\n")
}
