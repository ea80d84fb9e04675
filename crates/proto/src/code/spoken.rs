//! Codes to be read aloud: groups of five letters and digits that don't sound or look alike, the last of each
//! being its check character.
//!
//! The alphabet is Crockford's (no I, L, O, U). A group's five values times its five weights, and the group's
//! number times a sixth, sum up to 0 in the field of 32 elements: since all weights differ and none is 0, each
//! wrong character, each swap of two and each group in another's place is caught, and the group is named.

/// The alphabet, in order of value.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Characters of a group before its check character.
const DATA: usize = 4;
/// The most groups of a code.
const GROUPS_MAX: usize = 512;

/// What is read aloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Request = 1,
    Confirmation = 2,
    Return = 3,
}

/// Why a text is not what was read aloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Misheard {
    /// A group's check character does not fit.
    Group { number: usize, group: String },
    /// Groups are missing, or there are too many.
    Length,
    /// It is another kind of code.
    Other,
}

/// `payload` (at most 4095 bytes) in groups, set apart by spaces.
pub(super) fn encode(kind: Kind, payload: &[u8]) -> String {
    let header = ((kind as u16) << 12) | (payload.len() as u16 & 0x0fff);
    let bytes: Vec<u8> = header.to_be_bytes().into_iter().chain(payload.iter().copied()).collect();
    let mut values = to_fives(&bytes);
    values.resize(values.len().next_multiple_of(DATA), 0);
    let groups = values.chunks(DATA).enumerate().map(|(index, data)| {
        let check = check_of(index, data);
        data.iter().copied().chain([check]).map(|value| char::from(ALPHABET[usize::from(value)])).collect()
    });
    groups.collect::<Vec<String>>().join(" ")
}

/// The payload that `text` stands for.
pub(super) fn decode(kind: Kind, text: &str) -> Result<Vec<u8>, Misheard> {
    let groups = groups_of(text);
    if groups.is_empty() || groups.len() > GROUPS_MAX {
        return Err(Misheard::Length);
    }
    let mut values = Vec::with_capacity(groups.len() * DATA);
    for (index, group) in groups.iter().enumerate() {
        let read: Option<Vec<u8>> = group.chars().map(value_of).collect();
        match read.as_deref() {
            Some([data @ .., check]) if data.len() == DATA && check_of(index, data) == *check => {
                values.extend(data);
            }
            _ => return Err(Misheard::Group { number: index + 1, group: group.clone() }),
        }
    }
    let bytes = to_eights(&values);
    let (header, payload) = bytes.split_first_chunk::<2>().ok_or(Misheard::Length)?;
    let header = u16::from_be_bytes(*header);
    if header >> 12 != kind as u16 {
        return Err(Misheard::Other);
    }
    let length = usize::from(header & 0x0fff);
    let groups_wanted = ((length + 2) * 8).div_ceil(5).div_ceil(DATA);
    match payload.split_at_checked(length) {
        Some((payload, fill)) if groups.len() == groups_wanted && fill.iter().all(|&byte| byte == 0) => {
            Ok(payload.to_vec())
        }
        _ => Err(Misheard::Length),
    }
}

/// Whether `text` may be a code as it was read aloud: groups of five, or a multiple of five characters, all of
/// the alphabet.
pub(super) fn looks_like(text: &str) -> bool {
    let groups = groups_of(text);
    !groups.is_empty()
        && groups.iter().all(|group| group.chars().all(|c| value_of(c).is_some()))
        && groups.iter().filter(|group| group.len() == DATA + 1).count() * 2 > groups.len()
}

/// The groups as they were entered; a text without separators is cut into groups of five.
fn groups_of(text: &str) -> Vec<String> {
    let separator = |c: char| c.is_whitespace() || "-,.;/".contains(c);
    let groups: Vec<String> =
        text.split(separator).filter(|group| !group.is_empty()).map(str::to_owned).collect();
    match groups.as_slice() {
        [one] if one.len() > DATA + 1 && one.is_ascii() => {
            one.as_bytes().chunks(DATA + 1).map(|group| String::from_utf8_lossy(group).into_owned()).collect()
        }
        _ => groups,
    }
}

/// A character's value; letters in either case, and those that are left out for what they look like.
fn value_of(character: char) -> Option<u8> {
    let character = match character.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    ALPHABET.iter().position(|&c| char::from(c) == character).and_then(|at| u8::try_from(at).ok())
}

/// The check character's value: it has the weight 1, the data 2 to 5, the group's number 6.
fn check_of(index: usize, data: &[u8]) -> u8 {
    let number = (index % 32) as u8;
    data.iter().zip(2..).fold(times(number, 6), |sum, (&value, weight)| sum ^ times(value, weight))
}

/// Multiplication in the field of 32 elements, modulo x⁵ + x² + 1.
fn times(a: u8, b: u8) -> u8 {
    let (mut a, mut b, mut product) = (a & 31, b & 31, 0);
    while b > 0 {
        if b & 1 == 1 {
            product ^= a;
        }
        a <<= 1;
        if a & 32 != 0 {
            a ^= 0b10_0101;
        }
        b >>= 1;
    }
    product
}

fn to_fives(bytes: &[u8]) -> Vec<u8> {
    regroup(bytes, 8, 5, true)
}

fn to_eights(values: &[u8]) -> Vec<u8> {
    regroup(values, 5, 8, false)
}

/// The bits of `from`, `width` of each, in groups of `into`; what is left over is filled up with zeros or
/// left out.
fn regroup(from: &[u8], width: u32, into: u32, fill: bool) -> Vec<u8> {
    let (mut held, mut bits) = (0_u32, 0);
    let mut groups = Vec::with_capacity(from.len() * width as usize / into as usize + 1);
    for &value in from {
        held = (held << width) | u32::from(value);
        bits += width;
        while bits >= into {
            bits -= into;
            groups.push(((held >> bits) & ((1 << into) - 1)) as u8);
        }
        held &= (1 << bits) - 1;
    }
    if fill && bits > 0 {
        groups.push(((held << (into - bits)) & ((1 << into) - 1)) as u8);
    }
    groups
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_read_aloud_is_understood(payload in proptest::collection::vec(any::<u8>(), 0..90)) {
            let text = encode(Kind::Return, &payload);
            prop_assert_eq!(decode(Kind::Return, &text).unwrap(), payload.clone());
            let together = text.to_lowercase().replace(' ', "").replace('0', "o").replace('1', "l");
            prop_assert_eq!(decode(Kind::Return, &together).unwrap(), payload);
            prop_assert_eq!(decode(Kind::Request, &text), Err(Misheard::Other));
        }

        #[test]
        fn each_misheard_character_and_each_swap_names_its_group(payload in proptest::collection::vec(any::<u8>(), 1..40)) {
            let text = encode(Kind::Return, &payload);
            let groups: Vec<&str> = text.split(' ').collect();
            for (index, group) in groups.iter().enumerate() {
                let mut wrong_groups = Vec::new();
                for at in 0..5 {
                    for &other in ALPHABET {
                        let mut wrong = group.as_bytes().to_vec();
                        wrong[at] = other;
                        wrong_groups.push(wrong);
                    }
                    for with in 0..5 {
                        let mut wrong = group.as_bytes().to_vec();
                        wrong.swap(at, with);
                        wrong_groups.push(wrong);
                    }
                }
                for wrong in wrong_groups {
                    let wrong = String::from_utf8(wrong).unwrap();
                    if wrong != *group {
                        let mut groups = groups.clone();
                        groups[index] = &wrong;
                        let found = decode(Kind::Return, &groups.join(" "));
                        prop_assert_eq!(found, Err(Misheard::Group { number: index + 1, group: wrong.clone() }));
                    }
                }
            }
        }

        #[test]
        fn groups_in_each_others_place_and_missing_groups_are_caught(payload in proptest::collection::vec(any::<u8>(), 8..40)) {
            let text = encode(Kind::Return, &payload);
            let groups: Vec<&str> = text.split(' ').collect();
            for at in 0..groups.len() {
                for with in 0..at {
                    let mut wrong = groups.clone();
                    wrong.swap(at, with);
                    prop_assert!(groups == wrong || decode(Kind::Return, &wrong.join(" ")).is_err());
                }
                let mut fewer = groups.clone();
                fewer.remove(at);
                prop_assert!(decode(Kind::Return, &fewer.join(" ")).is_err());
            }
        }
    }

    #[test]
    fn the_field_has_no_divisors_of_zero() {
        for a in 1..32 {
            let products: std::collections::BTreeSet<u8> = (0..32).map(|b| times(a, b)).collect();
            assert_eq!(products.len(), 32);
        }
    }
}
