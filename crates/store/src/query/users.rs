//! The users of an account, sorted and in pages.

use seatpool_domain::access::User;
use seatpool_proto::AccountId;

use super::{Page, Paged};
use crate::error::StoreError;
use crate::row::access::{read_user, user_columns};
use crate::sql::{Sql, Value, statements};
use crate::store::Store;

/// The users of account `$1` who have `$2` in their sign-in name or their name.
macro_rules! matching {
    ($hint:expr, $position:literal) => {
        concat!(
            " FROM users",
            $hint,
            " WHERE account_id = $1 AND (CAST($2 AS TEXT) IS NULL OR ",
            $position,
            "(lower(login || ' ' || name), $2) > 0)"
        )
    };
}

/// One order, served by an index.
macro_rules! ordered {
    ($index:literal, $by:literal) => {
        Sql {
            sqlite: concat!(
                "SELECT ",
                user_columns!(),
                matching!(concat!(" INDEXED BY ", $index), "instr"),
                " ORDER BY ",
                $by,
                " LIMIT $3 OFFSET $4"
            ),
            postgres: concat!(
                "SELECT ",
                user_columns!(),
                matching!("", "strpos"),
                " ORDER BY ",
                $by,
                " LIMIT $3 OFFSET $4"
            ),
        }
    };
}

statements! {
    BY_LOGIN = ordered!("users_by_login", "login");
    BY_LOGIN_DOWN = ordered!("users_by_login", "login DESC");
    BY_NAME = ordered!("users_by_name", "lower(name), login");
    BY_NAME_DOWN = ordered!("users_by_name", "lower(name) DESC, login DESC");
    BY_CREATION = ordered!("users_by_creation", "created_at, login");
    BY_CREATION_DOWN = ordered!("users_by_creation", "created_at DESC, login DESC");
    COUNTED = Sql {
        sqlite: concat!("SELECT COUNT(*)", matching!(" INDEXED BY users_by_login", "instr")),
        postgres: concat!("SELECT COUNT(*)", matching!("", "strpos")),
    };
}

/// The statements by which lists are read, each with what its plan on SQLite must hold.
#[cfg(feature = "testing")]
pub(crate) const LISTS: &[(&str, Sql)] = &[
    ("SEARCH users USING INDEX users_by_login (account_id=?)", BY_LOGIN),
    ("SEARCH users USING INDEX users_by_login (account_id=?)", BY_LOGIN_DOWN),
    ("SEARCH users USING INDEX users_by_name (account_id=?)", BY_NAME),
    ("SEARCH users USING INDEX users_by_name (account_id=?)", BY_NAME_DOWN),
    ("SEARCH users USING INDEX users_by_creation (account_id=?)", BY_CREATION),
    ("SEARCH users USING INDEX users_by_creation (account_id=?)", BY_CREATION_DOWN),
    ("SEARCH users USING COVERING INDEX users_by_login (account_id=?)", COUNTED),
];

/// What users are sorted by; then by sign-in name, which is unique.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UserSort {
    /// Sign-in name.
    #[default]
    Login,
    /// The person's name, without regard to the case of ASCII letters.
    Name,
    /// When they were created.
    Created,
}

/// Which users to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserQuery {
    /// Part of the sign-in name or of the person's name; without regard to the case of ASCII letters. All if absent.
    pub text: Option<String>,
    /// In which order.
    pub sort: UserSort,
    /// Backwards.
    pub descending: bool,
}

impl Store {
    /// A page of an account's users.
    pub async fn users(
        &self,
        account: AccountId,
        query: &UserQuery,
        page: Page,
    ) -> Result<Paged<User>, StoreError> {
        let items = match (query.sort, query.descending) {
            (UserSort::Login, false) => &BY_LOGIN,
            (UserSort::Login, true) => &BY_LOGIN_DOWN,
            (UserSort::Name, false) => &BY_NAME,
            (UserSort::Name, true) => &BY_NAME_DOWN,
            (UserSort::Created, false) => &BY_CREATION,
            (UserSort::Created, true) => &BY_CREATION_DOWN,
        };
        let text = query.text.as_ref().map(|text| text.to_ascii_lowercase());
        let values = vec![Value::text(account), Value::maybe(text)];
        self.page(items, &COUNTED, values, page, read_user).await
    }
}
