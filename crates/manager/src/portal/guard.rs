//! What holds for every answer of the portal: security headers, problems drawn as pages; and for every form:
//! it comes from a page of this session, is done once, and is not lost when the session has ended.

use askama::Template as _;
use axum::extract::{FromRequest, FromRequestParts as _, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, LOCATION, REFERRER_POLICY, RETRY_AFTER,
    SET_COOKIE, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use seatpool_proto::Sha256;
use tracing::Instrument as _;

use super::page::ShownOnce;
use super::problem::{Onward, Problem, ProblemPage};
use super::resume;
use super::sent::Sent;
use super::visit::{SESSION_COOKIE, SignInFirst, Slot, Visit, cookie};
use super::zone;
use crate::app::App;
use crate::app::forms::{self, Came, Sender, Ticket};

/// Nothing from elsewhere, nothing inline, no frames.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; font-src 'self'; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 8] = [
    // For browsers that do not know `frame-ancestors`.
    (X_FRAME_OPTIONS, "DENY"),
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "same-origin"),
    (STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(), payment=()"),
];

/// Around every route.
pub(crate) async fn around(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let slot = Slot::default();
    request.extensions_mut().insert(slot.clone());
    let is_form = !request.method().is_safe();
    let work = zone::scope(answer(app, request, next, slot));
    if !is_form {
        return work.await;
    }
    // A browser that sends a form twice goes away from the first; what that one is at is brought to its end.
    match tokio::spawn(work.in_current_span()).await {
        Ok(response) => response,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

async fn answer(app: App, request: Request, next: Next, slot: Slot) -> Response {
    let session = cookie(request.headers(), SESSION_COOKIE).map(Sha256::of);
    let (sent, request) = Sent::read(request).await;
    let mut response = next.run(request).await;
    let visit = slot.visit.get();
    if let (Some(sent), Some(visit)) = (&sent, visit) {
        response = came_of(&app, &slot, sent, visit, session, response).await;
    } else if let Some(asked) = visit.and_then(resume::asked) {
        response = resume::show(&app, asked, response).await;
    }
    if let (Some(problem), Some(visit)) = (response.extensions_mut().remove::<Problem>(), visit) {
        let onward = response.extensions_mut().remove::<Onward>();
        response = draw(problem, onward, visit);
    }
    let is_page =
        response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let headers = response.headers_mut();
    if let Some(visit) = visit.filter(|visit| {
        is_page && visit.session.is_none() && visit.unfinished.is_none() && visit.form_token_is_new
    }) && let Ok(cookie) = HeaderValue::from_str(&visit.form_cookie())
    {
        headers.append(SET_COOKIE, cookie);
    }
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Notes what came of a form; and where it was not taken, looks for what there is instead of saying so.
async fn came_of(
    app: &App,
    slot: &Slot,
    sent: &Sent,
    visit: &Visit,
    session: Option<Sha256>,
    mut response: Response,
) -> Response {
    let known = visit.session.as_ref().or(visit.unfinished.as_ref());
    let sender = Sender { user: known.map(|session| session.current.user), session };
    let real = app.clock().real();
    if let Some(ticket) = slot.take_ticket() {
        let led = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
        let led = led.filter(|_| response.status() == StatusCode::SEE_OTHER).map(str::to_owned);
        let came = match (response.extensions_mut().remove::<ShownOnce>(), led) {
            (Some(once), _) => {
                app.shown().keep(sent.digest(), sender, once.page, real);
                Came::Showed(once.next)
            }
            (None, Some(to)) => Came::Led(to),
            (None, None) => Came::Nothing,
        };
        finish(ticket, came).await;
        return response;
    }
    if response.status().is_success() {
        return response;
    }
    if let Some(page) = app.shown().find(sent.digest(), sender, real) {
        return Html(page).into_response();
    }
    let is_too_late = response.extensions().get::<SignInFirst>().is_some()
        || response.extensions().get::<Problem>() == Some(&Problem::foreign_form());
    if is_too_late { resume::keep(app, visit, sent).await.unwrap_or(response) } else { response }
}

async fn finish(ticket: Ticket, came: Came) {
    if let Err(error) = ticket.finish(came).await {
        tracing::warn!(%error, "what came of a form could not be noted");
    }
}

fn draw(problem: Problem, onward: Option<Onward>, visit: &Visit) -> Response {
    let frame = visit.frame();
    let status = problem.status;
    let page = ProblemPage {
        frame,
        status: status.as_u16(),
        title: problem.title,
        text: problem.text,
        onward: onward.map(|onward| onward.0),
    };
    match page.render() {
        // The default for what passes by itself; who knows better says so.
        Ok(text) if status == StatusCode::SERVICE_UNAVAILABLE => {
            (status, [(RETRY_AFTER, "5")], Html(text)).into_response()
        }
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => {
            tracing::error!(%error, "the page of a problem could not be drawn");
            status.into_response()
        }
    }
}

/// The fields of a form that a page of this session made.
pub(crate) struct Posted {
    fields: Vec<(String, String)>,
}

impl Posted {
    /// A field as it was typed, spaces around it aside; empty if absent.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// A field as it was typed; empty if absent.
    pub(crate) fn raw(&self, name: &str) -> &str {
        self.fields.iter().rfind(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// Everything that was given under one name, such as ticked boxes.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl FromRequest<App> for Posted {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        Self::read(request, app).await.map_err(IntoResponse::into_response)?
    }
}

impl Posted {
    /// The fields; or instead of them, where the same form led before.
    async fn read(request: Request, app: &App) -> Result<Result<Self, Response>, Problem> {
        let (mut parts, _) = request.into_parts();
        let visit = Visit::from_request_parts(&mut parts, app).await?;
        // Every form passes through `around`, which has read it.
        let sent = parts.extensions.get::<Sent>().filter(|sent| !sent.is_from_elsewhere());
        let sent = sent.ok_or_else(Problem::foreign_form)?;
        let fields = sent.fields().ok_or_else(Problem::form_too_large)?.to_vec();
        let given = sent.field("csrf").as_bytes();
        aws_lc_rs::constant_time::verify_slices_are_equal(given, visit.csrf().as_bytes())
            .map_err(|_| Problem::foreign_form())?;
        let is_known = visit.session.is_some() || visit.unfinished.is_some();
        if !is_known || sent.field("form_id").is_empty() {
            return Ok(Ok(Self { fields }));
        }
        match forms::take(app, sent.digest()).await? {
            forms::Form::First(ticket) => {
                let slot = parts.extensions.get::<Slot>().cloned().unwrap_or_default();
                slot.keep_ticket(ticket);
                Ok(Ok(Self { fields }))
            }
            forms::Form::Done(answer) => Ok(Err(Redirect::to(&answer).into_response())),
            forms::Form::Shown(next) => Ok(Err(Problem::shown_before(next))),
            forms::Form::Unknown => Err(Problem::form_unknown()),
        }
    }
}
