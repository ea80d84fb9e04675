-- What ends when, by licence: alerts count and list it. Declarations may be longer than an index takes.
DROP INDEX lots_in_place_by_end;
CREATE INDEX lots_in_place_by_end ON lots (account_id, virtual_account, ends_at, tag, quantity)
    WHERE ends_at IS NOT NULL AND quantity > 0;
