-- Alerts are computed from state: what is stored is which of them people dismissed, and the indexes by which they are
-- counted without looking at what is in order.

CREATE TABLE alert_dismissals (
    account_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    key TEXT COLLATE "C" NOT NULL,
    virtual_account TEXT COLLATE "C" NOT NULL,
    fingerprint TEXT COLLATE "C" NOT NULL,
    dismissed_at BIGINT NOT NULL,
    dismissed_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account_id, key)
);

-- The day of the ID certificate's end, counted from the Unix epoch.
ALTER TABLE instances ADD COLUMN certificate_day BIGINT NOT NULL DEFAULT 0;
UPDATE instances SET certificate_day =
    floor(extract(epoch FROM (certificate::json->>'not_after')::timestamptz) / 86400)::bigint
WHERE certificate::json->>'not_after' IS NOT NULL;

CREATE INDEX instances_in_place_by_certificate_day ON instances (account_id, virtual_account, certificate_day)
    WHERE registered;
-- By the day, as instances_by_authorization_day: a report moves no entry but on the first of a day.
CREATE INDEX instances_in_place_by_authorization_day ON instances (account_id, virtual_account, authorization_day)
    WHERE authorization_day IS NOT NULL;
CREATE INDEX instances_uncounted ON instances (account_id, virtual_account, authorized_until) WHERE registered AND NOT counted;

CREATE INDEX pool_totals_short ON pool_totals (account_id, virtual_account, tag) WHERE short > 0;
CREATE INDEX lots_in_place_by_end ON lots (account_id, virtual_account, ends_at) WHERE ends_at IS NOT NULL;
CREATE INDEX lots_by_subscription
    ON lots (account_id, virtual_account, subscription_id, tag, quantity, starts_at, ends_at, order_id)
    WHERE subscription_id IS NOT NULL;
CREATE INDEX tokens_in_place_by_end ON tokens (account_id, virtual_account, expires_at) WHERE revoked_at IS NULL;
CREATE INDEX events_that_alert ON events (account_id, at) WHERE kind IN ('instance_cloned', 'instance_forced');
