//! Renewals of the ID certificate and of the authorization, and their ends.

use seatpool_agent::Command;

use crate::script::check;
use crate::world::{World, hours};

#[test]
fn the_certificate_is_renewed_at_180_days() {
    check(
        "unified-ccx-12.5",
        "0 register
         1d show
         200d show
         400d show",
        "0 registration_succeeded
         1d Registered/NoLicensesInUse
         180d renewal_succeeded
         200d Registered/NoLicensesInUse
         360d renewal_succeeded
         400d Registered/NoLicensesInUse",
    );
}

#[test]
fn a_failed_renewal_is_tried_by_the_schedule() {
    // Only the renewals are refused: reports come at other times.
    check(
        "unified-ccx-12.5",
        "0 register
         179d23h refuse internal 2
         180d2h show",
        "0 registration_succeeded
         180d renewal_failed
         180d request_refused
         180d15m renewal_succeeded
         180d2h Registered/NoLicensesInUse",
    );
}

#[test]
fn without_contact_authorization_ends_at_90_days_and_is_enforced_at_180() {
    check(
        "unified-ccx-12.5",
        "0 register
         0 use CCX_FLEX_STANDARD 10
         1d away
         1d may user-sync
         89d show
         91d show graces
         91d show
         179d may user-sync
         181d may user-sync
         181d may anything-else
         181d show
         181d back
         181d8h show
         181d8h may user-sync",
        "",
    );
}

#[test]
fn the_registration_expires_with_its_certificate_and_evaluation_does_not_resume() {
    check(
        "unified-ccx-12.5",
        "0 use CCX_FLEX_STANDARD 10
         1d register
         300d away
         365d show
         366d1s show
         366d1s show evaluation
         390d back
         390d update
         391d show
         391d register
         391d show",
        "",
    );
}

#[test]
fn the_authorization_is_renewed_at_30_days_when_reports_fail() {
    let mut world = World::new("unified-ccx-12.5");
    world.register(false).unwrap();
    world.run(hours(1));
    world.manager.failing = Some(seatpool_agent::FailureKind::Timeout);
    world.run(hours(24 * 30 + 4));
    let renewals: Vec<i64> = world
        .sent
        .iter()
        .filter(|(_, t)| t.request.body.kind() == "authorization-renewal")
        .map(|(at, _)| at.duration_since(crate::world::start()).as_mins() - 30 * 24 * 60)
        .collect();
    assert_eq!(renewals, [0, 15, 30, 45, 60, 75, 90, 105, 120]);
}

#[test]
fn by_hand_both_are_renewed_at_once() {
    check(
        "unified-ccx",
        "0 register
         1h renew auth
         2h renew id
         3h renew key",
        "0 registration_succeeded
         1h authorization_renewed
         2h renewal_succeeded
         3h renewal_succeeded",
    );
}

#[test]
fn a_renewal_keeps_the_key_unless_one_is_handed_in() {
    let mut world = World::new("unified-ccx");
    world.register(false).unwrap();
    let first = world.agent.state().certificate().unwrap().key.clone();
    world.command(Command::RenewRegistration { new_key: None }).unwrap();
    let sent = &world.sent.last().unwrap().1;
    assert!(sent.co_signing.is_none());
    assert_eq!(world.agent.state().certificate().unwrap().key, first);
    let new_key = world.new_key();
    world.command(Command::RenewRegistration { new_key: Some(new_key.clone()) }).unwrap();
    let sent = &world.sent.last().unwrap().1;
    assert_eq!(sent.signing.key, first.id);
    assert_eq!(sent.co_signing.as_ref().map(|c| (c.key, c.certificates.len())), Some((new_key.id, 0)));
    assert_eq!(world.agent.state().certificate().unwrap().key, new_key);
    assert_eq!(world.agent.state().keys().collect::<Vec<_>>(), [new_key.id]);
}
