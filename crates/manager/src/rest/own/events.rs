//! The event log.

use axum::Json;
use jiff::Timestamp;
use seatpool_domain::EventKind;
use seatpool_proto::Sha256;
use seatpool_store::EventQuery;
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{InAccount, Query};
use super::paging::{PageParams, Rows};
use super::sorting::sorted;
use crate::app::access::unknown;
use crate::app::audit::{self, VerificationView};
use crate::app::events::{self, EventView};
use crate::app::{accounts, inventory};
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
    /// Of this product instance only, by id, or by its name or serial number as the log shows it; removed ones are found, too.
    instance: Option<String>,
    /// Of this kind only, as in `licenses_ordered`.
    kind: Option<String>,
    /// Part of the message, of who, or of from where.
    text: Option<String>,
    /// By whom: a sign-in name, a client's name or id, a product instance's id, or `system`.
    actor: Option<String>,
    /// Not before this instant, as in `2026-03-04T05:06:07Z`.
    since: Option<Timestamp>,
    /// Before this instant.
    until: Option<Timestamp>,
    /// `-time`, the newest first, unless this is `time`.
    sort: Option<String>,
}

/// List events
///
/// Events that come meanwhile shift no page.
#[utoipa::path(
    get, path = "/accounts/{account}/events", tag = "seatpool",
    params(("account" = String, Path, description = "The smart account's domain"), EventParams, PageParams),
    responses(
        (status = 200, description = "Newest first, unless asked for otherwise", body = Rows<EventView>),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Of the whole account, without a role in it", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account, virtual account or licence", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list_events(
    InAccount { app, principal, account }: InAccount,
    Query(params): Query<EventParams>,
    Query(page): Query<PageParams>,
) -> Result<Json<Rows<EventView>>, Problem> {
    let ((), newest_first) = sorted(params.sort.as_deref().or(Some("-time")), &[("time", ())])?;
    let oldest_first = !newest_first;
    let mut query = EventQuery {
        text: params.text.filter(|text| !text.is_empty()),
        since: params.since,
        until: params.until,
        oldest_first,
        ..EventQuery::default()
    };
    if let Some(name) = &params.virtual_account {
        query.virtual_account = Some(accounts::virtual_account(&app, &principal, account, name).await?.id);
    }
    if let Some(license) = &params.license {
        query.tag = Some(inventory::known_tag(&app, license)?);
    }
    if let Some(id) = &params.instance {
        query.instances =
            events::instances_named(&app, &principal, account, query.virtual_account, id).await?;
        if query.instances.is_empty() {
            return Err(unknown("product instance").into());
        }
    }
    if let Some(kind) = &params.kind {
        let known = EventKind::parse(kind);
        query.kind = Some(known.ok_or_else(|| {
            let kinds: Vec<_> = EventKind::ALL.iter().map(|kind| kind.as_str()).collect();
            Problem::unreadable(format!("kind is one of {}, not {kind:?}", kinds.join(", ")))
        })?);
    }
    if let Some(actor) = params.actor.filter(|actor| !actor.trim().is_empty()) {
        query.actor = Some(events::actor_named(&app, account, &actor).await?);
    }
    let mut place = page.place()?;
    let read = |page| events::list(&app, &principal, account, query.clone(), page);
    let mut found = read(place.page()).await?;
    // What comes meanwhile comes at the front of the newest, and at the end of the oldest.
    if let Some(moved) = place.moved(found.total).filter(|_| newest_first) {
        place = moved;
        found = read(place.page()).await?;
    }
    Ok(Json(place.rows(found)))
}

/// What is known of the log.
#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(crate) struct KnownHead {
    /// The `head` of an earlier verification: an event with this hash has to be in the log.
    #[param(value_type = Option<String>)]
    head: Option<Sha256>,
}

/// Verify the event log
///
/// Recomputes the chain from the first event on, and names the first that was altered, inserted, removed or
/// reordered. It reads the whole log, one account's at a time.
#[utoipa::path(
    get, path = "/accounts/{account}/events/verification", tag = "seatpool",
    params(("account" = String, Path, description = "The smart account's domain"), KnownHead),
    responses(
        (status = 200, description = "What was found", body = VerificationView),
        (status = 400, description = "The head is no hash", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Without a role in the whole account", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn verify_events(
    InAccount { app, principal, account }: InAccount,
    Query(known): Query<KnownHead>,
) -> Result<Json<VerificationView>, Problem> {
    Ok(Json(audit::verify(&app, &principal, account, known.head).await?))
}
