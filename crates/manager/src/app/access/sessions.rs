//! People: signing in step by step, and the sessions that this makes.
//!
//! Each step makes a new session under a new token and ends the one before, so that no token that somebody else may
//! have planted or seen is ever worth more than the step it was made for. A session counts while its user is
//! active, it was used lately, and it began after the user's `sessions_from`: changing a password, being disabled
//! and the like set that, and so end all earlier sessions with one fact.

mod password;
mod sign_in;

use jiff::{SignedDuration, Timestamp};
use seatpool_domain::access::{OauthScope, User, UserStatus};
use seatpool_domain::command::Actor;
use seatpool_proto::Sha256;
use seatpool_store::{Session, Stage};
use uuid::Uuid;

use super::clients::secret;
use super::{Principal, unknown};
use crate::app::forms::form_key;
use crate::app::{App, AppError};
pub(super) use password::hash_for;
pub use password::{ChangeError, change_password, confirm_password, set_password};
pub(super) use sign_in::check_password;
pub use sign_in::{
    SignInError, SignedIn, Typed, after_invitation, give_code, go_on, renew, sign_in, user_at,
};

/// How long a session lasts, in real hours: a time lapse signs nobody out sooner.
pub const SESSION_HOURS: i64 = 12;
/// After how long without use it ends, in real minutes.
pub const IDLE_MINUTES: i64 = 120;
/// How long a sign-in may take from the password to its end, in real minutes.
const UNFINISHED_MINUTES: i64 = 15;
/// How often a session's last use is noted, in real seconds.
const SEEN_EVERY_SECONDS: i64 = 60;
/// Longest part of a browser's name that is kept, in characters.
const BROWSER_CHARS_MAX: usize = 200;

/// Where a sign-in comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Browser {
    /// Network address.
    pub address: Option<String>,
    /// What it calls itself.
    pub name: Option<String>,
    /// What it was given when it signed in before.
    pub device: Option<String>,
}

/// A session that a request brought.
#[derive(Clone, Debug)]
pub struct Current {
    /// Who.
    pub principal: Principal,
    /// The user's id.
    pub user: Uuid,
    /// The user's sign-in name.
    pub login: String,
    /// What every form of this session carries, so that another site can't post in its name.
    pub csrf: String,
    /// How far the sign-in has come: only [`Stage::SignedIn`] opens anything.
    pub stage: Stage,
}

/// Starts a session.
pub(super) async fn start(
    app: &App,
    user: &User,
    stage: Stage,
    browser: &Browser,
) -> Result<SignedIn, AppError> {
    let (now, token) = (app.now(), secret());
    let whole = stage == Stage::SignedIn;
    let minutes = if whole { SESSION_HOURS * 60 } else { UNFINISHED_MINUTES };
    let name = browser.name.as_ref().map(|name| name.chars().take(BROWSER_CHARS_MAX).collect());
    let session = Session {
        hash: Sha256::of(&token),
        user: user.id,
        account: user.account,
        csrf: form_key(app.ca(), user.id)?,
        created_at: now,
        expires_at: now + real_span(app, SignedDuration::from_mins(minutes)),
        address: browser.address.clone(),
        stage,
        last_seen_at: now,
        browser: name,
    };
    app.store().insert_session(&session).await?;
    if whole {
        sign_in::note_network(app, user, browser.address.as_deref());
    }
    let device = if whole { Some(sign_in::new_device(app, user)?) } else { None };
    Ok(SignedIn { token, stage, device })
}

/// The session that a cookie stands for, if it has not ended. `is_use`: whether a person did something, or a page
/// only kept itself up to date.
pub async fn session(
    app: &App,
    token: &str,
    address: Option<&str>,
    is_use: bool,
) -> Result<Option<Current>, AppError> {
    let Some((session, user)) = valid(app, token).await? else { return Ok(None) };
    let now = app.now();
    let unseen = now.duration_since(session.last_seen_at);
    if is_use && unseen >= real_span(app, SignedDuration::from_secs(SEEN_EVERY_SECONDS)) {
        app.store().see_session(session.hash, now, address).await?;
    }
    Ok(Some(Current {
        principal: principal(&user, address),
        user: user.id,
        login: user.login,
        csrf: session.csrf,
        stage: session.stage,
    }))
}

async fn valid(app: &App, token: &str) -> Result<Option<(Session, User)>, AppError> {
    let now = app.now();
    let Some(session) = app.store().session(Sha256::of(token), now).await? else { return Ok(None) };
    let Some(user) = app.store().user(session.user).await? else { return Ok(None) };
    Ok(counts(&session, &user, now, app.clock().factor()).then_some((session, user)))
}

/// Whether a session that has not reached its end counts: of an active user, not revoked, not idle too long on
/// a clock that runs `factor` times as fast as people live.
fn counts(session: &Session, user: &User, now: Timestamp, factor: u32) -> bool {
    let idle = SignedDuration::from_mins(IDLE_MINUTES * i64::from(factor));
    user.status == UserStatus::Active
        && session.created_at >= user.sessions_from
        && now.duration_since(session.last_seen_at) < idle
}

/// Ends a session.
pub async fn sign_out(app: &App, token: &str) -> Result<(), AppError> {
    Ok(app.store().delete_session(Sha256::of(token)).await?)
}

/// A session as people see it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct SessionView {
    /// By which it is ended. It opens nothing.
    pub id: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_seen_at: Timestamp,
    /// From when it no longer counts, used or not.
    pub expires_at: Timestamp,
    /// The address it was last used from.
    pub address: Option<String>,
    /// What the browser calls itself.
    pub browser: Option<String>,
}

/// A user's sessions, last used first.
pub(crate) async fn list(app: &App, user: &User) -> Result<Vec<SessionView>, AppError> {
    let now = app.now();
    let rows = app.store().sessions(user.id, now).await?;
    let live = rows.into_iter().filter(|row| counts(row, user, now, app.clock().factor()));
    let view = |row: Session| SessionView {
        id: id_of(row.hash),
        created_at: row.created_at,
        last_seen_at: row.last_seen_at,
        expires_at: row.expires_at,
        address: row.address,
        browser: row.browser,
    };
    Ok(live.map(view).collect())
}

/// Who is signed in, with everything that is known of them.
pub async fn own_user(app: &App, current: &Current) -> Result<User, AppError> {
    app.store().user(current.user).await?.ok_or_else(|| unknown("user"))
}

/// The sessions of who is signed in.
pub async fn own(app: &App, current: &Current) -> Result<Vec<SessionView>, AppError> {
    list(app, &own_user(app, current).await?).await
}

/// Ends one of one's own sessions.
pub async fn end_own(app: &App, current: &Current, id: &str) -> Result<(), AppError> {
    let rows = app.store().sessions(current.user, app.now()).await?;
    let found = rows.into_iter().find(|row| id_of(row.hash) == id).ok_or_else(|| unknown("session"))?;
    Ok(app.store().delete_session(found.hash).await?)
}

/// Ends all of one's own sessions but the one with this token.
pub async fn end_others(app: &App, current: &Current, token: &str) -> Result<(), AppError> {
    Ok(app.store().delete_other_sessions(current.user, Sha256::of(token)).await?)
}

/// By which people name the session with this token.
pub fn own_id(token: &str) -> String {
    id_of(Sha256::of(token))
}

/// A part of the digest of a token of 256 random bits says nothing of the token.
fn id_of(hash: Sha256) -> String {
    hash.to_string().chars().take(32).collect()
}

/// A span of people's time on the manager's clock.
fn real_span(app: &App, span: SignedDuration) -> SignedDuration {
    SignedDuration::from_secs(span.as_secs().saturating_mul(i64::from(app.clock().factor())))
}

/// Who a user is to the use cases.
pub(crate) fn principal(user: &User, address: Option<&str>) -> Principal {
    Principal {
        actor: Actor::User(user.login.clone()),
        account: user.account,
        roles: user.roles.clone(),
        scopes: OauthScope::ALL.into(),
        source: address.map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use seatpool_domain::access::Role;
    use seatpool_proto::AccountId;

    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(minute * 60).unwrap()
    }

    fn pair() -> (Session, User) {
        let account = AccountId(Uuid::nil());
        let user = User::new(Uuid::nil(), account, "ann", "hash", vec![Role::Approver], at(0));
        let session = Session {
            hash: Sha256::of("token"),
            user: user.id,
            account,
            csrf: String::new(),
            created_at: at(100),
            expires_at: at(1000),
            address: None,
            stage: Stage::SignedIn,
            last_seen_at: at(200),
            browser: None,
        };
        (session, user)
    }

    #[test]
    fn an_idle_session_ends_after_two_real_hours() {
        let (session, user) = pair();
        assert!(counts(&session, &user, at(319), 1));
        assert!(!counts(&session, &user, at(320), 1));
        assert!(counts(&session, &user, at(200 + 119 * 180), 180), "a time lapse signs nobody out sooner");
        assert!(!counts(&session, &user, at(200 + 120 * 180), 180));
    }

    #[test]
    fn what_revokes_sessions_ends_those_that_began_before() {
        let (session, mut user) = pair();
        user.sessions_from = at(100);
        assert!(counts(&session, &user, at(201), 1), "one that begins with it counts");
        user.sessions_from = at(101);
        assert!(!counts(&session, &user, at(201), 1));
        user.sessions_from = at(0);
        user.status = UserStatus::Disabled;
        assert!(!counts(&session, &user, at(201), 1));
    }
}
