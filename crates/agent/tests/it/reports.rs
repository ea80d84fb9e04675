//! The reporting schedule, what reports carry, restarts and full disks.

use seatpool_agent::FailureKind;
use seatpool_proto::Sha256;

use crate::script::check;
use crate::world::{PREMIUM, STANDARD, World, hours, start};

fn minutes(world: &World) -> Vec<(i64, i64, i64, u64)> {
    world
        .reports()
        .map(|(at, report)| {
            let minute = |t: jiff::Timestamp| t.duration_since(start()).as_mins();
            let usage = report.usage.iter().find(|usage| usage.tag.as_str() == STANDARD).unwrap();
            (minute(at), minute(report.interval.start), minute(report.interval.end), usage.peak.count())
        })
        .collect()
}

#[test]
fn a_report_carries_all_that_was_not_acknowledged() {
    let mut world = World::new("unified-ccx");
    world.register(false).unwrap();
    world.use_tag(STANDARD, 5);
    world.run(hours(1) / 4);
    world.manager.failing = Some(FailureKind::Timeout);
    world.use_tag(STANDARD, 50);
    world.run(jiff::SignedDuration::from_mins(1));
    world.use_tag(STANDARD, 7);
    world.run(jiff::SignedDuration::from_mins(30));
    world.manager.failing = None;
    world.run(hours(1) / 2);
    assert_eq!(
        minutes(&world),
        [(0, 0, 0, 0), (15, 0, 15, 5), (30, 15, 30, 50), (45, 15, 45, 50), (60, 15, 60, 50), (75, 60, 75, 7)]
    );
    let requests: Vec<_> = world.sent.iter().map(|(_, t)| &t.request).collect();
    let unanswered: Vec<usize> = requests.iter().map(|request| request.unanswered.len()).collect();
    assert_eq!(unanswered, [0, 0, 0, 0, 1, 2, 0]);
    assert_eq!(requests[3].last_answer, requests[5].last_answer);
    assert_ne!(requests[5].last_answer, requests[6].last_answer);
    assert!(requests.windows(2).all(|pair| pair[0].sequence < pair[1].sequence));
}

#[test]
fn the_grid_is_anchored_at_the_registration_and_slept_over_slots_make_one_report() {
    let mut world = World::new("unified-ccx");
    world.run(jiff::SignedDuration::from_mins(7));
    world.register(false).unwrap();
    world.use_tag(STANDARD, 5);
    // The machine sleeps over several slots.
    world.now = start().checked_add(hours(2)).unwrap();
    world.run(jiff::SignedDuration::from_mins(10));
    assert_eq!(minutes(&world), [(7, 7, 7, 0), (120, 7, 112, 5), (127, 112, 127, 5)]);
}

#[test]
fn an_extra_report_does_not_take_from_the_scheduled_one() {
    let mut world = World::new("unified-ccx");
    world.register(false).unwrap();
    world.use_tag(STANDARD, 9);
    world.run(jiff::SignedDuration::from_mins(5));
    world.use_tag(STANDARD, 2);
    world.command(seatpool_agent::Command::UpdateUsageNow).unwrap();
    world.run(jiff::SignedDuration::from_mins(10));
    assert_eq!(minutes(&world), [(0, 0, 0, 0), (5, 0, 5, 9), (15, 0, 15, 9)]);
}

#[test]
fn an_extra_report_carries_the_usage_of_its_very_moment() {
    let mut world = World::new("unified-ccx");
    world.use_tag(STANDARD, 4);
    world.register(false).unwrap();
    assert_eq!(minutes(&world), [(0, 0, 0, 4)]);
}

#[test]
fn families_carry_cumulative_peaks_from_the_top() {
    let mut world = World::new("unified-ccx");
    world.register(false).unwrap();
    let usage = |premium, standard| {
        [(PREMIUM, premium), (STANDARD, standard)]
            .into_iter()
            .map(|(name, count)| (crate::world::tag(name), seatpool_proto::Quantity::of(count)))
            .collect()
    };
    // behaviour.md, "Usage reports": 10 P + 40 S at one time and 0 P + 50 S at another is (10, 50).
    world.run(jiff::SignedDuration::from_mins(1));
    world.command(seatpool_agent::Command::SetUsage(usage(10, 40))).unwrap();
    world.run(jiff::SignedDuration::from_mins(9));
    world.command(seatpool_agent::Command::SetUsage(usage(0, 50))).unwrap();
    world.run(jiff::SignedDuration::from_mins(5));
    let (_, report) = world.reports().last().unwrap();
    let [family] = report.families.as_slice() else { panic!("one family has tiers") };
    let tiers: Vec<(&str, u64)> =
        family.tiers.iter().map(|tier| (tier.tag.as_str(), tier.cumulative_peak.count())).collect();
    assert_eq!(tiers, [(PREMIUM, 10), (STANDARD, 50)]);
    let own: Vec<u64> = report.usage.iter().map(|usage| usage.peak.count()).collect();
    assert_eq!(own, [10, 50, 0], "premium, standard, and the server that is never consumed");
}

#[test]
fn last_answer_is_the_hash_of_the_last_successful_answer() {
    let mut world = World::new("unified-ccx");
    world.register(false).unwrap();
    world.manager.refusing = Some((seatpool_proto::ProblemCode::RateLimited, 1));
    world.run(hours(1));
    let heads: Vec<Option<Sha256>> = world.sent.iter().map(|(_, t)| t.request.last_answer).collect();
    assert!(heads[0].is_none() && heads[1].is_some());
    assert_eq!(heads[2], heads[3], "a refusal moves nothing");
    assert!(world.sent.iter().all(|(_, t)| t.request.unanswered.is_empty()), "it was not applied");
}

#[test]
fn nothing_is_sent_while_the_disk_is_full_and_all_is_sent_when_it_is_not() {
    check(
        "unified-ccx",
        "0 register
         5m disk full
         5m use CCX_FLEX_STANDARD 5
         16m show last
         16m show alerts
         20m disk ok
         22m show last
         22m show alerts
         22m show CCX_FLEX_STANDARD",
        "0 registration_succeeded
         5m state_not_stored
         16m last contact succeeded at 0
         16m alerts state_not_stored
         22m last contact succeeded at 21m
         22m alerts
         22m CCX_FLEX_STANDARD in-compliance actual 5 reported 5 overages 0",
    );
}

#[test]
fn a_restart_sends_the_request_under_way_again_as_it_was() {
    let mut world = World::new("unified-ccx");
    world.register(false).unwrap();
    world.use_tag(STANDARD, 3);
    world.run(jiff::SignedDuration::from_mins(14));
    // The process ends between storing the report and its answer: replay it from what was stored then.
    world.now = start().checked_add(hours(1) / 4).unwrap();
    let local = world.local();
    world.agent.handle_timeout(local, &mut world.chance);
    world.stored = world.agent.poll_persist().map(|state| serde_json::to_string(state).unwrap());
    world.agent.persisted();
    let lost = world.agent.poll_transmit().unwrap();
    world.restart();
    assert_eq!(world.sent.last().unwrap().1, lost);
    assert_eq!(world.agent.state().in_flight, None);
    assert!(
        !world.agent.state().meter.current(&crate::world::tag(STANDARD)).is_zero(),
        "usage stays in force"
    );
}

#[test]
fn usage_is_stored_within_a_minute_and_at_a_stop() {
    let mut world = World::new("unified-ccx");
    world.register(false).unwrap();
    let stored = |world: &World| {
        let state: seatpool_agent::State = serde_json::from_str(world.stored.as_deref().unwrap()).unwrap();
        state.meter.current(&crate::world::tag(STANDARD)).count()
    };
    world.use_tag(STANDARD, 4);
    world.run(jiff::SignedDuration::from_mins(16));
    world.use_tag(STANDARD, 5);
    assert_eq!(stored(&world), 4, "a change is not worth a write of its own");
    world.run(jiff::SignedDuration::from_mins(1));
    assert_eq!(stored(&world), 5);
    world.use_tag(STANDARD, 7);
    world.agent.handle_stop(world.local());
    world.settle();
    assert_eq!(stored(&world), 7);
}
