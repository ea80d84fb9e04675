//! The event log, newest first.

use jiff::Timestamp;
use seatpool_domain::{Event, EventKind};
use seatpool_proto::{AccountId, ProductInstanceId, Tag, VirtualAccountId};

use super::{Page, Paged, each};
use crate::error::StoreError;
use crate::row::event::event_columns;
use crate::sql::{Sql, Value, count, statements};
use crate::store::Store;
use crate::table::Stored as _;

/// The rows of account `$1` that fit the query; `scope` is the condition that an index serves.
macro_rules! matching {
    ($scope:literal, $position:literal) => {
        concat!(
            " FROM events WHERE account_id = $1", $scope,
            " AND (CAST($2 AS TEXT) IS NULL OR virtual_account = $2) \
             AND (CAST($3 AS TEXT) IS NULL OR tag = $3) \
             AND (CAST($4 AS TEXT) IS NULL OR instance = $4) \
             AND (CAST($5 AS TEXT) IS NULL OR kind = $5) \
             AND (CAST($6 AS TEXT) IS NULL OR ", $position,
            "(lower(message || ' ' || coalesce(actor_name, 'system') || ' ' || coalesce(source, '')), $6) > 0) \
             AND (CAST($7 AS TEXT) IS NULL OR coalesce(actor_name, 'system') = $7) \
             AND (CAST($8 AS BIGINT) IS NULL OR at >= $8) AND (CAST($9 AS BIGINT) IS NULL OR at < $9)"
        )
    };
}

/// The rows of account `$1` that say `$2`, in the words that an index holds.
macro_rules! saying {
    ("instr") => {
        saying!("INDEXED BY events_by_text ", "instr")
    };
    ($position:literal) => {
        saying!("", $position)
    };
    ($hint:literal, $position:literal) => {
        concat!(
            " FROM events ",
            $hint,
            "WHERE account_id = $1 AND ",
            $position,
            "(lower(message || ' ' || coalesce(actor_name, 'system') || ' ' || coalesce(source, '')), $2) > 0"
        )
    };
}

macro_rules! listed {
    ($scope:literal) => {
        Sql {
            sqlite: concat!(
                "SELECT ",
                event_columns!(),
                matching!($scope, "instr"),
                " ORDER BY number DESC LIMIT $10 OFFSET $11"
            ),
            postgres: concat!(
                "SELECT ",
                event_columns!(),
                matching!($scope, "strpos"),
                " ORDER BY number DESC LIMIT $10 OFFSET $11"
            ),
        }
    };
}

macro_rules! counted {
    ($scope:literal) => {
        Sql {
            sqlite: concat!("SELECT COUNT(*)", matching!($scope, "instr")),
            postgres: concat!("SELECT COUNT(*)", matching!($scope, "strpos")),
        }
    };
}

statements! {
    ALL_EVENTS = Sql::both(concat!(
        "SELECT ", event_columns!(), " FROM events WHERE account_id = $1 ORDER BY number DESC LIMIT $2 OFFSET $3"
    ));
    // Numbers have no gaps.
    ALL_EVENTS_COUNTED = Sql::both("SELECT next_event - 1 FROM accounts WHERE id = $1");
    EVENTS = listed!("");
    EVENTS_COUNTED = counted!("");
    EVENTS_SAYING = Sql {
        sqlite: concat!("SELECT ", event_columns!(), saying!("instr"), " ORDER BY number DESC LIMIT $3 OFFSET $4"),
        postgres: concat!("SELECT ", event_columns!(), saying!("strpos"), " ORDER BY number DESC LIMIT $3 OFFSET $4"),
    };
    EVENTS_FOUND = Sql {
        sqlite: concat!("SELECT number", saying!("instr"), " ORDER BY number DESC LIMIT $3"),
        postgres: concat!("SELECT number", saying!("strpos"), " ORDER BY number DESC LIMIT $3"),
    };
    EVENTS_NUMBERED = Sql {
        sqlite: concat!(
            "SELECT ", event_columns!(),
            " FROM events WHERE account_id = $1 AND number IN (SELECT value FROM json_each($2)) ORDER BY number DESC"
        ),
        postgres: concat!(
            "SELECT ", event_columns!(),
            " FROM events WHERE account_id = $1 AND number = ANY($2::text[]::bigint[]) ORDER BY number DESC"
        ),
    };
    EVENTS_SAYING_COUNTED = Sql {
        sqlite: concat!("SELECT COUNT(*)", saying!("instr")),
        postgres: concat!("SELECT COUNT(*)", saying!("strpos")),
    };
    EVENTS_ON = listed!(" AND tag = $3");
    EVENTS_ON_COUNTED = counted!(" AND tag = $3");
    EVENTS_OF_KIND = listed!(" AND kind = $5");
    EVENTS_OF_KIND_COUNTED = counted!(" AND kind = $5");
    EVENTS_IN = listed!(" AND virtual_account = $2");
    EVENTS_IN_COUNTED = counted!(" AND virtual_account = $2");
    EVENTS_OF = listed!(" AND instance = $4");
    EVENTS_OF_COUNTED = counted!(" AND instance = $4");
}

/// The statements by which lists are read, each with what its plan on SQLite must hold.
#[cfg(feature = "testing")]
pub(crate) const LISTS: &[(&str, Sql)] = &[
    ("SEARCH events USING INDEX sqlite_autoindex_events_1", ALL_EVENTS),
    ("SEARCH accounts USING INDEX", ALL_EVENTS_COUNTED),
    ("SEARCH events USING COVERING INDEX events_by_text", EVENTS_SAYING_COUNTED),
    ("SEARCH events USING INDEX events_by_text", EVENTS_SAYING),
    ("SEARCH events USING COVERING INDEX events_by_text", EVENTS_FOUND),
    ("SEARCH events USING INDEX sqlite_autoindex_events_1", EVENTS_NUMBERED),
    ("SEARCH events USING INDEX events_by_virtual_account", EVENTS_IN),
    ("SEARCH events USING INDEX events_by_virtual_account", EVENTS_IN_COUNTED),
    ("SEARCH events USING INDEX events_by_instance", EVENTS_OF),
    ("SEARCH events USING INDEX events_by_instance", EVENTS_OF_COUNTED),
    ("SEARCH events USING INDEX events_by_tag", EVENTS_ON),
    ("SEARCH events USING INDEX events_by_tag", EVENTS_ON_COUNTED),
    ("SEARCH events USING INDEX events_by_kind", EVENTS_OF_KIND),
    ("SEARCH events USING INDEX events_by_kind", EVENTS_OF_KIND_COUNTED),
];

/// Which events to list; what is absent does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventQuery {
    /// Where.
    pub virtual_account: Option<VirtualAccountId>,
    /// Which licence.
    pub tag: Option<Tag>,
    /// Which product instance.
    pub instance: Option<ProductInstanceId>,
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
}

/// How many events a search names before it is not worth while: then they are counted, and listed as far as the page.
const FOUND_MAX: u64 = 2_000;

impl Store {
    /// An account's events that say `text`, in small letters. What is rare is looked for once, and not counted first.
    async fn events_saying(
        &self,
        account: AccountId,
        text: &str,
        page: Page,
    ) -> Result<Paged<Event>, StoreError> {
        let values = vec![Value::text(account), Value::text(text)];
        let most = [values.as_slice(), &[Value::Int(Some(count(FOUND_MAX + 1)))]].concat();
        let rows = self.db.rows(&EVENTS_FOUND, &most).await?;
        let found = rows.iter().map(|row| row.reader().count()).collect::<Result<Vec<i64>, _>>()?;
        let total = found.len() as u64;
        if total > FOUND_MAX {
            return self.page(&EVENTS_SAYING, &EVENTS_SAYING_COUNTED, values, page, Event::read).await;
        }
        let offset = usize::try_from(page.offset).unwrap_or(usize::MAX);
        let shown = Value::set(found.into_iter().skip(offset).take(page.limit as usize));
        let rows = self.db.rows(&EVENTS_NUMBERED, &[Value::text(account), shown]).await?;
        Ok(Paged { items: each(&rows, Event::read)?, total })
    }

    /// An account's events, newest first.
    pub async fn events(
        &self,
        account: AccountId,
        query: EventQuery,
        page: Page,
    ) -> Result<Paged<Event>, StoreError> {
        if query == EventQuery::default() {
            let values = vec![Value::text(account)];
            return self.page(&ALL_EVENTS, &ALL_EVENTS_COUNTED, values, page, Event::read).await;
        }
        if let Some(text) = &query.text
            && query == (EventQuery { text: query.text.clone(), ..EventQuery::default() })
        {
            return self.events_saying(account, &text.to_ascii_lowercase(), page).await;
        }
        // The filter that leaves least comes first.
        let (items, count) = match &query {
            EventQuery { instance: Some(_), .. } => (&EVENTS_OF, &EVENTS_OF_COUNTED),
            EventQuery { tag: Some(_), .. } => (&EVENTS_ON, &EVENTS_ON_COUNTED),
            EventQuery { virtual_account: Some(_), .. } => (&EVENTS_IN, &EVENTS_IN_COUNTED),
            EventQuery { kind: Some(_), .. } => (&EVENTS_OF_KIND, &EVENTS_OF_KIND_COUNTED),
            _ => (&EVENTS, &EVENTS_COUNTED),
        };
        let values = vec![
            Value::text(account),
            Value::maybe(query.virtual_account),
            Value::maybe(query.tag),
            Value::maybe(query.instance),
            Value::maybe(query.kind.map(EventKind::as_str)),
            Value::maybe(query.text.map(|text| text.to_ascii_lowercase())),
            Value::maybe(query.actor),
            Value::Int(query.since.map(Timestamp::as_microsecond)),
            Value::Int(query.until.map(Timestamp::as_microsecond)),
        ];
        self.page(items, count, values, page, Event::read).await
    }
}
