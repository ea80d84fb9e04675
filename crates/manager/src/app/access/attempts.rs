//! Slows down guessing without letting anybody lock others out.
//!
//! An attempt is counted before the secret is looked at, in the step that decides whether it may be made: many at
//! once are no way around. One that was right is given back. What it counts against depends on where it comes from:
//!
//! | from | counts against |
//! |---|---|
//! | a browser that this person signed in with before; a session | the login and that browser |
//! | a network that this person signed in from lately | the login and that subscriber |
//! | anywhere else | the login and that subscriber, the site for all logins, and the login (`siege`) |
//!
//! So strangers can't use up what a known browser or network has, and a person whom nothing tells from a stranger
//! has a turn that strangers can't take. docs/security.md has the numbers and what follows from them.
//!
//! Logins that do not exist are counted like those that do. All is in memory, in bounded size. Time is handed in.

mod bucket;
mod network;
mod siege;
#[cfg(test)]
mod simulation;

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use seatpool_proto::Sha256;

use bucket::{Bucket, Measure};
use network::{Network, Prefix};
use siege::{Entry, Login};

/// Failures of a pair that cost no waiting.
const FREE_FAILURES: u32 = 3;
/// Longest wait between two attempts of a pair, in seconds.
const WAIT_SECONDS_MAX: i64 = 300;
/// After how long without a failure the earlier ones are forgotten, in seconds.
const FORGET_SECONDS: i64 = 3600;
/// Failures of one site at all logins: 60, and one more in a minute.
const SITE: Measure = Measure { holds: 60, seconds_each: 60 };
/// How many of each kind are remembered; the one that matters least makes room.
const ENTRIES_MAX: usize = 10_000;
/// How many networks of one person are remembered.
const FAMILIAR_MAX: usize = 8;
/// For how long, in seconds.
const FAMILIAR_SECONDS: i64 = 90 * DAY_SECONDS;
const DAY_SECONDS: i64 = 86_400;

/// Attempts so far.
#[derive(Debug, Default)]
pub struct Attempts(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    pairs: HashMap<(Sha256, Source), Failures>,
    sites: HashMap<Prefix, Bucket>,
    logins: HashMap<Sha256, Login>,
    /// Networks that people signed in from, by what they are known by.
    familiar: HashMap<Sha256, Vec<(Prefix, Timestamp)>>,
}

/// Whose counts of their own an attempt has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Source {
    Browser(Sha256),
    Host(Prefix),
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

    fn are_over(self, now: Timestamp) -> bool {
        now.duration_since(self.last).as_secs() >= FORGET_SECONDS
    }
}

/// Where an attempt comes from.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    source: Source,
    network: Network,
    trust: Trust,
    /// Whether it counts against its site.
    of_site: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trust {
    /// It is known: nobody else's attempts matter.
    Known,
    /// It shows more than a password: the login may be besieged.
    Proven,
    /// Nothing tells it from a stranger.
    Stranger,
}

impl Origin {
    /// A browser that the person signed in with before.
    pub fn browser(id: &str, address: Option<&str>) -> Self {
        Self { source: Source::Browser(Sha256::of(id)), ..Self::known(address) }
    }

    /// A network that the person signed in from, or a session.
    pub fn known(address: Option<&str>) -> Self {
        Self { trust: Trust::Known, of_site: false, ..Self::anywhere(address) }
    }

    /// Anywhere, with a second factor beside the password.
    pub fn with_code(address: Option<&str>) -> Self {
        Self { trust: Trust::Proven, ..Self::anywhere(address) }
    }

    /// Anywhere.
    pub fn anywhere(address: Option<&str>) -> Self {
        let network = Network::of(address);
        Self { source: Source::Host(network.host), network, trust: Trust::Stranger, of_site: true }
    }

    /// Anywhere, for a second secret: its site was counted with the first one. Counted again, the site's measure would
    /// tell that the first one was right.
    pub fn second(address: Option<&str>) -> Self {
        Self { of_site: false, ..Self::anywhere(address) }
    }
}

/// Why an attempt may not be made now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotNow {
    /// There were too many from there.
    Wait {
        /// How long to wait.
        seconds: u64,
    },
    /// The login is guessed at from many networks.
    Besieged {
        /// In how long the turn of this network comes.
        seconds: u64,
    },
}

/// An attempt that may be made, and counts as a failure until it is said how it ended.
#[derive(Debug)]
#[must_use]
pub struct Attempt {
    login: Sha256,
    from: Origin,
    entry: Option<Entry>,
}

impl Attempts {
    /// Counts an attempt, if it may be made now.
    pub fn begin(&self, login: &str, from: Origin, now: Timestamp) -> Result<Attempt, NotNow> {
        let login = Sha256::of(login);
        let mut counts = self.lock();
        let pair = (login, from.source);
        if let Some(failures) = counts.pairs.get(&pair) {
            let free = failures.last.checked_add(failures.wait()).unwrap_or(now);
            if free > now {
                return Err(NotNow::Wait { seconds: seconds_until(free, now) });
            }
        }
        if from.of_site {
            make_room(&mut counts.sites, &from.network.site, |site| site.empty_at);
            let site = counts.sites.entry(from.network.site).or_insert_with(|| Bucket::empty(now));
            let free = site.room_at(SITE, now);
            if free > now {
                return Err(NotNow::Wait { seconds: seconds_until(free, now) });
            }
        }
        let mut entry = None;
        if from.trust == Trust::Stranger {
            // Besieged logins are the last to make room.
            make_room(&mut counts.logins, &login, |login| login.open.empty_at);
            let tried = counts.logins.entry(login).or_insert_with(|| Login::new(now));
            let entered = tried.enter(from.network, now);
            entry = Some(entered.map_err(|seconds| NotNow::Besieged { seconds })?);
        }
        if let Some(site) = counts.sites.get_mut(&from.network.site).filter(|_| from.of_site) {
            site.fill(SITE, now);
        }
        make_room(&mut counts.pairs, &pair, |failures| failures.last);
        let failures = counts.pairs.entry(pair).or_insert(Failures { count: 0, last: now });
        failures.count = if failures.are_over(now) { 1 } else { failures.count.saturating_add(1) };
        failures.last = now;
        Ok(Attempt { login, from, entry })
    }

    /// The secret was right: the earlier failures from there are forgotten with the attempt.
    pub fn right(&self, attempt: &Attempt) {
        let mut counts = self.lock();
        counts.pairs.remove(&(attempt.login, attempt.from.source));
        if let Some(login) = counts.logins.get_mut(&attempt.login).filter(|_| attempt.entry.is_some()) {
            login.open.take_back(siege::OPEN);
        }
        counts.give_back_site(attempt);
    }

    /// The secret was not looked at: it is as if the attempt had not been made.
    pub fn unmade(&self, attempt: &Attempt, now: Timestamp) {
        let mut counts = self.lock();
        if let Some(failures) = counts.pairs.get_mut(&(attempt.login, attempt.from.source)) {
            failures.count = failures.count.saturating_sub(1);
        }
        if let (Some(login), Some(entry)) = (counts.logins.get_mut(&attempt.login), attempt.entry) {
            login.give_back(attempt.from.network, entry, now);
        }
        counts.give_back_site(attempt);
    }

    /// Somebody signed in from there.
    pub fn signed_in(&self, person: Sha256, address: Option<&str>, now: Timestamp) {
        let network = Network::of(address).routed;
        let mut counts = self.lock();
        let age = |networks: &Vec<(Prefix, Timestamp)>| networks.last().map_or(Timestamp::MIN, |last| last.1);
        make_room(&mut counts.familiar, &person, age);
        let networks = counts.familiar.entry(person).or_default();
        networks.retain(|(known, _)| *known != network);
        networks.push((network, now));
        if networks.len() > FAMILIAR_MAX {
            networks.remove(0);
        }
    }

    /// Whether somebody signed in from there lately; `also` are addresses of sessions.
    pub fn is_familiar<'a>(
        &self,
        person: Sha256,
        address: Option<&str>,
        also: impl IntoIterator<Item = &'a str>,
        now: Timestamp,
    ) -> bool {
        let network = Network::of(address).routed;
        let counts = self.lock();
        let known = counts.familiar.get(&person).into_iter().flatten();
        let mut known =
            known.filter(|(_, at)| now.duration_since(*at).as_secs() < FAMILIAR_SECONDS).map(|known| known.0);
        address.is_some()
            && (known.any(|known| known == network)
                || also.into_iter().any(|address| Network::of(Some(address)).routed == network))
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn give_back_site(&mut self, attempt: &Attempt) {
        if attempt.from.of_site
            && let Some(site) = self.sites.get_mut(&attempt.from.network.site)
        {
            site.take_back(SITE);
        }
    }
}

/// Up to the next whole second.
fn seconds_until(at: Timestamp, now: Timestamp) -> u64 {
    at.duration_since(now).as_millis().unsigned_abs().div_ceil(1000).try_into().unwrap_or(u64::MAX)
}

/// Makes room for a key that is new, at the expense of the one with the lowest rank.
fn make_room<K: Hash + Eq + Clone, V>(map: &mut HashMap<K, V>, key: &K, rank: impl Fn(&V) -> Timestamp) {
    if map.len() >= ENTRIES_MAX && !map.contains_key(key) {
        let least = map.iter().min_by_key(|(_, value)| rank(value)).map(|(key, _)| key.clone());
        least.and_then(|key| map.remove(&key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn host(address: &str) -> Origin {
        Origin::anywhere(Some(address))
    }

    fn wait(attempts: &Attempts, login: &str, from: Origin, now: i64) -> u64 {
        match attempts.begin(login, from, at(now)) {
            Ok(attempt) => {
                attempts.unmade(&attempt, at(now));
                0
            }
            Err(NotNow::Wait { seconds } | NotNow::Besieged { seconds }) => seconds,
        }
    }

    fn fail(attempts: &Attempts, login: &str, address: &str, now: i64) -> Result<(), NotNow> {
        attempts.begin(login, host(address), at(now)).map(drop)
    }

    /// Fails until the login is besieged.
    fn besiege(attempts: &Attempts, login: &str, now: i64) {
        for n in 0..20 {
            fail(attempts, login, &format!("198.51.100.{n}"), now).unwrap();
        }
    }

    #[test]
    fn waits_double_after_three_free_failures_and_stop_at_five_minutes() {
        let attempts = Attempts::default();
        let (known, mut now, mut waits) = (Origin::known(Some("192.0.2.1")), 0, Vec::new());
        for _ in 0..14 {
            let _failed = attempts.begin("ann", known, at(now)).unwrap();
            let seconds = wait(&attempts, "ann", known, now);
            waits.push(seconds);
            now += i64::try_from(seconds).unwrap();
        }
        assert_eq!(waits, [0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
    }

    #[test]
    fn many_at_once_are_counted_before_any_of_them_has_failed() {
        let attempts = Attempts::default();
        let begun: Vec<_> = (0..100).map(|_| attempts.begin("ann", host("192.0.2.1"), at(0))).collect();
        assert_eq!(
            begun.iter().filter(|begun| begun.is_ok()).count(),
            4,
            "three are free, one starts the wait"
        );
        let right = begun.into_iter().flatten().next().unwrap();
        attempts.right(&right);
        assert_eq!(wait(&attempts, "ann", host("192.0.2.1"), 0), 0, "a right one is given back");
    }

    #[test]
    fn a_second_secret_is_not_told_by_what_its_site_has_left() {
        let left = |is_right: bool| {
            let attempts = Attempts::default();
            let _password = attempts.begin("ann", Origin::with_code(Some("192.0.2.1")), at(0)).unwrap();
            if is_right {
                let _wrong_code =
                    attempts.begin("code ann", Origin::second(Some("192.0.2.1")), at(0)).unwrap();
            }
            (0..1000).filter(|n| fail(&attempts, &format!("u{n}"), "192.0.2.1", 0).is_ok()).count()
        };
        assert_eq!((left(false), left(true)), (59, 59));
    }

    #[test]
    fn an_attempt_that_was_not_looked_at_costs_nothing() {
        let attempts = Attempts::default();
        for _ in 0..1000 {
            let attempt = attempts.begin("ann", host("192.0.2.1"), at(0)).unwrap();
            attempts.unmade(&attempt, at(0));
        }
        besiege(&attempts, "ann", 0);
        for _ in 0..1000 {
            let turn = attempts.begin("ann", host("192.0.2.1"), at(0)).unwrap();
            attempts.unmade(&turn, at(0));
        }
    }

    #[test]
    fn guessing_from_elsewhere_locks_nobody_out() {
        let attempts = Attempts::default();
        for n in 0..10 {
            let _ = fail(&attempts, "ann", "192.0.2.1", n);
        }
        assert!(wait(&attempts, "ann", host("192.0.2.1"), 10) > 0);
        assert_eq!(wait(&attempts, "ann", host("192.0.2.2"), 10), 0);
        assert_eq!(wait(&attempts, "bob", host("192.0.2.1"), 10), 0);
        let hour_later = 10 + FORGET_SECONDS;
        fail(&attempts, "ann", "192.0.2.1", hour_later).unwrap();
        assert_eq!(wait(&attempts, "ann", host("192.0.2.1"), hour_later), 0, "an hour of quiet forgets");
    }

    #[test]
    fn what_is_known_never_waits_for_what_strangers_do() {
        let attempts = Attempts::default();
        besiege(&attempts, "ann", 0);
        for n in 0..=255 {
            for m in 0..4 {
                let _ = fail(&attempts, "ann", &format!("10.{n}.{m}.1"), 0);
            }
        }
        assert!(wait(&attempts, "ann", host("203.0.113.9"), 0) > 0);
        assert_eq!(wait(&attempts, "ann", Origin::known(Some("203.0.113.9")), 0), 0);
        assert_eq!(wait(&attempts, "ann", Origin::browser("its id", Some("203.0.113.9")), 0), 0);
        assert_eq!(wait(&attempts, "ann", Origin::with_code(Some("203.0.113.9")), 0), 0);
        assert_eq!(wait(&attempts, "bob", host("203.0.113.9"), 0), 0);
    }

    #[test]
    fn one_site_does_not_try_all_logins() {
        let attempts = Attempts::default();
        let tried =
            |now| (0..1000).filter(|n| fail(&attempts, &format!("u{n}"), "192.0.2.1", now).is_ok()).count();
        assert_eq!(tried(0), 60);
        assert_eq!(tried(60), 1);
        assert_eq!(
            wait(&attempts, "u5000", Origin::known(Some("192.0.2.1")), 60),
            0,
            "who is known there goes on"
        );
    }

    #[test]
    fn networks_are_familiar_to_whom_signed_in_from_them() {
        let (attempts, ann, bob) = (Attempts::default(), Sha256::of("ann"), Sha256::of("bob"));
        attempts.signed_in(ann, Some("192.0.2.1"), at(0));
        let knows =
            |person, address, now| attempts.is_familiar(person, Some(address), ["203.0.113.1"], at(now));
        assert!(knows(ann, "192.0.2.77", 1), "the same network");
        assert!(!knows(bob, "192.0.2.1", 1));
        assert!(!knows(ann, "192.0.3.1", 1));
        assert!(knows(bob, "203.0.113.9", 1), "of a session");
        assert!(!knows(ann, "192.0.2.1", FAMILIAR_SECONDS));
        assert!(!attempts.is_familiar(ann, None, [], at(1)));
        for n in 0..FAMILIAR_MAX {
            attempts.signed_in(ann, Some(&format!("10.0.{n}.1")), at(2));
        }
        assert!(!knows(ann, "192.0.2.1", 3), "the oldest made room");
    }

    #[test]
    fn memory_stays_bounded_and_what_is_besieged_stays_so() {
        let attempts = Attempts::default();
        besiege(&attempts, "ann", 0);
        for n in 0..ENTRIES_MAX + 100 {
            let address = format!("10.{}.{}.1", n / 256, n % 256);
            fail(&attempts, &format!("u{n}"), &address, 1).unwrap();
            attempts.signed_in(Sha256::of(format!("u{n}")), Some(&address), at(1));
        }
        let counts = attempts.lock();
        assert_eq!(counts.pairs.len(), ENTRIES_MAX);
        assert_eq!(counts.logins.len(), ENTRIES_MAX);
        assert_eq!(counts.sites.len(), ENTRIES_MAX);
        assert_eq!(counts.familiar.len(), ENTRIES_MAX);
        assert!(counts.logins[&Sha256::of("ann")].open.room_at(siege::OPEN, at(1)) > at(1));
    }
}
