//! The confirmation code: eight hexadecimal digits by which a product tells that it installed an update.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::answer::{CodeFacts, same};
use super::key::{AgreementFailed, ReservationKey};
use super::{paste, spoken};

const LABEL: &str = "seatpool confirmation code 1";

/// A confirmation code. Read from its eight digits or from its form to be read aloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConfirmationCode([u8; 4]);

/// Why a text is not a confirmation code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidConfirmationCode {
    /// Nothing was given.
    #[error(
        "there is no confirmation code: enter the eight digits that the product printed after the update"
    )]
    Empty,
    /// Not eight hexadecimal digits.
    #[error(
        "a confirmation code has eight characters, each 0 to 9 or a to f, and this has {0} that count: copy it \
        again, or ask the product with `license show status`"
    )]
    Digits(usize),
    /// It is something else, as named.
    #[error(
        "this is {0}, not a confirmation code: enter the eight digits that the product printed after the update"
    )]
    Other(&'static str),
    /// A group of the form that is read aloud has a wrong character.
    #[error(
        "group {number} of the confirmation code ({group:?}) was misheard or mistyped: have it read again"
    )]
    Group {
        /// Which, from 1.
        number: usize,
        /// As it was entered.
        group: String,
    },
}

/// The code is not the one that this device gives for this authorization code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfirmationRefused {
    /// It does not fit.
    #[error(
        "this confirmation code does not belong to this product instance's latest authorization code: install \
        that code on the product and enter the eight digits that it prints"
    )]
    Mismatch,
    /// It could not be checked.
    #[error(transparent)]
    Agreement(#[from] AgreementFailed),
}

impl ConfirmationCode {
    /// The code for `facts`; `key` is the device's.
    pub fn make(facts: &CodeFacts, key: &dyn ReservationKey) -> Result<Self, AgreementFailed> {
        let [a, b, c, d, ..] = facts.authenticate(LABEL, key)?;
        Ok(Self([a, b, c, d]))
    }

    /// Whether it is the code for `facts`; `key` is the manager's. How often one may be entered is the
    /// caller's to limit: there are 2^32.
    pub fn check(self, facts: &CodeFacts, key: &dyn ReservationKey) -> Result<(), ConfirmationRefused> {
        let expected = Self::make(facts, key)?;
        if same(&self.0, &expected.0) { Ok(()) } else { Err(ConfirmationRefused::Mismatch) }
    }

    /// Groups of five to be read aloud, the last of each being its check character.
    pub fn to_spoken(self) -> String {
        spoken::encode(spoken::Kind::Confirmation, &self.0)
    }
}

impl fmt::Display for ConfirmationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl FromStr for ConfirmationCode {
    type Err = InvalidConfirmationCode;

    fn from_str(text: &str) -> Result<Self, InvalidConfirmationCode> {
        use InvalidConfirmationCode as Wrong;
        let digits: String = paste::bare(text).chars().filter(|c| !c.is_whitespace()).collect();
        if digits.is_empty() {
            return Err(Wrong::Empty);
        }
        if digits.starts_with('<') {
            return Err(Wrong::Other("an authorization code"));
        }
        if digits.starts_with(super::request::PREFIX) {
            return Err(Wrong::Other("a request code"));
        }
        if super::return_code::looks_like(&digits) {
            return Err(Wrong::Other("a return code"));
        }
        let mut bytes = [0; 4];
        if digits.len() == 8 && hex::decode_to_slice(&digits, &mut bytes).is_ok() {
            return Ok(Self(bytes));
        }
        let hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if (digits.len() == 15 || !hexadecimal) && digits.len() > 8 && spoken::looks_like(text) {
            let payload = spoken::decode(spoken::Kind::Confirmation, text).map_err(|wrong| match wrong {
                spoken::Misheard::Group { number, group } => Wrong::Group { number, group },
                spoken::Misheard::Length => Wrong::Digits(digits.chars().count()),
                spoken::Misheard::Other => Wrong::Other("another code, in the form to be read aloud"),
            })?;
            return payload.try_into().map(Self).map_err(|_| Wrong::Digits(digits.chars().count()));
        }
        Err(Wrong::Digits(digits.chars().filter(char::is_ascii_hexdigit).count()))
    }
}

impl Serialize for ConfirmationCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ConfirmationCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
