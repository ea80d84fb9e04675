//! What handlers take from a request: who calls, the account and virtual account of the path, bodies and query
//! strings; whatever can't be had is a [`Failure`].

use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use http::StatusCode;
use http::request::Parts;
use seatpool_proto::{AccountId, VirtualAccountId};
use seatpool_store::Page;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::{IntoParams, ToSchema};

use super::lenient;
use super::shape::{Failure, page};
use crate::app::access::{self, Permission, Principal};
use crate::app::accounts::{self, VirtualAccountView};
use crate::app::{App, AppError};
use crate::rest::{auth, body, query};

/// Who calls.
pub(crate) struct Caller(pub(crate) Principal);

impl FromRequestParts<App> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
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
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let principal = auth::principal(parts, app).await?;
        let domain = part_of_path(parts, "domain").await?;
        let account = access::account(app, &principal, &domain).await?.id;
        Ok(Self { app: app.clone(), principal, account })
    }
}

impl InAccount {
    /// The virtual accounts with these names; the first that is not there is named.
    pub(crate) async fn places<'n>(
        &self,
        names: impl IntoIterator<Item = &'n str>,
    ) -> Result<Vec<VirtualAccountView>, Failure> {
        let readable = accounts::virtual_accounts(&self.app, &self.principal, self.account).await?;
        let named = |name: &str| {
            accounts::find(&readable, name).cloned().ok_or_else(|| {
                Failure::refused(format!("there is no virtual account {name:?} in this account"))
            })
        };
        names.into_iter().map(named).collect()
    }

    /// The virtual accounts that the rows of a request name as their targets.
    pub(crate) async fn targets<'n>(
        &self,
        names: impl IntoIterator<Item = &'n Option<String>>,
    ) -> Result<Vec<VirtualAccountView>, Failure> {
        let given = |name: &'n Option<String>| {
            let name = name.as_deref().filter(|name| !name.trim().is_empty());
            name.ok_or_else(|| Failure::refused("targetVirtualAccount is missing: say where to"))
        };
        self.places(names.into_iter().map(given).collect::<Result<Vec<_>, _>>()?).await
    }

    /// The ids of those that a listing is restricted to; none if it is not.
    pub(crate) async fn listed(&self, listing: &Listing) -> Result<Vec<VirtualAccountId>, Failure> {
        let found = self.places(listing.virtual_accounts.iter().map(String::as_str)).await?;
        Ok(found.into_iter().map(|place| place.id).collect())
    }
}

/// Who calls, and the account and virtual account of the path.
pub(crate) struct InVirtualAccount {
    pub(crate) at: InAccount,
    pub(crate) place: VirtualAccountView,
}

impl FromRequestParts<App> for InVirtualAccount {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let at = InAccount::from_request_parts(parts, app).await?;
        let name = part_of_path(parts, "virtual_account").await?;
        let mut found = at.places([name.as_str()]).await?;
        let place = found.pop().ok_or(AppError::Internal)?;
        Ok(Self { at, place })
    }
}

impl InVirtualAccount {
    /// Refuses unless the caller manages licences and product instances here.
    pub(crate) fn check_managed(&self) -> Result<(), Failure> {
        self.check(Permission::ManageVirtualAccount(self.place.id))
    }

    /// Refuses unless the caller may do this.
    pub(crate) fn check(&self, permission: Permission) -> Result<(), Failure> {
        Ok(access::check(&self.at.principal, self.at.account, permission)?)
    }
}

async fn part_of_path(parts: &mut Parts, name: &str) -> Result<String, Failure> {
    let unreadable = |why: String| Failure::new(StatusCode::BAD_REQUEST, why);
    let path =
        RawPathParams::from_request_parts(parts, &()).await.map_err(|why| unreadable(why.body_text()))?;
    let found = path.iter().find(|(known, _)| *known == name);
    found
        .map(|(_, value)| value.to_owned())
        .ok_or_else(|| unreadable(format!("the path does not say which {name}")))
}

/// A JSON object of which every key is optional, whatever its content type says; an absent body is `{}`. What is
/// no JSON is answered 400; a value that can't be taken is refused like any other.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &App) -> Result<Self, Failure> {
        let bytes = body::read(request).await.map_err(|(status, why)| Failure::new(status, why))?;
        let text = bytes.trim_ascii();
        let text = if text.is_empty() { b"{}" } else { text };
        let failure = |why: String| format!("the body is not what it should be: {why}");
        if !text.starts_with(b"{") {
            let why = failure("it is a JSON object, in braces".to_owned());
            return Err(Failure::new(StatusCode::BAD_REQUEST, why));
        }
        serde_json::from_slice(text).map(Self).map_err(|why| {
            let status = if why.is_data() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
            Failure::new(status, failure(why.to_string()))
        })
    }
}

/// A query string.
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<App> for Params<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Failure> {
        query::read(&parts.uri).map(Self).map_err(Failure::refused)
    }
}

/// Which rows to list.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Listing {
    /// Virtual accounts by name; all that the caller may read if empty.
    #[serde(deserialize_with = "lenient::texts")]
    virtual_accounts: Vec<String>,
    /// How many rows; -1 for all; 50 if absent.
    #[serde(deserialize_with = "lenient::number")]
    limit: Option<i64>,
    /// How many rows to skip.
    #[serde(deserialize_with = "lenient::number")]
    offset: Option<i64>,
}

impl Listing {
    /// The page that it asks for.
    pub(crate) fn page(&self) -> Result<Page, Failure> {
        page(self.limit, self.offset)
    }

    /// The same, of a list that has all its rows unless a limit is given.
    pub(crate) fn page_or_all(&self) -> Result<Page, Failure> {
        page(self.limit.or(Some(-1)), self.offset)
    }
}

/// A page of a list.
#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(crate) struct PageParams {
    /// How many rows; -1 for all; 50 if absent.
    #[serde(deserialize_with = "lenient::number")]
    limit: Option<i64>,
    /// How many rows to skip.
    #[serde(deserialize_with = "lenient::number")]
    offset: Option<i64>,
}

impl PageParams {
    /// The page that it asks for.
    pub(crate) fn page(&self) -> Result<Page, Failure> {
        page(self.limit, self.offset)
    }
}
