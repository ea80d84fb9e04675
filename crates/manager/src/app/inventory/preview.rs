//! What a step would do to balances and compliance, before it is done.
//!
//! The domain decides it exactly as it would, on facts that are loaded for it, and nothing is stored: so the
//! answer is the one that the step itself would give at this moment.

use seatpool_domain::Workset;
use seatpool_domain::command::{Action, TransferLine};
use seatpool_domain::explain::Move;
use seatpool_proto::{AccountId, ProductInstanceId, Quantity, Tag, VirtualAccountId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::pool::{Pool, Stock};
use super::view::{self, LicenseView, VirtualAccountRef};
use super::{Transfer, checked_lines};
use crate::app::access::{Permission, Principal, check, command};
use crate::app::{App, AppError, accounts, instances};

/// How a licence of a virtual account stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Standing {
    /// How many the lots that count hold.
    #[schema(value_type = u64)]
    pub purchased: Quantity,
    /// How many are in use.
    #[schema(value_type = u64)]
    pub in_use: Quantity,
    /// Surplus, or shortage if negative.
    pub balance: i64,
    /// How many are short.
    #[schema(value_type = u64)]
    pub short: Quantity,
}

/// How a licence's standing changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BalanceChange {
    /// Where.
    pub virtual_account: VirtualAccountRef,
    /// The licence.
    #[schema(value_type = String)]
    pub tag: Tag,
    /// The licence's name.
    pub name: String,
    /// As it stands now.
    pub before: Standing,
    /// As it would stand.
    pub after: Standing,
}

/// What a step would do to compliance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// More would be short of some licence.
    Breaks,
    /// Of some licence there would be enough again, and of none would more be short.
    Mends,
    /// It stays as it is.
    None,
}

/// What a step would change if it were done now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Preview {
    /// What it would do to compliance.
    pub effect: Effect,
    /// Every balance that it would change.
    pub changes: Vec<BalanceChange>,
}

impl From<Vec<BalanceChange>> for Preview {
    fn from(changes: Vec<BalanceChange>) -> Self {
        let breaks = |change: &BalanceChange| change.after.short > change.before.short;
        let mends = |change: &BalanceChange| !change.before.short.is_zero() && change.after.short.is_zero();
        let effect = if changes.iter().any(breaks) {
            Effect::Breaks
        } else if changes.iter().any(mends) {
            Effect::Mends
        } else {
            Effect::None
        };
        Self { effect, changes }
    }
}

/// What moving licences would change.
pub async fn transfer(
    app: &App,
    principal: &Principal,
    account: AccountId,
    from: VirtualAccountId,
    lines: Vec<Transfer>,
) -> Result<Vec<BalanceChange>, AppError> {
    let lines: Vec<TransferLine> = checked_lines(app, principal, account, from, lines).await?;
    foresee(app, principal, account, vec![Action::TransferLicenses { from, lines }]).await
}

/// What moving these product instances to `to` would change; or removing them, if there is none.
pub async fn instances(
    app: &App,
    principal: &Principal,
    account: AccountId,
    ids: &[ProductInstanceId],
    to: Option<VirtualAccountId>,
) -> Result<Vec<BalanceChange>, AppError> {
    if let Some(to) = to {
        check(principal, account, Permission::ManageVirtualAccount(to))?;
    }
    for id in ids {
        instances::manageable(app, principal, account, *id).await?;
    }
    let action = |id: &ProductInstanceId| match to {
        Some(to) => Action::TransferInstance { instance: *id, to },
        None => Action::RemoveInstance { instance: *id },
    };
    foresee(app, principal, account, ids.iter().map(action).collect()).await
}

/// What a move that an explanation proposes would change; refused where its figures have changed.
pub async fn mend(
    app: &App,
    principal: &Principal,
    account: AccountId,
    step: Move,
) -> Result<Vec<BalanceChange>, AppError> {
    check(principal, account, Permission::ManageVirtualAccount(step.to.id))?;
    check(principal, account, Permission::ManageVirtualAccount(step.from.id))?;
    foresee(app, principal, account, vec![Action::Mend { step }]).await
}

/// What these actions, one after the other, would change.
pub(in crate::app) async fn foresee(
    app: &App,
    principal: &Principal,
    account: AccountId,
    actions: Vec<Action>,
) -> Result<Vec<BalanceChange>, AppError> {
    let commands = actions.into_iter().map(|action| command(principal, action)).collect();
    let (before, after) = app.rehearse(account, commands).await?;
    let places = accounts::virtual_accounts(app, principal, account).await?;
    let mut changes = Vec::new();
    for place in &places {
        let at = VirtualAccountRef { id: place.id, name: place.name.clone() };
        let (old, new) = (standings(app, &at, &before), standings(app, &at, &after));
        let standing = |list: &[LicenseView], tag: &Tag| {
            list.iter().find(|license| license.tag == *tag).map(standing).unwrap_or_default()
        };
        let mut named: Vec<_> = old.iter().chain(&new).map(|license| (&license.name, &license.tag)).collect();
        named.sort_unstable();
        named.dedup();
        for (name, tag) in named {
            let (before, after) = (standing(&old, tag), standing(&new, tag));
            if before != after {
                let (virtual_account, tag, name) = (at.clone(), tag.clone(), name.clone());
                changes.push(BalanceChange { virtual_account, tag, name, before, after });
            }
        }
    }
    Ok(changes)
}

fn standings(app: &App, at: &VirtualAccountRef, facts: &Workset) -> Vec<LicenseView> {
    let lots: Vec<_> = facts.lots.values().filter(|lot| lot.virtual_account == at.id).cloned().collect();
    let totals: Vec<_> =
        facts.totals.values().filter(|total| total.virtual_account == at.id).cloned().collect();
    let now = app.now();
    let pools = Pool::all(app.catalogue(), Stock::of(&lots, now), &totals);
    pools.iter().flat_map(|pool| view::licenses(pool, at, now)).collect()
}

fn standing(license: &LicenseView) -> Standing {
    Standing {
        purchased: license.purchased,
        in_use: license.in_use,
        balance: license.balance,
        short: license.short,
    }
}
