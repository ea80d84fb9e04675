//! Sealing what is kept for a while and holds secrets, as answers with a token in them do: AES-256-GCM under a key
//! derived from the manager's token key, so that the database alone gives nothing away.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// What was kept is not what this manager sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what was kept was not sealed by this manager, or was altered")]
pub struct Unsealable;

pub(super) fn seal(token_key: &[u8; 32], plain: &[u8]) -> Result<String, Unsealable> {
    let mut sealed = plain.to_vec();
    let nonce =
        key(token_key)?.seal_in_place_append_tag(Aad::empty(), &mut sealed).map_err(|_| Unsealable)?;
    let mut bytes = nonce.as_ref().to_vec();
    bytes.append(&mut sealed);
    Ok(STANDARD_NO_PAD.encode(bytes))
}

pub(super) fn unseal(token_key: &[u8; 32], text: &str) -> Result<Vec<u8>, Unsealable> {
    let bytes = STANDARD_NO_PAD.decode(text).map_err(|_| Unsealable)?;
    let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN).ok_or(Unsealable)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Unsealable)?;
    let mut sealed = sealed.to_vec();
    let plain = key(token_key)?.open_in_place(nonce, Aad::empty(), &mut sealed).map_err(|_| Unsealable)?;
    Ok(plain.to_vec())
}

fn key(token_key: &[u8; 32]) -> Result<RandomizedNonceKey, Unsealable> {
    let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, token_key), b"seatpool sealed answers");
    RandomizedNonceKey::new(&AES_256_GCM, derived.as_ref()).map_err(|_| Unsealable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_comes_back_and_nothing_else_does() {
        let sealed = seal(&[1; 32], b"a token").unwrap();
        assert_eq!(unseal(&[1; 32], &sealed).unwrap(), b"a token");
        assert_ne!(seal(&[1; 32], b"a token").unwrap(), sealed, "never the same twice");
        assert_eq!(unseal(&[2; 32], &sealed), Err(Unsealable), "under another key");
        let altered = sealed.replace(sealed.chars().last().unwrap(), "_");
        assert_eq!(unseal(&[1; 32], &altered), Err(Unsealable));
        assert_eq!(unseal(&[1; 32], ""), Err(Unsealable));
    }
}
