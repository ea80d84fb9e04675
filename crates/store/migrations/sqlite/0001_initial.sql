-- Instants are microseconds since 1970 in UTC; ids are UUIDs as text; digests are hexadecimal.
-- Every table but the directory (accounts, users, clients, access_tokens, sessions) and the manager's own
-- (settings, probe) is keyed by account first.

CREATE TABLE accounts (
    id TEXT NOT NULL PRIMARY KEY,
    domain TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    export_permitted INTEGER NOT NULL CHECK (export_permitted IN (0, 1)),
    created_at INTEGER NOT NULL,
    next_event INTEGER NOT NULL CHECK (next_event >= 1),
    event_head TEXT
) STRICT;

CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    login TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    roles TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX users_by_account ON users (account_id, login);

CREATE TABLE clients (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    secret_hash TEXT NOT NULL,
    roles TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX clients_by_account ON clients (account_id, id);

CREATE TABLE access_tokens (
    hash TEXT NOT NULL PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX access_tokens_by_end ON access_tokens (expires_at);

CREATE TABLE sessions (
    hash TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    csrf TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    address TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_end ON sessions (expires_at);

CREATE TABLE virtual_accounts (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    is_default INTEGER NOT NULL CHECK (is_default IN (0, 1)),
    created_at INTEGER NOT NULL,
    name_key TEXT NOT NULL,
    PRIMARY KEY (account_id, id),
    UNIQUE (account_id, name_key)
) STRICT;
CREATE UNIQUE INDEX virtual_accounts_default ON virtual_accounts (account_id) WHERE is_default;

-- Tokens, lots and tombstones outlive their virtual account, so none of them refers to it by a foreign key.
CREATE TABLE tokens (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    id TEXT NOT NULL,
    virtual_account TEXT NOT NULL,
    description TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    uses_max INTEGER,
    uses INTEGER NOT NULL CHECK (uses >= 0),
    export_controlled INTEGER NOT NULL CHECK (export_controlled IN (0, 1)),
    revoked_at INTEGER,
    PRIMARY KEY (account_id, id),
    CHECK (uses_max IS NULL OR uses <= uses_max)
) STRICT;
CREATE INDEX tokens_by_virtual_account ON tokens (account_id, virtual_account, created_at);

CREATE TABLE lots (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    id TEXT NOT NULL,
    virtual_account TEXT NOT NULL,
    tag TEXT NOT NULL,
    quantity INTEGER NOT NULL CHECK (quantity >= 0),
    reserved INTEGER NOT NULL CHECK (reserved >= 0),
    moved_out INTEGER NOT NULL CHECK (moved_out >= 0),
    kind TEXT NOT NULL CHECK (kind IN ('PERPETUAL', 'TERM', 'DEMO')),
    starts_at INTEGER NOT NULL,
    ends_at INTEGER,
    subscription_id TEXT,
    order_id TEXT NOT NULL,
    origin TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, id),
    CONSTRAINT lots_promise_no_more_than_owned CHECK (reserved + moved_out <= quantity),
    CONSTRAINT lots_end_after_start CHECK (ends_at IS NULL OR ends_at >= starts_at)
) STRICT;
CREATE INDEX lots_by_pool ON lots (account_id, virtual_account, tag);
CREATE INDEX lots_by_start ON lots (starts_at);
CREATE INDEX lots_by_end ON lots (ends_at) WHERE ends_at IS NOT NULL;

CREATE TABLE lot_transactions (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    number INTEGER NOT NULL CHECK (number >= 1),
    at INTEGER NOT NULL,
    lot TEXT NOT NULL,
    virtual_account TEXT NOT NULL,
    tag TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('ordered', 'renewed', 'transferred_in', 'transferred_out')),
    quantity INTEGER NOT NULL CHECK (quantity >= 0),
    counterpart TEXT,
    order_id TEXT,
    done_by TEXT NOT NULL,
    PRIMARY KEY (account_id, number)
) STRICT;
CREATE INDEX lot_transactions_by_pool ON lot_transactions (account_id, virtual_account, tag, number);
CREATE INDEX lot_transactions_by_order ON lot_transactions (account_id, order_id) WHERE kind = 'ordered';

CREATE TABLE pool_totals (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    virtual_account TEXT NOT NULL,
    tag TEXT NOT NULL,
    instances INTEGER NOT NULL CHECK (instances >= 0),
    peak INTEGER NOT NULL CHECK (peak >= 0),
    cumulative_peak INTEGER NOT NULL CHECK (cumulative_peak >= 0),
    locked_instances INTEGER NOT NULL CHECK (locked_instances >= 0),
    run_high INTEGER NOT NULL CHECK (run_high >= 0),
    short INTEGER NOT NULL CHECK (short >= 0),
    short_since INTEGER,
    PRIMARY KEY (account_id, virtual_account, tag)
) STRICT, WITHOUT ROWID;

CREATE TABLE instances (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    id TEXT NOT NULL,
    virtual_account TEXT NOT NULL,
    udi_pid TEXT NOT NULL,
    udi_sn TEXT NOT NULL,
    udi_uuid TEXT NOT NULL, -- empty: none
    host_name TEXT,
    product_name TEXT NOT NULL,
    product_type TEXT NOT NULL,
    product_version TEXT,
    first_registered_at INTEGER NOT NULL,
    registered_at INTEGER NOT NULL,
    last_contact_at INTEGER NOT NULL,
    export_controlled INTEGER NOT NULL CHECK (export_controlled IN (0, 1)),
    certificate TEXT NOT NULL,
    previous_certificate TEXT,
    pending TEXT,
    authorized_until INTEGER,
    counted INTEGER NOT NULL CHECK (counted IN (0, 1)),
    conversation TEXT NOT NULL,
    ended_at INTEGER,
    end_reason TEXT CHECK (end_reason IN ('deregistered', 'removed', 'replaced')),
    registered INTEGER NOT NULL CHECK (registered IN (0, 1)),
    sort_name TEXT NOT NULL,
    authorization_day INTEGER, -- of authorized_until, while its usage counts
    PRIMARY KEY (account_id, id),
    CONSTRAINT instances_end_has_reason CHECK ((ended_at IS NULL) = (end_reason IS NULL)),
    CONSTRAINT instances_ended_are_not_registered CHECK (NOT registered OR ended_at IS NULL),
    CONSTRAINT instances_ended_are_not_counted CHECK (NOT counted OR ended_at IS NULL)
) STRICT;
CREATE UNIQUE INDEX instances_registered_udi ON instances (account_id, udi_pid, udi_sn, udi_uuid) WHERE registered;
CREATE INDEX instances_by_udi ON instances (account_id, udi_pid, udi_sn, udi_uuid) WHERE ended_at IS NULL;
CREATE INDEX instances_by_name ON instances (account_id, sort_name, id) WHERE registered;
CREATE INDEX instances_by_type ON instances (account_id, product_type, id) WHERE registered;
CREATE INDEX instances_by_registration ON instances (account_id, registered_at, id) WHERE registered;
CREATE INDEX instances_in_place_by_name ON instances (account_id, virtual_account, sort_name, id) WHERE registered;
CREATE INDEX instances_in_place_by_type ON instances (account_id, virtual_account, product_type, id) WHERE registered;
CREATE INDEX instances_in_place_by_registration ON instances (account_id, virtual_account, registered_at, id) WHERE registered;
-- By the day, not the instant: every report moves the instant, and an index on it would make each report write pages
-- all over the index. The list by last contact is sorted without one for the same reason.
CREATE INDEX instances_by_authorization_day ON instances (authorization_day) WHERE authorization_day IS NOT NULL;

CREATE TABLE usage_reports (
    account_id TEXT NOT NULL,
    instance TEXT NOT NULL,
    tag TEXT NOT NULL,
    peak INTEGER NOT NULL CHECK (peak >= 0),
    cumulative_peak INTEGER NOT NULL CHECK (cumulative_peak >= 0),
    locked INTEGER CHECK (locked >= 0),
    reported_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, instance, tag),
    FOREIGN KEY (account_id, instance) REFERENCES instances (account_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    number INTEGER NOT NULL CHECK (number >= 1),
    at INTEGER NOT NULL,
    actor_kind TEXT NOT NULL CHECK (actor_kind IN ('user', 'client', 'instance', 'system')),
    actor_name TEXT,
    source TEXT,
    kind TEXT NOT NULL,
    virtual_account TEXT,
    tag TEXT,
    instance TEXT,
    message TEXT NOT NULL,
    value_before TEXT,
    value_after TEXT,
    previous_hash TEXT,
    hash TEXT NOT NULL,
    PRIMARY KEY (account_id, number)
) STRICT;
CREATE INDEX events_by_virtual_account ON events (account_id, virtual_account, number);
CREATE INDEX events_by_instance ON events (account_id, instance, number) WHERE instance IS NOT NULL;

CREATE TRIGGER events_never_change BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_never_go BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER lot_transactions_never_change BEFORE UPDATE ON lot_transactions
BEGIN SELECT RAISE(ABORT, 'lot transactions are append-only'); END;
CREATE TRIGGER lot_transactions_never_go BEFORE DELETE ON lot_transactions
BEGIN SELECT RAISE(ABORT, 'lot transactions are append-only'); END;

CREATE TABLE settings (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One row that readiness checks write.
CREATE TABLE probe (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    writes INTEGER NOT NULL
) STRICT;
INSERT INTO probe (one, writes) VALUES (1, 0);
