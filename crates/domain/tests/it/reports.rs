//! Usage reports: what is counted, what is answered, and when it stops counting.

use jiff::SignedDuration;
use seatpool_domain::EventKind;
use seatpool_proto::message::{Authorization, AuthorizationStatus, TagStatus};
use seatpool_proto::{TokenId, VirtualAccountId};

use crate::agent::Agent;
use crate::world::{World, q, tag};

fn world_with(owned: &[(&str, u64)]) -> (World, VirtualAccountId, TokenId) {
    let mut world = World::new();
    let va = world.default_va();
    let token = world.create_token(va, None);
    for (n, (name, quantity)) in owned.iter().enumerate() {
        world.order(va, &format!("PO-{n}"), name, *quantity);
    }
    (world, va, token)
}

fn registered(world: &mut World, token: TokenId, number: u8) -> Agent {
    let mut agent = Agent::new(number);
    agent.register(world, token).unwrap();
    agent
}

/// An answer as `status: tag status owned/in use/short, …`.
fn text(answer: &Authorization) -> String {
    let tags: Vec<String> = answer
        .tags
        .iter()
        .map(|tag| format!("{} {:?} {}/{}/{}", tag.tag, tag.status, tag.owned, tag.in_use, tag.short))
        .collect();
    format!("{:?}: {}", answer.status, tags.join(", "))
}

#[test]
fn answers_say_where_each_tag_stands() {
    let (mut world, _, token) = world_with(&[("P", 10), ("S", 40), ("SRV", 1)]);
    let mut agent = registered(&mut world, token, 1);
    let mut check = |usage: &[crate::agent::Figure], expected: &str| {
        assert_eq!(text(&agent.report(&mut world, usage).unwrap()), expected, "{usage:?}");
    };
    check(&[("P", 10, None), ("S", 40, None)], "Authorized: P InCompliance 10/10/0, S InCompliance 40/40/0");
    check(&[("P", 4, None), ("S", 46, None)], "Authorized: P InCompliance 10/4/0, S InCompliance 40/46/0");
    check(
        &[("P", 4, None), ("S", 47, None)],
        "OutOfCompliance: P InCompliance 10/4/0, S OutOfCompliance 40/47/1",
    );
    check(
        &[("P", 12, None), ("S", 40, None)],
        "OutOfCompliance: P OutOfCompliance 10/12/2, S InCompliance 40/40/0",
    );
    check(&[("P", 0, None), ("S", 0, None)], "NoLicensesInUse: P NotInUse 10/0/0, S NotInUse 40/0/0");
    check(&[], "NoLicensesInUse: ");
    check(&[("NEW", 3, None)], "NoLicensesInUse: NEW InvalidTag 0/0/0");
    check(&[("NEW", 3, None), ("S", 1, None)], "Authorized: NEW InvalidTag 0/0/0, S InCompliance 40/1/0");
    check(&[("PORT", 3, None)], "OutOfCompliance: PORT OutOfCompliance 0/3/3");
    check(&[("SRV", 0, None), ("S", 0, None)], "NoLicensesInUse: SRV InCompliance 1/0/0, S NotInUse 40/0/0");
}

#[test]
fn a_licence_that_must_be_present_is_short_at_usage_0() {
    let (mut world, va, token) = world_with(&[]);
    let mut agent = registered(&mut world, token, 1);
    let answer = agent.report(&mut world, &[("SRV", 0, None)]).unwrap();
    assert_eq!(text(&answer), "OutOfCompliance: SRV OutOfCompliance 0/0/1");
    assert_eq!(world.last_message(), "Server is needed in Default, and none is owned.");
    world.order(va, "PO-1", "SRV", 1);
    assert_eq!(world.last_message(), "Server in Default is in compliance again.");
    let answer = agent.report(&mut world, &[("SRV", 0, None)]).unwrap();
    assert_eq!(answer.status, AuthorizationStatus::NoLicensesInUse);
}

#[test]
fn a_tag_that_is_not_for_the_product_is_not_counted() {
    let (mut world, va, token) = world_with(&[("S", 5)]);
    let mut agent = Agent { product_type: "unified-cce".into(), ..Agent::new(1) };
    agent.register(&mut world, token).unwrap();
    let answer = agent.report(&mut world, &[("PORT", 3, None), ("S", 2, None)]).unwrap();
    assert_eq!(text(&answer), "Authorized: PORT NotApplicable 0/0/0, S InCompliance 5/2/0");
    assert!(!world.totals.contains_key(&(va, tag("PORT"))));
}

#[test]
fn only_those_who_use_a_short_licence_are_told() {
    let (mut world, _, token) = world_with(&[("P", 5), ("S", 5)]);
    let (mut heavy, mut light, mut idle) = (
        registered(&mut world, token, 1),
        registered(&mut world, token, 2),
        registered(&mut world, token, 3),
    );
    heavy.report(&mut world, &[("S", 30, None)]).unwrap();
    let answer = light.report(&mut world, &[("S", 1, None)]).unwrap();
    assert_eq!(answer.status, AuthorizationStatus::OutOfCompliance, "whichever caused it");
    let answer = idle.report(&mut world, &[("S", 0, None), ("P", 1, None)]).unwrap();
    assert_eq!(text(&answer), "Authorized: S NotInUse 5/31/0, P InCompliance 5/1/0");
}

#[test]
fn usage_of_a_higher_tier_counts_in_the_cumulative_demand_of_lower_ones() {
    // Without it, 10 premium seats would leave 30 + 10 licences for 40 standard seats of another instance.
    let (mut world, va, token) = world_with(&[("P", 10), ("S", 30)]);
    let (mut premium, mut standard) = (registered(&mut world, token, 1), registered(&mut world, token, 2));
    premium.report(&mut world, &[("P", 10, None)]).unwrap();
    let answer = standard.report(&mut world, &[("S", 40, None)]).unwrap();
    assert_eq!(text(&answer), "OutOfCompliance: S OutOfCompliance 30/40/10");
    premium.report(&mut world, &[("P", 0, None)]).unwrap();
    assert_eq!(world.total(va, "S").short, q(0));
}

#[test]
fn what_a_report_leaves_out_is_0() {
    let (mut world, va, token) = world_with(&[("S", 5), ("PORT", 5)]);
    let mut agent = registered(&mut world, token, 1);
    agent.report(&mut world, &[("S", 5, None), ("PORT", 2, None)]).unwrap();
    agent.report(&mut world, &[("S", 4, None)]).unwrap();
    assert_eq!(world.total(va, "PORT").peak, q(0));
    assert!(!world.usage.contains_key(&(agent.id(), tag("PORT"))));
}

/// Scenario 1 of the reference documents, as the pool sees it: 100 owned, 130 used, locked, 30 more.
#[test]
fn locked_usage_is_held_until_it_is_bought() {
    let (mut world, va, token) = world_with(&[("PORT", 100)]);
    let mut agent = registered(&mut world, token, 1);
    agent.report(&mut world, &[("PORT", 100, None)]).unwrap();
    for peak in [130, 120, 110, 105, 101] {
        world.advance(900);
        let answer = agent.report(&mut world, &[("PORT", peak, None)]).unwrap();
        assert_eq!(answer.tags[0].short, q(peak - 100), "until it is locked, it is what it is");
    }
    world.advance(900);
    let answer = agent.report(&mut world, &[("PORT", 60, Some(130))]).unwrap();
    assert_eq!(text(&answer), "OutOfCompliance: PORT OutOfCompliance 100/130/30");
    let since = world.total(va, "PORT").short_since.unwrap();
    assert_eq!(world.now.duration_since(since), SignedDuration::from_secs(5 * 900));
    world.order(va, "PO-2", "PORT", 29);
    assert_eq!(world.total(va, "PORT").short, q(1));
    world.order(va, "PO-3", "PORT", 1);
    assert_eq!(world.total(va, "PORT").short, q(0));
    let answer = agent.report(&mut world, &[("PORT", 60, Some(130))]).unwrap();
    assert_eq!(text(&answer), "Authorized: PORT InCompliance 130/130/0");
    let answer = agent.report(&mut world, &[("PORT", 60, None)]).unwrap();
    assert_eq!(text(&answer), "Authorized: PORT InCompliance 130/60/0", "unlocked");
    assert_eq!(world.total(va, "PORT").run_high, q(0));
}

#[test]
fn several_locked_instances_are_held_to_what_they_used_together() {
    let (mut world, va, token) = world_with(&[("S", 100)]);
    let (mut one, mut two) = (registered(&mut world, token, 1), registered(&mut world, token, 2));
    one.report(&mut world, &[("S", 90, None)]).unwrap();
    two.report(&mut world, &[("S", 20, None)]).unwrap();
    one.report(&mut world, &[("S", 30, Some(90))]).unwrap();
    two.report(&mut world, &[("S", 75, Some(75))]).unwrap();
    assert_eq!(world.total(va, "S").short, q(10), "110 together at most, not 90 + 75");
    two.deregister(&mut world).unwrap();
    assert_eq!(world.total(va, "S").short, q(0), "who leaves takes its part along");
}

#[test]
fn an_authorization_lasts_90_days_from_the_last_answer_and_counts_again_after() {
    let (mut world, va, token) = world_with(&[("S", 5)]);
    let (mut agent, mut quiet) = (registered(&mut world, token, 1), registered(&mut world, token, 2));
    let answer = agent.report(&mut world, &[("S", 7, None)]).unwrap();
    quiet.report(&mut world, &[]).unwrap();
    let day = |days: i64| SignedDuration::from_hours(24 * days);
    assert_eq!(answer.authorized_until, world.now + day(90));
    assert_eq!(answer.renew_at, world.now + day(30));
    world.advance(30 * 86_400);
    let answer = agent.renew_authorization(&mut world).unwrap();
    assert_eq!(answer.authorized_until, world.now + day(90));
    assert_eq!(text(&answer), "OutOfCompliance: E NotInUse 0/0/0, S OutOfCompliance 5/7/2");

    let events = world.events.len();
    world.advance(60 * 86_400);
    assert_eq!(world.kinds_since(events), [EventKind::AuthorizationExpired]);
    let message = world.last_message();
    assert!(
        message.starts_with("The authorization of sn2.example.com (PID UCCX, SN SN2) in Default ended on")
    );
    assert!(message.ends_with("It used no licenses."), "{message}");
    let events = world.events.len();
    world.advance(30 * 86_400);
    assert_eq!(world.kinds_since(events), [EventKind::AuthorizationExpired, EventKind::InCompliance]);
    let message = &world.events[events].message;
    assert!(message.ends_with("Its 7 of Flex Standard no longer count."), "{message}");
    assert_eq!(world.total(va, "S").peak, q(0));

    // Either kind of contact brings it back.
    let renewed = agent.clone().renew_authorization(&mut world.clone()).unwrap();
    assert_eq!(renewed.status, AuthorizationStatus::OutOfCompliance);
    let answer = agent.report(&mut world, &[("S", 6, None)]).unwrap();
    assert_eq!(answer.tags[0].status, TagStatus::OutOfCompliance);
    assert_eq!(world.total(va, "S").short, q(1));
}
