//! Preferences → Security: one's own password, second factor and sessions.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use seatpool_domain::access::User;

use super::csv;
use super::enrolment::{EnrolmentPage, RecoveryCodesPage, confirm};
use super::form::Field;
use super::frame::{Banner, Frame, TabLink};
use super::guard::Posted;
use super::new_password::{refuse_password, typed_password};
use super::page::{ListQuery, show, show_once, show_with};
use super::part::{Tone, When};
use super::preferences::tabs;
use super::problem::Problem;
use super::section::Section;
use super::sign_in::{capitalised, with_session};

use super::visit::SignedIn;
use crate::app::access::second_factor::{self, CodeError};
use crate::app::access::sessions::{self, ChangeError, SessionView};
use crate::app::{App, AppError};

const HERE: &str = "/preferences/security";

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/preferences/security", get(show_security))
        .route("/preferences/security/password", post(change_password))
        .route("/preferences/security/second-factor", get(show_enrolment).post(enrol))
        .route("/preferences/security/second-factor/off", post(turn_off))
        .route("/preferences/security/recovery-codes", post(make_codes))
        .route("/preferences/security/sessions/end-others", post(end_others))
        .route("/preferences/security/sessions/{session}/end", post(end_session))
}

#[derive(Template)]
#[template(path = "security.html")]
struct SecurityPage {
    frame: Frame,
    tabs: Vec<TabLink>,
    login: String,
    has_password: bool,
    second_factor: bool,
    codes_left: usize,
    sessions: Vec<SessionRow>,
    typed: Typed,
}

/// What was typed into the page's forms, and what is wrong with it.
#[derive(Default)]
struct Typed {
    present: Field,
    new: Field,
    again: Field,
    off_password: Field,
    off_code: Field,
    codes_password: Field,
}

pub(super) struct SessionRow {
    pub(super) key: String,
    pub(super) browser: String,
    pub(super) title: String,
    pub(super) address: String,
    pub(super) created: When,
    pub(super) seen: When,
    pub(super) own: bool,
}

/// Rows of a list of sessions; `own` is the one that asks.
pub(super) fn session_rows(app: &App, sessions: Vec<SessionView>, own: &str) -> Vec<SessionRow> {
    let row = |session: SessionView| SessionRow {
        own: session.id == own,
        key: session.id,
        browser: browser_words(session.browser.as_deref().unwrap_or_default()),
        title: session.browser.unwrap_or_default(),
        address: session.address.unwrap_or_else(|| "unknown".into()),
        created: When::at(session.created_at),
        seen: When::since(session.last_seen_at, app.now()),
    };
    sessions.into_iter().map(row).collect()
}

/// Heads of the file of sessions.
const HEAD: [&str; 5] = ["browser", "calls itself", "address", "signed in", "last used"];

/// The same list as a file.
pub(super) fn session_file(name: &str, sessions: Vec<SessionView>) -> Response {
    let cells = |session: SessionView| {
        let agent = session.browser.unwrap_or_default();
        vec![
            browser_words(&agent),
            agent,
            session.address.unwrap_or_default(),
            csv::instant(session.created_at),
            csv::instant(session.last_seen_at),
        ]
    };
    csv::whole(name, &HEAD, sessions.into_iter().map(cells))
}

/// What a browser calls itself, in two words that people know.
fn browser_words(agent: &str) -> String {
    let first = |names: &[(&str, &'static str)]| {
        names.iter().find(|(part, _)| agent.contains(part)).map(|(_, name)| *name)
    };
    // In this order: most browsers name others as well.
    let browser = first(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) => "Another program".to_owned(),
    }
}

async fn own_user(app: &App, signed_in: &SignedIn) -> Result<User, Problem> {
    Ok(sessions::own_user(app, &signed_in.current).await?)
}

async fn draw(
    app: &App,
    signed_in: &SignedIn,
    status: StatusCode,
    notice: Option<Banner>,
    typed: Typed,
) -> Result<Response, Problem> {
    let user = own_user(app, signed_in).await?;
    let token = signed_in.visit.session.as_ref().map_or("", |session| session.token.as_str());
    let sessions = sessions::own(app, &signed_in.current).await?;
    let page = SecurityPage {
        frame: Frame { notice, ..signed_in.frame(app, Section::Preferences).await? },
        tabs: tabs(HERE),
        login: user.login,
        has_password: user.password_hash.is_some(),
        second_factor: user.second_factor.is_some(),
        codes_left: user.recovery_codes.len(),
        sessions: session_rows(app, sessions, &sessions::own_id(token)),
        typed,
    };
    show_with(status, &page)
}

/// `GET /preferences/security`.
async fn show_security(
    State(app): State<App>,
    signed_in: SignedIn,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let good = |title: &str, text: &str| Some(Banner::new(Tone::Good, title, text));
    let notice = match query.done.as_str() {
        "password" => good("Your password is changed", "Your other sessions have ended."),
        "off" => good("Your second factor is off", "Signing in takes your password alone now."),
        "ended" => good("The session has ended", ""),
        "others" => good("Your other sessions have ended", ""),
        _ => None,
    };
    if query.wants_file() {
        let sessions = sessions::own(&app, &signed_in.current).await?;
        return Ok(session_file("sessions", sessions));
    }
    draw(&app, &signed_in, StatusCode::OK, notice, Typed::default()).await
}

fn done(what: &str) -> Redirect {
    Redirect::to(&format!("{HERE}?done={what}"))
}

/// `POST /preferences/security/password`.
async fn change_password(
    State(app): State<App>,
    signed_in: SignedIn,
    form: Posted,
) -> Result<Response, Problem> {
    let mut typed = Typed::default();
    if form.raw("present").is_empty() {
        typed.present.refuse("Type your present password");
    }
    let new = typed_password(&form, &mut typed.new, &mut typed.again);
    let mut status = StatusCode::UNPROCESSABLE_ENTITY;
    if let (Some(new), None) = (new, &typed.present.problem) {
        let present = form.raw("present").to_owned();
        match sessions::change_password(&app, &signed_in.current, present, new).await {
            Ok(()) => return go_on(&app, &signed_in, done("password").into_response()).await,
            Err(error @ (ChangeError::Wrong | ChangeError::Wait { .. })) => {
                status = wait_status(&error);
                typed.present.refuse(capitalised(&error.to_string()));
            }
            Err(error) => status = refuse_password(error, &mut typed.new)?,
        }
    }
    draw(&app, &signed_in, status, None, typed).await
}

fn wait_status(error: &ChangeError) -> StatusCode {
    match error {
        ChangeError::Wait { .. } => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

/// A new session in place of the one that asks: what it proved has changed.
async fn go_on(app: &App, signed_in: &SignedIn, response: Response) -> Result<Response, Problem> {
    let Some(session) = &signed_in.visit.session else { return Ok(response) };
    let browser = signed_in.visit.browser();
    let renewed = sessions::renew(app, &session.token, signed_in.current.user, &browser).await?;
    with_session(&renewed, response)
}

fn enrolment_page(
    signed_in: &SignedIn,
    user: &User,
    enrolment: second_factor::Enrolment,
    (password, code): (Field, Field),
) -> EnrolmentPage {
    EnrolmentPage {
        frame: signed_in.visit.frame(),
        lead: "From then on, signing in takes your password and the code that your phone shows.",
        action: format!("{HERE}/second-factor"),
        back: HERE.into(),
        cancel: HERE.into(),
        enrolment,
        password: user.password_hash.is_some().then_some(password),
        code,
    }
}

/// `GET /preferences/security/second-factor`.
async fn show_enrolment(State(app): State<App>, signed_in: SignedIn) -> Result<Response, Problem> {
    let user = own_user(&app, &signed_in).await?;
    if user.second_factor.is_some() {
        return Ok(Redirect::to(HERE).into_response());
    }
    show(&enrolment_page(&signed_in, &user, second_factor::begin(&app, &user)?, Default::default()))
}

/// `POST /preferences/security/second-factor`.
async fn enrol(State(app): State<App>, signed_in: SignedIn, form: Posted) -> Result<Response, Problem> {
    let user = own_user(&app, &signed_in).await?;
    let (mut password, typed) = (Field::default(), form.raw("password").to_owned());
    if user.password_hash.is_some() && !password_again(&app, &signed_in, &user, &typed, &mut password).await?
    {
        let enrolment = match second_factor::resume(&app, &user, form.text("sealed"))? {
            Some(enrolment) => enrolment,
            None => second_factor::begin(&app, &user)?,
        };
        let page = enrolment_page(&signed_in, &user, enrolment, (password, Field::default()));
        return show_with(StatusCode::UNPROCESSABLE_ENTITY, &page);
    }
    match confirm(&app, signed_in.principal(), &user, &form).await? {
        Ok(codes) => {
            let page = RecoveryCodesPage { frame: signed_in.visit.frame(), codes, back: HERE.into() };
            go_on(&app, &signed_in, show_once(&page, HERE)?).await
        }
        Err((status, enrolment, code)) => {
            show_with(status, &enrolment_page(&signed_in, &user, enrolment, (password, code)))
        }
    }
}

/// Checks the password again before something is taken from the account's safety.
async fn password_again(
    app: &App,
    signed_in: &SignedIn,
    user: &User,
    typed: &str,
    field: &mut Field,
) -> Result<bool, Problem> {
    if typed.is_empty() {
        field.refuse("Type your password");
        return Ok(false);
    }
    let address = signed_in.visit.address.as_deref();
    match sessions::confirm_password(app, user, typed.to_owned(), address).await {
        Ok(()) => Ok(true),
        Err(ChangeError::App(error)) => Err(error.into()),
        Err(error) => {
            field.refuse(capitalised(&error.to_string()));
            Ok(false)
        }
    }
}

/// `POST /preferences/security/second-factor/off`.
async fn turn_off(State(app): State<App>, signed_in: SignedIn, form: Posted) -> Result<Response, Problem> {
    let user = own_user(&app, &signed_in).await?;
    let mut typed = Typed::default();
    let password = form.raw("off_password").to_owned();
    if password_again(&app, &signed_in, &user, &password, &mut typed.off_password).await? {
        let address = signed_in.visit.address.as_deref();
        match second_factor::check(&app, &user, form.text("off_code"), address).await {
            Ok(()) => {
                second_factor::disable(&app, signed_in.principal(), &user).await?;
                return go_on(&app, &signed_in, done("off").into_response()).await;
            }
            Err(CodeError::App(error)) => return Err(error.into()),
            Err(error) => typed.off_code.refuse(capitalised(&error.to_string())),
        }
    }
    draw(&app, &signed_in, StatusCode::UNPROCESSABLE_ENTITY, None, typed).await
}

/// `POST /preferences/security/recovery-codes`.
async fn make_codes(State(app): State<App>, signed_in: SignedIn, form: Posted) -> Result<Response, Problem> {
    let user = own_user(&app, &signed_in).await?;
    let mut typed = Typed::default();
    let password = form.raw("codes_password").to_owned();
    if password_again(&app, &signed_in, &user, &password, &mut typed.codes_password).await? {
        let codes = second_factor::replace_recovery_codes(&app, signed_in.principal(), &user).await?;
        let page = RecoveryCodesPage { frame: signed_in.visit.frame(), codes, back: HERE.into() };
        return show_once(&page, HERE);
    }
    draw(&app, &signed_in, StatusCode::UNPROCESSABLE_ENTITY, None, typed).await
}

/// `POST /preferences/security/sessions/{session}/end`.
async fn end_session(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<String>,
    _form: Posted,
) -> Result<Response, Problem> {
    match sessions::end_own(&app, &signed_in.current, &id).await {
        // It may have ended by itself meanwhile.
        Ok(()) | Err(AppError::Refused(_)) => Ok(done("ended").into_response()),
        Err(error) => Err(error.into()),
    }
}

/// `POST /preferences/security/sessions/end-others`.
async fn end_others(State(app): State<App>, signed_in: SignedIn, _form: Posted) -> Result<Response, Problem> {
    if let Some(session) = &signed_in.visit.session {
        sessions::end_others(&app, &signed_in.current, &session.token).await?;
    }
    Ok(done("others").into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_told_in_words() {
        for (agent, words) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1",
                "Safari on iPhone",
            ),
            ("curl/8.5", "Another program"),
            ("", "Another program"),
        ] {
            assert_eq!(browser_words(agent), words);
        }
    }
}
