//! The one place where the clock is read: the machine's, or a sped-up one for demonstrations.

use core::time::Duration;

use jiff::Timestamp;
use seatpool_crypto::Anchors;
use seatpool_proto::TimeLapse;
use seatpool_proto::certificate::DEMONSTRATION_UNIT;

/// Longest wait in one piece, as this clock counts: after it the agent is asked again, whatever the clock shows, so
/// that a suspended machine or a clock that was set back delays nothing by more than this.
const SLEEP_MAX: Duration = Duration::from_mins(1);
/// Shortest wait for a deadline that is ahead: the timer's own grain.
const SLEEP_MIN: Duration = Duration::from_millis(1);

/// Where the time comes from.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    lapse: Option<TimeLapse>,
}

/// Time lapse was asked for where it is not allowed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum LapseRefused {
    /// There is no trust anchor at all.
    #[error(
        "time lapse needs a demonstration root among trust_anchors, and there is none: make one with `seatpool init --demonstration`"
    )]
    NoAnchor,
    /// A production root is trusted.
    #[error(
        "time lapse is refused, since {subject} among trust_anchors is a production root: leave out --time-lapse, or trust demonstration roots only"
    )]
    Production {
        /// The root's subject.
        subject: String,
    },
}

impl Clock {
    /// The machine's clock.
    pub const fn real() -> Self {
        Self { lapse: None }
    }

    /// A sped-up clock. Refused unless every one of `anchors`, and at least one, was made for demonstration.
    pub fn lapsed(lapse: TimeLapse, anchors: &Anchors) -> Result<Self, LapseRefused> {
        if anchors.certificates().is_empty() {
            return Err(LapseRefused::NoAnchor);
        }
        for der in anchors.certificates() {
            let subject = match x509_parser::parse_x509_certificate(der) {
                Ok((_, certificate)) => {
                    let units = certificate.subject().iter_organizational_unit();
                    if units.filter_map(|unit| unit.as_str().ok()).any(|unit| unit == DEMONSTRATION_UNIT) {
                        continue;
                    }
                    certificate.subject().to_string()
                }
                Err(_) => "an unreadable certificate".into(),
            };
            return Err(LapseRefused::Production { subject });
        }
        Ok(Self { lapse: Some(lapse) })
    }

    /// The present time.
    pub fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the agent shell's one reading of the clock")]
        let real = Timestamp::now();
        self.lapse.map_or(real, |lapse| lapse.at(real))
    }

    /// How many times as fast as the machine's clock it runs.
    pub fn factor(&self) -> u32 {
        self.lapse.map_or(1, |lapse| lapse.factor())
    }

    /// Returns when `deadline` has come by this clock, and after a minute of it in any case: waking the agent early
    /// is harmless. Without a deadline, never.
    pub async fn sleep_until(&self, deadline: Option<Timestamp>) {
        let Some(deadline) = deadline else { return core::future::pending().await };
        tokio::time::sleep(self.wait(self.now(), deadline)).await;
    }

    /// How long to wait, in real time: not at all for a deadline that has passed.
    fn wait(self, now: Timestamp, deadline: Timestamp) -> Duration {
        let Ok(left) = Duration::try_from(deadline.duration_since(now)) else { return Duration::ZERO };
        if left.is_zero() {
            return left;
        }
        let left = left.min(SLEEP_MAX);
        self.lapse.map_or(left, |lapse| lapse.real(left)).max(SLEEP_MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(unit: Option<&str>) -> Vec<u8> {
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, "Root");
        if let Some(unit) = unit {
            params.distinguished_name.push(rcgen::DnType::OrganizationalUnitName, unit);
        }
        params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    /// With the clock set back, its deadline is as far away as here; what runs on a clock of its own must not
    /// wait for it.
    #[tokio::test]
    async fn a_wait_ends_after_a_minute_however_far_the_deadline() {
        let clock = Clock { lapse: Some("6000@2026-11-22T00:00:00Z".parse().unwrap()) };
        let year = jiff::SignedDuration::from_hours(365 * 24);
        let deadline = clock.now() + year;
        let wait = clock.sleep_until(Some(deadline));
        tokio::time::timeout(Duration::from_secs(20), wait).await.expect("a wait of ten milliseconds");
        assert!(clock.now() < deadline);
    }

    #[test]
    fn a_wait_is_to_the_deadline_and_a_minute_at_most() {
        let lapsed = Clock { lapse: Some("60@2026-11-22T00:00:00Z".parse().unwrap()) };
        let now: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        for (seconds, real, sped) in [(-5, 0, 0), (0, 0, 0), (30, 30_000, 500), (3_000_000, 60_000, 1_000)] {
            let deadline = now + jiff::SignedDuration::from_secs(seconds);
            assert_eq!(Clock::real().wait(now, deadline), Duration::from_millis(real));
            assert_eq!(lapsed.wait(now, deadline), Duration::from_millis(sped));
        }
    }

    #[test]
    fn time_lapse_is_for_demonstration_roots_only() {
        let check = |roots: Vec<Vec<u8>>| {
            let lapse: TimeLapse = "60@2026-11-22T00:00:00Z".parse().unwrap();
            Clock::lapsed(lapse, &Anchors::new(roots).unwrap()).map(|clock| clock.factor())
        };
        assert_eq!(check(vec![root(Some(DEMONSTRATION_UNIT))]), Ok(60));
        assert_eq!(check(vec![]), Err(LapseRefused::NoAnchor));
        for roots in [
            vec![root(None)],
            vec![root(Some("demonstration only"))],
            vec![root(Some(DEMONSTRATION_UNIT)), root(None)],
        ] {
            assert!(matches!(check(roots), Err(LapseRefused::Production { .. })));
        }
    }
}
