//! The HTTP exchange over an established TLS stream.

use http::header::{ACCEPT, CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use seatpool_proto::{ProblemCode, SignedResponse, limits};
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::{DEFAULT_PATH, Destination, Failure};

/// Posts `body` and reads a signed answer, whatever its HTTP status: refusals are signed too.
pub(super) async fn post(
    stream: TlsStream<TcpStream>,
    destination: &Destination,
    body: Vec<u8>,
) -> Result<SignedResponse, Failure> {
    let lost = |error: hyper::Error| Failure::Lost { reason: error.to_string() };
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(lost)?;
    let request = Request::post(&destination.path)
        .header(HOST, destination.authority())
        .header(CONTENT_TYPE, "application/json")
        .header(ACCEPT, "application/json, application/problem+json")
        .header(USER_AGENT, concat!("seatpool-agentd/", env!("CARGO_PKG_VERSION")))
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| Failure::Address(error.to_string()))?;
    let not_found = (destination.path != DEFAULT_PATH)
        .then(|| format!("the URL's path is not a manager's; use https://{}", destination.authority()));
    let exchange = async move {
        let response = sender.send_request(request).await.map_err(lost)?;
        let status = response.status();
        let retry_after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .map(|seconds| format!("; try again in {seconds} s"));
        let body = Limited::new(response.into_body(), limits::MESSAGE_BYTES_MAX)
            .collect()
            .await
            .map_err(|error| {
                if error.is::<http_body_util::LengthLimitError>() {
                    Failure::TooLarge { limit: limits::MESSAGE_BYTES_MAX }
                } else {
                    Failure::Lost { reason: error.to_string() }
                }
            })?
            .to_bytes();
        read(status, &body, retry_after, not_found)
    };
    tokio::pin!(exchange);
    tokio::select! {
        biased;
        result = &mut exchange => result,
        // The connection ends by itself only after the exchange or by a failure; hear the exchange out.
        ended = connection => {
            let result = exchange.await;
            match (ended, result) {
                (Err(error), Err(Failure::Lost { .. })) => Err(lost(error)),
                (_, result) => result,
            }
        }
    }
}

/// The documented unsigned refusal (RFC 9457).
#[derive(Deserialize)]
struct Problem {
    code: Option<ProblemCode>,
    title: Option<String>,
    detail: Option<String>,
    action: Option<String>,
}

/// `not_found` is what a 404 of the path means, where the URL names one of its own.
fn read(
    status: StatusCode,
    body: &[u8],
    retry_after: Option<String>,
    not_found: Option<String>,
) -> Result<SignedResponse, Failure> {
    let envelope = match SignedResponse::from_bytes(body) {
        Ok(envelope) => return Ok(envelope),
        Err(error) => error,
    };
    if status.is_success() {
        return Err(Failure::NotAnAnswer { reason: envelope.detail });
    }
    let problem: Option<Problem> = serde_json::from_slice(body).ok();
    let (code, mut detail) = match problem {
        Some(problem) => {
            let words: Vec<String> =
                [problem.detail.or(problem.title), problem.action].into_iter().flatten().collect();
            (problem.code, (!words.is_empty()).then(|| clean(&words.join(" "))))
        }
        None => (None, status.canonical_reason().map(str::to_owned)),
    };
    if status == StatusCode::NOT_FOUND && code.is_none() {
        detail = not_found.or(detail);
    }
    if let Some(wait) = retry_after {
        detail = Some(detail.unwrap_or_default() + &clean(&wait));
    }
    Err(Failure::Http { status: status.as_u16(), code, detail })
}

/// Words from outside, fit for a log line.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(limits::TEXT_BYTES_MAX).collect()
}
