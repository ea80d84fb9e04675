//! Random input: whatever happens in whatever order, the agent keeps its promises.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use seatpool_agent::status::AuthorizationState;
use seatpool_agent::{Answer, Command, ContactFailure, FailureKind, Privacy, State, Transport};
use seatpool_proto::message::{Refusal, VERSION};
use seatpool_proto::{Nonce, ProblemCode, Quantity, RequestId, Response, ResponseBody, Sha256};
use uuid::Uuid;

use crate::world::{PREMIUM, STANDARD, TOKEN, World, tag};

#[derive(Clone, Debug)]
enum Step {
    Pass(i64),
    /// Handles a timeout without time having passed, or before its deadline.
    Poke,
    Use(bool, u64),
    Register(bool),
    Deregister,
    RenewAuthorization,
    RenewRegistration(bool),
    UpdateUsageNow,
    Transport,
    Privacy(bool),
    LicenseType(usize),
    FactoryReset,
    Restart,
    Own(u64),
    Away(bool),
    Lose(u32),
    Refuse(usize),
    Clock(i64),
    Disk(bool),
    /// An answer or failure that belongs to nothing.
    Stray(u128),
    ManagerClock(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0i64..3 * 86_400).prop_map(Step::Pass),
        3 => (0i64..3_600).prop_map(Step::Pass),
        1 => (0i64..120 * 86_400).prop_map(Step::Pass),
        1 => Just(Step::Poke),
        4 => (any::<bool>(), 0u64..200).prop_map(|(premium, count)| Step::Use(premium, count)),
        3 => any::<bool>().prop_map(Step::Register),
        1 => Just(Step::Deregister),
        1 => Just(Step::RenewAuthorization),
        1 => any::<bool>().prop_map(Step::RenewRegistration),
        1 => Just(Step::UpdateUsageNow),
        1 => Just(Step::Transport),
        1 => any::<bool>().prop_map(Step::Privacy),
        1 => (0usize..5).prop_map(Step::LicenseType),
        1 => Just(Step::FactoryReset),
        2 => Just(Step::Restart),
        2 => (0u64..200).prop_map(Step::Own),
        3 => any::<bool>().prop_map(Step::Away),
        1 => (0u32..3).prop_map(Step::Lose),
        2 => (0..ProblemCode::ALL.len()).prop_map(Step::Refuse),
        2 => (-400i64 * 86_400..400 * 86_400).prop_map(Step::Clock),
        1 => Just(Step::Clock(0)),
        1 => any::<bool>().prop_map(Step::Disk),
        1 => any::<u128>().prop_map(Step::Stray),
        1 => (-3i64 * 86_400..3 * 86_400).prop_map(Step::ManagerClock),
    ]
}

fn take(world: &mut World, step: &Step) {
    let local = world.local();
    match step {
        Step::Pass(seconds) => {
            // Skip over what would only repeat itself a thousand times.
            let most = SignedDuration::from_hours(6);
            let span = SignedDuration::from_secs(*seconds);
            if span > most {
                world.now = world.now.checked_add(span - most).unwrap();
                world.run(most);
            } else {
                world.run(span);
            }
        }
        Step::Poke => world.agent.handle_timeout(local, &mut world.chance),
        Step::Use(premium, count) => {
            let name = if *premium { PREMIUM } else { STANDARD };
            let _ = world.agent.handle_usage(&tag(name), Quantity::of(*count), local);
        }
        Step::Register(force) => {
            let new_key = world.new_key();
            let _ = world.command(Command::Register { token: TOKEN.to_owned(), force: *force, new_key });
        }
        Step::Deregister => drop(world.command(Command::Deregister)),
        Step::RenewAuthorization => drop(world.command(Command::RenewAuthorization)),
        Step::RenewRegistration(new) => {
            let new_key = new.then(|| world.new_key());
            let _ = world.command(Command::RenewRegistration { new_key });
        }
        Step::UpdateUsageNow => drop(world.command(Command::UpdateUsageNow)),
        Step::Transport => drop(world.command(Command::SetTransport(Transport::default()))),
        Step::Privacy(on) => {
            drop(world.command(Command::SetPrivacy(Privacy { hostname: *on, version: *on })));
        }
        Step::LicenseType(index) => {
            let name = world
                .agent
                .profile()
                .license_types
                .get(*index)
                .map_or("none", |t| t.name.as_str())
                .to_owned();
            drop(world.command(Command::SetLicenseType(name)));
        }
        Step::FactoryReset => drop(world.command(Command::FactoryReset { force: true })),
        Step::Restart if world.stored.is_some() => {
            // A crash: what was not stored is lost.
            world.restart();
        }
        Step::Restart => {}
        Step::Own(count) => {
            world.manager.owned.insert(tag(STANDARD), *count);
        }
        Step::Away(away) => world.manager.failing = away.then_some(FailureKind::Timeout),
        Step::Lose(count) => world.manager.losing = *count,
        Step::Refuse(index) => world.manager.refusing = Some((ProblemCode::ALL[*index], 2)),
        Step::Clock(seconds) => world.clock_ahead = SignedDuration::from_secs(*seconds),
        Step::Disk(full) => world.disk_full = *full,
        Step::Stray(n) => {
            let request_id = RequestId(Uuid::from_u128(*n));
            let response = Response {
                version: VERSION,
                request_id,
                nonce: Nonce(n.to_be_bytes()),
                signed_at: Timestamp::MIN,
                sequence: u64::MAX,
                body: ResponseBody::Refusal(Refusal::new(ProblemCode::InstanceRemoved, "")),
            };
            let text_hash = Sha256::of(response.to_text());
            let before = world.agent.state().registration.clone();
            world.agent.handle_answer(Answer { request_id, text_hash, response }, local, &mut world.chance);
            world.agent.handle_failure(
                request_id,
                ContactFailure::new(FailureKind::Tls, ""),
                local,
                &mut world.chance,
            );
            if let (Some(before), Some(after)) = (before, &world.agent.state().registration) {
                assert_eq!(before.product_instance_id, after.product_instance_id);
            }
        }
        Step::ManagerClock(seconds) => world.manager.ahead = SignedDuration::from_secs(*seconds),
    }
    world.settle();
}

fn check_promises(world: &World) {
    let status = world.status();
    // Authorized never outlives the authorization.
    let ended = status.authorization.ends_at.is_some_and(|end| end <= status.at);
    if ended {
        let states = [AuthorizationState::Expired, AuthorizationState::Unauthorized];
        assert!(states.contains(&status.authorization.state), "{:?}", status.authorization);
    }
    // May I? says what the status says.
    let refused = !world.agent.may_i("user-sync", world.local()).is_allowed();
    assert_eq!(refused, status.enforcement.enforced, "{:?}", status.enforcement);
    assert!(world.agent.may_i("call-routing", world.local()).is_allowed());
    // The state is whole on disk, and reads back as it was written.
    let text = serde_json::to_string(world.agent.state()).unwrap();
    assert_eq!(&serde_json::from_str::<State>(&text).unwrap(), world.agent.state());
    assert!(serde_json::to_string(&status).is_ok());
    // The evaluation neither grows beyond its period nor below nothing.
    let evaluation = &status.evaluation;
    assert!((0..=evaluation.period_seconds).contains(&evaluation.remaining_seconds));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 4, ..ProptestConfig::default() })]
    #[test]
    fn promises_hold_whatever_happens(
        steps in prop::collection::vec(step(), 1..60),
        profile in prop_oneof![Just("unified-ccx"), Just("unified-ccx-12.5")],
    ) {
        let mut world = World::new(profile);
        for step in &steps {
            take(&mut world, step);
            check_promises(&world);
        }
        // Sequence numbers are never reused but by the very same request, and rise.
        let mut seen = BTreeSet::new();
        let mut highest = 0;
        for (_, transmit) in &world.sent {
            let request = &transmit.request;
            if seen.insert(request.request_id) {
                prop_assert!(request.sequence > highest, "{} after {highest}", request.sequence);
                highest = request.sequence;
            } else {
                let first = world.sent.iter().find(|(_, t)| t.request.request_id == request.request_id);
                prop_assert_eq!(first.map(|(_, t)| t.request.to_text()), Some(request.to_text()));
            }
            // What is sent is within the protocol's limits.
            prop_assert!(seatpool_proto::Request::from_text(&request.to_text()).is_ok());
        }
        // Healed, it converges: registered, reporting, within tolerance of nothing.
        world.manager.failing = None;
        world.manager.losing = 0;
        world.manager.refusing = None;
        world.manager.ahead = SignedDuration::ZERO;
        world.manager.owned.clear();
        world.disk_full = false;
        world.clock_ahead = SignedDuration::ZERO;
        world.run(SignedDuration::from_hours(9));
        let _ = world.register(true);
        world.run(SignedDuration::from_hours(17));
        let status = world.status();
        prop_assert!(status.communication.failing_since.is_none());
        prop_assert!(
            matches!(status.authorization.state, AuthorizationState::Authorized | AuthorizationState::NoLicensesInUse),
            "{:?}", status
        );
        prop_assert!(!status.enforcement.enforced);
    }
}
