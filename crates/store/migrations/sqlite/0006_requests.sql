-- Requests that carry an Idempotency-Key: what they came to, kept for a day. `outcomes` is written in the transaction
-- of what it tells of; `answer` is sealed by the manager and comes after it.
CREATE TABLE requests (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    principal TEXT NOT NULL,
    key_hash TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    outcomes TEXT NOT NULL,
    answer TEXT,
    PRIMARY KEY (account_id, principal, key_hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX requests_by_time ON requests (created_at);
