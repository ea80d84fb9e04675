//! What a person prefers. A request in a client's own name has no person.

use axum::Json;
use axum::extract::State;
use http::StatusCode;

use super::extract::{Body, Caller};
use crate::app::App;
use crate::app::preferences::{self, PreferencesView};
use crate::rest::problem::Problem;

/// Show what the person prefers in whose name the access token was granted
#[utoipa::path(
    get, path = "/preferences", tag = "seatpool",
    responses(
        (status = 200, description = "The time zone of the portal's times", body = PreferencesView),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The access token is a client's own", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn show_preferences(
    State(app): State<App>,
    Caller(principal): Caller,
) -> Result<Json<PreferencesView>, Problem> {
    preferences::own(&app, &principal).await?.map(Json).ok_or_else(no_person)
}

/// Change what that person prefers
#[utoipa::path(
    put, path = "/preferences", tag = "seatpool", request_body = PreferencesView,
    responses(
        (status = 200, description = "Changed", body = PreferencesView),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The access token is a client's own, or only reads", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "There is no such time zone", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn change_preferences(
    State(app): State<App>,
    Caller(principal): Caller,
    Body(new): Body<PreferencesView>,
) -> Result<Json<PreferencesView>, Problem> {
    preferences::change_own(&app, &principal, &new).await?.map(Json).ok_or_else(no_person)
}

/// List the time zones that can be chosen
#[utoipa::path(
    get, path = "/time-zones", tag = "seatpool",
    responses(
        (status = 200, description = "As the time zone database names them", body = Vec<String>),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list_time_zones(Caller(_anyone): Caller) -> Json<Vec<String>> {
    Json(preferences::time_zones())
}

fn no_person() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "not_a_person",
        "Preferences are a person's",
        "the access token was granted to a client, which has no preferences",
        "Ask with a token that the password grant gave in a user's name, or use the portal.",
    )
}
