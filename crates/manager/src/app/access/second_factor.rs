//! The second factor: enrolment, its codes, recovery codes.
//!
//! The secret is kept encrypted for its user alone ([`crate::ca::Ca::seal`]), recovery codes as digests. Codes go by
//! the machine's own clock, also under a time lapse: the app that shows them knows no other.

use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use seatpool_domain::access::User;
use seatpool_domain::command::{AccessChange, Outcome, Refused};
use seatpool_proto::Sha256;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::attempts::{NotNow, Origin};
use super::{Principal, totp};
use crate::app::{App, AppError};
use crate::percent::encode;

/// How many recovery codes there are.
pub const RECOVERY_CODES: usize = 10;
/// Random bytes of one: 80 bits, too many to be guessed.
const RECOVERY_CODE_BYTES: usize = 10;

/// What a person needs to set up an authenticator app. Nothing is stored yet.
pub struct Enrolment {
    /// For the app, to be typed.
    pub secret: String,
    /// The same as a picture that the app reads: an SVG element.
    pub picture: String,
    /// To be brought back with the first code: the secret, encrypted for this user.
    pub sealed: String,
}

/// Why a code was not taken.
#[derive(Debug, thiserror::Error)]
pub enum CodeError {
    /// It is not the present one, or was used before: not told apart.
    #[error(
        "the code is wrong or was used already: type the one that the app shows now; the clock of its device must be right"
    )]
    Wrong,
    /// Too many wrong ones; nothing was checked.
    #[error("too many wrong codes: try again in {seconds} seconds, or use a recovery code")]
    Wait {
        /// How long to wait.
        seconds: u64,
    },
    /// The manager could not answer.
    #[error(transparent)]
    App(#[from] AppError),
}

/// Makes a new secret for a user.
pub fn begin(app: &App, user: &User) -> Result<Enrolment, AppError> {
    let secret = Zeroizing::new(seatpool_crypto::random_bytes::<{ totp::SECRET_BYTES }>());
    let sealed = app.ca().seal(&enrolment_of(user.id), &*secret)?;
    present(app, user, &*secret, sealed)
}

/// Shows an enrolment again, as after a wrong code; none if it is not of this user.
pub fn resume(app: &App, user: &User, sealed: &str) -> Result<Option<Enrolment>, AppError> {
    let Some(secret) = app.ca().unseal(&enrolment_of(user.id), sealed) else { return Ok(None) };
    present(app, user, &secret, sealed.to_owned()).map(Some)
}

fn present(app: &App, user: &User, secret: &[u8], sealed: String) -> Result<Enrolment, AppError> {
    let text = totp::base32(secret);
    // As authenticator apps read it (the key URI format).
    let name = encode(&user.login);
    let issuer = encode(&format!("Seatpool {}", app.config().name()));
    let uri = Zeroizing::new(format!("otpauth://totp/{issuer}:{name}?secret={text}&issuer={issuer}"));
    let code = QrCode::with_error_correction_level(uri.as_bytes(), EcLevel::M).map_err(|error| {
        tracing::error!(%error, "the picture of a second factor could not be drawn");
        AppError::Internal
    })?;
    let picture = code.render::<svg::Color<'_>>().min_dimensions(240, 240).build();
    // It stands in the page itself, so that it is neither fetched nor cached nor logged.
    let picture = picture.find("<svg").map_or("", |start| &picture[start..]).to_owned();
    Ok(Enrolment { secret: text, picture, sealed })
}

/// Turns the second factor on, if the code shows that the app has the secret; the recovery codes, shown this once.
pub async fn enable(
    app: &App,
    principal: &Principal,
    user: &User,
    sealed: &str,
    code: &str,
) -> Result<Vec<String>, CodeError> {
    let secret = app.ca().unseal(&enrolment_of(user.id), sealed).ok_or(CodeError::Wrong)?;
    take(app, user, &secret, code, principal.source.as_deref()).await?;
    let sealed = app.ca().seal(&secret_of(user.id), &secret).map_err(AppError::from)?;
    let (codes, recovery_codes) = new_recovery_codes();
    let change = AccessChange::EnableSecondFactor { user: user.id, sealed, recovery_codes };
    super::change(app, principal, user.account, change).await?;
    Ok(codes)
}

/// Checks a user's code, and uses it up.
pub async fn check(app: &App, user: &User, code: &str, address: Option<&str>) -> Result<(), CodeError> {
    let sealed = user.second_factor.as_deref().ok_or(CodeError::Wrong)?;
    let Some(secret) = app.ca().unseal(&secret_of(user.id), sealed) else {
        tracing::error!(user = %user.id, "the second factor can't be read: keys/token.key is not the one it was stored with");
        return Err(AppError::Internal.into());
    };
    take(app, user, &secret, code, address).await
}

/// Takes a code of this secret once. Wrong ones are counted by user and address, and by user alone.
async fn take(
    app: &App,
    user: &User,
    secret: &[u8],
    code: &str,
    address: Option<&str>,
) -> Result<(), CodeError> {
    let who = format!("code {}", user.id);
    let (real, attempts) = (app.clock().real(), &app.gate().attempts);
    let attempt = attempts.begin(&who, Origin::second(address), real).map_err(|not_now| match not_now {
        NotNow::Wait { seconds } | NotNow::Besieged { seconds } => CodeError::Wait { seconds },
    })?;
    let step = totp::matching_step(secret, code, u64::try_from(real.as_second()).unwrap_or_default());
    let is_new = match step {
        Some(step) => app.store().use_time_step(user.id, step).await.map_err(AppError::from)?,
        None => false,
    };
    if !is_new {
        return Err(CodeError::Wrong);
    }
    attempts.right(&attempt);
    Ok(())
}

/// Uses up a recovery code. They hold 80 random bits, so nobody has to wait.
pub async fn use_recovery_code(
    app: &App,
    principal: &Principal,
    user: &User,
    code: &str,
) -> Result<(), CodeError> {
    let code = recovery_hash(code);
    // Not worth the ledger's turn, nor anything in it.
    if !user.recovery_codes.contains(&code) {
        return Err(CodeError::Wrong);
    }
    let change = AccessChange::UseRecoveryCode { user: user.id, code };
    match super::change(app, principal, user.account, change).await {
        Ok(_) => Ok(()),
        Err(AppError::Refused(Refused::Unknown { .. })) => Err(CodeError::Wrong),
        Err(error) => Err(error.into()),
    }
}

/// Replaces the recovery codes; the new ones, shown this once.
pub async fn replace_recovery_codes(
    app: &App,
    principal: &Principal,
    user: &User,
) -> Result<Vec<String>, AppError> {
    let (codes, recovery_codes) = new_recovery_codes();
    let change = AccessChange::ReplaceRecoveryCodes { user: user.id, recovery_codes };
    super::change(app, principal, user.account, change).await?;
    Ok(codes)
}

/// Turns the second factor off. The caller has checked password and code.
pub async fn disable(app: &App, principal: &Principal, user: &User) -> Result<Outcome, AppError> {
    super::change(app, principal, user.account, AccessChange::DisableSecondFactor { user: user.id }).await
}

fn new_recovery_codes() -> (Vec<String>, Vec<Sha256>) {
    let code = || {
        let text = totp::base32(&seatpool_crypto::random_bytes::<RECOVERY_CODE_BYTES>());
        let groups: Vec<_> = text.as_bytes().chunks(4).map(String::from_utf8_lossy).collect();
        groups.join("-")
    };
    let codes: Vec<String> = std::iter::repeat_with(code).take(RECOVERY_CODES).collect();
    let hashes = codes.iter().map(|code| recovery_hash(code)).collect();
    (codes, hashes)
}

/// Digest of a recovery code, however it was typed.
fn recovery_hash(code: &str) -> Sha256 {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    Sha256::of(plain.to_ascii_uppercase())
}

fn enrolment_of(user: Uuid) -> String {
    format!("second factor's enrolment of {user}")
}

fn secret_of(user: Uuid) -> String {
    format!("second factor of {user}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recovery_code_is_known_however_it_is_typed() {
        let (codes, hashes) = new_recovery_codes();
        assert_eq!((codes.len(), hashes.len()), (RECOVERY_CODES, RECOVERY_CODES));
        assert_eq!(codes[0].len(), 19, "four groups of four: {}", codes[0]);
        for typed in [codes[0].clone(), codes[0].to_lowercase(), codes[0].replace('-', " ")] {
            assert_eq!(recovery_hash(&typed), hashes[0]);
        }
        assert!(hashes.iter().skip(1).all(|hash| *hash != hashes[0]));
    }
}
