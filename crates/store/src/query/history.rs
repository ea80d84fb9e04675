//! The usage history: what reports read, and hours that become days.

use jiff::Timestamp;
use seatpool_domain::history::{Span, UsageSpan};
use seatpool_proto::{AccountId, Tag, VirtualAccountId};

use super::each;
use crate::error::StoreError;
use crate::grid::{Grid, Kind};
use crate::row::history::{go_on, history_columns};
use crate::sql::{Sql, Value, statements};
use crate::store::Store;
use crate::table::{Stored as _, put_by, read_all};

statements! {
    HISTORY = Sql::both(concat!(
        "SELECT ", history_columns!(), " FROM usage_history WHERE account_id = $1 AND virtual_account = $2 \
         AND tag = $3 AND starts_at >= $4 AND starts_at < $5 ORDER BY starts_at, span"
    ));
    HISTORY_BEFORE = Sql::both(concat!(
        "SELECT ", history_columns!(), " FROM usage_history WHERE account_id = $1 AND virtual_account = $2 \
         AND tag = $3 AND starts_at < $4 ORDER BY starts_at DESC, span DESC LIMIT 1"
    ));
    // Oldest first, so that what is thinned in parts is united in order.
    HOURS_BEFORE = Sql::both(concat!(
        "SELECT account_id, ", history_columns!(), " FROM usage_history WHERE span = 'hour' AND starts_at < $1 \
         ORDER BY starts_at, account_id, virtual_account, tag LIMIT $2"
    ));
    REMOVE_HOURS = Sql {
        sqlite: "DELETE FROM usage_history WHERE account_id = $1 AND span = 'hour' AND \
             (virtual_account, tag, starts_at) IN (SELECT value->>0, value->>1, value->>2 FROM json_each($2))",
        postgres: "DELETE FROM usage_history WHERE account_id = $1 AND span = 'hour' AND \
             (virtual_account, tag, starts_at) IN \
             (SELECT * FROM UNNEST($2::text[], $3::text[], $4::bigint[]))",
    };
}

impl Store {
    /// The usage history of one licence in `[from, to)`, oldest first, and the last row before.
    pub async fn usage_history(
        &self,
        account: AccountId,
        virtual_account: VirtualAccountId,
        tag: &Tag,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<(Option<UsageSpan>, Vec<UsageSpan>), StoreError> {
        let mut values =
            vec![Value::text(account), Value::text(virtual_account), Value::text(tag), Value::time(from)];
        let before = read_all(&self.db.rows(&HISTORY_BEFORE, &values).await?)?.pop();
        values.push(Value::time(to));
        Ok((before, read_all(&self.db.rows(&HISTORY, &values).await?)?))
    }

    /// Hours that start before `before`, the oldest first, at most `limit`.
    pub async fn usage_hours(
        &self,
        before: Timestamp,
        limit: u32,
    ) -> Result<Vec<(AccountId, UsageSpan)>, StoreError> {
        let values = [Value::time(before), Value::Int(Some(i64::from(limit)))];
        let rows = self.db.rows(&HOURS_BEFORE, &values).await?;
        each(&rows, |reader| Ok((reader.parsed()?, UsageSpan::read(reader)?)))
    }

    /// Puts days in the place of the hours that they were made of, in one transaction.
    pub async fn thin_usage(
        &self,
        account: AccountId,
        hours: &[UsageSpan],
        days: &[UsageSpan],
    ) -> Result<(), StoreError> {
        let mut gone = Grid::new([Kind::Text, Kind::Text, Kind::Int]);
        for hour in hours.iter().filter(|row| row.span == Span::Hour) {
            gone.begin_row();
            gone.text(hour.virtual_account).text(&hour.tag).time(hour.starts_at);
        }
        let mut transaction = crate::db::retried!(self.db.begin())?;
        let mut conn = transaction.conn()?;
        conn.execute(&REMOVE_HOURS, &[Value::text(account), Value::Grid(gone)]).await?;
        put_by(go_on(), &mut conn, account, days.iter()).await?;
        transaction.commit().await
    }
}
