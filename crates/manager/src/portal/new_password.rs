//! Setting a password: in the course of signing in, and with the one-time link that somebody was given.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use seatpool_domain::access::User;
use seatpool_store::Stage;

use super::form::Field;
use super::frame::Frame;
use super::guard::Posted;
use super::page::{show, show_with};
use super::problem::Problem;
use super::sign_in::{SignInQuery, capitalised, end_earlier, proceed};
use super::sign_in_steps::{Unfinished, checked_back};
use super::visit::Visit;
use crate::app::access::invitations;
use crate::app::access::sessions::{self, ChangeError};
use crate::app::{App, AppError};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/sign-in/new-password", get(show_new_password).post(set_new_password))
        .route("/welcome/{link}", get(show_welcome).post(accept))
}

#[derive(Template)]
#[template(path = "new_password.html")]
struct NewPasswordPage {
    frame: Frame,
    title: &'static str,
    lead: String,
    action: String,
    back: String,
    login: String,
    new: Field,
    again: Field,
}

/// A new password and its repetition as they were typed; none if something is wrong with them.
pub(super) fn typed_password(form: &Posted, new: &mut Field, again: &mut Field) -> Option<String> {
    if form.raw("new").is_empty() {
        new.refuse("Type the new password");
    } else if form.raw("new") != form.raw("again") {
        again.refuse("The two are not the same: type the new password once more");
    }
    (new.problem.is_none() && again.problem.is_none()).then(|| form.raw("new").to_owned())
}

/// What is wrong with a new password, for its field.
pub(super) fn refuse_password(error: ChangeError, new: &mut Field) -> Result<StatusCode, Problem> {
    match error {
        ChangeError::App(error) => Err(error.into()),
        other => {
            new.refuse(capitalised(&other.to_string()));
            Ok(StatusCode::UNPROCESSABLE_ENTITY)
        }
    }
}

fn forced(step: &Unfinished, back: String, new: Field, again: Field) -> NewPasswordPage {
    NewPasswordPage {
        frame: step.visit.frame(),
        title: "Set a new password",
        lead: "The one that you signed in with was chosen by somebody else. From now on only you know yours."
            .into(),
        action: "/sign-in/new-password".into(),
        back,
        login: step.session.current.login.clone(),
        new,
        again,
    }
}

/// `GET /sign-in/new-password`.
async fn show_new_password(step: Unfinished, Query(query): Query<SignInQuery>) -> Result<Response, Problem> {
    let back = checked_back(&query.back);
    if let Some(elsewhere) = step.elsewhere(Stage::NewPassword, &back) {
        return Ok(elsewhere);
    }
    show(&forced(&step, back, Field::default(), Field::default()))
}

/// `POST /sign-in/new-password`.
async fn set_new_password(
    State(app): State<App>,
    step: Unfinished,
    form: Posted,
) -> Result<Response, Problem> {
    let back = checked_back(form.text("back"));
    let user = step.at(&app, Stage::NewPassword).await?;
    let (mut new, mut again) = (Field::default(), Field::default());
    let mut status = StatusCode::UNPROCESSABLE_ENTITY;
    if let Some(password) = typed_password(&form, &mut new, &mut again) {
        let principal = &step.session.current.principal;
        match sessions::set_password(&app, principal, &user, password).await {
            Ok(()) => {
                let token = &step.session.token;
                let signed_in = sessions::go_on(&app, token, user.id, &step.visit.browser()).await?;
                return proceed(&signed_in, &back);
            }
            Err(error) => status = refuse_password(error, &mut new)?,
        }
    }
    show_with(status, &forced(&step, back, new, again))
}

fn welcome(visit: &Visit, link: &str, user: &User, new: Field, again: Field) -> NewPasswordPage {
    NewPasswordPage {
        frame: Frame { login: None, ..visit.frame() },
        title: "Set your password",
        lead: format!("You sign in as {}. The link is good for one use.", user.login),
        action: format!("/welcome/{}", crate::percent::encode(link)),
        back: "/portal".into(),
        login: user.login.clone(),
        new,
        again,
    }
}

/// `GET /welcome/{link}`.
async fn show_welcome(
    State(app): State<App>,
    visit: Visit,
    Path(link): Path<String>,
) -> Result<Response, Problem> {
    let user = opened(&app, &link).await?;
    show(&welcome(&visit, &link, &user, Field::default(), Field::default()))
}

/// `POST /welcome/{link}`.
async fn accept(
    State(app): State<App>,
    visit: Visit,
    Path(link): Path<String>,
    form: Posted,
) -> Result<Response, Problem> {
    let user = opened(&app, &link).await?;
    let (mut new, mut again) = (Field::default(), Field::default());
    let mut status = StatusCode::UNPROCESSABLE_ENTITY;
    if let Some(password) = typed_password(&form, &mut new, &mut again) {
        match invitations::accept(&app, &link, password, &visit.browser()).await {
            Ok(signed_in) => {
                end_earlier(&app, &visit).await?;
                return proceed(&signed_in, "/portal");
            }
            Err(error) => status = refuse_password(error, &mut new)?,
        }
    }
    show_with(status, &welcome(&visit, &link, &user, new, again))
}

async fn opened(app: &App, link: &str) -> Result<User, Problem> {
    invitations::open(app, link).await.map_err(|error| match error {
        AppError::Refused(_) => Problem {
            status: StatusCode::GONE,
            title: "This link is no longer good",
            text: "It was used, replaced by a newer one, or its time is over. Ask an administrator of your account for a new one.".into(),
        },
        other => other.into(),
    })
}
