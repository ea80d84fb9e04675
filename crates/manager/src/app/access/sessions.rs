//! People: signing in step by step, and the sessions that this makes.
//!
//! Each step makes a new session under a new token and ends the one before, so that no token that somebody else may
//! have planted or seen is ever worth more than the step it was made for. A session counts while its user is
//! active, it was used lately, and it began after the user's `sessions_from`: changing a password, being disabled
//! and the like set that, and so end all earlier sessions with one fact.

use jiff::{SignedDuration, Timestamp};
use seatpool_domain::access::{OauthScope, User, UserStatus};
use seatpool_domain::command::{AccessChange, Actor};
use seatpool_proto::Sha256;
use seatpool_store::{Session, Stage};
use uuid::Uuid;

use super::clients::secret;
use super::second_factor::{self, CodeError};
use super::{Principal, backoff, unknown};
use crate::app::{App, AppError};

/// How long a session lasts, in real hours: a time lapse signs nobody out sooner.
pub const SESSION_HOURS: i64 = 12;
/// After how long without use it ends, in real minutes.
pub const IDLE_MINUTES: i64 = 120;
/// How long a sign-in may take from the password to its end, in real minutes.
const UNFINISHED_MINUTES: i64 = 15;
/// How often a session's last use is noted, in real seconds.
const SEEN_EVERY_SECONDS: i64 = 60;
/// How long a browser is known, in real days.
const DEVICE_DAYS: i64 = 180;
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

/// What a step of signing in gives.
pub struct SignedIn {
    /// The cookie's value: 256 random bits. Only its hash is stored.
    pub token: String,
    /// Whether that was all, or what comes next.
    pub stage: Stage,
    /// By which the browser is known from now on, once it is signed in.
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

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// No such login, or not its password: not told apart.
    #[error("the sign-in name or the password is wrong")]
    Wrong,
    /// Too many failures; what was typed was not taken, right or wrong.
    #[error("too many failed attempts: try again in {seconds} seconds")]
    Wait {
        /// How long to wait.
        seconds: u64,
    },
    /// The manager could not answer.
    #[error(transparent)]
    App(#[from] AppError),
}

/// Checks a login and its password and starts a session: a whole one, or one that leads to the next step.
pub async fn sign_in(
    app: &App,
    login: &str,
    password: String,
    browser: &Browser,
) -> Result<SignedIn, SignInError> {
    let user = check_password(app, login, password, browser).await?;
    Ok(start(app, &user, next_stage(app, &user).await?, browser).await?)
}

/// The user with this login and password. Every wrong login costs the same time and gets the same answer as
/// a wrong password.
pub(super) async fn check_password(
    app: &App,
    login: &str,
    password: String,
    browser: &Browser,
) -> Result<User, SignInError> {
    let login = login.trim().to_lowercase();
    let backoff = &app.gate().backoff;
    // A person waits in real seconds.
    let real = app.clock().real();
    let user = app.store().user_by_login(&login).await.map_err(AppError::from)?;
    let known = known_device(app, user.as_ref(), browser.device.as_deref());
    // A known browser counts by itself: others behind its address can't make it wait.
    let from = match &known {
        Some(device) => format!("device {device}"),
        None => browser.address.clone().unwrap_or_default(),
    };
    if let Some(seconds) = backoff.wait_seconds(&login, &from, real) {
        return Err(SignInError::Wait { seconds });
    }
    let besieged = backoff.siege_seconds(&login, real).filter(|_| known.is_none());
    let hash = user.as_ref().and_then(|user| user.password_hash.clone());
    let matches = app.gate().hashing.verify(password, hash).await?;
    let user = user.filter(|user| matches && user.status == UserStatus::Active);
    match (user, besieged) {
        (Some(user), None) => {
            backoff.succeeded(&login, &from);
            Ok(user)
        }
        // The password alone is not enough at present; with a second factor it need not be.
        (Some(user), Some(_)) if user.second_factor.is_some() => Ok(user),
        (found, besieged) => {
            if found.is_none() {
                backoff.failed(&login, &from, real);
            }
            match besieged {
                Some(seconds) => Err(SignInError::Wait { seconds }),
                None => Err(SignInError::Wrong),
            }
        }
    }
}

/// What a user has to do after the password.
async fn next_stage(app: &App, user: &User) -> Result<Stage, AppError> {
    if user.second_factor.is_some() {
        return Ok(Stage::SecondFactor);
    }
    after_second_factor(app, user).await
}

async fn after_second_factor(app: &App, user: &User) -> Result<Stage, AppError> {
    if user.must_change_password {
        return Ok(Stage::NewPassword);
    }
    let account = app.store().account(user.account).await?;
    let required = account.is_some_and(|account| account.sign_in_rules.second_factor_required);
    Ok(if required && user.second_factor.is_none() { Stage::Enrolment } else { Stage::SignedIn })
}

/// Takes the second factor's code, or a recovery code, of a sign-in that has come so far.
pub async fn give_code(app: &App, token: &str, code: &str, browser: &Browser) -> Result<SignedIn, CodeError> {
    let user = user_at(app, token, Stage::SecondFactor).await?;
    if code.chars().filter(char::is_ascii_alphanumeric).count() > 8 {
        let principal = principal(&user, browser.address.as_deref());
        second_factor::use_recovery_code(app, &principal, &user, code).await?;
    } else {
        second_factor::check(app, &user, code, browser.address.as_deref()).await?;
    }
    let stage = after_second_factor(app, &user).await?;
    Ok(advance(app, token, &user, stage, browser).await?)
}

/// Goes on after a new password was set, or a second factor turned on, in the course of signing in.
pub async fn go_on(app: &App, token: &str, user: Uuid, browser: &Browser) -> Result<SignedIn, AppError> {
    let user = app.store().user(user).await?.ok_or(AppError::Internal)?;
    let stage = after_second_factor(app, &user).await?;
    advance(app, token, &user, stage, browser).await
}

/// Starts a session of a user who set the password with a one-time link.
pub async fn after_invitation(app: &App, user: Uuid, browser: &Browser) -> Result<SignedIn, AppError> {
    let user = app.store().user(user).await?.ok_or(AppError::Internal)?;
    start(app, &user, next_stage(app, &user).await?, browser).await
}

/// Replaces a whole session by a new one, as after a change of password.
pub async fn renew(app: &App, token: &str, user: Uuid, browser: &Browser) -> Result<SignedIn, AppError> {
    let user = app.store().user(user).await?.ok_or(AppError::Internal)?;
    advance(app, token, &user, Stage::SignedIn, browser).await
}

/// The user whose sign-in has come to this stage.
pub async fn user_at(app: &App, token: &str, stage: Stage) -> Result<User, AppError> {
    match valid(app, token).await? {
        Some((session, user)) if session.stage == stage => Ok(user),
        _ => Err(unknown("sign-in")),
    }
}

async fn advance(
    app: &App,
    token: &str,
    user: &User,
    stage: Stage,
    browser: &Browser,
) -> Result<SignedIn, AppError> {
    let next = start(app, user, stage, browser).await?;
    sign_out(app, token).await?;
    Ok(next)
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
        csrf: secret(),
        created_at: now,
        expires_at: now + real_span(app, SignedDuration::from_mins(minutes)),
        address: browser.address.clone(),
        stage,
        last_seen_at: now,
        browser: name,
    };
    app.store().insert_session(&session).await?;
    let device = if whole { Some(new_device(app, user)?) } else { None };
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

/// Changes one's own password: asks for the present one, ends all sessions.
pub async fn change_password(
    app: &App,
    current: &Current,
    present: String,
    new: String,
) -> Result<(), ChangeError> {
    let user = app.store().user(current.user).await.map_err(AppError::from)?;
    let user = user.ok_or_else(|| unknown("user"))?;
    confirm_password(app, &user, present, current.principal.source.as_deref()).await?;
    set_password(app, &current.principal, &user, new).await
}

/// Sets a user's new password, once it is clear who asks.
pub async fn set_password(
    app: &App,
    principal: &Principal,
    user: &User,
    new: String,
) -> Result<(), ChangeError> {
    let password_hash = hash_for(app, user, new).await?;
    let change = AccessChange::ChangePassword { user: user.id, password_hash };
    super::change(app, principal, user.account, change).await?;
    Ok(())
}

/// Checks a new password against what is known of its user, and hashes it.
pub(super) async fn hash_for(app: &App, user: &User, new: String) -> Result<String, ChangeError> {
    let account = app.store().account(user.account).await.map_err(AppError::from)?;
    let mut context = vec![user.login.clone(), user.name.clone(), app.config().name().to_owned()];
    context.extend(account.into_iter().flat_map(|account| [account.name, account.domain]));
    app.gate().hashing.hash_strong(new, context).await?.map_err(ChangeError::Unusable)
}

/// Whether this is the user's present password; wrong ones are counted like those of signing in.
pub async fn confirm_password(
    app: &App,
    user: &User,
    password: String,
    address: Option<&str>,
) -> Result<(), ChangeError> {
    let (who, from) = (format!("own {}", user.id), address.unwrap_or_default());
    let (real, backoff): (_, &backoff::Backoff) = (app.clock().real(), &app.gate().backoff);
    if let Some(seconds) = backoff.wait_seconds(&who, from, real) {
        return Err(ChangeError::Wait { seconds });
    }
    if !app.gate().hashing.verify(password, user.password_hash.clone()).await? {
        backoff.failed(&who, from, real);
        return Err(ChangeError::Wrong);
    }
    backoff.succeeded(&who, from);
    Ok(())
}

/// Why a password was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The present password is another.
    #[error("that is not your present password")]
    Wrong,
    /// Too many wrong ones.
    #[error("too many wrong passwords: try again in {seconds} seconds")]
    Wait {
        /// How long to wait.
        seconds: u64,
    },
    /// The new one is not taken.
    #[error(transparent)]
    Unusable(super::password::UnusablePassword),
    /// The manager could not answer, or refused.
    #[error(transparent)]
    App(#[from] AppError),
}

/// What a browser is known by: it says which user, and when, sealed; good while that user's password is the same.
fn new_device(app: &App, user: &User) -> Result<String, AppError> {
    let id: String = secret().chars().take(16).collect();
    let text = format!("{id} {}", app.clock().real().as_second());
    Ok(app.ca().seal(&device_of(user), text.as_bytes())?)
}

/// The id of a browser that this user signed in with before.
fn known_device(app: &App, user: Option<&User>, sealed: Option<&str>) -> Option<String> {
    let opened = app.ca().unseal(&device_of(user?), sealed?)?;
    let (id, since) = core::str::from_utf8(&opened).ok()?.split_once(' ')?;
    let since = Timestamp::from_second(since.parse().ok()?).ok()?;
    let age = app.clock().real().duration_since(since);
    (age < SignedDuration::from_hours(24 * DEVICE_DAYS)).then(|| id.to_owned())
}

fn device_of(user: &User) -> String {
    let password = Sha256::of(user.password_hash.as_deref().unwrap_or_default());
    format!("browser of {} with {password}", user.id)
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
