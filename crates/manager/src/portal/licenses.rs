//! The Licenses tab, and one licence.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use seatpool_domain::lot::TransactionKind;
use seatpool_proto::{LotKind, Tag};

use super::frame::{Banner, Frame, Pager, Tab, Va, part_of_list};
use super::page::{Here, ListQuery, show_live, with_query};
use super::part::{Balance, Chip, Count, Gauge, Tone, When, distance};
use super::problem::Problem;
use super::visit::encode;
use crate::app::inventory::{self, Borrowing, LicenseView, LotStatus, LotView, TransactionView};
use crate::app::{App, instances::InstanceView};

/// From how many days before its end a lot is warned of (features.md, A13).
const EXPIRING_DAYS: i64 = 90;
/// How many of the product instances that use a licence its page shows.
const USERS_SHOWN: usize = 20;

#[derive(Template)]
#[template(path = "licenses.html", blocks = ["content"])]
struct LicensesPage {
    frame: Frame,
    va: Va,
    domain: String,
    alerts: Vec<Banner>,
    rows: Vec<LicenseRow>,
}

struct LicenseRow {
    href: String,
    name: String,
    tag: String,
    purchased: Count,
    in_use: Count,
    reserved: Count,
    balance: Balance,
    balance_note: Option<String>,
    gauge: Gauge,
    chips: Vec<Chip>,
    expiry: Option<When>,
}

#[derive(Template)]
#[template(path = "license.html", blocks = ["content"])]
struct LicensePage {
    frame: Frame,
    va: Va,
    name: String,
    tag: String,
    description: String,
    row: LicenseRow,
    use_note: Option<String>,
    legend: Vec<LegendPart>,
    alerts: Vec<Banner>,
    lots: Vec<LotRow>,
    users: Vec<UserRow>,
    /// How many use it, if not all are shown.
    more_users: Option<Count>,
    users_href: String,
    transactions: Vec<TransactionRow>,
    pager: Pager,
}

struct LegendPart {
    class: &'static str,
    text: &'static str,
    count: Count,
}

struct LotRow {
    key: String,
    order_id: String,
    subscription_id: Option<String>,
    kind: &'static str,
    state: &'static str,
    quantity: Count,
    starts: When,
    ends: Option<When>,
}

struct UserRow {
    key: String,
    href: String,
    name: String,
    product: String,
    quantity: Count,
    locked: Option<Count>,
    reported: When,
}

struct TransactionRow {
    key: u64,
    what: String,
    quantity: Count,
    order_id: String,
    by: String,
    at: When,
}

/// `GET …/licenses`.
pub(crate) async fn show_licenses(State(app): State<App>, here: Here) -> Result<Response, Problem> {
    let now = app.now();
    let licenses = here.licenses(&app).await?;
    let alerts = licenses.iter().filter_map(|license| shortage(license, now));
    let alerts = alerts.zip(licenses.iter().filter(|license| !license.short.is_zero()));
    let page = LicensesPage {
        frame: here.frame(true, None),
        va: here.head(&app, Tab::Licenses, &licenses).await?,
        domain: here.account.domain.clone(),
        alerts: alerts
            .map(|(alert, license)| alert.with_link(href(&here.base, &license.tag), "Show the license"))
            .collect(),
        rows: licenses.iter().map(|license| row(&here.base, license, now)).collect(),
    };
    show_live(&here.visit, &page, &page.as_content())
}

/// Path of a licence's page.
pub(crate) fn href(base: &str, tag: &Tag) -> String {
    format!("{base}/licenses/{}", encode(tag.as_str()))
}

/// What is short, why, and what to do.
fn shortage(license: &LicenseView, now: Timestamp) -> Option<Banner> {
    if license.short.is_zero() {
        return None;
    }
    let short = Count(license.short.count());
    let since = license.short_since.map_or_else(String::new, |since| {
        format!(
            "Since {} ({}). ",
            since.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
            distance(since, now)
        )
    });
    let text = if license.required_present {
        format!(
            "{since}It is never used up, but product instances that need it are here and none is owned. Order {short}."
        )
    } else {
        let locked = if license.actual < license.in_use {
            format!(" (locked; {} really)", Count(license.actual.count()))
        } else {
            String::new()
        };
        format!(
            "{since}{} in use{locked}, {} owned. Order {short}, move {short} here from another virtual account, or use {short} fewer.",
            Count(license.in_use.count()),
            Count(license.owned.count()),
        )
    };
    Some(Banner::new(Tone::Bad, format!("{} is short by {short}", license.name), text))
}

fn row(base: &str, license: &LicenseView, now: Timestamp) -> LicenseRow {
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

fn chips(license: &LicenseView, now: Timestamp) -> Vec<Chip> {
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

/// `GET …/licenses/{tag}`.
pub(crate) async fn show_license(
    State(app): State<App>,
    here: Here,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let now = app.now();
    let tag: Tag = here.id("tag")?;
    let detail =
        inventory::license(&app, &here.principal, here.account_id(), here.va.id, tag.as_str()).await?;
    let page = query.page();
    let part = part_of_list(page);
    let history = inventory::transactions(
        &app,
        &here.principal,
        here.account_id(),
        here.va.id,
        Some(tag.clone()),
        part,
    )
    .await?;
    let license = &detail.license;
    let own = href(&here.base, &tag);
    let mut row = row(&here.base, license, now);
    row.gauge.tall = true;
    let users =
        detail.instances.iter().take(USERS_SHOWN).filter_map(|user| user_row(&here.base, user, &tag, now));
    let page = LicensePage {
        frame: here.frame(true, None),
        va: here.plain_head(),
        name: license.name.clone(),
        tag: tag.to_string(),
        description: license.description.clone(),
        use_note: (license.actual < license.in_use)
            .then(|| format!("locked; {} really", Count(license.actual.count()))),
        legend: legend(&row),
        alerts: shortage(license, now).into_iter().collect(),
        lots: license.lots.iter().map(|lot| lot_row(lot, now)).collect(),
        users: users.collect(),
        more_users: (detail.instances_total > USERS_SHOWN as u64).then_some(Count(detail.instances_total)),
        users_href: with_query(&format!("{}/instances", here.base), &[("license", tag.as_str())]),
        transactions: history.items.into_iter().map(|line| transaction_row(line, now)).collect(),
        pager: Pager::new(page, history.total, |page| with_query(&own, &[("page", &page.to_string())])),
        row,
    };
    show_live(&here.visit, &page, &page.as_content())
}

fn legend(row: &LicenseRow) -> Vec<LegendPart> {
    let part = |class, text, count| LegendPart { class, text, count: Count(count) };
    let mut parts = vec![part("use", "In use", row.gauge.in_use.saturating_sub(row.balance.short))];
    if row.gauge.reserved > 0 {
        parts.push(part("reserved", "Reserved", row.gauge.reserved));
    }
    if row.balance.short > 0 {
        parts.push(part("over", "Short", row.balance.short));
    } else {
        parts.push(part("rest", "Spare", row.balance.spare));
    }
    parts
}

fn lot_row(lot: &LotView, now: Timestamp) -> LotRow {
    LotRow {
        key: lot.id.to_string(),
        order_id: lot.order_id.clone(),
        subscription_id: lot.subscription_id.clone(),
        kind: match lot.kind {
            LotKind::Perpetual => "Perpetual",
            LotKind::Term => "Term",
            LotKind::Demo => "Demonstration",
        },
        state: match lot.status {
            LotStatus::Active => "Active",
            LotStatus::Future => "Not started",
            LotStatus::Ended => "Ended",
        },
        quantity: Count(lot.quantity.count()),
        starts: When::day(lot.starts_at, now),
        ends: lot.ends_at.map(|at| When::day(at, now)),
    }
}

fn user_row(base: &str, user: &InstanceView, tag: &Tag, now: Timestamp) -> Option<UserRow> {
    let usage = user.usage.iter().find(|usage| usage.tag == *tag)?;
    Some(UserRow {
        key: user.id.to_string(),
        href: format!("{base}/instances/{}", user.id),
        name: user.name.clone(),
        product: user.product_name.clone(),
        quantity: Count(usage.quantity.count()),
        locked: usage.locked.map(|_| Count(usage.peak.count())),
        reported: When::since(usage.reported_at, now),
    })
}

fn transaction_row(line: TransactionView, now: Timestamp) -> TransactionRow {
    let other = line.counterpart.as_deref().unwrap_or("another virtual account");
    TransactionRow {
        key: line.number,
        what: match line.kind {
            TransactionKind::Ordered => "Ordered".into(),
            TransactionKind::Renewed => "Renewed".into(),
            TransactionKind::TransferredIn => format!("Moved here from {other}"),
            TransactionKind::TransferredOut => format!("Moved to {other}"),
            TransactionKind::Cancelled => "Cancelled".into(),
            TransactionKind::Declared => "Declared by the customer".into(),
            TransactionKind::Confirmed => "Confirmed by the vendor".into(),
            TransactionKind::Rejected => "Rejected by the vendor".into(),
        },
        quantity: Count(line.quantity.count()),
        order_id: line.order_id.unwrap_or_default(),
        by: line.by,
        at: When::since(line.at, now),
    }
}
