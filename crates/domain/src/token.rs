//! Registration tokens.

use jiff::Timestamp;
use seatpool_proto::{TokenId, VirtualAccountId};
use serde::{Deserialize, Serialize};

/// Days until a token expires unless the administrator says otherwise (features.md, A3).
pub const EXPIRES_AFTER_DAYS_DEFAULT: u16 = 30;
/// Fewest days until a token expires (features.md, A3).
pub const EXPIRES_AFTER_DAYS_MIN: u16 = 1;
/// Most days until a token expires (features.md, A3).
pub const EXPIRES_AFTER_DAYS_MAX: u16 = 365;

/// A token by which product instances register into a virtual account. Its secret is not here: the
/// manager derives the token's text from the id with a key of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Public part.
    pub id: TokenId,
    /// Where product instances land.
    pub virtual_account: VirtualAccountId,
    /// What it is for.
    pub description: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// Who created it, by name.
    pub created_by: String,
    /// From when it is refused.
    pub expires_at: Timestamp,
    /// How often it may be used; no limit if absent.
    pub uses_max: Option<u32>,
    /// How often it was used.
    pub uses: u32,
    /// Whether it allows export-controlled functionality.
    pub export_controlled: bool,
    /// Since when it is revoked.
    pub revoked_at: Option<Timestamp>,
}
