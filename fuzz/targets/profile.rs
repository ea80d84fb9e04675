//! Files that people write: profiles, and the daemon's configuration.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seatpool_agent::Profile;
use seatpool_agentd::config::{Config, Flags};

fuzz_target!(|text: &str| {
    if let Ok(profile) = Profile::from_toml(text) {
        assert!(profile.license_type(&profile.default_license_type).is_some());
    }
    // That names a file, which would be read.
    if !text.contains("proxy_password_file") {
        let _ = Config::from_text(text, Flags::default());
    }
});
