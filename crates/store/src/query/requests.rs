//! Requests that carry an Idempotency-Key: each key is claimed once, and what came of it is kept.

use jiff::Timestamp;
use seatpool_proto::{AccountId, Sha256};

use super::each;
use crate::error::StoreError;
use crate::sql::{Conn, Sql, Value, statements};
use crate::store::Store;

statements! {
    CLAIM = Sql::both(
        "INSERT INTO requests (account_id, principal, key_hash, request_hash, created_at, outcomes) \
         VALUES ($1, $2, $3, $4, $5, '[]') ON CONFLICT (account_id, principal, key_hash) DO NOTHING",
    );
    CLAIMED = Sql::both(
        "SELECT request_hash, outcomes, answer FROM requests \
         WHERE account_id = $1 AND principal = $2 AND key_hash = $3",
    );
    NOTE = Sql::both(
        "UPDATE requests SET outcomes = $4 WHERE account_id = $1 AND principal = $2 AND key_hash = $3",
    );
    FINISH = Sql::both(
        "UPDATE requests SET answer = $4 WHERE account_id = $1 AND principal = $2 AND key_hash = $3",
    );
    GIVE_UP = Sql::both(
        "DELETE FROM requests WHERE account_id = $1 AND principal = $2 AND key_hash = $3 AND outcomes = '[]'",
    );
}

/// Names a request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestKey {
    /// The account of whoever asks.
    pub account: AccountId,
    /// Who asks.
    pub principal: String,
    /// SHA-256 of the key that it chose.
    pub key: Sha256,
}

impl RequestKey {
    fn values(&self) -> Vec<Value> {
        vec![Value::text(self.account), Value::text(&self.principal), Value::text(self.key)]
    }
}

/// What is known of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownRequest {
    /// Whether it was not known before.
    pub is_new: bool,
    /// SHA-256 of what was asked for when the key was first used.
    pub request: Sha256,
    /// What its commands came to, as JSON.
    pub outcomes: String,
    /// The sealed answer, if it was given.
    pub answer: Option<String>,
}

impl Store {
    /// Claims a key for a request, unless it was claimed before; what is known of it.
    pub async fn claim_request(
        &self,
        key: &RequestKey,
        request: Sha256,
        now: Timestamp,
    ) -> Result<KnownRequest, StoreError> {
        let mut values = key.values();
        values.extend([Value::text(request), Value::time(now)]);
        let is_new = self.db.execute(&CLAIM, &values).await? > 0;
        if is_new {
            return Ok(KnownRequest { is_new, request, outcomes: "[]".to_owned(), answer: None });
        }
        let rows = self.db.rows(&CLAIMED, &key.values()).await?;
        let known = each(&rows, |reader| {
            Ok(KnownRequest {
                is_new,
                request: reader.parsed()?,
                outcomes: reader.text()?,
                answer: reader.maybe_text()?,
            })
        })?;
        known.into_iter().next().ok_or_else(|| {
            StoreError::Unavailable("the request's key was given free at this very moment".to_owned())
        })
    }

    /// Keeps the answer to a request.
    pub async fn finish_request(&self, key: &RequestKey, answer: &str) -> Result<(), StoreError> {
        let mut values = key.values();
        values.push(Value::text(answer));
        self.db.execute(&FINISH, &values).await.map(drop)
    }

    /// Gives a key free whose request did nothing.
    pub async fn give_up_request(&self, key: &RequestKey) -> Result<(), StoreError> {
        self.db.execute(&GIVE_UP, &key.values()).await.map(drop)
    }
}

/// Notes what a request's commands came to, in the transaction that stores it.
pub(crate) async fn note(conn: &mut Conn<'_>, key: &RequestKey, outcomes: &str) -> Result<(), StoreError> {
    let mut values = key.values();
    values.push(Value::text(outcomes));
    conn.execute(&NOTE, &values).await.map(drop)
}
