//! Signed requests and answers as they come over the wire: whatever is read is written and read again as the same, and
//! so is the text that was signed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seatpool_proto::{Request, Response, SignedRequest, SignedResponse};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(envelope) = SignedRequest::from_bytes(bytes) {
        assert_eq!(SignedRequest::from_bytes(&envelope.to_bytes()), Ok(envelope.clone()));
        let _ = Request::from_text(&envelope.request);
    }
    if let Ok(envelope) = SignedResponse::from_bytes(bytes) {
        assert_eq!(SignedResponse::from_bytes(&envelope.to_bytes()), Ok(envelope.clone()));
        let _ = Response::from_text(&envelope.response);
    }
});
