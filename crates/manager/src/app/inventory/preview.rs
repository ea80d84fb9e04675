//! What a step would do to balances and compliance, before it is done.
//!
//! The domain decides it exactly as it would, on facts that are loaded for it, and nothing is stored: so the
//! answer is the one that the step itself would give at this moment. It is followed through every start and end of a
//! lot that is known: a step that is harmless today may leave too few on the day on which another lot ends.

use jiff::Timestamp;
use seatpool_domain::command::{Action, TransferLine};
use seatpool_domain::explain::Move;
use seatpool_domain::pool::{self, Level};
use seatpool_proto::{AccountId, ProductInstanceId, Quantity, Tag, VirtualAccountId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::view::VirtualAccountRef;
use super::{Transfer, checked_lines, name_of};
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
    /// From when on: now, or a later start or end of a lot.
    pub at: Timestamp,
    /// Whether that is still to come.
    pub later: bool,
    /// Where.
    pub virtual_account: VirtualAccountRef,
    /// The licence.
    #[schema(value_type = String)]
    pub tag: Tag,
    /// The licence's name.
    pub name: String,
    /// As it stands then without the step, if usage stays as it is.
    pub before: Standing,
    /// As it would stand then.
    pub after: Standing,
}

impl BalanceChange {
    /// Whether more would be short.
    pub fn breaks(&self) -> bool {
        self.after.short > self.before.short
    }

    /// Whether there would be enough again.
    pub fn mends(&self) -> bool {
        !self.before.short.is_zero() && self.after.short.is_zero()
    }
}

/// What a step would do to compliance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// More would be short of some licence, now or later.
    Breaks,
    /// Of some licence there would be enough again, and of none would more be short, now or later.
    Mends,
    /// It stays as it is.
    None,
}

/// What a step would change if it were done now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Preview {
    /// What it would do to compliance.
    pub effect: Effect,
    /// Every balance that it would change now, and from which later starts and ends of lots on it would differ by another
    /// figure, soonest first: the first eight instants, and for each licence the first at which more would be short.
    pub changes: Vec<BalanceChange>,
}

impl From<Vec<BalanceChange>> for Preview {
    fn from(changes: Vec<BalanceChange>) -> Self {
        let effect = if changes.iter().any(BalanceChange::breaks) {
            Effect::Breaks
        } else if changes.iter().any(BalanceChange::mends) {
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

/// What these actions, one after the other, would change where `principal` may read.
pub(in crate::app) async fn foresee(
    app: &App,
    principal: &Principal,
    account: AccountId,
    actions: Vec<Action>,
) -> Result<Vec<BalanceChange>, AppError> {
    let commands = actions.into_iter().map(|action| command(principal, action)).collect();
    let (before, after) = app.rehearse(account, commands).await?;
    let now = app.now();
    let places = accounts::virtual_accounts(app, principal, account).await?;
    let mut changes: Vec<(usize, BalanceChange)> = Vec::new();
    for found in pool::differences(app.catalogue(), &before, &after, now) {
        let position = places.iter().position(|place| place.id == found.virtual_account);
        let Some((position, place)) = position.and_then(|at| Some((at, places.get(at)?))) else { continue };
        let change = BalanceChange {
            at: found.at,
            later: found.at > now,
            virtual_account: VirtualAccountRef { id: place.id, name: place.name.clone() },
            name: name_of(app, &found.tag),
            tag: found.tag,
            before: found.before.into(),
            after: found.after.into(),
        };
        changes.push((position, change));
    }
    changes.sort_by(|(a, one), (b, other)| {
        (one.at, a, &one.name, &one.tag).cmp(&(other.at, b, &other.name, &other.tag))
    });
    Ok(changes.into_iter().map(|(_, change)| change).collect())
}

impl From<Level> for Standing {
    fn from(level: Level) -> Self {
        let Level { purchased, in_use, balance, short, .. } = level;
        Self { purchased, in_use, balance, short }
    }
}
