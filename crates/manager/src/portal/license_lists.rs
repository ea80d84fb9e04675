//! The tabs of a licence that are lists: who uses it, what happened, what was ordered. Each comes by pages, and as a file.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::get;
use jiff::Timestamp;
use seatpool_domain::lot::TransactionKind;
use seatpool_proto::Tag;
use seatpool_store::{EventQuery, InstanceQuery};

use super::csv;
use super::events::{self, EventRow, event_row};
use super::frame::{Frame, Pager, Va, part_of_list};
use super::license::{Head, found, head};
use super::licenses;
use super::page::{Here, ListQuery, show_live, with_query};
use super::part::{Count, When};
use super::problem::Problem;
use super::table::HeadCell;
use crate::app::inventory::{self, LicenseView, TransactionView};
use crate::app::{App, instances, instances::InstanceView};

#[derive(Template)]
#[template(path = "license_list.html", blocks = ["content"])]
struct ListPage {
    frame: Frame,
    va: Va,
    head: Head,
    list: List,
    time_head: HeadCell,
    csv: String,
    pager: Pager,
}

/// What a tab lists.
enum List {
    Instances(Vec<UserRow>),
    Events(Vec<EventRow>),
    Orders(Vec<TransactionRow>),
}

impl List {
    /// Last segment of the tab's path.
    fn segment(&self) -> &'static str {
        match self {
            Self::Instances(_) => "instances",
            Self::Events(_) => "events",
            Self::Orders(_) => "orders",
        }
    }
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
        .route("/licenses/{tag}/instances", get(show_instances))
        .route("/licenses/{tag}/events", get(show_events))
        .route("/licenses/{tag}/orders", get(show_orders))
}

/// A page of a list with `total` rows in all.
fn show(
    app: &App,
    here: &Here,
    query: &ListQuery,
    license: &LicenseView,
    list: List,
    total: u64,
) -> Result<Response, Problem> {
    let own = format!("{}/{}", licenses::href(&here.base, &license.tag), list.segment());
    let page = ListPage {
        frame: here.frame(true, None),
        va: here.plain_head(),
        head: head(app, here, license, list.segment()),
        csv: match list {
            // The list of all product instances makes the file, with everything about each.
            List::Instances(_) => with_query(
                &format!("{}/instances", here.base),
                &[("license", license.tag.as_str()), ("format", "csv")],
            ),
            _ => query.file_href(&own),
        },
        time_head: events::time_head(query, &own),
        pager: Pager::new(query.page(), total, |page| query.page_href(&own, page))?,
        list,
    };
    show_live(&here.visit, &page, &page.as_content())
}

/// `GET …/licenses/{tag}/instances`.
async fn show_instances(
    State(app): State<App>,
    here: Here,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let license = found(&app, &here).await?;
    let wanted = InstanceQuery {
        virtual_accounts: Some(vec![here.va.id]),
        tag: Some(license.tag.clone()),
        ..InstanceQuery::default()
    };
    let part = part_of_list(query.page());
    let found = instances::list(&app, &here.principal, here.account_id(), wanted, part).await?;
    let row = |user: &InstanceView| user_row(&here.base, user, &license.tag, app.now());
    let list = List::Instances(found.items.iter().filter_map(row).collect());
    show(&app, &here, &query, &license, list, found.total)
}

/// `GET …/licenses/{tag}/events`.
async fn show_events(
    State(app): State<App>,
    here: Here,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let license = found(&app, &here).await?;
    let wanted = EventQuery {
        virtual_account: Some(here.va.id),
        tag: Some(license.tag.clone()),
        oldest_first: !events::sorting(&query).descending,
        ..EventQuery::default()
    };
    let (principal, account) = (&here.principal, here.account_id());
    if query.wants_file() {
        return events::file(&app, principal, account, &format!("events-{}", license.tag), wanted).await;
    }
    let part = part_of_list(query.page());
    let found = crate::app::events::list(&app, principal, account, wanted, part).await?;
    let rows = found.items.into_iter().map(|event| event_row(Some(&here.base), event, app.now()));
    show(&app, &here, &query, &license, List::Events(rows.collect()), found.total)
}

/// `GET …/licenses/{tag}/orders`.
async fn show_orders(
    State(app): State<App>,
    here: Here,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let license = found(&app, &here).await?;
    let (principal, account, place) = (here.principal.clone(), here.account_id(), here.va.id);
    let tag = Some(license.tag.clone());
    if query.wants_file() {
        return csv::numbered(&format!("orders-{}", license.tag), &HEAD, move |page| {
            let (app, principal, tag) = (app.clone(), principal.clone(), tag.clone());
            async move {
                let found = inventory::transactions(&app, &principal, account, place, tag, page).await?;
                Ok(found.items.into_iter().map(|line| ((Timestamp::MIN, line.number), cells(line))).collect())
            }
        })
        .await;
    }
    let part = part_of_list(query.page());
    let found = inventory::transactions(&app, &principal, account, place, tag, part).await?;
    let rows = found.items.into_iter().map(|line| transaction_row(line, app.now()));
    show(&app, &here, &query, &license, List::Orders(rows.collect()), found.total)
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
