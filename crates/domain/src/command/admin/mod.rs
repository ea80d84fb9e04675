//! What people and programs ask: virtual accounts, tokens, orders, transfers, removals.

mod alert;
mod instance;
mod mend;
mod order;
mod token;
mod transfer;
mod virtual_account;

use seatpool_proto::{Tag, VirtualAccountId};

use super::{Action, By, Context, Outcome, Refused, words};
use crate::account::VirtualAccount;
use crate::workset::{Touches, Workset};

/// Most rows of licence history that one command writes: their numbers are the event's, times 1000, plus a line.
const TRANSACTIONS_MAX: usize = 999;

pub(super) fn touches(action: &Action) -> Touches {
    match action {
        Action::CreateVirtualAccount { name, .. } => virtual_account::touches(None, Some(name)),
        Action::ChangeVirtualAccount { virtual_account, name, .. } => {
            virtual_account::touches(Some(*virtual_account), name.as_ref())
        }
        Action::DeleteVirtualAccount { virtual_account } => {
            Touches { contents: [*virtual_account].into(), ..in_virtual_account(*virtual_account) }
        }
        Action::CreateToken { virtual_account, .. } => in_virtual_account(*virtual_account),
        Action::RevokeToken { token } => Touches { tokens: [*token].into(), ..Touches::default() },
        Action::Order { virtual_account, order_id, lines } => {
            order::touches(*virtual_account, order_id, lines)
        }
        Action::RenewLot { lot, .. } => Touches { lots: [*lot].into(), ..Touches::default() },
        Action::TransferLicenses { from, lines } => transfer::touches(*from, lines),
        Action::Mend { step } => mend::touches(step),
        Action::DismissAlert { virtual_account, key, .. } | Action::RestoreAlert { virtual_account, key } => {
            alert::touches(*virtual_account, key)
        }
        Action::TransferInstance { instance, to } => instance::touches(*instance, Some(*to)),
        Action::RemoveInstance { instance } => instance::touches(*instance, None),
        // Not an administrator's.
        Action::Register { .. }
        | Action::Ask { .. }
        | Action::FinishIssuance { .. }
        | Action::ExpireAuthorizations { .. }
        | Action::ReassessLots { .. } => Touches::default(),
    }
}

pub(super) fn apply(
    action: Action,
    by: &By,
    workset: &mut Workset,
    context: &mut Context<'_>,
) -> Result<Outcome, Refused> {
    match action {
        Action::CreateVirtualAccount { name, description } => {
            virtual_account::create(&name, &description, by, workset, context)
        }
        Action::ChangeVirtualAccount { virtual_account, name, description } => virtual_account::change(
            virtual_account,
            name.as_deref(),
            description.as_deref(),
            by,
            workset,
            context,
        ),
        Action::DeleteVirtualAccount { virtual_account } => {
            virtual_account::delete(virtual_account, by, workset, context)
        }
        Action::CreateToken {
            virtual_account,
            description,
            expires_after_days,
            uses_max,
            export_controlled,
        } => token::create(
            virtual_account,
            token::Terms { description, expires_after_days, uses_max, export_controlled },
            by,
            workset,
            context,
        ),
        Action::RevokeToken { token } => token::revoke(token, by, workset, context),
        Action::Order { virtual_account, order_id, lines } => {
            order::deposit(virtual_account, &order_id, lines, by, workset, context)
        }
        Action::RenewLot { lot, order_id, ends_at } => {
            order::renew(lot, &order_id, ends_at, by, workset, context)
        }
        Action::TransferLicenses { from, lines } => transfer::licenses(from, &lines, by, workset, context),
        Action::DismissAlert { virtual_account, key, fingerprint, about } => {
            alert::dismiss(virtual_account, &key, &fingerprint, &about, by, workset, context)
        }
        Action::RestoreAlert { virtual_account, key } => {
            alert::restore(virtual_account, &key, by, workset, context)
        }
        Action::Mend { step } => mend::apply(&step, by, workset, context),
        Action::TransferInstance { instance, to } => instance::transfer(instance, to, by, workset, context),
        Action::RemoveInstance { instance } => instance::remove(instance, by, workset, context),
        Action::Register { .. }
        | Action::Ask { .. }
        | Action::FinishIssuance { .. }
        | Action::ExpireAuthorizations { .. }
        | Action::ReassessLots { .. } => Ok(Outcome::Done),
    }
}

fn in_virtual_account(virtual_account: VirtualAccountId) -> Touches {
    Touches { virtual_accounts: [virtual_account].into(), ..Touches::default() }
}

fn known(workset: &Workset, virtual_account: VirtualAccountId) -> Result<&VirtualAccount, Refused> {
    workset.virtual_accounts.get(&virtual_account).ok_or(Refused::Unknown { what: "virtual account" })
}

fn known_license(context: &Context<'_>, tag: &Tag) -> Result<(), Refused> {
    context.catalogue.license(tag).map(|_| ()).ok_or(Refused::Unknown { what: "license" })
}

/// What all items are, if they are all the same.
fn only<T: PartialEq>(mut items: impl Iterator<Item = T>) -> Option<T> {
    let first = items.next()?;
    items.all(|item| item == first).then_some(first)
}
