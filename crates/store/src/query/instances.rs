//! Product instances: finding one, and listing them sorted and in pages.

mod statements;

use seatpool_domain::Instance;
use seatpool_proto::{AccountId, ProductInstanceId, Tag, VirtualAccountId};

use super::{Page, Paged};
use crate::db::Snapshot;
use crate::error::StoreError;
use crate::sql::{Row, Value, count as sql_count};
use crate::store::Store;
use crate::table::read_all;

#[cfg(feature = "testing")]
pub(crate) use statements::{ALL, LISTS};
use statements::{
    BY_CONTACT, BY_CONTACT_DAY, BY_CONTACT_DAY_DOWN, BY_CONTACT_DOWN, BY_NAME, BY_NAME_DOWN, BY_REGISTRATION,
    BY_REGISTRATION_DOWN, BY_TYPE, BY_TYPE_DOWN, COUNTED_BEHIND, FITTING_COUNTED, FOUND, FOUND_BY_TAG,
    INSTANCE, INSTANCE_BY_UDI, Ordered, Places, REGISTERED, USERS,
};

/// How many instances a search finds before it is not worth while to name them all: then the order's index is walked.
const FOUND_MAX: u64 = 2_000;
/// Of how many instances the exact times of their last contacts are sorted; of more, the days.
const SORTED_MAX: u64 = 5_000;
/// How many instances may report a licence for them to be found by it.
const USERS_MAX: u64 = 5_000;

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

/// The ids of what a search found.
#[derive(Default)]
struct Found {
    ids: Vec<String>,
    /// The name of the last, where they are the first in the order of names.
    last_name: Option<String>,
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
        let mut limits = [Value::Int(Some(i64::from(page.limit))), Value::Int(Some(sql_count(page.offset)))];
        if self.query.text.is_none() && self.query.tag.is_none() {
            let total = self.count(&REGISTERED).await?;
            let items = self.rows(&self.order(total).fitting, &limits).await?;
            return Ok(Paged { items: read_all(&items)?, total });
        }
        let found = self.found().await?;
        let mut total = found.ids.len() as u64;
        if total > FOUND_MAX {
            total = match &found.last_name {
                Some(name) => total + self.behind(name, found.ids.last()).await?,
                None => self.count(&FITTING_COUNTED).await?,
            };
        }
        let named = found.ids.len() as u64;
        let order = self.order(total);
        let by_name =
            found.last_name.is_some() && self.query.sort == InstanceSort::Name && !self.query.descending;
        let ids = if by_name && page.offset.saturating_add(u64::from(page.limit)) <= named {
            let before = usize::try_from(page.offset).unwrap_or(usize::MAX);
            limits[1] = Value::Int(Some(0));
            found.ids.into_iter().skip(before).take(page.limit as usize).collect()
        } else if total == named {
            found.ids
        } else {
            let items = self.rows(&order.fitting, &limits).await?;
            return Ok(Paged { items: read_all(&items)?, total });
        };
        let [limit, offset] = limits;
        let values = [Value::text(self.account), Value::set(ids), limit, offset];
        let items = self.snapshot.conn().rows(&order.found, &values).await?;
        Ok(Paged { items: read_all(&items)?, total })
    }

    /// How many fit behind the last that was found in the order of names.
    async fn behind(&mut self, name: &str, id: Option<&String>) -> Result<u64, StoreError> {
        let values = [self.values.as_slice(), &[Value::text(name), Value::maybe(id)]].concat();
        let rows = self.snapshot.conn().rows(&COUNTED_BEHIND, &values).await?;
        Ok(rows.last().map(|row| row.reader().count()).transpose()?.unwrap_or_default())
    }

    /// What fits the query, of at most one more than [`FOUND_MAX`].
    async fn found(&mut self) -> Result<Found, StoreError> {
        let limit = Value::Int(Some(sql_count(FOUND_MAX + 1)));
        let users = match &self.query.tag {
            None => None,
            Some(tag) => {
                let most = Value::Int(Some(sql_count(USERS_MAX + 1)));
                let values = [Value::text(self.account), Value::text(tag), most];
                let rows = self.snapshot.conn().rows(&USERS, &values).await?;
                rows.last().map(|row| row.reader().count::<u64>()).transpose()?
            }
        };
        let by_tag = users.is_some_and(|users| users <= USERS_MAX);
        let rows = self.rows(if by_tag { &FOUND_BY_TAG } else { &FOUND }, &[limit]).await?;
        let in_order =
            !by_tag && self.query.virtual_accounts.as_ref().is_some_and(|places| places.len() == 1);
        let mut found = Found::default();
        for row in &rows {
            let mut reader = row.reader();
            found.ids.push(reader.text()?);
            found.last_name = Some(reader.text()?).filter(|_| in_order);
        }
        Ok(found)
    }

    async fn count(&mut self, sql: &Places) -> Result<u64, StoreError> {
        let rows = self.rows(sql, &[]).await?;
        Ok(rows.last().map(|row| row.reader().count()).transpose()?.unwrap_or_default())
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
