//! The Event Log tab, and what it shares with Activity: filters, rows, the file.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};
use seatpool_domain::event::Severity;
use seatpool_domain::{EventKind, Refused};
use seatpool_proto::{AccountId, VirtualAccountId};
use seatpool_store::EventQuery;

use super::csv;
use super::form::Field;
use super::frame::{Frame, Pager, Tab, Va, part_of_list};
use super::page::{Here, ListQuery, show_live};
use super::part::{Chip, Tone, When};
use super::problem::Problem;
use super::sign_in::capitalised;
use super::table::{ChoiceOption, HeadCell, Sorting, license_options};
use super::zone;
use crate::app::access::Principal;
use crate::app::events::{self, EventView};
use crate::app::{App, AppError, inventory};

#[derive(Template)]
#[template(path = "events.html", blocks = ["content"])]
struct EventsPage {
    frame: Frame,
    va: Va,
    action: String,
    filter: Filter,
    events: Vec<EventRow>,
    time_head: HeadCell,
    csv: String,
    pager: Pager,
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

/// What a person wants to see of a log, as they typed it.
pub(crate) struct Filter {
    pub(crate) text: String,
    pub(crate) kind: Field,
    pub(crate) kinds: Vec<ChoiceOption>,
    pub(crate) license: Field,
    pub(crate) licenses: Vec<ChoiceOption>,
    pub(crate) instance: Field,
    pub(crate) user: Field,
    pub(crate) since: Field,
    pub(crate) until: Field,
    /// How the list is sorted, as a form sends it on.
    pub(crate) sort: &'static str,
    pub(crate) order: &'static str,
    /// Whether anything is left out.
    pub(crate) active: bool,
    /// Whether more is chosen than the text and the kind.
    pub(crate) detailed: bool,
    query: EventQuery,
}

/// What a filter needs to know besides what was typed.
pub(crate) struct Scope<'a> {
    pub(crate) app: &'a App,
    pub(crate) principal: &'a Principal,
    pub(crate) account: AccountId,
    pub(crate) virtual_account: Option<VirtualAccountId>,
}

impl Filter {
    /// Whether all that was typed can be read: a file says nothing of what can't, and would hold too much.
    pub(crate) fn is_readable(&self) -> bool {
        [&self.license, &self.instance, &self.user, &self.since, &self.until]
            .iter()
            .all(|field| field.problem.is_none())
    }

    /// The filter that a query asks for. What can't be read is told beside its field and leaves nothing out.
    pub(crate) async fn read(scope: &Scope<'_>, query: &ListQuery) -> Result<Self, Problem> {
        let text = query.q.trim().to_owned();
        let kind = EventKind::parse(&query.kind);
        let mut license = Field::of(query.license.trim());
        let tag = Some(&license.value).filter(|typed| !typed.is_empty()).and_then(|typed| {
            // The log knows licences that the catalogue no longer has.
            inventory::tag_of(scope.app, typed).or_else(|| typed.parse().ok())
        });
        if tag.is_none() && !license.value.is_empty() {
            license.refuse("No license has this name or tag");
        }
        let mut user = Field::of(query.user.trim());
        let mut actor = Some(user.value.clone()).filter(|typed| !typed.is_empty());
        if let Some(typed) = &actor {
            match events::actor_named(scope.app, scope.account, typed).await {
                Ok(named) => actor = Some(named),
                Err(AppError::Refused(Refused::Invalid { .. })) => {
                    user.refuse("Several clients have this name. Type the client's id");
                    actor = None;
                }
                Err(error) => return Err(error.into()),
            }
        }
        let mut instance = Field::of(query.instance.trim());
        let (account, place) = (scope.account, scope.virtual_account);
        let instances =
            events::instances_named(scope.app, scope.principal, account, place, &instance.value).await?;
        if instances.is_empty() && !instance.value.is_empty() {
            instance.refuse("No product instance has or had this name or id. Type the whole name");
        }
        let (mut since, mut until) = (Field::of(query.since.trim()), Field::of(query.until.trim()));
        let from = day(&mut since);
        // The last day is shown to its end.
        let to = day(&mut until).and_then(|date| date.checked_add(1.day()).ok());
        let start = |date: Option<Date>| {
            date.and_then(|date| date.to_zoned(zone::shown()).ok()).map(|start| start.timestamp())
        };
        if let (Some(from), Some(to)) = (from, to)
            && from >= to
        {
            until.refuse("The last day comes before the first one");
        }
        let shown = sorting(query);
        let query = EventQuery {
            virtual_account: scope.virtual_account,
            tag,
            instances,
            kind,
            text: (!text.is_empty()).then(|| text.clone()),
            actor,
            since: start(from),
            until: start(to),
            oldest_first: !shown.descending,
        };
        let detailed = [&license.value, &instance.value, &user.value, &since.value, &until.value]
            .iter()
            .any(|value| !value.is_empty());
        let kinds = EventKind::ALL
            .iter()
            .map(|kind| ChoiceOption::new(kind.as_str(), capitalised(&kind.as_str().replace('_', " "))));
        Ok(Self {
            sort: shown.by,
            order: shown.order(),
            active: detailed || query.text.is_some() || query.kind.is_some(),
            detailed,
            kind: Field::of(kind.map_or("", EventKind::as_str)),
            kinds: kinds.collect(),
            licenses: license_options(scope.app),
            license,
            instance,
            user,
            since,
            until,
            text,
            query,
        })
    }

    /// What to ask the log for.
    pub(crate) fn query(&self) -> EventQuery {
        self.query.clone()
    }
}

/// The day that was typed, if it is one.
fn day(field: &mut Field) -> Option<Date> {
    if field.value.is_empty() {
        return None;
    }
    let day = field.value.parse().ok();
    if day.is_none() {
        field.refuse("Type a day as in 2026-11-22");
    }
    day
}

/// How a query sorts a log: by time, the newest first.
pub(crate) fn sorting(query: &ListQuery) -> Sorting {
    Sorting::of(&[("time", true)], &query.sort, &query.order)
}

/// The head of a log's times, which turns the list at `path` round.
pub(crate) fn time_head(query: &ListQuery, path: &str) -> HeadCell {
    let href = |sort: &str, order: &str| query.href(path, &[("sort", sort), ("order", order)]);
    sorting(query).head("Time", "time", true, href)
}

/// An event in a table of `event_table.html`. `base` is the path of the virtual account's pages, if it is known.
pub(crate) fn event_row(base: Option<&str>, event: EventView, now: Timestamp) -> EventRow {
    let (tone, word) = severity(event.severity);
    let is_instance = event.actor_kind == "instance";
    EventRow {
        number: event.number,
        message: event.message,
        change: match (told(event.before.as_deref()), told(event.after.as_deref())) {
            (Some(before), Some(after)) => Some(format!("{before} → {after}")),
            (Some(before), None) => Some(format!("was {before}")),
            (None, Some(after)) => Some(format!("now {after}")),
            (None, None) => None,
        },
        severity: Chip::new(tone, word),
        at: When::since(event.at, now),
        href: event
            .instance
            .zip(base)
            .filter(|_| is_instance)
            .map(|(id, base)| format!("{base}/instances/{id}")),
        actor: if is_instance { "Product instance".into() } else { event.actor },
        source: event.source,
    }
}

/// What people can make something of: not an id alone, which stands in the file.
fn told(value: Option<&str>) -> Option<&str> {
    value.filter(|value| value.parse::<uuid::Uuid>().is_err())
}

fn severity(severity: Severity) -> (Tone, &'static str) {
    match severity {
        Severity::Informational => (Tone::Note, "Informational"),
        Severity::Minor => (Tone::Warn, "Minor"),
        Severity::Major => (Tone::Bad, "Major"),
    }
}

/// Heads of the file.
const HEAD: [&str; 14] = [
    "number",
    "time",
    "severity",
    "kind",
    "message",
    "before",
    "after",
    "user",
    "user kind",
    "from",
    "virtual account",
    "license",
    "product instance",
    "hash",
];

/// A log as a file.
pub(crate) async fn file(
    app: &App,
    principal: &Principal,
    account: AccountId,
    name: &str,
    query: EventQuery,
) -> Result<Response, Problem> {
    let (app, principal) = (app.clone(), principal.clone());
    let by_time = query.is_by_time();
    csv::numbered(name, &HEAD, move |page| {
        let (app, principal, query) = (app.clone(), principal.clone(), query.clone());
        async move {
            let found = events::list(&app, &principal, account, query, page).await?;
            Ok(found.items.into_iter().map(|event| (stand(&event, by_time), cells(event))).collect())
        }
    })
    .await
}

fn stand(event: &EventView, by_time: bool) -> csv::Stand {
    (if by_time { event.at } else { Timestamp::MIN }, event.number)
}

fn cells(event: EventView) -> csv::Row {
    let text = |text: Option<String>| text.unwrap_or_default();
    vec![
        event.number.to_string(),
        csv::instant(event.at),
        severity(event.severity).1.to_owned(),
        event.kind.as_str().to_owned(),
        event.message,
        text(event.before),
        text(event.after),
        event.actor,
        event.actor_kind,
        text(event.source),
        text(event.virtual_account),
        text(event.tag.map(|tag| tag.to_string())),
        text(event.instance.map(|id| id.to_string())),
        text(event.hash),
    ]
}

/// `GET …/events`.
pub(crate) async fn show_events(
    State(app): State<App>,
    here: Here,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let now = app.now();
    let scope = Scope {
        app: &app,
        principal: &here.principal,
        account: here.account_id(),
        virtual_account: Some(here.va.id),
    };
    let filter = Filter::read(&scope, &query).await?;
    if query.wants_file() && filter.is_readable() {
        let name = format!("events-{}", here.va.name);
        return file(&app, &here.principal, here.account_id(), &name, filter.query()).await;
    }
    let action = format!("{}/events", here.base);
    let number = query.page();
    let found =
        events::list(&app, &here.principal, here.account_id(), filter.query(), part_of_list(number)).await?;
    let page = EventsPage {
        frame: here.frame(true, None),
        va: here.head(&app, Tab::Events).await?,
        filter,
        events: found.items.into_iter().map(|event| event_row(Some(&here.base), event, now)).collect(),
        time_head: time_head(&query, &action),
        csv: query.file_href(&action),
        pager: Pager::new(number, found.total, |page| query.page_href(&action, page))?,
        action,
    };
    show_live(&here.visit, &page, &page.as_content())
}
