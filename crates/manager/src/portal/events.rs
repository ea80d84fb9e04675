//! The Event Log tab.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use jiff::Timestamp;
use seatpool_domain::EventKind;
use seatpool_domain::event::Severity;
use seatpool_proto::{ProductInstanceId, Tag};
use seatpool_store::EventQuery;

use super::frame::{Frame, Pager, Tab, Va, part_of_list};
use super::page::{Here, ListQuery, show_live, with_query};
use super::part::{Chip, Icon, Tone, When};
use super::problem::Problem;
use super::sign_in::capitalised;
use crate::app::App;
use crate::app::events::{self, EventView};

#[derive(Template)]
#[template(path = "events.html", blocks = ["content"])]
struct EventsPage {
    frame: Frame,
    va: Va,
    search: String,
    kind: String,
    kinds: Vec<KindOption>,
    instance: String,
    license: String,
    filtered: bool,
    events: Vec<EventRow>,
    pager: Pager,
}

struct KindOption {
    value: &'static str,
    text: String,
}

/// One event as pages list it.
pub(crate) struct EventRow {
    pub(crate) number: u64,
    pub(crate) message: String,
    pub(crate) change: Option<String>,
    pub(crate) severity: Chip,
    pub(crate) at: When,
    pub(crate) actor: String,
    pub(crate) href: Option<String>,
    pub(crate) source: Option<String>,
}

/// An event in a table of `event_table.html`.
pub(crate) fn event_row(base: &str, event: EventView, now: Timestamp) -> EventRow {
    let (tone, word) = match event.severity {
        Severity::Informational => (Tone::Note, "Informational"),
        Severity::Minor => (Tone::Warn, "Minor"),
        Severity::Major => (Tone::Bad, "Major"),
    };
    let is_instance = event.actor_kind == "instance";
    EventRow {
        number: event.number,
        message: event.message,
        // The sentences of compliance hold their figures.
        change: match (event.kind, event.before, event.after) {
            (EventKind::OutOfCompliance | EventKind::InCompliance, _, _) => None,
            (_, Some(before), Some(after)) => Some(format!("{before} → {after}")),
            _ => None,
        },
        severity: Chip::new(tone, word),
        at: When::since(event.at, now),
        // Before a product instance has an id, it is named by its UDI.
        href: event
            .actor
            .parse::<ProductInstanceId>()
            .ok()
            .filter(|_| is_instance)
            .map(|id| format!("{base}/instances/{id}")),
        actor: if is_instance { "Product instance".into() } else { event.actor },
        source: event.source,
    }
}

/// `GET …/events`.
pub(crate) async fn show_events(
    State(app): State<App>,
    here: Here,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let now = app.now();
    let licenses = here.licenses(&app).await?;
    let search = query.q.trim().to_owned();
    let kind = EventKind::parse(&query.kind);
    let instance: Option<ProductInstanceId> = query.instance.parse().ok();
    let tag: Option<Tag> = query.license.parse().ok();
    let filtered = !search.is_empty() || kind.is_some() || instance.is_some() || tag.is_some();
    let kind_word = kind.map_or("", EventKind::as_str);
    let instance_word = instance.map_or_else(String::new, |id| id.to_string());
    let tag_word = tag.as_ref().map_or_else(String::new, ToString::to_string);
    let page = query.page();
    let wanted = EventQuery {
        virtual_account: Some(here.va.id),
        tag,
        instance,
        kind,
        text: (!search.is_empty()).then(|| search.clone()),
    };
    let found = events::list(&app, &here.principal, here.account_id(), wanted, part_of_list(page)).await?;
    let pager = Pager::new(page, found.total, |page| {
        let pairs = [
            ("q", search.as_str()),
            ("kind", kind_word),
            ("instance", &instance_word),
            ("license", &tag_word),
            ("page", &page.to_string()),
        ];
        with_query(&format!("{}/events", here.base), &pairs)
    });
    let page = EventsPage {
        frame: here.frame(true, None),
        va: here.head(&app, Tab::Events, &licenses).await?,
        kind: kind_word.to_owned(),
        kinds: EventKind::ALL
            .iter()
            .map(|kind| KindOption {
                value: kind.as_str(),
                text: capitalised(&kind.as_str().replace('_', " ")),
            })
            .collect(),
        instance: instance_word.clone(),
        license: tag_word.clone(),
        filtered,
        events: found.items.into_iter().map(|event| event_row(&here.base, event, now)).collect(),
        pager,
        search: search.clone(),
    };
    show_live(&here.visit, &page, &page.as_content())
}
