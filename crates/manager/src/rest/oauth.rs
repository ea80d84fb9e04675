//! OAuth2 (RFC 6749): client credentials in, access token out. The parameters may come as a form, in the
//! query string or as JSON (rest-api.md); all three at once are united, the body before the query.

use axum::body::Bytes;
use axum::extract::{FromRequest as _, Query, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Form, Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body;
use crate::app::access::clients::{self, GrantError};
use crate::app::{App, AppError};
use crate::server::Peer;

/// Largest body of a token request, in bytes.
const BODY_BYTES_MAX: usize = 16 * 1024;

/// What a token request asks.
#[derive(Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct TokenRequest {
    /// `client_credentials`; or `password`, where the account's administrator allows it.
    grant_type: Option<String>,
    /// The client's id.
    client_id: Option<String>,
    /// The client's secret.
    client_secret: Option<String>,
    /// The scopes that are asked for, with spaces between them; all that the client has if absent.
    scope: Option<String>,
    /// With `password`: the sign-in name.
    username: Option<String>,
    /// With `password`: the password.
    password: Option<String>,
}

impl TokenRequest {
    fn or(self, other: Self) -> Self {
        Self {
            grant_type: self.grant_type.or(other.grant_type),
            client_id: self.client_id.or(other.client_id),
            client_secret: self.client_secret.or(other.client_secret),
            scope: self.scope.or(other.scope),
            username: self.username.or(other.username),
            password: self.password.or(other.password),
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
    /// The scopes that it has.
    #[schema(example = "read inventory")]
    scope: String,
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
            AppError::Unavailable { .. } | AppError::Busy { .. } => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self { error: "server_error", error_description: error.to_string(), status }
    }
}

impl From<GrantError> for TokenError {
    fn from(error: GrantError) -> Self {
        let code = match error {
            GrantError::App(error) => return error.into(),
            GrantError::Client => "invalid_client",
            GrantError::Scope(_) => "invalid_scope",
            GrantError::PasswordsOff => "unauthorized_client",
            GrantError::User | GrantError::Wait { .. } | GrantError::Besieged { .. } => "invalid_grant",
        };
        Self::new(code, error.to_string())
    }
}

impl IntoResponse for TokenError {
    fn into_response(self) -> Response {
        let status = self.status;
        let mut response = uncached((status, Json(self)).into_response());
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("10"));
        }
        response
    }
}

fn uncached(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(create_token)).routes(routes!(create_token_backend))
}

/// The same at a doubled leading slash, which is seen in the wild (rest-api.md).
pub(crate) fn doubled() -> Router<App> {
    Router::new()
        .route("//oauth/token", post(create_token))
        .route("//backend/oauth/token", post(create_token_backend))
}

/// Get an access token
///
/// By OAuth2 client credentials, or in the name of a user whose account allows the password grant. The parameters may come as a form, in the query string or as JSON.
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
    let address = address(&request);
    let asked = read(request).await?;
    let by_password = match asked.grant_type.as_deref() {
        Some("client_credentials") => false,
        Some("password") => true,
        Some(_) => {
            return Err(TokenError::new("unsupported_grant_type", "use grant_type=client_credentials"));
        }
        None => {
            return Err(TokenError::new("invalid_request", "grant_type is missing: use client_credentials"));
        }
    };
    let (Some(id), Some(secret)) = (asked.client_id, asked.client_secret) else {
        return Err(TokenError::new("invalid_request", "client_id and client_secret are both needed"));
    };
    let scope = asked.scope.as_deref();
    let granted = if by_password {
        let (Some(login), Some(password)) = (asked.username, asked.password) else {
            return Err(TokenError::new("invalid_request", "username and password are both needed"));
        };
        let (client, person) = ((id.as_str(), secret.as_str()), (login.as_str(), password));
        clients::grant_by_password(&app, client, person, scope, address.as_deref()).await?
    } else {
        clients::grant(&app, &id, &secret, scope).await?
    };
    let scopes: Vec<_> = granted.scopes.iter().map(|scope| scope.as_str()).collect();
    let answer = TokenAnswer {
        access_token: granted.token,
        token_type: "Bearer",
        expires_in: granted.expires_in,
        scope: scopes.join(" "),
    };
    Ok(uncached(Json(answer).into_response()))
}

/// The address that the request came from.
fn address(request: &Request) -> Option<String> {
    request.extensions().get::<Peer>().map(|peer| peer.0.ip().to_canonical().to_string())
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
