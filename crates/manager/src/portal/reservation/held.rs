//! What a reservation holds, as other pages tell it: the panel of a product instance, and a line in a list.

use std::collections::BTreeMap;

use askama::Template;
use askama::filters::HtmlSafe;
use axum::response::Response;
use seatpool_proto::code::ReservationKind;
use seatpool_proto::{LotId, ProductInstanceId, Tag};

use super::own;
use crate::app::access::{Permission, allows};
use crate::app::reservations::{self, CodeView, ReservationView};
use crate::app::{App, AppError};
use crate::portal::page::Here;
use crate::portal::part::{Chip, Count, Tone, When};
use crate::portal::{csv, licenses};

/// One licence of one lot.
pub(super) struct HeldRow {
    pub(super) key: String,
    pub(super) name: String,
    pub(super) href: String,
    pub(super) tag: String,
    pub(super) kind: &'static str,
    pub(super) until: Option<String>,
    /// In the code that the product has.
    pub(super) now: Count,
    /// In the code that is in transit, if one is.
    pub(super) next: Option<Count>,
    /// Held meanwhile: the larger.
    pub(super) held: Count,
}

/// The panel of a product instance that holds a reservation.
#[derive(Template)]
#[template(path = "reservation/held.html")]
pub(crate) struct Held {
    universal: bool,
    rows: Vec<HeldRow>,
    made: When,
    made_by: String,
    transit: Option<(When, String)>,
    rehost: Option<(When, String, String)>,
    /// The table as a file.
    file: String,
    own: String,
    /// Whether the reader sees and enters codes.
    manages: bool,
    /// Whether the reader may ask for a rehost, approve one, or release the licences.
    may_rehost: bool,
    pub(crate) chip: Option<Chip>,
}
impl HtmlSafe for Held {}

impl Held {
    /// The reservation of a product instance, if it holds one.
    pub(crate) async fn of(
        app: &App,
        here: &Here,
        instance: ProductInstanceId,
    ) -> Result<Option<Self>, AppError> {
        let account = here.account_id();
        let reservation = match reservations::get(app, &here.principal, account, instance).await {
            Ok(found) if found.ended_at.is_none() => found,
            Ok(_) | Err(AppError::Refused(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let allowed = |permission| allows(&here.principal, account, permission);
        let asked = reservation.rehost.is_some();
        let mut rows = rows(&reservation);
        for row in &mut rows {
            row.href =
                row.tag.parse::<Tag>().map_or_else(|_| String::new(), |tag| licenses::href(&here.base, &tag));
        }
        Ok(Some(Self {
            universal: reservation.kind == ReservationKind::Universal,
            rows,
            made: When::at(reservation.issued.made_at),
            file: format!("{}/instances/{instance}?format=csv", here.base),
            own: own(here, instance),
            manages: here.manages,
            may_rehost: here.manages
                || allowed(Permission::Deposit)
                || (asked && allowed(Permission::Approve)),
            chip: chip(&reservation),
            made_by: reservation.issued.made_by,
            transit: reservation.in_transit.map(|next| (When::at(next.made_at), next.made_by)),
            rehost: reservation.rehost.map(|asked| (When::at(asked.at), asked.by, asked.reason)),
        }))
    }
}

impl Held {
    /// The table as a file.
    pub(crate) fn as_file(&self, name: &str) -> Response {
        let count = |count: Count| count.0.to_string();
        let cells = |row: &HeldRow| {
            vec![
                row.name.clone(),
                row.tag.clone(),
                row.kind.to_owned(),
                row.until.clone().unwrap_or_default(),
                count(row.held),
                count(row.now),
                row.next.map_or_else(String::new, count),
            ]
        };
        csv::whole(&format!("reserved-licenses-{name}"), &HEAD, self.rows.iter().map(cells))
    }
}

/// Heads of the file.
const HEAD: [&str; 7] = ["license", "tag", "type", "until", "held", "in the confirmed code", "in transit"];

/// What waits for somebody, if anything does.
pub(super) fn chip(reservation: &ReservationView) -> Option<Chip> {
    if reservation.rehost.is_some() {
        Some(Chip::new(Tone::Warn, "Release asked for"))
    } else if reservation.in_transit.is_some() {
        Some(Chip::new(Tone::Note, "In transit"))
    } else {
        None
    }
}

/// What the codes of a reservation hold, licence by licence and lot by lot.
pub(super) fn rows(reservation: &ReservationView) -> Vec<HeldRow> {
    let mut by_lot: BTreeMap<(String, LotId), HeldRow> = BTreeMap::new();
    let mut add = |code: &CodeView, is_next: bool| {
        for held in &code.licenses {
            let row = by_lot.entry((held.name.clone(), held.lot)).or_insert_with(|| HeldRow {
                key: held.lot.to_string(),
                name: held.name.clone(),
                href: String::new(),
                tag: held.tag.to_string(),
                kind: match held.kind.as_str() {
                    "TERM" => "Term",
                    "DEMO" => "Demo",
                    _ => "Perpetual",
                },
                until: held.until.clone(),
                now: Count(0),
                next: reservation.in_transit.is_some().then_some(Count(0)),
                held: Count(0),
            });
            let quantity = held.quantity.count();
            if is_next {
                row.next = Some(Count(quantity));
            } else {
                row.now = Count(quantity);
            }
            row.held = Count(row.held.0.max(quantity));
        }
    };
    add(&reservation.issued, false);
    if let Some(next) = &reservation.in_transit {
        add(next, true);
    }
    by_lot.into_values().collect()
}

/// What a reservation holds, in a line for each licence.
pub(crate) fn brief(reservation: &ReservationView) -> Vec<String> {
    if reservation.kind == ReservationKind::Universal {
        return vec!["All licenses (universal reservation)".into()];
    }
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    for row in rows(reservation) {
        *sums.entry(row.name).or_default() += row.held.0;
    }
    sums.into_iter().map(|(name, count)| format!("{} {name}", Count(count))).collect()
}
