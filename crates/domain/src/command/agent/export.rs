//! Export-restricted features of instances in contact: each takes one licence of its tag, until it is given back, the
//! licence's lot ends, or the registration does (features.md, C12). One that was refused or lost its licence waits, on
//! record, until there is one or it is given back.

use jiff::{SignedDuration, Timestamp};
use seatpool_proto::limits::EXPORTS_MAX;
use seatpool_proto::message::{ExportAuthorized, ExportEnd, ExportFeature, ExportReturned};
use seatpool_proto::{LotId, ProblemCode, ProductInstanceId, Quantity, ResponseBody, Tag, VirtualAccountId};

use super::{By, Context, Refused, refuse};
use crate::command::{Carried, ReserveLine, choose};
use crate::event::{Event, EventKind};
use crate::instance::{ExportGrant, Instance};
use crate::pool::FamiliesIn;
use crate::workset::Workset;

/// For so many features of an instance it is on record that they wait: a profile has few.
const WAITING_MAX: usize = 16;

/// Authorizes a feature. Asked again, the authorization is the same. A refusal for want of a licence is on record: it
/// is the one thing that a refused request changes, so that an alert can say who waits.
pub(super) fn authorize(
    id: ProductInstanceId,
    asked: &ExportFeature,
    by: &By,
    workset: &mut Workset,
    context: &Context<'_>,
) -> Result<ResponseBody, Refused> {
    let Some(instance) = workset.instances.get(&id) else {
        return Err(refuse(ProblemCode::InstanceUnknown, "", 0));
    };
    let sequence = instance.conversation.sequence;
    // What holds it already keeps it, whatever is permitted since.
    let known = instance.exports.iter().find(|grant| grant.feature == asked.feature);
    if let Some(grant) = known.filter(|grant| grant.lot.is_some()) {
        return Ok(authorized(grant, workset));
    }
    if !workset.account.export_permitted {
        let detail = "The smart account is not permitted export-controlled functionality.";
        return Err(refuse(ProblemCode::ExportNotPermitted, detail, sequence));
    }
    if !instance.export_controlled {
        let detail = "It registered with a token that does not allow export-controlled functionality.";
        return Err(refuse(ProblemCode::ExportNotPermitted, detail, sequence));
    }
    if !context.catalogue.license(&asked.tag).is_some_and(|license| license.export_restricted) {
        let detail = format!("{} is no license of an export-restricted feature.", asked.tag);
        return Err(refuse(ProblemCode::ExportNotPermitted, detail, sequence));
    }
    // What ends with the instance's own authorization needs one that runs: it could not be freed otherwise.
    if instance.authorized_until.is_some_and(|until| until <= context.now) {
        let detail = "Its own authorization has ended: it reports first, and asks again then.";
        return Err(refuse(ProblemCode::ExportNotAvailable, detail, sequence));
    }
    let (waits, lapsed) = (known.is_some(), known.is_some_and(|grant| grant.lapsed));
    let place = instance.virtual_account;
    let (label, place_name) = (instance.label(), workset.name_of(place));
    let Some(lot) = free_lot(place, &asked.tag, workset, context) else {
        let name = context.license_name(&asked.tag);
        let detail = format!("{name} has none to spare in {place_name}.");
        let waiting = |row: &Instance| row.exports.iter().filter(|grant| grant.lot.is_none()).count();
        let has_room = workset.instances.get(&id).is_some_and(|row| waiting(row) < WAITING_MAX);
        if !waits
            && has_room
            && let Some(instance) = workset.instances.get_mut(&id)
        {
            instance.exports.push(ExportGrant {
                feature: asked.feature.clone(),
                tag: asked.tag.clone(),
                lot: None,
                key: String::new(),
                at: context.now,
                lapsed: false,
            });
        }
        if let Some(instance) = workset.instances.get_mut(&id).filter(|_| lapsed)
            && let Some(grant) = instance.exports.iter_mut().find(|grant| grant.feature == asked.feature)
        {
            // The product is here, and a licence is missing.
            (grant.lapsed, grant.at) = (false, context.now);
            grant.key.clear();
        }
        return Err(refuse(ProblemCode::ExportNotAvailable, detail, sequence));
    };
    let message = format!(
        "{label} may use the export-restricted feature {}: it takes one of {} in {place_name}.",
        asked.feature,
        context.license_name(&asked.tag)
    );
    let number = workset.record(Event {
        virtual_account: Some(place),
        tag: Some(asked.tag.clone()),
        instance: Some(id),
        after: Some(asked.feature.clone()),
        ..by.event(EventKind::ExportAuthorized, context.now, message)
    });
    let grant = ExportGrant {
        feature: asked.feature.clone(),
        tag: asked.tag.clone(),
        lot: Some(lot),
        key: format!("EXPORT-{number}"),
        at: context.now,
        lapsed: false,
    };
    let answer = authorized(&grant, workset);
    hold(lot, workset);
    if let Some(instance) = workset.instances.get_mut(&id) {
        instance.exports.retain(|other| other.feature != grant.feature);
        instance.exports.push(grant);
        if instance.authorized_until.is_none() {
            // Nothing was reported yet: its time runs from here, and with the first report anew.
            let span = SignedDuration::from_hours(24 * context.policy.authorization_days);
            instance.authorized_until = context.now.checked_add(span).ok();
            instance.counted = true;
        }
    }
    let mut pools = FamiliesIn::default();
    pools.add_lots(place, &asked.tag, context.catalogue);
    pools.reassess(by, workset, context);
    Ok(answer)
}

/// A lot that has one to spare.
fn free_lot(place: VirtualAccountId, tag: &Tag, workset: &Workset, context: &Context<'_>) -> Option<LotId> {
    let line = ReserveLine { tag: tag.clone(), lot: None, quantity: Quantity::of(1) };
    choose(place, &[line], None, Carried::InContact, workset, context).ok()?.first().map(|hold| hold.lot)
}

fn hold(lot: LotId, workset: &mut Workset) {
    if let Some(row) = workset.lots.get_mut(&lot) {
        row.reserved = row.reserved.plus(Quantity::of(1));
    }
}

fn release(lot: LotId, workset: &mut Workset) {
    if let Some(row) = workset.lots.get_mut(&lot) {
        row.reserved = row.reserved.minus(Quantity::of(1));
    }
}

fn authorized(grant: &ExportGrant, workset: &Workset) -> ResponseBody {
    ResponseBody::ExportRequest(ExportAuthorized {
        feature: grant.feature.clone(),
        tag: grant.tag.clone(),
        authorization_key: grant.key.clone(),
        authorized_until: end_of(grant, workset),
    })
}

/// The end of the licence that authorizes a feature.
fn end_of(grant: &ExportGrant, workset: &Workset) -> Option<Timestamp> {
    workset.lots.get(&grant.lot?)?.term.ends_at
}

/// What an instance's answers say of its features: those that are authorized, with their ends, and those that are not.
pub(super) fn told(id: ProductInstanceId, workset: &Workset) -> (Vec<ExportEnd>, Vec<String>) {
    let Some(instance) = workset.instances.get(&id) else { return (Vec::new(), Vec::new()) };
    let (held, waiting): (Vec<_>, Vec<_>) = instance.exports.iter().partition(|grant| grant.lot.is_some());
    let end = |grant: &ExportGrant| ExportEnd {
        feature: grant.feature.clone(),
        authorized_until: end_of(grant, workset),
    };
    (
        held.into_iter().take(EXPORTS_MAX).map(end).collect(),
        waiting.into_iter().take(EXPORTS_MAX).map(|grant| grant.feature.clone()).collect(),
    )
}

/// Takes an authorization back. What is not authorized is given back already.
pub(super) fn give_back(
    id: ProductInstanceId,
    asked: &ExportFeature,
    by: &By,
    workset: &mut Workset,
    context: &Context<'_>,
) -> ResponseBody {
    let grant = workset
        .instances
        .get(&id)
        .and_then(|row| row.exports.iter().find(|grant| grant.feature == asked.feature))
        .cloned();
    if let Some(grant) = grant
        && let Some(instance) = workset.instances.get_mut(&id)
    {
        instance.exports.retain(|other| *other != grant);
        let (place, label) = (instance.virtual_account, instance.label());
        if let Some(lot) = grant.lot {
            release(lot, workset);
            let message = format!(
                "{label} gave the export-restricted feature {} back: one of {} is free in {}.",
                grant.feature,
                context.license_name(&grant.tag),
                workset.name_of(place)
            );
            workset.record(Event {
                virtual_account: Some(place),
                tag: Some(grant.tag.clone()),
                instance: Some(id),
                before: Some(grant.feature.clone()),
                ..by.event(EventKind::ExportReturned, context.now, message)
            });
            let mut pools = FamiliesIn::default();
            pools.add_lots(place, &grant.tag, context.catalogue);
            pools.reassess(by, workset, context);
        }
    }
    ResponseBody::ExportReturn(ExportReturned { feature: asked.feature.clone(), tag: asked.tag.clone() })
}

/// Looks at the authorizations of an instance whose lots end soon or have ended: each takes a licence of another lot
/// that lasts longer and has one to spare. One without waits from its lot's end on. The agent is told with the next
/// answer to a report or renewal.
pub(in crate::command) fn lots_ended(
    id: ProductInstanceId,
    by: &By,
    workset: &mut Workset,
    context: &Context<'_>,
) {
    let Some(instance) = workset.instances.get(&id) else { return };
    let (place, label) = (instance.virtual_account, instance.label());
    // So early that the agent learns of its new end before the old one.
    let ahead = SignedDuration::from_hours(24 * context.policy.authorization_renew_days);
    let soon = context.now.checked_add(ahead).unwrap_or(Timestamp::MAX);
    let ends = |lot: LotId| workset.lots.get(&lot)?.term.ends_at;
    let concerned: Vec<(ExportGrant, LotId, Timestamp)> = instance
        .exports
        .iter()
        .filter_map(|grant| {
            let lot = grant.lot?;
            Some((grant.clone(), lot, ends(lot).filter(|end| *end <= soon)?))
        })
        .collect();
    let mut pools = FamiliesIn::default();
    for (grant, old, end) in concerned {
        let has_ended = end <= context.now;
        let lasts = |lot: &LotId| {
            workset.lots.get(lot).is_some_and(|row| row.term.ends_at.is_none_or(|other| other > end))
        };
        let other = free_lot(place, &grant.tag, workset, context).filter(lasts);
        if other.is_none() && !has_ended {
            continue;
        }
        release(old, workset);
        let (feature, name, place_name) =
            (&grant.feature, context.license_name(&grant.tag), workset.name_of(place));
        let (kind, at, message) = if let Some(lot) = other {
            hold(lot, workset);
            let tense = if has_ended { "reached its end" } else { "ends soon" };
            let message = format!(
                "The license that {feature} on {label} held {tense}: it takes another of {name} in {place_name}."
            );
            (EventKind::ExportAuthorized, grant.at, message)
        } else {
            let message = format!(
                "The license that the export-restricted feature {feature} on {label} held reached its end, and {name} has no \
                 other to spare in {place_name}: the product may use the feature no longer."
            );
            (EventKind::ExportEnded, context.now, message)
        };
        workset.record(Event {
            virtual_account: Some(place),
            tag: Some(grant.tag.clone()),
            instance: Some(id),
            before: Some(feature.clone()),
            after: other.map(|_| feature.clone()),
            ..by.event(kind, context.now, message)
        });
        if let Some(instance) = workset.instances.get_mut(&id)
            && let Some(row) = instance.exports.iter_mut().find(|row| row.feature == grant.feature)
        {
            (row.lot, row.at) = (other, at);
        }
        pools.add_lots(place, &grant.tag, context.catalogue);
    }
    pools.reassess(by, workset, context);
}

/// Takes the licences of an instance back of which nothing was heard until its authorization ended: by then it uses
/// its features no longer, by its own clock, and asks anew when it is in contact again.
pub(in crate::command) fn lapse(
    id: ProductInstanceId,
    by: &By,
    workset: &mut Workset,
    context: &Context<'_>,
    pools: &mut FamiliesIn,
) {
    let Some(instance) = workset.instances.get_mut(&id) else { return };
    let (place, label) = (instance.virtual_account, instance.label());
    let mut lapsed = Vec::new();
    for grant in &mut instance.exports {
        let Some(lot) = grant.lot.take() else { continue };
        (grant.at, grant.lapsed) = (context.now, true);
        lapsed.push((grant.clone(), lot));
    }
    for (grant, lot) in lapsed {
        release(lot, workset);
        let message = format!(
            "Nothing was heard of {label} until its authorization ended, and that of the export-restricted feature {} with it: \
             one of {} is free in {}. The product asks anew when it is in contact again.",
            grant.feature,
            context.license_name(&grant.tag),
            workset.name_of(place)
        );
        workset.record(Event {
            virtual_account: Some(place),
            tag: Some(grant.tag.clone()),
            instance: Some(id),
            before: Some(grant.feature.clone()),
            ..by.event(EventKind::ExportEnded, context.now, message)
        });
        pools.add_lots(place, &grant.tag, context.catalogue);
    }
}
