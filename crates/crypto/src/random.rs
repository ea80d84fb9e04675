//! Chance, from the operating system.

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};

/// Fills `bytes` from the system's cryptographic source.
///
/// # Panics
/// If the operating system has no randomness to give: nothing here could go on safely.
pub fn fill_random(bytes: &mut [u8]) {
    #[expect(clippy::expect_used, reason = "without randomness no key, nonce or id may be made")]
    SystemRandom::new().fill(bytes).expect("the operating system's random source answers");
}

/// `N` bytes from the system's cryptographic source.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill_random(&mut bytes);
    bytes
}
