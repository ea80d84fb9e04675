//! Small secrets that are kept elsewhere: encrypted and authenticated by AES-256-GCM under a key of this data
//! directory.
//!
//! The key is derived (HKDF-SHA256, RFC 5869) from the token key, so that managers that share a database share it
//! and a backup that holds the one holds the other. What a text was sealed for is authenticated with it: a text
//! sealed for one purpose or person opens for no other.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

/// What the derived key is for.
const INFO: &[u8] = b"seatpool sign-in secrets, version 1";

/// The key.
pub(super) struct Sealer(LessSafeKey);

impl Sealer {
    /// Derives it from the token key.
    pub(super) fn derive(token_key: &[u8; 32]) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; 32]);
        let key = Salt::new(HKDF_SHA256, &[]).extract(token_key);
        key.expand(&[INFO], HKDF_SHA256).ok()?.fill(&mut *bytes).ok()?;
        Some(Self(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &*bytes).ok()?)))
    }

    pub(super) fn seal(&self, purpose: &str, secret: &[u8]) -> Option<String> {
        let nonce = seatpool_crypto::random_bytes::<NONCE_LEN>();
        let mut text = nonce.to_vec();
        let mut sealed = secret.to_vec();
        let aad = Aad::from(purpose.as_bytes());
        self.0.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed).ok()?;
        text.append(&mut sealed);
        Some(URL_SAFE_NO_PAD.encode(text))
    }

    pub(super) fn unseal(&self, purpose: &str, sealed: &str) -> Option<Zeroizing<Vec<u8>>> {
        let mut bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(sealed).ok()?);
        let (nonce, rest) = bytes.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let opened = self.0.open_in_place(nonce, Aad::from(purpose.as_bytes()), rest).ok()?;
        Some(Zeroizing::new(opened.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_text_opens_for_its_purpose_under_its_key_alone() {
        let sealer = Sealer::derive(&[7; 32]).unwrap();
        let text = sealer.seal("for alice", b"secret").unwrap();
        assert!(!text.contains("secret"));
        assert_eq!(sealer.unseal("for alice", &text).unwrap().as_slice(), b"secret");
        assert!(sealer.unseal("for bob", &text).is_none());
        assert!(Sealer::derive(&[8; 32]).unwrap().unseal("for alice", &text).is_none());
        assert_ne!(text, sealer.seal("for alice", b"secret").unwrap(), "nonces differ");
        let last = if text.ends_with('A') { "B" } else { "A" };
        let altered = format!("{}{last}", &text[..text.len() - 1]);
        for bad in ["", "AAAA", "!", &text[..20], &altered] {
            assert!(sealer.unseal("for alice", bad).is_none(), "{bad}");
        }
    }
}
