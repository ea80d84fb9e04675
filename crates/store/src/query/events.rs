//! The event log, newest first.

use jiff::Timestamp;
use seatpool_domain::{Event, EventKind};
use seatpool_proto::{AccountId, ProductInstanceId, Tag, VirtualAccountId};

use super::{Page, Paged};
use crate::error::StoreError;
use crate::row::event::event_columns;
use crate::sql::{Sql, Value, statements};
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
    EVENTS = listed!("");
    EVENTS_COUNTED = counted!("");
    EVENTS_IN = listed!(" AND virtual_account = $2");
    EVENTS_IN_COUNTED = counted!(" AND virtual_account = $2");
    EVENTS_OF = listed!(" AND instance = $4");
    EVENTS_OF_COUNTED = counted!(" AND instance = $4");
}

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

impl Store {
    /// An account's events, newest first.
    pub async fn events(
        &self,
        account: AccountId,
        query: EventQuery,
        page: Page,
    ) -> Result<Paged<Event>, StoreError> {
        let (items, count) = match (query.virtual_account, query.instance) {
            (_, Some(_)) => (&EVENTS_OF, &EVENTS_OF_COUNTED),
            (Some(_), None) => (&EVENTS_IN, &EVENTS_IN_COUNTED),
            (None, None) => (&EVENTS, &EVENTS_COUNTED),
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
