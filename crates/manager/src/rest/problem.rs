//! Errors of Seatpool's own API as `application/problem+json` (RFC 9457), and the one place that decides them.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use seatpool_domain::Refused;
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::{CHALLENGE, Unauthenticated};
use crate::app::AppError;

/// What went wrong, why, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// `urn:seatpool:problem:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// What the code means.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// Stable, for programs.
    #[schema(example = "too_few")]
    pub code: &'static str,
    /// What exactly happened.
    pub detail: String,
    /// What to do next.
    pub action: &'static str,
}

impl Problem {
    /// A problem of this code.
    pub fn new(
        status: StatusCode,
        code: &'static str,
        title: &'static str,
        detail: impl Into<String>,
        action: &'static str,
    ) -> Self {
        Self {
            kind: format!("urn:seatpool:problem:{code}"),
            title,
            status: status.as_u16(),
            code,
            detail: detail.into(),
            action,
        }
    }

    /// Nothing is served there: no such path, or not by that method.
    pub fn nowhere(status: StatusCode) -> Self {
        let (code, title) = match status {
            StatusCode::METHOD_NOT_ALLOWED => ("method_not_allowed", "The path does not take this method"),
            _ => ("not_found", "There is no such path"),
        };
        Self::new(status, code, title, title, "Compare the request with /openapi.json.")
    }

    /// The request can't be read.
    pub fn unreadable(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "unreadable",
            "The request can't be read",
            detail,
            "Compare the request with /openapi.json.",
        )
    }
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        let detail = error.to_string();
        match error {
            AppError::Refused(refused) => of_refusal(&refused, detail),
            AppError::Forbidden { .. } => Self::new(
                StatusCode::FORBIDDEN,
                "forbidden",
                "Your role does not include this",
                detail,
                "Use a client with that role, or ask the account's administrator.",
            ),
            AppError::OutOfScope { .. } => Self::new(
                StatusCode::FORBIDDEN,
                "out_of_scope",
                "The client's scopes do not include this",
                detail,
                "Ask for a token with that scope, or have an administrator make a client that has it.",
            ),
            AppError::Unavailable { .. } => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "The manager can't store or read anything at the moment",
                detail,
                "Try again in a while; the manager's operator sees the reason in /readyz and the log.",
            ),
            AppError::Busy { .. } => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "busy",
                "Too many passwords are being checked",
                detail,
                "Try again after the seconds that the header Retry-After gives.",
            ),
            AppError::Internal => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "The manager failed",
                detail,
                "Tell the manager's operator when it happened.",
            ),
        }
    }
}

fn of_refusal(refused: &Refused, detail: String) -> Problem {
    let (status, title, action) = match refused {
        Refused::Agent { code, .. } => (
            StatusCode::from_u16(code.http_status()).unwrap_or(StatusCode::BAD_REQUEST),
            "The request was refused",
            "See docs/protocol.md for the code.",
        ),
        Refused::Invalid { .. } => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "A value can't be taken",
            "Correct the named field and send the request again.",
        ),
        Refused::Exists { .. } => (StatusCode::CONFLICT, "It exists already", "Choose another name."),
        Refused::Unknown { .. } | Refused::UnknownName { .. } => (
            StatusCode::NOT_FOUND,
            "There is no such thing",
            "Check the name; what you have no role for answers like this, too.",
        ),
        Refused::NotEmpty { .. } => (
            StatusCode::CONFLICT,
            "The virtual account is not empty",
            "Move or remove its product instances and transfer its licences, then delete it.",
        ),
        Refused::DefaultVirtualAccount => (
            StatusCode::CONFLICT,
            "The default virtual account stays",
            "Rename it if its name does not suit.",
        ),
        Refused::ExportNotPermitted => (
            StatusCode::CONFLICT,
            "Export-controlled functionality is not permitted",
            "Create the token with export_controlled false, or ask the vendor to permit it for the account.",
        ),
        Refused::TooFew { .. } => (
            StatusCode::CONFLICT,
            "There are too few licences",
            "Move fewer, or order more; the licence's lots show what is free.",
        ),
        Refused::TooFewFree { .. } => (
            StatusCode::CONFLICT,
            "There are too few free licences",
            "Reserve fewer, move some here, or order more; the licence's lots show what is free.",
        ),
        Refused::Reservation { .. } => (
            StatusCode::CONFLICT,
            "The reservation does not stand so",
            "Read the reservation, then take the step that the detail names.",
        ),
        Refused::Held { .. } => (
            StatusCode::CONFLICT,
            "A part of it is promised elsewhere",
            "Have the reservation returned or the licences moved back, then try again; or take back fewer.",
        ),
        Refused::Decided { .. } => (
            StatusCode::CONFLICT,
            "It was decided before, the other way",
            "Cancel the lot if it is not to count, or have it declared anew.",
        ),
        Refused::OrderCancelled { .. } => {
            (StatusCode::CONFLICT, "The order was cancelled", "Use another order_id for another order.")
        }
        Refused::Changed { .. } => (
            StatusCode::CONFLICT,
            "The figures have changed since this was proposed",
            "Ask for the explanation again: it proposes what fits now.",
        ),
        Refused::OrderDiffers { .. } => (
            StatusCode::CONFLICT,
            "The order was used before with other contents",
            "Use another order_id for another order.",
        ),
        Refused::NotHeld { .. } => (
            StatusCode::FORBIDDEN,
            "Nobody gives or takes a role that he does not hold",
            "Ask somebody who holds the role.",
        ),
        Refused::LastAdministrator { .. } => (
            StatusCode::CONFLICT,
            "The account would have no administrator",
            "Give another person the role account_administrator, let that person set the password, then try again.",
        ),
        Refused::OwnOperatorRole => (
            StatusCode::CONFLICT,
            "A vendor operator can't give up the role alone",
            "Ask another vendor operator.",
        ),
        Refused::ChangedMeanwhile { .. } => {
            (StatusCode::CONFLICT, "Somebody else changed it meanwhile", "Read it again, then decide.")
        }
        Refused::LinkEnded => {
            (StatusCode::CONFLICT, "The link is no longer good", "Ask an administrator for a new one.")
        }
    };
    Problem::new(status, refused.code(), title, detail, action)
}

impl From<Unauthenticated> for Problem {
    fn from(why: Unauthenticated) -> Self {
        let (code, detail) = match why {
            Unauthenticated::App(error) => return error.into(),
            Unauthenticated::Missing => ("unauthenticated", why.to_string()),
            Unauthenticated::Invalid => ("token_invalid", why.to_string()),
        };
        Self::new(
            StatusCode::UNAUTHORIZED,
            code,
            "The request is not authenticated",
            detail,
            "Get an access token by OAuth2 client credentials from /oauth/token.",
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("10"));
        }
        response
    }
}
