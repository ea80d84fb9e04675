//! The people of a smart account: who they are, what they may do, and what administrators do about them.

use jiff::Timestamp;
use seatpool_domain::access::{SignInRules, User, UserStatus};
use seatpool_domain::account::VirtualAccount;
use seatpool_domain::command::{AccessChange, Outcome};
use seatpool_proto::AccountId;
use seatpool_store::{Page, Paged, UserQuery};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::access::sessions::{self, SessionView};
use super::access::{self, Permission, Principal, check, invitations, unknown};
use super::accounts::{RoleView, role_of, role_view};
use super::{App, AppError};

/// Whether a person may sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UserState {
    /// It may.
    Active,
    /// A one-time link is out with which the password is set.
    Invited,
    /// The link's time is over, and no password was set.
    LinkExpired,
    /// It may not.
    Disabled,
}

/// A person who signs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserView {
    /// Unique on this manager.
    pub id: Uuid,
    /// Sign-in name, unique on this manager.
    pub login: String,
    /// The person's name; may be empty.
    pub name: String,
    /// What it may do.
    pub roles: Vec<RoleView>,
    /// Whether it may sign in.
    pub state: UserState,
    /// Whether signing in takes a second factor.
    pub second_factor: bool,
    /// Whether it signs in by single sign-on.
    pub single_sign_on: bool,
    /// When it was created.
    pub created_at: Timestamp,
}

/// A one-time link with which a person sets the password: shown this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LinkView {
    /// Who it is for.
    pub user: UserView,
    /// To be handed to that person. A secret.
    pub link: String,
    /// From when it is refused.
    pub expires_at: Timestamp,
}

impl core::fmt::Debug for LinkView {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("LinkView").field("user", &self.user.login).finish_non_exhaustive()
    }
}

/// What a new user is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// Sign-in name: 1 to 128 visible ASCII characters; compared without regard to case.
    pub login: String,
    /// The person's name.
    #[serde(default)]
    pub name: String,
    /// What it may do: at least one role.
    pub roles: Vec<RoleView>,
}

/// How a user is to change; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UserChange {
    /// The person's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it may do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<RoleView>>,
    /// The name as it was when this change was made up: another is refused if it is another by now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen_name: Option<String>,
    /// The roles as they were when this change was made up: it is refused if they are others by now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen_roles: Option<Vec<RoleView>>,
}

/// What an account demands of those who sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInRulesView {
    /// Whether everybody who signs in with a password needs a second factor.
    pub second_factor_required: bool,
    /// Whether OAuth2 clients of the account may use its users' passwords (`grant_type=password`).
    pub password_grant: bool,
}

/// How an account's demands are to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInRulesChange {
    /// Whether everybody who signs in with a password needs a second factor.
    pub second_factor_required: bool,
    /// Whether OAuth2 clients of the account may use its users' passwords (`grant_type=password`).
    pub password_grant: bool,
    /// The rules as they were when this change was made up: it is refused if they are others by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<SignInRulesView>,
}

/// What is done about a user without more to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// No sign-in any more; the sessions end.
    Disable,
    /// Sign-in again.
    Enable,
    /// For good; the sessions end.
    Delete,
    /// The second factor is taken away; the sessions end.
    ResetSecondFactor,
    /// The sessions end.
    EndSessions,
}

/// A page of the users of an account.
pub async fn list(
    app: &App,
    principal: &Principal,
    account: AccountId,
    query: &UserQuery,
    page: Page,
) -> Result<Paged<UserView>, AppError> {
    check(principal, account, Permission::ManageUsers)?;
    let names = app.store().virtual_accounts(account).await?;
    let found = app.store().users(account, query, page).await?;
    let items = found.items.into_iter().map(|row| view(app, row, &names)).collect();
    Ok(Paged { items, total: found.total })
}

/// The user with this id or sign-in name.
pub async fn get(
    app: &App,
    principal: &Principal,
    account: AccountId,
    user: &str,
) -> Result<UserView, AppError> {
    check(principal, account, Permission::ManageUsers)?;
    let row = find(app, account, user).await?;
    present(app, row).await
}

/// Invites a person: the link sets the password. A vendor operator gives an account that nobody administers its
/// administrator.
pub async fn invite(
    app: &App,
    principal: &Principal,
    account: AccountId,
    new: NewUser,
) -> Result<LinkView, AppError> {
    if !(principal.is_operator() && new.roles == [RoleView::AccountAdministrator]) {
        check(principal, account, Permission::ManageUsers)?;
    } else if check(principal, account, Permission::ManageUsers).is_err() {
        check(principal, account, Permission::CreateAccounts)?;
    }
    let names = app.store().virtual_accounts(account).await?;
    let roles = new.roles.into_iter().map(|role| role_of(role, &names)).collect::<Result<_, _>>()?;
    let (secret, invitation) = invitations::new(app);
    let change = AccessChange::InviteUser { login: new.login, name: new.name, roles, invitation };
    let Outcome::User(id) = access::change(app, principal, account, change).await? else {
        return Err(AppError::Internal);
    };
    with_link(app, id, &secret).await
}

/// Changes a user's name or roles.
pub async fn change(
    app: &App,
    principal: &Principal,
    account: AccountId,
    user: &str,
    change: UserChange,
) -> Result<UserView, AppError> {
    check(principal, account, Permission::ManageUsers)?;
    let row = find(app, account, user).await?;
    let names = app.store().virtual_accounts(account).await?;
    let known = |roles: Vec<RoleView>| roles.into_iter().map(|role| role_of(role, &names)).collect();
    let change = AccessChange::ChangeUser {
        user: row.id,
        name: change.name,
        roles: change.roles.map(known).transpose()?,
        seen_name: change.seen_name,
        seen_roles: change.seen_roles.map(known).transpose()?,
    };
    access::change(app, principal, account, change).await?;
    present(app, find(app, account, &row.id.to_string()).await?).await
}

/// Does something about a user.
pub async fn act(
    app: &App,
    principal: &Principal,
    account: AccountId,
    user: &str,
    deed: Deed,
) -> Result<(), AppError> {
    check(principal, account, Permission::ManageUsers)?;
    let user = find(app, account, user).await?.id;
    let change = match deed {
        Deed::Disable => AccessChange::DisableUser { user },
        Deed::Enable => AccessChange::EnableUser { user },
        Deed::Delete => AccessChange::DeleteUser { user },
        Deed::ResetSecondFactor => AccessChange::ResetSecondFactor { user },
        Deed::EndSessions => AccessChange::EndSessions { user },
    };
    access::change(app, principal, account, change).await.map(drop)
}

/// Takes a user's password away and makes a link that sets a new one.
pub async fn reset_password(
    app: &App,
    principal: &Principal,
    account: AccountId,
    user: &str,
) -> Result<LinkView, AppError> {
    check(principal, account, Permission::ManageUsers)?;
    let user = find(app, account, user).await?.id;
    let (secret, invitation) = invitations::new(app);
    access::change(app, principal, account, AccessChange::ResetPassword { user, invitation }).await?;
    with_link(app, user, &secret).await
}

/// A user's sessions, last used first.
pub async fn list_sessions(
    app: &App,
    principal: &Principal,
    account: AccountId,
    user: &str,
) -> Result<Vec<SessionView>, AppError> {
    check(principal, account, Permission::ManageUsers)?;
    sessions::list(app, &find(app, account, user).await?).await
}

/// What the account demands of those who sign in.
pub async fn rules(
    app: &App,
    principal: &Principal,
    account: AccountId,
) -> Result<SignInRulesView, AppError> {
    check(principal, account, Permission::ManageAccount)?;
    let rules = app.store().account(account).await?.ok_or_else(|| unknown("smart account"))?.sign_in_rules;
    let SignInRules { second_factor_required, password_grant } = rules;
    Ok(SignInRulesView { second_factor_required, password_grant })
}

/// Changes what the account demands of those who sign in.
pub async fn change_rules(
    app: &App,
    principal: &Principal,
    account: AccountId,
    change: SignInRulesChange,
) -> Result<SignInRulesView, AppError> {
    check(principal, account, Permission::ManageAccount)?;
    let SignInRulesChange { second_factor_required, password_grant, seen } = change;
    let rules = SignInRules { second_factor_required, password_grant };
    let seen = seen.map(|SignInRulesView { second_factor_required, password_grant }| SignInRules {
        second_factor_required,
        password_grant,
    });
    access::change(app, principal, account, AccessChange::ChangeRules { rules, seen }).await?;
    self::rules(app, principal, account).await
}

/// The user of this account with this id or sign-in name; another account's is unknown.
async fn find(app: &App, account: AccountId, user: &str) -> Result<User, AppError> {
    let row = match user.parse::<Uuid>() {
        Ok(id) => app.store().user(id).await?,
        Err(_) => app.store().user_by_login(&user.trim().to_lowercase()).await?,
    };
    row.filter(|row| row.account == account).ok_or_else(|| unknown("user"))
}

async fn with_link(app: &App, id: Uuid, secret: &str) -> Result<LinkView, AppError> {
    let user = app.store().user(id).await?.ok_or(AppError::Internal)?;
    let expires_at = user.invitation.ok_or(AppError::Internal)?.expires_at;
    let link = invitations::link(app, id, secret);
    Ok(LinkView { user: present(app, user).await?, link, expires_at })
}

async fn present(app: &App, user: User) -> Result<UserView, AppError> {
    let names = app.store().virtual_accounts(user.account).await?;
    Ok(view(app, user, &names))
}

fn view(app: &App, row: User, names: &[VirtualAccount]) -> UserView {
    let state = match (row.status, &row.password_hash, &row.subject, row.invitation) {
        (UserStatus::Disabled, ..) => UserState::Disabled,
        (UserStatus::Active, None, None, Some(link)) if link.expires_at > app.now() => UserState::Invited,
        (UserStatus::Active, None, None, _) => UserState::LinkExpired,
        (UserStatus::Active, ..) => UserState::Active,
    };
    UserView {
        id: row.id,
        login: row.login,
        name: row.name,
        roles: row.roles.into_iter().map(|role| role_view(role, names)).collect(),
        state,
        second_factor: row.second_factor.is_some(),
        single_sign_on: row.subject.is_some(),
        created_at: row.created_at,
    }
}
