//! The event log as an audit reads it: all of it, oldest first, as of one moment, rows that can't be read among them.

use seatpool_domain::audit::Entry;
use seatpool_domain::{Account, Event, LotTransaction};
use seatpool_proto::AccountId;

use super::each;
use crate::db::Snapshot;
use crate::error::StoreError;
use crate::row::account::{account_columns, read_account};
use crate::row::event::event_columns;
use crate::row::lot::transaction_columns;
use crate::sql::{Row, Sql, Value, statements};
use crate::store::Store;
use crate::table::{Stored as _, read_all};

statements! {
    ACCOUNT = Sql::both(concat!("SELECT ", account_columns!(), " FROM accounts WHERE id = $1"));
    EVENTS = Sql::both(concat!(
        "SELECT ", event_columns!(), " FROM events WHERE account_id = $1 AND number > $2 ORDER BY number LIMIT $3"
    ));
    TRANSACTIONS = Sql::both(concat!(
        "SELECT ", transaction_columns!(), " FROM lot_transactions \
         WHERE account_id = $1 AND number >= $2 AND number < $3 ORDER BY number"
    ));
    TRANSACTION_AFTER = Sql::both(
        "SELECT min(number) FROM lot_transactions WHERE account_id = $1 AND number >= $2",
    );
}

/// How many rows are read at once.
const ROWS: i64 = 1000;

/// One account's log at one moment.
pub struct AuditLog {
    snapshot: Snapshot,
    account: Account,
}

impl Store {
    /// The log of an account, if it is there, as of now.
    pub async fn audit_log(&self, account: AccountId) -> Result<Option<AuditLog>, StoreError> {
        let mut snapshot = crate::db::retried!(self.db.snapshot())?;
        let rows = snapshot.conn().rows(&ACCOUNT, &[Value::text(account)]).await?;
        Ok(each(&rows, read_account)?.pop().map(|account| AuditLog { snapshot, account }))
    }
}

impl AuditLog {
    /// The account's row.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// The next rows after this number; none at the end.
    pub async fn entries(&mut self, after: u64) -> Result<Vec<Entry>, StoreError> {
        let rows = self.select(&EVENTS, &[after, ROWS.cast_unsigned()]).await?;
        rows.iter()
            .map(|row| {
                Ok(Entry { number: row.reader().count()?, event: Event::read(&mut row.reader()).ok() })
            })
            .collect()
    }

    /// Lot transactions with these numbers, the last one not among them.
    pub async fn transactions(&mut self, from: u64, until: u64) -> Result<Vec<LotTransaction>, StoreError> {
        read_all(&self.select(&TRANSACTIONS, &[from, until]).await?)
    }

    /// The number of the first lot transaction from this number on.
    pub async fn transaction_from(&mut self, number: u64) -> Result<Option<u64>, StoreError> {
        let rows = self.select(&TRANSACTION_AFTER, &[number]).await?;
        Ok(rows.first().map(|row| row.reader().maybe_count()).transpose()?.flatten())
    }

    async fn select(&mut self, sql: &Sql, numbers: &[u64]) -> Result<Vec<Row>, StoreError> {
        let numbers = numbers.iter().map(|number| Value::Int(Some(crate::sql::count(*number))));
        let values: Vec<_> = core::iter::once(Value::text(self.account.id)).chain(numbers).collect();
        self.snapshot.conn().rows(sql, &values).await
    }
}
