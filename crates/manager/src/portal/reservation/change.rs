//! The wizard that changes a reservation: licences, review; its last step is the new authorization code's page.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use seatpool_domain::Refused;
use seatpool_proto::code::ReservationKind;

use super::selection::{self, Row};
use super::wizard::{CHANGE, Device, ReviewPage, SelectPage, Wizard};
use super::{label, open, own};
use crate::app::reservations::{self, ReservationView, Reserve, preview};
use crate::app::{App, AppError};
use crate::portal::frame::Banner;
use crate::portal::guard::Posted;
use crate::portal::page::{Here, show_with};
use crate::portal::part::Tone;
use crate::portal::problem::Problem;
use crate::portal::sign_in::capitalised;

/// What can be changed now, or why nothing can.
async fn changeable(app: &App, here: &Here) -> Result<ReservationView, Problem> {
    here.must_manage()?;
    let reservation = open(app, here).await?;
    let conflict = |title, text: String| Problem { status: StatusCode::CONFLICT, title, text };
    if reservation.kind == ReservationKind::Universal {
        let text = format!(
            "{} holds a universal reservation: all licenses, without counting. There is nothing to change.",
            label(&reservation)
        );
        return Err(conflict("A universal reservation has no licenses to change", text));
    }
    if let Some(transit) = &reservation.in_transit {
        let text = format!(
            "The change that {} had made waits for its confirmation code. Enter that first, as the product showed it when \
             the authorization code was installed; or enter the product's return code for it, if it never was.",
            transit.made_by
        );
        return Err(conflict("The last change is still in transit", text));
    }
    Ok(reservation)
}

/// `GET …/instances/{instance}/reservation/update`.
pub(super) async fn show_selection(State(app): State<App>, here: Here) -> Result<Response, Problem> {
    let reservation = changeable(&app, &here).await?;
    let rows = rows(&app, &here, &reservation).await?;
    select(&here, &reservation, rows, None, StatusCode::OK)
}

async fn rows(app: &App, here: &Here, reservation: &ReservationView) -> Result<Vec<Row>, Problem> {
    let offers = reservations::offers(app, &here.principal, here.account_id(), here.va.id).await?;
    Ok(selection::rows(&offers, Some(&reservation.issued), app.now()))
}

/// `POST …/instances/{instance}/reservation/update`: the next step, or the one before.
pub(super) async fn send(State(app): State<App>, here: Here, form: Posted) -> Result<Response, Problem> {
    let step = form.text("step");
    let reservation = changeable(&app, &here).await?;
    let mut rows = rows(&app, &here, &reservation).await?;
    let lines = selection::read(&mut rows, &form);
    let lines = match lines {
        Some(lines) if step != "again" => lines,
        lines => {
            let status = if lines.is_some() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
            return select(&here, &reservation, rows, None, status);
        }
    };
    if selection::is_held(&lines, &reservation.issued) {
        let text = "The product holds just these licenses: change a number, or cancel.";
        let problem = Some(Banner::new(Tone::Note, "Nothing is different", text));
        return select(&here, &reservation, rows, problem, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let done = if step == "reserve" && form.text("reviewed") == selection::key(&lines) {
        carry_out(&app, &here, &reservation, &lines).await
    } else {
        review(&app, &here, &reservation, &rows, &lines).await
    };
    match done {
        Ok(response) => response,
        Err(AppError::Refused(refused)) => {
            let problem = (!selection::refuse(&mut rows, &refused)).then(|| not_changed(&refused));
            select(&here, &reservation, rows, problem, StatusCode::CONFLICT)
        }
        Err(error) => Err(error.into()),
    }
}

fn not_changed(refused: &Refused) -> Banner {
    Banner::new(Tone::Bad, "Nothing was changed", format!("{}.", capitalised(&refused.to_string())))
}

fn wizard(here: &Here, reservation: &ReservationView) -> Wizard {
    Wizard {
        title: "Update License Reservation".into(),
        names: CHANGE,
        action: format!("{}/update", own(here, reservation.instance)),
        cancel: format!("{}/instances/{}", here.base, reservation.instance),
        device: Device::new(&reservation.udi, reservation.kind),
        hidden: Vec::new(),
    }
}

fn select(
    here: &Here,
    reservation: &ReservationView,
    rows: Vec<Row>,
    problem: Option<Banner>,
    status: StatusCode,
) -> Result<Response, Problem> {
    show_with(status, &SelectPage::new(here, wizard(here, reservation), rows, problem))
}

async fn review(
    app: &App,
    here: &Here,
    reservation: &ReservationView,
    rows: &[Row],
    lines: &[Reserve],
) -> Result<Result<Response, Problem>, AppError> {
    let (principal, account, instance) = (&here.principal, here.account_id(), reservation.instance);
    let changes = preview::update(app, principal, account, instance, lines).await?;
    let words = (
        "Change and make the code",
        "The change stays in transit until the product has installed the new code and its confirmation code is entered here. Until then, of each license the larger of the old and the new number is held: what is given up is free for others only afterwards.",
    );
    let page = ReviewPage::new(here, wizard(here, reservation), rows, lines, &changes, words);
    Ok(show_with(StatusCode::OK, &page))
}

async fn carry_out(
    app: &App,
    here: &Here,
    reservation: &ReservationView,
    lines: &[Reserve],
) -> Result<Result<Response, Problem>, AppError> {
    let instance = reservation.instance;
    reservations::update(app, &here.principal, here.account_id(), instance, lines).await?;
    Ok(Ok(Redirect::to(&format!("{}?done=updated", own(here, instance))).into_response()))
}
