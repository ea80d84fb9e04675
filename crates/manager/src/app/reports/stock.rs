//! Reports of what there is: licences, product instances, and subscriptions with their ends. Each row is one line of a
//! file.

use jiff::Timestamp;
use seatpool_proto::{AccountId, LotKind, ProductInstanceId, Quantity, Tag, VirtualAccountId};
use seatpool_store::{InstanceQuery, Page, Paged};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::access::Principal;
use crate::app::instances::{self, InstanceStatus, InstanceView};
use crate::app::inventory::{self, LicenseStatus, LicenseView, LotStatus};
use crate::app::orders::{self, OwnedLotView};
use crate::app::{App, AppError};
use crate::csv::{Record, Row, instant};

/// A licence of a virtual account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LicenseRow {
    /// Where, by name.
    pub virtual_account: String,
    /// The licence.
    #[schema(value_type = String)]
    pub tag: Tag,
    /// Its name.
    pub license: String,
    /// How many the lots that count hold.
    #[schema(value_type = u64)]
    pub purchased: Quantity,
    /// How many of them are declared and neither confirmed nor rejected.
    #[schema(value_type = u64)]
    pub declared: Quantity,
    /// How many of them reservations hold.
    #[schema(value_type = u64)]
    pub reserved: Quantity,
    /// How many are in use.
    #[schema(value_type = u64)]
    pub in_use: Quantity,
    /// Surplus, or shortage if negative.
    pub balance: i64,
    /// Whether what is in use is owned.
    pub status: LicenseStatus,
    /// Since when any are short.
    pub short_since: Option<Timestamp>,
    /// How many will count later.
    #[schema(value_type = u64)]
    pub pending: Quantity,
    /// The next end of a lot that counts now.
    pub next_expiry: Option<Timestamp>,
    /// How many end then.
    #[schema(value_type = u64)]
    pub next_expiry_quantity: Quantity,
}

/// A product instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InstanceRow {
    /// Unique within the smart account.
    #[schema(value_type = Uuid)]
    pub id: ProductInstanceId,
    /// Where, by name.
    pub virtual_account: String,
    /// The host name; the serial number where that is withheld.
    pub name: String,
    /// Product type: the agent's profile.
    pub product_type: String,
    /// Product name.
    pub product_name: String,
    /// Product version, unless withheld.
    pub product_version: Option<String>,
    /// Product id of the UDI.
    pub pid: String,
    /// Serial number of the UDI.
    pub sn: String,
    /// UUID of the UDI.
    pub uuid: Option<String>,
    /// How it stands.
    pub status: InstanceStatus,
    /// When it registered.
    pub registered_at: Timestamp,
    /// Its last authenticated request.
    pub last_contact_at: Timestamp,
    /// When its authorization ends; none before its first report.
    pub authorized_until: Option<Timestamp>,
    /// The last second of its ID certificate; none where it has none, as with a reservation.
    pub certificate_until: Option<Timestamp>,
    /// What it uses.
    pub licenses: Vec<UsedLicense>,
}

/// A licence that a product instance uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UsedLicense {
    /// The licence.
    #[schema(value_type = String)]
    pub tag: Tag,
    /// How many the instance is held to.
    #[schema(value_type = u64)]
    pub quantity: Quantity,
    /// Whether the licence is short in its virtual account.
    pub short: bool,
}

/// A lot that belongs to a subscription or that ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SubscriptionRow {
    /// The subscription, if it is of one.
    pub subscription_id: Option<String>,
    /// The order that deposited it.
    pub order_id: String,
    /// Where, by name.
    pub virtual_account: String,
    /// The licence.
    #[schema(value_type = String)]
    pub tag: Tag,
    /// Its name.
    pub license: String,
    /// `PERPETUAL`, `TERM` or `DEMO`.
    #[schema(value_type = String)]
    pub kind: LotKind,
    /// How many, without those that an on-prem manager holds.
    #[schema(value_type = u64)]
    pub quantity: Quantity,
    /// The first instant at which it counts.
    pub starts_at: Timestamp,
    /// The first instant at which it no longer counts; none for a perpetual lot.
    pub ends_at: Option<Timestamp>,
    /// Whole days until then; 0 once it has ended.
    pub days_left: Option<u64>,
    /// Whether it counts.
    pub status: LotStatus,
}

/// Which subscriptions to report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SubscriptionQuery {
    /// Those alone that end within so many days.
    pub within_days: Option<u32>,
    /// Also those that have ended.
    pub ended: bool,
}

/// The licences of these virtual accounts (of all that `principal` may read, if none are given).
pub async fn licenses(
    app: &App,
    principal: &Principal,
    account: AccountId,
    places: &[VirtualAccountId],
) -> Result<Vec<LicenseRow>, AppError> {
    let found = inventory::balances(app, principal, account, places).await?;
    Ok(found.into_iter().map(LicenseRow::from).collect())
}

/// Registered product instances that match, in the query's order.
pub async fn instances(
    app: &App,
    principal: &Principal,
    account: AccountId,
    query: InstanceQuery,
    page: Page,
) -> Result<Paged<InstanceRow>, AppError> {
    let found = instances::list(app, principal, account, query, page).await?;
    Ok(Paged { items: found.items.into_iter().map(InstanceRow::from).collect(), total: found.total })
}

/// Lots of these virtual accounts (of all that `principal` may read, if none are given) that belong to a subscription or
/// that end: those that end first come first.
pub async fn subscriptions(
    app: &App,
    principal: &Principal,
    account: AccountId,
    places: &[VirtualAccountId],
    query: SubscriptionQuery,
) -> Result<Vec<SubscriptionRow>, AppError> {
    let now = app.now();
    let is_reported = |row: &SubscriptionRow| {
        let is_one = row.subscription_id.is_some() || row.ends_at.is_some();
        let in_time = query.within_days.is_none_or(|days| {
            row.days_left.is_some_and(|left| left < u64::from(days)) && row.status != LotStatus::Ended
        });
        let has_ended = row.status == LotStatus::Ended;
        is_one && ((in_time && !has_ended) || (query.ended && has_ended))
    };
    let lots = orders::lots(app, principal, account, places).await?;
    let mut rows: Vec<_> =
        lots.into_iter().map(|lot| subscription_row(lot, now)).filter(is_reported).collect();
    rows.sort_by(|a, b| {
        let order = |row: &SubscriptionRow| (row.ends_at.is_none(), row.ends_at);
        order(a)
            .cmp(&order(b))
            .then_with(|| a.subscription_id.cmp(&b.subscription_id))
            .then_with(|| (&a.virtual_account, &a.license).cmp(&(&b.virtual_account, &b.license)))
            .then_with(|| a.order_id.cmp(&b.order_id))
    });
    Ok(rows)
}

impl From<LicenseView> for LicenseRow {
    fn from(license: LicenseView) -> Self {
        Self {
            virtual_account: license.virtual_account.name,
            tag: license.tag,
            license: license.name,
            purchased: license.purchased,
            declared: license.declared,
            reserved: license.reserved,
            in_use: license.in_use,
            balance: license.balance,
            status: license.status,
            short_since: license.short_since,
            pending: license.pending,
            next_expiry: license.next_expiry,
            next_expiry_quantity: license.next_expiry_quantity,
        }
    }
}

impl From<InstanceView> for InstanceRow {
    fn from(instance: InstanceView) -> Self {
        let used = instance.usage.into_iter().filter(|usage| !usage.quantity.is_zero() || usage.short);
        Self {
            id: instance.id,
            virtual_account: instance.virtual_account.name,
            name: instance.name,
            product_type: instance.product_type,
            product_name: instance.product_name,
            product_version: instance.product_version,
            pid: instance.udi.pid,
            sn: instance.udi.sn,
            uuid: instance.udi.uuid,
            status: instance.status,
            registered_at: instance.registered_at,
            last_contact_at: instance.last_contact_at,
            authorized_until: instance.authorized_until,
            certificate_until: instance.certificate.map(|certificate| certificate.not_after),
            licenses: used
                .map(|usage| UsedLicense { tag: usage.tag, quantity: usage.quantity, short: usage.short })
                .collect(),
        }
    }
}

fn subscription_row(view: OwnedLotView, now: Timestamp) -> SubscriptionRow {
    let left = |end: Timestamp| u64::try_from(end.duration_since(now).as_hours() / 24).unwrap_or(0);
    SubscriptionRow {
        subscription_id: view.lot.subscription_id,
        order_id: view.lot.order_id,
        virtual_account: view.virtual_account.name,
        tag: view.tag,
        license: view.name,
        kind: view.lot.kind,
        quantity: view.lot.quantity.minus(view.lot.moved_out),
        starts_at: view.lot.starts_at,
        ends_at: view.lot.ends_at,
        days_left: view.lot.ends_at.map(left),
        status: view.lot.status,
    }
}

fn or_empty(at: Option<Timestamp>) -> String {
    at.map_or_else(String::new, instant)
}

impl Record for LicenseRow {
    const HEAD: &'static [&'static str] = &[
        "virtual_account",
        "tag",
        "license",
        "purchased",
        "declared",
        "reserved",
        "in_use",
        "balance",
        "status",
        "short_since",
        "pending",
        "next_expiry",
        "next_expiry_quantity",
    ];

    fn cells(self) -> Row {
        vec![
            self.virtual_account,
            self.tag.to_string(),
            self.license,
            self.purchased.to_string(),
            self.declared.to_string(),
            self.reserved.to_string(),
            self.in_use.to_string(),
            self.balance.to_string(),
            self.status.words().to_owned(),
            or_empty(self.short_since),
            self.pending.to_string(),
            or_empty(self.next_expiry),
            self.next_expiry.map_or_else(String::new, |_| self.next_expiry_quantity.to_string()),
        ]
    }
}

impl Record for InstanceRow {
    const HEAD: &'static [&'static str] = &[
        "id",
        "virtual_account",
        "name",
        "product_type",
        "product_name",
        "product_version",
        "pid",
        "sn",
        "uuid",
        "status",
        "registered_at",
        "last_contact_at",
        "authorized_until",
        "certificate_until",
        "licenses",
    ];

    fn cells(self) -> Row {
        let used = self.licenses.iter().map(|used| format!("{} {}", used.quantity, used.tag));
        let used = used.collect::<Vec<_>>().join("; ");
        vec![
            self.id.to_string(),
            self.virtual_account,
            self.name,
            self.product_type,
            self.product_name,
            self.product_version.unwrap_or_default(),
            self.pid,
            self.sn,
            self.uuid.unwrap_or_default(),
            self.status.words().to_owned(),
            instant(self.registered_at),
            instant(self.last_contact_at),
            or_empty(self.authorized_until),
            or_empty(self.certificate_until),
            used,
        ]
    }
}

impl Record for SubscriptionRow {
    const HEAD: &'static [&'static str] = &[
        "subscription_id",
        "order_id",
        "virtual_account",
        "tag",
        "license",
        "kind",
        "quantity",
        "starts_at",
        "ends_at",
        "days_left",
        "status",
    ];

    fn cells(self) -> Row {
        vec![
            self.subscription_id.unwrap_or_default(),
            self.order_id,
            self.virtual_account,
            self.tag.to_string(),
            self.license,
            self.kind.as_str().to_owned(),
            self.quantity.to_string(),
            instant(self.starts_at),
            or_empty(self.ends_at),
            self.days_left.map_or_else(String::new, |days| days.to_string()),
            self.status.word().to_owned(),
        ]
    }
}
