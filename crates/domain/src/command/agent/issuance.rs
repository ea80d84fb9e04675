//! Issuance, last phase: the certificate is signed, so the registration or renewal takes effect and is answered.

use jiff::SignedDuration;
use seatpool_proto::message::{IssuedCertificate, Registered};
use seatpool_proto::{ProblemCode, ProductInstanceId, Request, ResponseBody};

use super::{By, Context, Outcome, Refused, conclude, given_before, home, order, record_rewind, refuse};
use crate::command::registration;
use crate::event::{Event, EventKind};
use crate::instance::{CertificateRecord, EndReason, Instance, PendingCertificate};
use crate::workset::Workset;

pub(super) fn finish(
    id: ProductInstanceId,
    request: &Request,
    certificates: Vec<Vec<u8>>,
    by: &By,
    workset: &mut Workset,
    context: &mut Context<'_>,
) -> Result<Outcome, Refused> {
    let Some(instance) = workset.instances.get(&id) else {
        let detail = "A later registration of the same device took its place.";
        return Err(refuse(ProblemCode::Replayed, detail, 0));
    };
    let sequence = instance.conversation.sequence;
    // A retry of the request was finished while this one was being signed.
    if let Some(outcome) = given_before(instance, request) {
        return Ok(outcome);
    }
    if instance.ended.is_some() {
        return Err(refuse(ProblemCode::InstanceRemoved, "", sequence));
    }
    let pending = instance.pending.as_ref().filter(|pending| pending.request_id == request.request_id);
    let Some(pending) = pending else {
        return Err(refuse(
            ProblemCode::Replayed,
            "A later request asked for a certificate since.",
            sequence,
        ));
    };
    let (instance, pending) = (instance.clone(), pending.clone());
    let issued = IssuedCertificate {
        certificates,
        renew_at: renew_at(&pending.record, context),
        expires_at: pending.record.not_after,
    };
    if pending.registration {
        register(instance, &pending, issued, request, by, workset, context)
    } else {
        renew(instance, pending, issued, request, by, workset, context)
    }
}

fn register(
    mut instance: Instance,
    pending: &PendingCertificate,
    issued: IssuedCertificate,
    request: &Request,
    by: &By,
    workset: &mut Workset,
    context: &mut Context<'_>,
) -> Result<Outcome, Refused> {
    let Some(virtual_account) = workset.virtual_accounts.get(&instance.virtual_account) else {
        return Err(refuse(ProblemCode::TokenRevoked, "Its virtual account was deleted.", 0));
    };
    let place = virtual_account.name.clone();
    let replaced =
        pending.replaces.filter(|older| workset.instances.get(older).is_some_and(Instance::is_registered));

    instance.pending = None;
    instance.registered_at = context.now;
    instance.last_contact_at = context.now;
    if pending.replaces.is_none() {
        instance.first_registered_at = context.now;
    }
    let body = ResponseBody::Registration(Registered {
        product_instance_id: instance.id,
        home: home(instance.virtual_account, workset),
        export_controlled: instance.export_controlled,
        certificate: issued,
    });
    let outcome = conclude(&mut instance.conversation, request, order::Place::InStep, body, context.now);
    // The registration's answer is the first of this conversation, whatever the device held before.
    instance.conversation.previous = None;

    let label = instance.label();
    let (kind, message) = match replaced {
        None => (EventKind::InstanceRegistered, format!("{label} registered in {place}.")),
        Some(_) if pending.forced => (
            EventKind::InstanceForced,
            format!(
                "{label} registered in {place} by force, without proof of its older key: the older registration \
                 ended and its certificate is revoked."
            ),
        ),
        Some(_) => (
            EventKind::InstanceReplaced,
            format!("{label} registered again in {place} and took its older registration's place."),
        ),
    };
    workset.record(Event {
        virtual_account: Some(instance.virtual_account),
        instance: Some(instance.id),
        before: replaced.map(|older| older.to_string()),
        after: Some(instance.id.to_string()),
        ..by.event(kind, context.now, message)
    });
    workset.count_instance(instance.virtual_account, true);
    workset.instances.insert(instance.id, instance);
    if let Some(older) = replaced {
        registration::end(older, EndReason::Replaced, by, workset, context);
    }
    Ok(outcome)
}

fn renew(
    mut instance: Instance,
    pending: PendingCertificate,
    issued: IssuedCertificate,
    request: &Request,
    by: &By,
    workset: &mut Workset,
    context: &mut Context<'_>,
) -> Result<Outcome, Refused> {
    // Another request may have been answered while this certificate was being signed.
    let place = order::place(&instance.conversation, request).map_err(|_| {
        let detail = "A later request was answered while its certificate was being signed.";
        refuse(ProblemCode::Replayed, detail, instance.conversation.sequence)
    })?;
    if place == order::Place::Rewound {
        record_rewind(&instance, by, workset, context.now);
    }
    let message = format!("{} renewed its ID certificate until {}.", instance.label(), issued.expires_at);
    workset.record(Event {
        virtual_account: Some(instance.virtual_account),
        instance: Some(instance.id),
        before: instance.certificate.as_ref().map(|record| record.serial.clone()),
        after: Some(pending.record.serial.clone()),
        ..by.event(EventKind::InstanceRenewed, context.now, message)
    });
    // Where the certificate before the present one is still there, the agent never used the present one.
    let current = instance.certificate.replace(pending.record);
    instance.previous_certificate = instance.previous_certificate.take().or(current);
    instance.pending = None;
    instance.last_contact_at = context.now;
    let body = ResponseBody::IdCertificateRenewal(issued);
    let outcome = conclude(&mut instance.conversation, request, place, body, context.now);
    workset.instances.insert(instance.id, instance);
    Ok(outcome)
}

/// When the agent first tries to renew (behaviour.md, "Periods").
fn renew_at(record: &CertificateRecord, context: &Context<'_>) -> jiff::Timestamp {
    let after = SignedDuration::from_hours(24 * context.policy.id_certificate_renew_days);
    record.not_before.checked_add(after).map_or(record.not_after, |at| at.min(record.not_after))
}
