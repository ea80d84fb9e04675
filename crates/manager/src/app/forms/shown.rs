//! Pages that show a secret once.
//!
//! A browser that sends a form twice, as by a double click, shows the second answer alone: it must hold the secret,
//! too. So the page is kept for a few minutes for who sent the form, in this process's memory and nowhere else.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use seatpool_proto::Sha256;
use uuid::Uuid;
use zeroize::Zeroizing;

/// How long a page is kept, in real minutes.
const KEPT_MINUTES: i64 = 5;
/// How many pages are kept; the oldest makes room.
const KEPT_MAX: usize = 64;

/// Who sends a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sender {
    /// The user, as long as the session has not ended.
    pub(crate) user: Option<Uuid>,
    /// The digest of the session's cookie, though the session may have ended: a form may replace it.
    pub(crate) session: Option<Sha256>,
}

impl Sender {
    fn is(self, other: Self) -> bool {
        (self.user.is_some() && self.user == other.user)
            || (self.session.is_some() && self.session == other.session)
    }
}

/// The pages that are kept, by the digest of the form that led to them.
#[derive(Default)]
pub(crate) struct Shown(Mutex<HashMap<Sha256, Kept>>);

struct Kept {
    to: Sender,
    until: Timestamp,
    page: Zeroizing<String>,
}

impl Shown {
    /// Keeps a page for its sender.
    pub(crate) fn keep(&self, digest: Sha256, to: Sender, page: String, now: Timestamp) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, page| page.until > now);
        if kept.len() >= KEPT_MAX {
            let oldest = kept.iter().min_by_key(|(_, page)| page.until).map(|(digest, _)| *digest);
            oldest.and_then(|digest| kept.remove(&digest));
        }
        let until = now.checked_add(SignedDuration::from_mins(KEPT_MINUTES)).unwrap_or(now);
        kept.insert(digest, Kept { to, until, page: Zeroizing::new(page) });
    }

    /// The page that this form led to, if it is kept and the same person sends the form.
    pub(crate) fn find(&self, digest: Sha256, to: Sender, now: Timestamp) -> Option<String> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, page| page.until > now);
        kept.get(&digest).filter(|page| page.to.is(to)).map(|page| page.page.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(minute * 60).unwrap()
    }

    fn sender(user: Option<u128>, session: Option<&str>) -> Sender {
        Sender { user: user.map(Uuid::from_u128), session: session.map(Sha256::of) }
    }

    #[test]
    fn a_page_is_shown_again_to_its_sender_for_some_minutes() {
        let (shown, form) = (Shown::default(), Sha256::of("form"));
        shown.keep(form, sender(Some(1), Some("a")), "the secret".into(), at(0));
        let found = |to, minute| shown.find(form, to, at(minute)).is_some();
        assert!(found(sender(Some(1), Some("a")), 1));
        assert!(found(sender(Some(1), Some("b")), 1), "the session was replaced");
        assert!(found(sender(None, Some("a")), 1), "the session has ended");
        for other in
            [sender(Some(2), Some("b")), sender(None, Some("b")), sender(Some(2), None), sender(None, None)]
        {
            assert!(!found(other, 1), "{other:?}");
        }
        assert_eq!(shown.find(Sha256::of("another"), sender(Some(1), None), at(1)), None);
        assert!(!found(sender(Some(1), Some("a")), KEPT_MINUTES));
        assert!(shown.0.lock().unwrap().is_empty(), "nothing stays behind");
    }

    #[test]
    fn memory_stays_bounded() {
        let (shown, to) = (Shown::default(), sender(Some(1), None));
        for n in 0..=KEPT_MAX {
            shown.keep(Sha256::of(n.to_string()), to, "page".into(), at(0));
        }
        assert_eq!(shown.0.lock().unwrap().len(), KEPT_MAX);
    }
}
