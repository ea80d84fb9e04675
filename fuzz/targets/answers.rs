//! Confirmation and return codes, as they are written and as they are read aloud. What one is taken for, no other is.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seatpool_proto::code::{ConfirmationCode, RequestCode, ReturnCode};

fuzz_target!(|text: &str| {
    let confirmation = text.parse::<ConfirmationCode>();
    let returned = text.parse::<ReturnCode>();
    let request = text.parse::<RequestCode>();
    let taken = [confirmation.is_ok(), returned.is_ok(), request.is_ok()];
    assert!(taken.iter().filter(|taken| **taken).count() <= 1, "{text:?} is several codes");
    if let Ok(code) = confirmation {
        assert_eq!(code.to_string().parse(), Ok(code));
        assert_eq!(code.to_spoken().parse(), Ok(code), "as it was read aloud");
    }
    if let Ok(code) = returned {
        assert_eq!(code.to_string().parse(), Ok(code));
        assert_eq!(code.to_spoken().parse(), Ok(code), "as it was read aloud");
    }
});
