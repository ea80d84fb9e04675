//! What handlers take from a request; whatever can't be read is a [`Problem`].

use axum::extract::{FromRequest, FromRequestParts, Request};
use http::request::Parts;
use seatpool_proto::{AccountId, VirtualAccountId};
use serde::de::DeserializeOwned;

use crate::app::access::{self, Principal};
use crate::app::{App, accounts};
use crate::rest::problem::Problem;
use crate::rest::{auth, body, query};

/// Who calls.
pub(crate) struct Caller(pub(crate) Principal);

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Ok(Self(auth::principal(parts, app).await?))
    }
}

/// The parts of the path.
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        axum::extract::Path::from_request_parts(parts, app)
            .await
            .map(|path| Self(path.0))
            .map_err(|why| Problem::unreadable(why.body_text()))
    }
}

/// The query string.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        query::read(&parts.uri).map(Self).map_err(Problem::unreadable)
    }
}

/// A JSON body.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &App) -> Result<Self, Problem> {
        let bytes = body::read(request).await.map_err(|(status, why)| {
            let problem = Problem::unreadable(why);
            Problem { status: status.as_u16(), ..problem }
        })?;
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|why| Problem::unreadable(format!("the body is not the JSON that is expected: {why}")))
    }
}

/// The id of the account with this domain.
pub(crate) async fn account(app: &App, principal: &Principal, domain: &str) -> Result<AccountId, Problem> {
    Ok(access::account(app, principal, domain).await?.id)
}

/// The ids of an account and of a virtual account in it, by name or id.
pub(crate) async fn place(
    app: &App,
    principal: &Principal,
    domain: &str,
    name: &str,
) -> Result<(AccountId, VirtualAccountId), Problem> {
    let account = account(app, principal, domain).await?;
    let place = accounts::virtual_account(app, principal, account, name).await?;
    Ok((account, place.id))
}
