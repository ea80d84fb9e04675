//! Passwords: argon2id with 19 MiB and two passes (OWASP Password Storage Cheat Sheet), off the async
//! threads, and never more than a few at a time, so that sign-ins can't take the machine's memory. Only a few wait
//! for that; the others are told to come back, and strangers do not take the places of who is known.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use tokio::sync::Semaphore;
use zxcvbn::Score;

use crate::app::AppError;

/// Memory of one hash, in KiB.
const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over that memory.
const PASSES: u32 = 2;
/// How many hashes are computed at a time.
const CONCURRENT_MAX: usize = 2;
/// How many may wait for that in each queue, those under way among them.
const QUEUE_MAX: usize = 16;
/// In how many seconds to try again when a queue is full: long enough for both to be worked off on a slow machine.
const BUSY_SECONDS: u64 = 5;
/// Shortest password, in characters (OWASP ASVS 4.0.3, requirement 2.1.1).
pub const PASSWORD_CHARS_MIN: usize = 12;
/// Longest password, in characters.
pub const PASSWORD_CHARS_MAX: usize = 256;

/// A hash that no password has (its salt and output are of zero bytes): what an unknown login is checked
/// against, so that it costs as much as a known one.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Why a password is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnusablePassword {
    /// Fewer than [`PASSWORD_CHARS_MIN`] characters.
    #[error("a password has at least {PASSWORD_CHARS_MIN} characters; several words are easiest")]
    TooShort,
    /// More than [`PASSWORD_CHARS_MAX`] characters.
    #[error("a password has at most {PASSWORD_CHARS_MAX} characters")]
    TooLong,
    /// It is guessed too soon.
    #[error("the password is guessed too soon: {0}")]
    Weak(String),
    /// The hash function failed.
    #[error("the password could not be hashed")]
    Hash,
}

/// The lowest score of zxcvbn that is taken, of 0 to 4: 10^8 guesses, with argon2id some years of one machine.
const SCORE_MIN: Score = Score::Three;

/// Refuses a new password that is too short, too long, or soon guessed by who knows `context`: the login, the names
/// of the person, the account and the manager. Takes some milliseconds.
pub fn check_strength(password: &str, context: &[&str]) -> Result<(), UnusablePassword> {
    match password.chars().count() {
        0..PASSWORD_CHARS_MIN => return Err(UnusablePassword::TooShort),
        PASSWORD_CHARS_MIN..=PASSWORD_CHARS_MAX => {}
        _ => return Err(UnusablePassword::TooLong),
    }
    let parts = context.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric()).chain([*text]));
    let words: Vec<&str> = parts.filter(|word| word.chars().count() > 2).chain(["seatpool"]).collect();
    // Two names and a digit are not much of a secret, however the estimate counts them.
    let mut rest = password.to_lowercase();
    for word in &words {
        rest = rest.replace(&word.to_lowercase(), "");
    }
    if rest.chars().filter(|c| c.is_alphanumeric()).count() < PASSWORD_CHARS_MIN / 2 {
        return Err(UnusablePassword::Weak(
            "It is made of names. Add words that nobody connects with you.".into(),
        ));
    }
    let estimate = zxcvbn::zxcvbn(password, &words);
    if estimate.score() >= SCORE_MIN {
        return Ok(());
    }
    let advice = estimate.feedback().map(|feedback| {
        let warning = feedback.warning().map(|warning| warning.to_string());
        let suggestions = feedback.suggestions().iter().map(ToString::to_string);
        let sentences: Vec<String> = warning.into_iter().chain(suggestions).collect();
        sentences.join(" ")
    });
    let advice = advice.filter(|advice| !advice.is_empty());
    Err(UnusablePassword::Weak(
        advice.unwrap_or_else(|| "Add another word or two. Uncommon words are better.".to_owned()),
    ))
}

/// Hashes a new password as a PHC string. Takes 30 to 40 ms and 19 MiB: not for async threads.
pub fn hash(password: &str) -> Result<String, UnusablePassword> {
    match password.chars().count() {
        0..PASSWORD_CHARS_MIN => return Err(UnusablePassword::TooShort),
        PASSWORD_CHARS_MIN..=PASSWORD_CHARS_MAX => {}
        _ => return Err(UnusablePassword::TooLong),
    }
    let salt = seatpool_crypto::random_bytes::<16>();
    let hash: PasswordHash = hasher()
        .and_then(|hasher| hasher.hash_password_with_salt(password.as_bytes(), &salt).ok())
        .ok_or(UnusablePassword::Hash)?;
    Ok(hash.to_string())
}

/// Whether the password is the one that was hashed; for no hash, as slow and false.
pub fn verify(password: &str, hash: Option<&str>) -> bool {
    // A password longer than any that was taken is not worth hashing.
    if password.chars().count() > PASSWORD_CHARS_MAX {
        return false;
    }
    let known = hash.is_some();
    let matches = hasher()
        .is_some_and(|hasher| hasher.verify_password(password.as_bytes(), hash.unwrap_or(NOBODY)).is_ok());
    matches && known
}

fn hasher() -> Option<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).ok()?;
    Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Which queue a hash waits in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// Of people in a session, with a link, or where they signed in before.
    Known,
    /// Of everybody else.
    Strangers,
}

/// Runs hashes on blocking threads, at most `CONCURRENT_MAX` at a time, in the order in which they were asked for.
#[derive(Clone, Debug)]
pub struct Hashing {
    slots: Arc<Semaphore>,
    known: Arc<Semaphore>,
    strangers: Arc<Semaphore>,
}

impl Default for Hashing {
    fn default() -> Self {
        let places = |count| Arc::new(Semaphore::new(count));
        Self { slots: places(CONCURRENT_MAX), known: places(QUEUE_MAX), strangers: places(QUEUE_MAX) }
    }
}

impl Hashing {
    /// [`verify`] without blocking.
    pub async fn verify(
        &self,
        queue: Queue,
        password: String,
        hash: Option<String>,
    ) -> Result<bool, AppError> {
        self.run(queue, move || verify(&password, hash.as_deref())).await
    }

    /// [`check_strength`] and [`hash`] without blocking.
    pub async fn hash_strong(
        &self,
        password: String,
        context: Vec<String>,
    ) -> Result<Result<String, UnusablePassword>, AppError> {
        self.run(Queue::Known, move || {
            let context: Vec<&str> = context.iter().map(String::as_str).collect();
            check_strength(&password, &context)?;
            hash(&password)
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        queue: Queue,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, AppError> {
        let places = match queue {
            Queue::Known => &self.known,
            Queue::Strangers => &self.strangers,
        };
        let place =
            Arc::clone(places).try_acquire_owned().map_err(|_| AppError::Busy { seconds: BUSY_SECONDS })?;
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(|_| AppError::Internal)?;
        let run = move || {
            let _held = (slot, place);
            work()
        };
        tokio::task::spawn_blocking(run).await.map_err(|_| AppError::Internal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_verifies_against_its_own_hash_only() {
        let phc = hash("correct horse battery").unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert!(verify("correct horse battery", Some(&phc)));
        assert!(!verify("correct horse batterz", Some(&phc)));
        assert!(!verify("correct horse battery", None));
        assert_ne!(phc, hash("correct horse battery").unwrap(), "salts differ");
    }

    #[test]
    fn the_hash_of_nobody_is_computed_like_any_other() {
        let nobody = PasswordHash::new(NOBODY).unwrap();
        let mut somebody = PasswordHash::new(&hash("correct horse battery").unwrap()).unwrap();
        somebody.salt = nobody.salt;
        somebody.hash = nobody.hash;
        assert_eq!(nobody, somebody, "same algorithm and cost");
    }

    #[test]
    fn a_password_that_is_soon_guessed_is_refused_with_advice() {
        let check = |password| check_strength(password, &["alice", "Alice Liddell", "example.com"]);
        for good in
            ["correct horse battery", "wrong horse, right battery", "Umbrella-Tramway-91", "cX8!pQ2#vL9w"]
        {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for weak in [
            "passwordpassword",
            "alice1234567",
            "AliceLiddell1",
            "seatpool2026",
            "aaaaaaaaaaaaaaaa",
            "qwertyuiop12",
        ] {
            let Err(refused) = check(weak) else { panic!("{weak} is taken") };
            assert!(matches!(refused, UnusablePassword::Weak(_)), "{weak}: {refused}");
            assert!(refused.to_string().contains('.'), "{weak}: {refused}");
            assert!(!refused.to_string().contains(weak));
        }
        assert_eq!(check("short"), Err(UnusablePassword::TooShort));
        assert_eq!(check(&"a b".repeat(100)), Err(UnusablePassword::TooLong));
    }

    #[tokio::test]
    async fn a_full_queue_sends_away_at_once_and_takes_no_place_of_who_is_known() {
        let hashing = Hashing::default();
        // All slots are taken, so that nothing ends before it is looked at.
        let slots = Arc::clone(&hashing.slots).acquire_many_owned(2).await.unwrap();
        let ask = |queue| {
            let hashing = hashing.clone();
            tokio::spawn(async move { hashing.verify(queue, "not it".into(), None).await })
        };
        let waiting: Vec<_> = (0..QUEUE_MAX).map(|_| ask(Queue::Strangers)).collect();
        while hashing.strangers.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        for _ in 0..1000 {
            let busy = hashing.verify(Queue::Strangers, "not it".into(), None).await;
            assert!(matches!(busy, Err(AppError::Busy { seconds: BUSY_SECONDS })), "{busy:?}");
        }
        let known = ask(Queue::Known);
        drop(slots);
        assert!(!known.await.unwrap().unwrap());
        for done in waiting {
            assert!(!done.await.unwrap().unwrap());
        }
        assert!(
            !hashing.verify(Queue::Strangers, "not it".into(), None).await.unwrap(),
            "there is room again"
        );
    }

    #[test]
    fn short_and_endless_passwords_are_refused() {
        assert_eq!(hash("eleven char"), Err(UnusablePassword::TooShort));
        assert_eq!(hash(&"a".repeat(257)), Err(UnusablePassword::TooLong));
        assert!(!verify(&"a".repeat(1_000_000), None));
    }
}
