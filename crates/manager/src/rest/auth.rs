//! The access token that a request brings (RFC 6750, section 2.1: the `Authorization` header only; a token
//! in a URL would end in logs).

use http::header::AUTHORIZATION;
use http::request::Parts;

use crate::app::access::{Principal, clients};
use crate::app::{App, AppError};
use crate::server::Peer;

/// The value of `WWW-Authenticate` with a 401 (RFC 6750, section 3).
pub(crate) const CHALLENGE: &str = "Bearer realm=\"seatpool\"";

/// Why a request has no principal.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unauthenticated {
    /// It brought no access token.
    #[error(
        "the request carries no access token: get one from /oauth/token and send it as \"Authorization: Bearer …\""
    )]
    Missing,
    /// The token is unknown or its time is over.
    #[error("the access token is unknown or has expired: get a new one from /oauth/token")]
    Invalid,
    /// The manager could not look.
    #[error(transparent)]
    App(#[from] AppError),
}

/// Whom the request's access token stands for.
pub(crate) async fn principal(parts: &Parts, app: &App) -> Result<Principal, Unauthenticated> {
    let header = parts.headers.get(AUTHORIZATION).ok_or(Unauthenticated::Missing)?;
    let token = header
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or(Unauthenticated::Missing)?;
    let found = clients::principal(app, token, peer(parts), app.now()).await?;
    found.ok_or(Unauthenticated::Invalid)
}

/// The address that the request came from.
pub(crate) fn peer(parts: &Parts) -> Option<String> {
    parts.extensions.get::<Peer>().map(|peer| peer.0.ip().to_canonical().to_string())
}
