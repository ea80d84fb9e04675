//! Releasing the licences of a product that failed, without its return code (features.md, A12).

use seatpool_proto::ProductInstanceId;

use super::{By, Context, Outcome, Refused, end, holds, label, open, record, refused};
use crate::command::{Actor, RehostStep, words};
use crate::event::EventKind;
use crate::reservation::{RehostAsked, ReservationEnded};
use crate::workset::Workset;

/// Asks for, approves, refuses or carries out a release. Nobody approves what they asked for themselves.
pub(in crate::command::admin) fn rehost(
    instance: ProductInstanceId,
    step: RehostStep,
    reason: &str,
    by: &By,
    workset: &mut Workset,
    context: &mut Context<'_>,
) -> Result<Outcome, Refused> {
    let reason = words::lines("reason", reason)?;
    let mut reservation = open(workset, instance)?.clone();
    let product = label(&reservation, workset);
    let needs_reason = matches!(step, RehostStep::Release | RehostStep::Ask | RehostStep::Refuse);
    if needs_reason && reason.is_empty() {
        return Err(words::invalid("reason", "is missing: say what happened to the product"));
    }
    let asked = |reservation: &crate::reservation::Reservation| {
        reservation.rehost.clone().ok_or_else(|| {
            refused("not_asked", "nobody has asked to release the licenses of this product instance")
        })
    };
    match step {
        RehostStep::Ask => {
            // Nobody could approve it: two persons are to agree.
            if !matches!(by.actor, Actor::User(_)) {
                return Err(refused(
                    "not_a_person",
                    "a person asks for this, and a second one approves it, not a program: sign in to the portal, or use a token \
                     of your own",
                ));
            }
            if let Some(asked) = &reservation.rehost {
                return Err(refused(
                    "asked",
                    format!("{} asked for this on {}: a second person is to approve it", asked.by, asked.at),
                ));
            }
            let name = by.actor.name().to_owned();
            let message = format!(
                "{name} asks to release the licenses of {product} without its return code. Reason: {reason}"
            );
            reservation.rehost = Some(RehostAsked { at: context.now, by: name, is_person: true, reason });
            record(EventKind::RehostAsked, message, &reservation, by, workset, context);
            holds::put(reservation, by, workset, context);
        }
        RehostStep::Refuse => {
            let asked = asked(&reservation)?;
            let message = format!(
                "What {} asked for, to release the licenses of {product}, was refused: {reason}",
                asked.by
            );
            reservation.rehost = None;
            record(EventKind::RehostRefused, message, &reservation, by, workset, context);
            holds::put(reservation, by, workset, context);
        }
        RehostStep::Approve => {
            if !matches!(by.actor, Actor::User(_)) {
                return Err(refused(
                    "not_a_person",
                    "a person approves this, not a program: sign in to the portal, or use a token of your own",
                ));
            }
            let asked = asked(&reservation)?;
            // Of earlier times, when programs could ask.
            if !asked.is_person {
                return Err(refused(
                    "not_a_person",
                    format!(
                        "{} is a program: two persons are to agree. Refuse this, and have a person ask in the portal",
                        asked.by
                    ),
                ));
            }
            if asked.by == by.actor.name() {
                return Err(refused(
                    "own_request",
                    "you asked for this yourself: a second person is to approve it",
                ));
            }
            let why =
                format!("{} asked for it ({}), and {} approved", asked.by, asked.reason, by.actor.name());
            release(&why, &product, reservation, by, workset, context);
        }
        RehostStep::Release => {
            let why = format!("Reason: {reason}");
            release(&why, &product, reservation, by, workset, context);
        }
    }
    Ok(Outcome::Done)
}

fn release(
    why: &str,
    product: &str,
    reservation: crate::reservation::Reservation,
    by: &By,
    workset: &mut Workset,
    context: &Context<'_>,
) {
    let message = format!(
        "The licenses of {product} were released without its return code: {} are free. {why}. Should the product still \
         run, it goes on to use them.",
        holds::words(reservation.latest(), context)
    );
    record(EventKind::ReservationRehosted, message, &reservation, by, workset, context);
    end(reservation, ReservationEnded::Rehosted, by, workset, context);
}
