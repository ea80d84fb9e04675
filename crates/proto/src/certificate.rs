//! The ID-certificate profile: what an ID certificate must hold, and reading one.
//!
//! Chains are verified elsewhere (crate `crypto`), and certificates are made by the manager's `ca`;
//! both follow the constants here.

use jiff::Timestamp;
use x509_parser::extensions::ExtendedKeyUsage;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::x509::AttributeTypeAndValue;

use crate::code::PublicPoint;
use crate::id::ProductInstanceId;

/// How long an ID certificate is valid, in days (behaviour.md, "Periods").
pub const ID_CERTIFICATE_DAYS: i64 = 365;
/// After how many days its renewal is first tried (behaviour.md, "Periods").
pub const ID_CERTIFICATE_RENEW_DAYS: i64 = 180;
/// Longest `CN` (RFC 5280, upper bound ub-common-name), in characters.
pub const COMMON_NAME_CHARS_MAX: usize = 64;

/// Extended key usages. One kind of key can't be used as another: an agent's certificate can't sign
/// an answer, and a TLS certificate can't sign anything.
pub mod extended_key_usage {
    /// `id-kp-clientAuth`, DER content octets: ID certificates of agents.
    pub const AGENT: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];
    /// `id-kp-documentSigning` (RFC 9336): the manager's message-signing certificate.
    pub const MANAGER: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x24];
}

/// The organizational unit in the subject of a root that was made for demonstration. Time lapse
/// works under such a root alone.
pub const DEMONSTRATION_UNIT: &str = "DEMONSTRATION ONLY";

/// What an ID certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdCertificate {
    /// Subject `serialNumber`.
    pub product_instance_id: ProductInstanceId,
    /// Subject `CN`.
    pub product: String,
    /// Certificate serial number, lower-case hexadecimal without leading zeros.
    pub serial: String,
    /// First second of validity.
    pub not_before: Timestamp,
    /// Last second of validity.
    pub not_after: Timestamp,
    /// DER SubjectPublicKeyInfo.
    pub public_key: Vec<u8>,
}

/// What a reservation certificate says: it signs authorization codes, and its key agrees with devices' keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReservationCertificate {
    /// DER SubjectPublicKeyInfo.
    pub public_key: Vec<u8>,
    /// The same key as a compressed point.
    pub public_point: PublicPoint,
    /// First second of validity.
    pub not_before: Timestamp,
    /// Last second of validity.
    pub not_after: Timestamp,
}

/// Why a certificate is not an ID certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCertificate {
    /// Not DER X.509; what the reader said is for the log.
    #[error("not a DER X.509 certificate")]
    Unreadable(String),
    /// A field of the profile is missing or wrong.
    #[error("the certificate's {0} does not follow the ID-certificate profile")]
    Profile(&'static str),
    /// A field of the reservation certificate's profile is missing or wrong.
    #[error("the certificate's {0} does not follow the profile of reservation certificates")]
    ReservationProfile(&'static str),
}

impl ReservationCertificate {
    /// Reads a DER certificate and checks the profile's fields: key usage `digitalSignature` and
    /// `keyAgreement` and no other (a certificate that signs answers has the first alone), extended key usage
    /// [`extended_key_usage::MANAGER`], a P-256 key. Says nothing about who signed it.
    pub fn from_der(der: &[u8]) -> Result<Self, InvalidCertificate> {
        use InvalidCertificate::ReservationProfile as Wrong;
        let (rest, certificate) =
            X509Certificate::from_der(der).map_err(|e| InvalidCertificate::Unreadable(e.to_string()))?;
        if !rest.is_empty() {
            return Err(InvalidCertificate::Unreadable("bytes after its end".into()));
        }
        let usage = certificate.key_usage().ok().flatten();
        if usage.is_none_or(|u| u.value.flags != SIGNATURE_AND_AGREEMENT) {
            return Err(Wrong("key usage"));
        }
        let extended = certificate.extended_key_usage().ok().flatten();
        let named = |usage: &ExtendedKeyUsage<'_>| matches!(usage.other.as_slice(), [oid] if oid.as_bytes() == extended_key_usage::MANAGER);
        if !extended.is_some_and(|usage| named(usage.value)) {
            return Err(Wrong("extended key usage"));
        }
        if certificate.is_ca() {
            return Err(Wrong("basic constraints"));
        }
        let public_key = certificate.public_key().raw.to_vec();
        let second = |t: x509_parser::time::ASN1Time, field| {
            Timestamp::from_second(t.timestamp()).map_err(|_| Wrong(field))
        };
        Ok(Self {
            public_point: PublicPoint::from_spki(&public_key).map_err(|_| Wrong("key"))?,
            public_key,
            not_before: second(certificate.validity().not_before, "notBefore")?,
            not_after: second(certificate.validity().not_after, "notAfter")?,
        })
    }
}

impl IdCertificate {
    /// Reads a DER certificate and checks the profile's fields. Says nothing about who signed it.
    pub fn from_der(der: &[u8]) -> Result<Self, InvalidCertificate> {
        let (rest, certificate) =
            X509Certificate::from_der(der).map_err(|e| InvalidCertificate::Unreadable(e.to_string()))?;
        if !rest.is_empty() {
            return Err(InvalidCertificate::Unreadable("bytes after its end".into()));
        }
        let usage = certificate.key_usage().ok().flatten();
        if usage.is_none_or(|u| u.value.flags != DIGITAL_SIGNATURE_ONLY) {
            return Err(InvalidCertificate::Profile("key usage"));
        }
        let extended = certificate.extended_key_usage().ok().flatten();
        if !extended.is_some_and(|u| client_auth_only(u.value)) {
            return Err(InvalidCertificate::Profile("extended key usage"));
        }
        if certificate.is_ca() {
            return Err(InvalidCertificate::Profile("basic constraints"));
        }
        let subject = certificate.subject();
        let common_name = sole(subject.iter_common_name())
            .filter(|cn| (1..=COMMON_NAME_CHARS_MAX).contains(&cn.chars().count()));
        let serial_number = sole(subject.iter_by_oid(&x509_parser::oid_registry::OID_X509_SERIALNUMBER));
        let second = |t: x509_parser::time::ASN1Time, field| {
            Timestamp::from_second(t.timestamp()).map_err(|_| InvalidCertificate::Profile(field))
        };
        Ok(Self {
            product_instance_id: serial_number
                .and_then(|s| s.parse().ok())
                .ok_or(InvalidCertificate::Profile("subject serialNumber"))?,
            product: common_name.ok_or(InvalidCertificate::Profile("subject CN"))?.to_owned(),
            serial: serial_text(certificate.raw_serial()),
            not_before: second(certificate.validity().not_before, "notBefore")?,
            not_after: second(certificate.validity().not_after, "notAfter")?,
            public_key: certificate.public_key().raw.to_vec(),
        })
    }
}

/// The key usage `digitalSignature` and no other, as x509-parser counts bits (RFC 5280, section 4.2.1.3).
const DIGITAL_SIGNATURE_ONLY: u16 = 1;
/// `digitalSignature` and `keyAgreement` and no other.
const SIGNATURE_AND_AGREEMENT: u16 = 1 | 1 << 4;

fn client_auth_only(usage: &ExtendedKeyUsage<'_>) -> bool {
    let others = usage.any
        || usage.server_auth
        || usage.code_signing
        || usage.email_protection
        || usage.time_stamping
        || usage.ocsp_signing
        || !usage.other.is_empty();
    usage.client_auth && !others
}

/// The text of the one attribute; nothing if there are none, several, or it is not text.
fn sole<'a>(mut attributes: impl Iterator<Item = &'a AttributeTypeAndValue<'a>>) -> Option<&'a str> {
    let only = attributes.next()?;
    if attributes.next().is_some() { None } else { only.as_str().ok() }
}

/// A certificate serial number's bytes as text: lower-case hexadecimal without leading zero bytes.
pub fn serial_text(bytes: &[u8]) -> String {
    let leading = bytes.iter().take_while(|&&byte| byte == 0).count();
    hex::encode(bytes.get(leading..).unwrap_or_default())
}
