//! The steps of signing in after the password: who is at which, and the second factor's code.

use askama::Template;
use axum::Router;
use axum::extract::{FromRequestParts, Query, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use seatpool_domain::access::User;
use seatpool_store::Stage;

use super::form::Field;
use super::frame::{Banner, Frame};
use super::guard::Posted;
use super::page::{show, show_with};
use super::part::Tone;
use super::problem::Problem;
use super::sign_in::{SignInQuery, capitalised, path_of, proceed};
use super::visit::{Session, Visit, own_path};
use crate::app::App;
use crate::app::access::second_factor::CodeError;
use crate::app::access::sessions;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/sign-in/code", get(show_code).post(give_code))
}

#[derive(Template)]
#[template(path = "sign_in_code.html")]
struct CodePage {
    frame: Frame,
    back: String,
    login: String,
    code: Field,
    notice: Option<Banner>,
}

/// A sign-in that waits for its next step; whoever has none begins anew.
pub(super) struct Unfinished {
    pub(super) visit: Visit,
    pub(super) session: Session,
}

impl FromRequestParts<App> for Unfinished {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let visit = Visit::from_request_parts(parts, app).await.map_err(IntoResponse::into_response)?;
        match visit.unfinished.clone() {
            Some(session) => Ok(Self { visit, session }),
            None if !parts.method.is_safe() => Err(Problem::foreign_form().into_response()),
            None => Err(Redirect::to("/sign-in").into_response()),
        }
    }
}

impl Unfinished {
    /// The person, if the sign-in waits for this step.
    pub(super) async fn at(&self, app: &App, stage: Stage) -> Result<User, Problem> {
        Ok(sessions::user_at(app, &self.session.token, stage).await?)
    }

    /// Leads to the step that it waits for, if that is another one.
    pub(super) fn elsewhere(&self, stage: Stage, back: &str) -> Option<Response> {
        let waits = self.session.current.stage;
        (waits != stage).then(|| Redirect::to(&path_of(waits, back)).into_response())
    }
}

pub(super) fn checked_back(back: &str) -> String {
    own_path(back).unwrap_or("/portal").to_owned()
}

/// `GET /sign-in/code`.
async fn show_code(step: Unfinished, Query(query): Query<SignInQuery>) -> Result<Response, Problem> {
    let back = checked_back(&query.back);
    if let Some(elsewhere) = step.elsewhere(Stage::SecondFactor, &back) {
        return Ok(elsewhere);
    }
    let login = step.session.current.login.clone();
    show(&CodePage { frame: step.visit.frame(), back, login, code: Field::default(), notice: None })
}

/// `POST /sign-in/code`.
async fn give_code(State(app): State<App>, step: Unfinished, form: Posted) -> Result<Response, Problem> {
    let back = checked_back(form.text("back"));
    let mut code = Field::default();
    let mut notice = None;
    let mut status = StatusCode::UNPROCESSABLE_ENTITY;
    let typed = form.text("code");
    if typed.is_empty() {
        code.refuse("Type the code that your app shows, or a recovery code");
    } else {
        match sessions::give_code(&app, &step.session.token, typed, &step.visit.browser()).await {
            Ok(signed_in) => return proceed(&signed_in, &back),
            Err(error @ CodeError::Wrong) => {
                status = StatusCode::UNAUTHORIZED;
                code.refuse(capitalised(&error.to_string()));
            }
            Err(error @ CodeError::Wait { .. }) => {
                status = StatusCode::TOO_MANY_REQUESTS;
                notice = Some(Banner::new(Tone::Warn, "Not checked", capitalised(&error.to_string())));
            }
            Err(CodeError::App(error)) => return Err(error.into()),
        }
    }
    let login = step.session.current.login.clone();
    show_with(status, &CodePage { frame: step.visit.frame(), back, login, code, notice })
}
