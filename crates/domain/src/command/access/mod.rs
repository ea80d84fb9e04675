//! Who may sign in or call, and how: users, their passwords and second factors, clients, the account's rules.
//!
//! Secrets never come here: passwords and codes arrive as hashes, the second factor's secret as the manager
//! encrypted it, and no event holds any of them.

mod client;
mod own;
mod user;

use jiff::Timestamp;
use seatpool_proto::Sha256;
use uuid::Uuid;

use super::{By, Context, Outcome, Refused, words};
use crate::access::{Invitation, OauthScope, PreviousSecret, Role, SignInRules, User, uncovered};
use crate::event::{Event, EventKind};
use crate::workset::{Touches, Workset};

/// What is to change of who may sign in or call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessChange {
    /// Invite a person: with the link, the password is set.
    InviteUser {
        /// Sign-in name.
        login: String,
        /// The person's name; may be empty.
        name: String,
        /// What it may do.
        roles: Vec<Role>,
        /// The link.
        invitation: Invitation,
    },
    /// Give a user other roles or another name; what is absent stays.
    ChangeUser {
        /// Whom.
        user: Uuid,
        /// New name.
        name: Option<String>,
        /// New roles.
        roles: Option<Vec<Role>>,
        /// The name that was seen when the change was made up; a new one is refused if it is another by now.
        seen_name: Option<String>,
        /// The roles that were seen when the change was made up; others are refused if they are others by now.
        seen_roles: Option<Vec<Role>>,
    },
    /// Let a user sign in no more; its sessions end.
    DisableUser {
        /// Whom.
        user: Uuid,
    },
    /// Let a disabled user sign in again.
    EnableUser {
        /// Whom.
        user: Uuid,
    },
    /// Delete a user; its sessions end.
    DeleteUser {
        /// Whom.
        user: Uuid,
    },
    /// Take a user's password away and end its sessions; the link sets a new one.
    ResetPassword {
        /// Whose.
        user: Uuid,
        /// The link.
        invitation: Invitation,
    },
    /// Take a user's second factor away and end its sessions.
    ResetSecondFactor {
        /// Whose.
        user: Uuid,
    },
    /// End a user's sessions.
    EndSessions {
        /// Whose.
        user: Uuid,
    },

    /// Set the password with a one-time link.
    AcceptInvitation {
        /// Whose.
        user: Uuid,
        /// Digest of the link's secret.
        secret: Sha256,
        /// The new password's hash.
        password_hash: String,
    },
    /// Change one's own password; all sessions that began before end.
    ChangePassword {
        /// Whose.
        user: Uuid,
        /// The new password's hash.
        password_hash: String,
    },
    /// Turn on one's own second factor.
    EnableSecondFactor {
        /// Whose.
        user: Uuid,
        /// Its secret, encrypted by the manager.
        sealed: String,
        /// Digests of the recovery codes.
        recovery_codes: Vec<Sha256>,
    },
    /// Turn off one's own second factor.
    DisableSecondFactor {
        /// Whose.
        user: Uuid,
    },
    /// Replace one's own recovery codes.
    ReplaceRecoveryCodes {
        /// Whose.
        user: Uuid,
        /// Their digests.
        recovery_codes: Vec<Sha256>,
    },
    /// Use up a recovery code.
    UseRecoveryCode {
        /// Whose.
        user: Uuid,
        /// Its digest.
        code: Sha256,
    },
    /// Note who a user is at the single sign-on provider.
    LinkUser {
        /// Whom.
        user: Uuid,
        /// Issuer and subject.
        subject: String,
    },
    /// Make a user at its first single sign-on.
    ProvisionUser {
        /// Sign-in name.
        login: String,
        /// The person's name; may be empty.
        name: String,
        /// What it may do.
        roles: Vec<Role>,
        /// Issuer and subject.
        subject: String,
    },

    /// Create a client.
    CreateClient {
        /// Its `client_id`.
        id: String,
        /// What it is for.
        name: String,
        /// SHA-256 of its secret, hexadecimal.
        secret_hash: String,
        /// What it may do.
        roles: Vec<Role>,
        /// What it may use of its roles.
        scopes: Vec<OauthScope>,
    },
    /// Give a client a new secret; the one before is taken for a while.
    RotateSecret {
        /// Which.
        id: String,
        /// SHA-256 of the new secret, hexadecimal.
        secret_hash: String,
        /// Until when the one before is taken.
        overlap_until: Timestamp,
    },
    /// Delete a client; its access tokens end.
    DeleteClient {
        /// Which.
        id: String,
    },

    /// Change what the account demands of those who sign in.
    ChangeRules {
        /// The new rules.
        rules: SignInRules,
        /// The rules that were seen when the change was made up; refused if they are others by now.
        seen: Option<SignInRules>,
    },
}

impl AccessChange {
    /// What this would make that is unique on the whole manager, which no account's facts can tell: its kind and
    /// name.
    pub fn unique_name(&self) -> Option<(&'static str, &str)> {
        match self {
            Self::InviteUser { login, .. } | Self::ProvisionUser { login, .. } => Some(("user", login)),
            _ => None,
        }
    }
}

pub(super) fn touches() -> Touches {
    Touches { people: true, ..Touches::default() }
}

pub(super) fn apply(
    change: AccessChange,
    held: &[Role],
    by: &By,
    workset: &mut Workset,
    context: &mut Context<'_>,
) -> Result<Outcome, Refused> {
    use AccessChange as Change;
    let mut desk = Desk { held, by, workset, now: context.now };
    match change {
        Change::InviteUser { login, name, roles, invitation } => {
            let id = context.ids.uuid();
            user::invite(&mut desk, id, &login, &name, roles, invitation)
        }
        Change::ChangeUser { user, name, roles, seen_name, seen_roles } => {
            user::change(&mut desk, user, name.as_deref(), roles, (seen_name, seen_roles))
        }
        Change::DisableUser { user } => user::disable(&mut desk, user),
        Change::EnableUser { user } => user::enable(&mut desk, user),
        Change::DeleteUser { user } => user::delete(&mut desk, user),
        Change::ResetPassword { user, invitation } => user::reset_password(&mut desk, user, invitation),
        Change::ResetSecondFactor { user } => user::reset_second_factor(&mut desk, user),
        Change::EndSessions { user } => user::end_sessions(&mut desk, user),
        Change::AcceptInvitation { user, secret, password_hash } => {
            own::accept(&mut desk, user, secret, password_hash)
        }
        Change::ChangePassword { user, password_hash } => {
            own::change_password(&mut desk, user, password_hash)
        }
        Change::EnableSecondFactor { user, sealed, recovery_codes } => {
            own::enable_second_factor(&mut desk, user, sealed, recovery_codes)
        }
        Change::DisableSecondFactor { user } => own::disable_second_factor(&mut desk, user),
        Change::ReplaceRecoveryCodes { user, recovery_codes } => {
            own::replace_recovery_codes(&mut desk, user, recovery_codes)
        }
        Change::UseRecoveryCode { user, code } => own::use_recovery_code(&mut desk, user, code),
        Change::LinkUser { user, subject } => own::link(&mut desk, user, subject),
        Change::ProvisionUser { login, name, roles, subject } => {
            let id = context.ids.uuid();
            user::provision(&mut desk, id, &login, &name, roles, subject)
        }
        Change::CreateClient { id, name, secret_hash, roles, scopes } => {
            client::create(&mut desk, id, &name, secret_hash, roles, scopes)
        }
        Change::RotateSecret { id, secret_hash, overlap_until } => {
            client::rotate(&mut desk, &id, secret_hash, overlap_until)
        }
        Change::DeleteClient { id } => client::delete(&mut desk, &id),
        Change::ChangeRules { rules, seen } => change_rules(&mut desk, rules, seen),
    }
}

/// What every change needs.
struct Desk<'a> {
    held: &'a [Role],
    by: &'a By,
    workset: &'a mut Workset,
    now: Timestamp,
}

impl Desk<'_> {
    fn record(&mut self, kind: EventKind, message: String) {
        let event = self.by.event(kind, self.now, message);
        self.workset.record(event);
    }

    fn record_change(&mut self, kind: EventKind, message: String, before: String, after: String) {
        let event = self.by.event(kind, self.now, message);
        self.workset.record(Event { before: Some(before), after: Some(after), ..event });
    }

    fn user(&self, id: Uuid) -> Result<&User, Refused> {
        self.workset.users.get(&id).ok_or(Refused::Unknown { what: "user" })
    }

    /// A user whom the one who asks may handle: one that holds no more than it does.
    fn handled(&self, id: Uuid) -> Result<User, Refused> {
        let user = self.user(id)?.clone();
        self.may_handle(&user.roles)?;
        Ok(user)
    }

    fn may_handle(&self, roles: &[Role]) -> Result<(), Refused> {
        match uncovered(self.held, roles) {
            None => Ok(()),
            Some(role) => Err(Refused::NotHeld { role: self.words(&[role]) }),
        }
    }

    /// Refuses roles in virtual accounts that are not there, and none at all; sorted, each once.
    fn known_roles(&self, mut roles: Vec<Role>) -> Result<Vec<Role>, Refused> {
        if roles.is_empty() {
            return Err(words::invalid("roles", "name none: give at least one, or nothing may be done"));
        }
        let is_unknown = |id| self.workset.virtual_accounts.get(&id).is_none();
        if roles.iter().filter_map(|role| role.virtual_account()).any(is_unknown) {
            return Err(Refused::Unknown { what: "virtual account" });
        }
        roles.sort_unstable();
        roles.dedup();
        Ok(roles)
    }

    /// Whether somebody else than this user administers the account and can sign in.
    fn administered_without(&self, id: Uuid) -> bool {
        let mut others = self.workset.users.values().filter(|user| user.id != id);
        others.any(|user| user.can_sign_in() && user.roles.contains(&Role::AccountAdministrator))
    }

    /// Refuses to lose the last administrator, or one's own role of vendor operator, with this user's going from
    /// `before` to `after` (none: it is disabled or gone).
    fn may_lose(&self, user: &User, after: &[Role]) -> Result<(), Refused> {
        let loses = |role| user.roles.contains(&role) && !after.contains(&role);
        if loses(Role::VendorOperator) && self.by.actor == super::Actor::User(user.login.clone()) {
            return Err(Refused::OwnOperatorRole);
        }
        let was_one = user.can_sign_in() && loses(Role::AccountAdministrator);
        if was_one && !self.administered_without(user.id) {
            return Err(Refused::LastAdministrator { login: user.login.clone() });
        }
        Ok(())
    }

    fn words(&self, roles: &[Role]) -> String {
        let word = |role: &Role| match role {
            Role::VendorOperator => "vendor operator".to_owned(),
            Role::AccountAdministrator => "account administrator".to_owned(),
            Role::VirtualAccountAdministrator(id) => {
                format!("administrator of {}", self.workset.name_of(*id))
            }
            Role::VirtualAccountUser(id) => format!("user of {}", self.workset.name_of(*id)),
            Role::Approver => "approver".to_owned(),
        };
        words::list(&roles.iter().map(word).collect::<Vec<_>>())
    }

    fn put(&mut self, user: User) {
        self.workset.users.insert(user.id, user);
    }
}

fn change_rules(
    desk: &mut Desk<'_>,
    rules: SignInRules,
    seen: Option<SignInRules>,
) -> Result<Outcome, Refused> {
    if !desk.held.contains(&Role::AccountAdministrator) {
        return Err(Refused::NotHeld { role: "account administrator".to_owned() });
    }
    let before = desk.workset.account.sign_in_rules;
    if let Some(seen) = seen
        && seen != before
        && rules != before
    {
        return Err(Refused::ChangedMeanwhile { seen: in_words(seen), present: in_words(before) });
    }
    let yes = |value: bool| if value { "yes" } else { "no" }.to_owned();
    if before.second_factor_required != rules.second_factor_required {
        desk.record_change(
            EventKind::SignInRulesChanged,
            "Whether a second factor is required was changed.".to_owned(),
            yes(before.second_factor_required),
            yes(rules.second_factor_required),
        );
    }
    if before.password_grant != rules.password_grant {
        desk.record_change(
            EventKind::SignInRulesChanged,
            "Whether OAuth2 clients may use users' passwords was changed.".to_owned(),
            yes(before.password_grant),
            yes(rules.password_grant),
        );
    }
    desk.workset.account.sign_in_rules = rules;
    Ok(Outcome::Done)
}

fn in_words(rules: SignInRules) -> String {
    let factor = if rules.second_factor_required { "required" } else { "not required" };
    let grant = if rules.password_grant { "allowed" } else { "not allowed" };
    format!("second factor {factor}, password grant {grant}")
}

/// The secret that a rotation leaves valid for a while.
fn previous(hash: String, until: Timestamp) -> PreviousSecret {
    PreviousSecret { hash, until }
}
