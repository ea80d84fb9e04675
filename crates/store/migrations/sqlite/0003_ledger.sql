-- Cancellations, declared lots, what a transaction changed; and the usage history.

ALTER TABLE lots ADD COLUMN declaration TEXT; -- JSON; NULL: deposited by the vendor
CREATE INDEX lots_by_order ON lots (account_id, order_id);
CREATE INDEX lots_by_subscription ON lots (account_id, subscription_id) WHERE subscription_id IS NOT NULL;

-- SQLite changes no CHECK in place: the table is built anew, and its rows copied.
CREATE TABLE lot_transactions_anew (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    number INTEGER NOT NULL CHECK (number >= 1),
    at INTEGER NOT NULL,
    lot TEXT NOT NULL,
    virtual_account TEXT NOT NULL,
    tag TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('ordered', 'renewed', 'transferred_in', 'transferred_out', 'cancelled',
        'declared', 'confirmed', 'rejected')),
    quantity INTEGER NOT NULL CHECK (quantity >= 0),
    counterpart TEXT,
    order_id TEXT,
    done_by TEXT NOT NULL,
    value_before TEXT,
    value_after TEXT,
    note TEXT,
    PRIMARY KEY (account_id, number)
) STRICT;
INSERT INTO lot_transactions_anew (account_id, number, at, lot, virtual_account, tag, kind, quantity, counterpart,
    order_id, done_by)
SELECT account_id, number, at, lot, virtual_account, tag, kind, quantity, counterpart, order_id, done_by
FROM lot_transactions;
DROP TABLE lot_transactions;
ALTER TABLE lot_transactions_anew RENAME TO lot_transactions;
CREATE INDEX lot_transactions_by_pool ON lot_transactions (account_id, virtual_account, tag, number);
CREATE INDEX lot_transactions_by_order ON lot_transactions (account_id, order_id) WHERE order_id IS NOT NULL;
CREATE TRIGGER lot_transactions_never_change BEFORE UPDATE ON lot_transactions
BEGIN SELECT RAISE(ABORT, 'lot transactions are append-only'); END;
CREATE TRIGGER lot_transactions_never_go BEFORE DELETE ON lot_transactions
BEGIN SELECT RAISE(ABORT, 'lot transactions are append-only'); END;

CREATE TABLE usage_history (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    virtual_account TEXT NOT NULL,
    tag TEXT NOT NULL,
    starts_at INTEGER NOT NULL,
    span TEXT NOT NULL CHECK (span IN ('hour', 'day')),
    in_use_high INTEGER NOT NULL CHECK (in_use_high >= 0),
    in_use INTEGER NOT NULL CHECK (in_use >= 0),
    short_high INTEGER NOT NULL CHECK (short_high >= 0),
    short INTEGER NOT NULL CHECK (short >= 0),
    owned INTEGER NOT NULL CHECK (owned >= 0),
    PRIMARY KEY (account_id, virtual_account, tag, starts_at, span)
) STRICT, WITHOUT ROWID;
-- Hours that become days; new ones go to its end.
CREATE INDEX usage_history_hours ON usage_history (starts_at) WHERE span = 'hour';
