//! What comes due by itself: authorizations that end, lots that start and end.

use jiff::Timestamp;
use seatpool_proto::{LotId, ProductInstanceId};

use super::agent::export;
use super::{Action, By, Context, Outcome, words};
use crate::event::{Event, EventKind};
use crate::instance::Instance;
use crate::lot::Lot;
use crate::pool::{self, FamiliesIn};
use crate::workset::{Touches, Workset};

pub(super) fn touches(action: &Action) -> Touches {
    match action {
        Action::ExpireAuthorizations { instances } => {
            Touches { instances: instances.iter().copied().collect(), ..Touches::default() }
        }
        Action::ReassessLots { lots, .. } => {
            Touches { lots: lots.iter().copied().collect(), export_holders: true, ..Touches::default() }
        }
        _ => Touches::default(),
    }
}

pub(super) fn apply(action: Action, by: &By, workset: &mut Workset, context: &mut Context<'_>) -> Outcome {
    match action {
        Action::ExpireAuthorizations { instances } => expire(&instances, by, workset, context),
        Action::ReassessLots { lots, after } => reassess(&lots, after, by, workset, context),
        _ => {}
    }
    Outcome::Done
}

/// Drops the demand of instances whose authorization has ended. What they reported is kept: it counts again with
/// their next contact.
fn expire(ids: &[ProductInstanceId], by: &By, workset: &mut Workset, context: &Context<'_>) {
    let mut pools = FamiliesIn::default();
    for &id in ids {
        let ended = workset
            .instances
            .get(&id)
            .filter(|instance| instance.counted && instance.is_registered())
            .and_then(|instance| Some((instance.authorized_until?, instance)))
            .filter(|(until, _)| *until <= context.now);
        let Some((until, instance)) = ended else { continue };
        let virtual_account = instance.virtual_account;
        let freed: Vec<String> = workset
            .usage_of(id)
            .filter(|row| !row.peak.is_zero())
            .map(|row| format!("{} of {}", row.peak, context.license_name(&row.tag)))
            .collect();
        let dropped = match freed.as_slice() {
            [] => "It used no licenses.".to_owned(),
            freed => format!("Its {} no longer count.", words::list(freed)),
        };
        let message = format!(
            "The authorization of {} in {} ended on {until}: its last contact was on {}. {dropped}",
            instance.label(),
            workset.name_of(virtual_account),
            instance.last_contact_at
        );
        pools.add_usage(workset, context.catalogue, id, virtual_account);
        pool::leave(workset, context.catalogue, id);
        if let Some(instance) = workset.instances.get_mut(&id) {
            instance.counted = false;
        }
        workset.record(Event {
            virtual_account: Some(virtual_account),
            instance: Some(id),
            ..by.event(EventKind::AuthorizationExpired, context.now, message)
        });
        export::lapse(id, by, workset, context, &mut pools);
    }
    pools.reassess(by, workset, context);
}

/// Looks again at the pools of lots that started or ended since `after`, and says which did.
fn reassess(ids: &[LotId], after: Timestamp, by: &By, workset: &mut Workset, context: &Context<'_>) {
    let mut pools = FamiliesIn::default();
    for id in ids {
        let Some(lot) = workset.lots.get(id).cloned() else { continue };
        pools.add_lots(lot.virtual_account, &lot.tag, context.catalogue);
        let is_due = |at: Timestamp| after < at && at <= context.now;
        // A lot that was deposited within its term started with its deposit.
        if is_due(lot.term.starts_at) && lot.created_at < lot.term.starts_at {
            record(EventKind::LicensesStarted, "count from now on", &lot, by, workset, context);
        }
        // What was rejected has its own event.
        if lot.declaration.is_none() && lot.term.ends_at.is_some_and(is_due) {
            record(EventKind::LicensesEnded, "reached the end of their term", &lot, by, workset, context);
        }
    }
    pools.reassess(by, workset, context);
    let holds = |row: &Instance| {
        row.exports.iter().any(|grant| grant.lot.is_some_and(|lot| ids.contains(&lot))).then_some(row.id)
    };
    let holders: Vec<ProductInstanceId> = workset.instances.values().filter_map(holds).collect();
    for id in holders {
        export::lots_ended(id, by, workset, context);
    }
}

fn record(kind: EventKind, what: &str, lot: &Lot, by: &By, workset: &mut Workset, context: &Context<'_>) {
    let subscription =
        lot.subscription_id.as_ref().map(|id| format!(", subscription {id}")).unwrap_or_default();
    let message = format!(
        "{} of {} in {} {what} (order {}{subscription}).",
        lot.quantity,
        context.license_name(&lot.tag),
        workset.name_of(lot.virtual_account),
        lot.order_id
    );
    workset.record(Event {
        virtual_account: Some(lot.virtual_account),
        tag: Some(lot.tag.clone()),
        ..by.event(kind, context.now, message)
    });
}
