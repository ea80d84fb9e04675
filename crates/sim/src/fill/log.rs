//! The event log.

use seatpool_domain::{Actor, Event, EventKind, Workset};
use seatpool_proto::ProductInstanceId;

use super::LOGIN;
use super::customer::{Customer, id, mixed};

/// An event that is not in the chain yet.
pub(super) fn event(customer: &Customer, place: u64, kind: EventKind, hours: i64, message: String) -> Event {
    Event {
        number: 0,
        at: customer.hours(hours),
        actor: Actor::User(LOGIN.to_owned()),
        source: Some("192.0.2.7".to_owned()),
        kind,
        virtual_account: Some(customer.place(place)),
        tag: None,
        instance: None,
        message,
        before: None,
        after: None,
        previous_hash: None,
        hash: None,
    }
}

/// Writes one event of an instance's life.
pub(super) fn put(customer: &Customer, workset: &mut Workset, number: u64) {
    let chance = mixed(number ^ 0x109);
    let instance = ProductInstanceId(id(3, chance % 1_000));
    let (kind, what) = match chance % 10 {
        0..4 => (EventKind::InstanceRegistered, "registered"),
        4..7 => (EventKind::InstanceRenewed, "renewed its ID certificate"),
        7 => (EventKind::AuthorizationExpired, "was not in contact until its authorization ended"),
        8 => (EventKind::OutOfCompliance, "reported more than is owned"),
        _ => (EventKind::InCompliance, "reported what is owned"),
    };
    let message = format!("The product instance contact-centre-{:06} {what}.", chance % 200_000);
    let place = (chance >> 20) % customer.places();
    let made = event(customer, place, kind, 0, message);
    let made = Event { actor: Actor::Instance(instance.to_string()), instance: Some(instance), ..made };
    let made = made.chain(&mut workset.account);
    workset.events.push(made);
}
