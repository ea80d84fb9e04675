//! P-256 keys and certificate chains: the one implementation behind the protocol's signing and verifying traits.
