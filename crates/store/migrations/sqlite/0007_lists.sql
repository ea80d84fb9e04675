-- Lists of a large customer. Each report writes `instances`, so nothing that every report changes stands in an index.

-- What a search looks through: in an index beside the name, so that it reads neither rows nor other virtual accounts.
ALTER TABLE instances ADD COLUMN search_text TEXT NOT NULL DEFAULT '';
UPDATE instances SET search_text = lower(
    coalesce(host_name, '') || ' ' || product_name || ' ' || product_type || ' ' || udi_sn || ' ' || udi_uuid
);
DROP INDEX instances_in_place_by_name;
CREATE INDEX instances_in_place_by_name
    ON instances (account_id, virtual_account, sort_name, id, search_text, product_type, registered)
    WHERE registered;

-- The day of the last contact: an index that one report in a day moves, and not each.
ALTER TABLE instances ADD COLUMN contact_day INTEGER NOT NULL DEFAULT 0;
UPDATE instances SET contact_day = last_contact_at / 86400000000;
CREATE INDEX instances_by_contact ON instances (account_id, contact_day, id) WHERE registered;
CREATE INDEX instances_in_place_by_contact ON instances (account_id, virtual_account, contact_day, id) WHERE registered;

-- How many instances are registered, by place and type: kept by triggers, so that no list counts them.
CREATE TABLE instance_counts (
    account_id TEXT NOT NULL,
    virtual_account TEXT NOT NULL,
    product_type TEXT NOT NULL,
    registered INTEGER NOT NULL CHECK (registered >= 0),
    PRIMARY KEY (account_id, virtual_account, product_type)
) STRICT, WITHOUT ROWID;
INSERT INTO instance_counts (account_id, virtual_account, product_type, registered)
    SELECT account_id, virtual_account, product_type, COUNT(*) FROM instances WHERE registered GROUP BY 1, 2, 3;
CREATE TRIGGER instances_are_counted_in AFTER INSERT ON instances WHEN NEW.registered
BEGIN
    INSERT INTO instance_counts (account_id, virtual_account, product_type, registered)
        VALUES (NEW.account_id, NEW.virtual_account, NEW.product_type, 1)
        ON CONFLICT (account_id, virtual_account, product_type) DO UPDATE SET registered = registered + 1;
END;
CREATE TRIGGER instances_are_counted_out AFTER DELETE ON instances WHEN OLD.registered
BEGIN
    UPDATE instance_counts SET registered = registered - 1
        WHERE account_id = OLD.account_id AND virtual_account = OLD.virtual_account AND product_type = OLD.product_type;
END;
CREATE TRIGGER instances_are_counted_anew AFTER UPDATE OF registered, virtual_account, product_type ON instances
WHEN OLD.registered <> NEW.registered OR OLD.virtual_account <> NEW.virtual_account
    OR OLD.product_type <> NEW.product_type
BEGIN
    UPDATE instance_counts SET registered = registered - OLD.registered
        WHERE account_id = OLD.account_id AND virtual_account = OLD.virtual_account AND product_type = OLD.product_type;
    INSERT INTO instance_counts (account_id, virtual_account, product_type, registered)
        VALUES (NEW.account_id, NEW.virtual_account, NEW.product_type, NEW.registered)
        ON CONFLICT (account_id, virtual_account, product_type) DO UPDATE SET registered = registered + excluded.registered;
END;

-- Who uses a licence.
CREATE INDEX usage_reports_by_tag ON usage_reports (account_id, tag, instance);

-- The log by licence, by kind, and by what it says.
CREATE INDEX events_by_tag ON events (account_id, tag, number) WHERE tag IS NOT NULL;
CREATE INDEX events_by_kind ON events (account_id, kind, number);
CREATE INDEX events_by_text ON events (
    account_id, number, lower(message || ' ' || coalesce(actor_name, 'system') || ' ' || coalesce(source, ''))
);

-- Which licences a virtual account holds, without reading its lots.
CREATE INDEX lots_held ON lots (account_id, virtual_account, tag, quantity) WHERE quantity > 0;
