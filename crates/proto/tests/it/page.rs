//! The tables of docs/protocol.md are those of the code.
