-- Lists of a large customer. Each report writes `instances`, so nothing that every report changes stands in an index.

-- What a search looks through. Not in an index: an index row of PostgreSQL has a largest size, which no name may meet.
ALTER TABLE instances ADD COLUMN search_text TEXT COLLATE "C" NOT NULL DEFAULT '';
UPDATE instances SET search_text = lower((
    coalesce(host_name, '') || ' ' || product_name || ' ' || product_type || ' ' || udi_sn || ' ' || udi_uuid
) COLLATE "C");

-- The day of the last contact: an index that one report in a day moves, and not each.
ALTER TABLE instances ADD COLUMN contact_day BIGINT NOT NULL DEFAULT 0;
UPDATE instances SET contact_day = last_contact_at / 86400000000;
CREATE INDEX instances_by_contact ON instances (account_id, contact_day, id) WHERE registered;
CREATE INDEX instances_in_place_by_contact ON instances (account_id, virtual_account, contact_day, id) WHERE registered;

-- How many instances are registered, by place and type: kept by a trigger, so that no list counts them.
CREATE TABLE instance_counts (
    account_id TEXT COLLATE "C" NOT NULL,
    virtual_account TEXT COLLATE "C" NOT NULL,
    product_type TEXT COLLATE "C" NOT NULL,
    registered BIGINT NOT NULL CHECK (registered >= 0),
    PRIMARY KEY (account_id, virtual_account, product_type)
);
INSERT INTO instance_counts (account_id, virtual_account, product_type, registered)
    SELECT account_id, virtual_account, product_type, COUNT(*) FROM instances WHERE registered GROUP BY 1, 2, 3;
CREATE FUNCTION count_instance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.registered = NEW.registered AND OLD.virtual_account = NEW.virtual_account
        AND OLD.product_type = NEW.product_type THEN
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' AND OLD.registered THEN
        UPDATE instance_counts SET registered = instance_counts.registered - 1
            WHERE account_id = OLD.account_id AND virtual_account = OLD.virtual_account
            AND product_type = OLD.product_type;
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.registered THEN
        INSERT INTO instance_counts (account_id, virtual_account, product_type, registered)
            VALUES (NEW.account_id, NEW.virtual_account, NEW.product_type, 1)
            ON CONFLICT (account_id, virtual_account, product_type)
            DO UPDATE SET registered = instance_counts.registered + 1;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER instances_are_counted AFTER INSERT OR DELETE OR UPDATE OF registered, virtual_account, product_type
ON instances FOR EACH ROW EXECUTE FUNCTION count_instance();

-- Who uses a licence.
CREATE INDEX usage_reports_by_tag ON usage_reports (account_id, tag, instance);

-- The log by licence and by kind.
CREATE INDEX events_by_tag ON events (account_id, tag, number) WHERE tag IS NOT NULL;
CREATE INDEX events_by_kind ON events (account_id, kind, number);

-- Which licences a virtual account holds, without reading its lots.
CREATE INDEX lots_held ON lots (account_id, virtual_account, tag, quantity) WHERE quantity > 0;
