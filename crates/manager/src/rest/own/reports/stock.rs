//! Reports of what there is: licences, product instances, subscriptions.

use axum::Json;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::reports::stock::{self, InstanceRow, LicenseRow, SubscriptionQuery, SubscriptionRow};
use crate::csv::{self, Record};
use crate::rest::own::extract::{InAccount, PlaceParams, Query};
use crate::rest::own::instances::InstanceParams;
use crate::rest::own::paging::{PageParams, Rows};
use crate::rest::own::refusals::OfReader;
use crate::rest::problem::Problem;

/// Which subscriptions.
#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(crate) struct SubscriptionParams {
    /// Those alone that end within so many days.
    ends_within_days: Option<u32>,
    /// Also those that have ended.
    ended: bool,
}

impl SubscriptionParams {
    fn query(&self) -> SubscriptionQuery {
        SubscriptionQuery { within_days: self.ends_within_days, ended: self.ended }
    }
}

fn file<R: Record>(name: &str, rows: Vec<R>) -> Response {
    csv::whole(name, R::HEAD, rows.into_iter().map(Record::cells))
}

/// Report licences: purchased, in use, balance, next expiry
#[utoipa::path(
    get, path = "/accounts/{account}/reports/licenses", tag = "seatpool",
    params(("account" = String, Path, description = "The smart account's domain"), PlaceParams, PageParams),
    responses((status = 200, description = "By virtual account and name", body = Rows<LicenseRow>), OfReader)
)]
pub(crate) async fn report_licenses(
    at: InAccount,
    Query(params): Query<PlaceParams>,
    Query(page): Query<PageParams>,
) -> Result<Json<Rows<LicenseRow>>, Problem> {
    let (page, places) = (page.place()?, at.places(&params).await?);
    Ok(Json(page.cut(stock::licenses(&at.app, &at.principal, at.account, &places).await?)))
}

/// The same report as comma-separated values
#[utoipa::path(
    get, path = "/accounts/{account}/reports/licenses.csv", tag = "seatpool",
    params(("account" = String, Path, description = "The smart account's domain"), PlaceParams),
    responses((status = 200, description = "All rows", body = String, content_type = "text/csv"), OfReader)
)]
pub(crate) async fn report_licenses_as_csv(
    at: InAccount,
    Query(params): Query<PlaceParams>,
) -> Result<Response, Problem> {
    let places = at.places(&params).await?;
    Ok(file("licenses", stock::licenses(&at.app, &at.principal, at.account, &places).await?))
}

/// Report registered product instances: what they are, how they stand, what they use
#[utoipa::path(
    get, path = "/accounts/{account}/reports/instances", tag = "seatpool",
    params(("account" = String, Path, description = "The smart account's domain"), InstanceParams, PageParams),
    responses((status = 200, description = "In the order that was asked for", body = Rows<InstanceRow>), OfReader)
)]
pub(crate) async fn report_instances(
    at: InAccount,
    Query(params): Query<InstanceParams>,
    Query(page): Query<PageParams>,
) -> Result<Json<Rows<InstanceRow>>, Problem> {
    let (place, query) = (page.place()?, params.query(&at).await?);
    let found = stock::instances(&at.app, &at.principal, at.account, query, place.page()).await?;
    Ok(Json(place.rows(found)))
}

/// The same report as comma-separated values
#[utoipa::path(
    get, path = "/accounts/{account}/reports/instances.csv", tag = "seatpool",
    params(("account" = String, Path, description = "The smart account's domain"), InstanceParams),
    responses((status = 200, description = "All rows", body = String, content_type = "text/csv"), OfReader)
)]
pub(crate) async fn report_instances_as_csv(
    at: InAccount,
    Query(params): Query<InstanceParams>,
) -> Result<Response, Problem> {
    let query = params.query(&at).await?;
    csv::streamed("instances", InstanceRow::HEAD, move |page| {
        let (app, principal, query) = (at.app.clone(), at.principal.clone(), query.clone());
        let account = at.account;
        async move {
            let found = stock::instances(&app, &principal, account, query, page).await?;
            Ok(found.items.into_iter().map(Record::cells).collect())
        }
    })
    .await
}

/// Report subscriptions and everything that ends
#[utoipa::path(
    get, path = "/accounts/{account}/reports/subscriptions", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        PlaceParams, SubscriptionParams, PageParams,
    ),
    responses((status = 200, description = "What ends first comes first", body = Rows<SubscriptionRow>), OfReader)
)]
pub(crate) async fn report_subscriptions(
    at: InAccount,
    Query(params): Query<PlaceParams>,
    Query(which): Query<SubscriptionParams>,
    Query(page): Query<PageParams>,
) -> Result<Json<Rows<SubscriptionRow>>, Problem> {
    let (page, places) = (page.place()?, at.places(&params).await?);
    let rows = stock::subscriptions(&at.app, &at.principal, at.account, &places, which.query()).await?;
    Ok(Json(page.cut(rows)))
}

/// The same report as comma-separated values
#[utoipa::path(
    get, path = "/accounts/{account}/reports/subscriptions.csv", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        PlaceParams, SubscriptionParams,
    ),
    responses((status = 200, description = "All rows", body = String, content_type = "text/csv"), OfReader)
)]
pub(crate) async fn report_subscriptions_as_csv(
    at: InAccount,
    Query(params): Query<PlaceParams>,
    Query(which): Query<SubscriptionParams>,
) -> Result<Response, Problem> {
    let places = at.places(&params).await?;
    let rows = stock::subscriptions(&at.app, &at.principal, at.account, &places, which.query()).await?;
    Ok(file("subscriptions", rows))
}
