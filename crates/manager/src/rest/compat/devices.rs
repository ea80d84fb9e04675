//! Product instances, which these paths call devices.

use axum::extract::State;
use seatpool_proto::AccountId;
use seatpool_store::InstanceQuery;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::shape::{
    Answer, Body, Caller, Failure, Nothing, Params, Path, Reply, instant, lenient_number, page,
    virtual_account,
};
use crate::app::App;
use crate::app::access::{self, Permission, Principal};
use crate::app::accounts::VirtualAccountView;
use crate::app::instances::{self, InstanceView};

/// A page of devices.
#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(crate) struct DevicesParams {
    /// How many rows; -1 for all; 50 if absent.
    #[serde(deserialize_with = "lenient_number")]
    limit: Option<i64>,
    /// How many rows to skip.
    #[serde(deserialize_with = "lenient_number")]
    offset: Option<i64>,
}

/// Which devices to list.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct DevicesBody {
    /// Virtual accounts by name; all that the caller may read if empty.
    virtual_accounts: Option<Vec<String>>,
    /// How many rows; -1 for all; 50 if absent.
    #[serde(deserialize_with = "lenient_number")]
    limit: Option<i64>,
    /// How many rows to skip.
    #[serde(deserialize_with = "lenient_number")]
    offset: Option<i64>,
}

/// Devices.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Devices {
    /// How many there are in all.
    total_records: u64,
    devices: Vec<Device>,
}

/// A product instance.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Device {
    license_usage: Vec<DeviceUsage>,
    host_name: Option<String>,
    sudi: Sudi,
    display_name: String,
    /// `UDI_PID:X; UDI_SN:Y; `
    instance_name: String,
    /// As in `2022-07-11T14:33:41Z`.
    registration_date: String,
    last_contact_date: String,
    product_tag_name: String,
    product_name: String,
    product_description: String,
    product_type: String,
    virtual_account: String,
    status: &'static str,
}

/// What a device uses of one licence.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeviceUsage {
    license: String,
    quantity: u64,
}

/// What names a device. Of a request only the UDI's parts are read.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Sudi {
    suvi: Option<String>,
    uuid: Option<String>,
    host_identifier: Option<String>,
    udi_pid: Option<String>,
    udi_serial_number: Option<String>,
    udi_vid: Option<String>,
    mac_address: Option<String>,
}

/// List product instances of a virtual account
#[utoipa::path(
    get, path = "/v1/accounts/{domain}/virtual-accounts/{virtual_account}/devices", tag = "compatible",
    params(
        ("domain" = String, Path, description = "The smart account's domain"),
        ("virtual_account" = String, Path, description = "The virtual account's name"),
        DevicesParams,
    ),
    responses(
        (status = 200, description = "By name", body = Answer<Devices>),
        (status = 401, description = "No valid access token", body = Failure),
        (status = 404, description = "No such account", body = Failure),
    )
)]
pub(crate) async fn list_devices_of_virtual_account(
    State(app): State<App>,
    Caller(principal): Caller,
    Path((domain, name)): Path<(String, String)>,
    Params(params): Params<DevicesParams>,
) -> Reply<Devices> {
    let account = access::account(&app, &principal, &domain).await?;
    list(&app, &principal, account.id, &[name], params.limit, params.offset).await
}

/// List product instances
#[utoipa::path(
    post, path = "/v1/accounts/{domain}/devices", tag = "compatible",
    params(("domain" = String, Path, description = "The smart account's domain")),
    request_body = DevicesBody,
    responses(
        (status = 200, description = "By name", body = Answer<Devices>),
        (status = 401, description = "No valid access token", body = Failure),
        (status = 404, description = "No such account", body = Failure),
    )
)]
pub(crate) async fn list_devices(
    State(app): State<App>,
    Caller(principal): Caller,
    Path(domain): Path<String>,
    Body(body): Body<DevicesBody>,
) -> Reply<Devices> {
    let account = access::account(&app, &principal, &domain).await?;
    let names = body.virtual_accounts.unwrap_or_default();
    list(&app, &principal, account.id, &names, body.limit, body.offset).await
}

async fn list(
    app: &App,
    principal: &Principal,
    account: AccountId,
    names: &[String],
    limit: Option<i64>,
    offset: Option<i64>,
) -> Reply<Devices> {
    let page = page(limit, offset)?;
    let mut places = Vec::with_capacity(names.len());
    for name in names {
        places.push(virtual_account(app, principal, account, name).await?.id);
    }
    let query = InstanceQuery { virtual_accounts: Some(places), ..InstanceQuery::default() };
    let found = instances::list(app, principal, account, query, page).await?;
    let devices = found.items.into_iter().map(device).collect();
    Ok(Answer::success(Devices { total_records: found.total, devices }))
}

fn device(row: InstanceView) -> Device {
    let usage = row.usage.iter().filter(|usage| !usage.quantity.is_zero());
    let version = row.product_version.as_deref().unwrap_or_default();
    Device {
        license_usage: usage
            .map(|usage| DeviceUsage { license: usage.name.clone(), quantity: usage.quantity.count() })
            .collect(),
        host_name: row.host_name,
        sudi: Sudi {
            uuid: row.udi.uuid.clone(),
            udi_pid: Some(row.udi.pid.clone()),
            udi_serial_number: Some(row.udi.sn.clone()),
            ..Sudi::default()
        },
        display_name: row.name,
        instance_name: format!("UDI_PID:{}; UDI_SN:{}; ", row.udi.pid, row.udi.sn),
        registration_date: instant(row.registered_at),
        last_contact_date: instant(row.last_contact_at),
        product_tag_name: row.product_type.clone(),
        product_description: format!("{} {version}", row.product_name).trim_end().to_owned(),
        product_name: row.product_name,
        product_type: row.product_type,
        virtual_account: row.virtual_account.name,
        status: row.status.words(),
    }
}

/// Devices to move.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct DeviceTransfers {
    product_instances: Vec<DeviceTransfer>,
}

/// One device to move.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeviceTransfer {
    sudi: Sudi,
    product_tag_name: Option<String>,
    target_virtual_account: String,
}

/// Move product instances to other virtual accounts
#[utoipa::path(
    post, path = "/v1/accounts/{domain}/virtual-accounts/{virtual_account}/devices/transfer",
    tag = "compatible",
    params(
        ("domain" = String, Path, description = "The smart account's domain"),
        ("virtual_account" = String, Path, description = "The virtual account that they are moved out of"),
    ),
    request_body = DeviceTransfers,
    responses(
        (status = 200, description = "Moved, or refused with status ERROR", body = Answer<Nothing>),
        (status = 401, description = "No valid access token", body = Failure),
        (status = 403, description = "The role does not include it", body = Failure),
        (status = 404, description = "No such account", body = Failure),
    )
)]
pub(crate) async fn transfer_devices(
    State(app): State<App>,
    Caller(principal): Caller,
    Path((domain, name)): Path<(String, String)>,
    Body(body): Body<DeviceTransfers>,
) -> Reply<Nothing> {
    let account = access::account(&app, &principal, &domain).await?;
    let from = virtual_account(&app, &principal, account.id, &name).await?;
    access::check(&principal, account.id, Permission::ManageVirtualAccount(from.id))?;
    if body.product_instances.is_empty() {
        return Err(Failure::refused(
            "productInstances is empty: name at least one product instance to move",
        ));
    }
    let mut moves = Vec::with_capacity(body.product_instances.len());
    for row in &body.product_instances {
        let to = virtual_account(&app, &principal, account.id, &row.target_virtual_account).await?;
        let found =
            find(&app, &principal, account.id, &from, &row.sudi, row.product_tag_name.as_deref()).await?;
        moves.push((found, to.id));
    }
    let count = moves.len();
    for (done, (instance, to)) in moves.into_iter().enumerate() {
        instances::transfer(&app, &principal, account.id, instance.id, to)
            .await
            .map_err(|error| partly("transferred", done, count, &instance.name, error.into()))?;
    }
    Ok(Answer::saying(Nothing {}, format!("product instances transferred: {count}")))
}

/// Devices to remove. The misspelt name is the real one; the right one is read, too.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct DeviceRemovals {
    #[serde(rename = "productInstacesRemoveRequests", alias = "productInstancesRemoveRequests")]
    requests: Vec<DeviceRemoval>,
}

/// One device to remove.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeviceRemoval {
    sudi: Sudi,
    product_tag_name: Option<String>,
    /// Of a reservation. None is taken by this version: an instance in contact has none.
    return_code: Option<String>,
}

/// Remove product instances
#[utoipa::path(
    post, path = "/v2/accounts/{domain}/virtual-accounts/{virtual_account}/devices/remove",
    tag = "compatible",
    params(
        ("domain" = String, Path, description = "The smart account's domain"),
        ("virtual_account" = String, Path, description = "The virtual account's name"),
    ),
    request_body = DeviceRemovals,
    responses(
        (status = 200, description = "Removed, or refused with status ERROR", body = Answer<Nothing>),
        (status = 401, description = "No valid access token", body = Failure),
        (status = 403, description = "The role does not include it", body = Failure),
        (status = 404, description = "No such account", body = Failure),
    )
)]
pub(crate) async fn remove_devices(
    State(app): State<App>,
    Caller(principal): Caller,
    Path((domain, name)): Path<(String, String)>,
    Body(body): Body<DeviceRemovals>,
) -> Reply<Nothing> {
    remove(&app, &principal, &domain, &name, body).await
}

/// Remove product instances (as `/v2/…/devices/remove`)
#[utoipa::path(
    post, path = "/v1/accounts/{domain}/virtual-accounts/{virtual_account}/devices/remove",
    tag = "compatible",
    params(
        ("domain" = String, Path, description = "The smart account's domain"),
        ("virtual_account" = String, Path, description = "The virtual account's name"),
    ),
    request_body = DeviceRemovals,
    responses(
        (status = 200, description = "Removed, or refused with status ERROR", body = Answer<Nothing>),
        (status = 401, description = "No valid access token", body = Failure),
        (status = 403, description = "The role does not include it", body = Failure),
        (status = 404, description = "No such account", body = Failure),
    )
)]
pub(crate) async fn remove_devices_v1(
    State(app): State<App>,
    Caller(principal): Caller,
    Path((domain, name)): Path<(String, String)>,
    Body(body): Body<DeviceRemovals>,
) -> Reply<Nothing> {
    remove(&app, &principal, &domain, &name, body).await
}

async fn remove(
    app: &App,
    principal: &Principal,
    domain: &str,
    name: &str,
    body: DeviceRemovals,
) -> Reply<Nothing> {
    let account = access::account(app, principal, domain).await?;
    let place = virtual_account(app, principal, account.id, name).await?;
    access::check(principal, account.id, Permission::ManageVirtualAccount(place.id))?;
    if body.requests.is_empty() {
        let message = "productInstacesRemoveRequests is empty: name at least one product instance to remove";
        return Err(Failure::refused(message));
    }
    let mut found = Vec::with_capacity(body.requests.len());
    for row in &body.requests {
        if row.return_code.as_ref().is_some_and(|code| !code.trim().is_empty()) {
            return Err(Failure::refused(
                "returnCode was given, but no product instance here holds a reservation",
            ));
        }
        found.push(
            find(app, principal, account.id, &place, &row.sudi, row.product_tag_name.as_deref()).await?,
        );
    }
    let count = found.len();
    for (done, instance) in found.into_iter().enumerate() {
        instances::remove(app, principal, account.id, instance.id)
            .await
            .map_err(|error| partly("removed", done, count, &instance.name, error.into()))?;
    }
    Ok(Answer::saying(Nothing {}, format!("product instances removed: {count}")))
}

/// The one instance of `place` that a request names.
async fn find(
    app: &App,
    principal: &Principal,
    account: AccountId,
    place: &VirtualAccountView,
    sudi: &Sudi,
    product_tag: Option<&str>,
) -> Result<InstanceView, Failure> {
    let given = |part: &Option<String>| part.clone().filter(|part| !part.is_empty());
    let (Some(pid), Some(sn)) = (given(&sudi.udi_pid), given(&sudi.udi_serial_number)) else {
        return Err(Failure::refused(
            "sudi names no product instance: udiPid and udiSerialNumber are both needed",
        ));
    };
    let mut found = instances::by_udi(app, principal, account, place.id, &pid, &sn).await?;
    if let Some(uuid) = given(&sudi.uuid) {
        found.retain(|row| row.udi.uuid.as_deref() == Some(uuid.as_str()));
    }
    if let Some(tag) = product_tag.filter(|tag| !tag.is_empty()) {
        found.retain(|row| row.product_type == tag);
    }
    let udi = format!("UDI_PID:{pid}; UDI_SN:{sn}; ");
    match (found.pop(), found.len()) {
        (Some(row), 0) => Ok(row),
        (None, _) => {
            let message = format!(
                "virtual account {:?} has no product instance {udi:?} of that productTagName",
                place.name
            );
            Err(Failure::refused(message))
        }
        (Some(_), _) => {
            Err(Failure::refused(format!("several product instances are {udi:?}: name the uuid, too")))
        }
    }
}

/// Instances are moved one by one; says how far it went.
fn partly(done_word: &str, done: usize, count: usize, name: &str, failure: Failure) -> Failure {
    if done == 0 {
        return failure;
    }
    let message = format!(
        "{done} of {count} product instances were {done_word}; then {name:?} failed: {}",
        failure.message()
    );
    failure.with_message(message)
}
