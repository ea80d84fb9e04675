//! `Idempotency-Key`: a POST that carries one is done once, however often it is sent (decision 0013).

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use seatpool_proto::Sha256;
use serde::{Deserialize, Serialize};

use crate::app::requests::{self, Claim, Turn};
use crate::app::{App, AppError};
use crate::rest::problem::Problem;
use crate::rest::{OWN_PREFIX, auth, body};

/// The header that a client names its request in.
const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The header of an answer that was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Longest key, in characters.
const KEY_CHARS_MAX: usize = 255;
/// Largest answer that is kept, in bytes: those of requests that create or change are small.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// An answer as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    status: u16,
    content_type: Option<String>,
    body: String,
}

/// Does a POST with a key once; everything else passes.
pub(in crate::rest) async fn once(State(app): State<App>, request: Request, next: Next) -> Response {
    let is_own = request.method() == Method::POST && request.uri().path().starts_with(OWN_PREFIX);
    let Some(key) = request.headers().get(KEY).filter(|_| is_own).cloned() else {
        return next.run(request).await;
    };
    match claimed(&app, &key, request, next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn claimed(app: &App, key: &HeaderValue, request: Request, next: Next) -> Result<Response, Problem> {
    let key = key.to_str().ok().filter(|key| (1..=KEY_CHARS_MAX).contains(&key.len())).ok_or_else(|| {
        Problem::unreadable(format!("Idempotency-Key is 1 to {KEY_CHARS_MAX} visible ASCII characters"))
    })?;
    let (parts, body) = request.into_parts();
    let principal = auth::principal(&parts, app).await?;
    let bytes = body::read(Request::from_parts(parts.clone(), body))
        .await
        .map_err(|(status, why)| Problem { status: status.as_u16(), ..Problem::unreadable(why) })?;
    let mut asked = format!("{}\n", parts.uri).into_bytes();
    asked.extend_from_slice(&bytes);
    match requests::claim(app, &principal, key, Sha256::of(asked)).await? {
        Claim::Answered(kept) => replay(&kept),
        Claim::UnderWay => Err(Problem::new(
            StatusCode::CONFLICT,
            "request_under_way",
            "A request with this Idempotency-Key is being done",
            "the first request with this Idempotency-Key has no answer yet",
            "Send it again in a while: it gets the first one's answer.",
        )),
        Claim::Differs => Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency_key_reused",
            "The Idempotency-Key belongs to another request",
            "this Idempotency-Key was used within the last 24 hours for a request with another path or body",
            "Use a new key for a new request; send a request again exactly as it was.",
        )),
        Claim::Do(turn) => {
            let request = Request::from_parts(parts, Body::from(bytes));
            // It is done to its end even if the client goes away.
            let done = tokio::spawn(run(turn, request, next)).await;
            done.unwrap_or_else(|_| Err(AppError::Internal.into()))
        }
    }
}

async fn run(turn: Turn, request: Request, next: Next) -> Result<Response, Problem> {
    let response = turn.run(next.run(request)).await;
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, ANSWER_BYTES_MAX).await.map_err(|_| AppError::Internal)?;
    // What the manager itself failed at may succeed the next time.
    if parts.status.is_server_error() {
        turn.give_up().await?;
    } else {
        let content_type = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kept = Kept {
            status: parts.status.as_u16(),
            content_type: content_type.map(str::to_owned),
            body: STANDARD.encode(&bytes),
        };
        let kept = serde_json::to_vec(&kept).map_err(|_| AppError::Internal)?;
        turn.finish(&kept).await?;
    }
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

fn replay(kept: &[u8]) -> Result<Response, Problem> {
    let kept: Kept = serde_json::from_slice(kept).map_err(|_| AppError::Internal)?;
    let status = StatusCode::from_u16(kept.status).map_err(|_| AppError::Internal)?;
    let body = STANDARD.decode(kept.body).map_err(|_| AppError::Internal)?;
    let mut response = (status, Bytes::from(body)).into_response();
    let headers = response.headers_mut();
    headers.remove(CONTENT_TYPE);
    if let Some(kind) = kept.content_type.and_then(|kind| HeaderValue::from_str(&kind).ok()) {
        headers.insert(CONTENT_TYPE, kind);
    }
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}
