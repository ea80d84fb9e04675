//! Registration tokens' texts.
//!
//! `base32(account ‖ token id ‖ tag)`, where the tag is the first 160 bits of HMAC-SHA256 under the manager's
//! token key over the 32 bytes before it. So no secret is in the database, a text can be shown again, and a
//! foreign one is told by its tag alone. Base32 (RFC 4648, section 6, without padding) survives being read
//! aloud and typed; upper and lower case are the same.

use aws_lc_rs::{constant_time, hmac};
use seatpool_proto::{AccountId, TokenId};
use uuid::Uuid;

const TAG_BYTES: usize = 20;
const BYTES: usize = 16 + 16 + TAG_BYTES;
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The text is not one of this manager's tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a token of this manager")]
pub struct InvalidToken;

pub(super) fn text(key: &[u8; 32], account: AccountId, token: TokenId) -> String {
    let mut bytes = Vec::with_capacity(BYTES);
    bytes.extend_from_slice(account.0.as_bytes());
    bytes.extend_from_slice(token.0.as_bytes());
    let tag = tag(key, &bytes);
    bytes.extend_from_slice(&tag);
    encode(&bytes)
}

pub(super) fn read(key: &[u8; 32], text: &str) -> Result<(AccountId, TokenId), InvalidToken> {
    let bytes: [u8; BYTES] =
        decode(text.trim()).and_then(|bytes| bytes.try_into().ok()).ok_or(InvalidToken)?;
    let (ids, given) = bytes.split_at(32);
    constant_time::verify_slices_are_equal(&tag(key, ids), given).map_err(|_| InvalidToken)?;
    let (account, token) = ids.split_at(16);
    let id = |bytes| Uuid::from_slice(bytes).map_err(|_| InvalidToken);
    Ok((AccountId(id(account)?), TokenId(id(token)?)))
}

fn tag(key: &[u8; 32], ids: &[u8]) -> [u8; TAG_BYTES] {
    let full = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), ids);
    let mut tag = [0; TAG_BYTES];
    tag.copy_from_slice(&full.as_ref()[..TAG_BYTES]);
    tag
}

fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut buffer, mut bits) = (0u32, 0);
    for byte in bytes {
        buffer = (buffer << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(ALPHABET[(buffer >> bits) as usize & 31]));
        }
    }
    if bits > 0 {
        text.push(char::from(ALPHABET[(buffer << (5 - bits)) as usize & 31]));
    }
    text
}

/// None unless it is what [`encode`] writes, case aside.
fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 5 / 8);
    let (mut buffer, mut bits) = (0u32, 0);
    for c in text.bytes() {
        let value = ALPHABET.iter().position(|a| *a == c.to_ascii_uppercase())?;
        buffer = (buffer << 5) | u32::try_from(value).ok()?;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push((buffer >> bits) as u8);
        }
    }
    // Bits that are left over must be zero, so that a token has one text.
    (bits < 5 && buffer & ((1 << bits) - 1) == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    fn ids() -> (AccountId, TokenId) {
        (AccountId(Uuid::from_u128(0x1234_5678)), TokenId(Uuid::from_u128(u128::MAX - 5)))
    }

    #[test]
    fn a_token_reads_back_under_its_own_key_alone() {
        let (account, token) = ids();
        let text = text(&KEY, account, token);
        assert_eq!(text.len(), 84);
        assert!(text.bytes().all(|b| b.is_ascii_alphanumeric()));
        assert_eq!(read(&KEY, &text), Ok((account, token)));
        assert_eq!(read(&KEY, &format!(" {}\n", text.to_lowercase())), Ok((account, token)));
        assert_eq!(read(&[8; 32], &text), Err(InvalidToken));
    }

    #[test]
    fn a_token_with_any_changed_or_missing_character_is_refused() {
        let (account, token) = ids();
        let text = text(&KEY, account, token);
        for i in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[i] = if changed[i] == b'A' { b'B' } else { b'A' };
            assert_eq!(read(&KEY, core::str::from_utf8(&changed).unwrap()), Err(InvalidToken), "at {i}");
            assert_eq!(read(&KEY, &text[..i]), Err(InvalidToken));
        }
        assert_eq!(read(&KEY, &format!("{text}A")), Err(InvalidToken));
    }
}
