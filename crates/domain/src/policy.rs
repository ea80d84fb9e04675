//! Issuance policy: the periods that the manager decides.

use seatpool_proto::certificate::{ID_CERTIFICATE_DAYS, ID_CERTIFICATE_RENEW_DAYS};
use serde::{Deserialize, Serialize};

/// Periods in days of 24 hours (behaviour.md, "Periods").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Validity of an ID certificate.
    pub id_certificate_days: i64,
    /// When its renewal is first tried.
    pub id_certificate_renew_days: i64,
    /// How long an authorization lasts after a successful answer.
    pub authorization_days: i64,
    /// When it is renewed.
    pub authorization_renew_days: i64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            id_certificate_days: ID_CERTIFICATE_DAYS,
            id_certificate_renew_days: ID_CERTIFICATE_RENEW_DAYS,
            authorization_days: 90,
            authorization_renew_days: 30,
        }
    }
}
