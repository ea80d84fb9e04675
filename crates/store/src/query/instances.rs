//! Product instances: finding one, and listing them sorted and in pages.

use seatpool_domain::Instance;
use seatpool_proto::{AccountId, ProductInstanceId, Tag, VirtualAccountId};

use super::{Page, Paged};
use crate::error::StoreError;
use crate::row::instance::instance_columns;
use crate::sql::{Sql, Value};
use crate::store::Store;
use crate::table::{Stored as _, read_all};

/// The registered instances of account `$1` that fit the query.
macro_rules! matching {
    ($place:literal, $position:literal) => {
        concat!(
            " FROM instances WHERE account_id = $1 AND registered AND ",
            $place,
            " AND (CAST($3 AS TEXT) IS NULL OR ",
            $position,
            "(lower(coalesce(host_name, '') || ' ' || product_name || ' ' || product_type || ' ' || udi_sn \
             || ' ' || udi_uuid), $3) > 0) \
             AND (CAST($4 AS TEXT) IS NULL OR product_type = $4) \
             AND (CAST($5 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM usage_reports AS u \
             WHERE u.account_id = instances.account_id AND u.instance = instances.id AND u.tag = $5 \
             AND (u.peak > 0 OR u.locked > 0)))"
        )
    };
}

/// One list, of one virtual account (whose index is sorted) or of several or all.
macro_rules! both_places {
    ($head:expr, $tail:literal) => {
        Places {
            one: Sql {
                sqlite: concat!("SELECT ", $head, matching!("virtual_account = $2", "instr"), $tail),
                postgres: concat!("SELECT ", $head, matching!("virtual_account = $2", "strpos"), $tail),
            },
            several: Sql {
                sqlite: concat!(
                    "SELECT ",
                    $head,
                    matching!(
                        "(CAST($2 AS TEXT) IS NULL OR virtual_account IN (SELECT value FROM json_each($2)))",
                        "instr"
                    ),
                    $tail
                ),
                postgres: concat!(
                    "SELECT ",
                    $head,
                    matching!("($2::text[] IS NULL OR virtual_account = ANY($2))", "strpos"),
                    $tail
                ),
            },
        }
    };
}

struct Places {
    one: Sql,
    several: Sql,
}

macro_rules! listing {
    ($order:literal) => {
        both_places!(instance_columns!(), $order)
    };
}

const COUNTED: Places = both_places!("COUNT(*)", "");
const BY_NAME: Places = listing!(" ORDER BY sort_name, id LIMIT $6 OFFSET $7");
const BY_NAME_DOWN: Places = listing!(" ORDER BY sort_name DESC, id DESC LIMIT $6 OFFSET $7");
const BY_TYPE: Places = listing!(" ORDER BY product_type, id LIMIT $6 OFFSET $7");
const BY_TYPE_DOWN: Places = listing!(" ORDER BY product_type DESC, id DESC LIMIT $6 OFFSET $7");
const BY_CONTACT: Places = listing!(" ORDER BY last_contact_at, id LIMIT $6 OFFSET $7");
const BY_CONTACT_DOWN: Places = listing!(" ORDER BY last_contact_at DESC, id DESC LIMIT $6 OFFSET $7");
const BY_REGISTRATION: Places = listing!(" ORDER BY registered_at, id LIMIT $6 OFFSET $7");
const BY_REGISTRATION_DOWN: Places = listing!(" ORDER BY registered_at DESC, id DESC LIMIT $6 OFFSET $7");
const INSTANCE: Sql =
    Sql::both(concat!("SELECT ", instance_columns!(), " FROM instances WHERE account_id = $1 AND id = $2"));
const INSTANCE_BY_UDI: Sql = Sql::both(concat!(
    "SELECT ",
    instance_columns!(),
    " FROM instances \
     WHERE account_id = $1 AND udi_pid = $2 AND udi_sn = $3 AND registered ORDER BY udi_uuid"
));

/// The lists that an index sorts, each with that index. The list by last contact is sorted as it is read: every report
/// would have to move an index's entry.
#[cfg(feature = "testing")]
pub(crate) const LISTS: &[(&str, Sql)] = &[
    ("instances_in_place_by_name", BY_NAME.one),
    ("instances_by_name", BY_NAME.several),
    ("instances_in_place_by_name", BY_NAME_DOWN.one),
    ("instances_by_name", BY_NAME_DOWN.several),
    ("instances_in_place_by_type", BY_TYPE.one),
    ("instances_by_type", BY_TYPE.several),
    ("instances_in_place_by_type", BY_TYPE_DOWN.one),
    ("instances_by_type", BY_TYPE_DOWN.several),
    ("instances_in_place_by_registration", BY_REGISTRATION.one),
    ("instances_by_registration", BY_REGISTRATION.several),
    ("instances_in_place_by_registration", BY_REGISTRATION_DOWN.one),
    ("instances_by_registration", BY_REGISTRATION_DOWN.several),
];
/// Every other statement of this module.
#[cfg(feature = "testing")]
pub(crate) const ALL: &[Sql] = &[
    BY_CONTACT.one,
    BY_CONTACT.several,
    BY_CONTACT_DOWN.one,
    BY_CONTACT_DOWN.several,
    COUNTED.one,
    COUNTED.several,
    INSTANCE,
    INSTANCE_BY_UDI,
];

/// What instances are sorted by; then by id, so that pages neither repeat nor miss one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InstanceSort {
    /// Host name, or serial number where it is withheld; without regard to case.
    #[default]
    Name,
    /// Product type.
    ProductType,
    /// Last authenticated request.
    LastContact,
    /// This registration.
    Registered,
}

/// Which instances to list; what is absent does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstanceQuery {
    /// Where.
    pub virtual_accounts: Option<Vec<VirtualAccountId>>,
    /// Part of the host name, product name, product type, serial number or UUID; without regard to the case of
    /// ASCII letters.
    pub text: Option<String>,
    /// Of this product type.
    pub product_type: Option<String>,
    /// That use this licence.
    pub tag: Option<Tag>,
    /// In which order.
    pub sort: InstanceSort,
    /// Backwards.
    pub descending: bool,
}

impl Store {
    /// Registered instances.
    pub async fn instances(
        &self,
        account: AccountId,
        query: InstanceQuery,
        page: Page,
    ) -> Result<Paged<Instance>, StoreError> {
        let listing = match (query.sort, query.descending) {
            (InstanceSort::Name, false) => &BY_NAME,
            (InstanceSort::Name, true) => &BY_NAME_DOWN,
            (InstanceSort::ProductType, false) => &BY_TYPE,
            (InstanceSort::ProductType, true) => &BY_TYPE_DOWN,
            (InstanceSort::LastContact, false) => &BY_CONTACT,
            (InstanceSort::LastContact, true) => &BY_CONTACT_DOWN,
            (InstanceSort::Registered, false) => &BY_REGISTRATION,
            (InstanceSort::Registered, true) => &BY_REGISTRATION_DOWN,
        };
        let (items, count, places) = match query.virtual_accounts.as_deref() {
            Some([place]) => (&listing.one, &COUNTED.one, Value::text(place)),
            places => (&listing.several, &COUNTED.several, places.map_or(Value::Set(None), Value::set)),
        };
        let values = vec![
            Value::text(account),
            places,
            Value::maybe(query.text.map(|text| text.to_ascii_lowercase())),
            Value::maybe(query.product_type),
            Value::maybe(query.tag),
        ];
        self.page(items, count, values, page, Instance::read).await
    }

    /// The instance with this id, be it registered, pending or a tombstone.
    pub async fn instance(
        &self,
        account: AccountId,
        id: ProductInstanceId,
    ) -> Result<Option<Instance>, StoreError> {
        let rows = self.db.rows(&INSTANCE, &[Value::text(account), Value::text(id)]).await?;
        Ok(read_all(&rows)?.pop())
    }

    /// Registered instances with this product id and serial number; they differ in their UUIDs.
    pub async fn instance_by_udi(
        &self,
        account: AccountId,
        pid: &str,
        sn: &str,
    ) -> Result<Vec<Instance>, StoreError> {
        let values = [Value::text(account), Value::text(pid), Value::text(sn)];
        read_all(&self.db.rows(&INSTANCE_BY_UDI, &values).await?)
    }
}
