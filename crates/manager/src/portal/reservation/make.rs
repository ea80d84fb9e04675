//! The wizard that reserves: request code, licences, review; its last step is the authorization code's page.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use seatpool_domain::Refused;
use seatpool_proto::code::ReservationKind;

use super::own;
use super::selection::{self, Row};
use super::wizard::{Device, MAKE, ReviewPage, SelectPage, Stages, Wizard};
use crate::app::access::{Permission, allows};
use crate::app::reservations::{self, Asked, Reserve, preview};
use crate::app::{App, AppError};
use crate::portal::form::Field;
use crate::portal::frame::{Banner, Frame, Va};
use crate::portal::guard::Posted;
use crate::portal::page::{Here, base_of, show, show_with};
use crate::portal::part::Tone;
use crate::portal::problem::Problem;
use crate::portal::sign_in::capitalised;

#[derive(Template)]
#[template(path = "reservation/request.html")]
struct RequestPage {
    frame: Frame,
    va: Va,
    stages: Stages,
    action: String,
    cancel: String,
    code: Field,
    universal_permitted: bool,
}

/// `GET …/reservations/new`.
pub(super) async fn show_request(here: Here) -> Result<Response, Problem> {
    here.must_manage()?;
    show(&request_page(&here, Field::default()))
}

fn request_page(here: &Here, code: Field) -> RequestPage {
    RequestPage {
        frame: here.frame(false, None),
        va: here.plain_head(),
        stages: Stages::new(MAKE, 1),
        action: format!("{}/reservations/new", here.base),
        cancel: format!("{}/licenses", here.base),
        code,
        universal_permitted: here.account.universal_permitted,
    }
}

/// `POST …/reservations/new`: the next step, or the one before.
pub(super) async fn send(State(app): State<App>, here: Here, form: Posted) -> Result<Response, Problem> {
    here.must_manage()?;
    // A file that is chosen now is newer than what stood in the text from a try before.
    let file = form.text("file");
    let mut code = Field::of(if file.is_empty() { form.text("request_code") } else { file });
    let step = form.text("step");
    if step == "start" {
        return show(&request_page(&here, code));
    }
    let asked =
        reservations::look_at(&app, &here.principal, here.account_id(), here.va.id, &code.value).await;
    let asked = match asked {
        Ok(asked) => asked,
        Err(AppError::Refused(refused)) => {
            code.refuse(capitalised(&refused.to_string()));
            return show_with(StatusCode::UNPROCESSABLE_ENTITY, &request_page(&here, code));
        }
        Err(error) => return Err(error.into()),
    };
    if step != "reserve"
        && let Some(answer) = answered(&here, &asked, &mut code)?
    {
        return Ok(answer);
    }
    let mut rows = selection::rows(&asked.offers, None, app.now());
    let lines = match (step, asked.request.kind) {
        ("select" | "reserve", ReservationKind::Specific) => match selection::read(&mut rows, &form) {
            Some(lines) => lines,
            None => return select(&here, &asked, rows, None, StatusCode::UNPROCESSABLE_ENTITY),
        },
        (_, ReservationKind::Universal) => Vec::new(),
        ("again", ReservationKind::Specific) => {
            selection::read(&mut rows, &form);
            return select(&here, &asked, rows, None, StatusCode::OK);
        }
        (_, ReservationKind::Specific) => {
            if let Some(refused) = never(&app, &here, &asked).await? {
                code.refuse(capitalised(&refused.to_string()));
                return show_with(StatusCode::UNPROCESSABLE_ENTITY, &request_page(&here, code));
            }
            selection::take_over(&mut rows, &form);
            return select(&here, &asked, rows, None, StatusCode::OK);
        }
    };
    let done = if step == "reserve" && form.text("reviewed") == selection::key(&lines) {
        carry_out(&app, &here, &asked, &lines).await
    } else {
        review(&app, &here, &asked, &rows, &lines).await
    };
    match done {
        Ok(response) => response,
        Err(AppError::Refused(refused)) if asked.request.kind == ReservationKind::Universal => {
            code.refuse(capitalised(&refused.to_string()));
            show_with(StatusCode::CONFLICT, &request_page(&here, code))
        }
        Err(AppError::Refused(refused)) => {
            let problem = (!selection::refuse(&mut rows, &refused)).then(|| not_reserved(&refused));
            select(&here, &asked, rows, problem, StatusCode::CONFLICT)
        }
        Err(error) => Err(error.into()),
    }
}

/// Where a request code leads that was answered before: to its code, or to a sentence that says what became of it.
fn answered(here: &Here, asked: &Asked, code: &mut Field) -> Result<Option<Response>, Problem> {
    let Some(before) = &asked.reservation else { return Ok(None) };
    let place = before.virtual_account;
    if before.is_open() && allows(&here.principal, here.account_id(), Permission::ManageVirtualAccount(place))
    {
        let base = base_of(&here.account.domain, place);
        let to = format!("{base}/instances/{}/reservation?done=before", before.instance);
        return Ok(Some(Redirect::to(&to).into_response()));
    }
    code.refuse(if before.is_open() {
        "This request code has its authorization code already, in a virtual account that you don't manage: ask who manages that"
    } else {
        "This request code was used before, and its reservation has ended: make a new one on the product with license smart reservation cancel and request"
    });
    show_with(StatusCode::CONFLICT, &request_page(here, code.clone())).map(Some)
}

/// Why this product can't reserve whatever is chosen, if it can't: it holds a reservation, or is registered.
async fn never(app: &App, here: &Here, asked: &Asked) -> Result<Option<Refused>, Problem> {
    let Some(least) = asked.offers.iter().find(|offer| !offer.available.is_zero()) else { return Ok(None) };
    let line = Reserve {
        license: least.license.tag.to_string(),
        lot: None,
        quantity: seatpool_proto::Quantity::of(1),
    };
    let code = asked.request.to_string();
    match preview::reserve(app, &here.principal, here.account_id(), here.va.id, &code, &[line]).await {
        Err(AppError::Refused(refused @ Refused::Reservation { .. })) => Ok(Some(refused)),
        Ok(_) | Err(AppError::Refused(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn not_reserved(refused: &Refused) -> Banner {
    Banner::new(Tone::Bad, "Nothing was reserved", format!("{}.", capitalised(&refused.to_string())))
}

fn wizard(here: &Here, asked: &Asked) -> Wizard {
    Wizard {
        title: "License Reservation".into(),
        names: MAKE,
        action: format!("{}/reservations/new", here.base),
        cancel: format!("{}/licenses", here.base),
        device: Device::new(&asked.request.udi, asked.request.kind),
        hidden: vec![("request_code".into(), asked.request.to_string())],
    }
}

fn select(
    here: &Here,
    asked: &Asked,
    rows: Vec<Row>,
    problem: Option<Banner>,
    status: StatusCode,
) -> Result<Response, Problem> {
    show_with(status, &SelectPage::new(here, wizard(here, asked), rows, problem))
}

async fn review(
    app: &App,
    here: &Here,
    asked: &Asked,
    rows: &[Row],
    lines: &[Reserve],
) -> Result<Result<Response, Problem>, AppError> {
    let code = asked.request.to_string();
    let changes = preview::reserve(app, &here.principal, here.account_id(), here.va.id, &code, lines).await?;
    let words = (
        "Reserve and make the code",
        "The licenses stay reserved for this product until its return code is entered here, or its term ends; nobody else can use them. The product is never in contact: it is changed and removed by codes alone.",
    );
    Ok(show(&ReviewPage::new(here, wizard(here, asked), rows, lines, &changes, words)))
}

async fn carry_out(
    app: &App,
    here: &Here,
    asked: &Asked,
    lines: &[Reserve],
) -> Result<Result<Response, Problem>, AppError> {
    let code = asked.request.to_string();
    let made =
        reservations::reserve(app, &here.principal, here.account_id(), here.va.id, &code, lines).await?;
    Ok(Ok(Redirect::to(&format!("{}?done=reserved", own(here, made.instance))).into_response()))
}
