//! The product's clock: the time that its agent counts by, so that a shift plan follows a demonstration.

use core::time::Duration;

use jiff::{SignedDuration, Timestamp};
use seatpool_proto::TimeLapse;

/// Longest wait in one piece, in real time, so that a corrected clock is noticed.
const SLEEP_MAX: Duration = Duration::from_secs(30);

/// The real clock, or the sped-up one that the agent runs by.
#[derive(Clone, Copy, Debug)]
pub struct Clock(pub Option<TimeLapse>);

impl Clock {
    /// The present time.
    pub fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the products' one reading of the clock")]
        let real = Timestamp::now();
        self.0.map_or(real, |lapse| lapse.at(real))
    }

    /// Returns when `span` has passed after `start`.
    pub async fn sleep_until(&self, start: Timestamp, span: SignedDuration) {
        let end = start.checked_add(span).unwrap_or(Timestamp::MAX);
        while let Ok(left) = Duration::try_from(end.duration_since(self.now())) {
            if left.is_zero() {
                return;
            }
            let real = self.0.map_or(left, |lapse| lapse.real(left));
            tokio::time::sleep(real.clamp(Duration::from_millis(1), SLEEP_MAX)).await;
        }
    }
}
