//! The Licenses tab: what a virtual account owns, uses and has left.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};
use seatpool_proto::Tag;

use super::csv;
use super::frame::{Banner, Frame, Pager, Tab, Va, part_of_list};
use super::page::{Here, ListQuery, show_live};
use super::part::{Balance, Chip, Count, Gauge, Tone, When, distance};
use super::problem::Problem;
use super::table::{HeadCell, Sorting};
use super::visit::encode;
use crate::app::App;
use crate::app::inventory::{Borrowing, LicenseView};

/// From how many days before its end a lot is warned of (features.md, A13).
const EXPIRING_DAYS: i64 = 90;
/// What the list can be sorted by, and which way first.
const SORTS: [(&str, bool); 5] =
    [("name", false), ("purchased", true), ("used", true), ("balance", false), ("expiry", false)];

#[derive(Template)]
#[template(path = "licenses.html", blocks = ["content"])]
struct LicensesPage {
    frame: Frame,
    va: Va,
    domain: String,
    action: String,
    search: String,
    sort: &'static str,
    order: &'static str,
    heads: Vec<HeadCell>,
    rows: Vec<LicenseRow>,
    csv: String,
    pager: Pager,
    may_manage: bool,
}

pub(super) struct LicenseRow {
    pub(super) href: String,
    pub(super) name: String,
    pub(super) tag: String,
    pub(super) purchased: Count,
    pub(super) in_use: Count,
    pub(super) reserved: Count,
    pub(super) balance: Balance,
    pub(super) balance_note: Option<String>,
    pub(super) gauge: Gauge,
    pub(super) chips: Vec<Chip>,
    pub(super) expiry: Option<When>,
}

/// `GET …/licenses`.
pub(crate) async fn show_licenses(
    State(app): State<App>,
    here: Here,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let now = app.now();
    let licenses = here.licenses(&app).await?;
    let search = query.q.trim().to_owned();
    let sorting = Sorting::of(&SORTS, &query.sort, &query.order);
    let found = found(&licenses, &search, sorting);
    if query.wants_file() {
        return Ok(csv::whole(&format!("licenses-{}", here.va.name), &HEAD, found.into_iter().map(cells)));
    }
    let action = format!("{}/licenses", here.base);
    let href = |sort: &str, order: &str| query.href(&action, &[("sort", sort), ("order", order)]);
    let head = |name, word, down_first| sorting.head(name, word, down_first, href);
    let number = query.page();
    let part = part_of_list(number);
    let total = found.len() as u64;
    let shown =
        found.iter().skip(usize::try_from(part.offset).unwrap_or(usize::MAX)).take(part.limit as usize);
    let notice = (query.done == "moved").then(|| {
        Banner::new(
            Tone::Good,
            "The licenses are moved",
            "They count in the other virtual account from now on.",
        )
    });
    let page = LicensesPage {
        frame: here.frame(true, notice),
        va: here.head(&app, Tab::Licenses).await?,
        domain: here.account.domain.clone(),
        search,
        sort: sorting.by,
        order: sorting.order(),
        heads: vec![
            head("License", "name", false),
            head("Purchased", "purchased", true).number(),
            head("In use", "used", true).number(),
            HeadCell::plain("Reserved").number(),
            head("Balance", "balance", false).number(),
            HeadCell::plain("Alerts"),
            head("Next expiry", "expiry", false),
        ],
        rows: shown.map(|license| row(&here.base, license, now)).collect(),
        csv: query.file_href(&action),
        pager: Pager::new(number, total, |page| query.page_href(&action, page))?,
        may_manage: here.manages,
        action,
    };
    show_live(&here.visit, &page, &page.as_content())
}

/// The licences whose name or tag holds the text, in their order.
fn found<'l>(licenses: &'l [LicenseView], search: &str, sorting: Sorting) -> Vec<&'l LicenseView> {
    let search = search.to_lowercase();
    let holds = |text: &str| text.to_lowercase().contains(&search);
    let mut found: Vec<_> =
        licenses.iter().filter(|license| holds(&license.name) || holds(license.tag.as_str())).collect();
    match sorting.by {
        "purchased" => found.sort_by_key(|license| license.purchased),
        "used" => found.sort_by_key(|license| license.in_use),
        "balance" => found.sort_by_key(|license| license.balance),
        // What never ends comes last, whichever way.
        "expiry" => found.sort_by_key(|license| license.next_expiry.unwrap_or(Timestamp::MAX)),
        _ => found.sort_by_key(|license| license.name.to_lowercase()),
    }
    if sorting.descending {
        found.reverse();
    }
    found
}

/// Heads of the file.
const HEAD: [&str; 12] = [
    "virtual account",
    "license",
    "tag",
    "purchased",
    "in use",
    "reserved",
    "balance",
    "borrowed from",
    "status",
    "short since",
    "next expiry",
    "expiring",
];

fn cells(license: &LicenseView) -> csv::Row {
    let instant = |at: Option<Timestamp>| at.map_or_else(String::new, csv::instant);
    vec![
        license.virtual_account.name.clone(),
        license.name.clone(),
        license.tag.to_string(),
        license.purchased.to_string(),
        license.in_use.to_string(),
        license.reserved.to_string(),
        license.balance.to_string(),
        borrowing(license).unwrap_or_default(),
        license.status.words().to_owned(),
        instant(license.short_since),
        instant(license.next_expiry),
        license.next_expiry_quantity.to_string(),
    ]
}

/// Path of a licence's page.
pub(crate) fn href(base: &str, tag: &Tag) -> String {
    format!("{base}/licenses/{}", encode(tag.as_str()))
}

pub(super) fn row(base: &str, license: &LicenseView, now: Timestamp) -> LicenseRow {
    let borrowed: u64 = license.borrowed_from.iter().map(|b| b.quantity.count()).sum();
    let lent: u64 = license.lent_to.iter().map(|b| b.quantity.count()).sum();
    LicenseRow {
        href: href(base, &license.tag),
        name: license.name.clone(),
        tag: license.tag.to_string(),
        purchased: Count(license.purchased.count()),
        in_use: Count(license.in_use.count()),
        reserved: Count(license.reserved.count()),
        balance: Balance { spare: u64::try_from(license.balance).unwrap_or(0), short: license.short.count() },
        balance_note: borrowing(license),
        gauge: Gauge {
            owned: license.purchased.count().saturating_add(borrowed),
            in_use: license.in_use.count().saturating_add(lent),
            reserved: license.reserved.count(),
            tall: false,
        },
        chips: chips(license, now),
        expiry: license.next_expiry.map(|at| When::day(at, now)),
    }
}

/// From whom it borrows, or to whom it lends.
fn borrowing(license: &LicenseView) -> Option<String> {
    let lines = |verb: &str, list: &[Borrowing]| {
        list.iter().map(|b| format!("{} {verb} {}", Count(b.quantity.count()), b.name)).collect::<Vec<_>>()
    };
    let mut parts = lines("borrowed from", &license.borrowed_from);
    parts.extend(lines("lent to", &license.lent_to));
    (!parts.is_empty()).then(|| parts.join(", "))
}

pub(super) fn chips(license: &LicenseView, now: Timestamp) -> Vec<Chip> {
    let tone = if license.short.is_zero() { Tone::Good } else { Tone::Bad };
    let mut chips = vec![Chip::new(tone, license.status.words())];
    if license.actual < license.in_use {
        chips.push(Chip::new(Tone::Warn, "Usage locked"));
    }
    if let Some(end) = license.next_expiry
        && end <= now + SignedDuration::from_hours(24 * EXPIRING_DAYS)
    {
        let ending = Count(license.next_expiry_quantity.count());
        chips.push(Chip::new(Tone::Warn, format!("{ending} end {}", distance(end, now))));
    }
    if !license.pending.is_zero() {
        chips.push(Chip::new(Tone::Note, format!("{} start later", Count(license.pending.count()))));
    }
    chips
}
