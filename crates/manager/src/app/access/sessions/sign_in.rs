//! Signing in, step by step: the password, the second factor, what has to be done besides; and the browsers that are
//! known from before.

use jiff::{SignedDuration, Timestamp};
use seatpool_domain::access::{User, UserStatus};
use seatpool_proto::Sha256;
use seatpool_store::Stage;
use uuid::Uuid;

use super::{Browser, principal, sign_out, start, valid};
use crate::app::access::attempts::{Attempt, NotNow, Origin};
use crate::app::access::clients::secret;
use crate::app::access::password::Queue;
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
    /// The login is guessed at from many networks; what was typed was not taken, right or wrong.
    #[error(
        "somebody guesses at this name's password from many networks: this network's turn is in {seconds} seconds"
    )]
    Besieged {
        /// In how long the turn of this network comes.
        seconds: u64,
    },
    /// The manager could not answer.
    #[error(transparent)]
    App(#[from] AppError),
}

impl From<NotNow> for SignInError {
    fn from(not_now: NotNow) -> Self {
        match not_now {
            NotNow::Wait { seconds } => Self::Wait { seconds },
            NotNow::Besieged { seconds } => Self::Besieged { seconds },
        }
    }
}

/// What a person types to sign in.
pub struct Typed<'a> {
    /// The sign-in name.
    pub login: &'a str,
    /// The password.
    pub password: String,
    /// The second factor's code, if it was given at once; empty otherwise.
    pub code: &'a str,
}

/// Checks a login and its password and starts a session: a whole one, or one that leads to the next step. While the
/// login is besieged, password and code together do not need a turn.
pub async fn sign_in(app: &App, typed: Typed<'_>, browser: &Browser) -> Result<SignedIn, SignInError> {
    let Typed { login, password, code } = typed;
    let both = (!code.is_empty()).then(|| password.clone());
    match (check_password(app, login, password, browser).await, both) {
        (Ok(user), _) => Ok(start(app, &user, next_stage(app, &user).await?, browser).await?),
        (Err(SignInError::Besieged { seconds }), Some(password)) => {
            let user = check_both(app, login, password, code, browser).await?;
            let user = user.ok_or(SignInError::Besieged { seconds })?;
            Ok(start(app, &user, after_second_factor(app, &user).await?, browser).await?)
        }
        (Err(error), _) => Err(error),
    }
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
    let user = app.store().user_by_login(&login).await.map_err(AppError::from)?;
    let (origin, queue) = origin(app, user.as_ref(), browser).await?;
    compare(app, &login, user, password, (origin, queue)).await?.ok_or(SignInError::Wrong).map(
        |(user, attempt)| {
            app.gate().attempts.right(&attempt);
            user
        },
    )
}

/// The user with this login, password and second factor. What of them was wrong is told by nothing: a besieged
/// login's password can't be found out in this way.
async fn check_both(
    app: &App,
    login: &str,
    password: String,
    code: &str,
    browser: &Browser,
) -> Result<Option<User>, SignInError> {
    let login = login.trim().to_lowercase();
    let user = app.store().user_by_login(&login).await.map_err(AppError::from)?;
    let origin = (Origin::with_code(browser.address.as_deref()), Queue::Strangers);
    let Some((user, attempt)) = compare(app, &login, user, password, origin).await? else { return Ok(None) };
    match check_code(app, &user, code, browser).await {
        Ok(()) => {
            app.gate().attempts.right(&attempt);
            Ok(Some(user))
        }
        Err(CodeError::Wrong | CodeError::Wait { .. }) => Ok(None),
        Err(CodeError::App(error)) => Err(error.into()),
    }
}

/// Counts an attempt and then compares the password; the attempt is a failure until it is said otherwise.
async fn compare(
    app: &App,
    login: &str,
    user: Option<User>,
    password: String,
    (origin, queue): (Origin, Queue),
) -> Result<Option<(User, Attempt)>, SignInError> {
    // A person waits in real seconds.
    let (real, gate) = (app.clock().real(), app.gate());
    let attempt = gate.attempts.begin(login, origin, real)?;
    let hash = user.as_ref().and_then(|user| user.password_hash.clone());
    match gate.hashing.verify(queue, password, hash).await {
        Ok(matches) => {
            let user = user.filter(|user| matches && user.status == UserStatus::Active);
            Ok(user.map(|user| (user, attempt)))
        }
        Err(error) => {
            gate.attempts.unmade(&attempt, real);
            Err(error.into())
        }
    }
}

/// Where an attempt comes from: a browser or a network that this person signed in with before, or anywhere.
async fn origin(app: &App, user: Option<&User>, browser: &Browser) -> Result<(Origin, Queue), SignInError> {
    let address = browser.address.as_deref();
    // As many questions to the store for nobody as for somebody.
    let id = user.map_or(Uuid::nil(), |user| user.id);
    let sessions = app.store().sessions(id, app.now()).await.map_err(AppError::from)?;
    let Some(user) = user else { return Ok((Origin::anywhere(address), Queue::Strangers)) };
    if let Some(device) = known_device(app, user, browser.device.as_deref()) {
        // It counts by itself: others behind its address can't make it wait.
        return Ok((Origin::browser(&device, address), Queue::Known));
    }
    let whole =
        sessions.iter().filter(|row| row.stage == Stage::SignedIn && row.created_at >= user.sessions_from);
    let addresses = whole.filter_map(|row| row.address.as_deref());
    let real = app.clock().real();
    if app.gate().attempts.is_familiar(known_as(user), address, addresses, real) {
        return Ok((Origin::known(address), Queue::Known));
    }
    Ok((Origin::anywhere(address), Queue::Strangers))
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
    check_code(app, &user, code, browser).await?;
    let stage = after_second_factor(app, &user).await?;
    Ok(advance(app, token, &user, stage, browser).await?)
}

/// Takes the second factor's code, or a recovery code: those are longer.
async fn check_code(app: &App, user: &User, code: &str, browser: &Browser) -> Result<(), CodeError> {
    if code.chars().filter(char::is_ascii_alphanumeric).count() > 8 {
        let principal = principal(user, browser.address.as_deref());
        second_factor::use_recovery_code(app, &principal, user, code).await
    } else {
        second_factor::check(app, user, code, browser.address.as_deref()).await
    }
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
fn known_device(app: &App, user: &User, sealed: Option<&str>) -> Option<String> {
    let opened = app.ca().unseal(&device_of(user), sealed?)?;
    let (id, since) = core::str::from_utf8(&opened).ok()?.split_once(' ')?;
    let since = Timestamp::from_second(since.parse().ok()?).ok()?;
    let age = app.clock().real().duration_since(since);
    (age < SignedDuration::from_hours(24 * DEVICE_DAYS)).then(|| id.to_owned())
}

/// Notes that somebody has signed in from there.
pub(super) fn note_network(app: &App, user: &User, address: Option<&str>) {
    app.gate().attempts.signed_in(known_as(user), address, app.clock().real());
}

/// What networks are known by: good, like browsers, while the password is the same.
fn known_as(user: &User) -> Sha256 {
    Sha256::of(device_of(user))
}

fn device_of(user: &User) -> String {
    let password = Sha256::of(user.password_hash.as_deref().unwrap_or_default());
    format!("browser of {} with {password}", user.id)
}
