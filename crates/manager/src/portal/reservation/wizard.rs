//! The steps of a wizard, and the two pages that making and changing a reservation share: choosing and reviewing.

use askama::Template;
use askama::filters::HtmlSafe;
use seatpool_proto::Udi;
use seatpool_proto::code::ReservationKind;

use super::selection::{self, Row};
use crate::app::inventory::preview::BalanceChange;
use crate::app::reservations::Reserve;
use crate::portal::frame::{Banner, Frame, Va};
use crate::portal::page::Here;
use crate::portal::part::{Count, When};
use crate::portal::preview::{ChangeRow, change_rows, verdict};

/// The steps of reserving.
pub(super) const MAKE: &[&str] =
    &["Enter Request Code", "Select Licenses", "Review and confirm", "Authorization Code"];
/// The steps of changing a reservation.
pub(super) const CHANGE: &[&str] = &["Select Licenses", "Review and confirm", "Authorization Code"];

/// How far somebody is.
#[derive(Template)]
#[template(path = "reservation/stages.html")]
pub(super) struct Stages {
    names: &'static [&'static str],
    /// From 1.
    current: usize,
}
impl HtmlSafe for Stages {}

impl Stages {
    pub(super) fn new(names: &'static [&'static str], current: usize) -> Self {
        Self { names, current }
    }
}

/// The product, as its codes name it.
pub(super) struct Device {
    pub(super) pid: String,
    pub(super) sn: String,
    pub(super) uuid: Option<String>,
    pub(super) universal: bool,
}

impl Device {
    pub(super) fn new(udi: &Udi, kind: ReservationKind) -> Self {
        Self {
            pid: udi.pid.clone(),
            sn: udi.sn.clone(),
            uuid: udi.uuid.clone(),
            universal: kind == ReservationKind::Universal,
        }
    }
}

/// What both wizards know on every page.
pub(super) struct Wizard {
    pub(super) title: String,
    pub(super) names: &'static [&'static str],
    /// Path that its forms are sent to.
    pub(super) action: String,
    /// Where it is left.
    pub(super) cancel: String,
    pub(super) device: Device,
    /// Fields that come along unseen.
    pub(super) hidden: Vec<(String, String)>,
}

/// Which licences, how many.
#[derive(Template)]
#[template(path = "reservation/select.html")]
pub(super) struct SelectPage {
    frame: Frame,
    va: Va,
    wizard: Wizard,
    stages: Stages,
    rows: Vec<Row>,
    problem: Option<Banner>,
    /// Whether there is a step before.
    has_before: bool,
}

impl SelectPage {
    pub(super) fn new(here: &Here, wizard: Wizard, rows: Vec<Row>, problem: Option<Banner>) -> Self {
        let current = wizard.names.len() - 2;
        Self {
            frame: here.frame(false, None),
            va: here.plain_head(),
            stages: Stages::new(wizard.names, current),
            has_before: current > 1,
            wizard,
            rows,
            problem,
        }
    }
}

/// What is about to be reserved, and what that does.
#[derive(Template)]
#[template(path = "reservation/review.html")]
pub(super) struct ReviewPage {
    frame: Frame,
    va: Va,
    wizard: Wizard,
    stages: Stages,
    lines: Vec<ReviewLine>,
    /// What is carried out if it is still this.
    reviewed: String,
    verdict: Option<Banner>,
    changes: Vec<ChangeRow>,
    button: &'static str,
    consequence: &'static str,
    /// The step that the way back leads to.
    before: &'static str,
}

struct ReviewLine {
    name: String,
    tag: String,
    source: String,
    expires: Option<When>,
    quantity: String,
}

impl ReviewPage {
    pub(super) fn new(
        here: &Here,
        mut wizard: Wizard,
        rows: &[Row],
        lines: &[Reserve],
        changes: &[BalanceChange],
        (button, consequence): (&'static str, &'static str),
    ) -> Self {
        wizard.hidden.extend(selection::carried(rows));
        let chosen = rows.iter().filter(|row| row.reserve.value.parse::<u64>().is_ok_and(|count| count > 0));
        let line = |row: &Row| ReviewLine {
            name: row.name.clone(),
            tag: row.tag.to_string(),
            source: row.source.clone(),
            expires: row.expires,
            quantity: row.reserve.value.parse().map_or_else(|_| String::new(), |n| Count(n).to_string()),
        };
        Self {
            frame: here.frame(false, None),
            va: here.plain_head(),
            stages: Stages::new(wizard.names, wizard.names.len() - 1),
            lines: chosen.map(line).collect(),
            reviewed: selection::key(lines),
            verdict: Some(verdict(changes)),
            changes: change_rows(changes),
            button,
            consequence,
            before: if wizard.device.universal { "start" } else { "again" },
            wizard,
        }
    }
}
