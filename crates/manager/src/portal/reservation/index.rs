//! All reservations of a smart account that have not ended: those that wait for somebody first.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use jiff::Timestamp;
use seatpool_proto::code::ReservationKind;

use super::held::{brief, chip};
use super::label;
use crate::app::App;
use crate::app::reservations::{self, ReservationView};
use crate::portal::csv;
use crate::portal::frame::{Frame, PAGE_ROWS, Pager};
use crate::portal::page::{InAccount, ListQuery, base_of, show_live};
use crate::portal::part::{Chip, Tone, When};
use crate::portal::problem::Problem;
use crate::portal::section::Section;

#[derive(Template)]
#[template(path = "reservation/index.html", blocks = ["content"])]
struct IndexPage {
    frame: Frame,
    account_name: String,
    counts: String,
    rows: Vec<IndexRow>,
    csv: String,
    pager: Pager,
}

struct IndexRow {
    key: String,
    href: String,
    name: String,
    kind: &'static str,
    place: String,
    place_href: String,
    held: Vec<String>,
    state: Chip,
    since: When,
    /// Where the next step is taken: path and words.
    next: Option<(String, &'static str)>,
}

/// `GET …/reservations`.
pub(super) async fn show_index(
    State(app): State<App>,
    here: InAccount,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let now = app.now();
    let mut all = reservations::list(&app, &here.principal, here.account.id, &[]).await?;
    let waits = |row: &ReservationView| row.rehost.is_some() || row.in_transit.is_some();
    all.sort_by_key(|row| (!waits(row), since(row)));
    let waiting = all.iter().filter(|row| waits(row)).count();
    if query.wants_file() {
        return Ok(csv::whole("license-reservations", &HEAD, all.iter().map(cells)));
    }
    let page = query.page();
    let path = format!("{}/reservations", here.base());
    let first = usize::try_from(page - 1).unwrap_or(usize::MAX).saturating_mul(PAGE_ROWS as usize);
    let shown = all.iter().skip(first).take(PAGE_ROWS as usize);
    let page = IndexPage {
        frame: here.frame(Section::Inventory, true, None),
        account_name: here.account.name.clone(),
        counts: match (all.len(), waiting) {
            (0, _) => "No product instance holds licenses by a code.".into(),
            (_, 0) => "Nothing waits for anybody.".into(),
            (_, 1) => "One reservation waits for somebody.".into(),
            (_, n) => format!("{n} reservations wait for somebody."),
        },
        csv: query.file_href(&path),
        rows: shown.map(|reservation| row(&here, reservation, now)).collect(),
        pager: Pager::new(page, all.len() as u64, |page| query.page_href(&path, page))?,
    };
    show_live(&here.visit, &page, &page.as_content())
}

/// Heads of the file.
const HEAD: [&str; 9] = [
    "product id",
    "serial number",
    "uuid",
    "kind",
    "virtual account",
    "licenses held",
    "state",
    "since",
    "id",
];

fn cells(row: &ReservationView) -> csv::Row {
    vec![
        row.udi.pid.clone(),
        row.udi.sn.clone(),
        row.udi.uuid.clone().unwrap_or_default(),
        row.kind.as_str().to_owned(),
        row.virtual_account.name.clone(),
        brief(row).join(", ").replace('\u{202f}', ""),
        chip(row).map_or_else(|| "Reserved".to_owned(), |chip| chip.text),
        csv::instant(since(row)),
        row.instance.to_string(),
    ]
}

/// Since when it stands as it stands.
fn since(row: &ReservationView) -> Timestamp {
    let asked = row.rehost.as_ref().map(|asked| asked.at);
    asked.unwrap_or_else(|| row.in_transit.as_ref().unwrap_or(&row.issued).made_at)
}

fn row(here: &InAccount, reservation: &ReservationView, now: Timestamp) -> IndexRow {
    let base = base_of(&here.account.domain, reservation.virtual_account.id);
    let doors = here.doors(reservation.virtual_account.id);
    let href = format!("{base}/instances/{}", reservation.instance);
    let next = if reservation.rehost.is_some() {
        Some((format!("{href}/reservation/rehost"), "Rehost…"))
    } else if reservation.in_transit.is_some() && doors.manages {
        Some((format!("{href}/reservation/confirm"), "Enter Confirmation Code…"))
    } else {
        None
    };
    IndexRow {
        key: reservation.instance.to_string(),
        name: label(reservation),
        kind: if reservation.kind == ReservationKind::Universal { "Universal" } else { "Specific" },
        place: reservation.virtual_account.name.clone(),
        place_href: format!("{base}/instances"),
        held: brief(reservation),
        state: chip(reservation).unwrap_or_else(|| Chip::new(Tone::Good, "Reserved")),
        since: When::since(since(reservation), now),
        next,
        href,
    }
}
