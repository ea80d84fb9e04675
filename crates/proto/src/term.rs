//! How long a lot of licences is owned.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The type of a lot, in the words of the public REST API (`rest-api.md`, `licenseType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum LotKind {
    /// Owned for good.
    Perpetual,
    /// Owned from a start to an end.
    Term,
    /// A term given for trying out.
    Demo,
}

impl LotKind {
    /// The word that REST, CLI and SQL use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Perpetual => "PERPETUAL",
            Self::Term => "TERM",
            Self::Demo => "DEMO",
        }
    }
}

/// The half-open span `[starts_at, ends_at)` in which a lot counts; no end for a perpetual one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Term {
    /// The first instant at which the lot counts.
    pub starts_at: Timestamp,
    /// The first instant at which it no longer counts.
    pub ends_at: Option<Timestamp>,
}

impl Term {
    /// Whether the lot counts at `now`.
    pub fn contains(&self, now: Timestamp) -> bool {
        self.starts_at <= now && self.ends_at.is_none_or(|end| now < end)
    }
}
