//! Reading requests: a body within its limit, of the documented shape, with words for what is not.

use http::StatusCode;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use seatpool_agent::Secret;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Refusal, wrong};
use crate::runtime::Setting;

/// Largest request body, in bytes: the longest text of an authorization code, each character of it escaped.
const BODY_BYTES_MAX: usize = 2 * 64 * 1024 + 1024;

/// Reads a JSON body.
pub(super) async fn json<T: DeserializeOwned>(request: http::Request<Incoming>) -> Result<T, Refusal> {
    let body = Limited::new(request.into_body(), BODY_BYTES_MAX).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            let words = format!("the body is larger than {BODY_BYTES_MAX} bytes");
            Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", words)
        } else {
            Refusal::bad_request("malformed", "the body ended too soon")
        }
    })?;
    let body = body.to_bytes();
    serde_json::from_slice(&body)
        .map_err(|error| Refusal::bad_request("malformed", wrong::explain::<T>(&body, &error)))
}

/// `PUT licensing/transport`. What is left out stays; `null` goes back to the default.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TransportRequest {
    #[serde(default)]
    pub(super) ssms: Setting<String>,
    #[serde(default)]
    pub(super) mode: Option<seatpool_agent::TransportMode>,
    #[serde(default)]
    pub(super) proxy: Setting<ProxyRequest>,
}

/// A proxy; with a server of `null`, none; what is left out stays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProxyRequest {
    #[serde(default)]
    pub(super) server: Setting<String>,
    #[serde(default)]
    pub(super) port: Option<u16>,
    /// With `null` the proxy is asked without credentials; left out, the present ones stay.
    #[serde(default)]
    pub(super) user: Setting<String>,
    #[serde(default)]
    pub(super) password: Option<String>,
}

/// `POST licensing/registration`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RegistrationRequest {
    pub(super) token: Secret,
    #[serde(default)]
    pub(super) reregister: bool,
}

/// `PUT licensing/privacy`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PrivacyRequest {
    #[serde(default)]
    pub(super) hostname: Option<bool>,
    #[serde(default)]
    pub(super) version: Option<bool>,
}
