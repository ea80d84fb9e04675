//! Preferences: what a person chooses for themselves. Time zone and appearance here.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use seatpool_domain::command::Refused;

use super::form::Field;
use super::frame::{Appearance, Banner, Frame, TabLink};
use super::guard::Posted;
use super::page::{ListQuery, show_with};
use super::part::{Tone, When};
use super::problem::Problem;
use super::section::Section;
use super::visit::SignedIn;
use super::zone;
use crate::app::{App, AppError, preferences};

/// The tabs of Preferences, by name and path; a page of them has its line here.
const TABS: &[(&str, &str)] = &[("General", "/preferences"), ("Security", "/preferences/security")];

/// The tabs, with the one at `path` as the present one.
pub(super) fn tabs(path: &str) -> Vec<TabLink> {
    let tab = |(name, href): &(&'static str, &str)| TabLink {
        name,
        href: (*href).to_owned(),
        current: *href == path,
        count: None,
    };
    TABS.iter().map(tab).collect()
}

#[derive(Template)]
#[template(path = "preferences.html")]
struct PreferencesPage {
    frame: Frame,
    tabs: Vec<TabLink>,
    zone: Field,
    zones: Vec<String>,
    now: When,
    appearances: [(Appearance, &'static str); 3],
}

/// The routes.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/preferences", get(show_preferences))
        .route("/preferences/time-zone", post(choose_time_zone))
}

/// `GET /preferences`.
async fn show_preferences(
    State(app): State<App>,
    signed_in: SignedIn,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let notice = (query.done == "zone").then(|| {
        let zone = zone::shown().iana_name().unwrap_or("UTC").to_owned();
        Banner::new(
            Tone::Good,
            format!("Times are shown in {zone}"),
            "The exact instant in UTC is shown on hover.",
        )
    });
    let shown = Field::of(zone::shown().iana_name().unwrap_or("UTC"));
    page(&app, &signed_in, StatusCode::OK, shown, notice).await
}

async fn page(
    app: &App,
    signed_in: &SignedIn,
    status: StatusCode,
    zone: Field,
    notice: Option<Banner>,
) -> Result<Response, Problem> {
    let frame = signed_in.frame(app, Section::Preferences).await?;
    show_with(
        status,
        &PreferencesPage {
            frame: Frame { notice, ..frame },
            tabs: tabs("/preferences"),
            zone,
            zones: preferences::time_zones(),
            now: When::at(app.now()),
            appearances: [
                (Appearance::System, "As the system says"),
                (Appearance::Light, "Light"),
                (Appearance::Dark, "Dark"),
            ],
        },
    )
}

/// `POST /preferences/time-zone`.
async fn choose_time_zone(
    State(app): State<App>,
    signed_in: SignedIn,
    form: Posted,
) -> Result<Response, Problem> {
    let mut field = Field::of(form.text("zone"));
    match preferences::choose_time_zone(&app, signed_in.principal(), &field.value).await {
        Ok(_) => Ok(Redirect::to("/preferences?done=zone").into_response()),
        Err(AppError::Refused(Refused::Invalid { problem, .. })) => {
            field.refuse(format!("This zone {problem}"));
            page(&app, &signed_in, StatusCode::UNPROCESSABLE_ENTITY, field, None).await
        }
        Err(error) => Err(error.into()),
    }
}
