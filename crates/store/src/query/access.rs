//! Who may sign in: users, clients, sessions and access tokens. Of tokens only digests are kept.

use jiff::Timestamp;
use seatpool_domain::access::{Client, User};
use seatpool_proto::{AccountId, Sha256};
use uuid::Uuid;

use super::each;
use crate::error::StoreError;
use crate::row::access::{
    client_columns, read_client, read_session, read_user, session_columns, user_columns,
};
use crate::sql::{Sql, Value, json, statements};
use crate::store::Store;

statements! {
    INSERT_USER = Sql::both(concat!(
        "INSERT INTO users (", user_columns!(), ") VALUES ($1, $2, $3, $4, $5, $6)"
    ));
    USER = Sql::both(concat!("SELECT ", user_columns!(), " FROM users WHERE id = $1"));
    USER_BY_LOGIN = Sql::both(concat!("SELECT ", user_columns!(), " FROM users WHERE login = $1"));
    USERS = Sql::both(concat!("SELECT ", user_columns!(), " FROM users WHERE account_id = $1 ORDER BY login"));
    SET_PASSWORD = Sql::both("UPDATE users SET password_hash = $2 WHERE id = $1");
    INSERT_CLIENT = Sql::both(concat!(
        "INSERT INTO clients (", client_columns!(), ") VALUES ($1, $2, $3, $4, $5, $6)"
    ));
    CLIENT = Sql::both(concat!("SELECT ", client_columns!(), " FROM clients WHERE id = $1"));
    CLIENTS = Sql::both(concat!("SELECT ", client_columns!(), " FROM clients WHERE account_id = $1 ORDER BY id"));
    INSERT_ACCESS_TOKEN = Sql::both(
        "INSERT INTO access_tokens (hash, client_id, account_id, expires_at, created_at) \
         VALUES ($1, $2, $3, $4, $5)",
    );
    ACCESS_TOKEN = Sql::both("SELECT client_id FROM access_tokens WHERE hash = $1 AND expires_at > $2");
    INSERT_SESSION = Sql::both(concat!(
        "INSERT INTO sessions (", session_columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7)"
    ));
    SESSION = Sql::both(concat!(
        "SELECT ", session_columns!(), " FROM sessions WHERE hash = $1 AND expires_at > $2"
    ));
    DELETE_SESSION = Sql::both("DELETE FROM sessions WHERE hash = $1");
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
    /// The address it came from.
    pub address: Option<String>,
}

impl Store {
    /// Adds a user; [`StoreError::Exists`] if the login is taken.
    pub async fn insert_user(&self, user: &User) -> Result<(), StoreError> {
        let values = [
            Value::text(user.id),
            Value::text(user.account),
            Value::text(&user.login),
            Value::text(&user.password_hash),
            Value::text(json(&user.roles)),
            Value::time(user.created_at),
        ];
        let inserted = self.db.execute(&INSERT_USER, &values).await;
        inserted.map(drop).map_err(|error| error.taken(&format!("a user with the login {}", user.login)))
    }

    /// The user with this login, in lower case.
    pub async fn user_by_login(&self, login: &str) -> Result<Option<User>, StoreError> {
        let rows = self.db.rows(&USER_BY_LOGIN, &[Value::text(login)]).await?;
        Ok(each(&rows, read_user)?.pop())
    }

    /// The user with this id.
    pub async fn user(&self, id: Uuid) -> Result<Option<User>, StoreError> {
        let rows = self.db.rows(&USER, &[Value::text(id)]).await?;
        Ok(each(&rows, read_user)?.pop())
    }

    /// An account's users, by login.
    pub async fn users(&self, account: AccountId) -> Result<Vec<User>, StoreError> {
        each(&self.db.rows(&USERS, &[Value::text(account)]).await?, read_user)
    }

    /// Replaces a user's password hash (a PHC string); whether there is such a user.
    pub async fn set_password(&self, id: Uuid, password_hash: &str) -> Result<bool, StoreError> {
        let values = [Value::text(id), Value::text(password_hash)];
        Ok(self.db.execute(&SET_PASSWORD, &values).await? > 0)
    }

    /// Adds a client; [`StoreError::Exists`] if its id is taken.
    pub async fn insert_client(&self, client: &Client) -> Result<(), StoreError> {
        let values = [
            Value::text(&client.id),
            Value::text(client.account),
            Value::text(&client.name),
            Value::text(&client.secret_hash),
            Value::text(json(&client.roles)),
            Value::time(client.created_at),
        ];
        let inserted = self.db.execute(&INSERT_CLIENT, &values).await;
        inserted.map(drop).map_err(|error| error.taken(&format!("a client with the id {}", client.id)))
    }

    /// The client with this id.
    pub async fn client(&self, id: &str) -> Result<Option<Client>, StoreError> {
        let rows = self.db.rows(&CLIENT, &[Value::text(id)]).await?;
        Ok(each(&rows, read_client)?.pop())
    }

    /// An account's clients, by id.
    pub async fn clients(&self, account: AccountId) -> Result<Vec<Client>, StoreError> {
        each(&self.db.rows(&CLIENTS, &[Value::text(account)]).await?, read_client)
    }

    /// Records an access token by its digest.
    pub async fn insert_access_token(
        &self,
        hash: Sha256,
        client_id: &str,
        account: AccountId,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let values = [
            Value::text(hash),
            Value::text(client_id),
            Value::text(account),
            Value::time(expires_at),
            Value::time(now),
        ];
        let inserted = self.db.execute(&INSERT_ACCESS_TOKEN, &values).await;
        inserted.map(drop).map_err(|error| error.taken("an access token with this digest"))
    }

    /// The client that an access token stands for, unless it has ended.
    pub async fn access_token(&self, hash: Sha256, now: Timestamp) -> Result<Option<String>, StoreError> {
        let rows = self.db.rows(&ACCESS_TOKEN, &[Value::text(hash), Value::time(now)]).await?;
        rows.first().map(|row| row.reader().text()).transpose()
    }

    /// Records a session by its token's digest.
    pub async fn insert_session(&self, session: &Session) -> Result<(), StoreError> {
        let values = [
            Value::text(session.hash),
            Value::text(session.user),
            Value::text(session.account),
            Value::text(&session.csrf),
            Value::time(session.created_at),
            Value::time(session.expires_at),
            Value::maybe(session.address.as_ref()),
        ];
        let inserted = self.db.execute(&INSERT_SESSION, &values).await;
        inserted.map(drop).map_err(|error| error.taken("a session with this digest"))
    }

    /// The session of a token, unless it has ended.
    pub async fn session(&self, hash: Sha256, now: Timestamp) -> Result<Option<Session>, StoreError> {
        let rows = self.db.rows(&SESSION, &[Value::text(hash), Value::time(now)]).await?;
        Ok(each(&rows, read_session)?.pop())
    }

    /// Ends a session.
    pub async fn delete_session(&self, hash: Sha256) -> Result<(), StoreError> {
        self.db.execute(&DELETE_SESSION, &[Value::text(hash)]).await.map(drop)
    }
}
