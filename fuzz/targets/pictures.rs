//! Codes in numbered parts for QR pictures: any text can be cut and put together again, in any order; any lines may
//! come as parts. The first byte of the input says how small the parts are.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seatpool_proto::code::picture;

fuzz_target!(|input: (u8, &str)| {
    let (small, text) = input;
    let lines: Vec<&str> = text.lines().collect();
    let _ = picture::joined(lines.iter().copied());
    let _ = lines.iter().map(|line| picture::is_part(line)).count();
    // Codes are ASCII without line breaks, and begin and end with a visible character.
    let text: String = text.chars().filter(|c| c.is_ascii() && !c.is_ascii_control()).collect();
    let text = text.trim();
    // Long runs of spaces stand in no code, and a part of nothing else can't be told from an empty one.
    if !text.starts_with('<') || text.contains(&" ".repeat(20)) {
        return;
    }
    let mut parts = picture::parts_of(text, usize::from(small) + 60);
    if parts.len() > 1 {
        assert!(parts.iter().all(|part| picture::is_part(part)));
        // As somebody scans them: backwards, one twice, with what a terminal leaves around them.
        parts.reverse();
        parts.push(format!("  {}\r", parts[0]));
    }
    assert_eq!(picture::joined(parts.iter().map(String::as_str)).as_deref(), Ok(text));
});
