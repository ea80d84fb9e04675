//! Licences of products that are never in contact: the wizard that reserves them, the codes that people carry, changing,
//! giving back and rehosting (features.md, D2 to D5 and A12).
//!
//! What a step has read so far travels in its form: a wizard that is left alone leaves nothing behind. What is sent
//! twice gives the same code, since the ledger knows the request code.
//!
//! | module | owns |
//! |---|---|
//! | `selection` | which licences, how many: rows and fields |
//! | `wizard` | the steps, and the pages that the wizards share |
//! | `make`, `change` | the two wizards |
//! | `code` | the authorization code as text, file and pictures |
//! | `enter` | confirmation and return codes |
//! | `rehost` | releasing licences of a failed product |
//! | `held`, `stays` | what other pages say of reservations |
//! | `index` | all reservations of an account |

mod change;
mod code;
mod enter;
mod held;
mod index;
mod make;
mod rehost;
mod selection;
pub(super) mod stays;
mod wizard;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use seatpool_proto::ProductInstanceId;

use super::frame::Banner;
use super::page::Here;
use super::part::Tone;
use super::problem::Problem;
use crate::app::App;
use crate::app::reservations::{self, ReservationView};
pub(super) use held::{Held, brief};

/// The routes below a virtual account.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/reservations/new", get(make::show_request).post(make::send))
        .route("/instances/{instance}/reservation", get(code::show_code))
        .route("/instances/{instance}/reservation/authorization-code.txt", get(code::download))
        .route("/instances/{instance}/reservation/pictures/{part}", get(code::show_picture))
        .route("/instances/{instance}/reservation/update", get(change::show_selection).post(change::send))
        .route(
            "/instances/{instance}/reservation/confirm",
            get(enter::show_confirmation).post(enter::send_confirmation),
        )
        .route("/instances/{instance}/reservation/return", get(enter::show_return).post(enter::send_return))
        .route("/instances/{instance}/reservation/rehost", get(rehost::show_rehost).post(rehost::send_rehost))
}

/// The routes below an account.
pub(super) fn account_routes() -> Router<App> {
    Router::new().route("/reservations", get(index::show_index))
}

/// The reservation of the product instance that the path names, if it is in this virtual account; also one that has
/// ended.
async fn found(app: &App, here: &Here) -> Result<ReservationView, Problem> {
    let id: ProductInstanceId = here.id("instance")?;
    let found = reservations::get(app, &here.principal, here.account_id(), id).await?;
    if found.virtual_account.id == here.va.id { Ok(found) } else { Err(Problem::not_found()) }
}

/// The same, if it has not ended.
async fn open(app: &App, here: &Here) -> Result<ReservationView, Problem> {
    let found = found(app, here).await?;
    if found.ended_at.is_none() { Ok(found) } else { Err(ended(&found)) }
}

fn ended(reservation: &ReservationView) -> Problem {
    Problem {
        status: StatusCode::CONFLICT,
        title: "This reservation has ended",
        text: format!(
            "The licenses that {} held are free again: {}. Nothing was changed.",
            label(reservation),
            match reservation.ended {
                Some(seatpool_domain::reservation::ReservationEnded::Rehosted) =>
                    "they were released without a return code",
                _ => "its return code was entered",
            }
        ),
    }
}

/// A reserved product instance in words: nothing of it is known but its device.
fn label(reservation: &ReservationView) -> String {
    format!("{} {}", reservation.udi.pid, reservation.udi.sn)
}

/// Path of the reservation's pages.
fn own(here: &Here, instance: ProductInstanceId) -> String {
    format!("{}/instances/{instance}/reservation", here.base)
}

/// What came of a form, as a product instance's page tells it.
pub(super) fn notice(done: &str) -> Option<Banner> {
    let (tone, title, text) = match done {
        "confirmed" => (
            Tone::Good,
            "The confirmation code is entered",
            "The change has arrived: what the product gave up is free for others.",
        ),
        "change-returned" => (
            Tone::Good,
            "The change is given back",
            "The product never installed it: the reservation holds what it held before.",
        ),
        "rehost-asked" => (
            Tone::Note,
            "You asked for the licenses to be released",
            "An approver decides. Until then the reservation holds what it held.",
        ),
        "rehost-refused" => (Tone::Note, "The release is refused", "The reservation holds what it held."),
        _ => return None,
    };
    Some(Banner::new(tone, title, text))
}
