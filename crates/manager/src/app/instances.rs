//! Product instances: finding them, looking at one, moving and removing them.

use std::collections::HashMap;

use jiff::Timestamp;
use seatpool_domain::catalogue::Catalogue;
use seatpool_domain::command::Action;
use seatpool_domain::instance::EndReason;
use seatpool_domain::{Instance, PoolTotal, Usage, VirtualAccount};
use seatpool_proto::{AccountId, ProductInstanceId, Quantity, Tag, Udi, VirtualAccountId};
use seatpool_store::{EventQuery, InstanceQuery, Page, Paged};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::{self, Permission, Principal, allows, check, unknown};
use super::events::{self, EventView};
use super::inventory::VirtualAccountRef;
use super::{App, AppError, accounts};

/// How many events a detail shows.
pub const DETAIL_EVENTS: u32 = 50;

/// How an instance stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InstanceStatus {
    /// It registered and has not reported yet.
    Waiting,
    /// Everything that it uses is owned.
    InCompliance,
    /// Something that it uses is short.
    OutOfCompliance,
    /// It did not report until its authorization ended; its usage no longer counts.
    AuthorizationExpired,
    /// Its ID certificate ended: it has to register again.
    RegistrationExpired,
    /// It holds a reservation: it is never in contact, and uses no more than that.
    Reserved,
    /// It deregistered, was removed, or was replaced by a later registration.
    Ended,
}

impl InstanceStatus {
    /// In the words of the public API and the portal.
    pub fn words(self) -> &'static str {
        match self {
            Self::Waiting => "Waiting",
            Self::InCompliance => "In Compliance",
            Self::OutOfCompliance => "Out Of Compliance",
            Self::AuthorizationExpired => "Authorization Expired",
            Self::RegistrationExpired => "Registration Expired",
            // Monitoring goes by "In Compliance" (rest-api.md).
            Self::Reserved => "In Compliance (Reserved)",
            Self::Ended => "Removed",
        }
    }
}

/// What an instance last reported of one licence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UsageView {
    /// The licence.
    #[schema(value_type = String)]
    pub tag: Tag,
    /// Its name.
    pub name: String,
    /// What the instance is held to: its peak, or its locked usage while out of compliance.
    #[schema(value_type = u64)]
    pub quantity: Quantity,
    /// The highest actual use in the reported interval.
    #[schema(value_type = u64)]
    pub peak: Quantity,
    /// The locked usage (of this licence and all above it in its family), while usage is locked.
    #[schema(value_type = Option<u64>)]
    pub locked: Option<Quantity>,
    /// The end of the reported interval.
    pub reported_at: Timestamp,
    /// Whether the licence is short in its virtual account.
    pub short: bool,
}

/// An ID certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CertificateView {
    /// Serial number, hexadecimal.
    pub serial: String,
    /// First second.
    pub not_before: Timestamp,
    /// Last second.
    pub not_after: Timestamp,
}

/// How a registration ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndedView {
    /// When.
    pub at: Timestamp,
    /// `deregistered`, `removed` or `replaced`.
    #[schema(value_type = String)]
    pub reason: EndReason,
}

/// A product instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InstanceView {
    /// Unique within the smart account.
    #[schema(value_type = Uuid)]
    pub id: ProductInstanceId,
    /// Where it takes its licences from.
    pub virtual_account: VirtualAccountRef,
    /// The host name; the UDI's serial number where that is withheld.
    pub name: String,
    /// Product id, serial number and UUID of the device.
    #[schema(value_type = Object)]
    pub udi: Udi,
    /// Host name, unless withheld.
    pub host_name: Option<String>,
    /// Product name.
    pub product_name: String,
    /// Product type: the agent's profile.
    pub product_type: String,
    /// Product version, unless withheld.
    pub product_version: Option<String>,
    /// First registration of this device in this account.
    pub first_registered_at: Timestamp,
    /// This registration.
    pub registered_at: Timestamp,
    /// Last authenticated request.
    pub last_contact_at: Timestamp,
    /// Whether its token allowed export-controlled functionality.
    pub export_controlled: bool,
    /// The certificate in use; none of an instance that holds a reservation.
    pub certificate: Option<CertificateView>,
    /// When its authorization ends; none before its first report.
    pub authorized_until: Option<Timestamp>,
    /// How it stands.
    pub status: InstanceStatus,
    /// What it last reported.
    pub usage: Vec<UsageView>,
    /// How the registration ended, if it did.
    pub ended: Option<EndedView>,
}

/// A product instance with its latest events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InstanceDetail {
    /// The instance.
    pub instance: InstanceView,
    /// Newest first.
    pub events: Vec<EventView>,
    /// How many events there are in all.
    pub events_total: u64,
}

/// Registered instances that match, in the query's order. Virtual accounts that `principal` may not read
/// are left out; naming one of them is like naming one that does not exist.
pub async fn list(
    app: &App,
    principal: &Principal,
    account: AccountId,
    mut query: InstanceQuery,
    page: Page,
) -> Result<Paged<InstanceView>, AppError> {
    let readable = accounts::virtual_accounts(app, principal, account).await?;
    let named = query.virtual_accounts.take().unwrap_or_default();
    let chosen = super::inventory::chosen(readable, &named)?;
    query.virtual_accounts = Some(chosen.iter().map(|row| row.id).collect());
    let rows = app.store().instances(account, query, page).await?;
    let items = views(app, account, &rows.items).await?;
    Ok(Paged { items, total: rows.total })
}

/// One instance; also one that has ended.
pub async fn detail(
    app: &App,
    principal: &Principal,
    account: AccountId,
    id: ProductInstanceId,
) -> Result<InstanceDetail, AppError> {
    let row = readable(app, principal, account, id).await?;
    let mut views = views(app, account, core::slice::from_ref(&row)).await?;
    let instance = views.pop().ok_or(AppError::Internal)?;
    // Who may read the whole account sees what happened to it elsewhere, too.
    let whole = allows(principal, account, Permission::ReadAccount);
    let virtual_account = (!whole).then_some(row.virtual_account);
    let query = EventQuery { virtual_account, instances: vec![id], ..EventQuery::default() };
    let page = Page { limit: DETAIL_EVENTS, offset: 0 };
    let events = events::list(app, principal, account, query, page).await?;
    Ok(InstanceDetail { instance, events: events.items, events_total: events.total })
}

/// The registered instances of this product id and serial number in one virtual account.
pub async fn by_udi(
    app: &App,
    principal: &Principal,
    account: AccountId,
    virtual_account: VirtualAccountId,
    pid: &str,
    sn: &str,
) -> Result<Vec<InstanceView>, AppError> {
    check(principal, account, Permission::ReadVirtualAccount(virtual_account))?;
    let mut rows = app.store().instance_by_udi(account, pid, sn).await?;
    rows.retain(|row| row.virtual_account == virtual_account);
    views(app, account, &rows).await
}

/// Moves an instance to another virtual account; its usage goes with it at once. The principal needs to
/// manage the virtual accounts on both sides.
pub async fn transfer(
    app: &App,
    principal: &Principal,
    account: AccountId,
    id: ProductInstanceId,
    to: VirtualAccountId,
) -> Result<(), AppError> {
    manageable(app, principal, account, id).await?;
    check(principal, account, Permission::ManageVirtualAccount(to))?;
    let action = Action::TransferInstance { instance: id, to };
    access::submit(app, principal, account, action).await.map(|_| ())
}

/// Removes an instance: frees its licences at once and revokes its certificate.
pub async fn remove(
    app: &App,
    principal: &Principal,
    account: AccountId,
    id: ProductInstanceId,
) -> Result<(), AppError> {
    manageable(app, principal, account, id).await?;
    let action = Action::RemoveInstance { instance: id };
    access::submit(app, principal, account, action).await.map(|_| ())
}

/// An instance that is registered in a virtual account that `principal` manages.
pub(super) async fn manageable(
    app: &App,
    principal: &Principal,
    account: AccountId,
    id: ProductInstanceId,
) -> Result<Instance, AppError> {
    let row = readable(app, principal, account, id).await?;
    check(principal, account, Permission::ManageVirtualAccount(row.virtual_account))?;
    Ok(row)
}

/// The instance with this id, if `principal` may read it.
pub(super) async fn readable(
    app: &App,
    principal: &Principal,
    account: AccountId,
    id: ProductInstanceId,
) -> Result<Instance, AppError> {
    check(principal, account, Permission::SeeAccount)?;
    let row = app.store().instance(account, id).await?.ok_or_else(|| unknown("product instance"))?;
    check(principal, account, Permission::ReadVirtualAccount(row.virtual_account))
        .map_err(|_| unknown("product instance"))?;
    Ok(row)
}

/// These instances as people read them.
pub(super) async fn views(
    app: &App,
    account: AccountId,
    rows: &[Instance],
) -> Result<Vec<InstanceView>, AppError> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let mut places: Vec<_> = rows.iter().map(|row| row.virtual_account).collect();
    places.sort_unstable();
    places.dedup();
    let names = app.store().virtual_accounts(account).await?;
    let usage = app.store().usage(account, &ids).await?;
    let totals = app.store().short_totals(account, &places).await?;
    let now = app.now();
    // Of many instances, so that what this takes grows with them and not with their square.
    let mut usage_of: HashMap<ProductInstanceId, Vec<Usage>> = HashMap::new();
    for usage in usage {
        usage_of.entry(usage.instance).or_default().push(usage);
    }
    let view = |row: &Instance| {
        let usage = usage_of.get(&row.id).map_or(&[][..], Vec::as_slice);
        let totals: Vec<_> =
            totals.iter().filter(|total| total.virtual_account == row.virtual_account).collect();
        instance_view(app.catalogue(), row, &names, usage, &totals, now)
    };
    Ok(rows.iter().map(view).collect())
}

fn instance_view(
    catalogue: &Catalogue,
    row: &Instance,
    names: &[VirtualAccount],
    usage: &[Usage],
    totals: &[&PoolTotal],
    now: Timestamp,
) -> InstanceView {
    let place = names.iter().find(|name| name.id == row.virtual_account);
    let usage = usage_views(catalogue, usage, totals);
    InstanceView {
        id: row.id,
        virtual_account: VirtualAccountRef {
            id: row.virtual_account,
            name: place.map_or_else(|| row.virtual_account.to_string(), |place| place.name.clone()),
        },
        name: row.host_name.clone().unwrap_or_else(|| row.udi.sn.clone()),
        udi: row.udi.clone(),
        host_name: row.host_name.clone(),
        product_name: row.product_name.clone(),
        product_type: row.product_type.clone(),
        product_version: row.product_version.clone(),
        first_registered_at: row.first_registered_at,
        registered_at: row.registered_at,
        last_contact_at: row.last_contact_at,
        export_controlled: row.export_controlled,
        certificate: row.certificate.as_ref().map(|record| CertificateView {
            serial: record.serial.clone(),
            not_before: record.not_before,
            not_after: record.not_after,
        }),
        authorized_until: row.authorized_until.filter(|_| row.ended.is_none()),
        status: status(row, &usage, now),
        usage,
        ended: row.ended.as_ref().map(|ended| EndedView { at: ended.at, reason: ended.reason }),
    }
}

fn status(row: &Instance, usage: &[UsageView], now: Timestamp) -> InstanceStatus {
    if row.ended.is_some() {
        InstanceStatus::Ended
    } else if row.is_reserved() {
        InstanceStatus::Reserved
    } else if row.certificate_ends().is_some_and(|end| end < now) {
        InstanceStatus::RegistrationExpired
    } else if row.authorized_until.is_some_and(|until| until <= now) {
        InstanceStatus::AuthorizationExpired
    } else if row.authorized_until.is_none() {
        InstanceStatus::Waiting
    } else if usage.iter().any(|usage| usage.short) {
        InstanceStatus::OutOfCompliance
    } else {
        InstanceStatus::InCompliance
    }
}

/// What an instance is held to, licence by licence: in a family with tiers the difference between a tier's
/// cumulative figure and the one above it.
fn usage_views(catalogue: &Catalogue, usage: &[Usage], totals: &[&PoolTotal]) -> Vec<UsageView> {
    let held = |usage: &Usage| usage.locked.unwrap_or_default().max(usage.cumulative_peak);
    let above = |tag: &Tag| {
        let tiers = catalogue.family_of(tag).map(|family| &family.licenses);
        let higher = tiers.into_iter().flatten().take_while(|license| license.tag != *tag);
        let figures =
            higher.filter_map(|license| usage.iter().find(|usage| usage.tag == license.tag).map(held));
        figures.max().unwrap_or_default()
    };
    // Who reports none of a licence is not told that it is short, unless it must be owned to be present.
    let is_used = |row: &Usage| {
        let required = catalogue.license(&row.tag).is_some_and(|license| license.required_present);
        required || held(row) > above(&row.tag)
    };
    let mut views: Vec<_> = usage
        .iter()
        .map(|row| UsageView {
            tag: row.tag.clone(),
            name: catalogue
                .license(&row.tag)
                .map_or_else(|| row.tag.to_string(), |license| license.name.clone()),
            quantity: held(row).minus(above(&row.tag)),
            peak: row.peak,
            locked: row.locked,
            reported_at: row.reported_at,
            short: is_used(row) && totals.iter().any(|total| total.tag == row.tag && !total.short.is_zero()),
        })
        .collect();
    views.sort_by(|a, b| a.name.cmp(&b.name));
    views
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn usage(tag: &str, peak: u64, cumulative: u64, locked: Option<u64>) -> Usage {
        Usage {
            instance: ProductInstanceId(Uuid::nil()),
            tag: tag.parse().unwrap(),
            peak: Quantity::of(peak),
            cumulative_peak: Quantity::of(cumulative),
            locked: locked.map(Quantity::of),
            reported_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn quantities(rows: &[Usage]) -> Vec<(String, u64)> {
        let catalogue = Catalogue::from_toml([Catalogue::SHIPPED]).unwrap();
        let views = usage_views(&catalogue, rows, &[]);
        views.into_iter().map(|view| (view.tag.to_string(), view.quantity.count())).collect()
    }

    #[test]
    fn tiers_are_held_to_the_difference_of_their_cumulative_peaks() {
        // behaviour.md, "Usage reports": 10 P + 40 S, then 0 P + 50 S, is (10, 50) and not 10 + 50.
        let rows = [usage("CCX_FLEX_PREMIUM", 10, 10, None), usage("CCX_FLEX_STANDARD", 50, 50, None)];
        assert_eq!(quantities(&rows), [("CCX_FLEX_PREMIUM".into(), 10), ("CCX_FLEX_STANDARD".into(), 40)]);
    }

    #[test]
    fn who_reports_none_of_a_licence_is_not_short_of_it() {
        let catalogue = Catalogue::from_toml([Catalogue::SHIPPED]).unwrap();
        let short = |rows: &[Usage]| -> Vec<bool> {
            let totals: Vec<_> = rows
                .iter()
                .map(|row| {
                    let here = VirtualAccountId(Uuid::nil());
                    PoolTotal { short: Quantity::of(1), ..PoolTotal::new(here, row.tag.clone()) }
                })
                .collect();
            usage_views(&catalogue, rows, &totals.iter().collect::<Vec<_>>())
                .iter()
                .map(|row| row.short)
                .collect()
        };
        assert_eq!(short(&[usage("CCX_PREMIUM", 0, 0, None)]), [false]);
        assert_eq!(short(&[usage("CCX_PREMIUM", 1, 1, None)]), [true]);
        assert_eq!(short(&[usage("CCX_SERVER", 0, 0, None)]), [true], "must be owned to be present");
        let premium_only = [usage("CCX_FLEX_PREMIUM", 5, 5, None), usage("CCX_FLEX_STANDARD", 0, 5, None)];
        assert_eq!(short(&premium_only), [true, false]);
    }

    #[test]
    fn locked_usage_is_what_counts() {
        assert_eq!(quantities(&[usage("CCX_PREMIUM", 90, 90, Some(130))]), [("CCX_PREMIUM".into(), 130)]);
    }
}
