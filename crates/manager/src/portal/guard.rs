//! What holds for every answer of the portal: security headers, problems drawn as pages; and for every form:
//! it comes from a page of this session.

use askama::Template as _;
use axum::Form;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts as _, Request};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, LOCATION, REFERRER_POLICY, SET_COOKIE,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use seatpool_proto::Sha256;

use super::problem::{Problem, ProblemPage};
use super::upload;
use super::visit::{Slot, Visit};
use super::zone;
use crate::app::App;
use crate::app::forms::{self, Ticket};

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
pub(crate) async fn around(mut request: Request, next: Next) -> Response {
    let slot = Slot::default();
    request.extensions_mut().insert(slot.clone());
    zone::scope(answer(request, next, slot)).await
}

async fn answer(request: Request, next: Next, slot: Slot) -> Response {
    let mut response = next.run(request).await;
    if let Some(ticket) = slot.take_ticket() {
        let answer = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
        let answer = answer.filter(|_| response.status() == StatusCode::SEE_OTHER).map(str::to_owned);
        finish(ticket, answer).await;
    }
    let visit = slot.visit.get();
    if let (Some(problem), Some(visit)) = (response.extensions_mut().remove::<Problem>(), visit) {
        response = draw(problem, visit);
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

/// Notes what came of the form, if one was sent.
async fn finish(ticket: Ticket, answer: Option<String>) {
    if let Err(error) = ticket.finish(answer.as_deref()).await {
        tracing::warn!(%error, "what came of a form could not be noted");
    }
}

fn draw(problem: Problem, visit: &Visit) -> Response {
    let frame = visit.frame();
    let status = problem.status;
    let page = ProblemPage { frame, status: status.as_u16(), title: problem.title, text: problem.text };
    match page.render() {
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
        let (mut parts, body) = request.into_parts();
        let visit = Visit::from_request_parts(&mut parts, app).await?;
        if is_from_elsewhere(&parts.headers) {
            return Err(Problem::foreign_form());
        }
        let slot = parts.extensions.get::<Slot>().cloned().unwrap_or_default();
        let path = visit.here.clone();
        let body = Bytes::from_request(Request::from_parts(parts.clone(), body), app).await;
        let body = body.map_err(|_| Problem::form_too_large())?;
        let request = Request::from_parts(parts, Body::from(body.clone()));
        // What can't be read as a form has no token.
        let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let fields = if let Some(boundary) = kind.and_then(upload::boundary) {
            upload::fields(&body, boundary)
        } else {
            let form = Form::<Vec<(String, String)>>::from_request(request, app).await;
            form.map(|form| form.0).unwrap_or_default()
        };
        let posted = Self { fields };
        let given = posted.raw("csrf").as_bytes();
        aws_lc_rs::constant_time::verify_slices_are_equal(given, visit.csrf().as_bytes())
            .map_err(|_| Problem::foreign_form())?;
        if visit.session.is_none() || posted.raw("form_id").is_empty() {
            return Ok(Ok(posted));
        }
        let sent = [visit.csrf().as_bytes(), path.as_bytes(), &body].join(&0);
        match forms::take(app, Sha256::of(sent)).await? {
            forms::Form::First(ticket) => {
                slot.keep_ticket(ticket);
                Ok(Ok(posted))
            }
            forms::Form::Done(answer) => Ok(Err(Redirect::to(&answer).into_response())),
            forms::Form::Unknown => Err(Problem::form_unknown()),
        }
    }
}

/// Whether the browser says that another site's page sends this (Fetch Metadata).
fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none")
}
