//! Users, clients, sessions: the directory, global to the manager.

use seatpool_domain::Change;
use seatpool_domain::access::{Client, PreviousSecret, User};
use seatpool_domain::workset::Rows;
use seatpool_proto::AccountId;
use uuid::Uuid;

use crate::error::StoreError;
use crate::query::access::{Session, Stage};
use crate::sql::{Conn, Reader, Sql, Value, json, statements, word};

/// The columns of `users` that the ledger owns, for a SELECT.
macro_rules! user_columns {
    () => {
        "id, account_id, login, name, password_hash, roles, created_at, status, must_change_password, \
         sessions_from, second_factor, recovery_codes, invitation, subject"
    };
}
pub(crate) use user_columns;

/// The columns of `clients`, for a SELECT.
macro_rules! client_columns {
    () => {
        "id, account_id, name, secret_hash, roles, scopes, created_at, previous_secret_hash, \
         previous_secret_until, deleted_at"
    };
}
pub(crate) use client_columns;

/// The columns of `sessions`, for a SELECT.
macro_rules! session_columns {
    () => {
        "hash, user_id, account_id, csrf, created_at, expires_at, address, stage, last_seen_at, browser"
    };
}
pub(crate) use session_columns;

statements! {
    // A row of another account stays as it is.
    PUT_USER = Sql::both(concat!(
        "INSERT INTO users (", user_columns!(), ") \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) \
         ON CONFLICT (id) DO UPDATE SET login = excluded.login, name = excluded.name, \
         password_hash = excluded.password_hash, roles = excluded.roles, status = excluded.status, \
         must_change_password = excluded.must_change_password, sessions_from = excluded.sessions_from, \
         second_factor = excluded.second_factor, recovery_codes = excluded.recovery_codes, \
         invitation = excluded.invitation, subject = excluded.subject \
         WHERE users.account_id = excluded.account_id"
    ));
    REMOVE_USER = Sql::both("DELETE FROM users WHERE account_id = $1 AND id = $2");
    PUT_CLIENT = Sql::both(concat!(
        "INSERT INTO clients (", client_columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, secret_hash = excluded.secret_hash, \
         roles = excluded.roles, scopes = excluded.scopes, \
         previous_secret_hash = excluded.previous_secret_hash, \
         previous_secret_until = excluded.previous_secret_until, deleted_at = excluded.deleted_at \
         WHERE clients.account_id = excluded.account_id"
    ));
}

/// The values of [`user_columns`], in their order.
pub(crate) fn user_values(user: &User) -> [Value; 14] {
    [
        Value::text(user.id),
        Value::text(user.account),
        Value::text(&user.login),
        Value::text(&user.name),
        Value::text(user.password_hash.as_deref().unwrap_or_default()),
        Value::text(json(&user.roles)),
        Value::time(user.created_at),
        Value::text(word(&user.status)),
        Value::Flag(user.must_change_password),
        Value::time(user.sessions_from),
        Value::maybe(user.second_factor.as_ref()),
        Value::text(json(&user.recovery_codes)),
        Value::maybe(user.invitation.as_ref().map(json)),
        Value::maybe(user.subject.as_ref()),
    ]
}

/// The values of [`client_columns`], in their order.
pub(crate) fn client_values(client: &Client) -> [Value; 10] {
    let previous = client.previous_secret.as_ref();
    [
        Value::text(&client.id),
        Value::text(client.account),
        Value::text(&client.name),
        Value::text(&client.secret_hash),
        Value::text(json(&client.roles)),
        Value::text(json(&client.scopes)),
        Value::time(client.created_at),
        Value::maybe(previous.map(|previous| &previous.hash)),
        Value::Int(previous.map(|previous| previous.until.as_microsecond())),
        Value::Int(client.deleted_at.map(jiff::Timestamp::as_microsecond)),
    ]
}

/// Adds or replaces users; an account has few, and they change seldom.
pub(crate) async fn put_users<'u>(
    conn: &mut Conn<'_>,
    users: impl Iterator<Item = &'u User>,
) -> Result<(), StoreError> {
    for user in users {
        let put = conn.execute(&PUT_USER, &user_values(user)).await;
        put.map_err(|error| error.taken(&format!("a user with the login {}", user.login)))?;
    }
    Ok(())
}

/// Adds or replaces clients.
pub(crate) async fn put_clients<'c>(
    conn: &mut Conn<'_>,
    clients: impl Iterator<Item = &'c Client>,
) -> Result<(), StoreError> {
    for client in clients {
        conn.execute(&PUT_CLIENT, &client_values(client)).await?;
    }
    Ok(())
}

/// Removes the users that were deleted; their sessions go with them.
pub(crate) async fn remove_users(
    conn: &mut Conn<'_>,
    account: AccountId,
    users: &Rows<Uuid, User>,
) -> Result<(), StoreError> {
    for (id, change, _) in users.changes() {
        if change == Change::Deleted {
            conn.execute(&REMOVE_USER, &[Value::text(account), Value::text(id)]).await?;
        }
    }
    Ok(())
}

/// Reads a user from [`user_columns`].
pub(crate) fn read_user(reader: &mut Reader<'_>) -> Result<User, StoreError> {
    Ok(User {
        id: reader.parsed()?,
        account: reader.parsed()?,
        login: reader.text()?,
        name: reader.text()?,
        password_hash: Some(reader.text()?).filter(|hash| !hash.is_empty()),
        roles: reader.json()?,
        created_at: reader.time()?,
        status: reader.word()?,
        must_change_password: reader.flag()?,
        sessions_from: reader.time()?,
        second_factor: reader.maybe_text()?,
        recovery_codes: reader.json()?,
        invitation: reader.maybe_json()?,
        subject: reader.maybe_text()?,
    })
}

/// Reads a client from [`client_columns`].
pub(crate) fn read_client(reader: &mut Reader<'_>) -> Result<Client, StoreError> {
    Ok(Client {
        id: reader.text()?,
        account: reader.parsed()?,
        name: reader.text()?,
        secret_hash: reader.text()?,
        roles: reader.json()?,
        scopes: reader.json()?,
        created_at: reader.time()?,
        previous_secret: match (reader.maybe_text()?, reader.maybe_time()?) {
            (Some(hash), Some(until)) => Some(PreviousSecret { hash, until }),
            _ => None,
        },
        deleted_at: reader.maybe_time()?,
    })
}

/// The values of [`session_columns`], in their order.
pub(crate) fn session_values(session: &Session) -> [Value; 10] {
    [
        Value::text(session.hash),
        Value::text(session.user),
        Value::text(session.account),
        Value::text(&session.csrf),
        Value::time(session.created_at),
        Value::time(session.expires_at),
        Value::maybe(session.address.as_ref()),
        Value::text(word(&session.stage)),
        Value::time(session.last_seen_at),
        Value::maybe(session.browser.as_ref()),
    ]
}

/// Reads a session from [`session_columns`].
pub(crate) fn read_session(reader: &mut Reader<'_>) -> Result<Session, StoreError> {
    Ok(Session {
        hash: reader.parsed()?,
        user: reader.parsed()?,
        account: reader.parsed()?,
        csrf: reader.text()?,
        created_at: reader.time()?,
        expires_at: reader.time()?,
        address: reader.maybe_text()?,
        stage: reader.word::<Stage>()?,
        last_seen_at: reader.time()?,
        browser: reader.maybe_text()?,
    })
}
