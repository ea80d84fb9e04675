//! The agent's state on disk: the file around it, and what is in it. An agent that wakes with any state that can be
//! read goes on with it, and never panics in its host.
#![no_main]

use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use libfuzzer_sys::fuzz_target;
use seatpool_agent::{Agent, Chance, Identity, Profile, State};
use seatpool_agentd::disk::Generation;
use seatpool_agentd::show;
use seatpool_proto::{Nonce, RequestId, Udi};

static PROFILE: LazyLock<Profile> =
    LazyLock::new(|| Profile::shipped("unified-ccx").expect("a profile that ships"));

struct NoChance;

impl Chance for NoChance {
    fn request_id(&mut self) -> RequestId {
        "019ab2c0-8a10-7000-8000-000000000e01".parse().expect("an id")
    }
    fn nonce(&mut self) -> Nonce {
        Nonce([0; 16])
    }
    fn jitter(&mut self) -> f64 {
        0.5
    }
}

fn live(state: State) {
    let now = Timestamp::from_second(1_795_305_600).expect("an instant of this age");
    let udi = Udi::new("UCCX", "9ESB1GLP9PQ", Some("564d0f2c-6f8e-4f3e-9d6a-2b7c1e0a9b51".into()));
    let identity = Identity {
        udi: udi.expect("a device's identity"),
        product_name: "CCX".to_owned(),
        product_version: None,
        host_name: None,
    };
    let mut agent = Agent::new(PROFILE.clone(), identity, Some(state), now);
    for days in [0, 1, 400] {
        let now = now.saturating_add(SignedDuration::from_hours(24 * days)).unwrap_or(now);
        agent.handle_timeout(now, &mut NoChance);
        let status = agent.status(now);
        let _ = (show::all(&status), show::tech_support(&status), agent.may_i("user-sync", now));
        let _ = agent.poll_deadline();
        while agent.poll_persist().is_some() {
            agent.persisted();
        }
        let _ = agent.poll_transmit();
        let stored = serde_json::to_string(agent.state()).expect("a state can be stored");
        let read: State = serde_json::from_str(&stored).expect("what was stored can be read");
        assert_eq!(&read, agent.state());
    }
}

fuzz_target!(|bytes: &[u8]| {
    if let Ok(file) = Generation::from_bytes(bytes) {
        assert_eq!(Generation::to_bytes(file.number, &file.state), bytes);
    }
    let file = Generation::to_bytes(7, bytes);
    assert_eq!(Generation::from_bytes(&file), Ok(Generation { number: 7, state: bytes.to_vec() }));
    if let Ok(state) = serde_json::from_slice::<State>(bytes) {
        let stored = serde_json::to_string(&state).expect("a state can be stored");
        assert_eq!(serde_json::from_str::<State>(&stored).ok().as_ref(), Some(&state));
        live(state);
    }
});
