-- People, programs and their ways in: invitations, second factors, single sign-on, sessions that can be told apart,
-- scopes and rotated secrets of clients, what an account demands.

ALTER TABLE accounts ADD COLUMN second_factor_required INTEGER NOT NULL DEFAULT 0 CHECK (second_factor_required IN (0, 1));
ALTER TABLE accounts ADD COLUMN password_grant INTEGER NOT NULL DEFAULT 0 CHECK (password_grant IN (0, 1));

-- An empty password_hash: none.
ALTER TABLE users ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN status TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'disabled'));
ALTER TABLE users ADD COLUMN must_change_password INTEGER NOT NULL DEFAULT 0 CHECK (must_change_password IN (0, 1));
ALTER TABLE users ADD COLUMN sessions_from INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN second_factor TEXT;
ALTER TABLE users ADD COLUMN recovery_codes TEXT NOT NULL DEFAULT '[]';
ALTER TABLE users ADD COLUMN invitation TEXT;
ALTER TABLE users ADD COLUMN subject TEXT;
-- The last time step whose code was used: no code is taken twice. Beside the ledger's columns, which never touch it.
ALTER TABLE users ADD COLUMN totp_step INTEGER NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX users_by_subject ON users (subject) WHERE subject IS NOT NULL;

ALTER TABLE clients ADD COLUMN scopes TEXT NOT NULL DEFAULT '["read","inventory","tokens","orders","admin"]';
ALTER TABLE clients ADD COLUMN previous_secret_hash TEXT;
ALTER TABLE clients ADD COLUMN previous_secret_until INTEGER;
ALTER TABLE clients ADD COLUMN deleted_at INTEGER;

ALTER TABLE access_tokens ADD COLUMN user_id TEXT REFERENCES users (id) ON DELETE CASCADE;
ALTER TABLE access_tokens ADD COLUMN scopes TEXT NOT NULL DEFAULT '["read","inventory","tokens","orders","admin"]';

ALTER TABLE sessions ADD COLUMN stage TEXT NOT NULL DEFAULT 'signed_in' CHECK (stage IN ('signed_in', 'second_factor', 'new_password', 'enrolment'));
ALTER TABLE sessions ADD COLUMN last_seen_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN browser TEXT;
UPDATE sessions SET last_seen_at = created_at;
CREATE INDEX sessions_by_user ON sessions (user_id, created_at);
