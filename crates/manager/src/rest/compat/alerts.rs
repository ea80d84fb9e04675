//! Alerts of a smart account.

use axum::extract::State;
use seatpool_store::Page;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::shape::{Answer, Body, Caller, Failure, Path, Reply, lenient_number, page};
use crate::app::App;
use crate::app::access;
use crate::app::alerts::{self, AlertQuery, Raised, SeverityView};

/// Which alerts to list.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct AlertsBody {
    /// How many rows; -1 for all; 50 if absent.
    #[serde(deserialize_with = "lenient_number")]
    limit: Option<i64>,
    /// How many rows to skip.
    #[serde(deserialize_with = "lenient_number")]
    offset: Option<i64>,
}

/// Alerts.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Alerts {
    /// How many there are in all.
    total_records: u64,
    alerts: Vec<AlertRow>,
}

/// An alert.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AlertRow {
    /// As in `Insufficient Licenses`.
    message_type: &'static str,
    /// `Major`, `Minor` or `Informational`.
    severity: &'static str,
    /// The licence, product instance or token.
    source: String,
    message: String,
    virtual_account: String,
    /// As in `2026-03-04T05:06:07Z`; null where nothing has to be done by then.
    action_due: Option<String>,
}

/// List alerts
#[utoipa::path(
    post, path = "/v1/accounts/{domain}/alerts", tag = "compatible",
    params(("domain" = String, Path, description = "The smart account's domain")),
    request_body = AlertsBody,
    responses(
        (status = 200, description = "The gravest first", body = Answer<Alerts>),
        (status = 401, description = "No valid access token", body = Failure),
        (status = 404, description = "No such account", body = Failure),
    )
)]
pub(crate) async fn list_alerts(
    State(app): State<App>,
    Caller(principal): Caller,
    Path(domain): Path<String>,
    Body(body): Body<AlertsBody>,
) -> Reply<Alerts> {
    let page: Page = page(body.limit, body.offset)?;
    let account = access::account(&app, &principal, &domain).await?;
    let found = alerts::list(&app, &principal, account.id, &AlertQuery::default(), page).await?;
    let alerts = found.items.iter().map(row).collect();
    Ok(Answer::success(Alerts { total_records: found.total, alerts }))
}

fn row(raised: &Raised) -> AlertRow {
    let alert = &raised.alert;
    AlertRow {
        message_type: alert.kind.title(),
        severity: SeverityView::from(alert.severity).words(),
        source: alert.subject.name().to_owned(),
        message: alert.message.to_string(),
        virtual_account: alert.place.name.clone(),
        action_due: alert.due.map(|due| due.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
    }
}
