-- What ends when, without reading the lots: alerts count and list it by licence and end.
DROP INDEX lots_in_place_by_end;
CREATE INDEX lots_in_place_by_end ON lots (account_id, virtual_account, ends_at, tag, quantity, declaration)
    WHERE ends_at IS NOT NULL AND quantity > 0;

-- All lots in the order in which people look at them, with what they are searched by.
DROP INDEX lots_listed;
CREATE INDEX lots_listed ON lots (account_id, virtual_account, ends_at, starts_at, id, tag, order_id, subscription_id);
