-- Instants are microseconds since 1970 in UTC; ids are UUIDs as text; digests are hexadecimal.
-- Texts are compared by their bytes (COLLATE "C"), as on SQLite.
-- Every table but the directory (accounts, users, clients, access_tokens, sessions) and the manager's own
-- (settings, probe) is keyed by account first.

CREATE TABLE accounts (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    domain TEXT COLLATE "C" NOT NULL UNIQUE,
    name TEXT COLLATE "C" NOT NULL,
    export_permitted BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    next_event BIGINT NOT NULL CHECK (next_event >= 1),
    event_head TEXT COLLATE "C"
);

CREATE TABLE users (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    account_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    login TEXT COLLATE "C" NOT NULL UNIQUE,
    password_hash TEXT COLLATE "C" NOT NULL,
    roles TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX users_by_account ON users (account_id, login);

CREATE TABLE clients (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    account_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    name TEXT COLLATE "C" NOT NULL,
    secret_hash TEXT COLLATE "C" NOT NULL,
    roles TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX clients_by_account ON clients (account_id, id);

CREATE TABLE access_tokens (
    hash TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    client_id TEXT COLLATE "C" NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    account_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX access_tokens_by_end ON access_tokens (expires_at);

CREATE TABLE sessions (
    hash TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    account_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    csrf TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    address TEXT COLLATE "C"
);
CREATE INDEX sessions_by_end ON sessions (expires_at);

CREATE TABLE virtual_accounts (
    account_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    description TEXT COLLATE "C" NOT NULL,
    is_default BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account_id, id),
    UNIQUE (account_id, name_key)
);
CREATE UNIQUE INDEX virtual_accounts_default ON virtual_accounts (account_id) WHERE is_default;

-- Tokens, lots and tombstones outlive their virtual account, so none of them refers to it by a foreign key.
CREATE TABLE tokens (
    account_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    id TEXT COLLATE "C" NOT NULL,
    virtual_account TEXT COLLATE "C" NOT NULL,
    description TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    expires_at BIGINT NOT NULL,
    uses_max BIGINT,
    uses BIGINT NOT NULL CHECK (uses >= 0),
    export_controlled BOOLEAN NOT NULL,
    revoked_at BIGINT,
    PRIMARY KEY (account_id, id),
    CHECK (uses_max IS NULL OR uses <= uses_max)
);
CREATE INDEX tokens_by_virtual_account ON tokens (account_id, virtual_account, created_at);

CREATE TABLE lots (
    account_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    id TEXT COLLATE "C" NOT NULL,
    virtual_account TEXT COLLATE "C" NOT NULL,
    tag TEXT COLLATE "C" NOT NULL,
    quantity BIGINT NOT NULL CHECK (quantity >= 0),
    reserved BIGINT NOT NULL CHECK (reserved >= 0),
    moved_out BIGINT NOT NULL CHECK (moved_out >= 0),
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('PERPETUAL', 'TERM', 'DEMO')),
    starts_at BIGINT NOT NULL,
    ends_at BIGINT,
    subscription_id TEXT COLLATE "C",
    order_id TEXT COLLATE "C" NOT NULL,
    origin TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, id),
    CONSTRAINT lots_promise_no_more_than_owned CHECK (reserved + moved_out <= quantity),
    CONSTRAINT lots_end_after_start CHECK (ends_at IS NULL OR ends_at >= starts_at)
);
CREATE INDEX lots_by_pool ON lots (account_id, virtual_account, tag);
CREATE INDEX lots_by_start ON lots (starts_at);
CREATE INDEX lots_by_end ON lots (ends_at) WHERE ends_at IS NOT NULL;

CREATE TABLE lot_transactions (
    account_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    number BIGINT NOT NULL CHECK (number >= 1),
    at BIGINT NOT NULL,
    lot TEXT COLLATE "C" NOT NULL,
    virtual_account TEXT COLLATE "C" NOT NULL,
    tag TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('ordered', 'renewed', 'transferred_in', 'transferred_out')),
    quantity BIGINT NOT NULL CHECK (quantity >= 0),
    counterpart TEXT COLLATE "C",
    order_id TEXT COLLATE "C",
    done_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account_id, number)
);
CREATE INDEX lot_transactions_by_pool ON lot_transactions (account_id, virtual_account, tag, number);
CREATE INDEX lot_transactions_by_order ON lot_transactions (account_id, order_id) WHERE kind = 'ordered';

CREATE TABLE pool_totals (
    account_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    virtual_account TEXT COLLATE "C" NOT NULL,
    tag TEXT COLLATE "C" NOT NULL,
    instances BIGINT NOT NULL CHECK (instances >= 0),
    peak BIGINT NOT NULL CHECK (peak >= 0),
    cumulative_peak BIGINT NOT NULL CHECK (cumulative_peak >= 0),
    locked_instances BIGINT NOT NULL CHECK (locked_instances >= 0),
    run_high BIGINT NOT NULL CHECK (run_high >= 0),
    short BIGINT NOT NULL CHECK (short >= 0),
    short_since BIGINT,
    PRIMARY KEY (account_id, virtual_account, tag)
);

CREATE TABLE instances (
    account_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    id TEXT COLLATE "C" NOT NULL,
    virtual_account TEXT COLLATE "C" NOT NULL,
    udi_pid TEXT COLLATE "C" NOT NULL,
    udi_sn TEXT COLLATE "C" NOT NULL,
    udi_uuid TEXT COLLATE "C" NOT NULL, -- empty: none
    host_name TEXT COLLATE "C",
    product_name TEXT COLLATE "C" NOT NULL,
    product_type TEXT COLLATE "C" NOT NULL,
    product_version TEXT COLLATE "C",
    first_registered_at BIGINT NOT NULL,
    registered_at BIGINT NOT NULL,
    last_contact_at BIGINT NOT NULL,
    export_controlled BOOLEAN NOT NULL,
    certificate TEXT COLLATE "C" NOT NULL,
    previous_certificate TEXT COLLATE "C",
    pending TEXT COLLATE "C",
    authorized_until BIGINT,
    counted BOOLEAN NOT NULL,
    conversation TEXT COLLATE "C" NOT NULL,
    ended_at BIGINT,
    end_reason TEXT COLLATE "C" CHECK (end_reason IN ('deregistered', 'removed', 'replaced')),
    registered BOOLEAN NOT NULL,
    sort_name TEXT COLLATE "C" NOT NULL,
    authorization_day BIGINT, -- of authorized_until, while its usage counts
    PRIMARY KEY (account_id, id),
    CONSTRAINT instances_end_has_reason CHECK ((ended_at IS NULL) = (end_reason IS NULL)),
    CONSTRAINT instances_ended_are_not_registered CHECK (NOT registered OR ended_at IS NULL),
    CONSTRAINT instances_ended_are_not_counted CHECK (NOT counted OR ended_at IS NULL)
);
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
    account_id TEXT COLLATE "C" NOT NULL,
    instance TEXT COLLATE "C" NOT NULL,
    tag TEXT COLLATE "C" NOT NULL,
    peak BIGINT NOT NULL CHECK (peak >= 0),
    cumulative_peak BIGINT NOT NULL CHECK (cumulative_peak >= 0),
    locked BIGINT CHECK (locked >= 0),
    reported_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, instance, tag),
    FOREIGN KEY (account_id, instance) REFERENCES instances (account_id, id)
);

CREATE TABLE events (
    account_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    number BIGINT NOT NULL CHECK (number >= 1),
    at BIGINT NOT NULL,
    actor_kind TEXT COLLATE "C" NOT NULL CHECK (actor_kind IN ('user', 'client', 'instance', 'system')),
    actor_name TEXT COLLATE "C",
    source TEXT COLLATE "C",
    kind TEXT COLLATE "C" NOT NULL,
    virtual_account TEXT COLLATE "C",
    tag TEXT COLLATE "C",
    instance TEXT COLLATE "C",
    message TEXT COLLATE "C" NOT NULL,
    value_before TEXT COLLATE "C",
    value_after TEXT COLLATE "C",
    previous_hash TEXT COLLATE "C",
    hash TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account_id, number)
);
CREATE INDEX events_by_virtual_account ON events (account_id, virtual_account, number);
CREATE INDEX events_by_instance ON events (account_id, instance, number) WHERE instance IS NOT NULL;

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% are append-only', replace(TG_TABLE_NAME, '_', ' ') USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER events_never_change BEFORE UPDATE OR DELETE ON events
FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER events_never_go BEFORE TRUNCATE ON events
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER lot_transactions_never_change BEFORE UPDATE OR DELETE ON lot_transactions
FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER lot_transactions_never_go BEFORE TRUNCATE ON lot_transactions
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE settings (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value TEXT COLLATE "C" NOT NULL
);

-- One row that readiness checks write.
CREATE TABLE probe (
    one BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    writes BIGINT NOT NULL
);
INSERT INTO probe (one, writes) VALUES (1, 0);
