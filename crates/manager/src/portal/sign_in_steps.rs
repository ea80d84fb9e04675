//! The steps of signing in after the password: the second factor's code, a new password, setting up the second
//! factor; and the page of the one-time link with which people set their password.

use askama::Template;
use axum::Router;
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
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
use super::sign_in::{SignInQuery, capitalised, end_earlier, path_of, proceed, with_cookie, with_session};
use super::visit::{Session, Visit, cookie, own_path};
use crate::app::access::invitations;
use crate::app::access::oidc::{self, OidcError, Returned};
use crate::app::access::second_factor::{self, CodeError, Enrolment};
use crate::app::access::sessions::{self, ChangeError};
use crate::app::{App, AppError};

/// What a single sign-on under way must bring back.
const SINGLE_COOKIE: &str = "__Host-seatpool-oidc";

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/sign-in/code", get(show_code).post(give_code))
        .route("/sign-in/new-password", get(show_new_password).post(set_new_password))
        .route("/sign-in/second-factor", get(show_enrolment).post(enrol))
        .route("/welcome/{link}", get(show_welcome).post(accept))
        .route("/sign-in/oidc", get(begin_single))
        .route(oidc::CALLBACK, get(finish_single))
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

/// A sign-in that waits for its next step; whoever has none begins anew.
struct Unfinished {
    visit: Visit,
    session: Session,
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
    async fn at(&self, app: &App, stage: Stage) -> Result<User, Problem> {
        Ok(sessions::user_at(app, &self.session.token, stage).await?)
    }

    /// Leads to the step that it waits for, if that is another one.
    fn elsewhere(&self, stage: Stage, back: &str) -> Option<Response> {
        let waits = self.session.current.stage;
        (waits != stage).then(|| Redirect::to(&path_of(waits, back)).into_response())
    }
}

fn checked_back(back: &str) -> String {
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

fn enrolment_page(step: &Unfinished, back: String, enrolment: Enrolment, code: Field) -> EnrolmentPage {
    EnrolmentPage {
        frame: step.visit.frame(),
        lead: "Your smart account requires a second factor from everybody who signs in with a password.",
        action: "/sign-in/second-factor".into(),
        back,
        cancel: String::new(),
        enrolment,
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
            let page = show(&RecoveryCodesPage { frame: step.visit.frame(), codes, back })?;
            with_session(&signed_in, page)
        }
        Err((status, enrolment, code)) => show_with(status, &enrolment_page(&step, back, enrolment, code)),
    }
}

/// Turns the second factor on if the code is right; else what the page shows again.
pub(super) async fn confirm(
    app: &App,
    principal: &crate::app::access::Principal,
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

/// `GET /sign-in/oidc`.
async fn begin_single(
    State(app): State<App>,
    _visit: Visit,
    Query(query): Query<SignInQuery>,
) -> Result<Response, Problem> {
    let begun = oidc::begin(&app, &checked_back(&query.back)).await.map_err(not_signed_in)?;
    let cookie =
        format!("{SINGLE_COOKIE}={}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=600", begun.cookie);
    with_cookie(&cookie, Redirect::to(&begun.location))
}

/// `GET /sign-in/oidc/callback`.
async fn finish_single(
    State(app): State<App>,
    visit: Visit,
    headers: HeaderMap,
    Query(returned): Query<Returned>,
) -> Result<Response, Problem> {
    let under_way = cookie(&headers, SINGLE_COOKIE);
    let (signed_in, back) =
        oidc::finish(&app, under_way, returned, &visit.browser()).await.map_err(not_signed_in)?;
    end_earlier(&app, &visit).await?;
    let over = format!("{SINGLE_COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0");
    with_cookie(&over, proceed(&signed_in, &checked_back(&back))?)
}

fn not_signed_in(error: OidcError) -> Problem {
    let status = match &error {
        OidcError::App(_) => None,
        OidcError::NotConfigured => Some(StatusCode::NOT_FOUND),
        OidcError::NotBegun => Some(StatusCode::BAD_REQUEST),
        OidcError::Provider(_) | OidcError::Person(_) => Some(StatusCode::FORBIDDEN),
        OidcError::Setting(_) | OidcError::Unreachable(_) | OidcError::Answer(_) | OidcError::Token(_) => {
            tracing::warn!(%error, "single sign-on failed");
            Some(StatusCode::BAD_GATEWAY)
        }
    };
    match (status, error) {
        (None, OidcError::App(error)) => error.into(),
        (status, error) => Problem {
            status: status.unwrap_or(StatusCode::BAD_GATEWAY),
            title: "You are not signed in",
            text: format!("{}.", capitalised(&error.to_string())),
        },
    }
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
