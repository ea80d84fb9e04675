//! Reservations: made for a request code, changed, confirmed and given back.

pub(in crate::command) mod holds;
mod rehost;

use seatpool_proto::code::authorization::{CODE_SEQUENCE_MAX, ENTITLEMENTS_MAX};
use seatpool_proto::code::{PublicPoint, RequestCode, ReservationKind, Returned};
use seatpool_proto::{ProductInstanceId, VirtualAccountId};

pub(super) use self::rehost::rehost;
use super::{By, Context, Outcome, Refused, known};
use crate::command::{ReserveLine, registration, words};
use crate::event::{Event, EventKind};
use crate::instance::{Conversation, EndReason, Instance};
use crate::reservation::{Hold, Issued, Reservation, ReservationEnd, ReservationEnded};
use crate::workset::{Touches, Workset};

pub(super) fn touches_new(
    virtual_account: VirtualAccountId,
    request: &RequestCode,
    lines: &[ReserveLine],
) -> Touches {
    Touches {
        virtual_accounts: [virtual_account].into(),
        pools_in: [virtual_account].into(),
        udis: [request.udi.clone()].into(),
        tags: lines.iter().map(|line| line.tag.clone()).collect(),
        ..Touches::default()
    }
}

pub(super) fn touches(instance: ProductInstanceId, lines: &[ReserveLine]) -> Touches {
    Touches {
        instances: [instance].into(),
        reservations: [instance].into(),
        tags: lines.iter().map(|line| line.tag.clone()).collect(),
        ..Touches::default()
    }
}

fn refused(code: &'static str, detail: impl Into<String>) -> Refused {
    Refused::Reservation { code, detail: detail.into() }
}

/// The open reservation of an instance.
fn open(workset: &Workset, instance: ProductInstanceId) -> Result<&Reservation, Refused> {
    let found = workset.reservations.get(&instance).filter(|reservation| reservation.is_open());
    found.ok_or(Refused::Unknown { what: "reservation" })
}

/// Reserves for a new request code.
pub(super) fn make(
    virtual_account: VirtualAccountId,
    request: &RequestCode,
    manager: PublicPoint,
    lines: &[ReserveLine],
    by: &By,
    workset: &mut Workset,
    context: &mut Context<'_>,
) -> Result<Outcome, Refused> {
    let place = known(workset, virtual_account)?.name.clone();
    check_kind(request.kind, lines, workset)?;
    let digest = request.digest();
    let of_device = || workset.reservations.values().filter(|row| row.udi == request.udi);
    if let Some(before) = of_device().find(|row| row.request == digest) {
        return if !before.is_open() {
            Err(refused(
                "request_used",
                "this request code was used before, and its reservation has ended: make a new one on the product with \
                 `license smart reservation cancel` and `request`",
            ))
        } else if before.virtual_account == virtual_account && holds::says_the_same(before, lines) {
            Ok(Outcome::Reserved(before.instance))
        } else {
            Err(refused(
                "request_used",
                format!(
                    "this request code has its authorization code already, in {}: take that, or change the reservation \
                     with Update Reserved Licenses",
                    workset.name_of(before.virtual_account)
                ),
            ))
        };
    }
    if let Some(before) = of_device().find(|row| row.is_open()) {
        return Err(refused(
            "already_reserved",
            format!(
                "this product instance holds a reservation in {}, made on {} for another request code: enter the return \
                 code of that first, or rehost its licenses if the product failed",
                workset.name_of(before.virtual_account),
                before.issued.at
            ),
        ));
    }
    let registered = workset.instances.values().find(|row| row.udi == request.udi && row.is_registered());
    if let Some(row) = registered {
        return Err(refused(
            "registered",
            format!(
                "{} is registered in {} over the network: deregister it, or remove it here, before it reserves licenses",
                row.label(),
                workset.name_of(row.virtual_account)
            ),
        ));
    }

    let last = of_device().map(|row| row.highest).max();
    let chosen = holds::choose(virtual_account, lines, None, holds::Carried::ByCode, workset, context)?;
    let instance = ProductInstanceId(context.ids.uuid());
    let issued = issued(chosen, last, by, workset, context)?;
    let reservation = Reservation {
        instance,
        virtual_account,
        udi: request.udi.clone(),
        kind: request.kind,
        request: digest,
        device: request.public_key,
        manager,
        highest: issued.sequence,
        issued,
        transit: None,
        rehost: None,
        ended: None,
    };
    workset.instances.insert(instance, reserved_instance(&reservation, workset.account.export_permitted));
    workset.count_instance(virtual_account, true);
    let what = holds::words(&reservation.issued, context);
    let message =
        format!("Reserved in {place} for {}: {what}.", reserved_instance(&reservation, false).label());
    record(EventKind::ReservationMade, message, &reservation, by, workset, context);
    holds::put(reservation, by, workset, context);
    Ok(Outcome::Reserved(instance))
}

/// Changes what a reservation holds; all that it is to hold is given.
pub(super) fn update(
    instance: ProductInstanceId,
    lines: &[ReserveLine],
    by: &By,
    workset: &mut Workset,
    context: &mut Context<'_>,
) -> Result<Outcome, Refused> {
    let mut reservation = open(workset, instance)?.clone();
    if reservation.kind == ReservationKind::Universal {
        return Err(refused(
            "universal",
            "a universal reservation holds all licenses: there is nothing to change",
        ));
    }
    check_kind(reservation.kind, lines, workset)?;
    if let Some(next) = &reservation.transit {
        return if holds::says_the_same(&reservation, lines) {
            Ok(Outcome::Reserved(instance))
        } else {
            Err(refused(
                "in_transit",
                format!(
                    "the change of {} waits for its confirmation code: enter that first, as the product showed it when \
                     the authorization code was installed",
                    next.at
                ),
            ))
        };
    }
    let chosen = holds::choose(
        reservation.virtual_account,
        lines,
        Some(&reservation),
        holds::Carried::ByCode,
        workset,
        context,
    )?;
    let next = issued(chosen, Some(reservation.highest), by, workset, context)?;
    reservation.highest = next.sequence;
    let before = holds::words(&reservation.issued, context);
    let after = holds::words(&next, context);
    let message = format!(
        "The reservation of {} is to be {after}; it was {before}. Until its confirmation code is entered, of each license \
         the larger number is held.",
        label(&reservation, workset)
    );
    reservation.transit = Some(next);
    let event = Event {
        before: Some(before),
        after: Some(after),
        ..event(EventKind::ReservationUpdated, message, &reservation, by, context)
    };
    workset.record(event);
    holds::put(reservation, by, workset, context);
    Ok(Outcome::Reserved(instance))
}

/// Ends the transit of a change: the product has installed it.
pub(super) fn confirm(
    instance: ProductInstanceId,
    sequence: u64,
    by: &By,
    workset: &mut Workset,
    context: &mut Context<'_>,
) -> Result<Outcome, Refused> {
    let mut reservation = open(workset, instance)?.clone();
    match reservation.transit.take_if(|next| next.sequence == sequence) {
        Some(next) => {
            reservation.issued = next;
            let message = format!(
                "The confirmation code of {} was entered: it holds {}.",
                label(&reservation, workset),
                holds::words(&reservation.issued, context)
            );
            record(EventKind::ReservationConfirmed, message, &reservation, by, workset, context);
            holds::put(reservation, by, workset, context);
            Ok(Outcome::Reserved(instance))
        }
        // Entered once more.
        None if reservation.issued.sequence == sequence => Ok(Outcome::Reserved(instance)),
        None => {
            Err(refused("confirmed", "this reservation has no change that waits for this confirmation code"))
        }
    }
}

/// Takes back what a return code gives: the reservation, or a change that was never installed.
pub(super) fn give_back(
    instance: ProductInstanceId,
    sequence: u64,
    returned: Returned,
    by: &By,
    workset: &mut Workset,
    context: &mut Context<'_>,
) -> Result<Outcome, Refused> {
    let reservation = workset.reservations.get(&instance).ok_or(Refused::Unknown { what: "reservation" })?;
    if let Some(end) = &reservation.ended {
        return match end.how {
            // Entered once more.
            ReservationEnded::Returned => Ok(Outcome::Done),
            ReservationEnded::Rehosted => Err(refused(
                "rehosted",
                format!(
                    "the licenses of this reservation were released on {}, without its return code",
                    end.at
                ),
            )),
        };
    }
    if reservation.code(sequence).is_none() {
        let detail = "this return code is of an authorization code that is no longer the product's: enter the one that it \
                      printed last";
        return Err(refused("another_code", detail));
    }
    let mut reservation = reservation.clone();
    let of_transit = reservation.transit.as_ref().is_some_and(|next| next.sequence == sequence);
    if of_transit && returned == Returned::Change {
        reservation.transit = None;
        let message = format!(
            "The change of the reservation of {} was given back before it was installed: it holds {} as before.",
            label(&reservation, workset),
            holds::words(&reservation.issued, context)
        );
        record(EventKind::ReservationReturned, message, &reservation, by, workset, context);
        holds::put(reservation, by, workset, context);
        return Ok(Outcome::Done);
    }
    let message = format!(
        "{} gave its reservation back: {} are free, and it is a product instance here no longer.",
        label(&reservation, workset),
        holds::words(reservation.latest(), context)
    );
    record(EventKind::ReservationReturned, message, &reservation, by, workset, context);
    end(reservation, ReservationEnded::Returned, by, workset, context);
    Ok(Outcome::Done)
}

/// Frees all that a reservation holds, and ends its product instance.
fn end(
    mut reservation: Reservation,
    how: ReservationEnded,
    by: &By,
    workset: &mut Workset,
    context: &Context<'_>,
) {
    let instance = reservation.instance;
    reservation.ended = Some(ReservationEnd { at: context.now, how });
    reservation.rehost = None;
    holds::put(reservation, by, workset, context);
    let reason = match how {
        ReservationEnded::Returned => EndReason::Deregistered,
        ReservationEnded::Rehosted => EndReason::Removed,
    };
    registration::end(instance, reason, by, workset, context);
}

/// Whether such a reservation may be made of such lines.
fn check_kind(kind: ReservationKind, lines: &[ReserveLine], workset: &Workset) -> Result<(), Refused> {
    match kind {
        ReservationKind::Specific if lines.is_empty() => {
            Err(words::invalid("licenses", "are missing: choose at least one license to reserve"))
        }
        ReservationKind::Specific if lines.len() > ENTITLEMENTS_MAX => {
            let problem = format!("are {}: a code holds at most {ENTITLEMENTS_MAX}", lines.len());
            Err(words::invalid("licenses", problem))
        }
        ReservationKind::Specific => Ok(()),
        ReservationKind::Universal if !workset.account.universal_permitted => Err(refused(
            "universal_not_permitted",
            "this smart account is not permitted universal reservation: request a specific one on the product with \
             `license smart reservation request specific`, or ask the vendor",
        )),
        ReservationKind::Universal if !lines.is_empty() => Err(words::invalid(
            "licenses",
            "are given: a universal reservation holds all licenses, without counting",
        )),
        ReservationKind::Universal => Ok(()),
    }
}

/// What the next authorization code says.
fn issued(
    held: Vec<Hold>,
    last: Option<u64>,
    by: &By,
    workset: &Workset,
    context: &Context<'_>,
) -> Result<Issued, Refused> {
    let now = u64::try_from(context.now.as_millisecond()).unwrap_or_default();
    let sequence = last.map_or(now, |last| now.max(last.saturating_add(1)));
    if sequence > CODE_SEQUENCE_MAX {
        return Err(words::invalid("clock", "is beyond the year 10889: set it right"));
    }
    let entitlements = holds::entitlements(&held, workset, context);
    if entitlements.len() > ENTITLEMENTS_MAX {
        let problem =
            format!("come from {} lots: a code holds at most {ENTITLEMENTS_MAX}", entitlements.len());
        return Err(words::invalid("licenses", problem));
    }
    Ok(Issued { sequence, at: context.now, by: by.actor.name().to_owned(), holds: held, entitlements })
}

/// The product instance that a reservation makes: nothing of the product is known but its device.
fn reserved_instance(reservation: &Reservation, export_controlled: bool) -> Instance {
    let at = reservation.issued.at;
    Instance {
        id: reservation.instance,
        virtual_account: reservation.virtual_account,
        udi: reservation.udi.clone(),
        host_name: None,
        product_name: reservation.udi.pid.clone(),
        product_type: reservation.udi.pid.clone(),
        product_version: None,
        first_registered_at: at,
        registered_at: at,
        last_contact_at: at,
        export_controlled,
        certificate: None,
        previous_certificate: None,
        pending: None,
        exports: Vec::new(),
        authorized_until: None,
        counted: true,
        conversation: Conversation::default(),
        ended: None,
    }
}

fn label(reservation: &Reservation, workset: &Workset) -> String {
    match workset.instances.get(&reservation.instance) {
        Some(instance) => instance.label(),
        None => reserved_instance(reservation, false).label(),
    }
}

fn event(
    kind: EventKind,
    message: String,
    reservation: &Reservation,
    by: &By,
    context: &Context<'_>,
) -> Event {
    Event {
        virtual_account: Some(reservation.virtual_account),
        instance: Some(reservation.instance),
        ..by.event(kind, context.now, message)
    }
}

fn record(
    kind: EventKind,
    message: String,
    reservation: &Reservation,
    by: &By,
    workset: &mut Workset,
    context: &Context<'_>,
) {
    workset.record(event(kind, message, reservation, by, context));
}
