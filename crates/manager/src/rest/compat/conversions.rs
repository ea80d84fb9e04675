//! Device-led conversion: classic licences that a device holds become licences of a virtual account.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::devices::Sudi;
use super::extract::{Body, InAccount};
use super::lenient;
use super::shape::{Answer, Failure, OfManagedAccount, Reply};
use crate::app::access::{self, Permission};

/// Devices whose classic licences are to be converted, by virtual account.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Conversions {
    #[serde(deserialize_with = "lenient::rows")]
    virtual_accounts: Vec<ConversionsInto>,
}

/// Devices whose classic licences are to be converted into one virtual account.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ConversionsInto {
    /// The virtual account's name.
    #[serde(deserialize_with = "lenient::text")]
    name: Option<String>,
    #[serde(deserialize_with = "lenient::rows")]
    dlc_requests: Vec<Conversion>,
}

/// One device.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct Conversion {
    sudi: Option<Sudi>,
}

/// What came of each device.
#[derive(Serialize, ToSchema)]
pub(crate) struct Converted {
    devices: Vec<ConvertedDevice>,
}

/// What came of one device.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConvertedDevice {
    sudi: Sudi,
    /// `CONVERT_FAILED`: no classic licences are recorded for the device.
    #[schema(example = "CONVERT_FAILED")]
    conversion_status: &'static str,
    /// Why, and what to do.
    status_message: String,
}

/// Convert the classic licences that devices hold
#[utoipa::path(
    post, path = "/v1/accounts/{domain}/dlc_convert", tag = "compatible",
    params(("domain" = String, Path, description = "The smart account's domain")),
    request_body = Conversions,
    responses(
        (status = 200, description = "What came of each device, or refused with status ERROR", body = Answer<Converted>),
        OfManagedAccount,
    )
)]
pub(crate) async fn convert_devices(at: InAccount, Body(body): Body<Conversions>) -> Reply<Converted> {
    let names: Vec<_> = body.virtual_accounts.iter().filter_map(|into| into.name.as_deref()).collect();
    if names.is_empty() || names.len() < body.virtual_accounts.len() {
        let message = "virtualAccounts names where to: each row needs name and dlcRequests";
        return Err(Failure::refused(message));
    }
    for place in at.places(names.iter().copied()).await? {
        access::check(&at.principal, at.account, Permission::ManageVirtualAccount(place.id))?;
    }
    let mut devices = Vec::new();
    for (into, name) in body.virtual_accounts.iter().zip(names) {
        for request in &into.dlc_requests {
            let Some((pid, sn, sudi)) = request.sudi.as_ref().and_then(Sudi::udi) else {
                return Err(Failure::refused(
                    "a row of dlcRequests names no device: its sudi needs udiPid and udiSerialNumber",
                ));
            };
            devices.push(ConvertedDevice {
                sudi: sudi.clone(),
                conversion_status: "CONVERT_FAILED",
                status_message: format!(
                    "no classic licenses are recorded for UDI_PID:{pid}; UDI_SN:{sn}; so that there is nothing to \
                     convert into {name:?}: declare what the device is entitled to, and the vendor confirms it"
                ),
            });
        }
    }
    if devices.is_empty() {
        return Err(Failure::refused("dlcRequests is empty: name at least one device to convert"));
    }
    let message = format!("devices converted: 0 of {}", devices.len());
    Ok(Answer::saying(Converted { devices }, message))
}
