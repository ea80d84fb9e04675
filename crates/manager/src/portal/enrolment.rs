//! Setting up the second factor: in the course of signing in where it is required, and what this has in common with
//! doing it later.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use seatpool_domain::access::User;
use seatpool_store::Stage;

use super::form::Field;
use super::frame::Frame;
use super::guard::Posted;
use super::page::{show, show_once, show_with};
use super::problem::Problem;
use super::sign_in::{SignInQuery, capitalised, path_of, with_session};
use super::sign_in_steps::{Unfinished, checked_back};
use crate::app::App;
use crate::app::access::second_factor::{self, CodeError, Enrolment};
use crate::app::access::{Principal, sessions};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/sign-in/second-factor", get(show_enrolment).post(enrol))
}

/// Setting up the second factor, in the course of signing in or later.
#[derive(Template)]
#[template(path = "enrolment.html")]
pub(super) struct EnrolmentPage {
    pub(super) frame: Frame,
    pub(super) lead: &'static str,
    pub(super) action: String,
    pub(super) back: String,
    /// Where to go without doing it; empty where it must be done.
    pub(super) cancel: String,
    pub(super) enrolment: Enrolment,
    /// Asked for where a session alone is not enough: who finds one open must not make it theirs.
    pub(super) password: Option<Field>,
    pub(super) code: Field,
}

/// The recovery codes, this once.
#[derive(Template)]
#[template(path = "recovery_codes.html")]
pub(super) struct RecoveryCodesPage {
    pub(super) frame: Frame,
    pub(super) codes: Vec<String>,
    pub(super) back: String,
}

fn enrolment_page(step: &Unfinished, back: String, enrolment: Enrolment, code: Field) -> EnrolmentPage {
    EnrolmentPage {
        frame: step.visit.frame(),
        lead: "Your smart account requires a second factor from everybody who signs in with a password.",
        action: "/sign-in/second-factor".into(),
        back,
        cancel: String::new(),
        enrolment,
        password: None,
        code,
    }
}

/// `GET /sign-in/second-factor`.
async fn show_enrolment(
    State(app): State<App>,
    step: Unfinished,
    Query(query): Query<SignInQuery>,
) -> Result<Response, Problem> {
    let back = checked_back(&query.back);
    if let Some(elsewhere) = step.elsewhere(Stage::Enrolment, &back) {
        return Ok(elsewhere);
    }
    let user = step.at(&app, Stage::Enrolment).await?;
    show(&enrolment_page(&step, back, second_factor::begin(&app, &user)?, Field::default()))
}

/// `POST /sign-in/second-factor`.
async fn enrol(State(app): State<App>, step: Unfinished, form: Posted) -> Result<Response, Problem> {
    let back = checked_back(form.text("back"));
    let user = step.at(&app, Stage::Enrolment).await?;
    let principal = &step.session.current.principal;
    match confirm(&app, principal, &user, &form).await? {
        Ok(codes) => {
            let token = &step.session.token;
            let signed_in = sessions::go_on(&app, token, user.id, &step.visit.browser()).await?;
            let back = path_of(signed_in.stage, &back);
            let page = RecoveryCodesPage { frame: step.visit.frame(), codes, back };
            let page = show_once(&page, "/preferences/security")?;
            with_session(&signed_in, page)
        }
        Err((status, enrolment, code)) => show_with(status, &enrolment_page(&step, back, enrolment, code)),
    }
}

/// Turns the second factor on if the code is right; else what the page shows again.
pub(super) async fn confirm(
    app: &App,
    principal: &Principal,
    user: &User,
    form: &Posted,
) -> Result<Result<Vec<String>, (StatusCode, Enrolment, Field)>, Problem> {
    let sealed = form.text("sealed");
    let mut code = Field::default();
    let status = match second_factor::enable(app, principal, user, sealed, form.text("code")).await {
        Ok(codes) => return Ok(Ok(codes)),
        Err(CodeError::App(error)) => return Err(error.into()),
        Err(error @ CodeError::Wait { .. }) => {
            code.refuse(capitalised(&error.to_string()));
            StatusCode::TOO_MANY_REQUESTS
        }
        Err(error @ CodeError::Wrong) => {
            code.refuse(capitalised(&error.to_string()));
            StatusCode::UNPROCESSABLE_ENTITY
        }
    };
    let enrolment = match second_factor::resume(app, user, sealed)? {
        Some(enrolment) => enrolment,
        None => second_factor::begin(app, user)?,
    };
    Ok(Err((status, enrolment, code)))
}
