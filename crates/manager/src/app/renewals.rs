//! Later ends for lots and subscriptions, and cancellation (vendor operators).

use seatpool_domain::command::{Action, Chosen, Until};
use seatpool_proto::{AccountId, LotId, Quantity};

use super::access::{self, Permission, Principal, check, unknown};
use super::orders::{self, OwnedLotView};
use super::{App, AppError};

/// The lots that `chosen` names, as far as `principal` may see them.
pub async fn chosen_lots(
    app: &App,
    principal: &Principal,
    account: AccountId,
    chosen: &Chosen,
) -> Result<Vec<OwnedLotView>, AppError> {
    check(principal, account, Permission::SeeAccount)?;
    orders::chosen(app, principal, account, chosen).await
}

/// Gives lots a later end; as they are then.
pub async fn renew(
    app: &App,
    principal: &Principal,
    account: AccountId,
    lots: Chosen,
    order_id: String,
    until: Until,
) -> Result<Vec<OwnedLotView>, AppError> {
    known(app, principal, account, &lots).await?;
    check(principal, account, Permission::Deposit)?;
    let action = Action::Renew { lots: lots.clone(), order_id, until };
    access::submit(app, principal, account, action).await?;
    chosen_lots(app, principal, account, &lots).await
}

/// Takes back what was deposited; what is left of it. An order that was cancelled before is cancelled.
pub async fn cancel(
    app: &App,
    principal: &Principal,
    account: AccountId,
    lots: Chosen,
    quantity: Option<Quantity>,
    reason: String,
) -> Result<Vec<OwnedLotView>, AppError> {
    // An order that was cancelled has no lots, and is cancelled.
    if !matches!(lots, Chosen::Order(_)) {
        known(app, principal, account, &lots).await?;
    }
    check(principal, account, Permission::Deposit)?;
    let action = Action::Cancel { lots: lots.clone(), quantity, reason };
    access::submit(app, principal, account, action).await?;
    chosen_lots(app, principal, account, &lots).await
}

/// The lot of this id, in the words of the REST API and the command line.
pub fn lot_of(text: &str) -> Result<LotId, AppError> {
    text.parse().map_err(|_| unknown("lot"))
}

/// Refuses as unknown what has no lots, or none that `principal` may see.
async fn known(app: &App, principal: &Principal, account: AccountId, lots: &Chosen) -> Result<(), AppError> {
    if chosen_lots(app, principal, account, lots).await?.is_empty() {
        return Err(unknown(match lots {
            Chosen::Lot(_) => "lot",
            Chosen::Order(_) => "order",
            Chosen::Subscription(_) => "subscription",
        }));
    }
    Ok(())
}
