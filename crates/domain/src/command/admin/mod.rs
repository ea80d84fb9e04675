//! What people and programs ask: virtual accounts, tokens, orders, transfers, removals.

pub(super) mod account;
mod alert;
mod cancellation;
mod declaration;
mod instance;
mod mend;
mod order;
mod renewal;
pub(super) mod reservation;
mod token;
mod transfer;
mod virtual_account;

use std::collections::BTreeMap;

use jiff::Timestamp;
use seatpool_proto::{Tag, VirtualAccountId};

use super::{Action, By, Chosen, Context, Outcome, Refused, words};
use crate::account::VirtualAccount;
use crate::lot::{Lot, LotTransaction, TransactionKind};
use crate::workset::{Touches, Workset};

/// Most rows of licence history that one command writes: their numbers are the event's, times 1000, plus a line.
const TRANSACTIONS_MAX: usize = 999;

pub(super) fn touches(action: &Action) -> Touches {
    match action {
        // The account is always loaded.
        Action::ChangeAccount { .. } => Touches::default(),
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
        Action::Renew { lots, order_id, .. } => renewal::touches(lots, order_id),
        Action::Cancel { lots, .. } => cancellation::touches(lots),
        Action::Declare { virtual_account, tag, .. } => declaration::touches(*virtual_account, tag),
        Action::Decide { declaration, .. } => chosen(&Chosen::Order(declaration.clone())),
        Action::TransferLicenses { from, lines } => transfer::touches(*from, lines),
        Action::Mend { step } => mend::touches(step),
        Action::DismissAlert { virtual_account, key, .. } | Action::RestoreAlert { virtual_account, key } => {
            alert::touches(*virtual_account, key)
        }
        Action::TransferInstance { instance, to } => instance::touches(*instance, Some(*to)),
        Action::RemoveInstance { instance } => instance::touches(*instance, None),
        Action::Reserve { virtual_account, request, lines, .. } => {
            reservation::touches_new(*virtual_account, request, lines)
        }
        Action::UpdateReservation { instance, lines } => reservation::touches(*instance, lines),
        Action::ConfirmReservation { instance, .. }
        | Action::ReturnReservation { instance, .. }
        | Action::Rehost { instance, .. } => reservation::touches(*instance, &[]),
        // Not an administrator's.
        Action::Register { .. }
        | Action::Ask { .. }
        | Action::FinishIssuance { .. }
        | Action::Access { .. }
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
        Action::ChangeAccount { change } => account::change(change, by, workset, context),
        Action::CreateVirtualAccount { name, description } => {
            virtual_account::create(&name, &description, by, workset, context)
        }
        Action::ChangeVirtualAccount { virtual_account, name, description, seen } => virtual_account::change(
            virtual_account,
            name.as_deref(),
            description.as_deref(),
            seen.as_ref(),
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
        Action::Renew { lots, order_id, until } => {
            renewal::renew(&lots, &order_id, until, by, workset, context)
        }
        Action::Cancel { lots, quantity, reason } => {
            cancellation::cancel(&lots, quantity, &reason, by, workset, context)
        }
        Action::Declare { virtual_account, tag, quantity, note } => {
            declaration::declare(virtual_account, tag, quantity, &note, by, workset, context)
        }
        Action::Decide { declaration, verdict, reason } => {
            declaration::decide(&declaration, verdict, &reason, by, workset, context)
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
        Action::Reserve { virtual_account, request, manager, lines } => {
            reservation::make(virtual_account, &request, manager, &lines, by, workset, context)
        }
        Action::UpdateReservation { instance, lines } => {
            reservation::update(instance, &lines, by, workset, context)
        }
        Action::ConfirmReservation { instance, sequence } => {
            reservation::confirm(instance, sequence, by, workset, context)
        }
        Action::ReturnReservation { instance, sequence, returned } => {
            reservation::give_back(instance, sequence, returned, by, workset, context)
        }
        Action::Rehost { instance, step, reason } => {
            reservation::rehost(instance, step, &reason, by, workset, context)
        }
        Action::Register { .. }
        | Action::Ask { .. }
        | Action::FinishIssuance { .. }
        | Action::Access { .. }
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

/// What has to be loaded for lots to be chosen.
fn chosen(lots: &Chosen) -> Touches {
    match lots {
        Chosen::Lot(lot) => Touches { lots: [*lot].into(), ..Touches::default() },
        Chosen::Order(order) => {
            Touches { lots_of_orders: [order.trim().to_owned()].into(), ..Touches::default() }
        }
        Chosen::Subscription(subscription) => {
            Touches { lots_of_subscriptions: [subscription.trim().to_owned()].into(), ..Touches::default() }
        }
    }
}

/// The chosen lots, by id.
fn lots_of(chosen: &Chosen, workset: &Workset) -> Vec<Lot> {
    let is_chosen = |lot: &&Lot| match chosen {
        Chosen::Lot(id) => lot.id == *id,
        Chosen::Order(order) => lot.order_id == order.trim(),
        Chosen::Subscription(subscription) => lot.subscription_id.as_deref() == Some(subscription.trim()),
    };
    workset.lots.values().filter(is_chosen).cloned().collect()
}

/// What was chosen, for a refusal.
fn word_of(chosen: &Chosen) -> &'static str {
    match chosen {
        Chosen::Lot(_) => "lot",
        Chosen::Order(_) => "order",
        Chosen::Subscription(_) => "subscription",
    }
}

/// Lots by where they are, in the order in which they are given: what happens to lots of several virtual accounts is an
/// event of each (features.md, A14).
fn by_place(lots: &[Lot]) -> BTreeMap<VirtualAccountId, Vec<&Lot>> {
    let mut places: BTreeMap<VirtualAccountId, Vec<&Lot>> = BTreeMap::new();
    for lot in lots {
        places.entry(lot.virtual_account).or_default().push(lot);
    }
    places
}

/// One line of a lot's history, of the event with this number: what happened to all of it.
fn line_of(
    lot: &Lot,
    event: u64,
    line: u64,
    kind: TransactionKind,
    by: &By,
    now: Timestamp,
) -> LotTransaction {
    LotTransaction {
        number: event * 1000 + line,
        at: now,
        lot: lot.id,
        virtual_account: lot.virtual_account,
        tag: lot.tag.clone(),
        kind,
        quantity: lot.quantity,
        counterpart: None,
        order_id: Some(lot.order_id.clone()),
        by: by.actor.name().to_owned(),
        before: None,
        after: None,
        note: None,
        asked: None,
    }
}

/// What all items are, if they are all the same.
fn only<T: PartialEq>(mut items: impl Iterator<Item = T>) -> Option<T> {
    let first = items.next()?;
    items.all(|item| item == first).then_some(first)
}
