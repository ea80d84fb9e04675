//! Product instances, which these paths call devices.

use seatpool_domain::Refused;
use seatpool_proto::VirtualAccountId;
use seatpool_store::{InstanceQuery, Page};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{Body, InAccount, InVirtualAccount, Listing, PageParams, Params};
use super::lenient;
use super::shape::{Answer, Failure, Nothing, OfAccount, OfManagedAccount, Reply, instant};
use crate::app::AppError;
use crate::app::instances::{self, InstanceStatus, InstanceView};
use crate::app::reservations::{self, ReservationView};

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
    #[serde(deserialize_with = "lenient::text")]
    suvi: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    uuid: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    host_identifier: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    udi_pid: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    udi_serial_number: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    udi_vid: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    mac_address: Option<String>,
}

impl Sudi {
    /// Product id and serial number, with all of it; none unless it has both.
    pub(super) fn udi(&self) -> Option<(&str, &str, &Self)> {
        Some((given(self.udi_pid.as_ref())?, given(self.udi_serial_number.as_ref())?, self))
    }
}

fn given(part: Option<&String>) -> Option<&str> {
    part.map(String::as_str).filter(|part| !part.trim().is_empty())
}

/// List product instances of a virtual account
#[utoipa::path(
    get, path = "/v1/accounts/{domain}/virtual-accounts/{virtual_account}/devices", tag = "compatible",
    params(
        ("domain" = String, Path, description = "The smart account's domain"),
        ("virtual_account" = String, Path, description = "The virtual account's name"),
        PageParams,
    ),
    responses(
        (status = 200, description = "By name", body = Answer<Devices>),
        OfAccount,
    )
)]
pub(crate) async fn list_devices_of_virtual_account(
    InVirtualAccount { at, place }: InVirtualAccount,
    Params(params): Params<PageParams>,
) -> Reply<Devices> {
    list(&at, vec![place.id], params.page()?).await
}

/// List product instances
#[utoipa::path(
    post, path = "/v1/accounts/{domain}/devices", tag = "compatible",
    params(("domain" = String, Path, description = "The smart account's domain")),
    request_body = Listing,
    responses(
        (status = 200, description = "By name", body = Answer<Devices>),
        OfAccount,
    )
)]
pub(crate) async fn list_devices(at: InAccount, Body(listing): Body<Listing>) -> Reply<Devices> {
    list(&at, at.listed(&listing).await?, listing.page()?).await
}

async fn list(at: &InAccount, places: Vec<VirtualAccountId>, page: Page) -> Reply<Devices> {
    let query = InstanceQuery { virtual_accounts: Some(places), ..InstanceQuery::default() };
    let found = instances::list(&at.app, &at.principal, at.account, query, page).await?;
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
    #[serde(deserialize_with = "lenient::rows")]
    product_instances: Vec<DeviceTransfer>,
}

/// One device to move.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct DeviceTransfer {
    sudi: Option<Sudi>,
    #[serde(deserialize_with = "lenient::text")]
    product_tag_name: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    target_virtual_account: Option<String>,
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
        OfManagedAccount,
    )
)]
pub(crate) async fn transfer_devices(
    here: InVirtualAccount,
    Body(body): Body<DeviceTransfers>,
) -> Reply<Nothing> {
    here.check_managed()?;
    let rows = body.product_instances;
    if rows.is_empty() {
        return Err(Failure::refused(
            "productInstances is empty: name at least one product instance to move",
        ));
    }
    let targets = here.at.targets(rows.iter().map(|row| &row.target_virtual_account)).await?;
    let mut moves = Vec::with_capacity(rows.len());
    for (row, to) in rows.iter().zip(targets) {
        moves.push((find(&here, row.sudi.as_ref(), row.product_tag_name.as_deref()).await?, to.id));
    }
    let (at, count) = (&here.at, moves.len());
    for (done, (instance, to)) in moves.into_iter().enumerate() {
        instances::transfer(&at.app, &at.principal, at.account, instance.id, to)
            .await
            .map_err(|error| partly("transferred", done, count, &instance.name, error.into()))?;
    }
    Ok(Answer::saying(Nothing {}, format!("product instances transferred: {count}")))
}

/// Devices to remove. The misspelt name is the real one; the right one is read, too.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct DeviceRemovals {
    #[serde(
        rename = "productInstacesRemoveRequests",
        alias = "productInstancesRemoveRequests",
        deserialize_with = "lenient::rows"
    )]
    requests: Vec<DeviceRemoval>,
}

/// One device to remove.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct DeviceRemoval {
    sudi: Option<Sudi>,
    #[serde(deserialize_with = "lenient::text")]
    product_tag_name: Option<String>,
    /// Of a reservation: what the product printed. An instance in contact has none.
    #[serde(deserialize_with = "lenient::text")]
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
        OfManagedAccount,
    )
)]
pub(crate) async fn remove_devices(
    here: InVirtualAccount,
    Body(body): Body<DeviceRemovals>,
) -> Reply<Nothing> {
    here.check_managed()?;
    if body.requests.is_empty() {
        let message = "productInstacesRemoveRequests is empty: name at least one product instance to remove";
        return Err(Failure::refused(message));
    }
    let mut found = Vec::with_capacity(body.requests.len());
    for row in &body.requests {
        let instance = find(&here, row.sudi.as_ref(), row.product_tag_name.as_deref()).await?;
        let code = row.return_code.as_deref().map(str::trim).filter(|code| !code.is_empty());
        if code.is_some() && instance.status != InstanceStatus::Reserved {
            let message =
                format!("returnCode was given, and {:?} holds no reservation: leave it out", instance.name);
            return Err(Failure::refused(message));
        }
        found.push((instance, code));
    }
    let (at, count) = (&here.at, found.len());
    for (done, (instance, code)) in found.into_iter().enumerate() {
        let removed = match code {
            Some(code) => {
                let (principal, id) = (&at.principal, instance.id);
                reservations::give_back(&at.app, principal, at.account, id, code).await.and_then(gone)
            }
            None => instances::remove(&at.app, &at.principal, at.account, instance.id).await,
        };
        removed.map_err(|error| partly("removed", done, count, &instance.name, error.into()))?;
    }
    Ok(Answer::saying(Nothing {}, format!("product instances removed: {count}")))
}

/// Whether the product instance is gone with what its return code gave back.
fn gone(left: ReservationView) -> Result<(), AppError> {
    if left.ended.is_some() {
        return Ok(());
    }
    let detail = "the return code gave back a change that was never installed; the product instance keeps the licenses \
                  that it held before";
    Err(AppError::Refused(Refused::Reservation { code: "change_returned", detail: detail.to_owned() }))
}

/// The one instance of the virtual account that a request names.
pub(super) async fn find(
    here: &InVirtualAccount,
    sudi: Option<&Sudi>,
    product_tag: Option<&str>,
) -> Result<InstanceView, Failure> {
    let InVirtualAccount { at, place } = here;
    let Some((pid, sn, sudi)) = sudi.and_then(Sudi::udi) else {
        return Err(Failure::refused(
            "sudi names no product instance: udiPid and udiSerialNumber are both needed",
        ));
    };
    let mut found = instances::by_udi(&at.app, &at.principal, at.account, place.id, pid, sn).await?;
    if let Some(uuid) = given(sudi.uuid.as_ref()) {
        found.retain(|row| row.udi.uuid.as_ref().is_some_and(|known| known.eq_ignore_ascii_case(uuid)));
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
