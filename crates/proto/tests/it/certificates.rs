//! The ID-certificate profile, against certificates that break it in one way each.

use seatpool_proto::IdCertificate;
use seatpool_proto::certificate::{InvalidCertificate, serial_text};

use crate::sample::certificate;

#[test]
fn an_id_certificate_is_read() {
    let read = IdCertificate::from_der(&certificate("agent-1")).unwrap();
    assert_eq!(read.product_instance_id.to_string(), "019ab2c0-8a10-7000-8000-0000000000a1");
    assert_eq!(read.product, "Unified CCX");
    assert_eq!(read.serial, "5ea790010000000000000000000000ca");
    assert_eq!(read.not_before.to_string(), "2026-11-22T00:00:00Z");
    assert_eq!(read.not_after.to_string(), "2027-11-21T23:59:59Z");
    assert_eq!(read.public_key.len(), 91);
}

#[test]
fn what_breaks_the_profile_is_refused_with_the_field() {
    let cases = [
        ("faulty-server-too", "extended key usage"),
        ("faulty-any-usage", "extended key usage"),
        ("faulty-no-usage", "extended key usage"),
        ("signing", "extended key usage"),
        ("faulty-encipherment", "key usage"),
        ("issuing", "key usage"),
        ("faulty-authority", "basic constraints"),
        ("faulty-no-instance", "subject serialNumber"),
        ("faulty-foreign-instance", "subject serialNumber"),
        ("faulty-long-name", "subject CN"),
        ("faulty-no-name", "subject CN"),
    ];
    for (name, field) in cases {
        let refused = IdCertificate::from_der(&certificate(name)).unwrap_err();
        assert_eq!(refused, InvalidCertificate::Profile(field), "{name}");
    }
}

#[test]
fn bytes_after_the_end_and_missing_bytes_are_refused() {
    let der = certificate("agent-1");
    let longer = [der.as_slice(), &[0]].concat();
    for bytes in [&longer[..], &der[..der.len() - 1], &[]] {
        assert!(matches!(IdCertificate::from_der(bytes), Err(InvalidCertificate::Unreadable(_))));
    }
}

#[test]
fn serial_numbers_are_written_without_leading_zeros() {
    for (bytes, text) in [(&[0, 0x0a, 0xff][..], "0aff"), (&[0x80], "80"), (&[0], ""), (&[], "")] {
        assert_eq!(serial_text(bytes), text);
    }
}
