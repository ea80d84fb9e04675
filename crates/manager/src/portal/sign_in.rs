//! Signing in and out, and the choice of appearance.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::form::Field;
use super::frame::{Appearance, Banner, Frame};
use super::guard::Posted;
use super::page::{show, show_with};
use super::part::Tone;
use super::problem::Problem;
use super::visit::{APPEARANCE_COOKIE, SESSION_COOKIE, Visit, own_path};
use crate::app::App;
use crate::app::access::sessions::{self, SignInError};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    frame: Frame,
    back: String,
    login: Field,
    password: Field,
    notice: Option<Banner>,
}

/// Query of the sign-in page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SignInQuery {
    back: String,
    done: String,
}

/// `GET /sign-in`.
pub(crate) async fn show_sign_in(
    visit: Visit,
    Query(query): Query<SignInQuery>,
) -> Result<Response, Problem> {
    let back = own_path(&query.back).unwrap_or("/portal").to_owned();
    if visit.session.is_some() {
        return Ok(Redirect::to(&back).into_response());
    }
    let notice = (query.done == "signed-out").then(|| Banner::new(Tone::Good, "You are signed out", ""));
    show(&SignInPage {
        frame: visit.frame(),
        back,
        login: Field::default(),
        password: Field::default(),
        notice,
    })
}

/// `POST /sign-in`.
pub(crate) async fn sign_in(State(app): State<App>, visit: Visit, form: Posted) -> Result<Response, Problem> {
    let back = own_path(form.text("back")).unwrap_or("/portal").to_owned();
    let mut login = Field::of(form.text("login"));
    let mut password = Field::default();
    if login.value.is_empty() {
        login.refuse("Type the name that you sign in with");
    }
    if form.raw("password").is_empty() {
        password.refuse("Type your password");
    }
    let mut notice = None;
    let mut status = StatusCode::UNPROCESSABLE_ENTITY;
    if login.problem.is_none() && password.problem.is_none() {
        let typed = form.raw("password").to_owned();
        match sessions::sign_in(&app, &login.value, typed, &visit.browser()).await {
            Ok(signed_in) => {
                // A session that this browser had before ends here: no session outlives a sign-in.
                if let Some(old) = &visit.session {
                    sessions::sign_out(&app, &old.token).await?;
                }
                let cookie =
                    format!("{SESSION_COOKIE}={}; Path=/; Secure; HttpOnly; SameSite=Lax", signed_in.token);
                return with_cookie(&cookie, Redirect::to(&back));
            }
            Err(SignInError::Wrong) => {
                status = StatusCode::UNAUTHORIZED;
                password.refuse("The name or the password is wrong");
            }
            Err(wait @ SignInError::Wait { .. }) => {
                status = StatusCode::TOO_MANY_REQUESTS;
                notice = Some(Banner::new(Tone::Warn, "Not checked", capitalised(&wait.to_string())));
            }
            Err(SignInError::App(error)) => return Err(error.into()),
        }
    }
    show_with(status, &SignInPage { frame: visit.frame(), back, login, password, notice })
}

/// `POST /sign-out`.
pub(crate) async fn sign_out(
    State(app): State<App>,
    visit: Visit,
    _form: Posted,
) -> Result<Response, Problem> {
    if let Some(session) = &visit.session {
        sessions::sign_out(&app, &session.token).await?;
    }
    let cookie = format!("{SESSION_COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0");
    with_cookie(&cookie, Redirect::to("/sign-in?done=signed-out"))
}

/// `POST /appearance`.
pub(crate) async fn change_appearance(form: Posted) -> Result<Response, Problem> {
    let appearance = Appearance::of(form.text("appearance")).word();
    let cookie =
        format!("{APPEARANCE_COOKIE}={appearance}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=31536000");
    with_cookie(&cookie, Redirect::to(own_path(form.text("back")).unwrap_or("/portal")))
}

fn with_cookie(cookie: &str, response: impl IntoResponse) -> Result<Response, Problem> {
    let mut response = response.into_response();
    let value = HeaderValue::from_str(cookie).map_err(|_| Problem::foreign_form())?;
    response.headers_mut().append(SET_COOKIE, value);
    Ok(response)
}

/// An error's sentence with a capital letter.
pub(crate) fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
