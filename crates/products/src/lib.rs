//! Reference products: small real programs, each limited by its agent.
