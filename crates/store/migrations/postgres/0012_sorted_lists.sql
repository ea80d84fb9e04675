-- The log by who and by when. Each index of the log ends with the columns of the filters that come after its own, so that
-- any filters together are decided in one index: kind, who, where, licence, and when in all of them.
DROP INDEX events_by_kind;
CREATE INDEX events_by_kind ON events (
    account_id, kind, number, at, coalesce(actor_name, 'system'), virtual_account, tag
);
CREATE INDEX events_by_actor ON events (
    account_id, coalesce(actor_name, 'system'), number, at, virtual_account, tag
);
DROP INDEX events_by_virtual_account;
CREATE INDEX events_by_virtual_account ON events (account_id, virtual_account, number, at, tag);
DROP INDEX events_by_tag;
CREATE INDEX events_by_tag ON events (account_id, tag, number, at) WHERE tag IS NOT NULL;
CREATE INDEX events_by_time ON events (account_id, at, number);

-- Instances by what people call them, removed ones among them: the log names these, too.
CREATE INDEX instances_gone_by_name ON instances (account_id, sort_name, id) WHERE NOT registered;
CREATE INDEX instances_by_serial ON instances (account_id, udi_sn, id);

-- The tokens of a virtual account in each order. Uses change, and stand in no index.
DROP INDEX tokens_by_virtual_account;
DROP INDEX tokens_in_place_by_end;
CREATE INDEX tokens_in_place_by_creation ON tokens (account_id, virtual_account, created_at, id);
CREATE INDEX tokens_in_place_by_expiry ON tokens (account_id, virtual_account, expires_at, id);
CREATE INDEX tokens_in_place_by_description ON tokens (account_id, virtual_account, lower(description), id);

-- The users of an account in each order, and what they are searched by.
DROP INDEX users_by_account;
CREATE INDEX users_by_login ON users (account_id, login, lower(login || ' ' || name));
CREATE INDEX users_by_name ON users (account_id, lower(name), login);
CREATE INDEX users_by_creation ON users (account_id, created_at, login);

-- All lots of an account in each order: each index has where they are, so that no row is read but those of a page.
DROP INDEX lots_by_order;
CREATE INDEX lots_by_order ON lots (account_id, order_id, id, virtual_account);
CREATE INDEX lots_sorted_by_license ON lots (account_id, tag, id, virtual_account);
-- (As expressions, so that what asks for lots that count is not led to these.)
CREATE INDEX lots_sorted_by_quantity ON lots (account_id, (quantity + 0), id, virtual_account);
CREATE INDEX lots_sorted_by_start ON lots (account_id, (starts_at + 0), id, virtual_account);
CREATE INDEX lots_sorted_by_end ON lots (
    account_id, (CASE WHEN ends_at IS NULL THEN 1 ELSE 0 END), ends_at, id, virtual_account
);
