//! OAuth2 (RFC 6749): client credentials in, access token out. The parameters may come as a form, in the
//! query string or as JSON (rest-api.md); all three at once are united, the body before the query.

use axum::body::Bytes;
use axum::extract::{FromRequest as _, Query, Request, State};
use axum::response::{IntoResponse, Response};
use axum::{Form, Json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body;
use crate::app::access::clients;
use crate::app::{App, AppError};

/// Largest body of a token request, in bytes.
const BODY_BYTES_MAX: usize = 16 * 1024;

/// What a token request asks.
#[derive(Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct TokenRequest {
    /// `client_credentials`.
    grant_type: Option<String>,
    /// The client's id.
    client_id: Option<String>,
    /// The client's secret.
    client_secret: Option<String>,
}

impl TokenRequest {
    fn or(self, other: Self) -> Self {
        Self {
            grant_type: self.grant_type.or(other.grant_type),
            client_id: self.client_id.or(other.client_id),
            client_secret: self.client_secret.or(other.client_secret),
        }
    }
}

/// An access token.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenAnswer {
    /// To be sent as `Authorization: Bearer …`.
    access_token: String,
    /// `Bearer`.
    token_type: &'static str,
    /// Seconds until it ends.
    #[schema(example = 3599)]
    expires_in: i64,
}

/// Why no token was granted (RFC 6749, section 5.2).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenError {
    /// The code.
    #[schema(example = "invalid_client")]
    error: &'static str,
    /// What it means here.
    error_description: String,
    #[serde(skip)]
    status: StatusCode,
}

impl TokenError {
    fn new(error: &'static str, description: impl Into<String>) -> Self {
        Self { error, error_description: description.into(), status: StatusCode::BAD_REQUEST }
    }
}

impl From<AppError> for TokenError {
    fn from(error: AppError) -> Self {
        let status = match error {
            AppError::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self { error: "server_error", error_description: error.to_string(), status }
    }
}

impl IntoResponse for TokenError {
    fn into_response(self) -> Response {
        let status = self.status;
        uncached((status, Json(self)).into_response())
    }
}

fn uncached(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(create_token)).routes(routes!(create_token_backend))
}

/// Get an access token
///
/// By OAuth2 client credentials. The parameters may come as a form, in the query string or as JSON.
#[utoipa::path(
    post, path = "/oauth/token", operation_id = "grant_access_token", tag = "oauth2", security(()),
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "Granted", body = TokenAnswer),
        (status = 400, description = "Refused", body = TokenError),
        (status = 503, description = "Nothing can be stored at the moment", body = TokenError),
    )
)]
async fn create_token(state: State<App>, request: Request) -> Result<Response, TokenError> {
    grant(state, request).await
}

/// Get an access token
///
/// The same as `/oauth/token`, at its on-prem address.
#[utoipa::path(
    post, path = "/backend/oauth/token", operation_id = "grant_access_token_backend", tag = "oauth2", security(()),
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "Granted", body = TokenAnswer),
        (status = 400, description = "Refused", body = TokenError),
        (status = 503, description = "Nothing can be stored at the moment", body = TokenError),
    )
)]
async fn create_token_backend(state: State<App>, request: Request) -> Result<Response, TokenError> {
    grant(state, request).await
}

async fn grant(State(app): State<App>, request: Request) -> Result<Response, TokenError> {
    let asked = read(request).await?;
    match asked.grant_type.as_deref() {
        Some("client_credentials") => {}
        Some("password") => {
            return Err(TokenError::new(
                "unauthorized_client",
                "the password grant is off for every account: use grant_type=client_credentials",
            ));
        }
        Some(_) => {
            return Err(TokenError::new("unsupported_grant_type", "use grant_type=client_credentials"));
        }
        None => {
            return Err(TokenError::new("invalid_request", "grant_type is missing: use client_credentials"));
        }
    }
    let (Some(id), Some(secret)) = (asked.client_id, asked.client_secret) else {
        return Err(TokenError::new("invalid_request", "client_id and client_secret are both needed"));
    };
    let granted = clients::grant(&app, &id, &secret).await?;
    let granted = granted.ok_or_else(|| {
        TokenError::new(
            "invalid_client",
            "there is no client with this client_id and client_secret on this manager",
        )
    })?;
    let answer =
        TokenAnswer { access_token: granted.token, token_type: "Bearer", expires_in: granted.expires_in };
    Ok(uncached(Json(answer).into_response()))
}

async fn read(request: Request) -> Result<TokenRequest, TokenError> {
    let unreadable = |what: &str| TokenError::new("invalid_request", format!("the {what} can't be read"));
    let query = Query::try_from_uri(request.uri()).map_err(|_| unreadable("query string"))?;
    let Query(query): Query<TokenRequest> = query;
    let headers = request.headers().clone();
    let is_json = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.to_ascii_lowercase().contains("json"));
    let body = body::read(request).await.map_err(|(_, why)| TokenError::new("invalid_request", why))?;
    if body.len() > BODY_BYTES_MAX {
        return Err(unreadable("body: it is too long and so"));
    }
    // Some clients send JSON without saying so.
    let body = if body.is_empty() {
        TokenRequest::default()
    } else if is_json || body.trim_ascii_start().starts_with(b"{") {
        serde_json::from_slice(&body).map_err(|_| unreadable("JSON body"))?
    } else {
        form(body).await.ok_or_else(|| unreadable("form"))?
    };
    Ok(body.or(query).or(basic(&headers)))
}

/// A form, whatever the client says that it is.
async fn form(body: Bytes) -> Option<TokenRequest> {
    let request = Request::post("/").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let Form(form) = Form::from_request(request.body(body.into()).ok()?, &()).await.ok()?;
    Some(form)
}

/// Credentials of HTTP Basic (RFC 6749, section 2.3.1), which client libraries prefer.
fn basic(headers: &HeaderMap) -> TokenRequest {
    let credentials = || {
        let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let (scheme, encoded) = value.split_once(' ')?;
        let decoded =
            STANDARD.decode(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
        let (id, secret) = core::str::from_utf8(&decoded).ok()?.split_once(':')?;
        Some(TokenRequest {
            client_id: Some(id.to_owned()),
            client_secret: Some(secret.to_owned()),
            ..TokenRequest::default()
        })
    };
    credentials().unwrap_or_default()
}
