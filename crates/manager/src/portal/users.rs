//! The users of a smart account, and what it demands of those who sign in.

use askama::Template;
use axum::Router;
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use std::collections::BTreeMap;

use super::confirm::ConfirmPage;
use super::form::Field;
use super::frame::{Banner, Frame};
use super::guard::Posted;
use super::page::{ListQuery, account_href, show, show_with};
use super::part::{Chip, Tone, When};
use super::problem::Problem;
use super::roles::{RolesForm, words};
use super::section::Section;
use super::security::{SessionRow, session_rows};
use super::sign_in::capitalised;
use super::visit::SignedIn;
use crate::app::access::{self, Permission, Principal};
use crate::app::accounts::{self, AccountView, RoleView};
use crate::app::users::{self, Deed, LinkView, NewUser, SignInRulesView, UserChange, UserState, UserView};
use crate::app::{App, AppError};

/// Below an account's path.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/", get(|Path(domain): Path<String>| async move { Redirect::to(&users_href(&domain)) }))
        .route("/users", get(show_users).post(invite))
        .route("/users/new", get(show_new))
        .route("/users/{user}", get(show_user).post(change))
        .route("/users/{user}/reset-password", get(confirm_reset).post(reset))
        .route("/users/{user}/{deed}", get(confirm_deed).post(act))
        .route("/rules", post(change_rules))
}

fn users_href(domain: &str) -> String {
    format!("{}/account/users", account_href(domain))
}

/// An account whose people and programs the person who is signed in manages.
pub(super) struct Managed {
    pub(super) signed_in: SignedIn,
    pub(super) account: AccountView,
    path: BTreeMap<String, String>,
}

impl FromRequestParts<App> for Managed {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let signed_in = SignedIn::from_request_parts(parts, app).await?;
        let path = Path::<BTreeMap<String, String>>::from_request_parts(parts, app).await;
        let path = path.map_err(|_| Problem::not_found().into_response())?.0;
        let domain = path.get("domain").map_or("", String::as_str);
        let found = accounts::get(app, signed_in.principal(), domain).await;
        let account = found.map_err(|error| Problem::from(error).into_response())?;
        access::check(signed_in.principal(), account.id, Permission::ManageUsers)
            .map_err(|error| Problem::from(error).into_response())?;
        Ok(Self { signed_in, account, path })
    }
}

impl Managed {
    pub(super) fn principal(&self) -> &Principal {
        self.signed_in.principal()
    }

    /// A segment of the path.
    pub(super) fn segment(&self, name: &str) -> &str {
        self.path.get(name).map_or("", String::as_str)
    }

    /// Path of the account's pages of this kind.
    pub(super) fn href(&self, rest: &str) -> String {
        format!("{}/account/{rest}", account_href(&self.account.domain))
    }

    pub(super) fn frame(&self, notice: Option<Banner>) -> Frame {
        let frame = self.signed_in.visit.frame_in(Section::Account, self.principal(), &self.account);
        Frame { notice, ..frame }
    }

    /// Whether they manage the account itself: who may manage its people alone, such as a vendor operator, does
    /// not see its programs.
    fn manages_account(&self) -> bool {
        access::allows(self.principal(), self.account.id, Permission::ManageAccount)
    }

    /// Refuses who does not manage the account itself.
    pub(super) fn must_manage_account(&self) -> Result<(), Problem> {
        Ok(access::check(self.principal(), self.account.id, Permission::ManageAccount)?)
    }

    /// The tabs: path, words, whether it is the present one.
    pub(super) fn tabs(&self, current: &str) -> Vec<(String, &'static str, bool)> {
        let tab = |segment: &str, words| (self.href(segment), words, segment == current);
        let clients = self.manages_account().then(|| tab("clients", "Clients"));
        [tab("users", "Users")].into_iter().chain(clients).collect()
    }

    async fn roles(&self, app: &App, roles: &[RoleView]) -> Result<RolesForm, Problem> {
        let places = accounts::virtual_accounts(app, self.principal(), self.account.id).await?;
        Ok(RolesForm::of(roles, places, self.principal().is_operator()))
    }

    pub(super) async fn typed_roles(&self, app: &App, form: &Posted) -> Result<RolesForm, Problem> {
        let places = accounts::virtual_accounts(app, self.principal(), self.account.id).await?;
        Ok(RolesForm::read(form, places, self.principal().is_operator()))
    }

    pub(super) async fn no_roles(&self, app: &App) -> Result<RolesForm, Problem> {
        self.roles(app, &[]).await
    }

    async fn user(&self, app: &App) -> Result<UserView, Problem> {
        Ok(users::get(app, self.principal(), self.account.id, self.segment("user")).await?)
    }

    /// A confirmation about a user.
    fn confirmation(&self, user: &UserView, title: &str, question: String) -> ConfirmPage {
        let back = self.href(&format!("users/{}", user.id));
        ConfirmPage {
            frame: self.frame(None),
            up: (back.clone(), user.login.clone()),
            title: title.to_owned(),
            question,
            problem: None,
            consequences: Vec::new(),
            choice: None,
            hidden: Vec::new(),
            action: self.signed_in.visit.here.clone(),
            button: title.to_owned(),
            tone: "danger",
            cancel: back,
        }
    }
}

#[derive(Template)]
#[template(path = "users.html")]
struct UsersPage {
    frame: Frame,
    account_name: String,
    tabs: Vec<(String, &'static str, bool)>,
    new_href: String,
    rules_action: String,
    rules: Option<SignInRulesView>,
    rows: Vec<UserRow>,
}

struct UserRow {
    href: String,
    login: String,
    name: String,
    roles: String,
    state: Chip,
    factor: &'static str,
}

#[derive(Template)]
#[template(path = "user_new.html")]
struct NewUserPage {
    frame: Frame,
    up: String,
    login: Field,
    name: Field,
    roles: RolesForm,
}

#[derive(Template)]
#[template(path = "user_link.html")]
struct LinkPage {
    frame: Frame,
    up: String,
    login: String,
    link: String,
    expires: When,
}

#[derive(Template)]
#[template(path = "user.html")]
struct UserPage {
    frame: Frame,
    up: String,
    href: String,
    user: UserView,
    state: Chip,
    created: When,
    name: Field,
    roles: RolesForm,
    seen: String,
    sessions: Vec<SessionRow>,
    is_own: bool,
}

fn state_chip(state: UserState) -> Chip {
    match state {
        UserState::Active => Chip::new(Tone::Good, "Active"),
        UserState::Invited => Chip::new(Tone::Note, "Invited"),
        UserState::LinkExpired => Chip::new(Tone::Warn, "Link expired"),
        UserState::Disabled => Chip::new(Tone::Plain, "Disabled"),
    }
}

fn factor_words(user: &UserView) -> &'static str {
    match (user.second_factor, user.single_sign_on) {
        (true, true) => "Second factor, single sign-on",
        (true, false) => "Second factor",
        (false, true) => "Single sign-on",
        (false, false) => "Password alone",
    }
}

/// `GET …/account/users`.
async fn show_users(
    State(app): State<App>,
    here: Managed,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let good = |title: &str| Some(Banner::new(Tone::Good, title, ""));
    let notice = match query.done.as_str() {
        "deleted" => good("The user is deleted"),
        "rules" => good("The rules are changed"),
        _ => None,
    };
    let (principal, account) = (here.principal(), here.account.id);
    let rules = match users::rules(&app, principal, account).await {
        Ok(rules) => Some(rules),
        Err(AppError::Forbidden { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let rows = users::list(&app, principal, account).await?;
    let row = |user: UserView| UserRow {
        href: here.href(&format!("users/{}", user.id)),
        roles: words(&user.roles),
        state: state_chip(user.state),
        factor: factor_words(&user),
        login: user.login,
        name: user.name,
    };
    show(&UsersPage {
        frame: here.frame(notice),
        account_name: here.account.name.clone(),
        tabs: here.tabs("users"),
        new_href: here.href("users/new"),
        rules_action: here.href("rules"),
        rules,
        rows: rows.into_iter().map(row).collect(),
    })
}

/// `POST …/account/rules`.
async fn change_rules(State(app): State<App>, here: Managed, form: Posted) -> Result<Response, Problem> {
    let ticked = |name: &str| form.text(name) == "yes";
    let rules = SignInRulesView {
        second_factor_required: ticked("second_factor_required"),
        password_grant: ticked("password_grant"),
    };
    users::change_rules(&app, here.principal(), here.account.id, rules).await?;
    Ok(Redirect::to(&format!("{}?done=rules", here.href("users"))).into_response())
}

/// `GET …/account/users/new`.
async fn show_new(State(app): State<App>, here: Managed) -> Result<Response, Problem> {
    let roles = here.no_roles(&app).await?;
    let (login, name) = (Field::default(), Field::default());
    show(&NewUserPage { frame: here.frame(None), up: here.href("users"), login, name, roles })
}

/// `POST …/account/users`.
async fn invite(State(app): State<App>, here: Managed, form: Posted) -> Result<Response, Problem> {
    let mut login = Field::of(form.text("login"));
    let mut name = Field::of(form.text("name"));
    let mut roles = here.typed_roles(&app, &form).await?;
    if login.value.is_empty() {
        login.refuse("Give the name that the person will sign in with");
    }
    if roles.roles().is_empty() {
        roles.field.refuse("Give at least one role: without one, nothing may be done");
    }
    if login.problem.is_none() && roles.field.problem.is_none() {
        let new = NewUser { login: login.value.clone(), name: name.value.clone(), roles: roles.roles() };
        match users::invite(&app, here.principal(), here.account.id, new).await {
            Ok(link) => return show_link(&here, link),
            Err(AppError::Refused(refused)) => {
                use seatpool_domain::Refused;
                let said = capitalised(&refused.to_string());
                match refused {
                    Refused::Invalid { field: "name", .. } => name.refuse(said),
                    Refused::Invalid { field: "login", .. } | Refused::Exists { .. } => login.refuse(said),
                    _ => roles.field.refuse(said),
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    let page = NewUserPage { frame: here.frame(None), up: here.href("users"), login, name, roles };
    show_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

fn show_link(here: &Managed, made: LinkView) -> Result<Response, Problem> {
    show(&LinkPage {
        frame: here.frame(None),
        up: here.href(&format!("users/{}", made.user.id)),
        login: made.user.login,
        link: made.link,
        expires: When::at(made.expires_at),
    })
}

async fn draw_user(
    app: &App,
    here: &Managed,
    status: StatusCode,
    notice: Option<Banner>,
    typed: Option<(Field, RolesForm)>,
) -> Result<Response, Problem> {
    let user = here.user(app).await?;
    let (name, roles) = match typed {
        Some(typed) => typed,
        None => (Field::of(user.name.clone()), here.roles(app, &user.roles).await?),
    };
    let sessions = users::list_sessions(app, here.principal(), here.account.id, &user.id.to_string()).await?;
    let page = UserPage {
        frame: here.frame(notice),
        up: here.href("users"),
        href: here.href(&format!("users/{}", user.id)),
        state: state_chip(user.state),
        created: When::at(user.created_at),
        seen: serde_json::to_string(&user.roles).unwrap_or_default(),
        is_own: user.id == here.signed_in.current.user,
        user,
        name,
        roles,
        sessions: session_rows(app, sessions, ""),
    };
    show_with(status, &page)
}

/// `GET …/account/users/{user}`.
async fn show_user(
    State(app): State<App>,
    here: Managed,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let good = |title: &str, text: &str| Some(Banner::new(Tone::Good, title, text));
    let notice = match query.done.as_str() {
        "changed" => good("The user is changed", ""),
        "disable" => {
            good("The user is disabled", "Nobody can sign in as this user; the sessions have ended.")
        }
        "enable" => good("The user may sign in again", ""),
        "reset-second-factor" => good("The second factor is taken away", "The sessions have ended."),
        "end-sessions" => good("The sessions have ended", ""),
        _ => None,
    };
    draw_user(&app, &here, StatusCode::OK, notice, None).await
}

/// `POST …/account/users/{user}`.
async fn change(State(app): State<App>, here: Managed, form: Posted) -> Result<Response, Problem> {
    let mut name = Field::of(form.text("name"));
    let mut roles = here.typed_roles(&app, &form).await?;
    let change = UserChange {
        name: Some(name.value.clone()),
        roles: Some(roles.roles()),
        seen_roles: serde_json::from_str(form.raw("seen")).ok(),
    };
    let user = here.segment("user");
    match users::change(&app, here.principal(), here.account.id, user, change).await {
        Ok(user) => {
            let to = here.href(&format!("users/{}?done=changed", user.id));
            return Ok(Redirect::to(&to).into_response());
        }
        Err(AppError::Refused(seatpool_domain::Refused::Unknown { what: "user" })) => {
            return Err(Problem::not_found());
        }
        Err(AppError::Refused(refused)) => {
            let said = capitalised(&refused.to_string());
            match refused {
                seatpool_domain::Refused::Invalid { field: "name", .. } => name.refuse(said),
                _ => roles.field.refuse(said),
            }
        }
        Err(error) => return Err(error.into()),
    }
    draw_user(&app, &here, StatusCode::UNPROCESSABLE_ENTITY, None, Some((name, roles))).await
}

/// `GET …/account/users/{user}/reset-password`.
async fn confirm_reset(State(app): State<App>, here: Managed) -> Result<Response, Problem> {
    let user = here.user(&app).await?;
    let question = format!("Make a one-time link with which {} sets a new password?", user.login);
    let mut page = here.confirmation(&user, "Reset the password", question);
    page.consequences = vec![
        "The present password is void at once, and all sessions end.".into(),
        "The link is shown once: hand it over in a way that nobody else reads.".into(),
        "The second factor stays.".into(),
    ];
    show(&page)
}

/// `POST …/account/users/{user}/reset-password`.
async fn reset(State(app): State<App>, here: Managed, _form: Posted) -> Result<Response, Problem> {
    let user = here.segment("user");
    let made = users::reset_password(&app, here.principal(), here.account.id, user).await?;
    show_link(&here, made)
}

fn deed_of(segment: &str) -> Option<(Deed, &'static str, &'static [&'static str])> {
    Some(match segment {
        "disable" => (
            Deed::Disable,
            "Disable",
            &["Nobody can sign in as this user until you enable it again.", "All sessions end at once."],
        ),
        "enable" => (Deed::Enable, "Enable", &["The user signs in as before."]),
        "delete" => (
            Deed::Delete,
            "Delete",
            &[
                "The user can't sign in any more, and all sessions end.",
                "What the user did stays in the event log, under the same name.",
            ],
        ),
        "reset-second-factor" => (
            Deed::ResetSecondFactor,
            "Take the second factor away",
            &[
                "Signing in takes the password alone, until the user sets up a second factor again.",
                "All sessions end at once, and the recovery codes are void.",
            ],
        ),
        "end-sessions" => (Deed::EndSessions, "End all sessions", &["The user signs in again to go on."]),
        _ => return None,
    })
}

/// `GET …/account/users/{user}/{deed}`.
async fn confirm_deed(State(app): State<App>, here: Managed) -> Result<Response, Problem> {
    let (_, title, consequences) = deed_of(here.segment("deed")).ok_or_else(Problem::not_found)?;
    let user = here.user(&app).await?;
    let mut page = here.confirmation(&user, title, format!("{}: what this does", user.login));
    page.consequences = consequences.iter().map(|line| (*line).to_owned()).collect();
    if title == "Enable" {
        page.tone = "primary";
    }
    show(&page)
}

/// `POST …/account/users/{user}/{deed}`.
async fn act(State(app): State<App>, here: Managed, _form: Posted) -> Result<Response, Problem> {
    let (deed, title, consequences) = deed_of(here.segment("deed")).ok_or_else(Problem::not_found)?;
    let user = here.user(&app).await?;
    let id = user.id.to_string();
    match users::act(&app, here.principal(), here.account.id, &id, deed).await {
        Ok(()) => {}
        Err(AppError::Refused(refused)) => {
            let mut page = here.confirmation(&user, title, format!("{}: what this does", user.login));
            page.consequences = consequences.iter().map(|line| (*line).to_owned()).collect();
            page.problem =
                Some(Banner::new(Tone::Bad, "That was not done", capitalised(&refused.to_string())));
            return show_with(StatusCode::CONFLICT, &page);
        }
        Err(error) => return Err(error.into()),
    }
    let to = match deed {
        Deed::Delete => format!("{}?done=deleted", here.href("users")),
        _ => here.href(&format!("users/{id}?done={}", here.segment("deed"))),
    };
    Ok(Redirect::to(&to).into_response())
}
