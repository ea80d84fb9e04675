//! Signing in, step by step: the password, the second factor, what has to be done besides; and the browsers that are
//! known from before.

use jiff::{SignedDuration, Timestamp};
use seatpool_domain::access::{User, UserStatus};
use seatpool_proto::Sha256;
use seatpool_store::Stage;
use uuid::Uuid;

use super::{Browser, principal, sign_out, start, valid};
use crate::app::access::clients::secret;
use crate::app::access::second_factor::{self, CodeError};
use crate::app::access::unknown;
use crate::app::{App, AppError};

/// How long a browser is known, in real days.
const DEVICE_DAYS: i64 = 180;

/// What a step of signing in gives.
pub struct SignedIn {
    /// The cookie's value: 256 random bits. Only its hash is stored.
    pub token: String,
    /// Whether that was all, or what comes next.
    pub stage: Stage,
    /// By which the browser is known from now on, once it is signed in.
    pub device: Option<String>,
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
pub(in crate::app::access) async fn check_password(
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

/// What a browser is known by: it says which user, and when, sealed; good while that user's password is the same.
pub(super) fn new_device(app: &App, user: &User) -> Result<String, AppError> {
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
