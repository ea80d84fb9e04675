//! Reports, as JSON and as CSV; and the catalogue of licences.

pub(super) mod stock;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;
use jiff::Timestamp;
use seatpool_domain::history::Span;
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{Caller, InAccount, Query};
use crate::app::catalogue::{self, CatalogueLicense};
use crate::app::reports::{self, UsageQuery, UsageReport};
use crate::app::{App, accounts};
use crate::rest::problem::Problem;

/// List the licences that exist
///
/// What orders, declarations and queries may name: by family, and in it from the top tier down.
#[utoipa::path(
    get, path = "/licenses", tag = "seatpool",
    responses(
        (status = 200, description = "The catalogue", body = Vec<CatalogueLicense>),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list_catalogue(
    State(app): State<App>,
    Caller(_anyone): Caller,
) -> Json<Vec<CatalogueLicense>> {
    Json(catalogue::licenses(&app))
}

/// What to report.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct UsageParams {
    /// The virtual account, by name or id.
    virtual_account: String,
    /// The licence, by name or tag.
    license: String,
    /// From when; 30 days before `to` if absent.
    from: Option<Timestamp>,
    /// Until when; now if absent.
    to: Option<Timestamp>,
    /// `hour` or `day` (UTC); if absent, hours up to seven days, days beyond. Hours are kept for 60 days.
    #[param(value_type = Option<String>)]
    step: Option<Span>,
}

async fn report(at: &InAccount, params: UsageParams) -> Result<UsageReport, Problem> {
    let (app, principal, account) = (&at.app, &at.principal, at.account);
    let place = accounts::virtual_account(app, principal, account, &params.virtual_account).await?.id;
    let query = UsageQuery { from: params.from, to: params.to, step: params.step };
    Ok(reports::usage(app, principal, account, place, &params.license, query).await?)
}

/// Report the usage of a licence against what was owned, over time
#[utoipa::path(
    get, path = "/accounts/{account}/reports/usage", tag = "seatpool",
    params(("account" = String, Path, description = "The smart account's domain"), UsageParams),
    responses(
        (status = 200, description = "Oldest step first", body = UsageReport),
        (status = 400, description = "The query can't be read", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account, virtual account or licence", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "A value can't be taken", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn report_usage(
    at: InAccount,
    Query(params): Query<UsageParams>,
) -> Result<Json<UsageReport>, Problem> {
    Ok(Json(report(&at, params).await?))
}

/// The same report as comma-separated values
#[utoipa::path(
    get, path = "/accounts/{account}/reports/usage.csv", tag = "seatpool",
    params(("account" = String, Path, description = "The smart account's domain"), UsageParams),
    responses(
        (status = 200, description = "A head line, then a line for each step", body = String, content_type = "text/csv"),
        (status = 400, description = "The query can't be read", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account, virtual account or licence", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "A value can't be taken", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn report_usage_as_csv(
    at: InAccount,
    Query(params): Query<UsageParams>,
) -> Result<Response, Problem> {
    let report = report(&at, params).await?;
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], report.to_csv()).into_response())
}
