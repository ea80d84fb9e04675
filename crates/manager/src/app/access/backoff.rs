//! Slows down guessing without letting anybody lock others out.
//!
//! Failures are counted by login *and* where they come from: a stranger who guesses from elsewhere makes nobody
//! wait. A browser that the person signed in with before counts by itself, whatever its network. Beside that, all
//! failures of a login together fill a bucket that empties slowly, so that guessing from ten thousand networks is
//! no faster than from a few; while it is full, the login is *besieged*, and only who shows more than a password
//! gets through: a known browser, or a second factor.
//!
//! Logins that do not exist are counted like those that do. Time is handed in.

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
/// How many pairs, and how many logins, are remembered; the longest quiet one makes room.
const ENTRIES_MAX: usize = 10_000;
/// How many failures of one login, from everywhere, fill the bucket.
const SIEGE_FAILURES: i64 = 30;
/// In how many seconds one of them runs out of it.
const SIEGE_LEAK_SECONDS: i64 = 120;

/// Failures so far.
#[derive(Debug, Default)]
pub struct Backoff {
    entries: Mutex<HashMap<(String, String), Failures>>,
    /// By login alone: when its bucket will be empty.
    buckets: Mutex<HashMap<String, Timestamp>>,
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
    /// How many seconds to wait before this login may be tried from there; none if it may be now.
    pub fn wait_seconds(&self, login: &str, from: &str, now: Timestamp) -> Option<u64> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let failures = entries.get(&key(login, from))?;
        whole_seconds(failures.wait() - now.duration_since(failures.last))
    }

    /// For how many seconds this login is still besieged; none if it is not.
    pub fn siege_seconds(&self, login: &str, now: Timestamp) -> Option<u64> {
        let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let left = buckets.get(login)?.duration_since(now);
        // Full until one has run out of it; a moment after the last failure counts as full, too.
        whole_seconds(left - leak(SIEGE_FAILURES - 1))
    }

    /// Remembers a failure.
    pub fn failed(&self, login: &str, from: &str, now: Timestamp) {
        {
            let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
            let quiet = |failures: &Failures| now.duration_since(failures.last).as_secs() >= FORGET_SECONDS;
            let key = key(login, from);
            make_room(&mut entries, &key, quiet, |failures| failures.last);
            let entry = entries.entry(key).or_insert(Failures { count: 0, last: now });
            entry.count = if quiet(entry) { 1 } else { entry.count.saturating_add(1) };
            entry.last = now;
        }
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        make_room(&mut buckets, &login.to_owned(), |empty| *empty <= now, |empty| *empty);
        let empty = buckets.entry(login.to_owned()).or_insert(now);
        let fuller = (*empty).max(now).saturating_add(leak(1)).unwrap_or(*empty);
        *empty = fuller.min(now.saturating_add(leak(SIEGE_FAILURES)).unwrap_or(fuller));
    }

    /// Forgets the failures from there: the right password came. The bucket stays: it was not the guesser's.
    pub fn succeeded(&self, login: &str, from: &str) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).remove(&key(login, from));
    }
}

/// How long so many failures take to run out of a bucket.
fn leak(failures: i64) -> SignedDuration {
    SignedDuration::from_secs(failures * SIEGE_LEAK_SECONDS)
}

/// Up to the next whole second; none if nothing is left.
fn whole_seconds(left: SignedDuration) -> Option<u64> {
    (left > SignedDuration::ZERO).then(|| (left.as_millis() as u64).div_ceil(1000))
}

/// Makes room for a key that is new: first of all that is forgotten anyway, then of what is oldest.
fn make_room<K: std::hash::Hash + Eq + Clone, V>(
    map: &mut HashMap<K, V>,
    key: &K,
    is_over: impl Fn(&V) -> bool,
    age: impl Fn(&V) -> Timestamp,
) {
    if map.contains_key(key) || map.len() < ENTRIES_MAX {
        return;
    }
    map.retain(|_, value| !is_over(value));
    if map.len() >= ENTRIES_MAX {
        let oldest = map.iter().min_by_key(|(_, value)| age(value)).map(|(key, _)| key.clone());
        oldest.and_then(|key| map.remove(&key));
    }
}

/// One subscriber holds a whole IPv6 /64, so it counts as one address.
fn key(login: &str, from: &str) -> (String, String) {
    let from = match from.parse() {
        Ok(IpAddr::V6(v6)) if v6.to_ipv4_mapped().is_none() => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        _ => from.to_owned(),
    };
    (login.to_owned(), from)
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
        assert_eq!(backoff.siege_seconds("ann", at(1)), None, "one who guesses is no siege");
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
    fn an_ipv6_subscriber_is_one_address() {
        let backoff = Backoff::default();
        for host in 0..5 {
            backoff.failed("ann", &format!("2001:db8:1:2::{host}"), at(0));
        }
        assert!(backoff.wait_seconds("ann", "2001:db8:1:2:ffff::1", at(0)).is_some());
        assert_eq!(backoff.wait_seconds("ann", "2001:db8:1:3::1", at(0)), None);
    }

    #[test]
    fn guessing_from_everywhere_besieges_a_login_until_it_stops() {
        let backoff = Backoff::default();
        for n in 0..30 {
            assert_eq!(backoff.siege_seconds("ann", at(0)), None, "after {n}");
            backoff.failed("ann", &format!("192.0.2.{n}"), at(0));
        }
        assert_eq!(backoff.siege_seconds("ann", at(0)), Some(120));
        assert_eq!(backoff.siege_seconds("bob", at(0)), None);
        for n in 0..1000 {
            backoff.failed("ann", &format!("198.51.100.{n}"), at(60));
        }
        assert_eq!(
            backoff.siege_seconds("ann", at(60)),
            Some(120),
            "it never lasts longer than the guessing"
        );
        assert_eq!(backoff.siege_seconds("ann", at(179)), Some(1));
        assert_eq!(backoff.siege_seconds("ann", at(180)), None);
        backoff.failed("ann", "192.0.2.1", at(180));
        assert_eq!(backoff.siege_seconds("ann", at(180)), Some(120), "one more fills it again");
        assert_eq!(backoff.siege_seconds("ann", at(180 + 3600)), None);
        backoff.failed("ann", "192.0.2.1", at(180 + 3600));
        assert_eq!(backoff.siege_seconds("ann", at(180 + 3600)), None, "empty after an hour");
    }

    #[test]
    fn memory_stays_bounded_and_the_longest_quiet_makes_room() {
        let backoff = Backoff::default();
        for _ in 0..5 {
            backoff.failed("first", "192.0.2.1", at(0));
        }
        for n in 0..ENTRIES_MAX {
            backoff.failed(&format!("u{n}"), "192.0.2.1", at(1));
        }
        assert_eq!(backoff.entries.lock().unwrap().len(), ENTRIES_MAX);
        assert_eq!(backoff.buckets.lock().unwrap().len(), ENTRIES_MAX);
        assert_eq!(backoff.wait_seconds("first", "192.0.2.1", at(1)), None, "the oldest made room");
    }
}
