//! Days of attack on one login: how many guesses come through, and how long its owner waits somewhere new.

use jiff::Timestamp;

use super::siege::{NEWCOMERS, OPEN, RETURNING};
use super::{Attempts, DAY_SECONDS, NotNow, Origin};

/// Guesses in any day, at most: what is free at once, and what the three measures let through in a day; and the
/// turns of the hour before.
const GUESSES_FIRST_DAY: usize = 20 + 60 + GUESSES_LATER_DAY;
const GUESSES_LATER_DAY: usize = 24 + 40 + 36 + 8;

#[test]
fn the_numbers_are_those_of_the_documents() {
    let per_day = |seconds_each: i64| DAY_SECONDS / seconds_each;
    let sum = per_day(OPEN.seconds_each) + per_day(NEWCOMERS.seconds_each) + per_day(RETURNING.seconds_each);
    assert_eq!(sum, 100, "NIST SP 800-63B, section 5.2.2");
    assert_eq!((OPEN.holds, NEWCOMERS.holds), (20, 60));
}

/// How often the attacker tries: more often than any turn comes.
const TICK_SECONDS: i64 = 300;

/// What the attacker does with turns.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Plan {
    /// Guesses as soon as it may.
    Greedy,
    /// Takes turns and does not use them, so that others wait.
    Hoards,
}

struct Attack {
    attempts: Attempts,
    providers: u32,
    plan: Plan,
    guesses: Vec<i64>,
}

impl Attack {
    fn new(providers: u32, plan: Plan) -> Self {
        Self { attempts: Attempts::default(), providers, plan, guesses: Vec::new() }
    }

    /// Every network of the attacker tries, each with a host that has not waited.
    fn tick(&mut self, now: i64) {
        let at = Timestamp::from_second(now).unwrap();
        for provider in 0..self.providers {
            let host = (now / 60) % 250;
            let address = format!("{}.{}.{}.{host}", 11 + provider / 250, provider % 250, provider % 7);
            if let Ok(attempt) = self.attempts.begin("ann", Origin::anywhere(Some(&address)), at) {
                self.guesses.push(now);
                drop(attempt);
            } else if self.plan == Plan::Hoards {
                // The same provider has more networks that queue.
                let other =
                    format!("{}.{}.{}.{host}", 11 + provider / 250, provider % 250, 100 + provider % 7);
                drop(self.attempts.begin("ann", Origin::anywhere(Some(&other)), at));
            }
        }
    }

    /// How long the owner waits who begins now at this address and comes back when told to; the attack goes on.
    fn owner_waits(&mut self, address: &str, mut now: i64) -> i64 {
        let began = now;
        loop {
            let at = Timestamp::from_second(now).unwrap();
            match self.attempts.begin("ann", Origin::anywhere(Some(address)), at) {
                Ok(attempt) => {
                    self.attempts.right(&attempt);
                    return now - began;
                }
                Err(NotNow::Wait { seconds } | NotNow::Besieged { seconds }) => {
                    let until = now + i64::try_from(seconds).unwrap();
                    while now < until {
                        now = (now + TICK_SECONDS).min(until);
                        self.tick(now);
                    }
                }
            }
        }
    }
}

fn most_in_a_day(guesses: &[i64], from: i64) -> usize {
    let later: Vec<_> = guesses.iter().filter(|at| **at >= from).collect();
    let in_a_day =
        |at: &&&i64| later.iter().filter(|other| (***at..***at + DAY_SECONDS).contains(**other)).count();
    later.iter().step_by(7).map(|at| in_a_day(&at)).max().unwrap_or(0)
}

#[test]
fn guesses_are_bounded_whatever_the_attacker_has() {
    for providers in [1, 5, 29, 60, 150] {
        let mut attack = Attack::new(providers, Plan::Greedy);
        for tick in 0..3 * DAY_SECONDS / TICK_SECONDS {
            attack.tick(tick * TICK_SECONDS);
        }
        let first = most_in_a_day(&attack.guesses, 0);
        let later = most_in_a_day(&attack.guesses, DAY_SECONDS);
        assert!(first <= GUESSES_FIRST_DAY, "{providers} providers: {first} on the first day");
        assert!(later <= GUESSES_LATER_DAY, "{providers} providers: {later} on a later day");
        assert!(attack.guesses.len() > 50, "{providers} providers: the attack happened");
        let remembered = attack.attempts.lock().logins.values().map(super::Login::remembered).sum::<usize>();
        assert!(remembered < 500, "{providers} providers: {remembered}");
    }
}

#[test]
fn the_owner_gets_in_somewhere_new_after_a_wait_that_has_a_bound() {
    for plan in [Plan::Greedy, Plan::Hoards] {
        for providers in [1, 10, 29, 35] {
            let mut attack = Attack::new(providers, plan);
            let mut now = 0;
            for n in 0..3 {
                for _ in 0..7 * 3600 / TICK_SECONDS {
                    now += TICK_SECONDS;
                    attack.tick(now);
                }
                let waited = attack.owner_waits(&format!("203.{n}.113.9"), now);
                now += waited;
                let bound =
                    if 2 * providers < 60 { 0 } else { i64::from(providers + 1) * NEWCOMERS.seconds_each };
                assert!(waited <= bound, "{plan:?}, {providers} providers: {waited} s, at most {bound}");
            }
        }
    }
}

#[test]
fn who_shares_a_provider_with_the_attacker_waits_for_its_place_in_the_queue() {
    for plan in [Plan::Greedy, Plan::Hoards] {
        for providers in [1, 5, 12] {
            let mut attack = Attack::new(providers, plan);
            for tick in 0..DAY_SECONDS / TICK_SECONDS {
                attack.tick(tick * TICK_SECONDS);
            }
            let waited = attack.owner_waits("11.0.200.9", DAY_SECONDS);
            // Each of its networks has one place: one of each provider, or two if it hoards.
            let places = i64::from(providers) * if plan == Plan::Hoards { 2 } else { 1 };
            let bound = (places + 1) * RETURNING.seconds_each;
            assert!(waited <= bound, "{plan:?}, {providers} providers: {waited} s, at most {bound}");
        }
    }
}
