//! Authorization codes that were signed lately. Each signing gives another signature, and so other pictures: the
//! numbered parts of one code are put together only if all are of one signing.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use seatpool_proto::ProductInstanceId;

use crate::app::AppError;

/// For how long a signing is kept, in hours: as long as somebody carries pictures of it part by part.
const KEPT_HOURS: i64 = 12;
/// How many are kept; the oldest makes room.
const KEPT_MAX: usize = 256;

/// By product instance and sequence number: when it was signed, and its text.
#[derive(Debug, Default)]
pub(crate) struct Signed(Mutex<BTreeMap<(ProductInstanceId, u64), (Timestamp, String)>>);

impl Signed {
    /// The code's text as it was signed lately, or signed now.
    pub(super) fn text(
        &self,
        code: (ProductInstanceId, u64),
        now: Timestamp,
        sign: impl FnOnce() -> Result<String, AppError>,
    ) -> Result<String, AppError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_fresh = |at: Timestamp| now.duration_since(at) < SignedDuration::from_hours(KEPT_HOURS);
        kept.retain(|_, (at, _)| is_fresh(*at));
        if let Some((_, text)) = kept.get(&code) {
            return Ok(text.clone());
        }
        if kept.len() >= KEPT_MAX {
            let oldest = kept.iter().min_by_key(|(_, (at, _))| *at).map(|(code, _)| *code);
            oldest.and_then(|code| kept.remove(&code));
        }
        let text = sign()?;
        kept.insert(code, (now, text.clone()));
        Ok(text)
    }
}
