//! What alerts are computed from: bounded sets of rows that an index gives, for conditions whose instants are handed in.

use core::ops::Range;
use std::collections::BTreeMap;

use jiff::Timestamp;
use seatpool_domain::alert::{Dismissal, InstanceCondition};
use seatpool_domain::{EventKind, Instance, Lot, PoolTotal, Token};
use seatpool_proto::{AccountId, ProductInstanceId, Tag, VirtualAccountId};

use super::{Page, each};
use crate::error::StoreError;
use crate::row::account::token_columns;
use crate::row::dismissal::dismissal_columns;
use crate::row::instance::instance_columns;
use crate::row::lot::lot_columns;
use crate::row::pool::total_columns;
use crate::sql::{Sql, Value};
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

/// The same without the set `$3` of ids.
macro_rules! but_for {
    ($head:expr, $condition:expr, $tail:expr) => {
        Sql {
            sqlite: concat!(
                "SELECT ",
                $head,
                " FROM instances WHERE account_id = $1 AND \
                 virtual_account IN (SELECT value FROM json_each($2)) AND ",
                $condition,
                " AND id NOT IN (SELECT value FROM json_each($3))",
                $tail
            ),
            postgres: concat!(
                "SELECT ",
                $head,
                " FROM instances WHERE account_id = $1 AND virtual_account = ANY($2::text[]) AND ",
                $condition,
                " AND NOT (id = ANY($3::text[]))",
                $tail
            ),
        }
    };
}

/// How instances of one condition are counted and listed; `$4` and `$5` are the bounds.
struct Conditioned {
    counted: Sql,
    listed: Sql,
}

macro_rules! conditioned {
    ($condition:expr, $order:expr) => {
        Conditioned {
            counted: but_for!(
                "virtual_account, COUNT(*)",
                $condition,
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
    "authorization_day BETWEEN CAST($4 AS BIGINT) / 86400000000 AND CAST($5 AS BIGINT) / 86400000000 \
     AND authorized_until > CAST($4 AS BIGINT) AND authorized_until <= CAST($5 AS BIGINT)",
    "authorization_day"
);
const AUTHORIZATION_ENDED: Conditioned = conditioned!(
    "registered AND NOT counted AND authorized_until > CAST($4 AS BIGINT) \
     AND authorized_until <= CAST($5 AS BIGINT)",
    "authorized_until"
);
// The plus keeps the index by registration out, which holds every instance in order, too.
const NEVER_AUTHORIZED: Conditioned = conditioned!(
    "registered AND NOT counted AND authorized_until IS NULL AND +registered_at > CAST($4 AS BIGINT) \
     AND +registered_at <= CAST($5 AS BIGINT)",
    "+registered_at"
);
const CERTIFICATE_ENDS: Conditioned = conditioned!(
    "registered AND certificate_day > CAST($4 AS BIGINT) AND certificate_day <= CAST($5 AS BIGINT)",
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
const LOTS_ENDING: Sql = in_places!(
    "SELECT ", lot_columns!(), " FROM lots WHERE account_id = $1 AND ends_at > $3 AND ends_at <= $4 AND ";
    " ORDER BY ends_at, id"
);
const LOTS_ALIKE: Sql = in_places!(
    "SELECT virtual_account, tag, subscription_id, MAX(id) FROM lots \
     WHERE account_id = $1 AND subscription_id IS NOT NULL AND ends_at > $3 AND ";
    " GROUP BY virtual_account, subscription_id, tag, quantity, starts_at, ends_at \
     HAVING COUNT(DISTINCT order_id) > 1 ORDER BY virtual_account, subscription_id, tag"
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
    ("lots_in_place_by_end", LOTS_ENDING),
    ("lots_alike", LOTS_ALIKE),
    ("tokens_in_place_by_end", TOKENS_ENDING),
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

impl Store {
    /// How many registered instances of each of these virtual accounts meet a condition, without `excluded` ones.
    /// Bounds are exclusive at their start and inclusive at their end.
    pub async fn instances_counted(
        &self,
        account: AccountId,
        places: &[VirtualAccountId],
        condition: &InstanceCondition,
        excluded: &[ProductInstanceId],
    ) -> Result<BTreeMap<VirtualAccountId, u64>, StoreError> {
        let (sql, after, until) = conditioned(condition);
        let values = [
            Value::text(account),
            Value::set(places),
            Value::set(excluded),
            Value::Int(Some(after)),
            Value::Int(Some(until)),
        ];
        let rows = self.db.rows(&sql.counted, &values).await?;
        let pair = |row: &crate::sql::Row| {
            let mut reader = row.reader();
            Ok((reader.parsed()?, reader.count()?))
        };
        rows.iter().map(pair).collect()
    }

    /// Those instances, by virtual account.
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
            Value::set(excluded),
            Value::Int(Some(after)),
            Value::Int(Some(until)),
            Value::Int(Some(i64::from(page.limit))),
            Value::Int(Some(i64::try_from(page.offset).unwrap_or(i64::MAX))),
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

    /// The lots of these virtual accounts that end after `ends.start`, and at `ends.end` at the latest.
    pub async fn lots_ending(
        &self,
        account: AccountId,
        places: &[VirtualAccountId],
        ends: Range<Timestamp>,
    ) -> Result<Vec<Lot>, StoreError> {
        let values =
            [Value::text(account), Value::set(places), Value::time(ends.start), Value::time(ends.end)];
        read_all(&self.db.rows(&LOTS_ENDING, &values).await?)
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
