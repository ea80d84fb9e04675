//! Alerts of a smart account.

use seatpool_domain::event::Severity;
use serde::Serialize;
use utoipa::ToSchema;

use super::extract::{Body, InAccount, Listing};
use super::shape::{Answer, OfAccount, Reply, instant};
use crate::app::alerts::{self, AlertQuery, Raised, SeverityView};

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
    /// `Major` or `Minor`.
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
    request_body = Listing,
    responses(
        (status = 200, description = "The gravest first", body = Answer<Alerts>),
        OfAccount,
    )
)]
pub(crate) async fn list_alerts(at: InAccount, Body(listing): Body<Listing>) -> Reply<Alerts> {
    let query = AlertQuery { virtual_accounts: at.listed(&listing).await?, ..AlertQuery::default() };
    let found = alerts::list(&at.app, &at.principal, at.account, &query, listing.page()?).await?;
    let alerts = found.items.iter().map(row).collect();
    Ok(Answer::success(Alerts { total_records: found.total, alerts }))
}

fn row(raised: &Raised) -> AlertRow {
    let alert = &raised.alert;
    AlertRow {
        message_type: alert.kind.title(),
        severity: severity(alert.severity).words(),
        source: alert.subject.name().to_owned(),
        message: alert.message.to_string(),
        virtual_account: alert.place.name.clone(),
        action_due: alert.due.map(instant),
    }
}

/// Scripts know two severities here: what is only to be known is told as the milder of them (decision 0019).
fn severity(of: Severity) -> SeverityView {
    match SeverityView::from(of) {
        SeverityView::Informational => SeverityView::Minor,
        known => known,
    }
}
