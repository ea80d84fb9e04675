//! What an action would do to compliance, found by deciding it without storing anything.

use std::collections::BTreeSet;

use jiff::Timestamp;
use seatpool_domain::command::{Action, Command};
use seatpool_domain::pool::{TierView, assess};
use seatpool_domain::{Lot, Workset};
use seatpool_proto::{AccountId, Family, Quantity, Tag, VirtualAccountId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::{Permission, Principal, check};
use super::{App, AppError, inventory};

/// What becomes of one licence of one virtual account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consequence {
    /// When: now, or when a lot would have ended that ends later.
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
    /// When: now, or when a lot would have ended that ends later.
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

/// What an action would change, soonest first: every licence of which more or fewer would be owned or short.
/// Refused as the action itself would be.
pub async fn consequences(
    app: &App,
    principal: &Principal,
    account: AccountId,
    action: Action,
) -> Result<Vec<Consequence>, AppError> {
    check(principal, account, Permission::ReadAccount)?;
    let command = Command { actor: principal.actor.clone(), source: principal.source.clone(), action };
    let (before, after) = app.rehearse(account, vec![command]).await?;
    let now = app.now();
    let mut found = Vec::new();
    for at in instants(&before, &after, now) {
        for (place, family) in pools(app, &before, &after) {
            found.extend(compare(app, &before, &after, at, place, &family));
        }
    }
    Ok(found)
}

/// Now, and every end that would be later.
fn instants(before: &Workset, after: &Workset, now: Timestamp) -> BTreeSet<Timestamp> {
    let later = after.lots.changes().filter_map(|(id, _, lot)| {
        let old = before.lots.get(id)?.term.ends_at?;
        (lot?.term.ends_at.is_some_and(|new| new > old) && old > now).then_some(old)
    });
    later.chain([now]).collect()
}

/// The pools whose lots would change.
fn pools(app: &App, before: &Workset, after: &Workset) -> BTreeSet<(VirtualAccountId, Family)> {
    let of = |lot: &Lot| Some((lot.virtual_account, app.catalogue().family_of(&lot.tag)?.family.clone()));
    let changed = after.lots.changes().flat_map(|(id, _, lot)| [before.lots.get(id), lot]);
    changed.flatten().filter_map(of).collect()
}

fn compare(
    app: &App,
    before: &Workset,
    after: &Workset,
    at: Timestamp,
    place: VirtualAccountId,
    family: &Family,
) -> Vec<Consequence> {
    let Some(entry) = app.catalogue().family(family) else { return Vec::new() };
    let look = |workset: &Workset| -> Vec<TierView> {
        let lots = workset.lots.values().filter(|lot| lot.virtual_account == place);
        let totals = workset.totals.values().filter(|total| total.virtual_account == place);
        assess(entry, lots, totals, at)
    };
    let place =
        before.virtual_accounts.get(&place).map_or_else(|| place.to_string(), |known| known.name.clone());
    let pairs = look(before).into_iter().zip(look(after));
    pairs
        .filter(|(old, new)| (old.owned, old.short) != (new.owned, new.short))
        .map(|(old, new)| Consequence {
            at,
            virtual_account: place.clone(),
            name: inventory::name_of(app, &old.tag),
            tag: old.tag,
            in_use: new.in_use,
            owned: (old.owned, new.owned),
            short: (old.short, new.short),
        })
        .collect()
}
