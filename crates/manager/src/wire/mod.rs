//! The agents' endpoints: HTTP around [`App::answer_agent`].
//!
//! It owns what HTTP adds: paths, content type, size and time limits of the body. It decides nothing of licensing.

use core::time::Duration;
use std::net::IpAddr;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::State;
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use axum::routing::post;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use seatpool_proto::{ProblemCode, limits};

use crate::app::App;
use crate::app::agents::{Reply, refuse_unsigned};
use crate::server::Peer;

/// The paths that agents know. All speak the same protocol.
pub const PATHS: [&str; 3] =
    ["/licservice/license", "/SmartTransport", "/Transportgateway/services/DeviceRequestHandler"];

/// How long a body may take to arrive.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(15);

/// How much of a body that is too large is read, so that its sender gets to read the answer.
pub const DRAIN_BYTES_MAX: usize = 1024 * 1024;

/// The routes.
pub fn router() -> Router<App> {
    PATHS.iter().fold(Router::new(), |router, path| router.route(path, post(answer)))
}

async fn answer(State(app): State<App>, request: Request<Body>) -> Response<Body> {
    let source = request.extensions().get::<Peer>().map(|peer| peer.0.ip().to_canonical());
    let reply = match read(request, source).await {
        Ok(body) => app.answer_agent(&body, source).await,
        Err(reply) => reply,
    };
    respond(reply)
}

/// The whole body, or why not.
async fn read(request: Request<Body>, source: Option<IpAddr>) -> Result<Bytes, Reply> {
    let refuse = |code, detail: &str| Err(refuse_unsigned(code, detail, None, source));
    if !is_json(request.headers().get(header::CONTENT_TYPE)) {
        return refuse(ProblemCode::UnsupportedMediaType, "");
    }
    // What says beforehand that it is far too large is not waited for.
    if request.body().size_hint().lower() > DRAIN_BYTES_MAX as u64 {
        return refuse(ProblemCode::TooLarge, "");
    }
    // A little too much is read to its end: over HTTP/2 an earlier answer is lost with the stream.
    let body = Limited::new(request.into_body(), DRAIN_BYTES_MAX);
    match tokio::time::timeout(BODY_TIMEOUT, body.collect()).await {
        Ok(Ok(collected)) => match collected.to_bytes() {
            bytes if bytes.len() > limits::MESSAGE_BYTES_MAX => refuse(ProblemCode::TooLarge, ""),
            bytes => Ok(bytes),
        },
        Ok(Err(e)) if e.is::<LengthLimitError>() => refuse(ProblemCode::TooLarge, ""),
        Ok(Err(_)) => refuse(ProblemCode::Malformed, "The connection ended before the body did."),
        Err(_) => {
            let detail = format!("The body did not arrive within {} seconds.", BODY_TIMEOUT.as_secs());
            refuse(ProblemCode::Malformed, &detail)
        }
    }
}

/// `application/json`, with any parameters.
fn is_json(content_type: Option<&HeaderValue>) -> bool {
    content_type
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

fn respond(reply: Reply) -> Response<Body> {
    let content_type = if reply.signed { "application/json" } else { "application/problem+json" };
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(seconds) = reply.retry_after_seconds {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
