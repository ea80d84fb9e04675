//! What the manager's jobs look for, over all accounts.

use jiff::{SignedDuration, Timestamp};
use seatpool_proto::{AccountId, LotId, ProductInstanceId};

use super::each;
use crate::error::StoreError;
use crate::row::instance::day;
use crate::sql::{Sql, Value, statements};
use crate::store::Store;

statements! {
    AUTHORIZATIONS_ENDED = Sql::both(
        "SELECT account_id, id FROM instances WHERE authorization_day <= $3 AND authorized_until <= $1 \
         ORDER BY authorized_until LIMIT $2",
    );
    LOTS_TURNED = Sql::both(
        "SELECT account_id, id FROM lots WHERE starts_at > $1 AND starts_at <= $2 \
         UNION SELECT account_id, id FROM lots WHERE ends_at > $1 AND ends_at <= $2 ORDER BY 1, 2",
    );
    PURGE_SESSIONS = Sql::both("DELETE FROM sessions WHERE expires_at <= $1");
    PURGE_FORMS_SENT = Sql::both("DELETE FROM forms_sent WHERE sent_at <= $1");
    PURGE_REQUESTS = Sql::both("DELETE FROM requests WHERE created_at <= $1");
    PURGE_ACCESS_TOKENS = Sql::both("DELETE FROM access_tokens WHERE expires_at <= $1");
}

/// How long a form that was sent is remembered.
const FORMS_KNOWN: SignedDuration = SignedDuration::from_hours(24);

impl Store {
    /// Instances whose usage still counts though their authorization has ended, the longest ended first, at most
    /// `limit`.
    pub async fn authorizations_ended(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<(AccountId, ProductInstanceId)>, StoreError> {
        let values =
            [Value::time(now), Value::Int(Some(i64::from(limit))), Value::Int(Some(day(now).cast_signed()))];
        let rows = self.db.rows(&AUTHORIZATIONS_ENDED, &values).await?;
        each(&rows, |reader| Ok((reader.parsed()?, reader.parsed()?)))
    }

    /// Lots that start or end in `(after, until]`, by account.
    pub async fn lots_turned(
        &self,
        after: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<(AccountId, LotId)>, StoreError> {
        let rows = self.db.rows(&LOTS_TURNED, &[Value::time(after), Value::time(until)]).await?;
        each(&rows, |reader| Ok((reader.parsed()?, reader.parsed()?)))
    }

    /// Removes what is kept of requests with an Idempotency-Key that came until then; how many.
    pub async fn purge_requests(&self, until: Timestamp) -> Result<u64, StoreError> {
        self.db.execute(&PURGE_REQUESTS, &[Value::time(until)]).await
    }

    /// Removes ended sessions and access tokens, and what is known of forms sent more than a day ago; how many.
    pub async fn purge(&self, now: Timestamp) -> Result<u64, StoreError> {
        let sessions = self.db.execute(&PURGE_SESSIONS, &[Value::time(now)]).await?;
        let tokens = self.db.execute(&PURGE_ACCESS_TOKENS, &[Value::time(now)]).await?;
        let day_ago = now.checked_sub(FORMS_KNOWN).unwrap_or(Timestamp::MIN);
        let forms = self.db.execute(&PURGE_FORMS_SENT, &[Value::time(day_ago)]).await?;
        Ok(sessions + tokens + forms)
    }
}
