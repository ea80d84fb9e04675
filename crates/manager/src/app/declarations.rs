//! Self-declared lots (features.md, A6): the account's administrator declares, the vendor's operator decides.

use seatpool_domain::command::{Action, Chosen, Outcome, Verdict};
use seatpool_domain::lot::DeclarationState;
use seatpool_proto::{AccountId, LotId, Quantity, VirtualAccountId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::{self, Permission, Principal, check, unknown};
use super::orders::{self, OwnedLotView};
use super::{App, AppError, accounts, inventory, renewals};

/// What a customer owns, by its own word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDeclaration {
    /// The licence, by name or tag.
    pub license: String,
    /// How many, at least one.
    #[schema(value_type = u64)]
    pub quantity: Quantity,
    /// Why the customer owns them: what the vendor needs to find the contract.
    pub note: String,
}

/// Declares licences: they count from now on.
pub async fn declare(
    app: &App,
    principal: &Principal,
    account: AccountId,
    virtual_account: VirtualAccountId,
    new: NewDeclaration,
) -> Result<OwnedLotView, AppError> {
    let action = declaration(app, principal, account, virtual_account, new).await?;
    let Outcome::Lots(ids) = access::submit(app, principal, account, action).await? else {
        return Err(AppError::Internal);
    };
    let id = ids.first().copied().ok_or(AppError::Internal)?;
    lot(app, principal, account, id).await
}

/// A declaration as the ledger takes it, if `principal` may make it.
pub async fn declaration(
    app: &App,
    principal: &Principal,
    account: AccountId,
    virtual_account: VirtualAccountId,
    new: NewDeclaration,
) -> Result<Action, AppError> {
    check(principal, account, Permission::ReadVirtualAccount(virtual_account))?;
    check(principal, account, Permission::ManageAccount)?;
    accounts::virtual_account(app, principal, account, &virtual_account.to_string()).await?;
    let tag = inventory::known_tag(app, &new.license)?;
    Ok(Action::Declare { virtual_account, tag, quantity: new.quantity, note: new.note })
}

/// Confirms or rejects what the lot is a part of: all lots of the same declaration.
pub async fn decide(
    app: &App,
    principal: &Principal,
    account: AccountId,
    id: LotId,
    verdict: Verdict,
    reason: String,
) -> Result<OwnedLotView, AppError> {
    let action = decision(app, principal, account, id, verdict, reason).await?;
    access::submit(app, principal, account, action).await?;
    lot(app, principal, account, id).await
}

/// A decision as the ledger takes it, if `principal` may make it.
pub async fn decision(
    app: &App,
    principal: &Principal,
    account: AccountId,
    id: LotId,
    verdict: Verdict,
    reason: String,
) -> Result<Action, AppError> {
    let declared = lot(app, principal, account, id).await?;
    check(principal, account, Permission::Deposit)?;
    if declared.lot.declaration.is_none() {
        return Err(unknown("declared lot"));
    }
    Ok(Action::Decide { declaration: declared.lot.order_id, verdict, reason })
}

/// Declared lots that `principal` may see, newest first; of this state alone, if one is given.
pub async fn list(
    app: &App,
    principal: &Principal,
    account: AccountId,
    state: Option<DeclarationState>,
) -> Result<Vec<OwnedLotView>, AppError> {
    check(principal, account, Permission::SeeAccount)?;
    let mut lots = orders::declared(app, principal, account).await?;
    lots.retain(|view| {
        let found = view.lot.declaration.as_ref().map(|declaration| declaration.state);
        state.is_none_or(|state| found == Some(state))
    });
    Ok(lots)
}

/// One lot, if `principal` may see it.
pub async fn lot(
    app: &App,
    principal: &Principal,
    account: AccountId,
    id: LotId,
) -> Result<OwnedLotView, AppError> {
    let found = renewals::chosen_lots(app, principal, account, &Chosen::Lot(id)).await?.pop();
    found.ok_or_else(|| unknown("lot"))
}
