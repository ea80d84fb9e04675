//! What all answers of the compatible API share: `status` and `statusMessage`, failures, paging by `limit` and
//! `offset`, how instants are written.

use std::collections::BTreeMap;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use jiff::Timestamp;
use seatpool_domain::Refused;
use seatpool_store::Page;
use serde::Serialize;
use serde_json::json;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder, response};
use utoipa::{IntoResponses, ToSchema};

use crate::app::AppError;
use crate::rest::auth::{CHALLENGE, Unauthenticated};

/// An answer: what was asked for, beside `status` and `statusMessage`.
#[derive(Serialize, ToSchema)]
pub(crate) struct Answer<T> {
    #[serde(flatten)]
    body: T,
    /// `SUCCESS`; with `ERROR` nothing else of the answer is there, unless its rows tell what came of each.
    #[schema(example = "SUCCESS")]
    status: &'static str,
    /// What happened, where there is something to say.
    #[serde(rename = "statusMessage")]
    status_message: String,
}

impl<T> Answer<T> {
    pub(crate) fn success(body: T) -> Self {
        Self { body, status: "SUCCESS", status_message: String::new() }
    }

    /// What could be done, and that something could not.
    pub(crate) fn failing(body: T, message: impl Into<String>) -> Self {
        Self { body, status: "ERROR", status_message: message.into() }
    }

    pub(crate) fn saying(body: T, message: impl Into<String>) -> Self {
        Self { body, status: "SUCCESS", status_message: message.into() }
    }
}

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}

/// Nothing beside `status` and `statusMessage`.
#[derive(Serialize, ToSchema)]
pub(crate) struct Nothing {}

/// What came of a handler.
pub(crate) type Reply<T> = Result<Answer<T>, Failure>;

/// A failure: HTTP 200 where the original answers 200, the proper status for who is asking and for
/// accounts that are not there.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Failure {
    /// `ERROR`.
    #[schema(example = "ERROR")]
    status: &'static str,
    /// What happened and what to do.
    #[serde(rename = "statusMessage")]
    status_message: String,
    #[serde(skip)]
    http: StatusCode,
}

impl Failure {
    pub(crate) fn new(http: StatusCode, message: impl Into<String>) -> Self {
        Self { status: "ERROR", status_message: message.into(), http }
    }

    /// Nothing is served there: no such path, or not by that method.
    pub(crate) fn nowhere(http: StatusCode) -> Self {
        let what = match http {
            StatusCode::METHOD_NOT_ALLOWED => "the path does not take this method",
            _ => "there is no such path",
        };
        Self::new(http, format!("{what}: compare the request with /openapi.json"))
    }

    /// The request was understood and refused.
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::new(StatusCode::OK, message)
    }

    pub(crate) fn with_message(self, message: String) -> Self {
        Self { status_message: message, ..self }
    }

    pub(crate) fn message(&self) -> &str {
        &self.status_message
    }
}

impl From<AppError> for Failure {
    fn from(error: AppError) -> Self {
        let http = match &error {
            AppError::Refused(Refused::Unknown { what: "smart account" }) => StatusCode::NOT_FOUND,
            AppError::Refused(_) => StatusCode::OK,
            AppError::Forbidden { .. } | AppError::OutOfScope { .. } => StatusCode::FORBIDDEN,
            AppError::Unavailable { .. } | AppError::Busy { .. } => StatusCode::SERVICE_UNAVAILABLE,
            AppError::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(http, error.to_string())
    }
}

impl From<Unauthenticated> for Failure {
    fn from(why: Unauthenticated) -> Self {
        match why {
            Unauthenticated::App(error) => error.into(),
            _ => Self::new(StatusCode::UNAUTHORIZED, why.to_string()),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let http = self.http;
        let body = Json(json!({ "status": self.status, "statusMessage": self.status_message }));
        let mut response = (http, body).into_response();
        if http == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
        }
        response
    }
}

/// For the document: what every path of an account answers to who may not see it.
pub(crate) struct OfAccount;

impl IntoResponses for OfAccount {
    fn responses() -> BTreeMap<String, RefOr<response::Response>> {
        failures([("401", "No valid access token"), ("404", "No such account")])
    }
}

/// For the document: the same, and to who may see it and not do this.
pub(crate) struct OfManagedAccount;

impl IntoResponses for OfManagedAccount {
    fn responses() -> BTreeMap<String, RefOr<response::Response>> {
        let mut all = OfAccount::responses();
        all.extend(failures([("403", "The role does not include it")]));
        all
    }
}

fn failures<const N: usize>(known: [(&str, &str); N]) -> BTreeMap<String, RefOr<response::Response>> {
    let failure = |(status, description): (&str, &str)| {
        let body = ContentBuilder::new().schema(Some(Ref::from_schema_name("Failure"))).build();
        let response = ResponseBuilder::new().description(description).content("application/json", body);
        (status.to_owned(), RefOr::T(response.build()))
    };
    known.into_iter().map(failure).collect()
}

/// How many rows a page has unless the caller says otherwise.
const LIMIT_DEFAULT: i64 = 50;

/// The page that `limit` (-1: all) and `offset` ask for.
pub(crate) fn page(limit: Option<i64>, offset: Option<i64>) -> Result<Page, Failure> {
    let limit = match limit.unwrap_or(LIMIT_DEFAULT) {
        -1 => u32::MAX,
        limit => {
            u32::try_from(limit).map_err(|_| Failure::refused("limit is -1 (all) or the number of rows"))?
        }
    };
    let offset = u64::try_from(offset.unwrap_or(0)).map_err(|_| Failure::refused("offset is 0 or more"))?;
    Ok(Page { limit, offset })
}

/// The rows of a page out of all rows.
pub(crate) fn cut<T>(rows: Vec<T>, page: Page) -> Vec<T> {
    let offset = usize::try_from(page.offset).unwrap_or(usize::MAX);
    rows.into_iter().skip(offset).take(page.limit as usize).collect()
}

/// An instant to the second, as in `2022-07-11T14:33:41Z`.
pub(crate) fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The day of an instant in UTC, as in `2022-07-11`.
pub(crate) fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}
