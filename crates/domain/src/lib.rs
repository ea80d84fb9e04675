//! The manager's decisions: accounts, pools, lots, tokens, registration, compliance, sans I/O.
