//! One user of a smart account: name, roles, sessions, and what an administrator may do to the way they sign in.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use seatpool_domain::Refused;

use super::confirm::ConfirmPage;
use super::form::Field;
use super::frame::{Banner, Frame};
use super::guard::Posted;
use super::managed::Managed;
use super::page::{ListQuery, show, show_with};
use super::part::{Chip, Tone, When};
use super::problem::Problem;
use super::roles::RolesForm;
use super::security::{SessionRow, session_file, session_rows};
use super::sign_in::capitalised;
use super::users::{show_link, state_chip};
use crate::app::users::{self, Deed, UserChange, UserState, UserView};
use crate::app::{App, AppError};

/// Below an account's path.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/users/{user}", get(show_user).post(change))
        .route("/users/{user}/reset-password", get(confirm_reset).post(reset))
        .route("/users/{user}/{deed}", get(confirm_deed).post(act))
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
    seen_name: String,
    seen_roles: String,
    sessions: Vec<SessionRow>,
    csv: String,
    is_own: bool,
}

impl Managed {
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

/// A form that was not taken.
struct Typed {
    name: Field,
    roles: RolesForm,
    /// What the form was made up on; none where what it is now has been told.
    seen_name: Option<String>,
    seen_roles: Option<String>,
}

async fn draw_user(
    app: &App,
    here: &Managed,
    status: StatusCode,
    notice: Option<Banner>,
    typed: Option<Typed>,
) -> Result<Response, Problem> {
    let user = here.user(app).await?;
    let (seen_name, seen_roles) = (user.name.clone(), serde_json::to_string(&user.roles).unwrap_or_default());
    let typed = match typed {
        Some(typed) => typed,
        None => Typed {
            name: Field::of(user.name.clone()),
            roles: here.roles(app, &user.roles).await?,
            seen_name: None,
            seen_roles: None,
        },
    };
    let sessions = users::list_sessions(app, here.principal(), here.account.id, &user.id.to_string()).await?;
    let page = UserPage {
        frame: here.frame(notice),
        up: here.href("users"),
        href: here.href(&format!("users/{}", user.id)),
        state: state_chip(user.state),
        created: When::at(user.created_at),
        seen_name: typed.seen_name.unwrap_or(seen_name),
        seen_roles: typed.seen_roles.unwrap_or(seen_roles),
        csv: here.href(&format!("users/{}?format=csv", user.id)),
        is_own: user.id == here.signed_in.current.user,
        user,
        name: typed.name,
        roles: typed.roles,
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
    if query.wants_file() {
        let user = here.user(&app).await?;
        let (account, id) = (here.account.id, user.id.to_string());
        let sessions = users::list_sessions(&app, here.principal(), account, &id).await?;
        return Ok(session_file(&format!("sessions-{}", user.login), sessions));
    }
    draw_user(&app, &here, StatusCode::OK, notice, None).await
}

/// `POST …/account/users/{user}`.
async fn change(State(app): State<App>, here: Managed, form: Posted) -> Result<Response, Problem> {
    let mut name = Field::of(form.text("name"));
    let mut roles = here.typed_roles(&app, &form).await?;
    let seen_name = form.text("seen_name").to_owned();
    let quoted_name = format!("{seen_name:?}");
    let mut kept = (Some(seen_name.clone()), Some(form.raw("seen_roles").to_owned()));
    let change = UserChange {
        name: (name.value != seen_name).then(|| name.value.clone()),
        seen_name: Some(seen_name),
        roles: Some(roles.roles()),
        seen_roles: serde_json::from_str(form.raw("seen_roles")).ok(),
    };
    let user = here.segment("user");
    match users::change(&app, here.principal(), here.account.id, user, change).await {
        Ok(user) => {
            let to = here.href(&format!("users/{}?done=changed", user.id));
            return Ok(Redirect::to(&to).into_response());
        }
        Err(AppError::Refused(Refused::Unknown { what: "user" })) => {
            return Err(Problem::not_found());
        }
        Err(AppError::Refused(refused)) => {
            let said = capitalised(&refused.to_string());
            match refused {
                Refused::Invalid { field: "name", .. } => name.refuse(said),
                Refused::ChangedMeanwhile { seen, .. } if seen == quoted_name => {
                    name.refuse(said);
                    kept.0 = None;
                }
                Refused::ChangedMeanwhile { .. } => {
                    roles.field.refuse(said);
                    kept.1 = None;
                }
                _ => roles.field.refuse(said),
            }
        }
        Err(error) => return Err(error.into()),
    }
    let (seen_name, seen_roles) = kept;
    let typed = Typed { name, roles, seen_name, seen_roles };
    draw_user(&app, &here, StatusCode::UNPROCESSABLE_ENTITY, None, Some(typed)).await
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
