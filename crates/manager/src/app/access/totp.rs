//! Time-based one-time passwords (RFC 6238) of six digits and 30 seconds with HMAC-SHA-1: what every
//! authenticator app speaks. Pure: secret, time and code are handed in.

use aws_lc_rs::hmac;

/// Seconds that one code is shown.
pub(super) const STEP_SECONDS: u64 = 30;
/// Bytes of a new secret (RFC 4226, section 4, R6: 160 bits are recommended).
pub(super) const SECRET_BYTES: usize = 20;
const DIGITS: usize = 6;
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The time step of the code, if it is the one of `unix_seconds`, or of one step before or after, for clocks that
/// differ. Compares in constant time.
pub(super) fn matching_step(secret: &[u8], code: &str, unix_seconds: u64) -> Option<u64> {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    if code.len() != DIGITS {
        return None;
    }
    let now = unix_seconds / STEP_SECONDS;
    let is_of = |step: &u64| {
        let expected = code_of(secret, *step);
        aws_lc_rs::constant_time::verify_slices_are_equal(expected.as_bytes(), code.as_bytes()).is_ok()
    };
    [now, now.saturating_sub(1), now + 1].into_iter().find(is_of)
}

/// The code of a step (RFC 4226, section 5.3).
pub(super) fn code_of(secret: &[u8], step: u64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let mac = hmac::sign(&key, &step.to_be_bytes());
    let mac = mac.as_ref();
    let offset = usize::from(mac.last().copied().unwrap_or_default() & 0xf);
    let four = mac.iter().skip(offset).take(4).fold(0_u32, |all, byte| all << 8 | u32::from(*byte));
    format!("{:06}", (four & 0x7fff_ffff) % 1_000_000)
}

/// Bytes as base32 (RFC 4648, section 6, without padding), as authenticator apps take a secret.
pub(super) fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut buffer, mut bits) = (0_u32, 0);
    for byte in bytes {
        buffer = buffer << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(ALPHABET[(buffer >> bits & 31) as usize]));
        }
    }
    if bits > 0 {
        text.push(char::from(ALPHABET[(buffer << (5 - bits) & 31) as usize]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, the rows of SHA-1; the last six of its eight digits.
    #[test]
    fn the_codes_are_those_of_the_rfc() {
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code_of(b"12345678901234567890", seconds / STEP_SECONDS), code, "{seconds}");
        }
    }

    #[test]
    fn a_code_is_good_one_step_either_way() {
        let secret = b"12345678901234567890";
        let now = 1_111_111_111;
        let step = now / STEP_SECONDS;
        for (of, found) in
            [(step, true), (step - 1, true), (step + 1, true), (step - 2, false), (step + 2, false)]
        {
            assert_eq!(matching_step(secret, &code_of(secret, of), now), found.then_some(of));
        }
        assert_eq!(matching_step(secret, " 050 471 ", now), Some(step));
        for bad in ["", "05047", "0504711", "05047a", "-50471"] {
            assert_eq!(matching_step(secret, bad, now), None, "{bad:?}");
        }
    }

    /// RFC 4648, section 10, without the padding.
    #[test]
    fn base32_is_that_of_the_rfc() {
        for (bytes, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
    }
}
