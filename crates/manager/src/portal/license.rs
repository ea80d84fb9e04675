//! One licence of a virtual account: overview, who uses it, what happened, what was ordered.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::get;
use jiff::Timestamp;
use seatpool_domain::lot::{DeclarationState, TransactionKind};
use seatpool_proto::{LotKind, Tag};
use seatpool_store::{EventQuery, InstanceQuery};

use super::csv;
use super::events::{self, EventRow, event_row};
use super::explained::Explained;
use super::frame::{Banner, Frame, Pager, TabLink, Va, part_of_list};
use super::licenses::{self, LicenseRow};
use super::page::{Here, ListQuery, show_live, with_query};
use super::part::{Chip, Count, Tone, When};
use super::problem::Problem;
use crate::app::inventory::{self, LicenseView, LotStatus, LotView, TransactionView};
use crate::app::{App, explain, instances, instances::InstanceView};

/// What surrounds the tabs of a licence.
struct Head {
    up: String,
    name: String,
    tag: String,
    description: String,
    chips: Vec<Chip>,
    tabs: Vec<TabLink>,
    /// Path of its pages.
    own: String,
    may_transfer: bool,
}

#[derive(Template)]
#[template(path = "license.html", blocks = ["content"])]
struct OverviewPage {
    frame: Frame,
    va: Va,
    head: Head,
    row: LicenseRow,
    use_note: String,
    legend: Vec<LegendPart>,
    explained: Explained,
    lots: Vec<LotRow>,
    csv: String,
}

#[derive(Template)]
#[template(path = "license_instances.html", blocks = ["content"])]
struct InstancesPage {
    frame: Frame,
    va: Va,
    head: Head,
    users: Vec<UserRow>,
    csv: String,
    pager: Pager,
}

#[derive(Template)]
#[template(path = "license_events.html", blocks = ["content"])]
struct EventsPage {
    frame: Frame,
    va: Va,
    head: Head,
    events: Vec<EventRow>,
    csv: String,
    pager: Pager,
}

#[derive(Template)]
#[template(path = "license_orders.html", blocks = ["content"])]
struct OrdersPage {
    frame: Frame,
    va: Va,
    head: Head,
    transactions: Vec<TransactionRow>,
    csv: String,
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
    change: Option<Change>,
    note: Option<String>,
}

/// What a line of the history changed.
enum Change {
    /// An end, as it was and as it is since.
    End(When, When),
    /// How many, or the state of a declaration.
    Value(String),
}

/// The routes below a virtual account.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/licenses/{tag}", get(show_overview))
        .route("/licenses/{tag}/instances", get(show_instances))
        .route("/licenses/{tag}/events", get(show_events))
        .route("/licenses/{tag}/orders", get(show_orders))
}

/// The licence that the path names.
pub(super) async fn found(app: &App, here: &Here) -> Result<LicenseView, Problem> {
    let tag: Tag = here.id("tag")?;
    let found = inventory::one(app, &here.principal, here.account_id(), here.va.id, &tag).await?;
    found.ok_or_else(Problem::not_found)
}

/// Heading and tabs; `tab` is the last segment of the present one.
fn head(app: &App, here: &Here, license: &LicenseView, tab: &str) -> Head {
    let own = licenses::href(&here.base, &license.tag);
    let link = |(name, segment): (&'static str, &str)| TabLink {
        name,
        href: if segment.is_empty() { own.clone() } else { format!("{own}/{segment}") },
        current: segment == tab,
        count: (segment == "instances").then_some(Count(license.instances)),
    };
    let tabs = [
        ("Overview", ""),
        ("Product Instances", "instances"),
        ("Event Log", "events"),
        ("Order History", "orders"),
    ];
    Head {
        up: format!("{}/licenses", here.base),
        name: license.name.clone(),
        tag: license.tag.to_string(),
        description: license.description.clone(),
        chips: licenses::chips(license, app.now()),
        tabs: tabs.into_iter().map(link).collect(),
        may_transfer: here.manages && license.lots.iter().any(|lot| lot.status != LotStatus::Ended),
        own,
    }
}

/// `GET …/licenses/{tag}`.
async fn show_overview(
    State(app): State<App>,
    here: Here,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let now = app.now();
    let license = found(&app, &here).await?;
    if query.wants_file() {
        let rows = license.lots.iter().map(lot_cells);
        return Ok(csv::whole(&format!("lots-{}", license.tag), &LOT_HEAD, rows));
    }
    let own = licenses::href(&here.base, &license.tag);
    let (account, tag) = (here.account_id(), license.tag.as_str());
    let explanation = explain::license(&app, &here.principal, account, here.va.id, tag).await?;
    let notice = (query.done == "mended")
        .then(|| Banner::new(Tone::Good, "The licenses are moved", "They count here from now on."));
    let mut row = licenses::row(&here.base, &license, now);
    row.gauge.tall = true;
    let page = OverviewPage {
        frame: here.frame(true, notice),
        va: here.plain_head(),
        head: head(&app, &here, &license, ""),
        use_note: if license.actual < license.in_use {
            format!("locked; {} really", Count(license.actual.count()))
        } else {
            String::new()
        },
        legend: legend(&row),
        explained: Explained::new(&explanation, &here.doors(), &own, now),
        lots: license.lots.iter().map(|lot| lot_row(lot, now)).collect(),
        csv: query.file_href(&licenses::href(&here.base, &license.tag)),
        row,
    };
    show_live(&here.visit, &page, &page.as_content())
}

/// `GET …/licenses/{tag}/instances`.
async fn show_instances(
    State(app): State<App>,
    here: Here,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let now = app.now();
    let license = found(&app, &here).await?;
    let tag = license.tag.clone();
    let wanted = InstanceQuery {
        virtual_accounts: Some(vec![here.va.id]),
        tag: Some(tag.clone()),
        ..InstanceQuery::default()
    };
    let own = format!("{}/instances", licenses::href(&here.base, &tag));
    let (number, account) = (query.page(), here.account_id());
    let found = instances::list(&app, &here.principal, account, wanted, part_of_list(number)).await?;
    let page = InstancesPage {
        frame: here.frame(true, None),
        va: here.plain_head(),
        head: head(&app, &here, &license, "instances"),
        users: found.items.iter().filter_map(|user| user_row(&here.base, user, &tag, now)).collect(),
        csv: with_query(&format!("{}/instances", here.base), &[("license", tag.as_str()), ("format", "csv")]),
        pager: Pager::new(number, found.total, |page| query.page_href(&own, page)),
    };
    show_live(&here.visit, &page, &page.as_content())
}

/// `GET …/licenses/{tag}/events`.
async fn show_events(
    State(app): State<App>,
    here: Here,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let now = app.now();
    let license = found(&app, &here).await?;
    let wanted = EventQuery {
        virtual_account: Some(here.va.id),
        tag: Some(license.tag.clone()),
        ..EventQuery::default()
    };
    if query.wants_file() {
        let name = format!("events-{}", license.tag);
        return events::file(&app, &here.principal, here.account_id(), &name, wanted).await;
    }
    let own = format!("{}/events", licenses::href(&here.base, &license.tag));
    let (number, account) = (query.page(), here.account_id());
    let found =
        crate::app::events::list(&app, &here.principal, account, wanted, part_of_list(number)).await?;
    let page = EventsPage {
        frame: here.frame(true, None),
        va: here.plain_head(),
        head: head(&app, &here, &license, "events"),
        events: found.items.into_iter().map(|event| event_row(Some(&here.base), event, now)).collect(),
        csv: query.file_href(&own),
        pager: Pager::new(number, found.total, |page| query.page_href(&own, page)),
    };
    show_live(&here.visit, &page, &page.as_content())
}

/// `GET …/licenses/{tag}/orders`.
async fn show_orders(
    State(app): State<App>,
    here: Here,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let now = app.now();
    let license = found(&app, &here).await?;
    let (principal, account, place) = (here.principal.clone(), here.account_id(), here.va.id);
    let tag = Some(license.tag.clone());
    if query.wants_file() {
        return csv::streamed(&format!("orders-{}", license.tag), &HEAD, move |page| {
            let (app, principal, tag) = (app.clone(), principal.clone(), tag.clone());
            async move {
                let found = inventory::transactions(&app, &principal, account, place, tag, page).await?;
                Ok(found.items.into_iter().map(cells).collect())
            }
        })
        .await;
    }
    let own = format!("{}/orders", licenses::href(&here.base, &license.tag));
    let number = query.page();
    let found = inventory::transactions(&app, &principal, account, place, tag, part_of_list(number)).await?;
    let page = OrdersPage {
        frame: here.frame(true, None),
        va: here.plain_head(),
        head: head(&app, &here, &license, "orders"),
        transactions: found.items.into_iter().map(|line| transaction_row(line, now)).collect(),
        csv: query.file_href(&own),
        pager: Pager::new(number, found.total, |page| query.page_href(&own, page)),
    };
    show_live(&here.visit, &page, &page.as_content())
}

/// Heads of the file of lots.
const LOT_HEAD: [&str; 10] =
    ["order", "subscription", "type", "state", "quantity", "reserved", "on-prem", "starts", "ends", "lot"];

fn lot_cells(lot: &LotView) -> csv::Row {
    vec![
        lot.order_id.clone(),
        lot.subscription_id.clone().unwrap_or_default(),
        kind(lot.kind).to_owned(),
        state(lot).to_owned(),
        lot.quantity.to_string(),
        lot.reserved.to_string(),
        lot.moved_out.to_string(),
        csv::instant(lot.starts_at),
        lot.ends_at.map_or_else(String::new, csv::instant),
        lot.id.to_string(),
    ]
}

fn state(lot: &LotView) -> &'static str {
    match (lot.status, lot.declaration.as_ref().map(|declaration| declaration.state)) {
        (_, Some(DeclarationState::Rejected)) => "Declared, and rejected",
        (_, Some(DeclarationState::Declared)) => "Declared, to be confirmed",
        (LotStatus::Active, _) => "Active",
        (LotStatus::Future, _) => "Not started",
        (LotStatus::Ended, _) => "Ended",
    }
}

/// Heads of the file of orders and transactions.
const HEAD: [&str; 9] = ["time", "what", "quantity", "order", "lot", "by", "before", "after", "note"];

fn cells(line: TransactionView) -> csv::Row {
    vec![
        csv::instant(line.at),
        what(&line),
        line.quantity.to_string(),
        line.order_id.clone().unwrap_or_default(),
        line.lot.to_string(),
        line.by,
        line.before.unwrap_or_default(),
        line.after.unwrap_or_default(),
        line.note.unwrap_or_default(),
    ]
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

/// A kind of lot in words.
pub(super) fn kind(kind: LotKind) -> &'static str {
    match kind {
        LotKind::Perpetual => "Perpetual",
        LotKind::Term => "Term",
        LotKind::Demo => "Demonstration",
    }
}

fn lot_row(lot: &LotView, now: Timestamp) -> LotRow {
    LotRow {
        key: lot.id.to_string(),
        order_id: lot.order_id.clone(),
        subscription_id: lot.subscription_id.clone(),
        kind: kind(lot.kind),
        state: state(lot),
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

fn what(line: &TransactionView) -> String {
    let other = line.counterpart.as_deref().unwrap_or("another virtual account");
    match line.kind {
        TransactionKind::Ordered => "Ordered".into(),
        TransactionKind::Renewed => "Renewed".into(),
        TransactionKind::TransferredIn => format!("Moved here from {other}"),
        TransactionKind::TransferredOut => format!("Moved to {other}"),
        TransactionKind::Cancelled => "Cancelled".into(),
        TransactionKind::Declared => "Declared by the customer".into(),
        TransactionKind::Confirmed => "Confirmed by the vendor".into(),
        TransactionKind::Rejected => "Rejected by the vendor".into(),
    }
}

fn transaction_row(line: TransactionView, now: Timestamp) -> TransactionRow {
    TransactionRow {
        key: line.number,
        what: what(&line),
        quantity: Count(line.quantity.count()),
        order_id: line.order_id.unwrap_or_default(),
        by: line.by,
        at: When::since(line.at, now),
        change: change(line.kind, line.before, line.after),
        note: line.note,
    }
}

fn change(kind: TransactionKind, before: Option<String>, after: Option<String>) -> Option<Change> {
    let (before, after) = (before?, after?);
    let instant = |text: &str| text.parse::<Timestamp>().ok().filter(|_| kind.changes_the_end());
    Some(match (instant(&before), instant(&after)) {
        (Some(before), Some(after)) => Change::End(When::at(before), When::at(after)),
        _ => Change::Value(format!("{before} → {after}")),
    })
}
