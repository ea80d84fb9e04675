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
        "0 quiet authorization_renewal_failed
         0 quiet renewal_failed
         0 register
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
        "0 registration_succeeded
         1d user-sync allowed
         1d8h communication_failed
         89d Registered/Authorized
         91d authorization_expired
         91d graces AuthorizationExpired@181d
         91d Registered/Expired
         179d user-sync allowed
         181d enforcement_started
         181d user-sync refused since 181d: AuthorizationExpired
         181d anything-else allowed
         181d Registered/Expired enforced
         181d2h communication_restored
         181d2h renewal_succeeded
         181d2h authorization_renewed
         181d2h authorization_restored
         181d2h enforcement_stopped
         181d8h Registered/Authorized
         181d8h user-sync allowed",
    );
}

#[test]
fn the_registration_expires_with_its_certificate_and_evaluation_does_not_resume() {
    check(
        "unified-ccx-12.5",
        "0 quiet renewal_failed
         0 quiet authorization_renewal_failed
         0 use CCX_FLEX_STANDARD 10
         1d register
         180d deny id-certificate-renewal
         365d23h show
         365d23h show alerts
         366d1h show
         366d1h show evaluation
         366d1h show jobs
         367d update
         456d show
         460d back
         460d show
         460d register
         460d show",
        "0 evaluation_started
         1d registration_succeeded
         306d certificate_warning
         336d certificate_warning
         345d certificate_warning
         352d certificate_warning
         359d certificate_warning
         360d certificate_warning
         361d certificate_warning
         362d certificate_warning
         363d certificate_warning
         364d certificate_warning
         365d certificate_warning
         365d23h Registered/Authorized
         365d23h alerts renewal_failed certificate_warning
         366d registration_expired
         366d1h Expired/Authorized
         366d1h evaluation stands 89d
         366d1h jobs AuthorizationRenewal@395d16h AuthorizationEnd@455d16h Enforcement@545d16h
         367d refused: registration_expired
         455d16h authorization_expired
         456d Expired/Expired
         460d Expired/Expired
         460d registration_succeeded
         460d authorization_restored
         460d Registered/Authorized",
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
