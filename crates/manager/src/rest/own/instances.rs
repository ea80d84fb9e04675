//! Product instances.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use seatpool_proto::ProductInstanceId;
use seatpool_store::{InstanceQuery, InstanceSort};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::extract::{Body, Caller, Path, Query, account};
use super::paging::{PageParams, Rows};
use crate::app::access::unknown;
use crate::app::instances::{self, InstanceDetail, InstanceView};
use crate::app::{App, accounts, inventory};
use crate::rest::problem::Problem;

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
    /// How many rows, 1 to 1000; 100 if absent.
    limit: Option<u32>,
    /// `next_cursor` of the page before. An instance that comes, goes or changes its place in the order
    /// between two pages may be missed or seen twice.
    cursor: Option<String>,
}

/// List registered product instances
#[utoipa::path(
    get, path = "/accounts/{account}/instances", tag = "seatpool",
    params(("account" = String, Path, description = "The smart account's domain"), InstanceParams),
    responses(
        (status = 200, description = "In the order that was asked for", body = Rows<InstanceView>),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account, virtual account or licence", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list_instances(
    State(app): State<App>,
    Caller(principal): Caller,
    Path(domain): Path<String>,
    Query(params): Query<InstanceParams>,
) -> Result<Json<Rows<InstanceView>>, Problem> {
    let account = account(&app, &principal, &domain).await?;
    let place = PageParams { limit: params.limit, cursor: params.cursor }.place()?;
    let (sort, descending) = sort(params.sort.as_deref())?;
    let names: Vec<_> = params.virtual_account.into_iter().collect();
    let places = accounts::virtual_accounts_named(&app, &principal, account, &names).await?;
    let tag = match &params.license {
        None => None,
        Some(license) => Some(inventory::known_tag(&app, license)?),
    };
    let query = InstanceQuery {
        virtual_accounts: Some(places.iter().map(|place| place.id).collect()),
        text: params.text.filter(|text| !text.is_empty()),
        product_type: params.product_type,
        tag,
        sort,
        descending,
    };
    Ok(Json(place.rows(instances::list(&app, &principal, account, query, place.page()).await?)))
}

fn sort(text: Option<&str>) -> Result<(InstanceSort, bool), Problem> {
    let text = text.unwrap_or("name");
    let (key, descending) = text.strip_prefix('-').map_or((text, false), |key| (key, true));
    let sort = match key {
        "name" => InstanceSort::Name,
        "product_type" => InstanceSort::ProductType,
        "last_contact" => InstanceSort::LastContact,
        "registered" => InstanceSort::Registered,
        _ => {
            return Err(Problem::unreadable(format!(
                "sort is name, product_type, last_contact or registered, not {key:?}"
            )));
        }
    };
    Ok((sort, descending))
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
    State(app): State<App>,
    Caller(principal): Caller,
    Path((domain, id)): Path<(String, String)>,
) -> Result<Json<InstanceDetail>, Problem> {
    let account = account(&app, &principal, &domain).await?;
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
    State(app): State<App>,
    Caller(principal): Caller,
    Path((domain, id)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let account = account(&app, &principal, &domain).await?;
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
    State(app): State<App>,
    Caller(principal): Caller,
    Path((domain, id)): Path<(String, String)>,
    Body(transfer): Body<InstanceTransfer>,
) -> Result<StatusCode, Problem> {
    let account = account(&app, &principal, &domain).await?;
    let to = accounts::virtual_account(&app, &principal, account, &transfer.to).await?;
    instances::transfer(&app, &principal, account, parse(&id)?, to.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn parse(id: &str) -> Result<ProductInstanceId, Problem> {
    id.parse().map_err(|_| unknown("product instance").into())
}
