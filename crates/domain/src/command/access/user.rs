//! What administrators do about users.

use uuid::Uuid;

use super::super::{Outcome, Refused, words};
use super::Desk;
use crate::access::{Invitation, Role, User, UserStatus};
use crate::event::EventKind;

pub(super) fn invite(
    desk: &mut Desk<'_>,
    id: Uuid,
    login: &str,
    name: &str,
    roles: Vec<Role>,
    invitation: Invitation,
) -> Result<Outcome, Refused> {
    let roles = desk.known_roles(roles)?;
    // A vendor operator gives an account that nobody administers its administrator.
    let first = desk.held.contains(&Role::VendorOperator)
        && roles == [Role::AccountAdministrator]
        && !desk.administered_without(id);
    if !first {
        desk.may_handle(&roles)?;
    }
    let user =
        User { password_hash: None, invitation: Some(invitation), ..new(desk, id, login, name, roles)? };
    let words = desk.words(&user.roles);
    let message = format!("{} was invited as {words}.", user.login);
    desk.put(user);
    desk.record(EventKind::UserInvited, message);
    Ok(Outcome::User(id))
}

pub(super) fn provision(
    desk: &mut Desk<'_>,
    id: Uuid,
    login: &str,
    name: &str,
    roles: Vec<Role>,
    subject: String,
) -> Result<Outcome, Refused> {
    let roles = desk.known_roles(roles)?;
    let user = User { password_hash: None, subject: Some(subject), ..new(desk, id, login, name, roles)? };
    let words = desk.words(&user.roles);
    let message = format!("{} signed in by single sign-on for the first time and is {words}.", user.login);
    desk.put(user);
    desk.record(EventKind::UserLinked, message);
    Ok(Outcome::User(id))
}

/// A user without anything to sign in with.
fn new(desk: &Desk<'_>, id: Uuid, login: &str, name: &str, roles: Vec<Role>) -> Result<User, Refused> {
    let login = words::login(login)?;
    if desk.workset.users.values().any(|user| user.login == login) {
        return Err(Refused::Exists { what: "user", name: login });
    }
    let name = words::name_if_any("name", Some(name))?.unwrap_or_default();
    let account = desk.workset.account_id();
    Ok(User { name, ..User::new(id, account, login, String::new(), roles, desk.now) })
}

pub(super) fn change(
    desk: &mut Desk<'_>,
    id: Uuid,
    name: Option<&str>,
    roles: Option<Vec<Role>>,
    seen: (Option<String>, Option<Vec<Role>>),
) -> Result<Outcome, Refused> {
    let before = desk.handled(id)?;
    let name = match name {
        None => before.name.clone(),
        Some(text) => words::name_if_any("name", Some(text))?.unwrap_or_default(),
    };
    let roles = match roles {
        None => before.roles.clone(),
        Some(roles) => desk.known_roles(roles)?,
    };
    desk.may_handle(&roles)?;
    let (seen_name, seen_roles) = seen;
    if let Some(seen) = seen_name.filter(|seen| *seen != before.name && name != before.name) {
        let present = format!("{:?}", before.name);
        return Err(Refused::ChangedMeanwhile { seen: format!("{seen:?}"), present });
    }
    if let Some(mut seen) = seen_roles {
        seen.sort_unstable();
        if seen != before.roles && roles != before.roles {
            let (seen, present) = (desk.words(&seen), desk.words(&before.roles));
            return Err(Refused::ChangedMeanwhile { seen, present });
        }
    }
    desk.may_lose(&before, &roles)?;
    if roles != before.roles {
        let message = format!("The roles of {} were changed.", before.login);
        let (was, is) = (desk.words(&before.roles), desk.words(&roles));
        desk.record_change(EventKind::UserChanged, message, was, is);
    }
    if name != before.name {
        let message = format!("The name of {} was changed.", before.login);
        desk.record_change(EventKind::UserChanged, message, before.name.clone(), name.clone());
    }
    if (&name, &roles) != (&before.name, &before.roles) {
        desk.put(User { name, roles, ..before });
    }
    Ok(Outcome::Done)
}

pub(super) fn disable(desk: &mut Desk<'_>, id: Uuid) -> Result<Outcome, Refused> {
    let user = desk.handled(id)?;
    desk.may_lose(&user, &[])?;
    if user.status == UserStatus::Active {
        let message = format!("{} was disabled: no sign-in, and the sessions ended.", user.login);
        desk.record(EventKind::UserDisabled, message);
        desk.put(User { status: UserStatus::Disabled, sessions_from: desk.now, ..user });
    }
    Ok(Outcome::Done)
}

pub(super) fn enable(desk: &mut Desk<'_>, id: Uuid) -> Result<Outcome, Refused> {
    let user = desk.handled(id)?;
    if user.status == UserStatus::Disabled {
        desk.record(EventKind::UserEnabled, format!("{} may sign in again.", user.login));
        desk.put(User { status: UserStatus::Active, sessions_from: desk.now, ..user });
    }
    Ok(Outcome::Done)
}

pub(super) fn delete(desk: &mut Desk<'_>, id: Uuid) -> Result<Outcome, Refused> {
    let user = desk.handled(id)?;
    desk.may_lose(&user, &[])?;
    let was = desk.words(&user.roles);
    desk.workset.users.delete(&id);
    desk.record(EventKind::UserDeleted, format!("{}, who was {was}, was deleted.", user.login));
    Ok(Outcome::Done)
}

pub(super) fn reset_password(
    desk: &mut Desk<'_>,
    id: Uuid,
    invitation: Invitation,
) -> Result<Outcome, Refused> {
    let user = desk.handled(id)?;
    // An invitation that was not used yet is replaced: there is no password to lose.
    if user.password_hash.is_some() {
        desk.may_lose(&user, &[])?;
    }
    let message = match user.password_hash {
        Some(_) => format!("The password of {} was taken away; a one-time link sets a new one.", user.login),
        None => format!("{} got a new one-time link to set the password.", user.login),
    };
    desk.record(EventKind::PasswordReset, message);
    let sessions_from = desk.now;
    desk.put(User { password_hash: None, invitation: Some(invitation), sessions_from, ..user });
    Ok(Outcome::Done)
}

pub(super) fn reset_second_factor(desk: &mut Desk<'_>, id: Uuid) -> Result<Outcome, Refused> {
    let user = desk.handled(id)?;
    if user.second_factor.is_some() {
        let message = format!("The second factor of {} was taken away.", user.login);
        desk.record(EventKind::SecondFactorReset, message);
        let sessions_from = desk.now;
        desk.put(User { second_factor: None, recovery_codes: Vec::new(), sessions_from, ..user });
    }
    Ok(Outcome::Done)
}

pub(super) fn end_sessions(desk: &mut Desk<'_>, id: Uuid) -> Result<Outcome, Refused> {
    let user = desk.handled(id)?;
    desk.record(EventKind::SessionsEnded, format!("The sessions of {} were ended.", user.login));
    desk.put(User { sessions_from: desk.now, ..user });
    Ok(Outcome::Done)
}
