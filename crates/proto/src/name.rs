//! Names that the vendor gives: entitlement tags and licence families.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

use crate::limits::TAG_BYTES_MAX;

/// Why a text is not a tag or family name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// Empty.
    #[error("a name has at least one character")]
    Empty,
    /// Longer than [`TAG_BYTES_MAX`].
    #[error("a name has at most {TAG_BYTES_MAX} characters, this one has {0}")]
    TooLong(usize),
    /// Holds a character other than ASCII letters, digits and `. _ , : / + -`.
    #[error("{0:?} can't stand in a name: use letters, digits and . _ , : / + -")]
    Character(char),
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The empty name: no name is empty, and this one sorts before all names. For the lower bound of a
            /// range of keys.
            pub const fn before_all() -> Self {
                Self(String::new())
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                check(text)?;
                Ok(Self(text.to_owned()))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                check(&text).map_err(serde::de::Error::custom)?;
                Ok(Self(text))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    )*};
}

names! {
    /// An entitlement tag: the name under which one licence is owned, used and reported.
    Tag;
    /// A licence family: the tags that may stand in for one another, ordered in tiers.
    Family;
}

fn check(text: &str) -> Result<(), InvalidName> {
    if text.is_empty() {
        return Err(InvalidName::Empty);
    }
    if text.len() > TAG_BYTES_MAX {
        return Err(InvalidName::TooLong(text.len()));
    }
    match text.chars().find(|&c| !(c.is_ascii_alphanumeric() || "._,:/+-".contains(c))) {
        Some(c) => Err(InvalidName::Character(c)),
        None => Ok(()),
    }
}
