//! What the manager's certificates say (proto::certificate holds the ID-certificate profile's constants).
//!
//! | certificate | issuer | validity | usage |
//! |---|---|---|---|
//! | vendor root | itself | 20 years | CA, at most two CAs below it |
//! | issuing | root | 5 years | CA, no CA below it |
//! | message signing | issuing | 2 years | `documentSigning` |
//! | reservation | issuing | 2 years | `documentSigning`, with key agreement |
//! | TLS server | issuing | 397 days | `serverAuth` |
//! | ID | issuing | 365 days, by the policy | `clientAuth` |

use core::time::Duration;
use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, DnValue, ExtendedKeyUsagePurpose, IsCa,
    KeyUsagePurpose, PublicKeyData, SanType, SerialNumber, SignatureAlgorithm, SigningKey,
};
use rustls_pki_types::CertificateDer;
use seatpool_crypto::P256Key;
use seatpool_domain::instance::PendingCertificate;
use seatpool_proto::certificate::{COMMON_NAME_CHARS_MAX, DEMONSTRATION_UNIT};
use seatpool_proto::{ProductInstanceId, Sha256, Signer as _};

use super::CaError;
use crate::clock::{Clock, certificate_serial};

const ROOT_DAYS: i64 = 20 * 365;
const ISSUING_DAYS: i64 = 5 * 365;
const SIGNING_DAYS: i64 = 2 * 365;
/// CA/Browser Forum Baseline Requirements, section 6.3.2: at most 398 days, of which one is kept in hand.
const TLS_DAYS: i64 = 397;
/// RFC 5280, appendix A.1: ub-organization-name.
const ORGANIZATION_CHARS_MAX: usize = 64;
/// `id-kp-documentSigning` (RFC 9336).
const DOCUMENT_SIGNING: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 3, 36];
/// `id-at-serialNumber` (X.520).
const SERIAL_NUMBER: &[u64] = &[2, 5, 4, 5];
/// Bytes of a P-256 SubjectPublicKeyInfo before its point.
const SPKI_PREFIX_BYTES: usize = 26;

/// When a certificate of the manager's own begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    not_before: Timestamp,
    now: Timestamp,
}

impl Start {
    /// Now, with its first second an hour back, so that a peer whose clock is a little behind accepts it; by the
    /// machine's own clock where that is behind a sped-up one, so that browsers accept it, too.
    pub(super) fn by(clock: Clock) -> Self {
        let now = clock.now();
        let earlier = now.min(clock.real());
        Self { not_before: earlier.checked_sub(SignedDuration::from_hours(1)).unwrap_or(earlier), now }
    }
}

/// A certificate with the key that signs under it.
pub(super) struct Issuer<'a> {
    pub(super) certificate: &'a [u8],
    pub(super) key: &'a P256Key,
}

/// A P-256 public key, DER SubjectPublicKeyInfo, as rcgen takes it.
struct PublicKey<'a>(&'a [u8]);

impl PublicKeyData for PublicKey<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0.get(SPKI_PREFIX_BYTES..).unwrap_or_default()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

/// A private key as rcgen takes it.
struct Key<'a>(&'a P256Key);

impl PublicKeyData for Key<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0.public_key().get(SPKI_PREFIX_BYTES..).unwrap_or_default()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

impl SigningKey for Key<'_> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.0.sign(message).map_err(|_| rcgen::Error::RemoteKeyError)
    }
}

/// A self-signed vendor root.
pub(super) fn root_certificate(
    key: &P256Key,
    manager: &str,
    start: Start,
    demonstration: bool,
) -> Result<Vec<u8>, CaError> {
    let mut name = authority_name("Seatpool Vendor Root", key, manager);
    if demonstration {
        name.push(DnType::OrganizationalUnitName, DEMONSTRATION_UNIT);
    }
    let mut params = authority(name, 2);
    params.use_authority_key_identifier_extension = false;
    valid_for(&mut params, start, ROOT_DAYS);
    params.serial_number = Some(new_serial());
    params.self_signed(&Key(key)).map(|c| c.der().to_vec()).map_err(failed("the vendor root"))
}

/// The issuing CA's certificate.
pub(super) fn issuing_certificate(
    root: &Issuer<'_>,
    key: &P256Key,
    manager: &str,
    start: Start,
) -> Result<Vec<u8>, CaError> {
    let mut params = authority(authority_name("Seatpool Issuing CA", key, manager), 0);
    valid_for(&mut params, start, ISSUING_DAYS);
    sign(params, key.public_key(), root, "the issuing certificate")
}

/// The message-signing certificate.
pub(super) fn signing_certificate(
    issuer: &Issuer<'_>,
    key: &P256Key,
    manager: &str,
    start: Start,
) -> Result<Vec<u8>, CaError> {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, shorten(manager, COMMON_NAME_CHARS_MAX));
    let mut params = leaf(name, ExtendedKeyUsagePurpose::Other(DOCUMENT_SIGNING.to_vec()));
    valid_for(&mut params, start, SIGNING_DAYS);
    sign(params, key.public_key(), issuer, "the message-signing certificate")
}

/// The certificate under which authorization codes are signed, and whose key agrees with devices' keys.
pub(super) fn reservation_certificate(
    issuer: &Issuer<'_>,
    key: &P256Key,
    manager: &str,
    start: Start,
) -> Result<Vec<u8>, CaError> {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, shorten(manager, COMMON_NAME_CHARS_MAX));
    let mut params = leaf(name, ExtendedKeyUsagePurpose::Other(DOCUMENT_SIGNING.to_vec()));
    params.key_usages.push(KeyUsagePurpose::KeyAgreement);
    valid_for(&mut params, start, SIGNING_DAYS);
    sign(params, key.public_key(), issuer, "the reservation certificate")
}

/// The TLS server certificate for `names` (DNS names and IP addresses).
pub(super) fn tls_certificate(
    issuer: &Issuer<'_>,
    key: &P256Key,
    names: &[String],
    start: Start,
) -> Result<Vec<u8>, CaError> {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, "Seatpool manager");
    if let Some(first) = names.first().filter(|first| first.chars().count() <= COMMON_NAME_CHARS_MAX) {
        name.push(DnType::CommonName, first.as_str());
    }
    let mut params = leaf(name, ExtendedKeyUsagePurpose::ServerAuth);
    params.subject_alt_names = names
        .iter()
        .map(|name| match name.parse::<IpAddr>() {
            Ok(address) => Ok(SanType::IpAddress(address)),
            Err(_) => name.as_str().try_into().map(SanType::DnsName),
        })
        .collect::<Result<_, _>>()
        .map_err(failed("the TLS certificate"))?;
    valid_for(&mut params, start, TLS_DAYS);
    sign(params, key.public_key(), issuer, "the TLS certificate")
}

/// An ID certificate as `pending` intends it.
pub(super) fn id_certificate(
    issuer: &Issuer<'_>,
    pending: &PendingCertificate,
    instance: ProductInstanceId,
    product: &str,
    account_domain: &str,
) -> Result<Vec<u8>, CaError> {
    const WHAT: &str = "the ID certificate";
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, shorten(account_domain, ORGANIZATION_CHARS_MAX));
    name.push(DnType::CommonName, shorten(product, COMMON_NAME_CHARS_MAX));
    let number = instance.to_string().as_str().try_into().map_err(failed(WHAT))?;
    name.push(DnType::CustomDnType(SERIAL_NUMBER.to_vec()), DnValue::PrintableString(number));
    let mut params = leaf(name, ExtendedKeyUsagePurpose::ClientAuth);
    valid_between(&mut params, pending.record.not_before, pending.record.not_after);
    params.serial_number = Some(read_serial(&pending.record.serial)?);
    sign(params, &pending.public_key, issuer, WHAT)
}

/// First and last second of a certificate.
pub(super) fn validity(der: &[u8]) -> Result<(Timestamp, Timestamp), CaError> {
    let invalid = |reason: String| CaError::Signing("a certificate", reason);
    let (_, certificate) =
        x509_parser::parse_x509_certificate(der).map_err(|e| invalid(format!("it can't be read: {e}")))?;
    let second = |time: x509_parser::time::ASN1Time| {
        Timestamp::from_second(time.timestamp()).map_err(|e| invalid(e.to_string()))
    };
    let validity = certificate.validity();
    Ok((second(validity.not_before)?, second(validity.not_after)?))
}

/// Whether two thirds of a certificate's validity have passed.
pub(super) fn is_in_last_third(der: &[u8], now: Timestamp) -> Result<bool, CaError> {
    let (from, until) = validity(der)?;
    Ok(now.duration_since(from) * 3 >= until.duration_since(from) * 2)
}

/// A name that no other authority has: it ends in the first 32 bits of the key's SHA-256. A chain to another
/// manager's root is then told as one to an unknown root, and not as a forged one.
fn authority_name(what: &str, key: &P256Key, manager: &str) -> DistinguishedName {
    let hash = Sha256::of(key.public_key()).to_string();
    let common_name = format!("{what} {}", &hash[..8]);
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, shorten(manager, ORGANIZATION_CHARS_MAX));
    name.push(DnType::CommonName, common_name);
    name
}

fn authority(name: DistinguishedName, path_length: u8) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = name;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(path_length));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = true;
    params
}

fn leaf(name: DistinguishedName, usage: ExtendedKeyUsagePurpose) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = name;
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![usage];
    params.use_authority_key_identifier_extension = true;
    params
}

fn sign(
    mut params: CertificateParams,
    public_key: &[u8],
    issuer: &Issuer<'_>,
    what: &'static str,
) -> Result<Vec<u8>, CaError> {
    if params.serial_number.is_none() {
        params.serial_number = Some(new_serial());
    }
    let issuer = rcgen::Issuer::from_ca_cert_der(&CertificateDer::from(issuer.certificate), Key(issuer.key))
        .map_err(failed(what))?;
    params.signed_by(&PublicKey(public_key), &issuer).map(|c| c.der().to_vec()).map_err(failed(what))
}

fn valid_for(params: &mut CertificateParams, start: Start, days: i64) {
    let until = start.now.checked_add(SignedDuration::from_hours(24 * days)).unwrap_or(Timestamp::MAX);
    valid_between(params, start.not_before, until);
}

/// Whole seconds, as X.509 has them. Instants before 1970 don't occur.
fn valid_between(params: &mut CertificateParams, from: Timestamp, until: Timestamp) {
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let since_epoch = |t: Timestamp| Duration::from_secs(u64::try_from(t.as_second()).unwrap_or(0));
    params.not_before = epoch + since_epoch(from);
    params.not_after = epoch + since_epoch(until);
}

fn new_serial() -> SerialNumber {
    SerialNumber::from_slice(&certificate_serial())
}

fn read_serial(hex: &str) -> Result<SerialNumber, CaError> {
    let wrong = || CaError::Signing("the ID certificate", format!("{hex:?} is no serial number"));
    if !hex.is_ascii() || hex.is_empty() {
        return Err(wrong());
    }
    let even = if hex.len().is_multiple_of(2) { hex.to_owned() } else { format!("0{hex}") };
    let bytes: Option<Vec<u8>> = even
        .as_bytes()
        .chunks(2)
        .map(|pair| core::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect();
    bytes.map(|bytes| SerialNumber::from_slice(&bytes)).ok_or_else(wrong)
}

/// At most `most` characters, and at least one (RFC 5280: an attribute is never empty).
fn shorten(text: &str, most: usize) -> String {
    let text: String = text.trim().chars().filter(|c| !c.is_control()).take(most).collect();
    let text = text.trim_end();
    if text.is_empty() { "unnamed".to_owned() } else { text.to_owned() }
}

fn failed(what: &'static str) -> impl Fn(rcgen::Error) -> CaError {
    move |e| CaError::Signing(what, e.to_string())
}
