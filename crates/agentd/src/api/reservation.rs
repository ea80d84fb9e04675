//! `licensing/reservation/…`: the steps of a reservation, in the shape that clients of embedded agents know.

use http::{Method, StatusCode};
use hyper::body::Incoming;
use seatpool_agent::reservation::{Step, Taken};
use seatpool_proto::code::ReservationKind;

use super::request::json as read;
use super::routes::{Answer, no_such, refused};
use super::{Refusal, shapes};
use crate::runtime::{Handle, ReservationChange};

/// Answers one request below `licensing/reservation`.
pub(super) async fn route(request: http::Request<Incoming>, rest: &[&str], handle: &Handle) -> Answer {
    let method = request.method().clone();
    let step = match (&method, rest) {
        (&Method::GET, []) => {
            return Ok(shapes::json(StatusCode::OK, &handle.status().reservation));
        }
        (&Method::PUT, ["mode"]) => {
            let on: bool = read(request).await?;
            ReservationChange::Step(if on { Step::Enable } else { Step::Disable })
        }
        (&Method::POST, ["request"] | ["request", "specific"]) => {
            ReservationChange::Request(ReservationKind::Specific)
        }
        (&Method::POST, ["request", "universal"]) => ReservationChange::Request(ReservationKind::Universal),
        (&Method::POST, ["complete"]) => ReservationChange::Step(Step::Install(read(request).await?)),
        (&Method::DELETE, ["cancel"]) => ReservationChange::Step(Step::Cancel),
        (&Method::DELETE, ["release"]) => ReservationChange::Step(Step::Return),
        (&Method::POST, ["discard"]) => {
            ReservationChange::Step(Step::ReturnAuthorization(read(request).await?))
        }
        (&Method::GET, ["confirmation_code"]) => {
            return last(handle.status().reservation.last_confirmation_code, "confirmation");
        }
        (&Method::GET, ["return_code"]) => {
            return last(handle.status().reservation.last_return_code, "return");
        }
        (&Method::DELETE, ["canceled"]) => ReservationChange::Step(Step::ForgetCanceled),
        (&Method::DELETE, ["confirmation_code"]) => ReservationChange::Step(Step::ForgetConfirmation),
        (&Method::DELETE, ["return_code"]) => ReservationChange::Step(Step::ForgetReturn),
        _ => {
            let path = format!("licensing/reservation/{}", rest.join("/"));
            return Err(no_such(&method, path.trim_end_matches('/')));
        }
    };
    Ok(match handle.reserve(step).await.map_err(refused)? {
        Taken::Done => shapes::empty(StatusCode::NO_CONTENT),
        Taken::Requested(code) => shapes::json(StatusCode::OK, &code.to_string()),
        Taken::Installed(code) => shapes::json(StatusCode::OK, &code.to_string()),
        Taken::Returned(code) => shapes::json(StatusCode::OK, &code.to_string()),
    })
}

fn last(code: Option<String>, what: &str) -> Answer {
    match code {
        Some(code) => Ok(shapes::json(StatusCode::OK, &code)),
        None => {
            let words = format!("there is no {what} code yet");
            Err(Refusal::new(StatusCode::NOT_FOUND, "no_code", words))
        }
    }
}
