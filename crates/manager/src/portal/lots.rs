//! Lots and subscriptions: what was deposited and declared in a smart account, how long it counts, and what may be
//! done to it.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::get;
use jiff::Timestamp;
use seatpool_domain::lot::DeclarationState;
use seatpool_proto::VirtualAccountId;
use seatpool_store::LotSort;
use serde::Deserialize;

use super::csv;
use super::form::Field;
use super::frame::{Banner, Frame, Pager, TabLink, part_of_list};
use super::license::kind;
use super::page::{InAccount, show, with_query};
use super::part::{Chip, Count, Tone, When};
use super::problem::Problem;
use super::reports::tabs;
use super::section::Section;
use super::table::{ChoiceOption, HeadCell, Sorting};
use crate::app::access::{Permission, allows};
use crate::app::inventory::{DeclarationView, LotStatus};
use crate::app::orders::{self, LotOrder, OwnedLotView};
use crate::app::{App, accounts, declarations};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/reports/lots", get(show_lots))
}

/// Path of the lots of a virtual account that have this text in their licence, order or subscription; `account` is
/// the path of the account's pages.
pub(super) fn href(account: &str, place: VirtualAccountId, text: &str) -> String {
    with_query(&format!("{account}/reports/lots"), &[("va", &place.to_string()), ("q", text)])
}

#[derive(Template)]
#[template(path = "reports_lots.html")]
struct LotsPage {
    frame: Frame,
    account_name: String,
    tabs: Vec<TabLink>,
    base: String,
    action: String,
    search: String,
    place: Field,
    places: Vec<ChoiceOption>,
    /// Whether anything is left out.
    filtered: bool,
    sort: String,
    order: String,
    heads: Vec<HeadCell>,
    csv: String,
    /// Whether whoever looks may order, renew, cancel and decide.
    deposits: bool,
    /// Whether they may declare.
    declares: bool,
    waiting: usize,
    rows: Vec<LotRow>,
    pager: Pager,
}

struct LotRow {
    key: String,
    name: String,
    place: String,
    order: String,
    subscription: Option<String>,
    quantity: Count,
    kind: &'static str,
    chip: Chip,
    declaration: Option<String>,
    starts: When,
    ends: Option<When>,
    /// What may be done to it: last segment of the path, and words.
    actions: Vec<(&'static str, &'static str)>,
}

/// What the page's query may hold.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct LotsQuery {
    /// Text to search for.
    q: String,
    sort: String,
    order: String,
    /// Of which virtual account.
    va: String,
    /// What was done before.
    done: String,
    page: String,
    format: String,
}

/// What lots can be sorted by, and which way first.
const SORTS: [(&str, bool); 6] = [
    ("status", false),
    ("license", false),
    ("order", false),
    ("quantity", true),
    ("starts", true),
    ("ends", false),
];

impl LotsQuery {
    fn href(&self, path: &str, changes: &[(&str, &str)]) -> String {
        let kept =
            [("q", self.q.trim()), ("va", &self.va), ("sort", &self.sort), ("order", self.order.as_str())];
        let is_kept = |(name, _): &(&str, &str)| changes.iter().all(|(changed, _)| changed != name);
        let pairs: Vec<_> = kept.into_iter().filter(is_kept).chain(changes.iter().copied()).collect();
        with_query(path, &pairs)
    }

    fn sorting(&self) -> Sorting {
        Sorting::of(&SORTS, &self.sort, &self.order)
    }

    fn lot_order(&self) -> LotOrder {
        let Sorting { by, descending } = self.sorting();
        match by {
            "license" => LotOrder::License { descending },
            "order" => LotOrder::By(LotSort::Order, descending),
            "quantity" => LotOrder::By(LotSort::Quantity, descending),
            "starts" => LotOrder::By(LotSort::Starts, descending),
            "ends" => LotOrder::By(LotSort::Ends, descending),
            _ => LotOrder::Standing,
        }
    }

    /// The heads of the table at `path`. By status there is one way: what is to be done comes first.
    fn heads(&self, path: &str) -> Vec<HeadCell> {
        let sorting = self.sorting();
        let href = |sort: &str, order: &str| self.href(path, &[("sort", sort), ("order", order)]);
        let head = |name, word, down_first| sorting.head(name, word, down_first, href);
        let status = HeadCell {
            href: Some(self.href(path, &[("sort", ""), ("order", "")])),
            sorted: (sorting.by == "status").then_some("ascending"),
            ..HeadCell::plain("Status")
        };
        vec![
            head("License", "license", false),
            head("Order", "order", false),
            head("Quantity", "quantity", true).number(),
            status,
            head("Starts", "starts", true),
            head("Ends", "ends", false),
        ]
    }
}

fn waits(view: &OwnedLotView) -> bool {
    view.lot.declaration.as_ref().is_some_and(|declaration| declaration.state == DeclarationState::Declared)
}

/// `GET …/reports/lots`.
async fn show_lots(
    State(app): State<App>,
    inside: InAccount,
    Query(query): Query<LotsQuery>,
) -> Result<Response, Problem> {
    let (principal, account, now) = (&inside.principal, inside.account.id, app.now());
    let places = accounts::virtual_accounts(&app, principal, account).await?;
    let chosen: Vec<VirtualAccountId> = query.va.parse().into_iter().collect();
    let search = query.q.trim();
    if query.format == "csv" {
        let name = format!("lots-{}", inside.account.domain);
        let (app, principal, search) = (app.clone(), principal.clone(), search.to_owned());
        let order = query.lot_order();
        return csv::streamed(&name, &HEAD, move |page| {
            let (app, principal) = (app.clone(), principal.clone());
            let (chosen, search) = (chosen.clone(), search.clone());
            async move {
                let found =
                    orders::lots_listed(&app, &principal, account, &chosen, &search, order, page).await?;
                Ok(found.items.iter().map(cells).collect())
            }
        })
        .await;
    }
    let page: u64 = query.page.parse().unwrap_or(1).max(1);
    let part = part_of_list(page);
    let lots =
        orders::lots_listed(&app, principal, account, &chosen, search, query.lot_order(), part).await?;
    let waiting = Some(DeclarationState::Declared);
    let waiting = declarations::list(&app, principal, account, waiting).await?.len();
    let allows = |permission| allows(principal, account, permission);
    let deposits = allows(Permission::Deposit);
    let base = inside.base();
    let action = format!("{base}/reports/lots");
    show(&LotsPage {
        frame: inside.frame(Section::Reports, false, notice(&query.done)),
        account_name: inside.account.name.clone(),
        tabs: tabs(&inside, "/reports/lots"),
        search: search.to_owned(),
        place: Field::of(&query.va),
        places: places.iter().map(|place| ChoiceOption::new(place.id.to_string(), &place.name)).collect(),
        filtered: !(search.is_empty() && query.va.is_empty()),
        csv: query.href(&action, &[("format", "csv")]),
        heads: query.heads(&action),
        sort: query.sort.clone(),
        order: query.order.clone(),
        deposits,
        declares: allows(Permission::ManageAccount),
        waiting,
        pager: Pager::new(page, lots.total, |page| query.href(&action, &[("page", &page.to_string())])),
        rows: lots.items.iter().map(|view| lot_row(view, deposits, now)).collect(),
        action,
        base,
    })
}

/// Heads of the file.
const HEAD: [&str; 16] = [
    "virtual account",
    "license",
    "tag",
    "order",
    "subscription",
    "type",
    "state",
    "quantity",
    "reserved",
    "on-prem",
    "starts",
    "ends",
    "declared by",
    "note",
    "decision",
    "lot",
];

fn cells(view: &OwnedLotView) -> csv::Row {
    let lot = &view.lot;
    let declaration = lot.declaration.as_ref();
    let told = |text: fn(&DeclarationView) -> &str| declaration.map(text).unwrap_or_default().to_owned();
    vec![
        view.virtual_account.name.clone(),
        view.name.clone(),
        view.tag.to_string(),
        lot.order_id.clone(),
        lot.subscription_id.clone().unwrap_or_default(),
        kind(lot.kind).to_owned(),
        state(view).text,
        lot.quantity.to_string(),
        lot.reserved.to_string(),
        lot.moved_out.to_string(),
        csv::instant(lot.starts_at),
        lot.ends_at.map_or_else(String::new, csv::instant),
        told(|declaration| &declaration.by),
        told(|declaration| &declaration.note),
        told(|declaration| declaration.reason.as_deref().unwrap_or_default()),
        lot.id.to_string(),
    ]
}

fn notice(done: &str) -> Option<Banner> {
    let (title, text) = match done {
        "ordered" => ("The licenses are deposited", "They count from their start on."),
        "declared" => ("The licenses are declared", "They count from now on, and wait for the vendor."),
        "renewed" => ("The licenses are renewed", "Their order history has the old end and the new one."),
        "cancelled" => ("The licenses are cancelled", "Their order history stays."),
        "confirmed" => ("The declaration is confirmed", "The licenses count for good."),
        "rejected" => {
            ("The declaration is rejected", "The licenses count no longer; the customer reads why.")
        }
        _ => return None,
    };
    Some(Banner::new(Tone::Good, title, text))
}

/// How a lot stands, in a word or two.
fn state(view: &OwnedLotView) -> Chip {
    let declaration = view.lot.declaration.as_ref().map(|declaration| declaration.state);
    match (declaration, view.lot.status) {
        (Some(DeclarationState::Rejected), _) => Chip::new(Tone::Bad, "Rejected"),
        (Some(DeclarationState::Declared), _) => Chip::new(Tone::Warn, "Declared, to be confirmed"),
        (_, LotStatus::Active) => Chip::new(Tone::Good, "Counts"),
        (_, LotStatus::Future) => Chip::new(Tone::Note, "Yet to start"),
        (_, LotStatus::Ended) => Chip::new(Tone::Plain, "Ended"),
    }
}

fn lot_row(view: &OwnedLotView, deposits: bool, now: Timestamp) -> LotRow {
    let lot = &view.lot;
    let mut actions = Vec::new();
    if deposits {
        if waits(view) {
            actions.extend([("confirm", "Confirm…"), ("reject", "Reject…")]);
        }
        if lot.ends_at.is_some() && lot.declaration.is_none() {
            actions.push(("renew", "Renew…"));
        }
        if lot.status != LotStatus::Ended {
            actions.push(("cancel", "Cancel…"));
        }
    }
    LotRow {
        key: lot.id.to_string(),
        name: view.name.clone(),
        place: view.virtual_account.name.clone(),
        order: lot.order_id.clone(),
        subscription: lot.subscription_id.clone(),
        quantity: Count(lot.quantity.count()),
        kind: kind(lot.kind),
        chip: state(view),
        declaration: lot.declaration.as_ref().map(|declaration| match &declaration.reason {
            Some(reason) => {
                format!("{}: {reason}", declaration.decided_by.as_deref().unwrap_or("the vendor"))
            }
            None => format!("{}: {}", declaration.by, declaration.note),
        }),
        starts: When::day(lot.starts_at, now),
        ends: lot.ends_at.map(|end| When::day(end, now)),
        actions,
    }
}
