-- Reservations: one for each product instance that has its licences by codes; ended ones stay, for the next sequence number.
CREATE TABLE reservations (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    instance TEXT NOT NULL,
    virtual_account TEXT NOT NULL,
    udi_pid TEXT NOT NULL,
    udi_sn TEXT NOT NULL,
    udi_uuid TEXT NOT NULL, -- empty: none
    request TEXT NOT NULL,
    is_open INTEGER NOT NULL CHECK (is_open IN (0, 1)),
    in_transit_since INTEGER, -- NULL: no change waits for its confirmation code
    facts TEXT NOT NULL, -- JSON
    PRIMARY KEY (account_id, instance),
    FOREIGN KEY (account_id, instance) REFERENCES instances (account_id, id)
) STRICT;
CREATE UNIQUE INDEX reservations_by_request ON reservations (account_id, request);
CREATE UNIQUE INDEX reservations_open ON reservations (account_id, udi_pid, udi_sn, udi_uuid) WHERE is_open;
CREATE INDEX reservations_by_udi ON reservations (account_id, udi_pid, udi_sn, udi_uuid);
CREATE INDEX reservations_in_place ON reservations (account_id, virtual_account, instance) WHERE is_open;

ALTER TABLE accounts ADD COLUMN universal_permitted INTEGER NOT NULL DEFAULT 0 CHECK (universal_permitted IN (0, 1));

-- Export-restricted features that an instance may use, as JSON, each with the lot that it takes a licence of.
ALTER TABLE instances ADD COLUMN exports TEXT NOT NULL DEFAULT '[]';
