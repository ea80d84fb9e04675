//! The event log.

use axum::Json;
use axum::extract::State;
use seatpool_domain::EventKind;
use seatpool_store::EventQuery;
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{Caller, Path, Query, account};
use super::paging::{PageParams, Rows};
use crate::app::access::unknown;
use crate::app::audit::{self, VerificationView};
use crate::app::events::{self, EventView};
use crate::app::{App, accounts, inventory};
use crate::rest::problem::Problem;

/// Which events.
#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(crate) struct EventParams {
    /// Of this virtual account only, by name or id. Needed by who has a role in a virtual account only.
    virtual_account: Option<String>,
    /// Of this licence only, by name or tag.
    license: Option<String>,
    /// Of this product instance only.
    instance: Option<String>,
    /// Of this kind only, as in `licenses_ordered`.
    kind: Option<String>,
    /// Part of the message.
    text: Option<String>,
    /// How many rows, 1 to 1000; 100 if absent.
    limit: Option<u32>,
    /// `next_cursor` of the page before. Events that come meanwhile shift nothing.
    cursor: Option<String>,
}

/// List events
#[utoipa::path(
    get, path = "/accounts/{account}/events", tag = "seatpool",
    params(("account" = String, Path, description = "The smart account's domain"), EventParams),
    responses(
        (status = 200, description = "Newest first", body = Rows<EventView>),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Of the whole account, without a role in it", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account, virtual account or licence", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list_events(
    State(app): State<App>,
    Caller(principal): Caller,
    Path(domain): Path<String>,
    Query(params): Query<EventParams>,
) -> Result<Json<Rows<EventView>>, Problem> {
    let account = account(&app, &principal, &domain).await?;
    let mut query = EventQuery { text: params.text.filter(|text| !text.is_empty()), ..EventQuery::default() };
    if let Some(name) = &params.virtual_account {
        query.virtual_account = Some(accounts::virtual_account(&app, &principal, account, name).await?.id);
    }
    if let Some(license) = &params.license {
        query.tag = Some(inventory::known_tag(&app, license)?);
    }
    if let Some(id) = &params.instance {
        query.instance = Some(id.parse().map_err(|_| unknown("product instance"))?);
    }
    if let Some(kind) = &params.kind {
        let known = EventKind::parse(kind);
        query.kind = Some(known.ok_or_else(|| {
            let kinds: Vec<_> = EventKind::ALL.iter().map(|kind| kind.as_str()).collect();
            Problem::unreadable(format!("kind is one of {}, not {kind:?}", kinds.join(", ")))
        })?);
    }
    let mut place = PageParams { limit: params.limit, cursor: params.cursor }.place()?;
    let read = |page| events::list(&app, &principal, account, query.clone(), page);
    let mut found = read(place.page()).await?;
    if let Some(moved) = place.moved(found.total) {
        place = moved;
        found = read(place.page()).await?;
    }
    Ok(Json(place.rows(found)))
}

/// Verify the event log
///
/// Recomputes the chain from the first event on, and names the first that was altered, inserted, removed or
/// reordered. It reads the whole log, one account's at a time.
#[utoipa::path(
    get, path = "/accounts/{account}/events/verification", tag = "seatpool",
    params(("account" = String, Path, description = "The smart account's domain")),
    responses(
        (status = 200, description = "What was found", body = VerificationView),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Without a role in the whole account", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn verify_events(
    State(app): State<App>,
    Caller(principal): Caller,
    Path(domain): Path<String>,
) -> Result<Json<VerificationView>, Problem> {
    let account = account(&app, &principal, &domain).await?;
    Ok(Json(audit::verify(&app, &principal, account).await?))
}
