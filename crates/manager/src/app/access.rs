//! Sign-in and access.

use argon2::Argon2;
use argon2::password_hash::PasswordHasher as _;

/// The password could not be hashed.
#[derive(Debug, thiserror::Error)]
#[error("the password could not be hashed: {0}")]
pub struct PasswordNotHashed(String);

/// Hashes a password with argon2id (19 MiB, two passes, a random salt) into a PHC string. Takes some 40 ms.
pub fn hash_password(password: &str) -> Result<String, PasswordNotHashed> {
    Argon2::default()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|e| PasswordNotHashed(e.to_string()))
}
