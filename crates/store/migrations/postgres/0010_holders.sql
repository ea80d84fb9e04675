-- Who holds export-restricted features or waits for them, and what came back from reservations lately.
CREATE INDEX instances_with_exports ON instances (account_id) WHERE exports <> '[]' AND ended_at IS NULL;
CREATE INDEX events_of_returns ON events (account_id, at) WHERE kind IN ('reservation_returned', 'reservation_rehosted');
