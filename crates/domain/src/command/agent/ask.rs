//! Requests of registered instances: who asks, in what order, and what for.

use jiff::{SignedDuration, Timestamp};
use seatpool_proto::message::{Authorization, Deregistered};
use seatpool_proto::{
    IdCertificate, ProblemCode, ProductInstanceId, Request, RequestBody, ResponseBody, Sha256,
    VirtualAccountId,
};

use super::figures::Figures;
use super::order::{self, OutOfOrder, Place};
use super::{
    By, Context, Outcome, Refused, check_clock, conclude, export, given_before, home, keep_newest,
    record_rewind, refuse, register, report, told,
};
use crate::command::registration;
use crate::event::{Event, EventKind};
use crate::instance::{EndReason, Instance, PendingCertificate};
use crate::workset::Workset;

pub(super) fn answer(
    request: &Request,
    certificate: &IdCertificate,
    by: &By,
    workset: &mut Workset,
    context: &mut Context<'_>,
) -> Result<Outcome, Refused> {
    let instance = identify(request, certificate, workset)?;
    if let Some(outcome) = given_before(instance, request) {
        return Ok(outcome);
    }
    let (id, virtual_account) = (instance.id, instance.virtual_account);
    let sequence = instance.conversation.sequence;
    check_standing(instance, certificate)?;
    check_clock(request, sequence, context.now)?;
    let place = match order::place(&instance.conversation, request) {
        Ok(place) => place,
        Err(OutOfOrder::Replayed) => return Err(refuse(ProblemCode::Replayed, "", sequence)),
        Err(OutOfOrder::Forked) => {
            record_fork(id, request, by, workset, context.now);
            return Err(refuse(ProblemCode::CloneDetected, "", sequence));
        }
    };
    let first_use = instance.previous_certificate.is_some()
        && instance.certificate.as_ref().is_some_and(|record| record.serial == certificate.serial);

    // Nothing below this line refuses but what the body itself says, before it changes anything.
    let body = match &request.body {
        RequestBody::Registration(_) => {
            let detail = "A registration is signed by its own key, not by an ID certificate.";
            return Err(refuse(ProblemCode::Malformed, detail, sequence));
        }
        RequestBody::IdCertificateRenewal(renewal) => {
            return Ok(begin_renewal(id, request, &renewal.public_key, first_use, workset, context));
        }
        RequestBody::Authorization(usage) => {
            let figures = Figures::of(usage, &instance.product_type, context.catalogue)
                .map_err(|detail| refuse(ProblemCode::Malformed, detail, sequence))?;
            rewound(place, id, by, workset, context.now);
            let tags = report::take(id, figures, usage.interval.end, by, workset, context);
            export::lots_ended(id, by, workset, context);
            authorize(id, virtual_account, tags, workset, context)
        }
        RequestBody::AuthorizationRenewal {} => {
            rewound(place, id, by, workset, context.now);
            let tags = report::renew(id, by, workset, context);
            export::lots_ended(id, by, workset, context);
            authorize(id, virtual_account, tags, workset, context)
        }
        RequestBody::ExportRequest(asked) => {
            let authorized = export::authorize(id, asked, by, workset, context)?;
            rewound(place, id, by, workset, context.now);
            authorized
        }
        RequestBody::ExportReturn(asked) => {
            rewound(place, id, by, workset, context.now);
            export::give_back(id, asked, by, workset, context)
        }
        RequestBody::Deregistration {} => {
            rewound(place, id, by, workset, context.now);
            deregister(id, by, workset, context)
        }
    };
    let Some(instance) = workset.instances.get_mut(&id) else {
        return Err(refuse(ProblemCode::InstanceUnknown, "", sequence));
    };
    if first_use {
        instance.previous_certificate = None;
    }
    instance.last_contact_at = context.now;
    Ok(conclude(&mut instance.conversation, request, place, body, context.now))
}

/// Finds the instance that the request, its certificate and its device agree on.
fn identify<'w>(
    request: &Request,
    certificate: &IdCertificate,
    workset: &'w Workset,
) -> Result<&'w Instance, Refused> {
    if request.account_id != Some(workset.account.id) {
        return Err(refuse(ProblemCode::InstanceUnknown, "The request is not of this account.", 0));
    }
    let Some(id) = request.product_instance_id else {
        return Err(refuse(ProblemCode::InstanceUnknown, "The request names no product instance.", 0));
    };
    if certificate.product_instance_id != id {
        let detail =
            format!("The certificate is of {}, the request of {id}.", certificate.product_instance_id);
        return Err(refuse(ProblemCode::IdentityMismatch, detail, 0));
    }
    let Some(instance) = workset.instances.get(&id).filter(|instance| !instance.is_registering()) else {
        return Err(refuse(ProblemCode::InstanceUnknown, "", 0));
    };
    if instance.udi != request.udi {
        let detail = format!("It registered as {}, the request is of {}.", instance.udi, request.udi);
        return Err(refuse(ProblemCode::IdentityMismatch, detail, 0));
    }
    Ok(instance)
}

/// Whether the registration lasts and the certificate is one of its own.
fn check_standing(instance: &Instance, certificate: &IdCertificate) -> Result<(), Refused> {
    let sequence = instance.conversation.sequence;
    if let Some(ended) = &instance.ended {
        let (code, detail) = match ended.reason {
            EndReason::Replaced => {
                (ProblemCode::CertificateRevoked, format!("The device registered again on {}.", ended.at))
            }
            EndReason::Removed => (ProblemCode::InstanceRemoved, format!("It was removed on {}.", ended.at)),
            EndReason::Deregistered => {
                (ProblemCode::InstanceRemoved, format!("It deregistered on {}.", ended.at))
            }
        };
        return Err(refuse(code, detail, sequence));
    }
    if instance.has_serial(&certificate.serial) {
        Ok(())
    } else {
        Err(refuse(ProblemCode::CertificateRevoked, "A later one was issued and used.", sequence))
    }
}

fn rewound(place: Place, id: ProductInstanceId, by: &By, workset: &mut Workset, now: Timestamp) {
    if let Some(instance) = workset.instances.get(&id).filter(|_| place == Place::Rewound).cloned() {
        record_rewind(&instance, by, workset, now);
    }
}

/// Raises the alert about a second copy, once for every request that is refused for it.
fn record_fork(id: ProductInstanceId, request: &Request, by: &By, workset: &mut Workset, now: Timestamp) {
    let Some(instance) = workset.instances.get(&id) else { return };
    if instance.conversation.forked.contains(&request.request_id) {
        return;
    }
    let (virtual_account, label) = (instance.virtual_account, instance.label());
    if let Some(instance) = workset.instances.get_mut(&id) {
        keep_newest(&mut instance.conversation.forked, request.request_id);
    }
    let message = format!(
        "Two copies of {label} report under one identity; this one is refused until it registers with a UDI of its \
         own."
    );
    workset.record(Event {
        virtual_account: Some(virtual_account),
        instance: Some(id),
        ..by.event(EventKind::InstanceCloned, now, message)
    });
}

/// Puts the intent to issue a new certificate on record. The conversation moves on when it is signed.
fn begin_renewal(
    id: ProductInstanceId,
    request: &Request,
    public_key: &[u8],
    first_use: bool,
    workset: &mut Workset,
    context: &mut Context<'_>,
) -> Outcome {
    let begun = workset.instances.get(&id).and_then(|instance| instance.pending.as_ref());
    let pending = match begun {
        Some(begun) if begun.request_id == request.request_id && begun.public_key == public_key => {
            begun.clone()
        }
        _ => PendingCertificate {
            request_id: request.request_id,
            record: register::new_record(Sha256::of(public_key), context),
            public_key: public_key.to_vec(),
            registration: false,
            replaces: None,
            forced: false,
        },
    };
    let mut product = String::new();
    if let Some(instance) = workset.instances.get_mut(&id) {
        if first_use {
            instance.previous_certificate = None;
        }
        instance.pending = Some(pending.clone());
        instance.last_contact_at = context.now;
        product.clone_from(&instance.product_name);
    }
    Outcome::Issue { instance: id, pending, product }
}

/// Extends the authorization from now on.
fn authorize(
    id: ProductInstanceId,
    virtual_account: VirtualAccountId,
    mut tags: report::Answered,
    workset: &mut Workset,
    context: &Context<'_>,
) -> ResponseBody {
    let days =
        |days: i64| context.now.checked_add(SignedDuration::from_hours(24 * days)).unwrap_or(Timestamp::MAX);
    told::explain(&mut tags.tags, virtual_account, workset, context);
    let authorized_until = days(context.policy.authorization_days);
    let (exports, exports_ended) = export::told(id, workset);
    if let Some(instance) = workset.instances.get_mut(&id) {
        instance.authorized_until = Some(authorized_until);
    }
    ResponseBody::Authorization(Authorization {
        status: tags.status,
        authorized_until,
        renew_at: days(context.policy.authorization_renew_days),
        tags: tags.tags,
        home: home(virtual_account, workset),
        exports_ended,
        exports,
    })
}

fn deregister(
    id: ProductInstanceId,
    by: &By,
    workset: &mut Workset,
    context: &mut Context<'_>,
) -> ResponseBody {
    if let Some(instance) = workset.instances.get(&id) {
        let virtual_account = instance.virtual_account;
        let message = format!(
            "{} deregistered from {}: its licenses are free.",
            instance.label(),
            workset.name_of(virtual_account)
        );
        workset.record(Event {
            virtual_account: Some(virtual_account),
            instance: Some(id),
            ..by.event(EventKind::InstanceDeregistered, context.now, message)
        });
    }
    registration::end(id, EndReason::Deregistered, by, workset, context);
    ResponseBody::Deregistration(Deregistered { product_instance_id: id })
}
