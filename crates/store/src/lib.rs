//! The manager's facts on SQLite and PostgreSQL behind one interface.
