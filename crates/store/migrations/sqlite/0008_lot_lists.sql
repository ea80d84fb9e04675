-- All lots of an account in the order in which people look at them, without reading the lots.
CREATE INDEX lots_listed ON lots (account_id, virtual_account, ends_at, starts_at, id);

-- What customers declared: few among many.
CREATE INDEX lots_declared ON lots (account_id, created_at DESC, id) WHERE declaration IS NOT NULL;
