//! Export-restricted features of instances in contact: each takes one licence of its tag, until it is given back or the
//! registration ends (features.md, C12).

use seatpool_proto::message::{ExportAuthorized, ExportFeature, ExportReturned};
use seatpool_proto::{ProblemCode, ProductInstanceId, Quantity, ResponseBody};

use super::{By, Context, Refused, refuse};
use crate::command::{ReserveLine, choose};
use crate::event::{Event, EventKind};
use crate::instance::ExportGrant;
use crate::pool::FamiliesIn;
use crate::workset::Workset;

/// Authorizes a feature. Asked again, the authorization is the same.
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
    if let Some(grant) = instance.exports.iter().find(|grant| grant.feature == asked.feature) {
        return Ok(authorized(grant));
    }
    let place = instance.virtual_account;
    let (label, place_name) = (instance.label(), workset.name_of(place));
    let line = ReserveLine { tag: asked.tag.clone(), lot: None, quantity: Quantity::of(1) };
    let chosen = choose(place, &[line], None, workset, context);
    let lot = chosen.ok().and_then(|holds| holds.first().map(|hold| hold.lot));
    let Some(lot) = lot else {
        let name = context.license_name(&asked.tag);
        let detail = format!("{name} has none to spare in {place_name}.");
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
        lot,
        key: format!("EXPORT-{number}"),
        at: context.now,
    };
    let answer = authorized(&grant);
    if let Some(row) = workset.lots.get_mut(&lot) {
        row.reserved = row.reserved.plus(Quantity::of(1));
    }
    if let Some(instance) = workset.instances.get_mut(&id) {
        instance.exports.push(grant);
    }
    let mut pools = FamiliesIn::default();
    pools.add_lots(place, &asked.tag, context.catalogue);
    pools.reassess(by, workset, context);
    Ok(answer)
}

fn authorized(grant: &ExportGrant) -> ResponseBody {
    ResponseBody::ExportRequest(ExportAuthorized {
        feature: grant.feature.clone(),
        tag: grant.tag.clone(),
        authorization_key: grant.key.clone(),
    })
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
        if let Some(lot) = workset.lots.get_mut(&grant.lot) {
            lot.reserved = lot.reserved.minus(Quantity::of(1));
        }
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
    ResponseBody::ExportReturn(ExportReturned { feature: asked.feature.clone(), tag: asked.tag.clone() })
}
