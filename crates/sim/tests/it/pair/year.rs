//! A year of one instance, reporting every 15 minutes.

use seatpool_agent::status::{AuthorizationState, RegistrationState};
use seatpool_domain::EventKind;
use seatpool_proto::RequestBody;

use seatpool_sim::world::{STANDARD, tag, year};

#[test]
fn a_year_of_reports_all_arrive_and_count() {
    let world = year::live();

    let reports = world.exchanges.iter().filter(|exchange| match &exchange.request.body {
        RequestBody::Authorization(report) => report.scheduled,
        _ => false,
    });
    assert_eq!(
        reports.count(),
        year::DAYS.unsigned_abs() as usize * 24 * 4,
        "one report every 15 minutes, none missing, none twice"
    );
    assert!(world.exchanges.iter().all(|e| e.answered), "every request was answered");
    let sequences: Vec<u64> = world.exchanges.iter().map(|exchange| exchange.request.sequence).collect();
    assert!(sequences.windows(2).all(|pair| pair[0] + 1 == pair[1]), "sequence numbers rise by one");

    // Two renewals of the ID certificate, at six months each; the reports renew the authorization all along.
    let day = |minute: i64| minute / (24 * 60);
    let renewals: Vec<i64> = world.minutes_of("id-certificate-renewal").into_iter().map(day).collect();
    assert_eq!(renewals, [180, 360]);
    assert_eq!(world.minutes_of("authorization-renewal"), [0; 0]);
    let told: Vec<&str> = world.counts().into_keys().collect();
    assert_eq!(told, ["enforcement_mode_changed", "registration_succeeded", "renewal_succeeded"]);

    // Both sides agree on the last figures, and nothing was ever short.
    let status = world.status();
    assert_eq!(status.registration.state, RegistrationState::Registered);
    assert_eq!(status.authorization.state, AuthorizationState::Authorized);
    let facts = &world.manager.facts;
    let instance = facts.instances.values().next().unwrap();
    for entitlement in &status.entitlements {
        let usage = facts.usage.get(&(instance.id, entitlement.tag.clone())).unwrap();
        assert_eq!(usage.peak, entitlement.reported, "{}", entitlement.tag);
        let total = facts.totals.get(&(world.manager.virtual_account, entitlement.tag.clone())).unwrap();
        assert!(total.short.is_zero());
    }
    assert_eq!(facts.usage.get(&(instance.id, tag(STANDARD))).unwrap().peak.count(), 4);
    assert_eq!(instance.conversation.sequence, *sequences.last().unwrap());
    let kinds = [EventKind::OutOfCompliance, EventKind::InstanceRewound, EventKind::InstanceCloned];
    assert!(world.logged(&kinds).is_empty());
}
