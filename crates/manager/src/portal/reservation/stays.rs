//! Why product instances that hold reservations are not moved or removed like others, and what can be done instead.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use crate::app::instances::{InstanceStatus, InstanceView};
use crate::portal::frame::{Frame, Va};
use crate::portal::page::{Here, show_with};
use crate::portal::problem::Problem;

#[derive(Template)]
#[template(path = "reservation/stays.html")]
struct StaysPage {
    frame: Frame,
    va: Va,
    title: String,
    removes: bool,
    /// Whether others were chosen as well, which could be moved or removed.
    has_others: bool,
    rows: Vec<StaysRow>,
    back: String,
}

struct StaysRow {
    name: String,
    href: String,
}

/// The page instead of moving or removing these, if any of them holds a reservation. One alone that is to be removed
/// is asked for its return code.
pub(crate) fn instead(
    here: &Here,
    chosen: &[InstanceView],
    removes: bool,
) -> Option<Result<Response, Problem>> {
    let reserved: Vec<_> = chosen.iter().filter(|row| row.status == InstanceStatus::Reserved).collect();
    let first = reserved.first()?;
    if removes && chosen.len() == 1 {
        let to = format!("{}/instances/{}/reservation/return", here.base, first.id);
        return Some(Ok(Redirect::to(&to).into_response()));
    }
    let what = match reserved.as_slice() {
        [only] => only.name.clone(),
        several => format!("{} product instances", several.len()),
    };
    let row = |row: &&InstanceView| StaysRow {
        name: row.name.clone(),
        href: format!("{}/instances/{}", here.base, row.id),
    };
    let page = StaysPage {
        frame: here.frame(false, None),
        va: here.plain_head(),
        title: format!("{what} can't be {} like this", if removes { "removed" } else { "transferred" }),
        removes,
        has_others: reserved.len() < chosen.len(),
        rows: reserved.iter().map(row).collect(),
        back: format!("{}/instances", here.base),
    };
    Some(show_with(StatusCode::CONFLICT, &page))
}
