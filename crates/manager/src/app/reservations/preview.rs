//! What a reservation would do to balances, before it is made.

use seatpool_domain::command::Action;
use seatpool_proto::{AccountId, ProductInstanceId, VirtualAccountId};

use super::{Reserve, lines_of, managed, request_code};
use crate::app::access::{Permission, Principal, check};
use crate::app::inventory::preview::{BalanceChange, foresee};
use crate::app::{App, AppError};

/// What reserving for a request code would change. Refused as the reservation itself would be.
pub async fn reserve(
    app: &App,
    principal: &Principal,
    account: AccountId,
    virtual_account: VirtualAccountId,
    code: &str,
    lines: &[Reserve],
) -> Result<Vec<BalanceChange>, AppError> {
    check(principal, account, Permission::ManageVirtualAccount(virtual_account))?;
    let request = request_code(code)?;
    let manager = app.ca().reservation_point()?;
    let action = Action::Reserve { virtual_account, request, manager, lines: lines_of(app, lines)? };
    foresee(app, principal, account, vec![action]).await
}

/// What changing a reservation would change, as long as both its codes count. Refused as the change itself would be.
pub async fn update(
    app: &App,
    principal: &Principal,
    account: AccountId,
    instance: ProductInstanceId,
    lines: &[Reserve],
) -> Result<Vec<BalanceChange>, AppError> {
    managed(app, principal, account, instance).await?;
    let action = Action::UpdateReservation { instance, lines: lines_of(app, lines)? };
    foresee(app, principal, account, vec![action]).await
}
