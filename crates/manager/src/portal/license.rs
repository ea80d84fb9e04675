//! One licence of a virtual account: its overview, and what surrounds all of its tabs.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::get;
use jiff::Timestamp;
use seatpool_domain::lot::DeclarationState;
use seatpool_proto::{LotKind, Tag};

use super::csv;
use super::explained::Explained;
use super::frame::{Banner, Frame, TabLink, Va};
use super::licenses::{self, LicenseRow};
use super::page::{Here, ListQuery, show_live};
use super::part::{Chip, Count, Tone, When};
use super::problem::Problem;
use crate::app::inventory::{self, LicenseView, LotStatus, LotView};
use crate::app::{App, explain};

/// What surrounds the tabs of a licence.
pub(super) struct Head {
    pub(super) up: String,
    pub(super) name: String,
    pub(super) tag: String,
    pub(super) description: String,
    pub(super) chips: Vec<Chip>,
    pub(super) tabs: Vec<TabLink>,
    /// Path of its pages.
    pub(super) own: String,
    pub(super) may_transfer: bool,
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

/// The routes below a virtual account.
pub(super) fn routes() -> Router<App> {
    Router::new().route("/licenses/{tag}", get(show_overview))
}

/// The licence that the path names.
pub(super) async fn found(app: &App, here: &Here) -> Result<LicenseView, Problem> {
    let tag: Tag = here.id("tag")?;
    let found = inventory::one(app, &here.principal, here.account_id(), here.va.id, &tag).await?;
    found.ok_or_else(Problem::not_found)
}

/// Heading and tabs; `tab` is the last segment of the present one.
pub(super) fn head(app: &App, here: &Here, license: &LicenseView, tab: &str) -> Head {
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
