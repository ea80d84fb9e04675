//! What is owned and what is in use, and how it came about.

use std::collections::BTreeMap;

use jiff::Timestamp;
use seatpool_domain::command::Chosen;
use seatpool_domain::{Lot, LotTransaction, PoolTotal, Usage};
use seatpool_proto::{AccountId, ProductInstanceId, Tag, VirtualAccountId};

use super::{Page, Paged, each};
use crate::error::StoreError;
use crate::row::lot::{lot_columns, transaction_columns};
use crate::row::pool::{total_columns, usage_columns};
use crate::sql::{Sql, Value, count as sql_count, statements};
use crate::store::Store;
use crate::table::{Stored as _, read_all};

/// What counts before what does not count yet, before what no longer counts; `$5` is the present time.
macro_rules! in_order {
    () => {
        " ORDER BY CASE WHEN ends_at <= CAST($5 AS BIGINT) THEN 2 WHEN starts_at > CAST($5 AS BIGINT) THEN 1 ELSE 0 END, \
         CASE WHEN ends_at IS NULL THEN 1 ELSE 0 END, ends_at, id"
    };
}

/// The lots of account `$1` in the places `$2`; with a name `$3`, those of that order or subscription and of the
/// licences `$4`.
macro_rules! matching {
    (sqlite) => {
        "INDEXED BY lots_listed WHERE account_id = $1 AND virtual_account IN (SELECT value FROM json_each($2)) \
         AND (CAST($3 AS TEXT) IS NULL OR tag IN (SELECT value FROM json_each($4)) OR order_id = $3 OR subscription_id = $3)"
    };
    (postgres) => {
        "WHERE account_id = $1 AND virtual_account = ANY($2::text[]) \
         AND ($3::text IS NULL OR tag = ANY($4::text[]) OR order_id = $3 OR subscription_id = $3)"
    };
}

/// The same without a name, from the index of an order.
macro_rules! placed {
    (sqlite, $index:literal) => {
        concat!(
            "INDEXED BY ",
            $index,
            " WHERE account_id = $1 AND virtual_account IN (SELECT value FROM json_each($2))"
        )
    };
    (postgres, $index:literal) => {
        "WHERE account_id = $1 AND virtual_account = ANY($2::text[])"
    };
}

/// One order of the lots that `$of` leaves: their ids from an index, and then the rows of a page.
macro_rules! page_of {
    ($of:expr, $by:expr, $limit:literal) => {
        concat!(
            "SELECT ",
            lot_columns!(),
            " FROM lots WHERE account_id = $1 AND id IN (SELECT id FROM lots ",
            $of,
            " ORDER BY ",
            $by,
            $limit,
            ") ORDER BY ",
            $by
        )
    };
}

macro_rules! in_one_order {
    ($index:literal, $by:expr) => {
        OneOrder {
            all: Sql {
                sqlite: page_of!(placed!(sqlite, $index), $by, " LIMIT $3 OFFSET $4"),
                postgres: page_of!(placed!(postgres, $index), $by, " LIMIT $3 OFFSET $4"),
            },
            named: Sql {
                sqlite: page_of!(matching!(sqlite), $by, " LIMIT $5 OFFSET $6"),
                postgres: page_of!(matching!(postgres), $by, " LIMIT $5 OFFSET $6"),
            },
        }
    };
}

/// An order of lots: of all that are in some places, and of those among them that a name fits.
#[derive(Clone, Copy)]
struct OneOrder {
    all: Sql,
    named: Sql,
}

/// What never ends ends last.
macro_rules! never_ends {
    ($way:literal) => {
        concat!("CASE WHEN ends_at IS NULL THEN 1 ELSE 0 END", $way, ", ends_at", $way, ", id", $way)
    };
}

const BY_ORDER: OneOrder = in_one_order!("lots_by_order", "order_id, id");
const BY_ORDER_DOWN: OneOrder = in_one_order!("lots_by_order", "order_id DESC, id DESC");
const BY_QUANTITY: OneOrder = in_one_order!("lots_sorted_by_quantity", "quantity + 0, id");
const BY_QUANTITY_DOWN: OneOrder = in_one_order!("lots_sorted_by_quantity", "quantity + 0 DESC, id DESC");
const BY_START: OneOrder = in_one_order!("lots_sorted_by_start", "starts_at + 0, id");
const BY_START_DOWN: OneOrder = in_one_order!("lots_sorted_by_start", "starts_at + 0 DESC, id DESC");
const BY_END: OneOrder = in_one_order!("lots_sorted_by_end", never_ends!(""));
const BY_END_DOWN: OneOrder = in_one_order!("lots_sorted_by_end", never_ends!(" DESC"));

/// Which of some licences each virtual account holds or uses.
macro_rules! held {
    ($of:literal) => {
        concat!(
            "SELECT virtual_account, tag FROM lots WHERE account_id = $1 AND quantity > 0 AND tag ",
            $of,
            " UNION SELECT virtual_account, tag FROM pool_totals WHERE account_id = $1 AND \
             (instances > 0 OR short > 0) AND tag ",
            $of
        )
    };
}

statements! {
    LOTS = Sql {
        sqlite: concat!(
            "SELECT ", lot_columns!(), " FROM lots WHERE account_id = $1 AND \
             (CAST($2 AS TEXT) IS NULL OR virtual_account IN (SELECT value FROM json_each($2))) \
             ORDER BY virtual_account, tag, starts_at, id"
        ),
        postgres: concat!(
            "SELECT ", lot_columns!(), " FROM lots WHERE account_id = $1 AND \
             ($2::text[] IS NULL OR virtual_account = ANY($2)) ORDER BY virtual_account, tag, starts_at, id"
        ),
    };
    // But for the lots $6. What counts comes first, then what has yet to start, then what has ended; each by its end.
    LOTS_LISTED = Sql {
        sqlite: concat!(
            "SELECT ", lot_columns!(), " FROM lots WHERE account_id = $1 AND id IN (SELECT id FROM lots ",
            matching!(sqlite), " AND id NOT IN (SELECT value FROM json_each($6))", in_order!(),
            " LIMIT $7 OFFSET $8)", in_order!()
        ),
        postgres: concat!(
            "SELECT ", lot_columns!(), " FROM lots WHERE account_id = $1 AND id IN (SELECT id FROM lots ",
            matching!(postgres), " AND NOT (id = ANY($6::text[]))", in_order!(),
            " LIMIT $7 OFFSET $8)", in_order!()
        ),
    };
    LOTS_COUNTED = Sql {
        sqlite: concat!("SELECT COUNT(*) FROM lots ", matching!(sqlite)),
        postgres: concat!("SELECT COUNT(*) FROM lots ", matching!(postgres)),
    };
    // How many there are of each licence.
    LICENSES = Sql {
        sqlite: concat!("SELECT tag, COUNT(*) FROM lots ", placed!(sqlite, "lots_sorted_by_license"), " GROUP BY tag"),
        postgres: concat!("SELECT tag, COUNT(*) FROM lots ", placed!(postgres, "lots_sorted_by_license"), " GROUP BY tag"),
    };
    LICENSES_NAMED = Sql {
        sqlite: concat!("SELECT tag, COUNT(*) FROM lots ", matching!(sqlite), " GROUP BY tag"),
        postgres: concat!("SELECT tag, COUNT(*) FROM lots ", matching!(postgres), " GROUP BY tag"),
    };
    // Those of the licence $5.
    LOTS_OF_LICENSE = Sql {
        sqlite: concat!(
            "SELECT ", lot_columns!(), " FROM lots INDEXED BY lots_sorted_by_license WHERE account_id = $1 AND tag = $5 \
             AND virtual_account IN (SELECT value FROM json_each($2)) AND (CAST($3 AS TEXT) IS NULL OR \
             tag IN (SELECT value FROM json_each($4)) OR order_id = $3 OR subscription_id = $3) \
             ORDER BY id LIMIT $6 OFFSET $7"
        ),
        postgres: concat!(
            "SELECT ", lot_columns!(), " FROM lots WHERE account_id = $1 AND tag = $5 AND virtual_account = ANY($2::text[]) \
             AND ($3::text IS NULL OR tag = ANY($4::text[]) OR order_id = $3 OR subscription_id = $3) \
             ORDER BY id LIMIT $6 OFFSET $7"
        ),
    };
    LOT = Sql::both(concat!("SELECT ", lot_columns!(), " FROM lots WHERE account_id = $1 AND id = $2"));
    LOTS_OF_ORDER = Sql::both(concat!(
        "SELECT ", lot_columns!(), " FROM lots WHERE account_id = $1 AND order_id = $2 ORDER BY created_at DESC, id"
    ));
    LOTS_OF_SUBSCRIPTION = Sql::both(concat!(
        "SELECT ", lot_columns!(), " FROM lots WHERE account_id = $1 AND subscription_id = $2 \
         ORDER BY created_at DESC, id"
    ));
    LOTS_DECLARED = Sql::both(concat!(
        "SELECT ", lot_columns!(), " FROM lots WHERE account_id = $1 AND declaration IS NOT NULL \
         ORDER BY created_at DESC, id"
    ));
    TOTALS = Sql {
        sqlite: concat!(
            "SELECT ", total_columns!(), " FROM pool_totals WHERE account_id = $1 AND \
             (CAST($2 AS TEXT) IS NULL OR virtual_account IN (SELECT value FROM json_each($2))) \
             ORDER BY virtual_account, tag"
        ),
        postgres: concat!(
            "SELECT ", total_columns!(), " FROM pool_totals WHERE account_id = $1 AND \
             ($2::text[] IS NULL OR virtual_account = ANY($2)) ORDER BY virtual_account, tag"
        ),
    };
    // With DISTINCT first, SQLite reads the index alone.
    STANDINGS = Sql::both(
        "SELECT virtual_account, CAST(SUM(is_short) AS BIGINT) FROM \
         (SELECT virtual_account, CASE WHEN short > 0 THEN 1 ELSE 0 END AS is_short FROM pool_totals \
          WHERE account_id = $1 AND (instances > 0 OR short > 0 OR cumulative_peak > 0) \
          UNION ALL SELECT DISTINCT virtual_account, 0 FROM lots WHERE account_id = $1 AND quantity > 0) AS known \
         GROUP BY virtual_account",
    );
    STANDING = Sql::both(
        "SELECT COUNT(DISTINCT tag), CAST(COALESCE(SUM(is_short), 0) AS BIGINT) FROM \
         (SELECT tag, CASE WHEN short > 0 THEN 1 ELSE 0 END AS is_short FROM pool_totals \
          WHERE account_id = $1 AND virtual_account = $2 AND (instances > 0 OR short > 0 OR cumulative_peak > 0) \
          UNION ALL SELECT DISTINCT tag, 0 FROM lots WHERE account_id = $1 AND virtual_account = $2 AND quantity > 0) \
         AS known",
    );
    HOLDERS = Sql {
        sqlite: concat!(
            "SELECT virtual_account, json_group_array(tag) FROM (", held!("IN (SELECT value FROM json_each($2))"),
            ") GROUP BY virtual_account"
        ),
        postgres: concat!(
            "SELECT virtual_account, json_agg(tag)::text FROM (", held!("= ANY($2::text[])"),
            ") AS held GROUP BY virtual_account"
        ),
    };
    TRANSACTIONS = Sql::both(concat!(
        "SELECT ", transaction_columns!(), " FROM lot_transactions WHERE account_id = $1 AND \
         virtual_account = $2 ORDER BY number DESC LIMIT $3 OFFSET $4"
    ));
    TRANSACTIONS_COUNTED = Sql::both(
        "SELECT COUNT(*) FROM lot_transactions WHERE account_id = $1 AND virtual_account = $2",
    );
    TRANSACTIONS_ON = Sql::both(concat!(
        "SELECT ", transaction_columns!(), " FROM lot_transactions WHERE account_id = $1 AND \
         virtual_account = $2 AND tag = $3 ORDER BY number DESC LIMIT $4 OFFSET $5"
    ));
    TRANSACTIONS_ON_COUNTED = Sql::both(
        "SELECT COUNT(*) FROM lot_transactions WHERE account_id = $1 AND virtual_account = $2 AND tag = $3",
    );
    USAGE = Sql {
        sqlite: concat!(
            "SELECT ", usage_columns!(), " FROM usage_reports WHERE account_id = $1 AND \
             instance IN (SELECT value FROM json_each($2)) ORDER BY instance, tag"
        ),
        postgres: concat!(
            "SELECT ", usage_columns!(), " FROM usage_reports WHERE account_id = $1 AND \
             instance = ANY($2::text[]) ORDER BY instance, tag"
        ),
    };
}

/// The statements that an index must serve, each with that index.
#[cfg(feature = "testing")]
pub(crate) const INDEXED: &[(&str, Sql)] = &[
    ("covering lots_listed", LOTS_LISTED),
    ("covering lots_listed", LOTS_COUNTED),
    ("covering lots_held", STANDINGS),
    ("covering lots_held", STANDING),
    ("covering lots_held", HOLDERS),
    ("covering lots_by_order", BY_ORDER.all),
    ("covering lots_by_order", BY_ORDER_DOWN.all),
    ("covering lots_sorted_by_quantity", BY_QUANTITY.all),
    ("covering lots_sorted_by_quantity", BY_QUANTITY_DOWN.all),
    ("covering lots_sorted_by_start", BY_START.all),
    ("covering lots_sorted_by_start", BY_START_DOWN.all),
    ("covering lots_sorted_by_end", BY_END.all),
    ("covering lots_sorted_by_end", BY_END_DOWN.all),
    ("covering lots_listed", BY_ORDER.named),
    ("covering lots_listed", BY_ORDER_DOWN.named),
    ("covering lots_listed", BY_QUANTITY.named),
    ("covering lots_listed", BY_QUANTITY_DOWN.named),
    ("covering lots_listed", BY_START.named),
    ("covering lots_listed", BY_START_DOWN.named),
    ("covering lots_listed", BY_END.named),
    ("covering lots_listed", BY_END_DOWN.named),
    ("covering lots_sorted_by_license", LICENSES),
    ("covering lots_listed", LICENSES_NAMED),
    ("lots_sorted_by_license", LOTS_OF_LICENSE),
    ("lots_declared", LOTS_DECLARED),
    ("lots_by_order", LOTS_OF_ORDER),
    ("lots_by_subscription", LOTS_OF_SUBSCRIPTION),
    ("lot_transactions_by_pool", TRANSACTIONS_ON),
];

/// Which lot transactions to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionQuery {
    /// Where.
    pub virtual_account: VirtualAccountId,
    /// Of one licence; of all if absent.
    pub tag: Option<Tag>,
}

/// Which lots to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LotQuery {
    /// Where.
    pub virtual_accounts: Vec<VirtualAccountId>,
    /// What they are called by; all if absent.
    pub named: Option<LotName>,
}

/// What lots are sorted by; then by id, so that pages neither repeat nor miss one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LotSort {
    /// The vendor's name for the order.
    Order,
    /// How many.
    Quantity,
    /// When they begin to count.
    Starts,
    /// When they end; what never ends, last.
    Ends,
}

/// What people call lots by: any of these fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LotName {
    /// Their order or their subscription.
    pub name: String,
    /// Their licence.
    pub tags: Vec<Tag>,
}

impl LotQuery {
    /// Account, places, name, licences.
    fn values(&self, account: AccountId) -> Vec<Value> {
        let name = self.named.as_ref().map(|named| &named.name);
        let tags = self.named.iter().flat_map(|named| &named.tags);
        vec![Value::text(account), Value::set(&self.virtual_accounts), Value::maybe(name), Value::set(tags)]
    }

    fn fits(&self, lot: &Lot) -> bool {
        let is_named = |named: &LotName| {
            named.tags.contains(&lot.tag)
                || lot.order_id == named.name
                || lot.subscription_id.as_ref() == Some(&named.name)
        };
        self.virtual_accounts.contains(&lot.virtual_account) && self.named.as_ref().is_none_or(is_named)
    }
}

/// A set of virtual accounts, or NULL for all.
fn places(virtual_accounts: Option<&[VirtualAccountId]>) -> Value {
    virtual_accounts.map_or(Value::Set(None), Value::set)
}

impl Store {
    /// Lots of these virtual accounts, or of all; ended ones among them.
    pub async fn lots(
        &self,
        account: AccountId,
        virtual_accounts: Option<&[VirtualAccountId]>,
    ) -> Result<Vec<Lot>, StoreError> {
        read_all(&self.db.rows(&LOTS, &[Value::text(account), places(virtual_accounts)]).await?)
    }

    /// A page of the lots that fit: first those that wait for the vendor to confirm them, then what counts at `now`, what
    /// has yet to start, and what has ended, each by its end.
    pub async fn lots_listed(
        &self,
        account: AccountId,
        query: &LotQuery,
        now: Timestamp,
        page: Page,
    ) -> Result<Paged<Lot>, StoreError> {
        let which = query.values(account);
        let mut snapshot = crate::db::retried!(self.db.snapshot())?;
        let mut conn = snapshot.conn();
        let counted = conn.rows(&LOTS_COUNTED, &which).await?;
        let total = counted.first().map(|row| row.reader().count()).transpose()?.unwrap_or_default();
        let mut first: Vec<Lot> = read_all(&conn.rows(&LOTS_DECLARED, &[Value::text(account)]).await?)?;
        first.retain(|lot| lot.is_waiting() && query.fits(lot));
        let ids = Value::set(first.iter().map(|lot| lot.id));
        let passed = page.offset.min(first.len() as u64);
        let mut items: Vec<Lot> = first
            .into_iter()
            .skip(usize::try_from(passed).unwrap_or(usize::MAX))
            .take(page.limit as usize)
            .collect();
        let limit = i64::from(page.limit) - i64::try_from(items.len()).unwrap_or(i64::MAX);
        if limit > 0 {
            let (limit, offset) =
                (Value::Int(Some(limit)), Value::Int(Some(sql_count(page.offset - passed))));
            let values = [which.as_slice(), &[Value::time(now), ids, limit, offset]].concat();
            items.extend(read_all::<Lot>(&conn.rows(&LOTS_LISTED, &values).await?)?);
        }
        Ok(Paged { items, total })
    }

    /// A page of the lots that fit, in an order of their own.
    pub async fn lots_sorted(
        &self,
        account: AccountId,
        query: &LotQuery,
        (sort, descending): (LotSort, bool),
        page: Page,
    ) -> Result<Paged<Lot>, StoreError> {
        let sorted = match (sort, descending) {
            (LotSort::Order, false) => BY_ORDER,
            (LotSort::Order, true) => BY_ORDER_DOWN,
            (LotSort::Quantity, false) => BY_QUANTITY,
            (LotSort::Quantity, true) => BY_QUANTITY_DOWN,
            (LotSort::Starts, false) => BY_START,
            (LotSort::Starts, true) => BY_START_DOWN,
            (LotSort::Ends, false) => BY_END,
            (LotSort::Ends, true) => BY_END_DOWN,
        };
        let which = query.values(account);
        let mut snapshot = crate::db::retried!(self.db.snapshot())?;
        let mut conn = snapshot.conn();
        let counted = conn.rows(&LOTS_COUNTED, &which).await?;
        let total = counted.first().map(|row| row.reader().count()).transpose()?.unwrap_or_default();
        let (sql, which) =
            if query.named.is_some() { (sorted.named, &which[..]) } else { (sorted.all, &which[..2]) };
        let limits = [Value::Int(Some(i64::from(page.limit))), Value::Int(Some(sql_count(page.offset)))];
        let items = read_all(&conn.rows(&sql, &[which, &limits].concat()).await?)?;
        Ok(Paged { items, total })
    }

    /// A page of the lots that fit, licence by licence: `in_order` puts the licences into their order.
    pub async fn lots_by_license(
        &self,
        account: AccountId,
        query: &LotQuery,
        in_order: impl FnOnce(&mut Vec<(Tag, u64)>) + Send,
        page: Page,
    ) -> Result<Paged<Lot>, StoreError> {
        let which = query.values(account);
        let mut snapshot = crate::db::retried!(self.db.snapshot())?;
        let mut conn = snapshot.conn();
        let counted = match query.named {
            Some(_) => conn.rows(&LICENSES_NAMED, &which).await?,
            None => conn.rows(&LICENSES, &which[..2]).await?,
        };
        let mut licenses: Vec<(Tag, u64)> = each(&counted, |reader| Ok((reader.parsed()?, reader.count()?)))?;
        in_order(&mut licenses);
        let total = licenses.iter().map(|(_, lots)| lots).sum();
        let (mut passed, mut items) = (0, Vec::new());
        for (tag, lots) in licenses {
            let skip = page.offset.saturating_sub(passed).min(lots);
            passed += lots;
            let room = u64::from(page.limit) - items.len() as u64;
            let take = (lots - skip).min(room);
            if take > 0 {
                let section =
                    [Value::text(tag), Value::Int(Some(sql_count(take))), Value::Int(Some(sql_count(skip)))];
                let rows = conn.rows(&LOTS_OF_LICENSE, &[which.as_slice(), &section].concat()).await?;
                items.extend(read_all::<Lot>(&rows)?);
            }
        }
        Ok(Paged { items, total })
    }

    /// The lots that `chosen` names, wherever they are; newest first.
    pub async fn lots_chosen(&self, account: AccountId, chosen: &Chosen) -> Result<Vec<Lot>, StoreError> {
        let (sql, name) = match chosen {
            Chosen::Lot(id) => (&LOT, Value::text(id)),
            Chosen::Order(order) => (&LOTS_OF_ORDER, Value::text(order.trim())),
            Chosen::Subscription(subscription) => (&LOTS_OF_SUBSCRIPTION, Value::text(subscription.trim())),
        };
        read_all(&self.db.rows(sql, &[Value::text(account), name]).await?)
    }

    /// What customers declared and the vendor confirmed, rejected or has yet to decide; newest first.
    pub async fn lots_declared(&self, account: AccountId) -> Result<Vec<Lot>, StoreError> {
        read_all(&self.db.rows(&LOTS_DECLARED, &[Value::text(account)]).await?)
    }

    /// The virtual accounts of an account that hold or use licences, each with how many of them are short.
    pub async fn standings(&self, account: AccountId) -> Result<Vec<(VirtualAccountId, u64)>, StoreError> {
        let rows = self.db.rows(&STANDINGS, &[Value::text(account)]).await?;
        each(&rows, |reader| Ok((reader.parsed()?, reader.count()?)))
    }

    /// How many licences a virtual account holds or uses, and how many of them are short.
    pub async fn standing(
        &self,
        account: AccountId,
        virtual_account: VirtualAccountId,
    ) -> Result<(u64, u64), StoreError> {
        let values = [Value::text(account), Value::text(virtual_account)];
        let rows = self.db.rows(&STANDING, &values).await?;
        let found = each(&rows, |reader| Ok((reader.count()?, reader.count()?)))?;
        Ok(found.first().copied().unwrap_or_default())
    }

    /// Which of these licences each virtual account holds or uses.
    pub async fn holders(
        &self,
        account: AccountId,
        tags: &[Tag],
    ) -> Result<BTreeMap<VirtualAccountId, Vec<Tag>>, StoreError> {
        let rows = self.db.rows(&HOLDERS, &[Value::text(account), Value::set(tags)]).await?;
        let held = each(&rows, |reader| Ok((reader.parsed()?, reader.json()?)))?;
        Ok(held.into_iter().collect())
    }

    /// Totals of what is in use in these virtual accounts, or in all.
    pub async fn totals(
        &self,
        account: AccountId,
        virtual_accounts: Option<&[VirtualAccountId]>,
    ) -> Result<Vec<PoolTotal>, StoreError> {
        read_all(&self.db.rows(&TOTALS, &[Value::text(account), places(virtual_accounts)]).await?)
    }

    /// A virtual account's order and transfer history, newest first.
    pub async fn transactions(
        &self,
        account: AccountId,
        query: TransactionQuery,
        page: Page,
    ) -> Result<Paged<LotTransaction>, StoreError> {
        let mut values = vec![Value::text(account), Value::text(query.virtual_account)];
        let (items, count) = match query.tag {
            Some(tag) => {
                values.push(Value::text(tag));
                (&TRANSACTIONS_ON, &TRANSACTIONS_ON_COUNTED)
            }
            None => (&TRANSACTIONS, &TRANSACTIONS_COUNTED),
        };
        self.page(items, count, values, page, LotTransaction::read).await
    }

    /// What these instances last reported, by instance and tag.
    pub async fn usage(
        &self,
        account: AccountId,
        instances: &[ProductInstanceId],
    ) -> Result<Vec<Usage>, StoreError> {
        read_all(&self.db.rows(&USAGE, &[Value::text(account), Value::set(instances)]).await?)
    }
}
