//! The texts that are signed: requests of agents, answers of managers.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seatpool_proto::limits::TEXT_BYTES_MAX;
use seatpool_proto::{Request, Response};

fuzz_target!(|text: &str| {
    match Request::from_text(text) {
        Ok(request) => assert_eq!(Request::from_text(&request.to_text()), Ok(request)),
        Err(refused) => assert!(!refused.detail.is_empty() && refused.detail.len() <= TEXT_BYTES_MAX),
    }
    if let Ok(response) = Response::from_text(text) {
        assert_eq!(Response::from_text(&response.to_text()).ok(), Some(response));
    }
});
