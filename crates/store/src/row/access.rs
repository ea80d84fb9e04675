//! Users, clients, sessions: the directory, global to the manager.

use seatpool_domain::access::{Client, User};

use crate::error::StoreError;
use crate::query::access::Session;
use crate::sql::Reader;

/// The columns of `users`, for a SELECT.
macro_rules! user_columns {
    () => {
        "id, account_id, login, password_hash, roles, created_at"
    };
}
pub(crate) use user_columns;

/// The columns of `clients`, for a SELECT.
macro_rules! client_columns {
    () => {
        "id, account_id, name, secret_hash, roles, created_at"
    };
}
pub(crate) use client_columns;

/// The columns of `sessions`, for a SELECT.
macro_rules! session_columns {
    () => {
        "hash, user_id, account_id, csrf, created_at, expires_at, address"
    };
}
pub(crate) use session_columns;

/// Reads a user from [`user_columns`].
pub(crate) fn read_user(reader: &mut Reader<'_>) -> Result<User, StoreError> {
    Ok(User {
        id: reader.parsed()?,
        account: reader.parsed()?,
        login: reader.text()?,
        password_hash: reader.text()?,
        roles: reader.json()?,
        created_at: reader.time()?,
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
        created_at: reader.time()?,
    })
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
    })
}
