//! Entering the codes that a product prints: the confirmation code of a change, and the return code.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::held::{self, HeldRow};
use super::wizard::Device;
use super::{found, open, own};
use crate::app::reservations::{self, ReservationView};
use crate::app::{App, AppError};
use crate::portal::form::Field;
use crate::portal::frame::{Frame, Va};
use crate::portal::guard::Posted;
use crate::portal::page::{Here, show_with};
use crate::portal::problem::Problem;
use crate::portal::sign_in::capitalised;

/// Which code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    Confirmation,
    Return,
}

#[derive(Template)]
#[template(path = "reservation/enter.html")]
struct EnterPage {
    frame: Frame,
    va: Va,
    device: Device,
    is_return: bool,
    in_transit: bool,
    rows: Vec<HeldRow>,
    code: Field,
    action: String,
    own: String,
    instance: String,
}

/// `GET …/instances/{instance}/reservation/confirm`.
pub(super) async fn show_confirmation(State(app): State<App>, here: Here) -> Result<Response, Problem> {
    show_one(&app, &here, Which::Confirmation).await
}

/// `GET …/instances/{instance}/reservation/return`.
pub(super) async fn show_return(State(app): State<App>, here: Here) -> Result<Response, Problem> {
    show_one(&app, &here, Which::Return).await
}

async fn show_one(app: &App, here: &Here, which: Which) -> Result<Response, Problem> {
    here.must_manage()?;
    let reservation = open(app, here).await?;
    page(here, &reservation, which, Field::default(), StatusCode::OK)
}

fn page(
    here: &Here,
    reservation: &ReservationView,
    which: Which,
    code: Field,
    status: StatusCode,
) -> Result<Response, Problem> {
    let own = own(here, reservation.instance);
    let word = if which == Which::Return { "return" } else { "confirm" };
    let page = EnterPage {
        frame: here.frame(false, None),
        va: here.plain_head(),
        device: Device::new(&reservation.udi, reservation.kind),
        is_return: which == Which::Return,
        in_transit: reservation.in_transit.is_some(),
        rows: held::rows(reservation),
        code,
        action: format!("{own}/{word}"),
        instance: format!("{}/instances/{}", here.base, reservation.instance),
        own,
    };
    show_with(status, &page)
}

/// `POST …/instances/{instance}/reservation/confirm`.
pub(super) async fn send_confirmation(
    State(app): State<App>,
    here: Here,
    form: Posted,
) -> Result<Response, Problem> {
    here.must_manage()?;
    let reservation = open(&app, &here).await?;
    let code = Field::of(form.text("code"));
    let (account, instance) = (here.account_id(), reservation.instance);
    match reservations::confirm(&app, &here.principal, account, instance, &code.value).await {
        Ok(_) => {
            let to = format!("{}/instances/{instance}?done=confirmed", here.base);
            Ok(Redirect::to(&to).into_response())
        }
        Err(error) => refused(&here, &reservation, Which::Confirmation, code, error),
    }
}

/// `POST …/instances/{instance}/reservation/return`.
pub(super) async fn send_return(
    State(app): State<App>,
    here: Here,
    form: Posted,
) -> Result<Response, Problem> {
    here.must_manage()?;
    let reservation = found(&app, &here).await?;
    let code = Field::of(form.text("code"));
    let (account, instance) = (here.account_id(), reservation.instance);
    match reservations::give_back(&app, &here.principal, account, instance, &code.value).await {
        Ok(left) => {
            let to = if left.ended_at.is_some() {
                format!("{}/instances?done=returned-1", here.base)
            } else {
                format!("{}/instances/{instance}?done=change-returned", here.base)
            };
            Ok(Redirect::to(&to).into_response())
        }
        Err(error) => refused(&here, &reservation, Which::Return, code, error),
    }
}

fn refused(
    here: &Here,
    reservation: &ReservationView,
    which: Which,
    mut code: Field,
    error: AppError,
) -> Result<Response, Problem> {
    match error {
        AppError::Refused(refused) if reservation.ended_at.is_none() => {
            code.refuse(capitalised(&refused.to_string()));
            page(here, reservation, which, code, StatusCode::UNPROCESSABLE_ENTITY)
        }
        error => Err(error.into()),
    }
}
