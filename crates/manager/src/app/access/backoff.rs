//! Slows down guessing of passwords: per login *and* address, so that a stranger who guesses from elsewhere
//! locks nobody out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// Failures that cost no waiting.
const FREE_FAILURES: u32 = 3;
/// Longest wait between two attempts, in seconds.
const WAIT_SECONDS_MAX: i64 = 300;
/// After how long without a failure the earlier ones are forgotten, in seconds.
const FORGET_SECONDS: i64 = 3600;
/// How many pairs of login and address are remembered; the longest quiet one makes room.
const ENTRIES_MAX: usize = 10_000;

/// Failures so far, by login and address.
#[derive(Debug, Default)]
pub struct Backoff {
    entries: Mutex<HashMap<(String, String), Failures>>,
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    last: Timestamp,
}

impl Failures {
    fn wait(self) -> SignedDuration {
        let seconds = match self.count.checked_sub(FREE_FAILURES) {
            None | Some(0) => 0,
            Some(more) => 1_i64.checked_shl(more).unwrap_or(WAIT_SECONDS_MAX).clamp(1, WAIT_SECONDS_MAX),
        };
        SignedDuration::from_secs(seconds)
    }
}

impl Backoff {
    /// How many seconds to wait before this login may be tried from this address; none if it may be now.
    pub fn wait_seconds(&self, login: &str, address: &str, now: Timestamp) -> Option<u64> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let failures = entries.get(&key(login, address))?;
        let left = failures.wait() - now.duration_since(failures.last);
        // Up to the next whole second.
        (left > SignedDuration::ZERO).then(|| (left.as_millis() as u64).div_ceil(1000))
    }

    /// Remembers a failure.
    pub fn failed(&self, login: &str, address: &str, now: Timestamp) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let quiet = |failures: &Failures| now.duration_since(failures.last).as_secs() >= FORGET_SECONDS;
        let key = key(login, address);
        let is_new = !entries.contains_key(&key);
        if is_new && entries.len() >= ENTRIES_MAX {
            entries.retain(|_, failures| !quiet(failures));
        }
        if is_new && entries.len() >= ENTRIES_MAX {
            let longest =
                entries.iter().min_by_key(|(_, failures)| failures.last).map(|(key, _)| key.clone());
            longest.and_then(|key| entries.remove(&key));
        }
        let entry = entries.entry(key).or_insert(Failures { count: 0, last: now });
        entry.count = if quiet(entry) { 1 } else { entry.count.saturating_add(1) };
        entry.last = now;
    }

    /// Forgets the failures: the right password came.
    pub fn succeeded(&self, login: &str, address: &str) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).remove(&key(login, address));
    }
}

/// One subscriber holds a whole IPv6 /64, so it counts as one address.
fn key(login: &str, address: &str) -> (String, String) {
    let address = match address.parse() {
        Ok(IpAddr::V6(v6)) if v6.to_ipv4_mapped().is_none() => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        _ => address.to_owned(),
    };
    (login.to_owned(), address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn waits_double_after_three_free_failures_and_stop_at_five_minutes() {
        let backoff = Backoff::default();
        let mut waits = Vec::new();
        for _ in 0..14 {
            backoff.failed("ann", "192.0.2.1", at(0));
            waits.push(backoff.wait_seconds("ann", "192.0.2.1", at(0)).unwrap_or(0));
        }
        assert_eq!(waits, [0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        assert_eq!(backoff.wait_seconds("ann", "192.0.2.1", at(299)), Some(1));
        assert_eq!(backoff.wait_seconds("ann", "192.0.2.1", at(300)), None);
    }

    #[test]
    fn guessing_from_elsewhere_locks_nobody_out() {
        let backoff = Backoff::default();
        for _ in 0..10 {
            backoff.failed("ann", "192.0.2.1", at(0));
        }
        assert!(backoff.wait_seconds("ann", "192.0.2.1", at(1)).is_some());
        assert_eq!(backoff.wait_seconds("ann", "192.0.2.2", at(1)), None);
        assert_eq!(backoff.wait_seconds("bob", "192.0.2.1", at(1)), None);
    }

    #[test]
    fn success_and_an_hour_of_quiet_forget_failures() {
        let backoff = Backoff::default();
        for _ in 0..5 {
            backoff.failed("ann", "192.0.2.1", at(0));
        }
        backoff.failed("ann", "192.0.2.1", at(FORGET_SECONDS));
        assert_eq!(backoff.wait_seconds("ann", "192.0.2.1", at(FORGET_SECONDS)), None);
        for _ in 0..5 {
            backoff.failed("ann", "192.0.2.1", at(FORGET_SECONDS));
        }
        backoff.succeeded("ann", "192.0.2.1");
        assert_eq!(backoff.wait_seconds("ann", "192.0.2.1", at(FORGET_SECONDS)), None);
    }

    #[test]
    fn a_whole_ipv6_network_counts_as_one_address() {
        let backoff = Backoff::default();
        for host in 0..5 {
            backoff.failed("ann", &format!("2001:db8:0:1::{host:x}"), at(0));
        }
        assert!(backoff.wait_seconds("ann", "2001:db8:0:1:ffff::1", at(0)).is_some());
        assert_eq!(backoff.wait_seconds("ann", "2001:db8:0:2::1", at(0)), None);
    }

    #[test]
    fn memory_is_bounded_and_the_longest_quiet_pair_goes_first() {
        let backoff = Backoff::default();
        for login in 0..=ENTRIES_MAX {
            for _ in 0..5 {
                backoff.failed(&login.to_string(), "192.0.2.1", at(login as i64 / 10));
            }
        }
        assert_eq!(backoff.entries.lock().unwrap().len(), ENTRIES_MAX);
        let newest = ENTRIES_MAX as i64 / 10;
        assert!(backoff.wait_seconds(&ENTRIES_MAX.to_string(), "192.0.2.1", at(newest)).is_some());
    }
}
