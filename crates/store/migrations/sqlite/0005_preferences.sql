-- What a person prefers, and which of the portal's forms were sent. Both belong to the directory.

CREATE TABLE preferences (
    user_id TEXT NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    time_zone TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- A digest of the session's secret and of all that the form held. No answer: it is being worked on, or the manager was
-- stopped while it was.
CREATE TABLE forms_sent (
    digest TEXT NOT NULL PRIMARY KEY,
    sent_at INTEGER NOT NULL,
    answer TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX forms_sent_by_time ON forms_sent (sent_at);
