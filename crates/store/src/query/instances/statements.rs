//! The statements by which product instances are found and listed: of one virtual account, of several, of all.

use crate::row::instance::instance_columns;
use crate::sql::Sql;

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

/// One statement for each of [`Places`].
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

/// One statement, of one virtual account (`$2`), of several, or of all.
pub(super) struct Places {
    pub(super) one: Sql,
    pub(super) several: Sql,
    pub(super) all: Sql,
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

/// One order of a list.
pub(super) struct Ordered {
    /// Of what fits the query.
    pub(super) fitting: Places,
    /// Of the instances with the ids `$2`.
    pub(super) found: Sql,
}

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

/// In one virtual account in the order of the index that is read, so that counting goes on behind the last.
pub(super) const FOUND: Places = Places {
    one: Sql {
        sqlite: concat!(
            "SELECT id, sort_name",
            searched!("virtual_account = $2", "instr"),
            " ORDER BY sort_name, id LIMIT $6"
        ),
        postgres: concat!(
            "SELECT id, sort_name",
            searched!("virtual_account = $2", "strpos"),
            " ORDER BY sort_name, id LIMIT $6"
        ),
    },
    ..places!("id, sort_name", searched, " LIMIT $6")
};
pub(super) const FOUND_BY_TAG: Places = places!("i.id, i.sort_name", using, " LIMIT $6");
pub(super) const FITTING_COUNTED: Places = places!("COUNT(*)", searched, "");
/// How many more fit behind the name `$6` and the id `$7`.
pub(super) const COUNTED_BEHIND: Sql = Sql {
    sqlite: concat!(
        "SELECT COUNT(*)",
        searched!("virtual_account = $2", "instr"),
        " AND (sort_name, id) > ($6, $7)"
    ),
    postgres: concat!(
        "SELECT COUNT(*)",
        searched!("virtual_account = $2", "strpos"),
        " AND (sort_name, id) > ($6, $7)"
    ),
};
pub(super) const REGISTERED: Places = Places {
    one: Sql::both(registered!("virtual_account = $2")),
    several: Sql {
        sqlite: registered!("virtual_account IN (SELECT value FROM json_each($2))"),
        postgres: registered!("virtual_account = ANY($2::text[])"),
    },
    all: Sql { sqlite: registered!("CAST($2 AS TEXT) IS NULL"), postgres: registered!("$2::text[] IS NULL") },
};
pub(super) const USERS: Sql = Sql::both(
    "SELECT COUNT(*) FROM (SELECT 1 FROM usage_reports WHERE account_id = $1 AND tag = $2 LIMIT $3) AS reporting",
);
pub(super) const BY_NAME: Ordered = ordered!("sort_name, id");
pub(super) const BY_NAME_DOWN: Ordered = ordered!("sort_name DESC, id DESC");
pub(super) const BY_TYPE: Ordered = ordered!("product_type, id");
pub(super) const BY_TYPE_DOWN: Ordered = ordered!("product_type DESC, id DESC");
pub(super) const BY_CONTACT: Ordered = ordered!("last_contact_at, id");
pub(super) const BY_CONTACT_DOWN: Ordered = ordered!("last_contact_at DESC, id DESC");
pub(super) const BY_CONTACT_DAY: Ordered = ordered!("contact_day, id");
pub(super) const BY_CONTACT_DAY_DOWN: Ordered = ordered!("contact_day DESC, id DESC");
pub(super) const BY_REGISTRATION: Ordered = ordered!("registered_at, id");
pub(super) const BY_REGISTRATION_DOWN: Ordered = ordered!("registered_at DESC, id DESC");
pub(super) const INSTANCE: Sql =
    Sql::both(concat!("SELECT ", instance_columns!(), " FROM instances WHERE account_id = $1 AND id = $2"));
pub(super) const INSTANCE_BY_UDI: Sql = Sql::both(concat!(
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
    ("virtual_account=? AND (sort_name,id)>(?,?)", COUNTED_BEHIND),
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
