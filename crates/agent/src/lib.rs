//! The Smart Agent's state machine, sans I/O.
