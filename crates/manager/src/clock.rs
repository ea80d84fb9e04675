//! The manager's clock, real or sped up, and new ids: nothing else reads a clock or draws an id.
#![expect(clippy::disallowed_methods, reason = "this is the one file in which the manager reads its clock")]

use core::time::Duration;

use jiff::Timestamp;
use seatpool_crypto::random_bytes;
use seatpool_domain::Ids;
use seatpool_proto::TimeLapse;
use uuid::Uuid;

/// The clock that everything in the manager goes by.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    lapse: Option<TimeLapse>,
}

impl Clock {
    /// The machine's clock, or one that is sped up by `lapse` (demonstrations only: the caller has checked
    /// that the vendor root permits it).
    pub fn new(lapse: Option<TimeLapse>) -> Self {
        Self { lapse }
    }

    /// The present time, to the microsecond: as fine as the database keeps it, so that what is answered and
    /// what is stored are equal.
    pub fn now(&self) -> Timestamp {
        let real = Timestamp::now();
        let now = self.lapse.map_or(real, |lapse| lapse.at(real));
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }

    /// The machine's own clock.
    pub fn real(&self) -> Timestamp {
        Timestamp::now()
    }

    /// How many times as fast as the machine's clock it runs.
    pub fn factor(&self) -> u32 {
        self.lapse.map_or(1, |lapse| lapse.factor())
    }

    /// Waits until `span` has passed on this clock.
    pub async fn sleep(&self, span: Duration) {
        tokio::time::sleep(self.lapse.map_or(span, |lapse| lapse.real(span))).await;
    }

    /// Waits until this clock shows `instant`.
    pub async fn sleep_until(&self, instant: Timestamp) {
        // In steps, so that a machine that slept or whose clock was set still wakes within a minute.
        loop {
            let left = instant.duration_since(self.now());
            let Ok(left) = Duration::try_from(left) else { return };
            if left.is_zero() {
                return;
            }
            let real = self.lapse.map_or(left, |lapse| lapse.real(left));
            tokio::time::sleep(real.min(Duration::from_mins(1))).await;
        }
    }
}

/// A monotonic reading of the machine's clock, for measuring spans.
pub fn monotonic() -> std::time::Instant {
    std::time::Instant::now()
}

/// New ids from the system's cryptographic source and this clock.
#[derive(Clone, Copy, Debug)]
pub struct NewIds(pub Clock);

impl NewIds {
    /// A new UUID, version 7 (RFC 9562, section 5.7): 48 bits of milliseconds, 74 random bits.
    pub fn uuid(self) -> Uuid {
        let millis = u64::try_from(self.0.now().as_millisecond()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &random_bytes()).into_uuid()
    }
}

impl Ids for NewIds {
    fn uuid(&mut self) -> Uuid {
        Self::uuid(*self)
    }

    fn certificate_serial(&mut self) -> [u8; 16] {
        certificate_serial()
    }
}

/// A certificate serial number: 16 bytes, positive, without a leading zero byte, 120 bits of them random
/// (RFC 5280, section 4.1.2.2).
pub fn certificate_serial() -> [u8; 16] {
    let mut serial: [u8; 16] = random_bytes();
    // 1 to 127, so that it is positive and keeps its 16 bytes in DER.
    serial[0] = serial[0] % 127 + 1;
    serial
}
