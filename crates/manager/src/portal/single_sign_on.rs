//! Single sign-on: to the provider and back.

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Redirect, Response};
use axum::routing::get;

use super::problem::Problem;
use super::sign_in::{SignInQuery, capitalised, end_earlier, proceed, with_cookie};
use super::sign_in_steps::checked_back;
use super::visit::{Visit, cookie};
use crate::app::App;
use crate::app::access::oidc::{self, OidcError, Returned};

/// What a single sign-on under way must bring back.
const SINGLE_COOKIE: &str = "__Host-seatpool-oidc";

pub(super) fn routes() -> Router<App> {
    Router::new().route("/sign-in/oidc", get(begin_single)).route(oidc::CALLBACK, get(finish_single))
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
