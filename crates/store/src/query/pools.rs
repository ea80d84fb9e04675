//! What explanations read: single families' pools, and who uses most of a licence.

use jiff::Timestamp;
use seatpool_domain::{Lot, Owned, PoolTotal};
use seatpool_proto::{AccountId, ProductInstanceId, Tag, VirtualAccountId};

use super::each;
use crate::error::StoreError;
use crate::row::lot::lot_columns;
use crate::row::pool::total_columns;
use crate::sql::{Sql, Value, statements};
use crate::store::Store;
use crate::table::read_all;

/// Sums over the lots of account `$1` in these places at `$3`, by place and licence: [`Owned`].
macro_rules! owned {
    ($hint:literal, $place:literal, $state:literal) => {
        concat!(
            "SELECT virtual_account, tag, lots, purchased, declared, reserved, usable, pending, next_end, \
             (SELECT CAST(COALESCE(SUM(ending.quantity - ending.moved_out), 0) AS BIGINT) FROM lots AS ending ",
            $hint,
            "WHERE ending.account_id = $1 AND ending.virtual_account = held.virtual_account AND ending.tag = held.tag \
              AND ending.ends_at = held.next_end AND ending.quantity > 0 AND ending.starts_at <= $3) \
             FROM (SELECT virtual_account, tag, COUNT(*) AS lots, \
              CAST(SUM(counts * (quantity - moved_out)) AS BIGINT) AS purchased, \
              CAST(SUM(counts * waits * (quantity - moved_out)) AS BIGINT) AS declared, \
              CAST(SUM(counts * reserved) AS BIGINT) AS reserved, \
              CAST(SUM(counts * (quantity - moved_out - reserved)) AS BIGINT) AS usable, \
              CAST(SUM(CASE WHEN starts_at > $3 THEN quantity ELSE 0 END) AS BIGINT) AS pending, \
              MIN(CASE WHEN counts = 1 THEN ends_at END) AS next_end \
              FROM (SELECT virtual_account, tag, quantity, reserved, moved_out, starts_at, ends_at, \
               CASE WHEN starts_at <= $3 AND (ends_at IS NULL OR ends_at > $3) THEN 1 ELSE 0 END AS counts, \
               CASE WHEN declaration IS NOT NULL AND ",
            $state,
            " = 'declared' THEN 1 ELSE 0 END AS waits FROM lots WHERE account_id = $1 AND quantity > 0 AND ",
            $place,
            ") AS lot GROUP BY virtual_account, tag) AS held ORDER BY virtual_account, tag"
        )
    };
}

statements! {
    POOL_LOTS = Sql {
        sqlite: concat!(
            "SELECT ", lot_columns!(), " FROM lots WHERE account_id = $1 AND \
             virtual_account IN (SELECT value FROM json_each($2)) AND tag IN (SELECT value FROM json_each($3)) \
             ORDER BY virtual_account, tag, starts_at, id"
        ),
        postgres: concat!(
            "SELECT ", lot_columns!(), " FROM lots WHERE account_id = $1 AND \
             virtual_account = ANY($2::text[]) AND tag = ANY($3::text[]) \
             ORDER BY virtual_account, tag, starts_at, id"
        ),
    };
    POOL_TOTALS = Sql {
        sqlite: concat!(
            "SELECT ", total_columns!(), " FROM pool_totals WHERE account_id = $1 AND \
             virtual_account IN (SELECT value FROM json_each($2)) AND tag IN (SELECT value FROM json_each($3)) \
             ORDER BY virtual_account, tag"
        ),
        postgres: concat!(
            "SELECT ", total_columns!(), " FROM pool_totals WHERE account_id = $1 AND \
             virtual_account = ANY($2::text[]) AND tag = ANY($3::text[]) ORDER BY virtual_account, tag"
        ),
    };
    OWNED = Sql {
        sqlite: owned!("INDEXED BY lots_in_place_by_end ", "virtual_account IN (SELECT value FROM json_each($2))", "json_extract(declaration, '$.state')"),
        postgres: owned!("", "virtual_account = ANY($2::text[])", "declaration::json ->> 'state'"),
    };
    // One row more than $4 is enough to know that there are too many to look at: by the licence, or by the place.
    MOST_USED_IN = Sql {
        sqlite: "WITH few AS (SELECT id FROM instances \
             WHERE account_id = $1 AND virtual_account = $2 AND registered AND counted LIMIT $4 + 1) \
             SELECT u.instance FROM few JOIN usage_reports AS u ON u.account_id = $1 AND u.instance = few.id \
             AND u.tag = $3 WHERE (SELECT COUNT(*) FROM few) <= $4 AND max(u.peak, coalesce(u.locked, 0)) >= $6 \
             ORDER BY max(u.peak, coalesce(u.locked, 0)) DESC, u.instance LIMIT $5",
        postgres: "WITH few AS (SELECT id FROM instances \
             WHERE account_id = $1 AND virtual_account = $2 AND registered AND counted LIMIT $4 + 1) \
             SELECT u.instance FROM few JOIN usage_reports AS u ON u.account_id = $1 AND u.instance = few.id \
             AND u.tag = $3 WHERE (SELECT COUNT(*) FROM few) <= $4 AND greatest(u.peak, u.locked) >= $6 \
             ORDER BY greatest(u.peak, u.locked) DESC, u.instance LIMIT $5",
    };
    MOST_USED = Sql {
        sqlite: "WITH few AS (SELECT instance FROM usage_reports WHERE account_id = $1 AND tag = $3 LIMIT $4 + 1) \
             SELECT u.instance FROM few JOIN usage_reports AS u ON u.account_id = $1 AND u.instance = few.instance \
             AND u.tag = $3 JOIN instances AS i ON i.account_id = $1 AND i.id = u.instance \
             WHERE (SELECT COUNT(*) FROM few) <= $4 AND i.virtual_account = $2 AND i.registered AND i.counted \
             AND max(u.peak, coalesce(u.locked, 0)) >= $6 \
             ORDER BY max(u.peak, coalesce(u.locked, 0)) DESC, u.instance LIMIT $5",
        postgres: "WITH few AS (SELECT instance FROM usage_reports WHERE account_id = $1 AND tag = $3 LIMIT $4 + 1) \
             SELECT u.instance FROM few JOIN usage_reports AS u ON u.account_id = $1 AND u.instance = few.instance \
             AND u.tag = $3 JOIN instances AS i ON i.account_id = $1 AND i.id = u.instance \
             WHERE (SELECT COUNT(*) FROM few) <= $4 AND i.virtual_account = $2 AND i.registered AND i.counted \
             AND greatest(u.peak, u.locked) >= $6 \
             ORDER BY greatest(u.peak, u.locked) DESC, u.instance LIMIT $5",
    };
}

/// How many are looked at, and how many are named, by [`Store::most_used`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MostUsed {
    /// Among more than these nobody is named.
    pub among_max: u32,
    /// Who uses fewer is left out.
    pub least: u32,
    /// How many are named.
    pub limit: u32,
}

impl Store {
    /// Lots and totals of these licences in these virtual accounts; ended lots among them.
    pub async fn pools(
        &self,
        account: AccountId,
        virtual_accounts: &[VirtualAccountId],
        tags: &[Tag],
    ) -> Result<(Vec<Lot>, Vec<PoolTotal>), StoreError> {
        let values = [Value::text(account), Value::set(virtual_accounts), Value::set(tags)];
        let lots = read_all(&self.db.rows(&POOL_LOTS, &values).await?)?;
        Ok((lots, self.totals_of(account, virtual_accounts, tags).await?))
    }

    /// Totals of these licences in these virtual accounts.
    pub async fn totals_of<'a>(
        &self,
        account: AccountId,
        virtual_accounts: &[VirtualAccountId],
        tags: impl IntoIterator<Item = &'a Tag>,
    ) -> Result<Vec<PoolTotal>, StoreError> {
        let values = [Value::text(account), Value::set(virtual_accounts), Value::set(tags)];
        read_all(&self.db.rows(&POOL_TOTALS, &values).await?)
    }

    /// What the lots of each licence in these virtual accounts come to at `now`, by place and licence.
    pub async fn owned(
        &self,
        account: AccountId,
        virtual_accounts: &[VirtualAccountId],
        now: Timestamp,
    ) -> Result<Vec<(VirtualAccountId, Tag, Owned)>, StoreError> {
        let values = [Value::text(account), Value::set(virtual_accounts), Value::time(now)];
        each(&self.db.rows(&OWNED, &values).await?, |reader| {
            let (place, tag) = (reader.parsed()?, reader.parsed()?);
            let sums = Owned {
                lots: reader.count()?,
                purchased: reader.quantity()?,
                declared: reader.quantity()?,
                reserved: reader.quantity()?,
                usable: reader.quantity()?,
                pending: reader.quantity()?,
                next_end: reader.maybe_time()?,
                next_end_quantity: reader.quantity()?,
            };
            Ok((place, tag, sums))
        })
    }

    /// The counted instances of a virtual account that use most of a licence, most first; none where more instances than
    /// `bounds` has report the licence and more than that are in the virtual account.
    pub async fn most_used(
        &self,
        account: AccountId,
        virtual_account: VirtualAccountId,
        tag: &Tag,
        bounds: MostUsed,
    ) -> Result<Vec<ProductInstanceId>, StoreError> {
        let values = [
            Value::text(account),
            Value::text(virtual_account),
            Value::text(tag),
            Value::Int(Some(i64::from(bounds.among_max))),
            Value::Int(Some(i64::from(bounds.limit))),
            Value::Int(Some(i64::from(bounds.least))),
        ];
        let mut rows = self.db.rows(&MOST_USED, &values).await?;
        if rows.is_empty() {
            rows = self.db.rows(&MOST_USED_IN, &values).await?;
        }
        rows.iter().map(|row| row.reader().parsed()).collect()
    }
}
