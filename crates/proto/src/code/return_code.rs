//! The return code: thirty Base58 characters in groups of six by which a product gives its reservation back.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::answer::{CodeFacts, same};
use super::key::{AgreementFailed, ReservationKey};
use super::{base58, checksum, paste, spoken};

const LABEL: &str = "seatpool return code 1";
const VERSION: u8 = 1;
/// Bytes: version and kind, sequence number, UDI, authentication.
const BYTES: usize = 1 + 6 + 4 + 9;
/// Base58 characters of the bytes, without the two check characters: 58^28 > 256^20.
const CHARACTERS: usize = 28;
/// Characters of a group.
const GROUP: usize = 6;

/// What is given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Returned {
    /// The reservation as a whole: nothing of its request is installed any more, nor can it be.
    Whole,
    /// An authorization code that was never installed, of a request of which an earlier one is: that stays.
    Change,
}

/// A return code. Read from its groups or from its form to be read aloud.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReturnCode {
    /// What is given back.
    pub returned: Returned,
    /// The sequence number of the authorization code that the product held.
    pub sequence: u64,
    udi: [u8; 4],
    authentication: [u8; 9],
}

/// Why a text is not a return code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidReturnCode {
    /// Nothing was given.
    #[error("there is no return code: enter the code that `license smart reservation return` printed")]
    Empty,
    /// It is something else, as named.
    #[error("this is {0}, not a return code: enter the code that `license smart reservation return` printed")]
    Other(&'static str),
    /// Too short.
    #[error("the return code is cut off: it has five groups of six characters, and this has {0} characters")]
    Cut(usize),
    /// It is there twice, or something follows it.
    #[error("the return code is too long, as when it is there twice: enter its five groups of six once")]
    Doubled,
    /// The check characters don't fit.
    #[error(
        "the return code has a wrong or a swapped character: copy it again, or show it again on the product \
        with `license show status`"
    )]
    Mistyped,
    /// A group of the form that is read aloud has a wrong character.
    #[error("group {number} of the return code ({group:?}) was misheard or mistyped: have it read again")]
    Group {
        /// Which, from 1.
        number: usize,
        /// As it was entered.
        group: String,
    },
    /// Of another version.
    #[error("the return code is of version {0}, which this manager does not know: update the manager")]
    Version(u8),
}

/// A return code that is none for this authorization code of this device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReturnRefused {
    /// Of another device.
    #[error(
        "this return code is of another product instance: choose the one whose UDI the product shows with \
        `license show udi`"
    )]
    Device,
    /// For another authorization code of the device.
    #[error(
        "this return code gives back an authorization code of another time ({found}, expected {expected}): \
        enter the code that the product printed last"
    )]
    Sequence {
        /// In the code.
        found: u64,
        /// The one that it was checked against.
        expected: u64,
    },
    /// The device's key did not make it for this manager.
    #[error(
        "this return code was not made by this product for this manager: run `license smart reservation \
        return` on the product that holds the reservation"
    )]
    Mismatch,
    /// It could not be checked.
    #[error(transparent)]
    Agreement(#[from] AgreementFailed),
}

impl ReturnCode {
    /// The code for `facts`; `key` is the device's.
    pub fn make(
        facts: &CodeFacts,
        returned: Returned,
        key: &dyn ReservationKey,
    ) -> Result<Self, AgreementFailed> {
        let label = match returned {
            Returned::Whole => format!("{LABEL} installed"),
            Returned::Change => format!("{LABEL} never installed"),
        };
        let full = facts.authenticate(&label, key)?;
        let mut authentication = [0; 9];
        authentication.copy_from_slice(&full[..9]);
        let [a, b, c, d, ..] = facts.udi_digest().0;
        Ok(Self { returned, sequence: facts.sequence, udi: [a, b, c, d], authentication })
    }

    /// Whether it gives back the authorization code of `facts`; `key` is the manager's.
    pub fn check(&self, facts: &CodeFacts, key: &dyn ReservationKey) -> Result<(), ReturnRefused> {
        let expected = Self::make(facts, self.returned, key)?;
        if self.udi != expected.udi {
            return Err(ReturnRefused::Device);
        }
        if self.sequence != facts.sequence {
            return Err(ReturnRefused::Sequence { found: self.sequence, expected: facts.sequence });
        }
        if same(&self.authentication, &expected.authentication) {
            Ok(())
        } else {
            Err(ReturnRefused::Mismatch)
        }
    }

    /// Groups of five to be read aloud, the last of each being its check character.
    pub fn to_spoken(self) -> String {
        spoken::encode(spoken::Kind::Return, &self.to_bytes())
    }

    fn to_bytes(self) -> [u8; BYTES] {
        let kind = match self.returned {
            Returned::Whole => 1,
            Returned::Change => 2,
        };
        let mut bytes = [0; BYTES];
        bytes[0] = (VERSION << 4) | kind;
        bytes[1..7].copy_from_slice(&self.sequence.to_be_bytes()[2..]);
        bytes[7..11].copy_from_slice(&self.udi);
        bytes[11..].copy_from_slice(&self.authentication);
        bytes
    }

    fn from_bytes(bytes: [u8; BYTES]) -> Result<Self, InvalidReturnCode> {
        if bytes[0] >> 4 != VERSION {
            return Err(InvalidReturnCode::Version(bytes[0] >> 4));
        }
        let returned = match bytes[0] & 15 {
            1 => Returned::Whole,
            2 => Returned::Change,
            _ => return Err(InvalidReturnCode::Version(bytes[0])),
        };
        let mut sequence = [0; 8];
        sequence[2..].copy_from_slice(&bytes[1..7]);
        let (mut udi, mut authentication) = ([0; 4], [0; 9]);
        udi.copy_from_slice(&bytes[7..11]);
        authentication.copy_from_slice(&bytes[11..]);
        Ok(Self { returned, sequence: u64::from_be_bytes(sequence), udi, authentication })
    }
}

/// Whether a text without white space looks like a return code: groups of six Base58 characters.
pub(super) fn looks_like(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.len() == (CHARACTERS + 2) / GROUP
        && groups
            .iter()
            .all(|group| group.len() == GROUP && group.bytes().all(|b| base58::value_of(b).is_some()))
}

impl fmt::Display for ReturnCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = base58::encode_fixed(&self.to_bytes(), CHARACTERS);
        let text = format!("{text}{}", checksum::of(&text));
        let groups: Vec<String> =
            text.as_bytes().chunks(GROUP).map(|group| String::from_utf8_lossy(group).into_owned()).collect();
        f.write_str(&groups.join("-"))
    }
}

impl fmt::Debug for ReturnCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReturnCode")
            .field("returned", &self.returned)
            .field("sequence", &self.sequence)
            .finish_non_exhaustive()
    }
}

impl FromStr for ReturnCode {
    type Err = InvalidReturnCode;

    fn from_str(text: &str) -> Result<Self, InvalidReturnCode> {
        use InvalidReturnCode as Wrong;
        let bare = paste::bare(text);
        let joined: String = bare.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
        if joined.is_empty() {
            return Err(Wrong::Empty);
        }
        if joined.starts_with('<') {
            return Err(Wrong::Other("an authorization code"));
        }
        if bare.starts_with(super::request::PREFIX) {
            return Err(Wrong::Other("a request code"));
        }
        let whole = CHARACTERS + 2;
        if joined.len() == whole && checksum::holds(&joined) {
            let digits = joined.get(..CHARACTERS).and_then(base58::decode_fixed).ok_or(Wrong::Mistyped)?;
            return Self::from_bytes(digits);
        }
        if spoken::looks_like(bare) {
            match spoken::decode(spoken::Kind::Return, bare) {
                Ok(bytes) => return Self::from_bytes(bytes.try_into().map_err(|_| Wrong::Mistyped)?),
                // Thirty characters may be a mistyped code as well.
                Err(_) if joined.len() == whole => {}
                Err(spoken::Misheard::Group { number, group }) => return Err(Wrong::Group { number, group }),
                Err(spoken::Misheard::Length) => return Err(Wrong::Cut(joined.chars().count())),
                Err(spoken::Misheard::Other) => {
                    return Err(Wrong::Other("another code, in the form to be read aloud"));
                }
            }
        }
        match joined.chars().count() {
            8 if joined.bytes().all(|b| b.is_ascii_hexdigit()) => Err(Wrong::Other("a confirmation code")),
            count if count < whole => Err(Wrong::Cut(count)),
            count if count > whole => Err(Wrong::Doubled),
            _ => Err(Wrong::Mistyped),
        }
    }
}

impl Serialize for ReturnCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ReturnCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
