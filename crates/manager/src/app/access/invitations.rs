//! One-time links with which people set their password: made for somebody by an administrator, shown once.
//!
//! The link holds the user's id and 256 random bits, of which only the digest is kept. Looking at it uses nothing
//! up; setting the password does.

use jiff::SignedDuration;
use seatpool_domain::access::{Invitation, User, UserStatus};
use seatpool_domain::command::{AccessChange, Refused};
use seatpool_proto::Sha256;
use uuid::Uuid;

use super::clients::secret;
use super::sessions::{self, Browser, ChangeError, SignedIn};
use crate::app::{App, AppError};

/// How long a link is good, in real days.
pub const LINK_DAYS: i64 = 7;

/// A link's secret, and what is kept of it.
pub(crate) fn new(app: &App) -> (String, Invitation) {
    let secret = secret();
    let hash = Sha256::of(&secret);
    let days = SignedDuration::from_hours(24 * LINK_DAYS * i64::from(app.clock().factor()));
    (secret, Invitation { hash, expires_at: app.now() + days })
}

/// The whole link.
pub(crate) fn link(app: &App, user: Uuid, secret: &str) -> String {
    format!("{}/welcome/{}.{secret}", app.config().public_url, user.simple())
}

/// Whom a link is for, if it is good.
pub async fn open(app: &App, text: &str) -> Result<User, AppError> {
    let ended = || AppError::Refused(Refused::LinkEnded);
    let (id, secret) = read(text).ok_or_else(ended)?;
    let user = app.store().user(id).await?.ok_or_else(ended)?;
    let hash = Sha256::of(secret);
    let good = user.invitation.is_some_and(|link| link.hash == hash && link.expires_at > app.now());
    if good && user.status == UserStatus::Active { Ok(user) } else { Err(ended()) }
}

/// Sets the password and signs in.
pub async fn accept(
    app: &App,
    text: &str,
    password: String,
    browser: &Browser,
) -> Result<SignedIn, ChangeError> {
    let user = open(app, text).await?;
    let (_, secret) = read(text).ok_or(AppError::Refused(Refused::LinkEnded))?;
    let password_hash = sessions::hash_for(app, &user, password).await?;
    let principal = sessions::principal(&user, browser.address.as_deref());
    let change = AccessChange::AcceptInvitation { user: user.id, secret: Sha256::of(secret), password_hash };
    super::change(app, &principal, user.account, change).await?;
    Ok(sessions::after_invitation(app, user.id, browser).await?)
}

fn read(text: &str) -> Option<(Uuid, &str)> {
    let (id, secret) = text.split_once('.')?;
    Some((id.parse().ok()?, secret))
}
