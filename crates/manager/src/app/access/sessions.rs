//! People: signing in with a password, and the session that it starts for the portal.

use jiff::SignedDuration;
use seatpool_domain::access::User;
use seatpool_domain::command::Actor;
use seatpool_proto::Sha256;
use seatpool_store::Session;

use super::Principal;
use super::clients::secret;
use crate::app::{App, AppError};

/// How long a session lasts, in real hours: a time lapse signs nobody out sooner.
pub const SESSION_HOURS: i64 = 12;

/// What a successful sign-in gives.
pub struct SignedIn {
    /// The cookie's value: 256 random bits. Only its hash is stored.
    pub token: String,
    /// Who.
    pub principal: Principal,
    /// When the session ends.
    pub expires_at: jiff::Timestamp,
}

/// A session that a request brought.
#[derive(Clone, Debug)]
pub struct Current {
    /// Who.
    pub principal: Principal,
    /// The user's sign-in name.
    pub login: String,
    /// What every form of this session carries, so that another site can't post in its name.
    pub csrf: String,
}

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// No such login, or not its password: not told apart.
    #[error("the sign-in name or the password is wrong")]
    Wrong,
    /// Too many failures from this address; nothing was checked.
    #[error("too many failed attempts from your address: try again in {seconds} seconds")]
    Wait {
        /// How long to wait.
        seconds: u64,
    },
    /// The manager could not answer.
    #[error(transparent)]
    App(#[from] AppError),
}

/// Checks a login and its password and starts a session. `address` is where the request came from.
pub async fn sign_in(
    app: &App,
    login: &str,
    password: String,
    address: Option<&str>,
) -> Result<SignedIn, SignInError> {
    let now = app.now();
    let login = login.trim().to_lowercase();
    let from = address.unwrap_or_default();
    let backoff = &app.gate().backoff;
    // A person waits in real seconds.
    let real = app.clock().real();
    if let Some(seconds) = backoff.wait_seconds(&login, from, real) {
        return Err(SignInError::Wait { seconds });
    }
    let user = app.store().user_by_login(&login).await.map_err(AppError::from)?;
    let hash = user.as_ref().map(|user| user.password_hash.clone());
    let matches = app.gate().hashing.verify(password, hash).await?;
    let Some(user) = user.filter(|_| matches) else {
        backoff.failed(&login, from, real);
        return Err(SignInError::Wrong);
    };
    backoff.succeeded(&login, from);
    let token = secret();
    let expires_at = now + SignedDuration::from_hours(SESSION_HOURS * i64::from(app.clock().factor()));
    let session = Session {
        hash: Sha256::of(&token),
        user: user.id,
        account: user.account,
        csrf: secret(),
        created_at: now,
        expires_at,
        address: address.map(str::to_owned),
    };
    app.store().insert_session(&session).await.map_err(AppError::from)?;
    Ok(SignedIn { token, principal: principal(&user, address), expires_at })
}

/// The session that a cookie stands for, if it has not ended.
pub async fn session(app: &App, token: &str, address: Option<&str>) -> Result<Option<Current>, AppError> {
    let Some(session) = app.store().session(Sha256::of(token), app.now()).await? else {
        return Ok(None);
    };
    let Some(user) = app.store().user(session.user).await? else {
        return Ok(None);
    };
    Ok(Some(Current { principal: principal(&user, address), login: user.login, csrf: session.csrf }))
}

/// Ends a session.
pub async fn sign_out(app: &App, token: &str) -> Result<(), AppError> {
    Ok(app.store().delete_session(Sha256::of(token)).await?)
}

fn principal(user: &User, address: Option<&str>) -> Principal {
    Principal {
        actor: Actor::User(user.login.clone()),
        account: user.account,
        roles: user.roles.clone(),
        source: address.map(str::to_owned),
    }
}
