//! Product instances as administrators treat them: move and remove.

use seatpool_proto::{ProductInstanceId, VirtualAccountId};

use super::{By, Context, Outcome, Refused, known};
use crate::command::registration;
use crate::event::{Event, EventKind};
use crate::instance::{EndReason, Instance};
use crate::pool::{self, FamiliesIn};
use crate::workset::{Touches, Workset};

pub(super) fn touches(instance: ProductInstanceId, to: Option<VirtualAccountId>) -> Touches {
    Touches {
        instances: [instance].into(),
        virtual_accounts: to.into_iter().collect(),
        pools_in: to.into_iter().collect(),
        ..Touches::default()
    }
}

pub(super) fn transfer(
    id: ProductInstanceId,
    to: VirtualAccountId,
    by: &By,
    workset: &mut Workset,
    context: &mut Context<'_>,
) -> Result<Outcome, Refused> {
    let target = known(workset, to)?.name.clone();
    let instance = registered(workset, id)?;
    let from = instance.virtual_account;
    if instance.is_reserved() {
        let place = workset.name_of(from);
        return Err(Refused::Reservation {
            code: "reserved",
            detail: format!(
                "{} holds licenses of {place} by a reservation, which stays there: enter its return code first, and reserve \
                 anew",
                instance.label()
            ),
        });
    }
    if from == to {
        return Ok(Outcome::Done);
    }
    let label = instance.label();
    if let Some(grant) = instance.exports.iter().find(|grant| grant.lot.is_some()) {
        return Err(Refused::Reservation {
            code: "export_authorized",
            detail: format!(
                "{label} uses the export-restricted feature {}, which takes a license of {}: return it on the product with \
                 `license smart export return local {}` first",
                grant.feature,
                workset.name_of(from),
                grant.feature
            ),
        });
    }
    let source = workset.name_of(from);

    let mut pools = FamiliesIn::default();
    pools.add_usage(workset, context.catalogue, id, from);
    pools.add_usage(workset, context.catalogue, id, to);
    pool::leave(workset, context.catalogue, id);
    if let Some(instance) = workset.instances.get_mut(&id) {
        instance.virtual_account = to;
    }
    pool::join(workset, context.catalogue, id);
    workset.count_instance(from, false);
    workset.count_instance(to, true);
    for (place, message) in [
        (from, format!("{label} was moved from {source} to {target}; its usage counts there now.")),
        (to, format!("{label} arrived in {target} from {source}; its usage counts here now.")),
    ] {
        workset.record(Event {
            virtual_account: Some(place),
            instance: Some(id),
            before: Some(source.clone()),
            after: Some(target.clone()),
            ..by.event(EventKind::InstanceTransferred, context.now, message)
        });
    }
    pools.reassess(by, workset, context);
    Ok(Outcome::Done)
}

pub(super) fn remove(
    id: ProductInstanceId,
    by: &By,
    workset: &mut Workset,
    context: &mut Context<'_>,
) -> Result<Outcome, Refused> {
    let instance = registered(workset, id)?;
    let (virtual_account, label) = (instance.virtual_account, instance.label());
    if instance.is_reserved() {
        return Err(Refused::Reservation {
            code: "reserved",
            detail: format!(
                "{label} holds a reservation: run `license smart reservation return` on it and enter the return code; if \
                 the product failed, rehost its licenses"
            ),
        });
    }
    let place = workset.name_of(virtual_account);
    let message = format!(
        "{label} was removed from {place}: its licenses are free, its certificate is revoked, and it is told on its \
         next contact."
    );
    workset.record(Event {
        virtual_account: Some(virtual_account),
        instance: Some(id),
        ..by.event(EventKind::InstanceRemoved, context.now, message)
    });
    registration::end(id, EndReason::Removed, by, workset, context);
    Ok(Outcome::Done)
}

fn registered(workset: &Workset, id: ProductInstanceId) -> Result<&Instance, Refused> {
    workset
        .instances
        .get(&id)
        .filter(|instance| instance.is_registered())
        .ok_or(Refused::Unknown { what: "product instance" })
}
