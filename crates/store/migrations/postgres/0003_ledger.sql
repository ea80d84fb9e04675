-- Cancellations, declared lots, what a transaction changed; and the usage history.

ALTER TABLE lots ADD COLUMN declaration TEXT COLLATE "C"; -- JSON; NULL: deposited by the vendor
CREATE INDEX lots_by_order ON lots (account_id, order_id);
CREATE INDEX lots_by_subscription ON lots (account_id, subscription_id) WHERE subscription_id IS NOT NULL;

ALTER TABLE lot_transactions ADD COLUMN value_before TEXT COLLATE "C";
ALTER TABLE lot_transactions ADD COLUMN value_after TEXT COLLATE "C";
ALTER TABLE lot_transactions ADD COLUMN note TEXT COLLATE "C";
ALTER TABLE lot_transactions DROP CONSTRAINT lot_transactions_kind_check;
ALTER TABLE lot_transactions ADD CONSTRAINT lot_transactions_kind_check CHECK (kind IN ('ordered', 'renewed',
    'transferred_in', 'transferred_out', 'cancelled', 'declared', 'confirmed', 'rejected'));
DROP INDEX lot_transactions_by_order;
CREATE INDEX lot_transactions_by_order ON lot_transactions (account_id, order_id) WHERE order_id IS NOT NULL;

CREATE TABLE usage_history (
    account_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    virtual_account TEXT COLLATE "C" NOT NULL,
    tag TEXT COLLATE "C" NOT NULL,
    starts_at BIGINT NOT NULL,
    span TEXT COLLATE "C" NOT NULL CHECK (span IN ('hour', 'day')),
    in_use_high BIGINT NOT NULL CHECK (in_use_high >= 0),
    in_use BIGINT NOT NULL CHECK (in_use >= 0),
    short_high BIGINT NOT NULL CHECK (short_high >= 0),
    short BIGINT NOT NULL CHECK (short >= 0),
    owned BIGINT NOT NULL CHECK (owned >= 0),
    PRIMARY KEY (account_id, virtual_account, tag, starts_at, span)
);
-- Hours that become days; new ones go to its end.
CREATE INDEX usage_history_hours ON usage_history (starts_at) WHERE span = 'hour';
