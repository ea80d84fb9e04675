//! Two characters at the end of a code that catch every single wrong character and every swap of two.
//!
//! Each character has a value from 0 to 93 and each place a weight; the weighted sum of the whole code, its
//! two check characters included, is 0 modulo the prime 3361. One wrong character changes the sum by
//! *weight × difference*, two swapped ones by *difference of weights × difference of values*: none of these
//! four is 0 modulo a prime that is greater than all of them, so neither is their product.

use super::base58;

/// The largest prime that two Base58 characters can count to (58 × 58 = 3364), and greater than any value
/// or weight.
const MODULUS: u32 = 3361;
/// The weight of the last but one character. The last has 1, and 59 and more go to the places before.
const HIGH: u32 = 58;
/// The longest text that has a weight of its own for each place.
pub(super) const CHARACTERS_MAX: usize = (MODULUS - HIGH - 1) as usize;

/// The value of a visible ASCII character: Base58 first, in its order, then the others in theirs.
fn value_of(character: u8) -> Option<u32> {
    if let Some(value) = base58::value_of(character) {
        return Some(u32::from(value));
    }
    let others = (b'!'..=b'~').filter(|&c| base58::value_of(c).is_none());
    others.zip(58..).find(|&(c, _)| c == character).map(|(_, value)| value)
}

/// The weighted sum of `text`, whose last character has the weight `from`, the one before `from + 1`.
fn sum(text: &str, from: u32) -> Option<u32> {
    text.bytes().rev().zip(from..).try_fold(0, |sum, (character, weight)| {
        Some((sum + value_of(character)? * (weight % MODULUS)) % MODULUS)
    })
}

/// The two check characters for `text`, which holds visible ASCII alone; anything else counts as nothing.
pub(super) fn of(text: &str) -> String {
    let missing = (MODULUS - sum(text, HIGH + 1).unwrap_or(0)) % MODULUS;
    [missing / HIGH, missing % HIGH].map(base58::character_of).iter().collect()
}

/// Whether `text`, which ends in its check characters, is as it was written.
pub(super) fn holds(text: &str) -> bool {
    if !text.is_ascii() || text.len() < 2 || text.len() > CHARACTERS_MAX {
        return false;
    }
    let (body, check) = text.split_at(text.len() - 2);
    let check = check.as_bytes();
    let (Some(body), Some(high), Some(low)) = (sum(body, HIGH + 1), value_of(check[0]), value_of(check[1]))
    else {
        return false;
    };
    (body + HIGH * high + low).is_multiple_of(MODULUS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        /// Every wrong character at every place, and every pair of places swapped: not a sample of them.
        #[test]
        fn every_wrong_and_every_swapped_character_is_caught(text in "[!-~]{0,70}") {
            let code = format!("{text}{}", of(&text));
            prop_assert!(holds(&code));
            let original = code.as_bytes();
            let caught = |changed: &[u8]| !holds(core::str::from_utf8(changed).unwrap());
            for at in 0..original.len() {
                let mut changed = original.to_vec();
                for other in b'!'..=b'~' {
                    changed[at] = other;
                    prop_assert!(other == original[at] || caught(&changed), "{at} to {other}");
                }
                for with in at + 1..original.len() {
                    let mut changed = original.to_vec();
                    changed.swap(at, with);
                    prop_assert!(changed == original || caught(&changed), "{at} with {with}");
                }
            }
        }
    }

    #[test]
    fn all_values_differ_and_lie_below_the_modulus() {
        let values: std::collections::BTreeSet<u32> = (b'!'..=b'~').filter_map(value_of).collect();
        assert_eq!(values, (0..94).collect());
        assert_eq!(value_of(b' '), None);
        assert!(!holds("a b1"));
    }
}
