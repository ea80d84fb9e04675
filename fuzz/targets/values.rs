//! The small values that stand in all of it: what is read is printed and read again as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seatpool_proto::code::{CodeDate, PublicPoint};
use seatpool_proto::{AccountId, Family, Nonce, Sha256, Tag, TimeLapse, Udi};

macro_rules! round_trips {
    ($text:expr, $($kind:ty),*) => {$(
        if let Ok(value) = $text.parse::<$kind>() {
            let printed = value.to_string();
            assert_eq!(printed.parse::<$kind>().ok(), Some(value), "{printed:?}");
        }
    )*};
}

fuzz_target!(|text: &str| {
    round_trips!(text, Tag, Family, Nonce, Sha256, TimeLapse, AccountId, CodeDate, PublicPoint);
    let mut fields = text.split('\n').map(str::to_owned);
    if let (Some(pid), Some(sn)) = (fields.next(), fields.next())
        && let Ok(udi) = Udi::new(pid, sn, fields.next())
    {
        let printed = serde_json::to_string(&udi).expect("a UDI can be written");
        assert_eq!(serde_json::from_str::<Udi>(&printed).ok(), Some(udi));
    }
});
