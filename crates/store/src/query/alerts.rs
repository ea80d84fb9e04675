//! What alerts are computed from: bounded sets of rows that an index gives, for conditions whose instants are handed in.

use core::ops::Range;
use std::collections::BTreeMap;

use jiff::Timestamp;
use seatpool_domain::alert::{Dismissal, Ending, InstanceCondition};
use seatpool_domain::{EventKind, Instance, PoolTotal, Token};
use seatpool_proto::{AccountId, ProductInstanceId, Tag, VirtualAccountId};

use super::{Page, each};
use crate::error::StoreError;
use crate::row::account::token_columns;
use crate::row::dismissal::dismissal_columns;
use crate::row::instance::instance_columns;
use crate::row::pool::total_columns;
use crate::sql::{Reader, Sql, Value, count};
use crate::store::Store;
use crate::table::read_all;

/// A statement in which `{places}` stands for the set `$2` of virtual accounts.
macro_rules! in_places {
    ($($text:expr),* ; $($tail:expr),*) => {
        Sql {
            sqlite: concat!(
                $($text,)* "virtual_account IN (SELECT value FROM json_each($2))" $(, $tail)*
            ),
            postgres: concat!($($text,)* "virtual_account = ANY($2::text[])" $(, $tail)*),
        }
    };
}

/// The same without the set `$5` of ids.
macro_rules! but_for {
    ($head:expr, $condition:expr, $tail:expr) => {
        Sql {
            sqlite: concat!(
                "SELECT ",
                $head,
                " FROM instances WHERE account_id = $1 AND \
                 virtual_account IN (SELECT value FROM json_each($2)) AND ",
                $condition,
                " AND id NOT IN (SELECT value FROM json_each($5))",
                $tail
            ),
            postgres: concat!(
                "SELECT ",
                $head,
                " FROM instances WHERE account_id = $1 AND virtual_account = ANY($2::text[]) AND ",
                $condition,
                " AND NOT (id = ANY($5::text[]))",
                $tail
            ),
        }
    };
}

/// What ends after `$3` and until `$4` in the places `$2`, one row for all lots of a licence that end at the same
/// instant.
macro_rules! endings {
    ($head:expr, $sqlite:expr, $postgres:expr, $tail:expr) => {
        Sql {
            sqlite: concat!(
                $head,
                " FROM lots WHERE account_id = $1 AND virtual_account IN (SELECT value FROM json_each($2)) \
                 AND ends_at > $3 AND ends_at <= $4 AND quantity > 0 \
                 AND (declaration IS NULL OR json_extract(declaration, '$.state') <> 'rejected')",
                $sqlite,
                " GROUP BY virtual_account, ends_at, tag",
                $tail
            ),
            postgres: concat!(
                $head,
                " FROM lots WHERE account_id = $1 AND virtual_account = ANY($2::text[]) \
                 AND ends_at > $3 AND ends_at <= $4 AND quantity > 0 \
                 AND (declaration IS NULL OR declaration::json ->> 'state' <> 'rejected')",
                $postgres,
                " GROUP BY virtual_account, ends_at, tag",
                $tail
            ),
        }
    };
}

/// How instances of one condition are counted and listed; `$3` and `$4` are the bounds.
struct Conditioned {
    counted: Sql,
    listed: Sql,
}

macro_rules! conditioned {
    ($condition:expr, $order:expr) => {
        Conditioned {
            counted: in_places!(
                "SELECT virtual_account, COUNT(*) FROM instances WHERE account_id = $1 AND ", $condition, " AND ";
                " GROUP BY virtual_account ORDER BY virtual_account"
            ),
            listed: but_for!(
                instance_columns!(),
                $condition,
                concat!(" ORDER BY virtual_account, ", $order, ", id LIMIT $6 OFFSET $7")
            ),
        }
    };
}

// Days are counted from the Unix epoch; a day has 86,400 million microseconds.
const AUTHORIZATION_ENDS: Conditioned = conditioned!(
    "authorization_day BETWEEN CAST($3 AS BIGINT) / 86400000000 AND CAST($4 AS BIGINT) / 86400000000 \
     AND authorized_until > CAST($3 AS BIGINT) AND authorized_until <= CAST($4 AS BIGINT)",
    "authorization_day"
);
const AUTHORIZATION_ENDED: Conditioned = conditioned!(
    "registered AND NOT counted AND authorized_until > CAST($3 AS BIGINT) \
     AND authorized_until <= CAST($4 AS BIGINT)",
    "authorized_until"
);
// The plus keeps the index by registration out, which holds every instance in order, too.
const NEVER_AUTHORIZED: Conditioned = conditioned!(
    "registered AND NOT counted AND authorized_until IS NULL AND +registered_at > CAST($3 AS BIGINT) \
     AND +registered_at <= CAST($4 AS BIGINT)",
    "+registered_at"
);
const CERTIFICATE_ENDS: Conditioned = conditioned!(
    "registered AND certificate_day > CAST($3 AS BIGINT) AND certificate_day <= CAST($4 AS BIGINT)",
    "certificate_day"
);
// Named, since SQLite would rather read the whole table by its key: it does not know that few are short.
const SHORT: Sql = Sql {
    sqlite: concat!(
        "SELECT ",
        total_columns!(),
        " FROM pool_totals INDEXED BY pool_totals_short WHERE account_id = $1 AND short > 0 AND \
         virtual_account IN (SELECT value FROM json_each($2)) ORDER BY virtual_account, tag"
    ),
    postgres: concat!(
        "SELECT ",
        total_columns!(),
        " FROM pool_totals WHERE account_id = $1 AND short > 0 AND virtual_account = ANY($2::text[]) \
         ORDER BY virtual_account, tag"
    ),
};
const ENDINGS_COUNTED: Sql = endings!(
    "SELECT virtual_account, COUNT(*) FROM (SELECT virtual_account",
    "",
    "",
    ") AS ending GROUP BY virtual_account"
);
// `$5` are names of those that are left out.
const ENDINGS_LISTED: Sql = endings!(
    "SELECT virtual_account, tag, ends_at, CAST(SUM(quantity) AS BIGINT)",
    " AND virtual_account || ':' || tag || '@' || ends_at NOT IN (SELECT value FROM json_each($5))",
    " AND virtual_account || ':' || tag || '@' || ends_at <> ALL($5::text[])",
    " ORDER BY ends_at, virtual_account, tag LIMIT $6 OFFSET $7"
);
// `$5` are names of those that are looked for.
const ENDINGS_NAMED: Sql = endings!(
    "SELECT virtual_account, tag, ends_at, CAST(SUM(quantity) AS BIGINT)",
    " AND virtual_account || ':' || tag || '@' || ends_at IN (SELECT value FROM json_each($5))",
    " AND virtual_account || ':' || tag || '@' || ends_at = ANY($5::text[])",
    " ORDER BY ends_at, virtual_account, tag"
);
// Groups come from the index alone; the latest lot is looked up for those that are found.
const LOTS_ALIKE: Sql = in_places!(
    "SELECT virtual_account, tag, subscription_id, \
     (SELECT MAX(id) FROM lots WHERE account_id = $1 AND virtual_account = found.virtual_account \
      AND subscription_id = found.subscription_id AND tag = found.tag AND quantity = found.quantity \
      AND starts_at = found.starts_at AND ends_at = found.ends_at) \
     FROM (SELECT virtual_account, subscription_id, tag, quantity, starts_at, ends_at FROM lots \
     WHERE account_id = $1 AND subscription_id IS NOT NULL AND ends_at > $3 AND ";
    " GROUP BY virtual_account, subscription_id, tag, quantity, starts_at, ends_at \
     HAVING MIN(order_id) <> MAX(order_id)) AS found ORDER BY virtual_account, subscription_id, tag"
);
const TOKENS_ENDING: Sql = in_places!(
    "SELECT ", token_columns!(), " FROM tokens WHERE account_id = $1 AND revoked_at IS NULL AND expires_at > $3 \
     AND expires_at <= $4 AND (uses_max IS NULL OR uses < uses_max) AND ";
    " ORDER BY virtual_account, expires_at, id"
);
const EVENTS: Sql = Sql::both(
    "SELECT instance, kind, MAX(at), MAX(number) FROM events \
     WHERE account_id = $1 AND kind IN ('instance_cloned', 'instance_forced') AND at > $2 AND instance IS NOT NULL \
     GROUP BY instance, kind",
);
const INSTANCES_BY_ID: Sql = Sql {
    sqlite: concat!(
        "SELECT ",
        instance_columns!(),
        " FROM instances WHERE account_id = $1 AND id IN (SELECT value FROM json_each($2)) AND registered"
    ),
    postgres: concat!(
        "SELECT ",
        instance_columns!(),
        " FROM instances WHERE account_id = $1 AND id = ANY($2::text[]) AND registered"
    ),
};
const DISMISSALS: Sql = in_places!(
    "SELECT ", dismissal_columns!(), " FROM alert_dismissals WHERE account_id = $1 AND ";
    " ORDER BY dismissed_at DESC, key"
);

/// The statements that an index must serve, each with that index.
#[cfg(feature = "testing")]
pub(crate) const INDEXED: &[(&str, Sql)] = &[
    ("instances_in_place_by_authorization_day", AUTHORIZATION_ENDS.counted),
    ("instances_in_place_by_authorization_day", AUTHORIZATION_ENDS.listed),
    ("instances_uncounted", AUTHORIZATION_ENDED.counted),
    ("instances_uncounted", AUTHORIZATION_ENDED.listed),
    ("instances_uncounted", NEVER_AUTHORIZED.counted),
    ("instances_uncounted", NEVER_AUTHORIZED.listed),
    ("instances_in_place_by_certificate_day", CERTIFICATE_ENDS.counted),
    ("instances_in_place_by_certificate_day", CERTIFICATE_ENDS.listed),
    ("pool_totals_short", SHORT),
    ("covering lots_in_place_by_end", ENDINGS_COUNTED),
    ("covering lots_in_place_by_end", ENDINGS_LISTED),
    ("lots_in_place_by_end", ENDINGS_NAMED),
    ("lots_alike", LOTS_ALIKE),
    ("tokens_in_place_by_expiry", TOKENS_ENDING),
    ("events_that_alert", EVENTS),
];
/// Every other statement of this module.
#[cfg(feature = "testing")]
pub(crate) const ALL: &[Sql] = &[INSTANCES_BY_ID, DISMISSALS];

/// Deposits that look like one deposited twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alike {
    /// Where.
    pub virtual_account: VirtualAccountId,
    /// The licence.
    pub tag: Tag,
    /// The subscription that both belong to.
    pub subscription_id: String,
    /// The latest of the lots.
    pub lot: seatpool_proto::LotId,
}

/// The newest event of a kind about an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noticed {
    /// The instance.
    pub instance: ProductInstanceId,
    /// What.
    pub kind: EventKind,
    /// When.
    pub at: Timestamp,
    /// The event's number.
    pub number: u64,
}

/// The statements and bounds of a condition.
fn conditioned(condition: &InstanceCondition) -> (&'static Conditioned, i64, i64) {
    let instants = |range: &Range<Timestamp>| (range.start.as_microsecond(), range.end.as_microsecond());
    match condition {
        InstanceCondition::AuthorizationEnds(range) => {
            let (after, until) = instants(range);
            (&AUTHORIZATION_ENDS, after, until)
        }
        InstanceCondition::AuthorizationEnded(range) => {
            let (after, until) = instants(range);
            (&AUTHORIZATION_ENDED, after, until)
        }
        InstanceCondition::NeverAuthorized(range) => {
            let (after, until) = instants(range);
            (&NEVER_AUTHORIZED, after, until)
        }
        InstanceCondition::CertificateEnds(days) => (&CERTIFICATE_ENDS, days.start, days.end),
    }
}

/// Account, places, start, end, names.
fn of_range(
    account: AccountId,
    places: &[VirtualAccountId],
    ends: &Range<Timestamp>,
    names: &[String],
) -> [Value; 5] {
    let (start, end) = (Value::time(ends.start), Value::time(ends.end));
    [Value::text(account), Value::set(places), start, end, Value::set(names)]
}

fn ending(reader: &mut Reader<'_>) -> Result<Ending, StoreError> {
    Ok(Ending {
        virtual_account: reader.parsed()?,
        tag: reader.parsed()?,
        at: reader.time()?,
        quantity: reader.quantity()?,
    })
}

impl Store {
    /// How many registered instances of each of these virtual accounts meet a condition. Bounds are exclusive at their
    /// start and inclusive at their end.
    pub async fn instances_counted(
        &self,
        account: AccountId,
        places: &[VirtualAccountId],
        condition: &InstanceCondition,
    ) -> Result<BTreeMap<VirtualAccountId, u64>, StoreError> {
        let (sql, after, until) = conditioned(condition);
        let bounds = [Value::Int(Some(after)), Value::Int(Some(until))];
        self.counted_by_place(&sql.counted, account, places, bounds).await
    }

    /// What a statement counts, by virtual account.
    async fn counted_by_place(
        &self,
        sql: &Sql,
        account: AccountId,
        places: &[VirtualAccountId],
        [after, until]: [Value; 2],
    ) -> Result<BTreeMap<VirtualAccountId, u64>, StoreError> {
        let values = [Value::text(account), Value::set(places), after, until];
        let counts =
            each(&self.db.rows(sql, &values).await?, |reader| Ok((reader.parsed()?, reader.count()?)));
        Ok(counts?.into_iter().collect())
    }

    /// A page of those instances without `excluded` ones, by virtual account.
    pub async fn instances_of(
        &self,
        account: AccountId,
        places: &[VirtualAccountId],
        condition: &InstanceCondition,
        excluded: &[ProductInstanceId],
        page: Page,
    ) -> Result<Vec<Instance>, StoreError> {
        let (sql, after, until) = conditioned(condition);
        let values = [
            Value::text(account),
            Value::set(places),
            Value::Int(Some(after)),
            Value::Int(Some(until)),
            Value::set(excluded),
            Value::Int(Some(i64::from(page.limit))),
            Value::Int(Some(count(page.offset))),
        ];
        read_all(&self.db.rows(&sql.listed, &values).await?)
    }

    /// The registered ones of these instances.
    pub async fn instances_by_id(
        &self,
        account: AccountId,
        ids: &[ProductInstanceId],
    ) -> Result<Vec<Instance>, StoreError> {
        read_all(&self.db.rows(&INSTANCES_BY_ID, &[Value::text(account), Value::set(ids)]).await?)
    }

    /// The totals of these virtual accounts that are short.
    pub async fn short_totals(
        &self,
        account: AccountId,
        places: &[VirtualAccountId],
    ) -> Result<Vec<PoolTotal>, StoreError> {
        read_all(&self.db.rows(&SHORT, &[Value::text(account), Value::set(places)]).await?)
    }

    /// How much ends after `ends.start`, and at `ends.end` at the latest, in each of these virtual accounts.
    pub async fn endings_counted(
        &self,
        account: AccountId,
        places: &[VirtualAccountId],
        ends: &Range<Timestamp>,
    ) -> Result<BTreeMap<VirtualAccountId, u64>, StoreError> {
        let bounds = [Value::time(ends.start), Value::time(ends.end)];
        self.counted_by_place(&ENDINGS_COUNTED, account, places, bounds).await
    }

    /// A page of the same, what ends first at its beginning; without those whose [name](Ending::name) is excluded.
    pub async fn endings(
        &self,
        account: AccountId,
        places: &[VirtualAccountId],
        ends: &Range<Timestamp>,
        excluded: &[String],
        page: Page,
    ) -> Result<Vec<Ending>, StoreError> {
        let limits = [Value::Int(Some(i64::from(page.limit))), Value::Int(Some(count(page.offset)))];
        let values = [of_range(account, places, ends, excluded).as_slice(), &limits].concat();
        each(&self.db.rows(&ENDINGS_LISTED, &values).await?, ending)
    }

    /// Those of the same that have these [names](Ending::name).
    pub async fn endings_named(
        &self,
        account: AccountId,
        places: &[VirtualAccountId],
        ends: &Range<Timestamp>,
        names: &[String],
    ) -> Result<Vec<Ending>, StoreError> {
        each(&self.db.rows(&ENDINGS_NAMED, &of_range(account, places, ends, names)).await?, ending)
    }

    /// Lots that agree in virtual account, subscription, licence, quantity and term, and came by different orders;
    /// only such as end after `after`.
    pub async fn lots_alike(
        &self,
        account: AccountId,
        places: &[VirtualAccountId],
        after: Timestamp,
    ) -> Result<Vec<Alike>, StoreError> {
        let values = [Value::text(account), Value::set(places), Value::time(after)];
        each(&self.db.rows(&LOTS_ALIKE, &values).await?, |reader| {
            Ok(Alike {
                virtual_account: reader.parsed()?,
                tag: reader.parsed()?,
                subscription_id: reader.text()?,
                lot: reader.parsed()?,
            })
        })
    }

    /// The tokens of these virtual accounts that can be used and expire after `expires.start`, and at
    /// `expires.end` at the latest.
    pub async fn tokens_expiring(
        &self,
        account: AccountId,
        places: &[VirtualAccountId],
        expires: Range<Timestamp>,
    ) -> Result<Vec<Token>, StoreError> {
        let values =
            [Value::text(account), Value::set(places), Value::time(expires.start), Value::time(expires.end)];
        read_all(&self.db.rows(&TOKENS_ENDING, &values).await?)
    }

    /// The newest clone and forced registration of each instance after `after`.
    pub async fn noticed(&self, account: AccountId, after: Timestamp) -> Result<Vec<Noticed>, StoreError> {
        let rows = self.db.rows(&EVENTS, &[Value::text(account), Value::time(after)]).await?;
        each(&rows, |reader| {
            Ok(Noticed {
                instance: reader.parsed()?,
                kind: reader.word()?,
                at: reader.time()?,
                number: reader.count()?,
            })
        })
    }

    /// Which alerts of these virtual accounts were dismissed, latest first.
    pub async fn dismissals(
        &self,
        account: AccountId,
        places: &[VirtualAccountId],
    ) -> Result<Vec<Dismissal>, StoreError> {
        read_all(&self.db.rows(&DISMISSALS, &[Value::text(account), Value::set(places)]).await?)
    }
}
