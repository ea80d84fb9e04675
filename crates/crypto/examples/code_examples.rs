//! Makes the worked examples of the codes carried by hand in `docs/protocol.md`, under the page's published keys.
//!
//! ```sh
//! cargo run -p seatpool-crypto --example code_examples
//! ```
//! ECDSA signatures are random, so every run changes the authorization codes: run it only when a code's shape
//! changed, and commit what it writes. Tests read the page; they never run this.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a tool for developers: it may stop with a panic"
)]

use std::fmt::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, Issuer, KeyPair, KeyUsagePurpose,
    SerialNumber,
};
use rustls_pki_types::PrivatePkcs8KeyDer;
use seatpool_crypto::{P256Key, P256ReservationKey};
use seatpool_proto::code::{
    AuthorizationCode, CodeFacts, ConfirmationCode, Entitlement, Grant, RequestCode, ReservationKey as _,
    ReservationKind, ReturnCode, Returned,
};
use seatpool_proto::{Quantity, Udi};

const BEGIN: &str = "<!-- code examples begin: written by the example code_examples of crates/crypto -->\n";
const END: &str = "<!-- code examples end -->";

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| core::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn unpem(pem: &str) -> Vec<u8> {
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    STANDARD.decode(body).unwrap()
}

fn main() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let fixtures = workspace.join("crates/proto/tests/fixtures");
    let fixture = |name: &str| unpem(&std::fs::read_to_string(fixtures.join(name)).unwrap());
    let kept = |name: &str| {
        let path = fixtures.join(name);
        if !path.exists() {
            std::fs::write(&path, pem("PRIVATE KEY", &P256Key::generate().unwrap().to_pkcs8())).unwrap();
        }
        P256Key::from_pkcs8(&fixture(name)).unwrap()
    };
    let (device, manager) = (kept("keys/device.pem"), kept("keys/reservation.pem"));
    let issuing = fixture("certificates/issuing.pem");
    let chain = vec![certificate(&manager, &fixture("keys/issuing.pem")), issuing];
    let (device_key, manager_key) =
        (P256ReservationKey::of(&device).unwrap(), P256ReservationKey::of(&manager).unwrap());

    let uuid = "564d0f2c-6f8e-4f3e-9d6a-2b7c1e0a9b51".to_owned();
    let request = RequestCode {
        udi: Udi::new("UCM", "edb16", Some(uuid)).unwrap(),
        kind: ReservationKind::Specific,
        public_key: device_key.public_point(),
        nonce: *b"\x00\x01\x02\x03\x04\x05\x06\x07",
    };
    let authorize = |sequence, count| {
        let grant = grant(sequence, count);
        let (udi, digest) = (request.udi.clone(), request.digest());
        AuthorizationCode::issue(grant, udi, digest, &manager, chain.clone()).unwrap()
    };
    let (first, update) = (authorize(1_795_305_600_000, 3), authorize(1_795_392_000_000, 5));
    let facts = CodeFacts {
        udi: request.udi.clone(),
        request: request.digest(),
        sequence: update.grant.sequence,
        device: request.public_key,
        manager: manager_key.public_point(),
    };
    let confirmation = ConfirmationCode::make(&facts, &device_key).unwrap();
    let returned = ReturnCode::make(&facts, Returned::Whole, &device_key).unwrap();
    let unused = ReturnCode::make(&facts, Returned::Change, &device_key).unwrap();

    let mut text = String::from(BEGIN);
    for (name, key) in [("device", &device), ("reservation", &manager)] {
        let key = pem("PRIVATE KEY", &key.to_pkcs8());
        writeln!(text, "\nPrivate key `{name}`, PKCS#8:\n\n```pem code-key:{name}\n{key}```").unwrap();
    }
    let blocks = [
        ("The request code, and the SHA-256 of its line", "request", request.to_string()),
        ("", "request-sha256", request.digest().to_string()),
        ("The same to be read aloud", "request-spoken", request.to_spoken()),
        ("The first authorization code, in its wrapper", "first", first.to_text()),
        ("Its update", "update", update.to_text()),
        ("The update's confirmation code, and to be read aloud", "confirmation", confirmation.to_string()),
        ("", "confirmation-spoken", confirmation.to_spoken()),
        ("The return code after the update, and to be read aloud", "return", returned.to_string()),
        ("", "return-spoken", returned.to_spoken()),
        (
            "The return code if the update's code had never been installed",
            "return-unused",
            unused.to_string(),
        ),
    ];
    for (title, name, content) in blocks {
        let title = if title.is_empty() { String::new() } else { format!("\n{title}:\n") };
        writeln!(text, "{title}\n```text code:{name}\n{content}\n```").unwrap();
    }
    text.push('\n');
    let path = workspace.join("docs/protocol.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the page marks where the examples begin");
    let (_, after) = rest.split_once(END).expect("the page marks where the examples end");
    std::fs::write(&path, format!("{before}{text}{END}{after}")).unwrap();
}

fn grant(sequence: u64, count: u64) -> Grant {
    Grant {
        kind: ReservationKind::Specific,
        product_instance_id: "019ab2c0-8a10-7000-8000-0000000000a3".parse().unwrap(),
        sequence,
        entitlements: vec![Entitlement {
            tag: "UCM_ENHANCED".parse().unwrap(),
            count: Quantity::of(count),
            start: Some("2026-Nov-22 UTC".parse().unwrap()),
            end: Some("2029-Nov-22 UTC".parse().unwrap()),
            license_type: "TERM".to_owned(),
            display_name: "UC Manager Enhanced".to_owned(),
            tag_description: "Enhanced users & devices".to_owned(),
            subscription_id: "Sub-1".to_owned(),
        }],
    }
}

fn certificate(key: &P256Key, issuing_key: &[u8]) -> Vec<u8> {
    let issuing_key = PrivatePkcs8KeyDer::from(issuing_key.to_vec());
    let issuing_key =
        KeyPair::from_pkcs8_der_and_sign_algo(&issuing_key, &rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    // As protocol_examples made it: the name and the key are all that a certificate takes from its issuer.
    let mut issuing = CertificateParams::default();
    issuing.distinguished_name = DistinguishedName::new();
    issuing.distinguished_name.push(DnType::OrganizationName, "Example Vendor");
    issuing.distinguished_name.push(DnType::CommonName, "Example Vendor Issuing 1");
    let issuer = Issuer::from_params(&issuing, issuing_key);
    let own = PrivatePkcs8KeyDer::from(key.to_pkcs8().to_vec());
    let own = KeyPair::from_pkcs8_der_and_sign_algo(&own, &rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Example Manager");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyAgreement];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Other(vec![1, 3, 6, 1, 5, 5, 7, 3, 36])];
    params.use_authority_key_identifier_extension = true;
    params.not_before = rcgen::date_time_ymd(2026, 6, 1);
    params.not_after = rcgen::date_time_ymd(2028, 5, 31);
    params.serial_number = Some(SerialNumber::from_slice(&[0x5e, 0xa7, 0x90, 0x01, 0x0c]));
    params.signed_by(&own, &issuer).unwrap().der().to_vec()
}
