//! The authorization code: as text, as a file, and as QR pictures. It is signed when it is asked for, so that it can be
//! had again as often as it is lost.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use seatpool_proto::code::picture::{self, SCREEN_BYTES_MAX};

use super::wizard::{CHANGE, Device, MAKE, Stages};
use super::{open, own};
use crate::app::{App, AppError, reservations};
use crate::portal::frame::{Banner, Frame, Va};
use crate::portal::page::{Here, ListQuery, show};
use crate::portal::part::{Count, Icon, Tone, When};
use crate::portal::problem::Problem;

/// A longer code is carried as a file: the page would be too heavy, and nobody copies that by hand.
const SHOWN_BYTES_MAX: usize = 40 * 1024;
/// More pictures than these nobody scans.
const PICTURES_MAX: usize = 12;
/// Width of a picture, in pixels.
const PICTURE_PIXELS: u32 = 400;

#[derive(Template)]
#[template(path = "reservation/code.html")]
struct CodePage {
    frame: Frame,
    va: Va,
    device: Device,
    /// After a wizard, how far that is.
    stages: Option<Stages>,
    title: &'static str,
    /// The code; none if it is too long to be shown.
    text: Option<String>,
    length: Count,
    /// Numbers of the pictures; none if there are too many.
    pictures: Vec<usize>,
    file: String,
    own: String,
    instance: String,
    made: When,
    made_by: String,
    in_transit: bool,
}

/// `GET …/instances/{instance}/reservation`.
pub(super) async fn show_code(
    State(app): State<App>,
    here: Here,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    here.must_manage()?;
    let reservation = open(&app, &here).await?;
    let text = text(&app, &here).await?;
    let parts = picture::parts_of(&text, SCREEN_BYTES_MAX).len();
    let latest = reservation.in_transit.as_ref().unwrap_or(&reservation.issued);
    let own = own(&here, reservation.instance);
    let (stages, title) = match query.done.as_str() {
        "reserved" => (Some(Stages::new(MAKE, MAKE.len())), "License Reservation"),
        "updated" => (Some(Stages::new(CHANGE, CHANGE.len())), "Update License Reservation"),
        _ => (None, "Authorization code"),
    };
    show(&CodePage {
        frame: here.frame(false, notice(&query.done)),
        va: here.plain_head(),
        stages,
        title,
        device: Device::new(&reservation.udi, reservation.kind),
        length: Count(text.len() as u64),
        pictures: if parts <= PICTURES_MAX { (1..=parts).collect() } else { Vec::new() },
        text: (text.len() <= SHOWN_BYTES_MAX).then_some(text),
        file: format!("{own}/authorization-code.txt"),
        instance: format!("{}/instances/{}", here.base, reservation.instance),
        made: When::at(latest.made_at),
        made_by: latest.made_by.clone(),
        in_transit: reservation.in_transit.is_some(),
        own,
    })
}

fn notice(done: &str) -> Option<Banner> {
    let (title, text) = match done {
        "reserved" => ("The licenses are reserved", "Carry the authorization code to the product."),
        "updated" => (
            "The change is in transit",
            "Carry the new authorization code to the product, and bring its confirmation code back.",
        ),
        "before" => (
            "This request code was answered before",
            "Nothing more was reserved: here is its authorization code again.",
        ),
        _ => return None,
    };
    Some(Banner::new(Tone::Good, title, text))
}

async fn text(app: &App, here: &Here) -> Result<String, Problem> {
    let instance = here.id("instance")?;
    Ok(reservations::authorization_code(app, &here.principal, here.account_id(), instance).await?)
}

/// `GET …/instances/{instance}/reservation/authorization-code.txt`.
pub(super) async fn download(State(app): State<App>, here: Here) -> Result<Response, Problem> {
    here.must_manage()?;
    let reservation = open(&app, &here).await?;
    let text = text(&app, &here).await?;
    let plain = |text: &str| -> String {
        text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' }).collect()
    };
    let udi = &reservation.udi;
    let name =
        format!("attachment; filename=\"{}-{}-authorization-code.txt\"", plain(&udi.pid), plain(&udi.sn));
    let name = HeaderValue::from_str(&name).unwrap_or(HeaderValue::from_static("attachment"));
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    Ok(([(CONTENT_TYPE, kind), (CONTENT_DISPOSITION, name)], format!("{text}\n")).into_response())
}

/// `GET …/instances/{instance}/reservation/pictures/{part}`.
pub(super) async fn show_picture(State(app): State<App>, here: Here) -> Result<Response, Problem> {
    here.must_manage()?;
    open(&app, &here).await?;
    let number: usize = here.id("part")?;
    let parts = picture::parts_of(&text(&app, &here).await?, SCREEN_BYTES_MAX);
    let part =
        number.checked_sub(1).and_then(|index| parts.get(index)).filter(|_| parts.len() <= PICTURES_MAX);
    let part = part.ok_or_else(Problem::not_found)?;
    let image = picture::svg(part, PICTURE_PIXELS).map_err(|error| {
        tracing::error!(%error, "a QR picture can't be drawn");
        Problem::from(AppError::Internal)
    })?;
    Ok(([(CONTENT_TYPE, HeaderValue::from_static("image/svg+xml"))], image).into_response())
}
