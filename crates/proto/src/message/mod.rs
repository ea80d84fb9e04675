//! The messages: what a request asks and what an answer says, as JSON texts.
//!
//! Fields are written in the order of these structs and without white space, so that the same
//! message always is the same bytes. Unknown fields are ignored on reading.

mod check;
mod request;
mod response;

pub use request::{
    AuthorizationRequest, ExportFeature, FamilyUsage, IdCertificateRenewalRequest, Interval, Product,
    Registration, Request, RequestBody, RequestHeader, TagUsage, TierUsage,
};
pub use response::{
    Authorization, AuthorizationStatus, Deregistered, ExportAuthorized, ExportEnd, ExportReturned, Home,
    IssuedCertificate, Refusal, Registered, Response, ResponseBody, TagAnswer, TagComing, TagExplanation,
    TagStatus,
};

/// The version of the protocol that this crate speaks.
pub const VERSION: u32 = 1;

/// Bytes in JSON as base64 (RFC 4648, section 4, with padding).
pub mod base64_bytes {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize as _, Deserializer, Serializer};

    /// Writes `bytes` as base64.
    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    /// Reads base64.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map_err(serde::de::Error::custom)
    }

    /// A list of byte strings.
    pub mod list {
        use base64::Engine as _;
        use base64::engine::general_purpose::STANDARD;
        use serde::{Deserialize as _, Deserializer, Serializer};

        /// Writes each item as base64.
        pub fn serialize<S: Serializer>(items: &[Vec<u8>], serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq(items.iter().map(|bytes| STANDARD.encode(bytes)))
        }

        /// Reads a list of base64 texts.
        pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<u8>>, D::Error> {
            Vec::<String>::deserialize(deserializer)?
                .into_iter()
                .map(|text| STANDARD.decode(text).map_err(serde::de::Error::custom))
                .collect()
        }
    }
}
