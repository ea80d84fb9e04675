//! What handlers take from a request; whatever can't be read is a [`Problem`].

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use http::request::Parts;
use seatpool_proto::{AccountId, VirtualAccountId};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;

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

/// Who calls, and the account of the path.
pub(crate) struct InAccount {
    pub(crate) app: App,
    pub(crate) principal: Principal,
    pub(crate) account: AccountId,
}

impl FromRequestParts<App> for InAccount {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let principal = auth::principal(parts, app).await?;
        let domain = part_of_path(parts, "account").await?;
        let account = access::account(app, &principal, &domain).await?.id;
        Ok(Self { app: app.clone(), principal, account })
    }
}

impl InAccount {
    /// The virtual accounts that a list is restricted to; none if it is not.
    pub(crate) async fn places(&self, params: &PlaceParams) -> Result<Vec<VirtualAccountId>, Problem> {
        let Some(name) = &params.virtual_account else { return Ok(Vec::new()) };
        let place = accounts::virtual_account(&self.app, &self.principal, self.account, name).await?;
        Ok(vec![place.id])
    }
}

/// Who calls, and the account and virtual account of the path.
pub(crate) struct InPlace {
    pub(crate) at: InAccount,
    pub(crate) place: VirtualAccountId,
}

impl FromRequestParts<App> for InPlace {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let at = InAccount::from_request_parts(parts, app).await?;
        let name = part_of_path(parts, "virtual_account").await?;
        let place = accounts::virtual_account(app, &at.principal, at.account, &name).await?.id;
        Ok(Self { at, place })
    }
}

/// The last part of the path that a name stands for.
pub(crate) struct Last(pub(crate) String);

impl FromRequestParts<App> for Last {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let path = RawPathParams::from_request_parts(parts, &()).await;
        let path = path.map_err(|why| Problem::unreadable(why.body_text()))?;
        let last = path.iter().last().map(|(_, value)| Self(value.to_owned()));
        last.ok_or_else(|| Problem::unreadable("the path does not say which"))
    }
}

/// The part of the path with this name.
pub(crate) async fn part_of_path(parts: &mut Parts, name: &str) -> Result<String, Problem> {
    let path = RawPathParams::from_request_parts(parts, &()).await;
    let path = path.map_err(|why| Problem::unreadable(why.body_text()))?;
    let found = path.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_owned());
    found.ok_or_else(|| Problem::unreadable(format!("the path does not say which {name}")))
}

/// Which virtual account to list from.
#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(crate) struct PlaceParams {
    /// Of this virtual account only, by name or id.
    virtual_account: Option<String>,
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

/// A JSON body, or none at all.
pub(crate) struct MaybeBody<T>(pub(crate) T);

impl<T: DeserializeOwned + Default> FromRequest<App> for MaybeBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &App) -> Result<Self, Problem> {
        let bytes = read(request).await?;
        if bytes.is_empty() { Ok(Self(T::default())) } else { parsed(&bytes).map(Self) }
    }
}

/// A JSON body.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &App) -> Result<Self, Problem> {
        parsed(&read(request).await?).map(Self)
    }
}

async fn read(request: Request) -> Result<Bytes, Problem> {
    body::read(request).await.map_err(|(status, why)| {
        let problem = Problem::unreadable(why);
        Problem { status: status.as_u16(), ..problem }
    })
}

fn parsed<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes)
        .map_err(|why| Problem::unreadable(format!("the body is not the JSON that is expected: {why}")))
}
