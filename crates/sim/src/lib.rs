//! Reference model, simulated world, load generator and benchmarks.
