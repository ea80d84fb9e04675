//! The one place where the clock is read: the machine's, or a sped-up one for demonstrations.

use core::time::Duration;

use jiff::Timestamp;
use seatpool_crypto::Anchors;
use seatpool_proto::TimeLapse;
use seatpool_proto::certificate::DEMONSTRATION_UNIT;

/// Longest sleep in one piece, in real time: after it the clock is read again, so that a suspended
/// machine or a corrected clock delays a deadline by no more than this.
const SLEEP_MAX: Duration = Duration::from_secs(30);

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

    /// Returns when this clock shows `deadline` or later; with none, never.
    pub async fn sleep_until(&self, deadline: Option<Timestamp>) {
        let Some(deadline) = deadline else { return core::future::pending().await };
        loop {
            let left = deadline.duration_since(self.now());
            let Ok(left) = Duration::try_from(left) else { return };
            if left.is_zero() {
                return;
            }
            let real = self.lapse.map_or(left, |lapse| lapse.real(left));
            // At least a millisecond, the timer's own grain.
            tokio::time::sleep(real.clamp(Duration::from_millis(1), SLEEP_MAX)).await;
        }
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
