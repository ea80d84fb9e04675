//! Releasing the licences of a failed product without its return code: at once by the vendor, or in two steps by two
//! people of the customer (features.md, A12).

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use seatpool_domain::command::{Refused, RehostStep};

use super::held::{self, HeldRow};
use super::wizard::Device;
use super::{open, own};
use crate::app::access::{Permission, allows, check};
use crate::app::reservations::{self, ReservationView};
use crate::app::{App, AppError};
use crate::portal::form::Field;
use crate::portal::frame::{Banner, Frame, Va};
use crate::portal::guard::Posted;
use crate::portal::page::{Here, show_with};
use crate::portal::part::{Tone, When};
use crate::portal::problem::Problem;
use crate::portal::sign_in::capitalised;

/// A step that the reader may take.
struct Choice {
    word: &'static str,
    words: &'static str,
    /// `primary`, `danger` or none.
    tone: &'static str,
}

#[derive(Template)]
#[template(path = "reservation/rehost.html")]
struct RehostPage {
    frame: Frame,
    va: Va,
    device: Device,
    rows: Vec<HeldRow>,
    asked: Option<(When, String, String)>,
    /// What the reader can do; nothing if they wait for somebody else.
    choices: Vec<Choice>,
    /// Why they can do nothing, or who decides.
    note: Option<&'static str>,
    reason_hint: &'static str,
    reason: Field,
    problem: Option<Banner>,
    action: String,
    instance: String,
}

/// The steps that the reader may take as things stand.
fn choices(here: &Here, reservation: &ReservationView) -> Result<Vec<Choice>, Problem> {
    let allowed = |permission| allows(&here.principal, here.account_id(), permission);
    let mut choices = Vec::new();
    if allowed(Permission::Deposit) {
        choices.push(Choice { word: "release", words: "Release the licenses now", tone: "danger" });
    }
    let asked_by_self =
        reservation.rehost.as_ref().is_some_and(|asked| asked.by == here.principal.actor.name());
    if reservation.rehost.is_some() && allowed(Permission::Approve) {
        if !asked_by_self {
            choices.push(Choice { word: "approve", words: "Approve and release", tone: "danger" });
        }
        choices.push(Choice { word: "refuse", words: "Refuse", tone: "" });
    }
    if reservation.rehost.is_none() && here.manages {
        choices.push(Choice { word: "ask", words: "Ask for the release", tone: "primary" });
    }
    if choices.is_empty() && !here.manages && !allowed(Permission::Approve) {
        // Whoever can never do anything here is told what it takes.
        check(&here.principal, here.account_id(), Permission::ManageVirtualAccount(here.va.id))?;
    }
    Ok(choices)
}

/// `GET …/instances/{instance}/reservation/rehost`.
pub(super) async fn show_rehost(State(app): State<App>, here: Here) -> Result<Response, Problem> {
    let reservation = open(&app, &here).await?;
    page(&app, &here, &reservation, Field::default(), None, StatusCode::OK)
}

fn page(
    app: &App,
    here: &Here,
    reservation: &ReservationView,
    reason: Field,
    problem: Option<Banner>,
    status: StatusCode,
) -> Result<Response, Problem> {
    let choices = choices(here, reservation)?;
    let has = |word: &str| choices.iter().any(|choice| choice.word == word);
    let asked = reservation.rehost.as_ref();
    let note = if has("ask") && !has("release") {
        Some(
            "A second person, who holds the role approver, has to consent. Until then everything stays as it is.",
        )
    } else if choices.is_empty() && asked.is_some() {
        Some("A second person, who holds the role approver, has to consent: you can only wait.")
    } else if choices.is_empty() {
        Some("Nobody has asked for it. Who manages the virtual account asks, and you approve or refuse.")
    } else if asked.is_some() && !has("approve") && has("refuse") {
        Some(
            "You asked for this yourself: another approver has to consent. You can take it back by refusing it.",
        )
    } else {
        None
    };
    let page = RehostPage {
        frame: here.frame(false, None),
        va: here.plain_head(),
        device: Device::new(&reservation.udi, reservation.kind),
        rows: held::rows(reservation),
        asked: asked.map(|asked| (When::since(asked.at, app.now()), asked.by.clone(), asked.reason.clone())),
        note,
        reason_hint: if has("approve") {
            "It goes into the event log. To approve it may stay empty."
        } else {
            "It goes into the event log: what happened to the product, and how you know."
        },
        choices,
        reason,
        problem,
        action: format!("{}/rehost", own(here, reservation.instance)),
        instance: format!("{}/instances/{}", here.base, reservation.instance),
    };
    show_with(status, &page)
}

/// `POST …/instances/{instance}/reservation/rehost`.
pub(super) async fn send_rehost(
    State(app): State<App>,
    here: Here,
    form: Posted,
) -> Result<Response, Problem> {
    let reservation = open(&app, &here).await?;
    let mut reason = Field::of(form.text("reason"));
    let (step, done) = match form.text("step") {
        "release" => (RehostStep::Release, "instances?done=released-1".to_owned()),
        "approve" => (RehostStep::Approve, "instances?done=released-1".to_owned()),
        "ask" => (RehostStep::Ask, format!("instances/{}?done=rehost-asked", reservation.instance)),
        "refuse" => (RehostStep::Refuse, format!("instances/{}?done=rehost-refused", reservation.instance)),
        _ => {
            choices(&here, &reservation)?;
            let problem = Banner::new(Tone::Bad, "Nothing was done", "Choose what is to be done.");
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            return page(&app, &here, &reservation, reason, Some(problem), status);
        }
    };
    let (account, instance) = (here.account_id(), reservation.instance);
    match reservations::rehost(&app, &here.principal, account, instance, step, reason.value.clone()).await {
        Ok(_) => Ok(Redirect::to(&format!("{}/{done}", here.base)).into_response()),
        Err(AppError::Refused(refused @ Refused::Invalid { field: "reason", .. })) => {
            reason.refuse(capitalised(&refused.to_string()));
            page(&app, &here, &reservation, reason, None, StatusCode::UNPROCESSABLE_ENTITY)
        }
        Err(AppError::Refused(refused)) => {
            let text = format!("{}.", capitalised(&refused.to_string()));
            let problem = Some(Banner::new(Tone::Bad, "Nothing was done", text));
            page(&app, &here, &reservation, reason, problem, StatusCode::CONFLICT)
        }
        Err(error) => Err(error.into()),
    }
}
