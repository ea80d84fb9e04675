//! Reading a request's body, within limits of size and time.

use core::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest as _, Request};
use http::StatusCode;

/// How long a body may take to arrive.
const TIMEOUT: Duration = Duration::from_secs(15);

/// The whole body, of at most 2 MB (axum's own limit), or the status to refuse with and why.
pub(crate) async fn read(request: Request) -> Result<Bytes, (StatusCode, String)> {
    match tokio::time::timeout(TIMEOUT, Bytes::from_request(request, &())).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(why)) => Err((why.status(), format!("the body can't be read: {}", why.body_text()))),
        Err(_) => {
            let why = format!("the body did not arrive within {} seconds", TIMEOUT.as_secs());
            Err((StatusCode::REQUEST_TIMEOUT, why))
        }
    }
}
