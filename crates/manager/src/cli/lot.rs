//! `seatpool lot`: what customers declare that they own.

use clap::{Subcommand, ValueEnum};
use reqwest::Method;
use serde_json::json;

use super::client::{Failed, Manager, moment, or_dash, table};
use crate::app::orders::OwnedLotView;

/// Self-declared lots.
#[derive(Subcommand, Debug)]
pub(super) enum LotCommand {
    /// Declare licences that the account owns: they count at once, and wait for the vendor (account administrators)
    Declare {
        /// The licence, by name or tag; `licenses catalogue` lists them
        #[arg(long, value_name = "NAME|TAG")]
        license: String,
        /// How many
        #[arg(long, value_name = "N")]
        quantity: u64,
        /// Why the account owns them: what the vendor needs to find the contract
        #[arg(long, value_name = "TEXT")]
        note: String,
        /// The virtual account that they are in, by name or id
        #[arg(long, alias = "va", value_name = "NAME", default_value = "Default")]
        virtual_account: String,
    },
    /// List declared lots
    Declared {
        /// Of this state only
        #[arg(long, value_name = "STATE")]
        state: Option<State>,
    },
    /// Confirm a declared lot (vendor operators)
    Confirm {
        /// The lot's id
        lot: String,
        /// Why
        #[arg(long, value_name = "TEXT", default_value = "")]
        reason: String,
    },
    /// Reject a declared lot: it counts no longer (vendor operators)
    Reject {
        /// The lot's id
        lot: String,
        /// Why; the customer reads it
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

/// Where a declaration stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum State {
    Declared,
    Confirmed,
    Rejected,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Declared => "declared",
            Self::Confirmed => "confirmed",
            Self::Rejected => "rejected",
        }
    }
}

impl LotCommand {
    pub(super) async fn run(self, to: &Manager) -> Result<(), Failed> {
        let session = to.connect().await?;
        let account = session.account();
        let one = |lot: &OwnedLotView| lots(core::slice::from_ref(lot));
        match self {
            Self::Declare { license, quantity, note, virtual_account } => {
                let body = json!({ "license": license, "quantity": quantity, "note": note });
                let path = ["accounts", account, "virtual-accounts", &virtual_account, "declarations"];
                session.ask(Method::POST, &path, &body, one).await
            }
            Self::Declared { state } => {
                let query = [("state", state.map(|state| state.as_str().to_owned()))];
                let path = ["accounts", account, "declarations"];
                session.read_all(&path, &query, lots).await
            }
            Self::Confirm { lot, reason } => {
                let path = ["accounts", account, "lots", &lot, "confirm"];
                session.ask(Method::POST, &path, &json!({ "reason": reason }), one).await
            }
            Self::Reject { lot, reason } => {
                let path = ["accounts", account, "lots", &lot, "reject"];
                session.ask(Method::POST, &path, &json!({ "reason": reason }), one).await
            }
        }
    }
}

fn lots(lots: &[OwnedLotView]) -> String {
    let rows = lots.iter().map(|view| {
        let declaration = view.lot.declaration.as_ref();
        vec![
            view.lot.id.to_string(),
            view.virtual_account.name.clone(),
            view.name.clone(),
            view.lot.quantity.to_string(),
            or_dash(declaration.map(|declaration| declaration.state.words())),
            moment(view.lot.created_at),
            or_dash(declaration.map(|declaration| declaration.note.clone())),
            or_dash(declaration.and_then(|declaration| declaration.reason.clone())),
        ]
    });
    table(&["LOT", "VIRTUAL ACCOUNT", "LICENSE", "#QUANTITY", "STATE", "SINCE", "NOTE", "REASON"], rows)
}
