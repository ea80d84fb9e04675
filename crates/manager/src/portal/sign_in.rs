//! Signing in with a password and out, and the choice of appearance.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::header::{RETRY_AFTER, SET_COOKIE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use seatpool_store::Stage;
use serde::Deserialize;

use super::form::Field;
use super::frame::{Appearance, Banner, Frame};
use super::guard::Posted;
use super::page::{show, show_with, with_query};
use super::part::Tone;
use super::problem::Problem;
use super::visit::{APPEARANCE_COOKIE, DEVICE_COOKIE, SESSION_COOKIE, Visit, own_path};
use crate::app::access::sessions::{self, SignInError, SignedIn, Typed};
use crate::app::forms::TYPED_MINUTES;
use crate::app::{App, AppError};

/// How long a browser is known, in seconds.
const DEVICE_SECONDS: u32 = 180 * 86_400;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    frame: Frame,
    back: String,
    login: Field,
    password: Field,
    /// The second factor's code, where it is asked for together with the password.
    code: Option<Field>,
    notice: Option<Banner>,
    /// What the button of the single sign-on says and where it leads, if there is one.
    single: Option<(String, String)>,
}

/// The button of the single sign-on.
fn single(app: &App, back: &str) -> Option<(String, String)> {
    let name = app.config().oidc.as_ref()?.name.clone();
    Some((with_query("/sign-in/oidc", &[("back", back)]), name))
}

/// Query of the sign-in page and its steps.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SignInQuery {
    pub(crate) back: String,
    pub(crate) done: String,
}

/// `GET /sign-in`.
pub(crate) async fn show_sign_in(
    State(app): State<App>,
    visit: Visit,
    Query(query): Query<SignInQuery>,
) -> Result<Response, Problem> {
    let back = own_path(&query.back).unwrap_or("/portal").to_owned();
    if visit.session.is_some() {
        return Ok(Redirect::to(&back).into_response());
    }
    if let Some(unfinished) = &visit.unfinished {
        return Ok(Redirect::to(&path_of(unfinished.current.stage, &back)).into_response());
    }
    let notice = match query.done.as_str() {
        "signed-out" => Some(Banner::new(Tone::Good, "You are signed out", "")),
        "kept" => Some(Banner::new(
            Tone::Warn,
            "Your session has ended",
            format!(
                "Sign in again: what you typed is kept for {TYPED_MINUTES} minutes and shown to you then. Nothing was sent."
            ),
        )),
        _ => None,
    };
    show(&SignInPage {
        frame: visit.frame(),
        single: single(&app, &back),
        back,
        login: Field::default(),
        password: Field::default(),
        code: None,
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
    let (mut notice, mut code, mut seconds) = (None, None, None);
    let mut status = StatusCode::UNPROCESSABLE_ENTITY;
    if login.problem.is_none() && password.problem.is_none() {
        let (password_typed, code_typed) = (form.raw("password").to_owned(), form.text("code"));
        let typed = Typed { login: &login.value, password: password_typed, code: code_typed };
        match sessions::sign_in(&app, typed, &visit.browser()).await {
            Ok(signed_in) => {
                end_earlier(&app, &visit).await?;
                return proceed(&signed_in, &back);
            }
            Err(SignInError::Wrong) => {
                status = StatusCode::UNAUTHORIZED;
                password.refuse("The name or the password is wrong");
            }
            Err(SignInError::Wait { seconds: wait }) => {
                status = StatusCode::TOO_MANY_REQUESTS;
                seconds = Some(wait);
                let said = format!("Too many failed attempts: try again in {}.", span_words(wait));
                notice = Some(Banner::new(Tone::Warn, "Not checked", said));
            }
            Err(SignInError::Besieged { seconds: wait }) => {
                status = StatusCode::TOO_MANY_REQUESTS;
                seconds = Some(wait);
                code = Some(Field::of(code_typed));
                let said = format!(
                    "Somebody guesses at this name's password from many networks. The turn of yours is in {} and is kept for an \
                     hour: try again in {0}. A browser or network that you signed in from lately needs no turn, nor do \
                     password and second factor together.",
                    span_words(wait)
                );
                notice = Some(Banner::new(Tone::Warn, "Not checked", said));
            }
            Err(SignInError::App(AppError::Busy { seconds: wait })) => {
                status = StatusCode::SERVICE_UNAVAILABLE;
                seconds = Some(wait);
                let said =
                    format!("Too many people sign in at this moment: try again in {}.", span_words(wait));
                notice = Some(Banner::new(Tone::Warn, "Not checked", said));
            }
            Err(SignInError::App(error)) => return Err(error.into()),
        }
    }
    let single = single(&app, &back);
    let page = SignInPage { frame: visit.frame(), back, login, password, code, notice, single };
    let mut response = show_with(status, &page)?;
    if let Some(seconds) = seconds {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    Ok(response)
}

/// A wait in words: no more exact than a person needs, and never too short.
fn span_words(seconds: u64) -> String {
    match seconds {
        1 => "1 second".into(),
        0..120 => format!("{seconds} seconds"),
        120..7200 => format!("{} minutes", seconds.div_ceil(60)),
        _ => format!("{} hours", seconds.div_ceil(3600)),
    }
}

/// A session that this browser had before ends here: no session outlives a sign-in.
pub(crate) async fn end_earlier(app: &App, visit: &Visit) -> Result<(), Problem> {
    for old in visit.session.iter().chain(&visit.unfinished) {
        sessions::sign_out(app, &old.token).await?;
    }
    Ok(())
}

/// Gives the browser its new session and leads it to the next step, or to where the person wanted to go.
pub(crate) fn proceed(signed_in: &SignedIn, back: &str) -> Result<Response, Problem> {
    with_session(signed_in, Redirect::to(&path_of(signed_in.stage, back)))
}

/// An answer that gives the browser its new session.
pub(crate) fn with_session(signed_in: &SignedIn, response: impl IntoResponse) -> Result<Response, Problem> {
    let session = format!("{SESSION_COOKIE}={}; Path=/; Secure; HttpOnly; SameSite=Lax", signed_in.token);
    let response = with_cookie(&session, response)?;
    match &signed_in.device {
        None => Ok(response),
        Some(device) => with_cookie(
            &format!(
                "{DEVICE_COOKIE}={device}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={DEVICE_SECONDS}"
            ),
            response,
        ),
    }
}

/// The page of a step of signing in.
pub(crate) fn path_of(stage: Stage, back: &str) -> String {
    let path = match stage {
        Stage::SignedIn => return back.to_owned(),
        Stage::SecondFactor => "/sign-in/code",
        Stage::NewPassword => "/sign-in/new-password",
        Stage::Enrolment => "/sign-in/second-factor",
    };
    with_query(path, &[("back", back)])
}

/// `POST /sign-out`.
pub(crate) async fn sign_out(
    State(app): State<App>,
    visit: Visit,
    _form: Posted,
) -> Result<Response, Problem> {
    end_earlier(&app, &visit).await?;
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

pub(crate) fn with_cookie(cookie: &str, response: impl IntoResponse) -> Result<Response, Problem> {
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
