//! The request code, on its line and in groups to be read aloud.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seatpool_proto::code::RequestCode;

fuzz_target!(|text: &str| {
    let Ok(code) = text.parse::<RequestCode>() else { return };
    let line = code.to_string();
    assert_eq!(line.parse().as_ref(), Ok(&code));
    assert_eq!(code.to_spoken().parse().as_ref(), Ok(&code), "as it was read aloud");
    assert!(line.bytes().all(|byte| byte.is_ascii_graphic()), "one line that can be copied: {line:?}");
    // Any single wrong character is noticed.
    if let Some(at) = text.bytes().position(|byte| byte.is_ascii_alphanumeric()) {
        let at = (at * 31 + text.len()) % line.len();
        let mut wrong = line.into_bytes();
        wrong[at] = if wrong[at] == b'x' { b'y' } else { b'x' };
        let wrong = String::from_utf8(wrong).expect("ASCII");
        assert!(wrong.parse::<RequestCode>().is_err(), "{wrong:?} was taken for a code");
    }
});
