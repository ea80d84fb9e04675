//! The command lines of `license` and `seatpool-agentd`, one word a line, and the addresses that they are given.
#![no_main]

use clap::Parser as _;
use libfuzzer_sys::fuzz_target;
use seatpool_agentd::cli::{License, sftp_argument};
use seatpool_agentd::config::Flags;
use seatpool_agentd::transport::Destination;

fuzz_target!(|text: &str| {
    let words: Vec<&str> = text.lines().collect();
    let named = |name| std::iter::once(name).chain(words.iter().copied());
    let _ = License::try_parse_from(named("license"));
    let _ = Flags::try_parse_from(named("seatpool-agentd"));
    for word in &words {
        let _ = Destination::parse(word);
        // It becomes an argument of another program: never an option, never two.
        if let Ok(argument) = sftp_argument(word) {
            assert!(!argument.starts_with('-') && argument.contains(':'), "{argument:?}");
            assert!(!argument.contains(['\n', '\r', '*', '?', '"']), "{argument:?}");
        }
    }
});
