//! Product instances.

use axum::Json;
use http::StatusCode;
use seatpool_proto::ProductInstanceId;
use seatpool_store::{InstanceQuery, InstanceSort};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::extract::{Body, InAccount, Last, Query};
use super::paging::{PageParams, Rows};
use super::refusals::OfManager;
use super::sorting::sorted;
use crate::app::access::unknown;
use crate::app::accounts::invalid;
use crate::app::instances::{self, InstanceDetail, InstanceView};
use crate::app::inventory::preview::{self, Preview};
use crate::app::{accounts, inventory};
use crate::rest::problem::Problem;

/// How many product instances a preview takes.
const PREVIEWED_MAX: usize = 200;

/// Which instances, in which order.
#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(crate) struct InstanceParams {
    /// Of this virtual account only, by name or id.
    virtual_account: Option<String>,
    /// Part of the host name, product name, product type, serial number or UUID.
    text: Option<String>,
    /// Of this product type only.
    product_type: Option<String>,
    /// Those that use this licence only, by name or tag.
    license: Option<String>,
    /// `name`, `product_type`, `last_contact` or `registered`; with a `-` before it, from the other end.
    sort: Option<String>,
}

/// List registered product instances
///
/// An instance that comes, goes or changes its place in the order between two pages may be missed or seen twice.
#[utoipa::path(
    get, path = "/accounts/{account}/instances", tag = "seatpool",
    params(("account" = String, Path, description = "The smart account's domain"), InstanceParams, PageParams),
    responses(
        (status = 200, description = "In the order that was asked for", body = Rows<InstanceView>),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account, virtual account or licence", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list_instances(
    at: InAccount,
    Query(params): Query<InstanceParams>,
    Query(page): Query<PageParams>,
) -> Result<Json<Rows<InstanceView>>, Problem> {
    let (place, query) = (page.place()?, params.query(&at).await?);
    let found = instances::list(&at.app, &at.principal, at.account, query, place.page()).await?;
    Ok(Json(place.rows(found)))
}

impl InstanceParams {
    /// What to ask for.
    pub(crate) async fn query(self, at: &InAccount) -> Result<InstanceQuery, Problem> {
        let (sort, descending) = sorted(self.sort.as_deref(), &SORTS)?;
        let places = match &self.virtual_account {
            None => None,
            Some(name) => {
                let place = accounts::virtual_account(&at.app, &at.principal, at.account, name).await?;
                Some(vec![place.id])
            }
        };
        let tag = match &self.license {
            None => None,
            Some(license) => Some(inventory::known_tag(&at.app, license)?),
        };
        Ok(InstanceQuery {
            virtual_accounts: places,
            text: self.text.filter(|text| !text.is_empty()),
            product_type: self.product_type,
            tag,
            sort,
            descending,
        })
    }
}

/// What instances can be sorted by.
const SORTS: [(&str, InstanceSort); 4] = [
    ("name", InstanceSort::Name),
    ("product_type", InstanceSort::ProductType),
    ("last_contact", InstanceSort::LastContact),
    ("registered", InstanceSort::Registered),
];

/// A step with product instances.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InstanceStep {
    /// Their ids, at least one.
    instances: Vec<String>,
    /// The virtual account that they would be moved to, by name or id; if absent, they would be removed.
    #[serde(default)]
    to: Option<String>,
}

/// Say what moving or removing product instances would do to balances and compliance, and do nothing
#[utoipa::path(
    post, path = "/accounts/{account}/instances/preview", tag = "seatpool",
    params(("account" = String, Path, description = "The smart account's domain")),
    request_body = InstanceStep,
    responses(
        (status = 200, description = "Every balance that would change", body = Preview),
        OfManager,
    )
)]
pub(crate) async fn preview_instances(
    InAccount { app, principal, account }: InAccount,
    Body(step): Body<InstanceStep>,
) -> Result<Json<Preview>, Problem> {
    let ids = step.instances.iter().map(|id| parse(id)).collect::<Result<Vec<_>, _>>()?;
    if ids.is_empty() || ids.len() > PREVIEWED_MAX {
        let problem = format!("are {}: name 1 to {PREVIEWED_MAX}", ids.len());
        return Err(invalid("instances", &problem).into());
    }
    let to = match &step.to {
        None => None,
        Some(name) => Some(accounts::virtual_account(&app, &principal, account, name).await?.id),
    };
    Ok(Json(preview::instances(&app, &principal, account, &ids, to).await?.into()))
}

/// Show a product instance with its latest events
#[utoipa::path(
    get, path = "/accounts/{account}/instances/{instance}", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("instance" = String, Path, description = "The product instance's id"),
    ),
    responses(
        (status = 200, description = "The instance; also one that has ended", body = InstanceDetail),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account or instance", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn show_instance(
    InAccount { app, principal, account }: InAccount,
    Last(id): Last,
) -> Result<Json<InstanceDetail>, Problem> {
    Ok(Json(instances::detail(&app, &principal, account, parse(&id)?).await?))
}

/// Remove a product instance: frees its licences at once and revokes its certificate
#[utoipa::path(
    delete, path = "/accounts/{account}/instances/{instance}", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("instance" = String, Path, description = "The product instance's id"),
    ),
    responses(
        (status = 204, description = "Removed"),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Does not manage its virtual account", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account or instance", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn remove_instance(
    InAccount { app, principal, account }: InAccount,
    Last(id): Last,
) -> Result<StatusCode, Problem> {
    instances::remove(&app, &principal, account, parse(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Where to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InstanceTransfer {
    /// The virtual account, by name or id.
    to: String,
}

/// Move a product instance to another virtual account; its usage goes with it at once
#[utoipa::path(
    post, path = "/accounts/{account}/instances/{instance}/transfer", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("instance" = String, Path, description = "The product instance's id"),
    ),
    request_body = InstanceTransfer,
    responses(
        (status = 204, description = "Moved"),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Does not manage both virtual accounts", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account, instance or virtual account", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn transfer_instance(
    InAccount { app, principal, account }: InAccount,
    Last(id): Last,
    Body(transfer): Body<InstanceTransfer>,
) -> Result<StatusCode, Problem> {
    let to = accounts::virtual_account(&app, &principal, account, &transfer.to).await?;
    instances::transfer(&app, &principal, account, parse(&id)?, to.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn parse(id: &str) -> Result<ProductInstanceId, Problem> {
    id.parse().map_err(|_| unknown("product instance").into())
}
