//! Product instances: finding one, and listing them sorted and in pages.

use seatpool_domain::Instance;
use seatpool_proto::{AccountId, ProductInstanceId, Tag, VirtualAccountId};

use super::{Page, Paged, each};
use crate::db::Snapshot;
use crate::error::StoreError;
use crate::row::instance::instance_columns;
use crate::sql::{Row, Sql, Value, count as sql_count};
use crate::store::Store;
use crate::table::read_all;

/// The registered instances of account `$1` that fit the query; `$2` is where.
macro_rules! matching {
    ($place:literal, $position:literal) => {
        matching!("", $place, $position)
    };
    ($hint:literal, $place:literal, $position:literal) => {
        concat!(
            " FROM instances ",
            $hint,
            "WHERE account_id = $1 AND registered AND ",
            $place,
            " AND (CAST($3 AS TEXT) IS NULL OR ",
            $position,
            "(search_text, $3) > 0) \
             AND (CAST($4 AS TEXT) IS NULL OR product_type = $4) \
             AND (CAST($5 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM usage_reports AS u \
             WHERE u.account_id = instances.account_id AND u.instance = instances.id AND u.tag = $5 \
             AND (u.peak > 0 OR u.locked > 0)))"
        )
    };
}

/// The same, read from the index that holds what is searched: SQLite would take another, and then each row.
macro_rules! searched {
    ($place:literal, "instr") => {
        matching!("INDEXED BY instances_in_place_by_name ", $place, "instr")
    };
    ($place:literal, $position:literal) => {
        matching!($place, $position)
    };
}

/// The same, found by the licence `$5` that they use, licences first.
macro_rules! using {
    ($place:literal, "instr") => {
        using!("INDEXED BY usage_reports_by_tag CROSS JOIN", $place, "instr")
    };
    ($place:literal, $position:literal) => {
        using!("JOIN", $place, $position)
    };
    ($join:literal, $place:literal, $position:literal) => {
        concat!(
            " FROM usage_reports AS u ",
            $join,
            " instances AS i ON i.account_id = u.account_id AND i.id = u.instance \
             WHERE u.account_id = $1 AND u.tag = $5 AND (u.peak > 0 OR u.locked > 0) AND i.registered AND ",
            $place,
            " AND (CAST($3 AS TEXT) IS NULL OR ",
            $position,
            "(i.search_text, $3) > 0) AND (CAST($4 AS TEXT) IS NULL OR i.product_type = $4)"
        )
    };
}

/// One statement, of one virtual account, of several, or of all.
macro_rules! places {
    ($head:expr, $source:ident, $tail:expr) => {
        Places {
            one: Sql {
                sqlite: concat!("SELECT ", $head, $source!("virtual_account = $2", "instr"), $tail),
                postgres: concat!("SELECT ", $head, $source!("virtual_account = $2", "strpos"), $tail),
            },
            several: Sql {
                sqlite: concat!(
                    "SELECT ",
                    $head,
                    $source!("virtual_account IN (SELECT value FROM json_each($2))", "instr"),
                    $tail
                ),
                postgres: concat!(
                    "SELECT ",
                    $head,
                    $source!("virtual_account = ANY($2::text[])", "strpos"),
                    $tail
                ),
            },
            all: Sql {
                sqlite: concat!("SELECT ", $head, $source!("CAST($2 AS TEXT) IS NULL", "instr"), $tail),
                postgres: concat!("SELECT ", $head, $source!("$2::text[] IS NULL", "strpos"), $tail),
            },
        }
    };
}

struct Places {
    one: Sql,
    several: Sql,
    all: Sql,
}

/// One order: of what fits the query, and of instances that were found already (`$2`).
macro_rules! ordered {
    ($by:literal) => {
        Ordered {
            fitting: places!(
                instance_columns!(),
                matching,
                concat!(" ORDER BY ", $by, " LIMIT $6 OFFSET $7")
            ),
            found: Sql {
                sqlite: concat!(
                    "SELECT ",
                    instance_columns!(),
                    " FROM instances WHERE account_id = $1 AND \
                     id IN (SELECT value FROM json_each($2)) ORDER BY ",
                    $by,
                    " LIMIT $3 OFFSET $4"
                ),
                postgres: concat!(
                    "SELECT ",
                    instance_columns!(),
                    " FROM instances WHERE account_id = $1 AND \
                     id = ANY($2::text[]) ORDER BY ",
                    $by,
                    " LIMIT $3 OFFSET $4"
                ),
            },
        }
    };
}

struct Ordered {
    fitting: Places,
    found: Sql,
}

/// How many instances a search finds before it is not worth while to name them all: then the order's index is walked.
const FOUND_MAX: u64 = 2_000;
/// Of how many instances the exact times of their last contacts are sorted; of more, the days.
const SORTED_MAX: u64 = 5_000;
/// How many instances may report a licence for them to be found by it.
const USERS_MAX: u64 = 5_000;

/// How many are registered, of type `$4` or of all.
macro_rules! registered {
    ($place:literal) => {
        concat!(
            "SELECT CAST(COALESCE(SUM(registered), 0) AS BIGINT) FROM instance_counts WHERE account_id = $1 AND ",
            $place,
            " AND (CAST($4 AS TEXT) IS NULL OR product_type = $4) \
             AND CAST($3 AS TEXT) IS NULL AND CAST($5 AS TEXT) IS NULL"
        )
    };
}

const FOUND: Places = places!("id", searched, " LIMIT $6");
const FOUND_BY_TAG: Places = places!("i.id", using, " LIMIT $6");
const FITTING_COUNTED: Places = places!("COUNT(*)", searched, "");
const REGISTERED: Places = Places {
    one: Sql::both(registered!("virtual_account = $2")),
    several: Sql {
        sqlite: registered!("virtual_account IN (SELECT value FROM json_each($2))"),
        postgres: registered!("virtual_account = ANY($2::text[])"),
    },
    all: Sql { sqlite: registered!("CAST($2 AS TEXT) IS NULL"), postgres: registered!("$2::text[] IS NULL") },
};
const USERS: Sql = Sql::both(
    "SELECT COUNT(*) FROM (SELECT 1 FROM usage_reports WHERE account_id = $1 AND tag = $2 LIMIT $3) AS reporting",
);
const BY_NAME: Ordered = ordered!("sort_name, id");
const BY_NAME_DOWN: Ordered = ordered!("sort_name DESC, id DESC");
const BY_TYPE: Ordered = ordered!("product_type, id");
const BY_TYPE_DOWN: Ordered = ordered!("product_type DESC, id DESC");
const BY_CONTACT: Ordered = ordered!("last_contact_at, id");
const BY_CONTACT_DOWN: Ordered = ordered!("last_contact_at DESC, id DESC");
const BY_CONTACT_DAY: Ordered = ordered!("contact_day, id");
const BY_CONTACT_DAY_DOWN: Ordered = ordered!("contact_day DESC, id DESC");
const BY_REGISTRATION: Ordered = ordered!("registered_at, id");
const BY_REGISTRATION_DOWN: Ordered = ordered!("registered_at DESC, id DESC");
const INSTANCE: Sql =
    Sql::both(concat!("SELECT ", instance_columns!(), " FROM instances WHERE account_id = $1 AND id = $2"));
const INSTANCE_BY_UDI: Sql = Sql::both(concat!(
    "SELECT ",
    instance_columns!(),
    " FROM instances \
     WHERE account_id = $1 AND udi_pid = $2 AND udi_sn = $3 AND registered ORDER BY udi_uuid"
));

/// The statements by which lists are read, each with what its plan on SQLite must hold.
#[cfg(feature = "testing")]
pub(crate) const LISTS: &[(&str, Sql)] = &[
    ("USING INDEX instances_in_place_by_name", BY_NAME.fitting.one),
    ("USING INDEX instances_by_name", BY_NAME.fitting.all),
    ("USING INDEX instances_in_place_by_name", BY_NAME_DOWN.fitting.one),
    ("USING INDEX instances_by_name", BY_NAME_DOWN.fitting.all),
    ("USING INDEX instances_in_place_by_type", BY_TYPE.fitting.one),
    ("USING INDEX instances_by_type", BY_TYPE.fitting.all),
    ("USING INDEX instances_in_place_by_type", BY_TYPE_DOWN.fitting.one),
    ("USING INDEX instances_by_type", BY_TYPE_DOWN.fitting.all),
    ("USING INDEX instances_in_place_by_registration", BY_REGISTRATION.fitting.one),
    ("USING INDEX instances_by_registration", BY_REGISTRATION.fitting.all),
    ("USING INDEX instances_in_place_by_registration", BY_REGISTRATION_DOWN.fitting.one),
    ("USING INDEX instances_by_registration", BY_REGISTRATION_DOWN.fitting.all),
    ("USING INDEX instances_in_place_by_contact", BY_CONTACT_DAY.fitting.one),
    ("USING INDEX instances_by_contact", BY_CONTACT_DAY.fitting.all),
    ("USING INDEX instances_in_place_by_contact", BY_CONTACT_DAY_DOWN.fitting.one),
    ("USING INDEX instances_by_contact", BY_CONTACT_DAY_DOWN.fitting.all),
    ("USING COVERING INDEX instances_in_place_by_name", FOUND.one),
    ("USING COVERING INDEX instances_in_place_by_name", FOUND.several),
    ("USING COVERING INDEX instances_in_place_by_name", FITTING_COUNTED.one),
    ("USING COVERING INDEX instances_in_place_by_name", FITTING_COUNTED.several),
    ("SEARCH u USING INDEX usage_reports_by_tag", FOUND_BY_TAG.one),
    ("SEARCH u USING INDEX usage_reports_by_tag", FOUND_BY_TAG.several),
    ("USING COVERING INDEX usage_reports_by_tag", USERS),
    ("SEARCH instance_counts USING PRIMARY KEY", REGISTERED.one),
    ("SEARCH instance_counts USING PRIMARY KEY", REGISTERED.several),
    ("SEARCH instance_counts USING PRIMARY KEY", REGISTERED.all),
];
/// Every other statement of this module.
#[cfg(feature = "testing")]
pub(crate) const ALL: &[Sql] = &[
    BY_CONTACT.fitting.one,
    BY_CONTACT.fitting.several,
    BY_CONTACT.fitting.all,
    BY_CONTACT_DOWN.fitting.one,
    BY_CONTACT_DOWN.fitting.several,
    BY_CONTACT_DOWN.fitting.all,
    BY_NAME.fitting.several,
    BY_NAME_DOWN.fitting.several,
    BY_TYPE.fitting.several,
    BY_TYPE_DOWN.fitting.several,
    BY_REGISTRATION.fitting.several,
    BY_REGISTRATION_DOWN.fitting.several,
    BY_CONTACT_DAY.fitting.several,
    BY_CONTACT_DAY_DOWN.fitting.several,
    BY_NAME.found,
    BY_NAME_DOWN.found,
    BY_TYPE.found,
    BY_TYPE_DOWN.found,
    BY_CONTACT.found,
    BY_CONTACT_DOWN.found,
    BY_CONTACT_DAY.found,
    BY_CONTACT_DAY_DOWN.found,
    BY_REGISTRATION.found,
    BY_REGISTRATION_DOWN.found,
    FOUND.all,
    FOUND_BY_TAG.all,
    FITTING_COUNTED.all,
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
    /// Last authenticated request; where more than 5,000 instances are listed, by its day.
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
        let places = match query.virtual_accounts.as_deref() {
            Some([place]) => Value::text(place),
            places => places.map_or(Value::Set(None), Value::set),
        };
        let mut listing = Listing {
            snapshot: crate::db::retried!(self.db.snapshot())?,
            account,
            values: vec![
                Value::text(account),
                places,
                Value::maybe(query.text.as_ref().map(|text| text.to_ascii_lowercase())),
                Value::maybe(query.product_type.as_ref()),
                Value::maybe(query.tag.as_ref()),
            ],
            query,
        };
        listing.read(page).await
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

/// One list, read at one moment.
struct Listing {
    snapshot: Snapshot,
    account: AccountId,
    /// Account, places, text, type, tag.
    values: Vec<Value>,
    query: InstanceQuery,
}

impl Listing {
    async fn read(&mut self, page: Page) -> Result<Paged<Instance>, StoreError> {
        let limits = [Value::Int(Some(i64::from(page.limit))), Value::Int(Some(sql_count(page.offset)))];
        if self.query.text.is_none() && self.query.tag.is_none() {
            let total = self.count(&REGISTERED).await?;
            let items = self.rows(&self.order(total).fitting, &limits).await?;
            return Ok(Paged { items: read_all(&items)?, total });
        }
        let found = self.found().await?;
        let total = found.len() as u64;
        if total <= FOUND_MAX {
            let [limit, offset] = limits;
            let values = [Value::text(self.account), Value::set(found), limit, offset];
            let order = self.order(total);
            let items = self.snapshot.conn().rows(&order.found, &values).await?;
            return Ok(Paged { items: read_all(&items)?, total });
        }
        let total = self.count(&FITTING_COUNTED).await?;
        let items = self.rows(&self.order(total).fitting, &limits).await?;
        Ok(Paged { items: read_all(&items)?, total })
    }

    /// The ids of what fits the query, of at most one more than [`FOUND_MAX`].
    async fn found(&mut self) -> Result<Vec<String>, StoreError> {
        let limit = Value::Int(Some(sql_count(FOUND_MAX + 1)));
        let users = match &self.query.tag {
            None => None,
            Some(tag) => {
                let most = Value::Int(Some(sql_count(USERS_MAX + 1)));
                let values = [Value::text(self.account), Value::text(tag), most];
                let rows = self.snapshot.conn().rows(&USERS, &values).await?;
                each(&rows, |reader| reader.count::<u64>())?.pop()
            }
        };
        let by_tag = users.is_some_and(|users| users <= USERS_MAX);
        let rows = self.rows(if by_tag { &FOUND_BY_TAG } else { &FOUND }, &[limit]).await?;
        each(&rows, |reader| reader.text())
    }

    async fn count(&mut self, sql: &Places) -> Result<u64, StoreError> {
        let rows = self.rows(sql, &[]).await?;
        Ok(each(&rows, |reader| reader.count())?.pop().unwrap_or_default())
    }

    async fn rows(&mut self, sql: &Places, more: &[Value]) -> Result<Vec<Row>, StoreError> {
        let sql = match self.query.virtual_accounts.as_deref() {
            Some([_]) => &sql.one,
            Some(_) => &sql.several,
            None => &sql.all,
        };
        let values = [self.values.as_slice(), more].concat();
        self.snapshot.conn().rows(sql, &values).await
    }

    /// The order of a list of so many.
    fn order(&self, total: u64) -> &'static Ordered {
        match (self.query.sort, self.query.descending) {
            (InstanceSort::Name, false) => &BY_NAME,
            (InstanceSort::Name, true) => &BY_NAME_DOWN,
            (InstanceSort::ProductType, false) => &BY_TYPE,
            (InstanceSort::ProductType, true) => &BY_TYPE_DOWN,
            (InstanceSort::LastContact, false) if total <= SORTED_MAX => &BY_CONTACT,
            (InstanceSort::LastContact, true) if total <= SORTED_MAX => &BY_CONTACT_DOWN,
            (InstanceSort::LastContact, false) => &BY_CONTACT_DAY,
            (InstanceSort::LastContact, true) => &BY_CONTACT_DAY_DOWN,
            (InstanceSort::Registered, false) => &BY_REGISTRATION,
            (InstanceSort::Registered, true) => &BY_REGISTRATION_DOWN,
        }
    }
}
