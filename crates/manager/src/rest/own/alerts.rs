//! Alerts: listing them, dismissing one, bringing it back.

use axum::Json;
use http::StatusCode;
use seatpool_domain::alert::Kind;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::extract::{InAccount, Last, MaybeBody, Query};
use super::paging::{PageParams, Rows};
use super::sorting::sorted;
use crate::app::accounts;
use crate::app::alerts::{self, AlertQuery, AlertSort, AlertView, SeverityView};
use crate::rest::problem::Problem;

/// Which alerts.
#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(crate) struct AlertParams {
    /// Of this virtual account only, by name or id.
    virtual_account: Option<String>,
    /// `major`, `minor` or `informational`.
    severity: Option<SeverityView>,
    /// Of this kind only, as in `insufficient_licenses`.
    kind: Option<String>,
    /// Those that were dismissed, in place of those that are raised.
    dismissed: bool,
    /// `severity` (the gravest first), `source` or `action_due`; with a `-` before it, from the other end. Of more than
    /// 1,000 alerts, by severity alone.
    sort: Option<String>,
}

/// What alerts can be sorted by.
const SORTS: [(&str, AlertSort); 3] =
    [("severity", AlertSort::Severity), ("source", AlertSort::Source), ("action_due", AlertSort::Due)];

/// In which state an alert was seen.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Dismissing {
    /// The `state` of the alert when it was read: it is not dismissed if that is another one by now.
    seen: Option<String>,
}

/// List alerts
#[utoipa::path(
    get, path = "/accounts/{account}/alerts", tag = "seatpool",
    params(("account" = String, Path, description = "The smart account's domain"), AlertParams, PageParams),
    responses(
        (status = 200, description = "By severity and kind, unless asked for otherwise", body = Rows<AlertView>),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account or virtual account", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Too many to be sorted so", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list_alerts(
    InAccount { app, principal, account }: InAccount,
    Query(params): Query<AlertParams>,
    Query(page): Query<PageParams>,
) -> Result<Json<Rows<AlertView>>, Problem> {
    let place = page.place()?;
    let (sort, backwards) = sorted(params.sort.as_deref(), &SORTS)?;
    let mut query = AlertQuery {
        sort,
        backwards,
        severity: params.severity.map(Into::into),
        dismissed: params.dismissed,
        ..AlertQuery::default()
    };
    if let Some(kind) = &params.kind {
        let known = || Kind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
        query.kind = Some(
            Kind::parse(kind)
                .ok_or_else(|| Problem::unreadable(format!("kind is {kind:?}: it is one of {}", known())))?,
        );
    }
    if let Some(name) = &params.virtual_account {
        let found = accounts::virtual_account(&app, &principal, account, name).await?;
        query.virtual_accounts.push(found.id);
    }
    let found = alerts::list(&app, &principal, account, &query, place.page()).await?;
    let items = found.items.iter().map(AlertView::from).collect();
    Ok(Json(place.rows(seatpool_store::Paged { items, total: found.total })))
}

/// Dismiss an alert for the state that it is raised for now: a worse one raises it anew
#[utoipa::path(
    post, path = "/accounts/{account}/alerts/{alert}/dismiss", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("alert" = String, Path, description = "The alert's id"),
    ),
    request_body = Option<Dismissing>,
    responses(
        (status = 200, description = "Dismissed", body = AlertView),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Does not manage its virtual account", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account or alert", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Its state is not the one that was seen: the detail says what it is", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "It goes when its cause is mended, and can't be dismissed", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn dismiss_alert(
    InAccount { app, principal, account }: InAccount,
    Last(key): Last,
    MaybeBody(body): MaybeBody<Dismissing>,
) -> Result<Json<AlertView>, Problem> {
    let dismissed = alerts::dismiss(&app, &principal, account, &key, body.seen.as_deref()).await?;
    Ok(Json(AlertView::from(&dismissed)))
}

/// Bring a dismissed alert back
#[utoipa::path(
    post, path = "/accounts/{account}/alerts/{alert}/restore", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("alert" = String, Path, description = "The alert's id"),
    ),
    responses(
        (status = 204, description = "Raised again, if its cause is there still"),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Does not manage its virtual account", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account or dismissed alert", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn restore_alert(
    InAccount { app, principal, account }: InAccount,
    Last(key): Last,
) -> Result<StatusCode, Problem> {
    alerts::restore(&app, &principal, account, &key).await?;
    Ok(StatusCode::NO_CONTENT)
}
