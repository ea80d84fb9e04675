//! Lost answers, retries, restored snapshots and copies, as the manager tells them apart.

use proptest::prelude::*;
use seatpool_domain::{EventKind, Outcome};
use seatpool_proto::{ProblemCode, Request};

use crate::agent::{Agent, code_of, usage_report};
use crate::world::{World, tag};

fn registered() -> (World, Agent) {
    let mut world = World::new();
    let va = world.default_va();
    let token = world.create_token(va, None);
    let mut agent = Agent::new(1);
    agent.register(&mut world, token).unwrap();
    (world, agent)
}

fn count(world: &World, kind: EventKind) -> usize {
    world.events.iter().filter(|event| event.kind == kind).count()
}

fn flags(world: &World) -> (usize, usize) {
    (count(world, EventKind::InstanceRewound), count(world, EventKind::InstanceCloned))
}

/// What a network does to one request.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Delivered,
    RequestLost,
    AnswerLost,
    /// The answer is lost, and the agent sends the very same request again.
    Retried,
    /// Delivered, and an old request is delivered once more by the way.
    WithEcho(usize),
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        3 => Just(Fate::Delivered),
        2 => Just(Fate::RequestLost),
        3 => Just(Fate::AnswerLost),
        2 => Just(Fate::Retried),
        2 => (0..40_usize).prop_map(Fate::WithEcho),
    ]
}

/// One exchange. The manager must take every new request of an honest agent.
fn exchange(world: &mut World, agent: &mut Agent, sent: &mut Vec<Request>, fate: Fate, peak: u64) {
    world.advance(1);
    let request = agent.request(usage_report(&[("S", peak, None)], world.now), world.now);
    sent.push(request.clone());
    if matches!(fate, Fate::RequestLost) {
        return;
    }
    let Outcome::Answer { text, repeated } = agent.deliver(world, &request).unwrap() else { panic!() };
    assert!(!repeated);
    match fate {
        Fate::AnswerLost | Fate::RequestLost => return,
        Fate::Retried => {
            let again = agent.deliver(world, &request).unwrap();
            assert_eq!(again, Outcome::Answer { text: text.clone(), repeated: true });
        }
        Fate::WithEcho(n) => {
            let echo = &sent[n % sent.len()];
            match agent.deliver(world, echo) {
                Ok(outcome) => assert!(matches!(outcome, Outcome::Answer { repeated: true, .. })),
                Err(refused) => assert_eq!(code_of(&refused), ProblemCode::Replayed),
            }
        }
        Fate::Delivered => {}
    }
    agent.receive(&text);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_honest_agent_on_a_bad_network_is_never_flagged(fates in prop::collection::vec(fate(), 1..25)) {
        let (mut world, mut agent) = registered();
        let mut sent = Vec::new();
        for (peak, fate) in (0..).zip(fates) {
            exchange(&mut world, &mut agent, &mut sent, fate, peak);
        }
        prop_assert_eq!(flags(&world), (0, 0));
    }

    #[test]
    fn a_restored_snapshot_goes_on_with_one_alert(
        before in prop::collection::vec(fate(), 0..6),
        lost in prop::collection::vec(fate(), 0..6),
        after in prop::collection::vec(fate(), 1..8),
    ) {
        let (mut world, mut agent) = registered();
        let mut sent = Vec::new();
        for fate in before {
            exchange(&mut world, &mut agent, &mut sent, fate, 1);
        }
        exchange(&mut world, &mut agent, &mut sent, Fate::Delivered, 2);
        let mut snapshot = agent.clone();
        for fate in lost {
            exchange(&mut world, &mut agent, &mut sent, fate, 3);
        }
        exchange(&mut world, &mut agent, &mut sent, Fate::Delivered, 4);
        prop_assert_eq!(flags(&world), (0, 0));

        // The snapshot has used ids of its own again: an agent draws them at random.
        snapshot.next_id += 1_000_000;
        // What the restored agent sends is new to it: echoes of its former life are not its doing.
        let mut sent = Vec::new();
        for fate in after {
            exchange(&mut world, &mut snapshot, &mut sent, fate, 5);
        }
        exchange(&mut world, &mut snapshot, &mut sent, Fate::Delivered, 6);
        prop_assert_eq!(flags(&world), (1, 0));
        let sequence = world.instances[&snapshot.id()].conversation.sequence;
        prop_assert_eq!(snapshot.sequence, sequence, "it goes on from where the manager is");
    }

    #[test]
    fn two_copies_are_told_apart_from_one(
        before in prop::collection::vec(fate(), 0..5),
        runs in prop::collection::vec((1..3_usize, 1..3_usize), 2..4),
    ) {
        let (mut world, mut one) = registered();
        let mut sent = Vec::new();
        for fate in before {
            exchange(&mut world, &mut one, &mut sent, fate, 1);
        }
        let mut two = one.clone();
        two.next_id += 1_000_000;
        let mut refused = Vec::new();
        for (first, second) in runs {
            for (copy, times) in [(&mut one, first), (&mut two, second)] {
                for _ in 0..times {
                    world.advance(1);
                    match copy.report(&mut world, &[("S", 1, None)]) {
                        Ok(_) => {}
                        Err(code) => refused.push(code),
                    }
                }
            }
        }
        prop_assert!(refused.contains(&ProblemCode::CloneDetected), "{:?}", refused);
        prop_assert!(refused.iter().all(|code| *code == ProblemCode::CloneDetected));
        prop_assert_eq!(count(&world, EventKind::InstanceCloned), refused.len(), "one alert for each request");
        prop_assert_eq!(count(&world, EventKind::InstanceRewound), 1);
    }
}

#[test]
fn a_refused_copy_raises_one_alert_for_a_request_however_often_it_is_sent() {
    let (mut world, mut one) = registered();
    one.report(&mut world, &[]).unwrap();
    let mut two = one.clone();
    two.next_id += 1_000_000;
    world.advance(1);
    one.report(&mut world, &[("S", 1, None)]).unwrap();
    world.advance(1);
    two.report(&mut world, &[("S", 2, None)]).unwrap();
    world.advance(1);
    let request = one.request(usage_report(&[("S", 9, None)], world.now), world.now);
    for _ in 0..3 {
        let refused = one.deliver(&mut world, &request).unwrap_err();
        assert_eq!(code_of(&refused), ProblemCode::CloneDetected);
    }
    assert_eq!(flags(&world), (1, 1));
    assert!(world.last_message().starts_with("Two copies of sn1.example.com"));
    assert_eq!(world.usage[&(one.id(), tag("S"))].peak.count(), 2, "what it says is not counted");
    // The other one goes on; the refused one registers with a UDI of its own.
    two.report(&mut world, &[("S", 3, None)]).unwrap();
}

#[test]
fn a_copy_made_while_an_answer_was_under_way_is_found_too() {
    let (mut world, mut one) = registered();
    world.advance(1);
    let request = one.request(usage_report(&[], world.now), world.now);
    let mut two = one.clone();
    two.next_id += 1_000_000;
    let Ok(Outcome::Answer { text, .. }) = one.deliver(&mut world, &request) else { panic!() };
    one.receive(&text);
    let mut codes = Vec::new();
    for _ in 0..2 {
        for copy in [&mut two, &mut one] {
            world.advance(1);
            codes.push(copy.report(&mut world, &[]).err());
        }
    }
    assert_eq!(codes, [None, None, Some(ProblemCode::CloneDetected), None]);
}

#[test]
fn two_copies_that_report_in_the_same_instant_learn_that_one_came_first() {
    let (mut world, mut one) = registered();
    let mut two = one.clone();
    two.next_id += 1_000_000;
    one.report(&mut world, &[]).unwrap();
    assert_eq!(two.report(&mut world, &[]), Err(ProblemCode::Replayed));
    assert_eq!(flags(&world), (0, 0));
}
