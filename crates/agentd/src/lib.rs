//! The agent's shell: transport, disk, keys, clock, local socket and the license command line.
