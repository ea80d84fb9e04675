//! Licences, subscriptions, and moving licences.

use axum::extract::State;
use seatpool_proto::{LotKind, Quantity};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::shape::{
    Answer, Body, Caller, Failure, Nothing, Path, Reply, cut, day, lenient_number, page, virtual_account,
};
use crate::app::App;
use crate::app::access::{self, Permission};
use crate::app::inventory::{self, Borrowing, LicenseView, LotStatus, LotView, Transfer};

/// Which licences to list.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct LicensesBody {
    /// Virtual accounts by name; all that the caller may read if empty.
    virtual_accounts: Option<Vec<String>>,
    /// How many rows; -1 for all; 50 if absent.
    #[serde(deserialize_with = "lenient_number")]
    limit: Option<i64>,
    /// How many rows to skip.
    #[serde(deserialize_with = "lenient_number")]
    offset: Option<i64>,
}

/// Licences.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Licenses {
    /// How many there are in all.
    total_records: u64,
    licenses: Vec<LicenseRow>,
}

/// A licence of a virtual account.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LicenseRow {
    license: String,
    virtual_account: String,
    /// What the lots that count now hold.
    quantity: u64,
    in_use: u64,
    /// Surplus, or shortage if negative.
    available: i64,
    /// How many reservations hold.
    reserved: u64,
    /// How many will count later.
    pending_quantity: u64,
    /// `In Compliance` or `Out Of Compliance`.
    status: &'static str,
    billing_type: &'static str,
    is_portable: bool,
    aha_apps: bool,
    license_details: Vec<LicenseLot>,
    license_substitutions: Vec<Substitution>,
}

/// A lot that counts now.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LicenseLot {
    /// `TERM`, `PERPETUAL` or `DEMO`.
    license_type: &'static str,
    quantity: u64,
    /// As in `2026-03-04`.
    start_date: String,
    /// As in `2027-03-04`; null for a perpetual lot.
    end_date: Option<String>,
    subscription_id: Option<String>,
    status: &'static str,
}

/// A licence that stands in for a lower one of its family.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Substitution {
    /// The licence that stands in.
    license_name: String,
    /// The licence that it stands in for.
    substituted_license: String,
    substituted_quantity: u64,
    #[serde(rename = "substitutionType")]
    direction: &'static str,
}

/// List licences
#[utoipa::path(
    post, path = "/v1/accounts/{domain}/licenses", tag = "compatible",
    params(("domain" = String, Path, description = "The smart account's domain")),
    request_body = LicensesBody,
    responses(
        (status = 200, description = "By virtual account and name", body = Answer<Licenses>),
        (status = 401, description = "No valid access token", body = Failure),
        (status = 404, description = "No such account", body = Failure),
    )
)]
pub(crate) async fn list_licenses(
    State(app): State<App>,
    Caller(principal): Caller,
    Path(domain): Path<String>,
    Body(body): Body<LicensesBody>,
) -> Reply<Licenses> {
    let page = page(body.limit, body.offset)?;
    let rows = licenses(&app, &principal, &domain, body.virtual_accounts).await?;
    let total_records = rows.len() as u64;
    let licenses = cut(rows, page).iter().map(license_row).collect();
    Ok(Answer::success(Licenses { total_records, licenses }))
}

async fn licenses(
    app: &App,
    principal: &access::Principal,
    domain: &str,
    names: Option<Vec<String>>,
) -> Result<Vec<LicenseView>, Failure> {
    let account = access::account(app, principal, domain).await?;
    let mut places = Vec::new();
    for name in names.unwrap_or_default() {
        places.push(virtual_account(app, principal, account.id, &name).await?.id);
    }
    Ok(inventory::licenses(app, principal, account.id, &places).await?)
}

fn license_row(license: &LicenseView) -> LicenseRow {
    let active = license.lots.iter().filter(|lot| lot.status == LotStatus::Active);
    let borrowed = license.borrowed_from.iter().map(|other| Substitution {
        direction: "Substitution from higher tier",
        ..substitution(&other.name, &license.name, other)
    });
    let lent = license.lent_to.iter().map(|other| Substitution {
        direction: "Substitution to lower tier",
        ..substitution(&license.name, &other.name, other)
    });
    LicenseRow {
        license: license.name.clone(),
        virtual_account: license.virtual_account.name.clone(),
        quantity: license.purchased.count(),
        in_use: license.in_use.count(),
        available: license.balance,
        reserved: license.reserved.count(),
        pending_quantity: license.pending.count(),
        status: license.status.words(),
        billing_type: "PREPAID",
        is_portable: false,
        aha_apps: false,
        license_details: active.map(license_lot).collect(),
        license_substitutions: borrowed.chain(lent).collect(),
    }
}

fn substitution(giver: &str, taker: &str, borrowing: &Borrowing) -> Substitution {
    Substitution {
        license_name: giver.to_owned(),
        substituted_license: taker.to_owned(),
        substituted_quantity: borrowing.quantity.count(),
        direction: "",
    }
}

fn license_lot(lot: &LotView) -> LicenseLot {
    LicenseLot {
        license_type: lot.kind.as_str(),
        quantity: lot.quantity.minus(lot.moved_out).count(),
        start_date: day(lot.starts_at),
        end_date: lot.ends_at.map(day),
        subscription_id: lot.subscription_id.clone(),
        status: "ACTIVE",
    }
}

/// Which subscriptions to list.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct SubscriptionsBody {
    /// Virtual accounts by name; all that the caller may read if empty.
    virtual_accounts: Option<Vec<String>>,
}

/// Subscriptions.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Subscriptions {
    license_subscriptions: Vec<Subscription>,
}

/// A lot that belongs to a subscription.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Subscription {
    virtual_account: String,
    license: String,
    quantity: u64,
    start_date: String,
    end_date: Option<String>,
    #[serde(rename = "subscriptionId")]
    id: Option<String>,
    /// `ACTIVE`, `FUTURE` or `EXPIRED`.
    status: &'static str,
}

/// List subscriptions
#[utoipa::path(
    post, path = "/v1/accounts/{domain}/license-subscriptions", tag = "compatible",
    params(("domain" = String, Path, description = "The smart account's domain")),
    request_body = SubscriptionsBody,
    responses(
        (status = 200, description = "Lots with a term or a subscription", body = Answer<Subscriptions>),
        (status = 401, description = "No valid access token", body = Failure),
        (status = 404, description = "No such account", body = Failure),
    )
)]
pub(crate) async fn list_subscriptions(
    State(app): State<App>,
    Caller(principal): Caller,
    Path(domain): Path<String>,
    Body(body): Body<SubscriptionsBody>,
) -> Reply<Subscriptions> {
    let rows = licenses(&app, &principal, &domain, body.virtual_accounts).await?;
    let subscribed = |lot: &&LotView| lot.subscription_id.is_some() || lot.kind != LotKind::Perpetual;
    let license_subscriptions = rows
        .iter()
        .flat_map(|license| license.lots.iter().filter(subscribed).map(move |lot| (license, lot)))
        .map(|(license, lot)| Subscription {
            virtual_account: license.virtual_account.name.clone(),
            license: license.name.clone(),
            quantity: lot.quantity.count(),
            start_date: day(lot.starts_at),
            end_date: lot.ends_at.map(day),
            id: lot.subscription_id.clone(),
            status: match lot.status {
                LotStatus::Active => "ACTIVE",
                LotStatus::Future => "FUTURE",
                LotStatus::Ended => "EXPIRED",
            },
        })
        .collect();
    Ok(Answer::success(Subscriptions { license_subscriptions }))
}

/// Licences to move.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct TransferBody {
    licenses: Vec<TransferRow>,
}

/// One licence to move.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TransferRow {
    license: String,
    /// `PERPETUAL`, `TERM` or `DEMO`; any if absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    license_type: Option<LotKind>,
    #[serde(default, deserialize_with = "lenient_number")]
    quantity: Option<i64>,
    target_virtual_account: String,
}

/// Move licences to other virtual accounts, all or none
#[utoipa::path(
    post, path = "/v1/accounts/{domain}/virtual-accounts/{virtual_account}/licenses/transfer",
    tag = "compatible",
    params(
        ("domain" = String, Path, description = "The smart account's domain"),
        ("virtual_account" = String, Path, description = "The virtual account that they are moved out of"),
    ),
    request_body = TransferBody,
    responses(
        (status = 200, description = "Moved, or refused with status ERROR", body = Answer<Nothing>),
        (status = 401, description = "No valid access token", body = Failure),
        (status = 403, description = "The role does not include it", body = Failure),
        (status = 404, description = "No such account", body = Failure),
    )
)]
pub(crate) async fn transfer_licenses(
    State(app): State<App>,
    Caller(principal): Caller,
    Path((domain, name)): Path<(String, String)>,
    Body(body): Body<TransferBody>,
) -> Reply<Nothing> {
    let account = access::account(&app, &principal, &domain).await?;
    let from = virtual_account(&app, &principal, account.id, &name).await?;
    access::check(&principal, account.id, Permission::ManageVirtualAccount(from.id))?;
    if body.licenses.is_empty() {
        return Err(Failure::refused("licenses is empty: name at least one license to move"));
    }
    let mut lines = Vec::with_capacity(body.licenses.len());
    for row in body.licenses {
        let to = virtual_account(&app, &principal, account.id, &row.target_virtual_account).await?;
        if inventory::tag_of(&app, &row.license).is_none() {
            return Err(Failure::refused(format!("there is no license {:?}", row.license)));
        }
        let wanted = row.quantity.and_then(|quantity| u64::try_from(quantity).ok());
        let quantity = wanted.and_then(|quantity| Quantity::new(quantity).ok()).ok_or_else(|| {
            Failure::refused(format!(
                "quantity of license {:?} is not the number of licences to move",
                row.license
            ))
        })?;
        lines.push(Transfer {
            license: row.license,
            lot: None,
            kind: row.license_type,
            quantity,
            to: to.id.to_string(),
        });
    }
    inventory::transfer(&app, &principal, account.id, from.id, lines).await?;
    Ok(Answer::saying(Nothing {}, "the licenses were transferred"))
}
