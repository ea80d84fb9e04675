//! Who may sign in: users, clients, sessions and access tokens. Of tokens only digests are kept.

use jiff::Timestamp;
use seatpool_domain::access::{Client, OauthScope, User};
use seatpool_proto::{AccountId, Sha256};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::each;
use crate::error::StoreError;
use crate::row::access::{
    client_columns, client_values, read_client, read_session, read_user, session_columns, session_values,
    user_columns, user_values,
};
use crate::sql::{Sql, Value, json, statements};
use crate::store::Store;

statements! {
    INSERT_USER = Sql::both(concat!(
        "INSERT INTO users (", user_columns!(), ") \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
    ));
    USER = Sql::both(concat!("SELECT ", user_columns!(), " FROM users WHERE id = $1"));
    USER_BY_LOGIN = Sql::both(concat!("SELECT ", user_columns!(), " FROM users WHERE login = $1"));
    USER_BY_SUBJECT = Sql::both(concat!("SELECT ", user_columns!(), " FROM users WHERE subject = $1"));
    USE_STEP = Sql::both("UPDATE users SET totp_step = $2 WHERE id = $1 AND totp_step < $2");
    INSERT_CLIENT = Sql::both(concat!(
        "INSERT INTO clients (", client_columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
    ));
    CLIENT = Sql::both(concat!(
        "SELECT ", client_columns!(), " FROM clients WHERE id = $1 AND deleted_at IS NULL"
    ));
    CLIENTS = Sql::both(concat!(
        "SELECT ", client_columns!(), " FROM clients WHERE account_id = $1 AND deleted_at IS NULL ORDER BY id"
    ));
    CLIENT_NAMES = Sql {
        sqlite: "SELECT id, name FROM clients WHERE id IN (SELECT value FROM json_each($1))",
        postgres: "SELECT id, name FROM clients WHERE id = ANY($1::text[])",
    };
    INSERT_ACCESS_TOKEN = Sql::both(
        "INSERT INTO access_tokens (hash, client_id, account_id, expires_at, created_at, user_id, scopes) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    );
    ACCESS_TOKEN = Sql::both(
        "SELECT client_id, account_id, expires_at, created_at, user_id, scopes FROM access_tokens \
         WHERE hash = $1 AND expires_at > $2",
    );
    INSERT_SESSION = Sql::both(concat!(
        "INSERT INTO sessions (", session_columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
    ));
    SESSION = Sql::both(concat!(
        "SELECT ", session_columns!(), " FROM sessions WHERE hash = $1 AND expires_at > $2"
    ));
    SESSIONS = Sql::both(concat!(
        "SELECT ", session_columns!(), " FROM sessions WHERE user_id = $1 AND expires_at > $2 \
         AND stage = 'signed_in' ORDER BY last_seen_at DESC, hash"
    ));
    SEE_SESSION = Sql::both("UPDATE sessions SET last_seen_at = $2, address = $3 WHERE hash = $1");
    DELETE_SESSION = Sql::both("DELETE FROM sessions WHERE hash = $1");
    DELETE_OTHER_SESSIONS = Sql::both("DELETE FROM sessions WHERE user_id = $1 AND hash <> $2");
}

/// How far a person has come with signing in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// All the way.
    SignedIn,
    /// The password was right; the second factor's code is asked for.
    SecondFactor,
    /// A new password must be set first.
    NewPassword,
    /// The account requires a second factor, and there is none yet.
    Enrolment,
}

/// A person's sign-in with one browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// SHA-256 of the cookie's token.
    pub hash: Sha256,
    /// Who.
    pub user: Uuid,
    /// The account whose roles the user holds.
    pub account: AccountId,
    /// What forms must carry.
    pub csrf: String,
    /// When it began.
    pub created_at: Timestamp,
    /// From when it no longer counts.
    pub expires_at: Timestamp,
    /// The address it was last used from.
    pub address: Option<String>,
    /// How far the sign-in has come.
    pub stage: Stage,
    /// When it was last used, to the minute.
    pub last_seen_at: Timestamp,
    /// What the browser calls itself.
    pub browser: Option<String>,
}

/// An access token of OAuth2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken {
    /// The client that got it.
    pub client: String,
    /// The client's account.
    pub account: AccountId,
    /// From when it no longer counts.
    pub expires_at: Timestamp,
    /// When it was granted.
    pub created_at: Timestamp,
    /// The person in whose name it was granted, if any.
    pub user: Option<Uuid>,
    /// What it may use of the roles.
    pub scopes: Vec<OauthScope>,
}

impl Store {
    /// Adds a user; [`StoreError::Exists`] if the login is taken.
    pub async fn insert_user(&self, user: &User) -> Result<(), StoreError> {
        let inserted = self.db.execute(&INSERT_USER, &user_values(user)).await;
        inserted.map(drop).map_err(|error| error.taken(&format!("a user with the login {}", user.login)))
    }

    /// The user with this login, in lower case.
    pub async fn user_by_login(&self, login: &str) -> Result<Option<User>, StoreError> {
        let rows = self.db.rows(&USER_BY_LOGIN, &[Value::text(login)]).await?;
        Ok(each(&rows, read_user)?.pop())
    }

    /// The user who is this at the single sign-on provider.
    pub async fn user_by_subject(&self, subject: &str) -> Result<Option<User>, StoreError> {
        let rows = self.db.rows(&USER_BY_SUBJECT, &[Value::text(subject)]).await?;
        Ok(each(&rows, read_user)?.pop())
    }

    /// The user with this id.
    pub async fn user(&self, id: Uuid) -> Result<Option<User>, StoreError> {
        let rows = self.db.rows(&USER, &[Value::text(id)]).await?;
        Ok(each(&rows, read_user)?.pop())
    }

    /// Uses up the codes of a user's second factor up to this time step; false if that was done before.
    pub async fn use_time_step(&self, id: Uuid, step: u64) -> Result<bool, StoreError> {
        let step = i64::try_from(step).unwrap_or(i64::MAX);
        Ok(self.db.execute(&USE_STEP, &[Value::text(id), Value::Int(Some(step))]).await? > 0)
    }

    /// Adds a client; [`StoreError::Exists`] if its id is taken.
    pub async fn insert_client(&self, client: &Client) -> Result<(), StoreError> {
        let inserted = self.db.execute(&INSERT_CLIENT, &client_values(client)).await;
        inserted.map(drop).map_err(|error| error.taken(&format!("a client with the id {}", client.id)))
    }

    /// The client with this id, unless it was deleted.
    pub async fn client(&self, id: &str) -> Result<Option<Client>, StoreError> {
        let rows = self.db.rows(&CLIENT, &[Value::text(id)]).await?;
        Ok(each(&rows, read_client)?.pop())
    }

    /// An account's clients, by id, but for deleted ones.
    pub async fn clients(&self, account: AccountId) -> Result<Vec<Client>, StoreError> {
        each(&self.db.rows(&CLIENTS, &[Value::text(account)]).await?, read_client)
    }

    /// The names of these clients, of whatever account, deleted ones among them: id and name.
    pub async fn client_names(
        &self,
        ids: impl IntoIterator<Item = impl ToString>,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let rows = self.db.rows(&CLIENT_NAMES, &[Value::set(ids)]).await?;
        each(&rows, |reader| Ok((reader.text()?, reader.text()?)))
    }

    /// Records an access token by its digest.
    pub async fn insert_access_token(&self, hash: Sha256, token: &AccessToken) -> Result<(), StoreError> {
        let values = [
            Value::text(hash),
            Value::text(&token.client),
            Value::text(token.account),
            Value::time(token.expires_at),
            Value::time(token.created_at),
            Value::maybe(token.user),
            Value::text(json(&token.scopes)),
        ];
        let inserted = self.db.execute(&INSERT_ACCESS_TOKEN, &values).await;
        inserted.map(drop).map_err(|error| error.taken("an access token with this digest"))
    }

    /// The access token with this digest, unless it has ended.
    pub async fn access_token(
        &self,
        hash: Sha256,
        now: Timestamp,
    ) -> Result<Option<AccessToken>, StoreError> {
        let rows = self.db.rows(&ACCESS_TOKEN, &[Value::text(hash), Value::time(now)]).await?;
        let read = |reader: &mut crate::sql::Reader<'_>| {
            Ok(AccessToken {
                client: reader.text()?,
                account: reader.parsed()?,
                expires_at: reader.time()?,
                created_at: reader.time()?,
                user: reader.maybe_parsed()?,
                scopes: reader.json()?,
            })
        };
        Ok(each(&rows, read)?.pop())
    }

    /// Records a session by its token's digest.
    pub async fn insert_session(&self, session: &Session) -> Result<(), StoreError> {
        let inserted = self.db.execute(&INSERT_SESSION, &session_values(session)).await;
        inserted.map(drop).map_err(|error| error.taken("a session with this digest"))
    }

    /// The session of a token, unless it has ended.
    pub async fn session(&self, hash: Sha256, now: Timestamp) -> Result<Option<Session>, StoreError> {
        let rows = self.db.rows(&SESSION, &[Value::text(hash), Value::time(now)]).await?;
        Ok(each(&rows, read_session)?.pop())
    }

    /// A person's whole sign-ins that have not ended, last used first.
    pub async fn sessions(&self, user: Uuid, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        let rows = self.db.rows(&SESSIONS, &[Value::text(user), Value::time(now)]).await?;
        each(&rows, read_session)
    }

    /// Notes when and from where a session was last used.
    pub async fn see_session(
        &self,
        hash: Sha256,
        at: Timestamp,
        address: Option<&str>,
    ) -> Result<(), StoreError> {
        let values = [Value::text(hash), Value::time(at), Value::maybe(address)];
        self.db.execute(&SEE_SESSION, &values).await.map(drop)
    }

    /// Ends a session.
    pub async fn delete_session(&self, hash: Sha256) -> Result<(), StoreError> {
        self.db.execute(&DELETE_SESSION, &[Value::text(hash)]).await.map(drop)
    }

    /// Ends a person's sessions but this one.
    pub async fn delete_other_sessions(&self, user: Uuid, keep: Sha256) -> Result<(), StoreError> {
        self.db.execute(&DELETE_OTHER_SESSIONS, &[Value::text(user), Value::text(keep)]).await.map(drop)
    }
}
