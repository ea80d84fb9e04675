//! Counts failures per network address, in windows, within bounded memory.

use core::time::Duration;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::clock::monotonic;

/// Most addresses that are remembered.
const ADDRESSES_MAX: usize = 16_384;

/// Makes an address wait once it failed too often within a window.
#[derive(Debug)]
pub(crate) struct FailureLimiter {
    failures_max: u32,
    window: Duration,
    failures: Mutex<HashMap<IpAddr, (Instant, u32)>>,
}

impl FailureLimiter {
    pub(crate) fn new(failures_max: u32, window: Duration) -> Self {
        Self { failures_max, window, failures: Mutex::default() }
    }

    /// How long `source` has to wait, if it has to.
    pub(crate) fn must_wait(&self, source: IpAddr) -> Option<Duration> {
        self.must_wait_at(source, monotonic())
    }

    /// One more failure of `source`.
    pub(crate) fn count(&self, source: IpAddr) {
        self.count_at(source, monotonic());
    }

    fn must_wait_at(&self, source: IpAddr, now: Instant) -> Option<Duration> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, count) = failures.get(&network(source))?;
        let passed = now.saturating_duration_since(*since);
        if *count < self.failures_max {
            return None;
        }
        self.window.checked_sub(passed).filter(|left| !left.is_zero())
    }

    fn count_at(&self, source: IpAddr, now: Instant) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= ADDRESSES_MAX {
            failures.retain(|_, (since, _)| now.saturating_duration_since(*since) < self.window);
            if failures.len() >= ADDRESSES_MAX {
                failures.clear();
            }
        }
        let entry = failures.entry(network(source)).or_insert((now, 0));
        if now.saturating_duration_since(entry.0) >= self.window {
            *entry = (now, 0);
        }
        entry.1 += 1;
    }
}

/// One subscriber's addresses count as one: an IPv6 network has 64 bits for hosts (RFC 4291, section 2.5.4).
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_waits_out_the_window_in_which_it_failed_too_often() {
        let limiter = FailureLimiter::new(3, Duration::from_mins(1));
        let start = monotonic();
        let at = |seconds| start + Duration::from_secs(seconds);
        let (one, same_network, other): (IpAddr, IpAddr, IpAddr) =
            ("2001:db8::1".parse().unwrap(), "2001:db8::2".parse().unwrap(), "192.0.2.1".parse().unwrap());
        limiter.count_at(one, at(0));
        limiter.count_at(same_network, at(10));
        assert_eq!(limiter.must_wait_at(one, at(10)), None);
        limiter.count_at(one, at(20));
        assert_eq!(limiter.must_wait_at(same_network, at(20)), Some(Duration::from_secs(40)));
        assert_eq!(limiter.must_wait_at(other, at(20)), None);
        assert_eq!(limiter.must_wait_at(one, at(60)), None);
        limiter.count_at(one, at(61));
        assert_eq!(limiter.must_wait_at(one, at(62)), None);
    }

    #[test]
    fn memory_stays_bounded_whoever_knocks() {
        let limiter = FailureLimiter::new(1, Duration::from_mins(1));
        let now = monotonic();
        for i in 0..u32::try_from(ADDRESSES_MAX).unwrap() + 10 {
            limiter.count_at(IpAddr::from(i.to_be_bytes()), now);
        }
        assert!(limiter.failures.lock().unwrap().len() <= ADDRESSES_MAX);
    }
}
