//! Base58: bytes as letters and digits of which no two look alike (no `0`, `O`, `I`, `l`).

/// The alphabet, in order of value.
pub(super) const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// The value of a character of the alphabet.
pub(super) fn value_of(character: u8) -> Option<u8> {
    ALPHABET.iter().position(|&c| c == character).and_then(|at| u8::try_from(at).ok())
}

/// The character of a value below 58.
pub(super) fn character_of(value: u32) -> char {
    char::from(ALPHABET[(value % 58) as usize])
}

/// `bytes` as one number, big end first; each leading zero byte is a leading `1`.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut digits: Vec<u8> = Vec::with_capacity(bytes.len() * 138 / 100 + 1);
    for &byte in bytes {
        let mut carry = u32::from(byte);
        for digit in &mut digits {
            carry += u32::from(*digit) << 8;
            *digit = (carry % 58) as u8;
            carry /= 58;
        }
        while carry > 0 {
            digits.push((carry % 58) as u8);
            carry /= 58;
        }
    }
    let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
    let leading = core::iter::repeat_n('1', zeros);
    leading.chain(digits.iter().rev().map(|&digit| character_of(u32::from(digit)))).collect()
}

/// The bytes of which `text` is the Base58 form; nothing if it holds another character.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes: Vec<u8> = Vec::with_capacity(text.len());
    for character in text.bytes() {
        let mut carry = u32::from(value_of(character)?);
        for byte in &mut bytes {
            carry += u32::from(*byte) * 58;
            *byte = (carry & 0xff) as u8;
            carry >>= 8;
        }
        while carry > 0 {
            bytes.push((carry & 0xff) as u8);
            carry >>= 8;
        }
    }
    let zeros = text.bytes().take_while(|&c| c == b'1').count();
    bytes.extend(core::iter::repeat_n(0, zeros));
    bytes.reverse();
    Some(bytes)
}

/// `bytes` as exactly `length` characters, filled up with `1` from the left. The caller has chosen a length
/// that every such value fits.
pub(super) fn encode_fixed(bytes: &[u8], length: usize) -> String {
    let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
    let digits = encode(bytes.get(zeros..).unwrap_or_default());
    let fill = length.saturating_sub(digits.len());
    core::iter::repeat_n('1', fill).chain(digits.chars()).collect()
}

/// The `N` bytes that [`encode_fixed`] wrote; nothing if `text` stands for a larger number.
pub(super) fn decode_fixed<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.trim_start_matches('1');
    let bytes = decode(digits)?;
    let mut fixed = [0; N];
    fixed.get_mut(N.checked_sub(bytes.len())?..)?.copy_from_slice(&bytes);
    Some(fixed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_values() {
        // The test vectors of draft-msporny-base58, section 5.
        assert_eq!(encode(b"Hello World!"), "2NEpo7TZRRrLZSi2U");
        assert_eq!(encode(&[0x00, 0x00, 0x28, 0x7f, 0xb4, 0xcd]), "11233QC4");
        assert_eq!(decode("11233QC4").unwrap(), [0x00, 0x00, 0x28, 0x7f, 0xb4, 0xcd]);
        assert_eq!(decode("0"), None);
    }

    proptest! {
        #[test]
        fn bytes_come_back(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            prop_assert_eq!(decode(&encode(&bytes)).unwrap(), bytes);
        }

        #[test]
        fn twenty_bytes_are_twenty_eight_characters(bytes in any::<[u8; 20]>()) {
            let text = encode_fixed(&bytes, 28);
            prop_assert_eq!(text.len(), 28);
            prop_assert_eq!(decode_fixed::<20>(&text).unwrap(), bytes);
        }
    }
}
