//! What an action would do to compliance, found by deciding it without storing anything.

use jiff::Timestamp;
use seatpool_domain::command::{Action, Command};
use seatpool_domain::pool::{self, Difference};
use seatpool_proto::{AccountId, Quantity, Tag, VirtualAccountId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::{Permission, Principal, check};
use super::{App, AppError, inventory};

/// What the REST API says of [`ConsequenceView`]s.
pub const FORESEEN: &str = "What would change, soonest first: now, and from which later starts and ends of lots on more or \
    fewer would be owned or short than without it, if usage stays as it is. A line holds until the next one of its \
    licence. The first eight instants, and for each licence the first at which more would be short.";

/// What becomes of one licence of one virtual account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consequence {
    /// From when on: now, or a later start or end of a lot.
    pub at: Timestamp,
    /// Where, by name.
    pub virtual_account: String,
    /// The licence.
    pub tag: Tag,
    /// Its name.
    pub name: String,
    /// How many are in use, as things stand now.
    pub in_use: Quantity,
    /// Owned without the action, and with it.
    pub owned: (Quantity, Quantity),
    /// Short without the action, and with it.
    pub short: (Quantity, Quantity),
}

/// The same as the REST API tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConsequenceView {
    /// From when on: now, or a later start or end of a lot.
    pub at: Timestamp,
    /// Where, by name.
    pub virtual_account: String,
    /// The licence.
    #[schema(value_type = String)]
    pub tag: Tag,
    /// Its name.
    pub name: String,
    /// How many are in use, as things stand now.
    #[schema(value_type = u64)]
    pub in_use: Quantity,
    /// Owned without the action.
    #[schema(value_type = u64)]
    pub owned_before: Quantity,
    /// Owned with it.
    #[schema(value_type = u64)]
    pub owned_after: Quantity,
    /// Short without the action.
    #[schema(value_type = u64)]
    pub short_before: Quantity,
    /// Short with it.
    #[schema(value_type = u64)]
    pub short_after: Quantity,
}

impl From<Consequence> for ConsequenceView {
    fn from(consequence: Consequence) -> Self {
        let ((owned_before, owned_after), (short_before, short_after)) =
            (consequence.owned, consequence.short);
        Self {
            at: consequence.at,
            virtual_account: consequence.virtual_account,
            tag: consequence.tag,
            name: consequence.name,
            in_use: consequence.in_use,
            owned_before,
            owned_after,
            short_before,
            short_after,
        }
    }
}

/// What a deposit, a renewal or a cancellation would change, for who may carry it out.
pub async fn of_deposits(
    app: &App,
    principal: &Principal,
    account: AccountId,
    action: Action,
) -> Result<Vec<ConsequenceView>, AppError> {
    check(principal, account, Permission::Deposit)?;
    told(app, principal, account, action).await
}

/// What an action would change, as the REST API tells it; the caller has checked that `principal` may carry it out.
pub async fn told(
    app: &App,
    principal: &Principal,
    account: AccountId,
    action: Action,
) -> Result<Vec<ConsequenceView>, AppError> {
    let found = consequences(app, principal, account, action).await?;
    Ok(found.into_iter().map(ConsequenceView::from).collect())
}

/// What an action would change, soonest first: every licence of which more or fewer would be owned or short, now or from
/// a later start or end of a lot on, if usage stays as it is. Refused as the action itself would be.
pub async fn consequences(
    app: &App,
    principal: &Principal,
    account: AccountId,
    action: Action,
) -> Result<Vec<Consequence>, AppError> {
    check(principal, account, Permission::ReadAccount)?;
    let command = Command { actor: principal.actor.clone(), source: principal.source.clone(), action };
    let (before, after) = app.rehearse(account, vec![command]).await?;
    let differences = pool::differences(app.catalogue(), &before, &after, app.now());
    let place = |id: VirtualAccountId| {
        before.virtual_accounts.get(&id).map_or_else(|| id.to_string(), |known| known.name.clone())
    };
    let told = |found: &Difference| {
        (found.before.owned, found.before.short) != (found.after.owned, found.after.short)
    };
    let consequence = |found: Difference| Consequence {
        at: found.at,
        virtual_account: place(found.virtual_account),
        name: inventory::name_of(app, &found.tag),
        tag: found.tag,
        in_use: found.after.in_use,
        owned: (found.before.owned, found.after.owned),
        short: (found.before.short, found.after.short),
    };
    Ok(differences.into_iter().filter(told).map(consequence).collect())
}
