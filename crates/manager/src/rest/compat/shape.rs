//! What all answers and requests of the compatible API share: `status` and `statusMessage`, lenient bodies,
//! paging by `limit` and `offset`.

use axum::Json;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use jiff::Timestamp;
use seatpool_domain::Refused;
use seatpool_store::Page;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::app::access::Principal;
use crate::app::accounts::{self, VirtualAccountView};
use crate::app::{App, AppError};
use crate::rest::auth::{self, CHALLENGE, Unauthenticated};
use crate::rest::{body, query};

/// An answer: what was asked for, beside `status` and `statusMessage`.
#[derive(Serialize, ToSchema)]
pub(crate) struct Answer<T> {
    #[serde(flatten)]
    body: T,
    /// `SUCCESS`; with `ERROR` nothing else of the answer is there.
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
            AppError::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
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

/// Who calls.
pub(crate) struct Caller(pub(crate) Principal);

impl FromRequestParts<App> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        Ok(Self(auth::principal(parts, app).await?))
    }
}

/// A JSON body of which every key is optional, whatever its content type says; an absent body is `{}`.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &App) -> Result<Self, Failure> {
        let bytes = body::read(request).await.map_err(|(status, why)| Failure::new(status, why))?;
        let bytes = if bytes.trim_ascii().is_empty() { b"{}".as_slice() } else { &bytes };
        let body = serde_json::from_slice(bytes).map_err(|why| {
            Failure::new(StatusCode::BAD_REQUEST, format!("the body is not what it should be: {why}"))
        })?;
        Ok(Self(body))
    }
}

/// The parts of the path.
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Path<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        axum::extract::Path::from_request_parts(parts, app)
            .await
            .map(|path| Self(path.0))
            .map_err(|why| Failure::new(StatusCode::BAD_REQUEST, why.body_text()))
    }
}

/// A query string.
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<App> for Params<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Failure> {
        query::read(&parts.uri).map(Self).map_err(|why| Failure::new(StatusCode::BAD_REQUEST, why))
    }
}

/// A number that scripts send as a number or as a string.
pub(crate) fn lenient_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Number {
        Number(i64),
        Text(String),
    }
    match Option::<Number>::deserialize(deserializer)? {
        None => Ok(None),
        Some(Number::Number(number)) => Ok(Some(number)),
        Some(Number::Text(text)) if text.trim().is_empty() => Ok(None),
        Some(Number::Text(text)) => text
            .trim()
            .parse()
            .map(Some)
            .map_err(|_| serde::de::Error::custom(format!("{text:?} is not a number"))),
    }
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

/// The virtual account with this name; its absence names it.
pub(crate) async fn virtual_account(
    app: &App,
    principal: &Principal,
    account: seatpool_proto::AccountId,
    name: &str,
) -> Result<VirtualAccountView, Failure> {
    accounts::virtual_account(app, principal, account, name).await.map_err(|error| match error {
        AppError::Refused(
            Refused::Unknown { what: "virtual account" }
            | Refused::UnknownName { what: "virtual account", .. },
        ) => Failure::refused(format!("there is no virtual account {name:?} in this account")),
        error => error.into(),
    })
}
