//! What people do about themselves. The manager has checked who they are.

use seatpool_proto::Sha256;
use uuid::Uuid;

use super::super::{Outcome, Refused};
use super::Desk;
use crate::access::{User, UserStatus};
use crate::event::EventKind;

pub(super) fn accept(
    desk: &mut Desk<'_>,
    id: Uuid,
    secret: Sha256,
    password_hash: String,
) -> Result<Outcome, Refused> {
    let user = desk.user(id).map_err(|_| Refused::LinkEnded)?.clone();
    let now = desk.now;
    let good = user.invitation.is_some_and(|link| link.hash == secret && link.expires_at > now);
    if !good || user.status != UserStatus::Active {
        return Err(Refused::LinkEnded);
    }
    desk.record(EventKind::InvitationAccepted, format!("{} set the password with a link.", user.login));
    desk.put(User {
        password_hash: Some(password_hash),
        invitation: None,
        must_change_password: false,
        sessions_from: now,
        ..user
    });
    Ok(Outcome::Done)
}

pub(super) fn change_password(
    desk: &mut Desk<'_>,
    id: Uuid,
    password_hash: String,
) -> Result<Outcome, Refused> {
    let user = desk.user(id)?.clone();
    desk.record(EventKind::PasswordChanged, format!("{} changed the password.", user.login));
    desk.put(User {
        password_hash: Some(password_hash),
        invitation: None,
        must_change_password: false,
        sessions_from: desk.now,
        ..user
    });
    Ok(Outcome::Done)
}

pub(super) fn enable_second_factor(
    desk: &mut Desk<'_>,
    id: Uuid,
    sealed: String,
    recovery_codes: Vec<Sha256>,
) -> Result<Outcome, Refused> {
    let user = desk.user(id)?.clone();
    if user.second_factor.is_some() {
        return Err(Refused::Exists { what: "second factor", name: user.login });
    }
    desk.record(EventKind::SecondFactorEnabled, format!("{} turned on the second factor.", user.login));
    desk.put(User { second_factor: Some(sealed), recovery_codes, ..user });
    Ok(Outcome::Done)
}

pub(super) fn disable_second_factor(desk: &mut Desk<'_>, id: Uuid) -> Result<Outcome, Refused> {
    let user = with_second_factor(desk, id)?;
    desk.record(EventKind::SecondFactorDisabled, format!("{} turned off the second factor.", user.login));
    desk.put(User { second_factor: None, recovery_codes: Vec::new(), ..user });
    Ok(Outcome::Done)
}

pub(super) fn replace_recovery_codes(
    desk: &mut Desk<'_>,
    id: Uuid,
    recovery_codes: Vec<Sha256>,
) -> Result<Outcome, Refused> {
    let user = with_second_factor(desk, id)?;
    let message = format!("{} made new recovery codes; the ones before are void.", user.login);
    desk.record(EventKind::RecoveryCodesMade, message);
    desk.put(User { recovery_codes, ..user });
    Ok(Outcome::Done)
}

pub(super) fn use_recovery_code(desk: &mut Desk<'_>, id: Uuid, code: Sha256) -> Result<Outcome, Refused> {
    let mut user = with_second_factor(desk, id)?;
    let place = user.recovery_codes.iter().position(|known| *known == code);
    let place = place.ok_or(Refused::Unknown { what: "recovery code" })?;
    user.recovery_codes.remove(place);
    let left = user.recovery_codes.len();
    let message = format!("{} signed in with a recovery code; {left} are left.", user.login);
    desk.record(EventKind::RecoveryCodeUsed, message);
    desk.put(user);
    Ok(Outcome::Done)
}

fn with_second_factor(desk: &Desk<'_>, id: Uuid) -> Result<User, Refused> {
    let user = desk.user(id)?;
    if user.second_factor.is_none() {
        return Err(Refused::Unknown { what: "second factor" });
    }
    Ok(user.clone())
}

pub(super) fn link(desk: &mut Desk<'_>, id: Uuid, subject: String) -> Result<Outcome, Refused> {
    let user = desk.user(id)?.clone();
    match &user.subject {
        Some(known) if *known == subject => return Ok(Outcome::Done),
        Some(_) => return Err(Refused::Exists { what: "single sign-on of", name: user.login }),
        None => {}
    }
    let message = format!("{} signed in by single sign-on for the first time.", user.login);
    desk.record(EventKind::UserLinked, message);
    desk.put(User { subject: Some(subject), invitation: None, ..user });
    Ok(Outcome::Done)
}
