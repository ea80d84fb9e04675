//! Licences, subscriptions, and moving licences.

use seatpool_proto::{LotKind, Quantity};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{Body, InAccount, InVirtualAccount, Listing};
use super::lenient;
use super::shape::{Answer, Failure, Nothing, OfAccount, OfManagedAccount, Reply, cut, day};
use crate::app::inventory::{self, Borrowing, LicenseView, LotStatus, LotView, Transfer};

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
    request_body = Listing,
    responses(
        (status = 200, description = "By virtual account and name", body = Answer<Licenses>),
        OfAccount,
    )
)]
pub(crate) async fn list_licenses(at: InAccount, Body(listing): Body<Listing>) -> Reply<Licenses> {
    let page = listing.page()?;
    let rows = licenses(&at, &listing).await?;
    let total_records = rows.len() as u64;
    let licenses = cut(rows, page).iter().map(license_row).collect();
    Ok(Answer::success(Licenses { total_records, licenses }))
}

async fn licenses(at: &InAccount, listing: &Listing) -> Result<Vec<LicenseView>, Failure> {
    let places = at.listed(listing).await?;
    Ok(inventory::licenses(&at.app, &at.principal, at.account, &places).await?)
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
    request_body = Listing,
    responses(
        (status = 200, description = "Lots with a term or a subscription", body = Answer<Subscriptions>),
        OfAccount,
    )
)]
pub(crate) async fn list_subscriptions(at: InAccount, Body(listing): Body<Listing>) -> Reply<Subscriptions> {
    let page = listing.page_or_all()?;
    let rows = licenses(&at, &listing).await?;
    let subscribed = |lot: &&LotView| lot.subscription_id.is_some() || lot.kind != LotKind::Perpetual;
    let all = rows
        .iter()
        .flat_map(|license| license.lots.iter().filter(subscribed).map(move |lot| (license, lot)))
        .map(|(license, lot)| Subscription {
            virtual_account: license.virtual_account.name.clone(),
            license: license.name.clone(),
            quantity: lot.quantity.minus(lot.moved_out).count(),
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
    Ok(Answer::success(Subscriptions { license_subscriptions: cut(all, page) }))
}

/// Licences to move.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct TransferBody {
    #[serde(deserialize_with = "lenient::rows")]
    licenses: Vec<TransferRow>,
}

/// One licence to move.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct TransferRow {
    #[serde(deserialize_with = "lenient::text")]
    license: Option<String>,
    /// `PERPETUAL`, `TERM` or `DEMO`; any if absent.
    #[serde(deserialize_with = "lenient::text")]
    license_type: Option<String>,
    #[serde(deserialize_with = "lenient::number")]
    quantity: Option<i64>,
    #[serde(deserialize_with = "lenient::text")]
    target_virtual_account: Option<String>,
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
        OfManagedAccount,
    )
)]
pub(crate) async fn transfer_licenses(
    here: InVirtualAccount,
    Body(body): Body<TransferBody>,
) -> Reply<Nothing> {
    here.check_managed()?;
    let InVirtualAccount { at, place: from } = here;
    if body.licenses.is_empty() {
        return Err(Failure::refused("licenses is empty: name at least one license to move"));
    }
    let targets = at.targets(body.licenses.iter().map(|row| &row.target_virtual_account)).await?;
    let known = |license: &str| inventory::tag_of(&at.app, license).is_some();
    let lines = body.licenses.into_iter().zip(targets).map(|(row, to)| line(row, to.id.to_string(), known));
    let lines = lines.collect::<Result<_, _>>()?;
    inventory::transfer(&at.app, &at.principal, at.account, from.id, lines).await?;
    Ok(Answer::saying(Nothing {}, "the licenses were transferred"))
}

/// What one row of a request asks, in our words.
fn line(row: TransferRow, to: String, is_known: impl Fn(&str) -> bool) -> Result<Transfer, Failure> {
    let license = row.license.unwrap_or_default();
    if !is_known(&license) {
        return Err(Failure::refused(format!("there is no license {license:?}")));
    }
    let wanted = row.quantity.and_then(|quantity| u64::try_from(quantity).ok());
    let quantity = wanted.and_then(|quantity| Quantity::new(quantity).ok()).ok_or_else(|| {
        Failure::refused(format!("quantity of license {license:?} is not the number of licences to move"))
    })?;
    let kind = match row.license_type.as_deref().map(str::trim).filter(|word| !word.is_empty()) {
        None => None,
        Some(word) => Some(kind_of(word)?),
    };
    Ok(Transfer { license, lot: None, kind, quantity, to })
}

fn kind_of(word: &str) -> Result<LotKind, Failure> {
    let all = [LotKind::Perpetual, LotKind::Term, LotKind::Demo];
    all.into_iter()
        .find(|kind| kind.as_str().eq_ignore_ascii_case(word))
        .ok_or_else(|| Failure::refused(format!("licenseType is PERPETUAL, TERM or DEMO, not {word:?}")))
}
