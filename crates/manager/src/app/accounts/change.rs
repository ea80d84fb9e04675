//! Changing a smart account, and what that would come to.

use seatpool_domain::account::AccountTerms;
use seatpool_domain::command::{self, Action};
use seatpool_domain::{Account, Refused};
use seatpool_proto::AccountId;
use seatpool_proto::code::ReservationKind;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AccountView;
use crate::app::access::{self, Permission, Principal, check, unknown};
use crate::app::{App, AppError};

/// What a smart account is called and what the vendor permits it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountTermsView {
    /// Name for people.
    pub name: String,
    /// Whether its tokens may allow export-controlled functionality.
    pub export_permitted: bool,
    /// Whether its products may reserve all licences without counting.
    pub universal_permitted: bool,
}

/// What to change of a smart account; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AccountChange {
    /// The new name for people.
    pub name: Option<String>,
    /// Whether its tokens may allow export-controlled functionality.
    pub export_permitted: Option<bool>,
    /// Whether its products may reserve all licences without counting.
    pub universal_permitted: Option<bool>,
    /// What was seen when the change was made up: refused if it is something else by now.
    pub seen: Option<AccountTermsView>,
}

/// What a change of a smart account would come to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountPreview {
    /// As it is.
    pub before: AccountTermsView,
    /// As it would be.
    pub after: AccountTermsView,
    /// Tokens that can be used and allow export-controlled functionality.
    pub export_tokens: u64,
    /// Product instances that hold authorizations of export-restricted features, over the network or by a reservation.
    pub export_instances: u64,
    /// Universal reservations that have not been given back.
    pub universal_reservations: u64,
    /// What it does, sentence by sentence: to what is new, and to what is out already.
    pub consequences: Vec<String>,
}

impl From<AccountTerms> for AccountTermsView {
    fn from(terms: AccountTerms) -> Self {
        let AccountTerms { name, export_permitted, universal_permitted } = terms;
        Self { name, export_permitted, universal_permitted }
    }
}

impl From<AccountTermsView> for AccountTerms {
    fn from(view: AccountTermsView) -> Self {
        let AccountTermsView { name, export_permitted, universal_permitted } = view;
        Self { name, export_permitted, universal_permitted }
    }
}

impl AccountView {
    /// What can change of it.
    pub fn terms(&self) -> AccountTermsView {
        AccountTermsView {
            name: self.name.clone(),
            export_permitted: self.export_permitted,
            universal_permitted: self.universal_permitted,
        }
    }
}

/// Renames an account, or permits it something else; for the vendor's operators.
pub async fn change(
    app: &App,
    principal: &Principal,
    account: AccountId,
    change: AccountChange,
) -> Result<AccountView, AppError> {
    check(principal, account, Permission::CreateAccounts)?;
    let AccountChange { name, export_permitted, universal_permitted, seen } = change;
    let seen = seen.map(AccountTerms::from);
    let change = command::AccountChange { name, export_permitted, universal_permitted, seen };
    access::submit(app, principal, account, Action::ChangeAccount { change }).await?;
    found(app, account).await.map(AccountView::from)
}

async fn found(app: &App, account: AccountId) -> Result<Account, AppError> {
    app.store().account(account).await?.ok_or_else(|| unknown("smart account"))
}

/// What [`change`] would do to those who use what is permitted. Nothing is changed.
pub async fn preview(
    app: &App,
    principal: &Principal,
    account: AccountId,
    change: &AccountChange,
) -> Result<AccountPreview, AppError> {
    check(principal, account, Permission::CreateAccounts)?;
    let before = AccountTermsView::from(AccountTerms::of(&found(app, account).await?));
    let after = AccountTermsView {
        name: change.name.as_deref().map_or_else(|| before.name.clone(), |name| name.trim().to_owned()),
        export_permitted: change.export_permitted.unwrap_or(before.export_permitted),
        universal_permitted: change.universal_permitted.unwrap_or(before.universal_permitted),
    };
    if after.name.is_empty() {
        let problem = "is empty: give the smart account a name".to_owned();
        return Err(AppError::Refused(Refused::Invalid { field: "name", problem }));
    }
    let (store, catalogue) = (app.store(), app.catalogue());
    let places: Vec<_> = store.virtual_accounts(account).await?.iter().map(|place| place.id).collect();
    let reservations = store.reservations(account, &places).await?;
    let is_restricted = |tag: &_| catalogue.license(tag).is_some_and(|license| license.export_restricted);
    let by_code = reservations
        .iter()
        .filter(|row| row.latest().entitlements.iter().any(|entitlement| is_restricted(&entitlement.tag)))
        .count();
    let universal = reservations.iter().filter(|row| row.kind == ReservationKind::Universal).count();
    let over_network = store.export_holders(account).await?.len();
    let mut preview = AccountPreview {
        before,
        after,
        export_tokens: store.export_tokens(account, app.now()).await?,
        export_instances: (over_network + by_code) as u64,
        universal_reservations: universal as u64,
        consequences: Vec::new(),
    };
    preview.consequences = consequences(&preview);
    Ok(preview)
}

fn consequences(preview: &AccountPreview) -> Vec<String> {
    let AccountPreview { before, after, export_tokens, export_instances, universal_reservations, .. } =
        preview;
    let mut said = Vec::new();
    if before.name != after.name {
        said.push(format!("{} is called {} from then on; its domain stays.", before.name, after.name));
    }
    match (before.export_permitted, after.export_permitted) {
        (true, false) => {
            said.push(
                "No new token, and no new authorization or reservation code, allows export-controlled functionality."
                    .to_owned(),
            );
            said.push(match export_tokens {
                0 => "No token that can be used allows it now.".to_owned(),
                1 => "1 token that allows it goes on registering product instances, without it.".to_owned(),
                n => format!("{n} tokens that allow it go on registering product instances, without it."),
            });
            said.push(match export_instances {
                0 => "No product instance holds an export-restricted feature now.".to_owned(),
                1 => "1 product instance that holds export-restricted features keeps them until it gives them back, \
                      deregisters or is removed."
                    .to_owned(),
                n => format!(
                    "{n} product instances that hold export-restricted features keep them until they give them back, \
                     deregister or are removed."
                ),
            });
        }
        (false, true) => said.push(
            "New tokens may allow export-controlled functionality. A product instance that registered without has to \
             register anew to ask for it."
                .to_owned(),
        ),
        _ => {}
    }
    match (before.universal_permitted, after.universal_permitted) {
        (true, false) => {
            said.push("No new universal reservation is made.".to_owned());
            said.push(match universal_reservations {
                0 => "None is out now.".to_owned(),
                1 => "1 that is out stays until its return code is entered, or it is rehosted.".to_owned(),
                n => format!(
                    "{n} that are out stay until their return codes are entered, or they are rehosted."
                ),
            });
        }
        (false, true) => {
            said.push("Its products may reserve all licenses without counting, from then on.".to_owned());
        }
        _ => {}
    }
    if before.export_permitted != after.export_permitted
        || before.universal_permitted != after.universal_permitted
    {
        said.push("Balances and compliance stay as they are.".to_owned());
    }
    said
}
