-- Requests that carry an Idempotency-Key: what they came to, kept for a day. `outcomes` is written in the transaction
-- of what it tells of; `answer` is sealed by the manager and comes after it.
CREATE TABLE requests (
    account_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    principal TEXT COLLATE "C" NOT NULL,
    key_hash TEXT COLLATE "C" NOT NULL,
    request_hash TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    outcomes TEXT COLLATE "C" NOT NULL,
    answer TEXT COLLATE "C",
    PRIMARY KEY (account_id, principal, key_hash)
);
CREATE INDEX requests_by_time ON requests (created_at);
