//! Registration, first phase: may this product become an instance of the token's virtual account? The intent to
//! issue its certificate is on record before anything is signed.

use jiff::{SignedDuration, Timestamp};
use seatpool_proto::certificate::serial_text;
use seatpool_proto::message::Registration;
use seatpool_proto::{
    IdCertificate, ProblemCode, ProductInstanceId, Request, RequestBody, Sha256, TokenId, Udi,
};

use super::{Context, Outcome, Refused, check_clock, given_before, refuse};
use crate::instance::{CertificateRecord, Conversation, Instance, PendingCertificate};
use crate::token::Token;
use crate::workset::Workset;

pub(super) fn begin(
    request: &Request,
    token: TokenId,
    proof: Option<&IdCertificate>,
    workset: &mut Workset,
    context: &mut Context<'_>,
) -> Result<Outcome, Refused> {
    let RequestBody::Registration(body) = &request.body else {
        return Err(refuse(ProblemCode::Malformed, "It is not a registration.", 0));
    };
    let key_hash = Sha256::of(&body.public_key);
    let older = of_device(workset, &request.udi, Instance::is_registered);
    let unfinished = of_device(workset, &request.udi, Instance::is_registering);

    // A retry gets what the first attempt got: the token may have been used up by it.
    if let Some(outcome) = unfinished.and_then(|row| again(row, request, key_hash)) {
        return Ok(outcome);
    }
    if let Some(older) = older {
        let same_key = has_key(older, key_hash);
        if let Some(outcome) = given_before(older, request).filter(|_| same_key) {
            return Ok(outcome);
        }
        if same_key && request.sequence <= older.conversation.sequence {
            // By force, it would end the registration that it once made.
            let detail = "The registration that it asks for was made and used since.";
            return Err(refuse(ProblemCode::Replayed, detail, older.conversation.sequence));
        }
    }
    let sequence = older.map_or(0, |older| older.conversation.sequence);
    check_product(body, sequence)?;
    check_clock(request, sequence, context.now)?;
    let usable = usable_token(workset, token, sequence, context.now)?;
    let (virtual_account, export_allowed) = (usable.virtual_account, usable.export_controlled);
    if let Some(reserved) = older.filter(|older| older.is_reserved()) {
        let detail = format!(
            "It holds a reservation in {}: return that with `license smart reservation return`, and enter the return \
             code on the manager, before it registers.",
            workset.name_of(reserved.virtual_account)
        );
        return Err(refuse(ProblemCode::Exists, detail, sequence));
    }
    let proven = older.is_some_and(|older| proves(proof, older));
    if let Some(older) = older.filter(|_| !proven && !body.force) {
        let detail = format!(
            "It is {} in {}, registered on {}.",
            older.label(),
            workset.name_of(older.virtual_account),
            older.registered_at
        );
        return Err(refuse(ProblemCode::Exists, detail, sequence));
    }
    let replaces = older.map(|older| older.id);
    let first_registered_at = older.map_or(context.now, |older| older.first_registered_at);
    let abandoned = unfinished.map(|row| row.id);

    let record = new_record(key_hash, context);
    let id = ProductInstanceId(context.ids.uuid());
    let pending = PendingCertificate {
        request_id: request.request_id,
        record: record.clone(),
        public_key: body.public_key.clone(),
        registration: true,
        replaces,
        forced: replaces.is_some() && !proven,
    };
    if let Some(abandoned) = abandoned {
        workset.instances.delete(&abandoned);
    }
    if let Some(token) = workset.tokens.get_mut(&token) {
        token.uses = token.uses.saturating_add(1);
    }
    let instance = Instance {
        id,
        virtual_account,
        udi: request.udi.clone(),
        host_name: body.host_name.clone(),
        product_name: body.product.name.clone(),
        product_type: body.product.kind.clone(),
        product_version: body.product.version.clone(),
        first_registered_at,
        registered_at: context.now,
        last_contact_at: context.now,
        export_controlled: export_allowed && workset.account.export_permitted,
        certificate: Some(record),
        previous_certificate: None,
        pending: Some(pending.clone()),
        exports: Vec::new(),
        authorized_until: None,
        counted: false,
        conversation: Conversation::default(),
        ended: None,
    };
    workset.instances.insert(id, instance);
    Ok(Outcome::Issue { instance: id, pending, product: body.product.name.clone() })
}

/// The instance of this device of which `is` holds; there is at most one registered and one unfinished.
fn of_device<'w>(workset: &'w Workset, udi: &Udi, is: impl Fn(&Instance) -> bool) -> Option<&'w Instance> {
    workset.instances.values().find(|instance| instance.udi == *udi && is(instance))
}

/// What the same request got before, while its certificate is not signed yet.
fn again(unfinished: &Instance, request: &Request, key_hash: Sha256) -> Option<Outcome> {
    let pending = unfinished.pending.as_ref()?;
    let same = pending.request_id == request.request_id && pending.record.key_hash == key_hash;
    same.then(|| Outcome::Issue {
        instance: unfinished.id,
        pending: pending.clone(),
        product: unfinished.product_name.clone(),
    })
}

fn has_key(instance: &Instance, key_hash: Sha256) -> bool {
    let known = [instance.certificate.as_ref(), instance.previous_certificate.as_ref()];
    known.into_iter().flatten().any(|record| record.key_hash == key_hash)
}

/// Whether the co-signature's certificate is one of the older registration's.
fn proves(proof: Option<&IdCertificate>, older: &Instance) -> bool {
    proof.is_some_and(|proof| proof.product_instance_id == older.id && older.has_serial(&proof.serial))
}

/// What people will read must be readable.
fn check_product(body: &Registration, sequence: u64) -> Result<(), Refused> {
    let fields = [
        ("product.name", Some(&body.product.name)),
        ("product.type", Some(&body.product.kind)),
        ("product.version", body.product.version.as_ref()),
        ("host_name", body.host_name.as_ref()),
    ];
    for (field, text) in fields {
        let Some(text) = text else { continue };
        if text.trim().is_empty() {
            return Err(refuse(ProblemCode::Malformed, format!("{field} is empty."), sequence));
        }
        if text.chars().any(char::is_control) {
            let detail = format!("{field} holds a control character.");
            return Err(refuse(ProblemCode::Malformed, detail, sequence));
        }
    }
    Ok(())
}

fn usable_token(workset: &Workset, id: TokenId, sequence: u64, now: Timestamp) -> Result<&Token, Refused> {
    let Some(token) = workset.tokens.get(&id) else {
        return Err(refuse(ProblemCode::TokenUnknown, "", sequence));
    };
    if let Some(at) = token.revoked_at {
        return Err(refuse(ProblemCode::TokenRevoked, format!("It was revoked on {at}."), sequence));
    }
    if token.expires_at <= now {
        return Err(refuse(
            ProblemCode::TokenExpired,
            format!("It expired on {}.", token.expires_at),
            sequence,
        ));
    }
    if let Some(most) = token.uses_max.filter(|&most| token.uses >= most) {
        return Err(refuse(ProblemCode::TokenExhausted, format!("It could be used {most} times."), sequence));
    }
    if workset.virtual_accounts.get(&token.virtual_account).is_none() {
        return Err(refuse(ProblemCode::TokenRevoked, "Its virtual account was deleted.", sequence));
    }
    Ok(token)
}

/// The record of a certificate that is valid from this second on.
pub(super) fn new_record(key_hash: Sha256, context: &mut Context<'_>) -> CertificateRecord {
    let not_before = Timestamp::from_second(context.now.as_second()).unwrap_or(context.now);
    let validity = SignedDuration::from_hours(24 * context.policy.id_certificate_days);
    CertificateRecord {
        serial: serial_text(&context.ids.certificate_serial()),
        not_before,
        not_after: not_before.checked_add(validity).unwrap_or(Timestamp::MAX),
        key_hash,
    }
}
