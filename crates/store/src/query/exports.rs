//! Who holds export-controlled functionality: tokens that allow it, and instances that hold its authorizations.

use jiff::Timestamp;
use seatpool_domain::Instance;
use seatpool_proto::AccountId;

use crate::error::StoreError;
use crate::row::instance::instance_columns;
use crate::sql::{Sql, Value, statements};
use crate::store::Store;
use crate::table::read_all;

/// Instances of account `$1` with export-restricted features. The index is named, since SQLite would rather walk all
/// instances by their key, which gives the order: it does not know that few have any.
macro_rules! with_exports {
    ($which:literal) => {
        Sql {
            sqlite: with_exports!(" INDEXED BY instances_with_exports", $which),
            postgres: with_exports!("", $which),
        }
    };
    ($hint:literal, $which:literal) => {
        concat!(
            "SELECT ",
            instance_columns!(),
            " FROM instances",
            $hint,
            " WHERE account_id = $1 AND exports <> '[]' AND ended_at IS NULL",
            $which,
            " ORDER BY id"
        )
    };
}

const HOLDERS: Sql = with_exports!("");
// As JSON has one that waits: in a text of its own the quotation marks would be escaped.
const WAITING: Sql = with_exports!(" AND exports LIKE '%\"lot\":null%'");

/// The statements that an index must serve, each with that index.
#[cfg(feature = "testing")]
pub(crate) const INDEXED: &[(&str, Sql)] =
    &[("instances_with_exports", HOLDERS), ("instances_with_exports", WAITING)];

statements! {
    TOKENS = Sql::both(
        "SELECT COUNT(*) FROM tokens WHERE account_id = $1 AND export_controlled AND revoked_at IS NULL \
         AND expires_at > $2 AND (uses_max IS NULL OR uses < uses_max)",
    );
}

impl Store {
    /// The instances that hold authorizations of export-restricted features, or wait for them.
    pub async fn export_holders(&self, account: AccountId) -> Result<Vec<Instance>, StoreError> {
        read_all(&self.db.rows(&HOLDERS, &[Value::text(account)]).await?)
    }

    /// The instances with export-restricted features that wait for a licence.
    pub async fn export_waiting(&self, account: AccountId) -> Result<Vec<Instance>, StoreError> {
        read_all(&self.db.rows(&WAITING, &[Value::text(account)]).await?)
    }

    /// How many tokens that can be used at `now` allow export-controlled functionality.
    pub async fn export_tokens(&self, account: AccountId, now: Timestamp) -> Result<u64, StoreError> {
        let rows = self.db.rows(&TOKENS, &[Value::text(account), Value::time(now)]).await?;
        Ok(rows.first().map(|row| row.reader().count()).transpose()?.unwrap_or_default())
    }
}
