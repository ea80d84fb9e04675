//! Alerts of a smart account or of one virtual account: what is to be looked at, by when, and what can be done.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use seatpool_domain::Refused;
use seatpool_domain::alert::{Action, Alert, Kind, Subject};
use seatpool_domain::event::Severity;
use seatpool_proto::VirtualAccountId;

use super::csv;
use super::explained::Said;
use super::form::Field;
use super::frame::{Banner, Frame, Pager, part_of_list};
use super::guard::Posted;
use super::licenses;
use super::lots::href as lots_of;
use super::page::{Doors, InAccount, show_live, with_query};
use super::part::{Chip, Tone, When};
use super::problem::Problem;
use super::section::Section;
use super::steps::order_href;
use super::table::{ChoiceOption, HeadCell, Sorting};
use crate::app::alerts::{self, AlertCounts, AlertQuery, AlertSort, Raised, SORTED_MAX, SeverityView};
use crate::app::{App, AppError, accounts};

#[derive(Template)]
#[template(path = "alerts.html", blocks = ["content"])]
struct AlertsPage {
    frame: Frame,
    account_name: String,
    counts: String,
    action: String,
    va: Field,
    places: Vec<ChoiceOption>,
    severity: Field,
    severities: Vec<ChoiceOption>,
    kind: Field,
    kinds: Vec<ChoiceOption>,
    dismissed: bool,
    /// The other list: of what is raised, or of what was dismissed.
    other_href: String,
    csv: String,
    filtered: bool,
    heads: Vec<HeadCell>,
    /// Whether they are too many to be sorted by source or time.
    too_many: bool,
    sort: &'static str,
    order: &'static str,
    rows: Vec<AlertRow>,
    pager: Pager,
    /// The reservations of the account.
    reservations: String,
}

/// One alert as pages list it.
pub(super) struct AlertRow {
    pub(super) key: String,
    pub(super) severity: Chip,
    pub(super) title: &'static str,
    pub(super) message: Said,
    pub(super) place: String,
    pub(super) place_href: String,
    pub(super) source: String,
    pub(super) source_href: String,
    pub(super) due: Option<When>,
    pub(super) dismissed: Option<(String, When)>,
    pub(super) links: Vec<(String, &'static str)>,
    /// What the button sends: which alert, and in which state it was seen.
    pub(super) button: String,
    pub(super) may_dismiss: bool,
}

/// What the page's query may hold.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
struct AlertsQuery {
    va: String,
    severity: String,
    kind: String,
    dismissed: String,
    sort: String,
    order: String,
    page: String,
    done: String,
    /// `csv` for a file.
    format: String,
}

impl AlertsQuery {
    fn href(&self, path: &str, changes: &[(&str, &str)]) -> String {
        let kept = [
            ("va", self.va.as_str()),
            ("severity", &self.severity),
            ("kind", &self.kind),
            ("dismissed", &self.dismissed),
            ("sort", &self.sort),
            ("order", &self.order),
        ];
        let is_kept = |(name, _): &(&str, &str)| changes.iter().all(|(changed, _)| changed != name);
        let pairs: Vec<_> = kept.into_iter().filter(is_kept).chain(changes.iter().copied()).collect();
        with_query(path, &pairs)
    }
}

/// What alerts can be sorted by, and which way first.
const SORTS: [(&str, bool); 3] = [("severity", true), ("source", false), ("due", false)];

impl AlertsQuery {
    /// What a form of the list sent on with its button.
    fn sent(form: &Posted) -> Self {
        let text = |name: &str| form.text(name).to_owned();
        Self {
            va: text("va"),
            severity: text("severity"),
            kind: text("kind"),
            sort: text("sort"),
            order: text("order"),
            ..Self::default()
        }
    }

    /// The heads of the table of `total` alerts at `path`; too many are sorted by severity alone.
    fn heads(&self, path: &str, sorting: Sorting, total: u64) -> Vec<HeadCell> {
        let href = |sort: &str, order: &str| self.href(path, &[("sort", sort), ("order", order)]);
        let head = |name, word| {
            if total <= SORTED_MAX { sorting.head(name, word, false, href) } else { HeadCell::plain(name) }
        };
        vec![
            sorting.head("Severity", "severity", true, href),
            HeadCell::plain("Message"),
            head("Source", "source"),
            head("Action due", "due"),
            HeadCell::plain("Actions"),
        ]
    }
}

/// The routes below an account.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/alerts", get(show_alerts))
        .route("/alerts/dismiss", post(dismiss))
        .route("/alerts/restore", post(restore))
}

const SEVERITIES: [(&str, Severity); 3] =
    [("major", Severity::Major), ("minor", Severity::Minor), ("informational", Severity::Informational)];

/// `GET /portal/{domain}/alerts`.
async fn show_alerts(
    State(app): State<App>,
    at: InAccount,
    Query(query): Query<AlertsQuery>,
) -> Result<Response, Problem> {
    let (principal, account, now) = (&at.principal, at.account.id, app.now());
    let places = accounts::virtual_accounts(&app, principal, account).await?;
    let place: Option<VirtualAccountId> = query.va.parse().ok();
    let dismissed = !query.dismissed.is_empty();
    let mut sorting = Sorting::of(&SORTS, &query.sort, &query.order);
    let mut wanted = AlertQuery {
        virtual_accounts: place.into_iter().collect(),
        kind: Kind::parse(&query.kind),
        severity: SEVERITIES.iter().find(|(word, _)| *word == query.severity).map(|(_, each)| *each),
        dismissed,
        sort: match sorting.by {
            "source" => AlertSort::Source,
            "due" => AlertSort::Due,
            _ => AlertSort::Severity,
        },
        // The gravest first is the severities from their top down.
        backwards: sorting.descending != (sorting.by == "severity"),
    };
    if query.format == "csv" {
        let one = seatpool_store::Page { limit: 1, offset: 0 };
        if let Err(AppError::Refused(Refused::Invalid { field: "sort", .. })) =
            alerts::list(&app, principal, account, &wanted, one).await
        {
            // As on the page.
            (wanted.sort, wanted.backwards) = (AlertSort::Severity, false);
        }
        let (app, principal) = (app.clone(), principal.clone());
        return csv::streamed(&format!("alerts-{}", at.account.domain), &HEAD, move |page| {
            let (app, principal, wanted) = (app.clone(), principal.clone(), wanted.clone());
            async move {
                let found = alerts::list(&app, &principal, account, &wanted, page).await?;
                Ok(found.items.iter().map(cells).collect())
            }
        })
        .await;
    }
    let number: u64 = query.page.parse().unwrap_or(1).max(1);
    let part = part_of_list(number);
    let (found, counts) = match alerts::list_with_counts(&app, principal, account, &wanted, part).await {
        Err(AppError::Refused(Refused::Invalid { field: "sort", .. })) => {
            sorting = Sorting::of(&SORTS, "", "");
            (wanted.sort, wanted.backwards) = (AlertSort::Severity, false);
            alerts::list_with_counts(&app, principal, account, &wanted, part).await?
        }
        listed => listed?,
    };
    let action = format!("{}/alerts", at.base());
    let row = |raised: &Raised| alert_row(&at.doors(raised.alert.place.id), raised, now);
    let notice = match query.done.as_str() {
        "dismissed" => Some(("The alert is dismissed", "A worse state raises it anew.")),
        "restored" => Some(("The alert is back", "It is listed again, if its cause is there still.")),
        _ => None,
    };
    let other = if dismissed { "" } else { "yes" };
    let page = AlertsPage {
        frame: at.frame(
            Section::Alerts,
            true,
            notice.map(|(title, text)| Banner::new(Tone::Good, title, text)),
        ),
        account_name: at.account.name.clone(),
        counts: counts_words(&counts.into_values().fold(AlertCounts::default(), AlertCounts::plus)),
        va: Field::of(&query.va),
        places: places.iter().map(|row| ChoiceOption::new(row.id.to_string(), row.name.clone())).collect(),
        severity: Field::of(&query.severity),
        severities: SEVERITIES
            .iter()
            .map(|(word, each)| ChoiceOption::new(*word, SeverityView::from(*each).words()))
            .collect(),
        kind: Field::of(&query.kind),
        kinds: Kind::ALL.iter().map(|kind| ChoiceOption::new(kind.as_str(), kind.title())).collect(),
        dismissed,
        csv: query.href(&action, &[("format", "csv")]),
        heads: query.heads(&action, sorting, found.total),
        too_many: found.total > SORTED_MAX,
        sort: sorting.by,
        order: sorting.order(),
        other_href: query.href(&action, &[("dismissed", other)]),
        filtered: !(query.va.is_empty() && query.severity.is_empty() && query.kind.is_empty()),
        rows: found.items.iter().map(row).collect(),
        pager: Pager::new(number, found.total, |page| query.href(&action, &[("page", &page.to_string())]))?,
        reservations: format!("{}/reservations", at.base()),
        action,
    };
    show_live(&at.visit, &page, &page.as_content())
}

/// Heads of the file.
const HEAD: [&str; 9] = [
    "severity",
    "alert",
    "message",
    "source",
    "virtual account",
    "since",
    "action due",
    "dismissed by",
    "dismissed at",
];

fn cells(raised: &Raised) -> csv::Row {
    let alert = &raised.alert;
    let instant = |at: Option<jiff::Timestamp>| at.map_or_else(String::new, csv::instant);
    let dismissed = raised.dismissed.as_ref();
    vec![
        SeverityView::from(alert.severity).words().to_owned(),
        alert.kind.title().to_owned(),
        alert.message.to_string(),
        alert.subject.name().to_owned(),
        alert.place.name.clone(),
        instant(alert.since),
        instant(alert.due),
        dismissed.map(|dismissal| dismissal.by.clone()).unwrap_or_default(),
        instant(dismissed.map(|dismissal| dismissal.at)),
    ]
}

/// `1 Major, 2 Minor`.
pub(super) fn counts_words(counts: &AlertCounts) -> String {
    let parts = [(counts.major, "Major"), (counts.minor, "Minor"), (counts.informational, "Informational")];
    let words: Vec<_> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, name)| format!("{n} {name}")).collect();
    if words.is_empty() { "No alerts".to_owned() } else { words.join(", ") }
}

fn tone(severity: Severity) -> Tone {
    match severity {
        Severity::Major => Tone::Bad,
        Severity::Minor => Tone::Warn,
        Severity::Informational => Tone::Note,
    }
}

/// An alert for somebody with these doors.
pub(super) fn alert_row(doors: &Doors, raised: &Raised, now: jiff::Timestamp) -> AlertRow {
    let alert = &raised.alert;
    let base = &doors.base;
    AlertRow {
        key: alert.key(),
        severity: Chip::new(tone(alert.severity), SeverityView::from(alert.severity).words()),
        title: alert.kind.title(),
        message: Said(alert.message.clone()),
        place: alert.place.name.clone(),
        place_href: format!("{base}/general"),
        source: alert.subject.name().to_owned(),
        source_href: source_href(base, alert),
        due: alert.due.map(|due| When::since(due, now)),
        dismissed: raised
            .dismissed
            .as_ref()
            .map(|dismissal| (dismissal.by.clone(), When::since(dismissal.at, now))),
        links: alert.actions().into_iter().filter_map(|action| action_link(doors, alert, action)).collect(),
        button: format!("{} {}", alert.key(), alerts::state_of(alert)),
        may_dismiss: doors.manages && alert.kind.is_dismissible(),
    }
}

fn source_href(base: &str, alert: &Alert) -> String {
    match &alert.subject {
        Subject::License(license) => licenses::href(base, &license.id),
        Subject::Instance(instance) => format!("{base}/instances/{}", instance.id),
        Subject::Token(_) => format!("{base}/general"),
    }
}

fn action_link(doors: &Doors, alert: &Alert, action: Action) -> Option<(String, &'static str)> {
    let Doors { account, base, place, manages, deposits } = doors;
    let source = source_href(base, alert);
    match (action, &alert.subject) {
        (Action::Explain, _) => Some((source, "Explain")),
        (Action::Order, Subject::License(license)) if *deposits => Some(match alert.kind {
            Kind::InsufficientLicenses | Kind::RestrictedLicenseUnavailable => {
                (order_href(account, *place, license, None), "Order…")
            }
            // Which of its lots, and whether with their subscription, is seen there.
            _ => (lots_of(account, *place, license.id.as_str()), "Renew…"),
        }),
        (Action::Decide, Subject::License(_)) if *deposits => {
            Some((lots_of(account, *place, &alert.detail), "Decide…"))
        }
        (Action::ShowLicense | Action::ShowInstance, _) => Some((source, "Show")),
        (Action::RemoveInstance, _) if *manages => Some((format!("{source}/remove"), "Remove…")),
        (Action::CreateToken, _) if *manages => Some((format!("{base}/tokens/new"), "New token")),
        _ => None,
    }
}

/// What an alert's button sent: which alert, and in which state it was seen.
fn chosen(form: &Posted) -> (&str, &str) {
    let sent = form.text("alert");
    sent.split_once(' ').unwrap_or((sent, ""))
}

/// `POST /portal/{domain}/alerts/dismiss`.
async fn dismiss(State(app): State<App>, at: InAccount, form: Posted) -> Result<Response, Problem> {
    let (key, seen) = chosen(&form);
    alerts::dismiss(&app, &at.principal, at.account.id, key, Some(seen)).await?;
    let to = AlertsQuery::sent(&form).href(&format!("{}/alerts", at.base()), &[("done", "dismissed")]);
    Ok(Redirect::to(&to).into_response())
}

/// `POST /portal/{domain}/alerts/restore`.
async fn restore(State(app): State<App>, at: InAccount, form: Posted) -> Result<Response, Problem> {
    alerts::restore(&app, &at.principal, at.account.id, chosen(&form).0).await?;
    let done = [("dismissed", "yes"), ("done", "restored")];
    let to = AlertsQuery::sent(&form).href(&format!("{}/alerts", at.base()), &done);
    Ok(Redirect::to(&to).into_response())
}
