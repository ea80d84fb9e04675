//! Registration tokens: finding one, and listing those of a virtual account sorted and in pages.

use jiff::Timestamp;
use seatpool_domain::Token;
use seatpool_proto::{AccountId, TokenId, VirtualAccountId};

use super::{Page, Paged};
use crate::error::StoreError;
use crate::row::account::token_columns;
use crate::sql::{Sql, Value, statements};
use crate::store::Store;
use crate::table::{Stored as _, read_all};

/// The tokens of the virtual account `$2` whose description has `$3` and that stand as `$4` says at `$5`.
macro_rules! matching {
    ($hint:expr, $position:literal) => {
        concat!(
            " FROM tokens",
            $hint,
            " WHERE account_id = $1 AND virtual_account = $2 AND (CAST($3 AS TEXT) IS NULL OR ",
            $position,
            "(lower(description), $3) > 0) AND (CAST($4 AS TEXT) IS NULL OR CASE \
             WHEN revoked_at IS NOT NULL THEN 'revoked' WHEN expires_at <= CAST($5 AS BIGINT) THEN 'expired' \
             WHEN uses_max IS NOT NULL AND uses >= uses_max THEN 'exhausted' ELSE 'active' END = $4)"
        )
    };
}

/// One order, served by an index.
macro_rules! ordered {
    ($index:literal, $by:literal) => {
        Sql {
            sqlite: concat!(
                "SELECT ",
                token_columns!(),
                matching!(concat!(" INDEXED BY ", $index), "instr"),
                " ORDER BY ",
                $by,
                " LIMIT $6 OFFSET $7"
            ),
            postgres: concat!(
                "SELECT ",
                token_columns!(),
                matching!("", "strpos"),
                " ORDER BY ",
                $by,
                " LIMIT $6 OFFSET $7"
            ),
        }
    };
}

statements! {
    BY_CREATION = ordered!("tokens_in_place_by_creation", "created_at, id");
    BY_CREATION_DOWN = ordered!("tokens_in_place_by_creation", "created_at DESC, id DESC");
    BY_EXPIRY = ordered!("tokens_in_place_by_expiry", "expires_at, id");
    BY_EXPIRY_DOWN = ordered!("tokens_in_place_by_expiry", "expires_at DESC, id DESC");
    BY_DESCRIPTION = ordered!("tokens_in_place_by_description", "lower(description), id");
    BY_DESCRIPTION_DOWN = ordered!("tokens_in_place_by_description", "lower(description) DESC, id DESC");
    COUNTED = Sql {
        sqlite: concat!("SELECT COUNT(*)", matching!(" INDEXED BY tokens_in_place_by_description", "instr")),
        postgres: concat!("SELECT COUNT(*)", matching!("", "strpos")),
    };
    TOKEN = Sql::both(concat!("SELECT ", token_columns!(), " FROM tokens WHERE account_id = $1 AND id = $2"));
}

/// The statements by which lists are read, each with what its plan on SQLite must hold.
#[cfg(feature = "testing")]
pub(crate) const LISTS: &[(&str, Sql)] = &[
    ("tokens_in_place_by_creation (account_id=? AND virtual_account=?)", BY_CREATION),
    ("tokens_in_place_by_creation (account_id=? AND virtual_account=?)", BY_CREATION_DOWN),
    ("tokens_in_place_by_expiry (account_id=? AND virtual_account=?)", BY_EXPIRY),
    ("tokens_in_place_by_expiry (account_id=? AND virtual_account=?)", BY_EXPIRY_DOWN),
    ("tokens_in_place_by_description (account_id=? AND virtual_account=?)", BY_DESCRIPTION),
    ("tokens_in_place_by_description (account_id=? AND virtual_account=?)", BY_DESCRIPTION_DOWN),
    ("tokens_in_place_by_description (account_id=? AND virtual_account=?)", COUNTED),
];

/// What tokens are sorted by; then by id, so that pages neither repeat nor miss one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenSort {
    /// When they were created.
    #[default]
    Created,
    /// What they are for, without regard to the case of ASCII letters.
    Description,
    /// When they expire.
    Expires,
}

/// Which tokens of a virtual account to list; what is absent does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenQuery {
    /// Part of what they are for; without regard to the case of ASCII letters.
    pub text: Option<String>,
    /// How they stand, at which moment: `active`, `exhausted`, `expired` or `revoked`.
    pub standing: Option<(&'static str, Timestamp)>,
    /// In which order.
    pub sort: TokenSort,
    /// Backwards.
    pub descending: bool,
}

impl Store {
    /// A page of a virtual account's tokens, revoked and expired ones among them.
    pub async fn tokens(
        &self,
        account: AccountId,
        virtual_account: VirtualAccountId,
        query: &TokenQuery,
        page: Page,
    ) -> Result<Paged<Token>, StoreError> {
        let items = match (query.sort, query.descending) {
            (TokenSort::Created, false) => &BY_CREATION,
            (TokenSort::Created, true) => &BY_CREATION_DOWN,
            (TokenSort::Description, false) => &BY_DESCRIPTION,
            (TokenSort::Description, true) => &BY_DESCRIPTION_DOWN,
            (TokenSort::Expires, false) => &BY_EXPIRY,
            (TokenSort::Expires, true) => &BY_EXPIRY_DOWN,
        };
        let values = vec![
            Value::text(account),
            Value::text(virtual_account),
            Value::maybe(query.text.as_ref().map(|text| text.to_ascii_lowercase())),
            Value::maybe(query.standing.map(|(word, _)| word)),
            Value::Int(query.standing.map(|(_, at)| at.as_microsecond())),
        ];
        self.page(items, &COUNTED, values, page, Token::read).await
    }

    /// The token with this id.
    pub async fn token(&self, account: AccountId, id: TokenId) -> Result<Option<Token>, StoreError> {
        let rows = self.db.rows(&TOKEN, &[Value::text(account), Value::text(id)]).await?;
        Ok(read_all(&rows)?.pop())
    }
}
