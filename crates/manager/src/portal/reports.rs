//! Reports: the usage of a licence against what was owned, as a chart and a table.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::{SignedDuration, Timestamp};
use seatpool_domain::history::Span;
use serde::Deserialize;

use super::chart::{Chart, Size};
use super::form::Field;
use super::frame::{Frame, Pager, TabLink, part_of_list};
use super::page::{InAccount, show, with_query};
use super::part::{Chip, Count, Tone, When};
use super::problem::Problem;
use super::section::Section;
use super::table::{ChoiceOption, license_options};
use crate::app::accounts::{self, VirtualAccountView};
use crate::app::reports::{self, UsagePoint, UsageQuery, UsageReport};
use crate::app::{App, inventory};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/reports", get(show_usage)).route("/reports/usage.csv", get(usage_as_csv))
}

/// The spans that can be chosen, in days.
const SPANS: [(&str, &str, i64); 5] = [
    ("1", "One day, by the hour", 1),
    ("7", "7 days, by the hour", 7),
    ("30", "30 days", 30),
    ("90", "90 days", 90),
    ("365", "A year", 365),
];

/// What is to be reported.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Wanted {
    va: String,
    license: String,
    days: String,
    page: String,
}

#[derive(Template)]
#[template(path = "reports_usage.html")]
struct UsagePage {
    frame: Frame,
    account_name: String,
    tabs: Vec<TabLink>,
    action: String,
    places: Vec<ChoiceOption>,
    place: Field,
    licenses: Vec<ChoiceOption>,
    license: Field,
    spans: Vec<ChoiceOption>,
    span: Field,
    report: Option<Shown>,
}

/// A report as it is shown.
struct Shown {
    name: String,
    wide: Option<Chart>,
    narrow: Option<Chart>,
    highest: Count,
    in_use: Count,
    owned: Count,
    short: Count,
    rows: Vec<PointRow>,
    pager: Pager,
    csv: String,
    step: &'static str,
}

struct PointRow {
    at: When,
    in_use: Count,
    owned: Count,
    short: Option<Chip>,
}

/// The tabs of Reports, with the one at `current` below the account's path as the present one.
pub(super) fn tabs(inside: &InAccount, current: &str) -> Vec<TabLink> {
    let base = inside.base();
    let tab = |name, rest: &str| TabLink {
        name,
        href: format!("{base}{rest}"),
        current: rest == current,
        count: None,
    };
    vec![tab("License usage", "/reports"), tab("Lots and subscriptions", "/reports/lots")]
}

/// Which virtual account and licence: as the query says, or the first in which there is anything.
async fn chosen(
    app: &App,
    inside: &InAccount,
    wanted: &Wanted,
) -> Result<(Vec<VirtualAccountView>, Option<(VirtualAccountView, String)>), Problem> {
    let places = accounts::virtual_accounts(app, &inside.principal, inside.account.id).await?;
    let place = match wanted.va.as_str() {
        "" => {
            let overview = inventory::overview(app, &inside.principal, inside.account.id, "").await?;
            let standing = |place: &VirtualAccountView| overview.iter().find(|own| own.id == place.id);
            let rank = |place: &&VirtualAccountView| {
                let own = standing(place);
                (own.map_or(0, |own| own.short), own.is_some_and(|own| own.has_licenses), place.is_default)
            };
            places.iter().max_by_key(rank)
        }
        id => Some(accounts::find(&places, id).ok_or_else(Problem::not_found)?),
    };
    let Some(place) = place.cloned() else { return Ok((places, None)) };
    let license = match wanted.license.as_str() {
        "" => {
            let here = inventory::balances(app, &inside.principal, inside.account.id, &[place.id]).await?;
            let first = here.iter().max_by_key(|license| (license.short, license.in_use, license.owned));
            first.map(|license| license.tag.to_string())
        }
        tag => Some(tag.to_owned()),
    };
    Ok((places, license.map(|license| (place, license))))
}

fn span_of(wanted: &Wanted, now: Timestamp) -> (&'static str, UsageQuery) {
    let found = SPANS.iter().find(|(value, ..)| *value == wanted.days).unwrap_or(&SPANS[2]);
    let from = now.checked_sub(SignedDuration::from_hours(24 * found.2)).unwrap_or(Timestamp::MIN);
    (found.0, UsageQuery { from: Some(from), to: Some(now), step: None })
}

/// `GET …/reports`.
async fn show_usage(
    State(app): State<App>,
    inside: InAccount,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Problem> {
    let (places, subject) = chosen(&app, &inside, &wanted).await?;
    let (span, query) = span_of(&wanted, app.now());
    let report = match &subject {
        None => None,
        Some((place, license)) => {
            let (principal, account) = (&inside.principal, inside.account.id);
            Some(reports::usage(&app, principal, account, place.id, license, query).await?)
        }
    };
    let action = format!("{}/reports", inside.base());
    let place = subject.as_ref().map(|(place, _)| place.id.to_string()).unwrap_or_default();
    let license = subject.as_ref().map(|(_, license)| license.clone()).unwrap_or_default();
    let pairs = [("va", place.clone()), ("license", license.clone()), ("days", span.to_owned())];
    show(&UsagePage {
        frame: inside.frame(Section::Reports, false, None),
        account_name: inside.account.name.clone(),
        tabs: tabs(&inside, "/reports"),
        places: places.iter().map(|place| ChoiceOption::new(place.id.to_string(), &place.name)).collect(),
        place: Field::of(place),
        licenses: license_options(&app),
        license: Field::of(license),
        spans: SPANS.iter().map(|(value, text, _)| ChoiceOption::new(*value, *text)).collect(),
        span: Field::of(span),
        report: report.map(|report| shown(&report, &action, &pairs, &wanted)).transpose()?,
        action,
    })
}

fn shown(
    report: &UsageReport,
    action: &str,
    pairs: &[(&str, String); 3],
    wanted: &Wanted,
) -> Result<Shown, Problem> {
    let href = |path: &str, page: Option<u64>| {
        let page = page.map(|page| page.to_string()).unwrap_or_default();
        let mut all: Vec<(&str, &str)> = pairs.iter().map(|(key, value)| (*key, value.as_str())).collect();
        all.push(("page", &page));
        with_query(path, &all)
    };
    let page: u64 = wanted.page.parse().unwrap_or(1).max(1);
    let part = part_of_list(page);
    let most = |of: fn(&UsagePoint) -> u64| report.points.iter().map(of).max().unwrap_or_default();
    let last = report.points.last();
    let rows = report.points.iter().rev().skip(usize::try_from(part.offset).unwrap_or(usize::MAX));
    Ok(Shown {
        name: format!("{} in {}", report.name, report.virtual_account.name),
        wide: Chart::of(report, Size::Wide),
        narrow: Chart::of(report, Size::Narrow),
        highest: Count(most(|point| point.in_use.count())),
        in_use: Count(last.map_or(0, |point| point.in_use.count())),
        owned: Count(last.map_or(0, |point| point.owned.count())),
        short: Count(most(|point| point.short.count())),
        rows: rows
            .take(part.limit as usize)
            .map(|point| PointRow {
                at: When::at(point.starts_at),
                in_use: Count(point.in_use.count()),
                owned: Count(point.owned.count()),
                short: (!point.short.is_zero())
                    .then(|| Chip::new(Tone::Bad, format!("{} short", Count(point.short.count())))),
            })
            .collect(),
        pager: Pager::new(page, report.points.len() as u64, |page| href(action, Some(page)))?,
        csv: href(&format!("{action}/usage.csv"), None),
        step: if report.step == Span::Hour { "hour" } else { "day" },
    })
}

/// `GET …/reports/usage.csv`.
async fn usage_as_csv(
    State(app): State<App>,
    inside: InAccount,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Problem> {
    let (_, subject) = chosen(&app, &inside, &wanted).await?;
    let (place, license) = subject.ok_or_else(Problem::not_found)?;
    let (_, query) = span_of(&wanted, app.now());
    let (principal, account) = (&inside.principal, inside.account.id);
    let report = reports::usage(&app, principal, account, place.id, &license, query).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"license-usage.csv\""),
    ];
    Ok((headers, report.to_csv()).into_response())
}
