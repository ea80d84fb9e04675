//! One's own password: changing it, and confirming it before something that matters.

use seatpool_domain::access::User;
use seatpool_domain::command::AccessChange;

use super::Current;
use crate::app::access::attempts::{NotNow, Origin};
use crate::app::access::password::Queue;
use crate::app::access::{self, Principal, password, unknown};
use crate::app::{App, AppError};

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
    access::change(app, principal, user.account, change).await?;
    Ok(())
}

/// Checks a new password against what is known of its user, and hashes it.
pub(in crate::app::access) async fn hash_for(
    app: &App,
    user: &User,
    new: String,
) -> Result<String, ChangeError> {
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
    let (who, real, gate) = (format!("own {}", user.id), app.clock().real(), app.gate());
    let attempt =
        gate.attempts.begin(&who, Origin::known(address), real).map_err(|not_now| match not_now {
            NotNow::Wait { seconds } | NotNow::Besieged { seconds } => ChangeError::Wait { seconds },
        })?;
    match gate.hashing.verify(Queue::Known, password, user.password_hash.clone()).await {
        Ok(true) => {
            gate.attempts.right(&attempt);
            Ok(())
        }
        Ok(false) => Err(ChangeError::Wrong),
        Err(error) => {
            gate.attempts.unmade(&attempt, real);
            Err(error.into())
        }
    }
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
    Unusable(password::UnusablePassword),
    /// The manager could not answer, or refused.
    #[error(transparent)]
    App(#[from] AppError),
}
