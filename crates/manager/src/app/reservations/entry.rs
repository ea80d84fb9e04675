//! How often codes may be entered for one reservation: they are short, and nobody is to guess one.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use seatpool_domain::Refused;
use seatpool_proto::ProductInstanceId;

use crate::app::AppError;

/// Wrong codes that cost no waiting.
const FREE_FAILURES: u32 = 5;
/// How long one has to wait after more of them.
const WAIT: SignedDuration = SignedDuration::from_mins(10);
/// How many reservations are remembered; the longest quiet one makes room. A confirmation code has 32 bits: at six
/// guesses in an hour one in two billion hours is right.
const ENTRIES_MAX: usize = 10_000;

/// Wrong codes so far, by reservation.
#[derive(Debug, Default)]
pub(crate) struct Entries(Mutex<HashMap<ProductInstanceId, (u32, Timestamp)>>);

impl Entries {
    /// Refuses while one has to wait. An attempt counts as wrong from its beginning, until [`Entries::right`] takes it back:
    /// many at once are no way around.
    pub(super) fn attempt(&self, of: ProductInstanceId, now: Timestamp) -> Result<(), AppError> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((count, last)) = entries.get(&of) {
            let left = WAIT - now.duration_since(*last);
            if *count >= FREE_FAILURES && left > SignedDuration::ZERO {
                let detail = format!(
                    "{count} wrong codes were entered for this product instance: wait {} seconds, and compare the code with \
                     what the product shows",
                    left.as_secs() + 1
                );
                return Err(AppError::Refused(Refused::Reservation { code: "too_many_wrong_codes", detail }));
            }
        }
        if entries.len() >= ENTRIES_MAX && !entries.contains_key(&of) {
            let quiet = entries.iter().min_by_key(|(_, (_, last))| *last).map(|(id, _)| *id);
            quiet.map(|id| entries.remove(&id));
        }
        let entry = entries.entry(of).or_insert((0, now));
        *entry = (entry.0 + 1, now);
        Ok(())
    }

    /// The code was right.
    pub(super) fn right(&self, of: ProductInstanceId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&of);
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + 60 * minutes).unwrap()
    }

    #[test]
    fn after_five_wrong_codes_one_waits_and_nobody_else_does() {
        let (entries, mine) = (Entries::default(), ProductInstanceId(Uuid::from_u128(1)));
        for _ in 0..FREE_FAILURES {
            assert!(entries.attempt(mine, at(0)).is_ok());
        }
        let refused = entries.attempt(mine, at(9)).unwrap_err().to_string();
        assert!(refused.contains("wait 61 seconds"), "{refused}");
        assert!(entries.attempt(ProductInstanceId(Uuid::from_u128(2)), at(9)).is_ok());
        assert!(entries.attempt(mine, at(10)).is_ok());
        assert!(entries.attempt(mine, at(11)).is_err(), "one more guess in ten minutes");
        entries.right(mine);
        assert!(entries.attempt(mine, at(11)).is_ok());
    }

    #[test]
    fn memory_stays_bounded() {
        let entries = Entries::default();
        for n in 0..ENTRIES_MAX + 10 {
            let id = ProductInstanceId(Uuid::from_u128(n as u128));
            assert!(entries.attempt(id, at(i64::try_from(n).unwrap())).is_ok());
        }
        assert_eq!(entries.0.lock().unwrap().len(), ENTRIES_MAX);
    }
}
