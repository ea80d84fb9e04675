//! The end of a registration, whoever ends it: the agent, an administrator, or a later registration.

use seatpool_proto::{ProductInstanceId, Quantity, Tag};

use super::{By, Context};
use crate::instance::{EndReason, Ended};
use crate::pool::{self, FamiliesIn};
use crate::workset::Workset;

/// Frees everything that an instance uses at once and leaves a tombstone, so that a late request is told what
/// happened. The event is the caller's.
pub(super) fn end(
    id: ProductInstanceId,
    reason: EndReason,
    by: &By,
    workset: &mut Workset,
    context: &Context<'_>,
) {
    let Some(virtual_account) = workset.instances.get(&id).map(|instance| instance.virtual_account) else {
        return;
    };
    let mut pools = FamiliesIn::default();
    pools.add_usage(workset, context.catalogue, id, virtual_account);
    pool::leave(workset, context.catalogue, id);
    let exports = workset.instances.get_mut(&id).map(|row| core::mem::take(&mut row.exports));
    for grant in exports.into_iter().flatten() {
        if let Some(lot) = grant.lot.and_then(|lot| workset.lots.get_mut(&lot)) {
            lot.reserved = lot.reserved.minus(Quantity::of(1));
        }
        pools.add_lots(virtual_account, &grant.tag, context.catalogue);
    }
    let tags: Vec<Tag> = workset.usage_of(id).map(|row| row.tag.clone()).collect();
    for tag in tags {
        workset.usage.delete(&(id, tag));
    }
    if let Some(instance) = workset.instances.get_mut(&id) {
        instance.counted = false;
        instance.pending = None;
        instance.ended = Some(Ended { at: context.now, reason });
    }
    workset.count_instance(virtual_account, false);
    pools.reassess(by, workset, context);
}
