//! The request code: what a person carries from the product to the manager, on one printable line.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::key::PublicPoint;
use super::{base58, checksum, spoken};
use crate::digest::Sha256;
use crate::udi::{InvalidUdi, Udi};

/// What every request code begins with; the product id follows.
pub const PREFIX: &str = "SP-Z";
/// The longest request code, in characters: two fields of a UDI and a body that holds a third.
pub const REQUEST_CODE_CHARS_MAX: usize = 768;
/// The shortest form to be read aloud is longer than this.
const SPOKEN_CHARS_MIN: usize = 60;
/// The version of the body.
const VERSION: u8 = 1;

/// What is to be reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReservationKind {
    /// Chosen licences in chosen numbers.
    Specific,
    /// All that the product can use, without counting.
    Universal,
}

impl ReservationKind {
    /// The word that REST uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Specific => "SPECIFIC",
            Self::Universal => "UNIVERSAL",
        }
    }

    fn byte(self) -> u8 {
        match self {
            Self::Specific => 0,
            Self::Universal => 1,
        }
    }
}

/// A reservation request. Written `SP-Z<PID>:<SN>-<body>-<check>`; read from that line however it was wrapped
/// or quoted, or from its form to be read aloud ([`RequestCode::to_spoken`]).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestCode {
    /// The device.
    pub udi: Udi,
    /// What is asked for.
    pub kind: ReservationKind,
    /// The public half of the device's reservation key, made for this request.
    pub public_key: PublicPoint,
    /// Drawn for this request.
    pub nonce: [u8; 8],
}

/// Why a text is not a request code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRequestCode {
    /// Nothing was given.
    #[error("there is no request code: copy the line that `license smart reservation request` prints")]
    Empty,
    /// It is something else, as named.
    #[error(
        "this is {0}, not a request code: copy the line that begins with {PREFIX}, from `license smart \
        reservation request`"
    )]
    Other(&'static str),
    /// A character that no request code holds.
    #[error("{0:?} can't stand in a request code: copy the line again, as it is")]
    Character(char),
    /// Longer than any.
    #[error(
        "the text has {0} characters, a request code at most {REQUEST_CODE_CHARS_MAX}: copy that line alone"
    )]
    TooLong(usize),
    /// Its end or its middle is missing.
    #[error("the request code is cut off: copy the whole line, to its last two characters")]
    Cut,
    /// It is there twice.
    #[error("the request code is there twice: enter it once")]
    Doubled,
    /// The check characters don't fit.
    #[error(
        "the request code has a wrong or a swapped character (its last two characters don't fit the rest): \
        copy it again"
    )]
    Mistyped,
    /// A group of the form that is read aloud has a wrong character.
    #[error("group {number} of the request code ({group:?}) was misheard or mistyped: have it read again")]
    Group {
        /// Which, from 1.
        number: usize,
        /// As it was entered.
        group: String,
    },
    /// Of another version.
    #[error("the request code is of version {0}, which this manager does not know: update the manager")]
    Version(u8),
    /// Its contents contradict themselves.
    #[error("the request code's contents can't be read ({0}): make a new one on the product")]
    Contents(&'static str),
    /// The UDI in it can't be one.
    #[error("{0}: make a new request code on the product")]
    Udi(#[from] InvalidUdi),
}

impl RequestCode {
    /// SHA-256 of the code's line: what an authorization code is bound to.
    pub fn digest(&self) -> Sha256 {
        Sha256::of(self.to_string())
    }

    /// Groups of five to be read aloud, the last of each being its check character.
    pub fn to_spoken(&self) -> String {
        let mut payload = Vec::new();
        for field in [&self.udi.pid, &self.udi.sn] {
            push_text(&mut payload, field);
        }
        payload.extend(self.body());
        let sum = Sha256::of(&payload);
        payload.extend(&sum.0[..2]);
        spoken::encode(spoken::Kind::Request, &payload)
    }

    fn body(&self) -> Vec<u8> {
        let mut body = vec![VERSION, self.kind.byte()];
        body.extend(self.public_key.as_bytes());
        body.extend(self.nonce);
        match &self.udi.uuid {
            None => body.push(0),
            Some(text) => match compact(text) {
                Some(uuid) => {
                    body.push(1);
                    body.extend(uuid);
                }
                None => {
                    body.push(2);
                    push_text(&mut body, text);
                }
            },
        }
        body
    }

    fn from_parts(pid: &str, sn: &str, body: &[u8]) -> Result<Self, InvalidRequestCode> {
        use InvalidRequestCode::Contents;
        let mut body = body;
        let [version, kind] = take(&mut body).ok_or(Contents("it is too short"))?;
        if version != VERSION {
            return Err(InvalidRequestCode::Version(version));
        }
        let kind = match kind {
            0 => ReservationKind::Specific,
            1 => ReservationKind::Universal,
            _ => return Err(Contents("the kind of reservation is unknown")),
        };
        let key = take::<33>(&mut body).ok_or(Contents("the key is missing"))?;
        let public_key =
            PublicPoint::from_compressed(key).map_err(|_| Contents("the key is no P-256 key"))?;
        let nonce = take(&mut body).ok_or(Contents("the nonce is missing"))?;
        let [form] = take(&mut body).ok_or(Contents("the UUID is missing"))?;
        let uuid = match form {
            0 => None,
            1 => {
                let uuid = take::<16>(&mut body).ok_or(Contents("the UUID is too short"))?;
                Some(uuid::Uuid::from_bytes(uuid).to_string())
            }
            2 => Some(take_text(&mut body).ok_or(Contents("the UUID is too short"))?),
            _ => return Err(Contents("the form of the UUID is unknown")),
        };
        if !body.is_empty() || (form == 2 && uuid.as_deref().is_some_and(|text| compact(text).is_some())) {
            return Err(Contents("the UUID is not as it is written"));
        }
        Ok(Self { udi: Udi::new(pid, sn, uuid)?, kind, public_key, nonce })
    }

    fn from_spoken(text: &str) -> Result<Self, InvalidRequestCode> {
        use InvalidRequestCode::Contents;
        let payload = spoken::decode(spoken::Kind::Request, text).map_err(|wrong| match wrong {
            spoken::Misheard::Group { number, group } => InvalidRequestCode::Group { number, group },
            spoken::Misheard::Length => InvalidRequestCode::Cut,
            spoken::Misheard::Other => {
                InvalidRequestCode::Other("another code, in the form to be read aloud")
            }
        })?;
        let (mut body, sum) =
            payload.split_at_checked(payload.len().saturating_sub(2)).ok_or(InvalidRequestCode::Cut)?;
        if Sha256::of(body).0[..2] != *sum {
            return Err(InvalidRequestCode::Mistyped);
        }
        let pid = take_text(&mut body).ok_or(Contents("the product id is too short"))?;
        let sn = take_text(&mut body).ok_or(Contents("the serial number is too short"))?;
        Self::from_parts(&pid, &sn, body)
    }
}

impl fmt::Display for RequestCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Udi { pid, sn, .. } = &self.udi;
        let line = format!("{PREFIX}{pid}:{sn}-{}-", base58::encode(&self.body()));
        write!(f, "{line}{}", checksum::of(&line))
    }
}

impl FromStr for RequestCode {
    type Err = InvalidRequestCode;

    fn from_str(text: &str) -> Result<Self, InvalidRequestCode> {
        let line: String = super::paste::bare(text).chars().filter(|c| !c.is_whitespace()).collect();
        if line.is_empty() {
            return Err(InvalidRequestCode::Empty);
        }
        if line.len() > REQUEST_CODE_CHARS_MAX * 2 {
            return Err(InvalidRequestCode::TooLong(line.chars().count()));
        }
        if !line.starts_with(PREFIX) {
            return match other(&line) {
                Some(what) => Err(InvalidRequestCode::Other(what)),
                None if line.len() > SPOKEN_CHARS_MIN && spoken::looks_like(text) => Self::from_spoken(text),
                None => Err(InvalidRequestCode::Other("another text")),
            };
        }
        if let Some(character) = line.chars().find(|c| !c.is_ascii_graphic()) {
            return Err(InvalidRequestCode::Character(character));
        }
        if !checksum::holds(&line) {
            return Err(not_whole(&line));
        }
        if line.len() > REQUEST_CODE_CHARS_MAX {
            return Err(InvalidRequestCode::TooLong(line.len()));
        }
        let code = parts(&line)
            .ok_or(InvalidRequestCode::Cut)
            .and_then(|(pid, sn, body)| Self::from_parts(pid, sn, &body))?;
        // One code, one line: what an authorization is bound to is the line.
        if code.to_string() == line { Ok(code) } else { Err(InvalidRequestCode::Mistyped) }
    }
}

impl Serialize for RequestCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RequestCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Product id, serial number and body of a line.
fn parts(line: &str) -> Option<(&str, &str, Vec<u8>)> {
    let (line, _check) = line.strip_prefix(PREFIX)?.rsplit_once('-')?;
    let (udi, body) = line.rsplit_once('-')?;
    let (pid, sn) = udi.split_once(':')?;
    Some((pid, sn, base58::decode(body)?))
}

/// What is wrong with a line whose check characters don't fit.
fn not_whole(line: &str) -> InvalidRequestCode {
    if line.matches(PREFIX).count() > 1 {
        return InvalidRequestCode::Doubled;
    }
    let check = line.rsplit('-').next().unwrap_or_default();
    let shortest = 2 + 33 + 8 + 1;
    match parts(line) {
        _ if check.len() != 2 => InvalidRequestCode::Cut,
        Some((_, _, body)) if body.len() < shortest => InvalidRequestCode::Cut,
        _ => InvalidRequestCode::Mistyped,
    }
}

/// What other thing of ours a text is.
fn other(line: &str) -> Option<&'static str> {
    if line.starts_with('<') || line.starts_with("&lt;") {
        Some("an authorization code")
    } else if super::return_code::looks_like(line) {
        Some("a return code")
    } else if line.len() == 8 && line.bytes().all(|b| b.is_ascii_hexdigit()) {
        Some("a confirmation code")
    } else {
        None
    }
}

/// The 16 bytes of a UUID in its usual form; nothing for any other text.
fn compact(text: &str) -> Option<[u8; 16]> {
    let uuid = uuid::Uuid::try_parse(text).ok()?;
    (uuid.to_string() == text).then(|| uuid.into_bytes())
}

fn push_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
    bytes.extend(text.as_bytes());
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*first)
}

fn take_text(bytes: &mut &[u8]) -> Option<String> {
    let [length] = take(bytes)?;
    let (text, rest) = bytes.split_at_checked(usize::from(length))?;
    *bytes = rest;
    String::from_utf8(text.to_vec()).ok()
}
