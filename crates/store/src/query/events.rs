//! The event log, newest or oldest first.
//!
//! Each filter has an index, and each index ends with the columns of the filters that come after its own (migration
//! 0012): a list is counted without a look at its rows, whatever is combined. What a text or several product instances
//! leave is looked for once.

use jiff::Timestamp;
use seatpool_domain::{Event, EventKind};
use seatpool_proto::{AccountId, ProductInstanceId, Tag, VirtualAccountId};

use super::{Page, Paged, each};
use crate::error::StoreError;
use crate::row::event::event_columns;
use crate::sql::{Sql, Value, count, statements};
use crate::store::Store;
use crate::table::Stored as _;

/// The rows of account `$1` within a span of time that fit where, licence, kind and who, as far as these are given.
/// `$index` serves `$scope`; PostgreSQL chooses by itself.
macro_rules! matching {
    (sqlite, $index:literal, $scope:expr) => {
        concat!(" FROM events INDEXED BY ", $index, matching!($scope))
    };
    (postgres, $index:literal, $scope:expr) => {
        concat!(" FROM events", matching!($scope))
    };
    ($scope:expr) => {
        concat!(
            " WHERE account_id = $1 AND ",
            $scope,
            " AND at >= $6 AND at < $7 \
             AND (CAST($2 AS TEXT) IS NULL OR virtual_account = $2) \
             AND (CAST($3 AS TEXT) IS NULL OR tag = $3) \
             AND (CAST($4 AS TEXT) IS NULL OR kind = $4) \
             AND (CAST($5 AS TEXT) IS NULL OR coalesce(actor_name, 'system') = $5)"
        )
    };
}

/// One text for each engine of what is selected and how it ends.
macro_rules! both {
    ($head:expr, $index:literal, $sqlite:expr, $postgres:expr, $tail:expr) => {
        Sql {
            sqlite: concat!("SELECT ", $head, matching!(sqlite, $index, $sqlite), $tail),
            postgres: concat!("SELECT ", $head, matching!(postgres, $index, $postgres), $tail),
        }
    };
}

/// What is said, as the index by text holds it.
macro_rules! says {
    () => {
        "lower(message || ' ' || coalesce(actor_name, 'system') || ' ' || coalesce(source, ''))"
    };
}

/// What says `$2`, whatever else it is: as one types, nothing but the text is looked at.
macro_rules! alone {
    ($head:expr, $tail:expr) => {
        Sql {
            sqlite: concat!(
                "SELECT ",
                $head,
                " FROM events INDEXED BY events_by_words WHERE account_id = $1 AND instr(",
                says!(),
                ", $2) > 0",
                $tail
            ),
            postgres: concat!(
                "SELECT ",
                $head,
                " FROM events WHERE account_id = $1 AND strpos(",
                says!(),
                ", $2) > 0",
                $tail
            ),
        }
    };
}

/// How a list is counted, and listed from either end.
#[derive(Clone, Copy)]
struct Listed {
    counted: Sql,
    newest: Sql,
    oldest: Sql,
}

/// How a list is read from either end.
#[derive(Clone, Copy)]
struct Ways {
    newest: Sql,
    oldest: Sql,
}

/// A list by one filter.
macro_rules! listed {
    ($index:literal, $scope:expr) => {
        listed!($index, $scope, $scope, "number", " LIMIT $8 OFFSET $9")
    };
    ($index:literal, $sqlite:expr, $postgres:expr, $limit:literal) => {
        listed!($index, $sqlite, $postgres, "number", $limit)
    };
    ($index:literal, $sqlite:expr, $postgres:expr, "number", $limit:literal) => {
        Listed {
            counted: both!("COUNT(*)", $index, $sqlite, $postgres, ""),
            newest: both!(
                event_columns!(),
                $index,
                $sqlite,
                $postgres,
                concat!(" ORDER BY number DESC", $limit)
            ),
            oldest: both!(event_columns!(), $index, $sqlite, $postgres, concat!(" ORDER BY number", $limit)),
        }
    };
}

const OF_KIND: Listed = listed!("events_by_kind", "kind = $4");
const BY: Listed = listed!("events_by_actor", "coalesce(actor_name, 'system') = $5");
const IN: Listed = listed!("events_by_virtual_account", "virtual_account = $2");
const ON: Listed = listed!("events_by_tag", "tag = $3");
/// Of a span of time alone, by time: a clock that was set back shows.
const WITHIN: Listed = Listed {
    counted: both!("COUNT(*)", "events_by_time", "TRUE", "TRUE", ""),
    newest: both!(
        event_columns!(),
        "events_by_time",
        "TRUE",
        "TRUE",
        " ORDER BY at DESC, number DESC LIMIT $8 OFFSET $9"
    ),
    oldest: both!(
        event_columns!(),
        "events_by_time",
        "TRUE",
        "TRUE",
        " ORDER BY at, number LIMIT $8 OFFSET $9"
    ),
};
/// Of one product instance `$8`, that say `$9`.
const OF: Listed = listed!(
    "events_by_instance",
    concat!("instance = $8 AND (CAST($9 AS TEXT) IS NULL OR instr(", says!(), ", $9) > 0)"),
    concat!("instance = $8 AND (CAST($9 AS TEXT) IS NULL OR strpos(", says!(), ", $9) > 0)"),
    " LIMIT $10 OFFSET $11"
);
/// That say `$8`.
const SAYING: Ways = Ways {
    newest: both!(
        event_columns!(),
        "events_by_text",
        concat!("instr(", says!(), ", $8) > 0"),
        concat!("strpos(", says!(), ", $8) > 0"),
        " ORDER BY number DESC LIMIT $9 OFFSET $10"
    ),
    oldest: both!(
        event_columns!(),
        "events_by_text",
        concat!("instr(", says!(), ", $8) > 0"),
        concat!("strpos(", says!(), ", $8) > 0"),
        " ORDER BY number LIMIT $9 OFFSET $10"
    ),
};

/// The same without another filter.
const SAYING_ALONE: Ways = Ways {
    newest: alone!(event_columns!(), " ORDER BY number DESC LIMIT $3 OFFSET $4"),
    oldest: alone!(event_columns!(), " ORDER BY number LIMIT $3 OFFSET $4"),
};

/// Who is called `$2`, whatever the case, or has the serial number `$3`, with events in `$4`.
macro_rules! called {
    ($registered:literal, $gone:literal, $serial:literal, $events:literal) => {
        concat!(
            "SELECT id FROM (SELECT id FROM instances",
            $registered,
            " WHERE account_id = $1 AND registered AND sort_name = $2 UNION SELECT id FROM instances",
            $gone,
            " WHERE account_id = $1 AND NOT registered AND sort_name = $2 UNION SELECT id FROM instances",
            $serial,
            " WHERE account_id = $1 AND udi_sn = $3) AS called \
             WHERE CAST($4 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM events",
            $events,
            " WHERE account_id = $1 AND instance = called.id AND virtual_account = $4) ORDER BY id DESC LIMIT $5"
        )
    };
}

statements! {
    ALL_EVENTS = Sql::both(concat!(
        "SELECT ", event_columns!(), " FROM events WHERE account_id = $1 ORDER BY number DESC LIMIT $2 OFFSET $3"
    ));
    ALL_EVENTS_UP = Sql::both(concat!(
        "SELECT ", event_columns!(), " FROM events WHERE account_id = $1 ORDER BY number LIMIT $2 OFFSET $3"
    ));
    // Numbers have no gaps.
    ALL_EVENTS_COUNTED = Sql::both("SELECT next_event - 1 FROM accounts WHERE id = $1");
    // The numbers of those that say $8, the newest first.
    EVENTS_FOUND = both!(
        "number", "events_by_text",
        concat!("instr(", says!(), ", $8) > 0"), concat!("strpos(", says!(), ", $8) > 0"),
        " ORDER BY number DESC LIMIT $9"
    );
    // The same without another filter.
    EVENTS_FOUND_ALONE = alone!("number", " ORDER BY number DESC LIMIT $3");
    // How many more there are before the last that was named.
    EVENTS_BEHIND = both!(
        "COUNT(*)", "events_by_text",
        concat!("instr(", says!(), ", $8) > 0"), concat!("strpos(", says!(), ", $8) > 0"),
        " AND number < $9"
    );
    EVENTS_BEHIND_ALONE = alone!("COUNT(*)", " AND number < $3");
    // The numbers of those of the product instances $8 that say $9, the newest first.
    EVENTS_OF_SEVERAL = both!(
        "number", "events_by_instance",
        concat!(
            "instance IN (SELECT value FROM json_each($8)) AND (CAST($9 AS TEXT) IS NULL OR instr(", says!(), ", $9) > 0)"
        ),
        concat!("instance = ANY($8::text[]) AND (CAST($9 AS TEXT) IS NULL OR strpos(", says!(), ", $9) > 0)"),
        " ORDER BY number DESC"
    );
    EVENTS_NUMBERED = Sql {
        sqlite: concat!(
            "SELECT ", event_columns!(),
            " FROM events INDEXED BY sqlite_autoindex_events_1 WHERE account_id = $1 AND \
             number IN (SELECT value FROM json_each($2)) ORDER BY number DESC"
        ),
        postgres: concat!(
            "SELECT ", event_columns!(),
            " FROM events WHERE account_id = $1 AND number = ANY($2::text[]::bigint[]) ORDER BY number DESC"
        ),
    };
    // Registered, pending or gone.
    INSTANCES_CALLED = Sql {
        sqlite: called!(
            " INDEXED BY instances_by_name", " INDEXED BY instances_gone_by_name", " INDEXED BY instances_by_serial",
            " INDEXED BY events_by_instance"
        ),
        postgres: called!("", "", "", ""),
    };
    // Whom the log once called $2, as labels in messages do: looked for as it stands, then as a whole word.
    INSTANCES_ONCE_CALLED = Sql {
        sqlite: concat!(
            "SELECT DISTINCT instance FROM events INDEXED BY sqlite_autoindex_events_1 WHERE account_id = $1 AND number IN (\
             SELECT number FROM events INDEXED BY events_by_words WHERE account_id = $1 AND instr(", says!(), ", $2 || ' (pid ') > 0 \
             AND instr(' ' || ", says!(), ", ' ' || $2 || ' (pid ') > 0 \
             AND (CAST($3 AS TEXT) IS NULL OR virtual_account = $3) \
             ORDER BY number DESC LIMIT $4) AND instance IS NOT NULL"
        ),
        postgres: concat!(
            "SELECT DISTINCT instance FROM events WHERE account_id = $1 AND number IN (SELECT number FROM events \
             WHERE account_id = $1 AND strpos(' ' || ", says!(), ", ' ' || CAST($2 AS TEXT) || ' (pid ') > 0 \
             AND (CAST($3 AS TEXT) IS NULL OR virtual_account = $3) \
             ORDER BY number DESC LIMIT $4) AND instance IS NOT NULL"
        ),
    };
}

/// The statements by which lists are read, each with what its plan on SQLite must hold.
#[cfg(feature = "testing")]
pub(crate) const LISTS: &[(&str, Sql)] = &[
    ("SEARCH events USING INDEX sqlite_autoindex_events_1", ALL_EVENTS),
    ("SEARCH events USING INDEX sqlite_autoindex_events_1", ALL_EVENTS_UP),
    ("SEARCH accounts USING INDEX", ALL_EVENTS_COUNTED),
    ("SEARCH events USING COVERING INDEX events_by_kind (account_id=? AND kind=?)", OF_KIND.counted),
    ("SEARCH events USING INDEX events_by_kind (account_id=? AND kind=?)", OF_KIND.newest),
    ("SEARCH events USING INDEX events_by_kind (account_id=? AND kind=?)", OF_KIND.oldest),
    ("SEARCH events USING INDEX events_by_actor (account_id=? AND <expr>=?)", BY.counted),
    ("SEARCH events USING INDEX events_by_actor (account_id=? AND <expr>=?)", BY.newest),
    ("SEARCH events USING INDEX events_by_actor (account_id=? AND <expr>=?)", BY.oldest),
    ("SEARCH events USING INDEX events_by_virtual_account (account_id=? AND virtual_account=?)", IN.newest),
    ("SEARCH events USING INDEX events_by_virtual_account (account_id=? AND virtual_account=?)", IN.oldest),
    ("SEARCH events USING INDEX events_by_virtual_account (account_id=? AND virtual_account=?)", IN.counted),
    ("SEARCH events USING INDEX events_by_tag (account_id=? AND tag=?)", ON.newest),
    ("SEARCH events USING INDEX events_by_tag (account_id=? AND tag=?)", ON.oldest),
    ("SEARCH events USING INDEX events_by_tag (account_id=? AND tag=?)", ON.counted),
    ("SEARCH events USING INDEX events_by_time (account_id=? AND at>? AND at<?)", WITHIN.newest),
    ("SEARCH events USING INDEX events_by_time (account_id=? AND at>? AND at<?)", WITHIN.oldest),
    ("SEARCH events USING INDEX events_by_time (account_id=? AND at>? AND at<?)", WITHIN.counted),
    ("SEARCH events USING INDEX events_by_instance (account_id=? AND instance=?)", OF.newest),
    ("SEARCH events USING INDEX events_by_instance (account_id=? AND instance=?)", OF.oldest),
    ("SEARCH events USING INDEX events_by_instance (account_id=? AND instance=?)", OF.counted),
    ("SEARCH events USING INDEX events_by_text", SAYING.newest),
    ("SEARCH events USING INDEX events_by_text", SAYING.oldest),
    ("SEARCH events USING COVERING INDEX events_by_text", EVENTS_FOUND),
    ("SEARCH events USING INDEX events_by_words", SAYING_ALONE.newest),
    ("SEARCH events USING INDEX events_by_words", SAYING_ALONE.oldest),
    ("SEARCH events USING COVERING INDEX events_by_words", EVENTS_FOUND_ALONE),
    ("SEARCH events USING COVERING INDEX events_by_text (account_id=? AND number<?)", EVENTS_BEHIND),
    ("SEARCH events USING COVERING INDEX events_by_words (account_id=? AND number<?)", EVENTS_BEHIND_ALONE),
    ("SEARCH events USING INDEX sqlite_autoindex_events_1", EVENTS_NUMBERED),
    ("instances_by_name (account_id=? AND sort_name=?)", INSTANCES_CALLED),
    ("instances_gone_by_name (account_id=? AND sort_name=?)", INSTANCES_CALLED),
    ("instances_by_serial (account_id=? AND udi_sn=?)", INSTANCES_CALLED),
    ("SEARCH events USING INDEX events_by_instance (account_id=? AND instance=?)", INSTANCES_CALLED),
    ("SEARCH events USING INDEX sqlite_autoindex_events_1", INSTANCES_ONCE_CALLED),
    ("SEARCH events USING INDEX events_by_words", INSTANCES_ONCE_CALLED),
];

/// Which events to list; what is absent does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventQuery {
    /// Where.
    pub virtual_account: Option<VirtualAccountId>,
    /// Which licence.
    pub tag: Option<Tag>,
    /// Of any of these product instances; of all, if none is given.
    pub instances: Vec<ProductInstanceId>,
    /// What.
    pub kind: Option<EventKind>,
    /// Part of the message, of who, or of from where; without regard to the case of ASCII letters.
    pub text: Option<String>,
    /// By whom: a sign-in name, a client id, an instance id or `system`.
    pub actor: Option<String>,
    /// Not before this instant.
    pub since: Option<Timestamp>,
    /// Before this instant.
    pub until: Option<Timestamp>,
    /// The oldest first, in place of the newest.
    pub oldest_first: bool,
}

impl EventQuery {
    /// Whether such a list is sorted by time: that of a span alone. All others are by number.
    pub fn is_by_time(&self) -> bool {
        let alone = self.instances.is_empty()
            && self.text.is_none()
            && self.kind.is_none()
            && self.actor.is_none()
            && self.virtual_account.is_none()
            && self.tag.is_none();
        alone && (self.since.is_some() || self.until.is_some())
    }

    fn is_text_alone(&self) -> bool {
        let Self { text, oldest_first, .. } = self;
        *self == Self { text: text.clone(), oldest_first: *oldest_first, ..Self::default() }
    }

    /// Account, where, licence, kind, who, and from when to when.
    fn values(&self, account: AccountId) -> Vec<Value> {
        let instant =
            |at: Option<Timestamp>, none: i64| Value::Int(Some(at.map_or(none, Timestamp::as_microsecond)));
        vec![
            Value::text(account),
            Value::maybe(self.virtual_account),
            Value::maybe(self.tag.as_ref()),
            Value::maybe(self.kind.map(EventKind::as_str)),
            Value::maybe(self.actor.as_ref()),
            instant(self.since, i64::MIN),
            instant(self.until, i64::MAX),
        ]
    }
}

impl Listed {
    fn items(self, query: &EventQuery) -> Sql {
        if query.oldest_first { self.oldest } else { self.newest }
    }
}

/// How many events a search names before it is not worth while: then they are counted, and listed as far as the page.
const FOUND_MAX: u64 = 2_000;
/// How many product instances one name can mean.
const CALLED_MAX: u64 = 100;

impl Store {
    /// An account's events, newest first unless the query says otherwise; of a span of time alone, by time.
    pub async fn events(
        &self,
        account: AccountId,
        query: EventQuery,
        page: Page,
    ) -> Result<Paged<Event>, StoreError> {
        let text = query.text.as_ref().map(|text| text.to_ascii_lowercase());
        let mut values = query.values(account);
        let listed = match (query.instances.as_slice(), text) {
            ([instance], text) => {
                values.extend([Value::text(instance), Value::maybe(text)]);
                OF
            }
            ([_, ..], text) => {
                values.extend([Value::set(&query.instances), Value::maybe(text)]);
                let numbers = self.numbers(&EVENTS_OF_SEVERAL, &values).await?;
                return self.numbered(account, &query, numbers, page).await;
            }
            ([], Some(text)) => {
                let (found, behind, ways) = if query.is_text_alone() {
                    values.truncate(1);
                    (&EVENTS_FOUND_ALONE, &EVENTS_BEHIND_ALONE, SAYING_ALONE)
                } else {
                    (&EVENTS_FOUND, &EVENTS_BEHIND, SAYING)
                };
                values.push(Value::text(text));
                let with = |more: &[Value]| [values.as_slice(), more].concat();
                let most = Value::Int(Some(count(FOUND_MAX + 1)));
                let numbers = self.numbers(found, &with(&[most])).await?;
                let named = numbers.len() as u64;
                let Some(last) = numbers.last().copied().filter(|_| named > FOUND_MAX) else {
                    return self.numbered(account, &query, numbers, page).await;
                };
                // Counting goes on where naming stopped.
                let rows = self.db.rows(behind, &with(&[Value::Int(Some(last))])).await?;
                let more: u64 = rows.last().map(|row| row.reader().count()).transpose()?.unwrap_or_default();
                let total = named + more;
                if !query.oldest_first && page.offset.saturating_add(u64::from(page.limit)) <= named {
                    let shown = self.numbered(account, &query, numbers, page).await?;
                    return Ok(Paged { total, ..shown });
                }
                let limits = [Value::Int(Some(i64::from(page.limit))), Value::Int(Some(count(page.offset)))];
                let sql = if query.oldest_first { &ways.oldest } else { &ways.newest };
                let items = each(&self.db.rows(sql, &with(&limits)).await?, Event::read)?;
                return Ok(Paged { items, total });
            }
            // The order in which the indexes end with one another.
            ([], None) if query.kind.is_some() => OF_KIND,
            ([], None) if query.actor.is_some() => BY,
            ([], None) if query.virtual_account.is_some() => IN,
            ([], None) if query.tag.is_some() => ON,
            ([], None) if query.since.is_some() || query.until.is_some() => WITHIN,
            ([], None) => {
                let items = if query.oldest_first { &ALL_EVENTS_UP } else { &ALL_EVENTS };
                values.truncate(1);
                return self.page(items, &ALL_EVENTS_COUNTED, values, page, Event::read).await;
            }
        };
        self.page(&listed.items(&query), &listed.counted, values, page, Event::read).await
    }

    async fn numbers(&self, sql: &Sql, values: &[Value]) -> Result<Vec<i64>, StoreError> {
        let rows = self.db.rows(sql, values).await?;
        rows.iter().map(|row| row.reader().count()).collect()
    }

    /// A page of the events that have these numbers, which are the newest first.
    async fn numbered(
        &self,
        account: AccountId,
        query: &EventQuery,
        mut numbers: Vec<i64>,
        page: Page,
    ) -> Result<Paged<Event>, StoreError> {
        let total = numbers.len() as u64;
        if query.oldest_first {
            numbers.reverse();
        }
        let offset = usize::try_from(page.offset).unwrap_or(usize::MAX);
        let shown = Value::set(numbers.into_iter().skip(offset).take(page.limit as usize));
        let rows = self.db.rows(&EVENTS_NUMBERED, &[Value::text(account), shown]).await?;
        let mut items = each(&rows, Event::read)?;
        if query.oldest_first {
            items.reverse();
        }
        Ok(Paged { items, total })
    }

    /// The product instances that people mean by a name or a serial number when they read the log: who is called so,
    /// registered or gone, of very many the latest; if nobody is, who was called so in a message. With a virtual account,
    /// only such as the log has something of there.
    pub async fn instances_called(
        &self,
        account: AccountId,
        virtual_account: Option<VirtualAccountId>,
        name: &str,
    ) -> Result<Vec<ProductInstanceId>, StoreError> {
        let (account, place) = (Value::text(account), Value::maybe(virtual_account));
        let most = Value::Int(Some(count(CALLED_MAX)));
        let values =
            [account.clone(), Value::text(name.to_lowercase()), Value::text(name), place.clone(), most];
        let rows = self.db.rows(&INSTANCES_CALLED, &values).await?;
        if !rows.is_empty() {
            let mut ids = rows.iter().map(|row| row.reader().parsed()).collect::<Result<Vec<_>, _>>()?;
            ids.sort_unstable_by(|a: &ProductInstanceId, b| b.cmp(a));
            return Ok(ids);
        }
        let most = Value::Int(Some(count(FOUND_MAX)));
        let values = [account, Value::text(name.to_ascii_lowercase()), place, most];
        let rows = self.db.rows(&INSTANCES_ONCE_CALLED, &values).await?;
        rows.iter().map(|row| row.reader().parsed()).collect()
    }
}
