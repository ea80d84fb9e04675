//! What is owned and what is in use, and how it came about.

use seatpool_domain::{Lot, LotTransaction, PoolTotal, Usage};
use seatpool_proto::{AccountId, ProductInstanceId, Tag, VirtualAccountId};

use super::{Page, Paged, each};
use crate::error::StoreError;
use crate::row::lot::{lot_columns, transaction_columns};
use crate::row::pool::{total_columns, usage_columns};
use crate::sql::{Sql, Value, statements};
use crate::store::Store;
use crate::table::{Stored as _, read_all};

statements! {
    LOTS = Sql {
        sqlite: concat!(
            "SELECT ", lot_columns!(), " FROM lots WHERE account_id = $1 AND \
             (CAST($2 AS TEXT) IS NULL OR virtual_account IN (SELECT value FROM json_each($2))) \
             ORDER BY virtual_account, tag, starts_at, id"
        ),
        postgres: concat!(
            "SELECT ", lot_columns!(), " FROM lots WHERE account_id = $1 AND \
             ($2::text[] IS NULL OR virtual_account = ANY($2)) ORDER BY virtual_account, tag, starts_at, id"
        ),
    };
    TOTALS = Sql {
        sqlite: concat!(
            "SELECT ", total_columns!(), " FROM pool_totals WHERE account_id = $1 AND \
             (CAST($2 AS TEXT) IS NULL OR virtual_account IN (SELECT value FROM json_each($2))) \
             ORDER BY virtual_account, tag"
        ),
        postgres: concat!(
            "SELECT ", total_columns!(), " FROM pool_totals WHERE account_id = $1 AND \
             ($2::text[] IS NULL OR virtual_account = ANY($2)) ORDER BY virtual_account, tag"
        ),
    };
    // With DISTINCT first, SQLite reads the index alone.
    STANDINGS = Sql::both(
        "SELECT virtual_account, CAST(SUM(is_short) AS BIGINT) FROM \
         (SELECT virtual_account, CASE WHEN short > 0 THEN 1 ELSE 0 END AS is_short FROM pool_totals \
          WHERE account_id = $1 AND (instances > 0 OR short > 0 OR cumulative_peak > 0) \
          UNION ALL SELECT DISTINCT virtual_account, 0 FROM lots WHERE account_id = $1 AND quantity > 0) AS known \
         GROUP BY virtual_account",
    );
    STANDING = Sql::both(
        "SELECT COUNT(DISTINCT tag), CAST(COALESCE(SUM(is_short), 0) AS BIGINT) FROM \
         (SELECT tag, CASE WHEN short > 0 THEN 1 ELSE 0 END AS is_short FROM pool_totals \
          WHERE account_id = $1 AND virtual_account = $2 AND (instances > 0 OR short > 0 OR cumulative_peak > 0) \
          UNION ALL SELECT DISTINCT tag, 0 FROM lots WHERE account_id = $1 AND virtual_account = $2 AND quantity > 0) \
         AS known",
    );
    HOLDERS = Sql {
        sqlite: "SELECT virtual_account, tag FROM lots WHERE account_id = $1 AND quantity > 0 AND \
             tag IN (SELECT value FROM json_each($2)) \
             UNION SELECT virtual_account, tag FROM pool_totals WHERE account_id = $1 AND \
             (instances > 0 OR short > 0) AND tag IN (SELECT value FROM json_each($2)) ORDER BY 1, 2",
        postgres: "SELECT virtual_account, tag FROM lots WHERE account_id = $1 AND quantity > 0 AND \
             tag = ANY($2::text[]) \
             UNION SELECT virtual_account, tag FROM pool_totals WHERE account_id = $1 AND \
             (instances > 0 OR short > 0) AND tag = ANY($2::text[]) ORDER BY 1, 2",
    };
    TRANSACTIONS = Sql::both(concat!(
        "SELECT ", transaction_columns!(), " FROM lot_transactions WHERE account_id = $1 AND \
         virtual_account = $2 AND (CAST($3 AS TEXT) IS NULL OR tag = $3) \
         ORDER BY number DESC LIMIT $4 OFFSET $5"
    ));
    TRANSACTIONS_COUNTED = Sql::both(
        "SELECT COUNT(*) FROM lot_transactions WHERE account_id = $1 AND \
         virtual_account = $2 AND (CAST($3 AS TEXT) IS NULL OR tag = $3)",
    );
    USAGE = Sql {
        sqlite: concat!(
            "SELECT ", usage_columns!(), " FROM usage_reports WHERE account_id = $1 AND \
             instance IN (SELECT value FROM json_each($2)) ORDER BY instance, tag"
        ),
        postgres: concat!(
            "SELECT ", usage_columns!(), " FROM usage_reports WHERE account_id = $1 AND \
             instance = ANY($2::text[]) ORDER BY instance, tag"
        ),
    };
}

/// Which lot transactions to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionQuery {
    /// Where.
    pub virtual_account: VirtualAccountId,
    /// Of one licence; of all if absent.
    pub tag: Option<Tag>,
}

/// A set of virtual accounts, or NULL for all.
fn places(virtual_accounts: Option<&[VirtualAccountId]>) -> Value {
    virtual_accounts.map_or(Value::Set(None), Value::set)
}

impl Store {
    /// Lots of these virtual accounts, or of all; ended ones among them.
    pub async fn lots(
        &self,
        account: AccountId,
        virtual_accounts: Option<&[VirtualAccountId]>,
    ) -> Result<Vec<Lot>, StoreError> {
        read_all(&self.db.rows(&LOTS, &[Value::text(account), places(virtual_accounts)]).await?)
    }

    /// The virtual accounts of an account that hold or use licences, each with how many of them are short.
    pub async fn standings(&self, account: AccountId) -> Result<Vec<(VirtualAccountId, u64)>, StoreError> {
        let rows = self.db.rows(&STANDINGS, &[Value::text(account)]).await?;
        each(&rows, |reader| Ok((reader.parsed()?, reader.count()?)))
    }

    /// How many licences a virtual account holds or uses, and how many of them are short.
    pub async fn standing(
        &self,
        account: AccountId,
        virtual_account: VirtualAccountId,
    ) -> Result<(u64, u64), StoreError> {
        let values = [Value::text(account), Value::text(virtual_account)];
        let rows = self.db.rows(&STANDING, &values).await?;
        let found = each(&rows, |reader| Ok((reader.count()?, reader.count()?)))?;
        Ok(found.first().copied().unwrap_or_default())
    }

    /// Which virtual accounts hold or use these licences.
    pub async fn holders(
        &self,
        account: AccountId,
        tags: &[Tag],
    ) -> Result<Vec<(VirtualAccountId, Tag)>, StoreError> {
        let rows = self.db.rows(&HOLDERS, &[Value::text(account), Value::set(tags)]).await?;
        each(&rows, |reader| Ok((reader.parsed()?, reader.parsed()?)))
    }

    /// Totals of what is in use in these virtual accounts, or in all.
    pub async fn totals(
        &self,
        account: AccountId,
        virtual_accounts: Option<&[VirtualAccountId]>,
    ) -> Result<Vec<PoolTotal>, StoreError> {
        read_all(&self.db.rows(&TOTALS, &[Value::text(account), places(virtual_accounts)]).await?)
    }

    /// A virtual account's order and transfer history, newest first.
    pub async fn transactions(
        &self,
        account: AccountId,
        query: TransactionQuery,
        page: Page,
    ) -> Result<Paged<LotTransaction>, StoreError> {
        let values = vec![Value::text(account), Value::text(query.virtual_account), Value::maybe(query.tag)];
        self.page(&TRANSACTIONS, &TRANSACTIONS_COUNTED, values, page, LotTransaction::read).await
    }

    /// What these instances last reported, by instance and tag.
    pub async fn usage(
        &self,
        account: AccountId,
        instances: &[ProductInstanceId],
    ) -> Result<Vec<Usage>, StoreError> {
        read_all(&self.db.rows(&USAGE, &[Value::text(account), Value::set(instances)]).await?)
    }
}
