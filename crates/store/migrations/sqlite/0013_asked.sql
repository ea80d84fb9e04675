-- What an order's line or a renewal asked for, as JSON: by it the same one again is known from another one.
ALTER TABLE lot_transactions ADD COLUMN asked TEXT;
