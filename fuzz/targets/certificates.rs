//! Certificates and chains. The input is a chain: each certificate behind its length in two bytes, leaf first.
#![no_main]

use std::sync::LazyLock;

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use seatpool_crypto::{Anchors, Purpose};
use seatpool_proto::certificate::serial_text;
use seatpool_proto::{IdCertificate, ReservationCertificate};

/// The root of the worked examples, whose chains are among the seeds.
static ROOT: LazyLock<Anchors> = LazyLock::new(|| {
    let page = include_str!("../../docs/protocol.md");
    let (_, rest) = page.split_once("pem certificate:root\n").expect("the page has a root");
    let pem = rest.split_once("\n```").expect("it ends").0;
    let path = std::env::temp_dir().join(format!("seatpool-fuzz-root-{}.pem", std::process::id()));
    std::fs::write(&path, pem).expect("a temporary file");
    let read = seatpool_agentd::trust::read(std::slice::from_ref(&path), &[]).expect("the page's root");
    let _ = std::fs::remove_file(path);
    read.vendor
});

fn chain(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut chain = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<2>() {
        let (der, rest) = rest.split_at(rest.len().min(usize::from(u16::from_be_bytes(*length))));
        chain.push(der.to_vec());
        bytes = rest;
    }
    chain
}

fuzz_target!(|bytes: &[u8]| {
    let chain = chain(bytes);
    for der in &chain {
        if let Ok(read) = IdCertificate::from_der(der) {
            assert!(read.not_before <= Timestamp::MAX && !read.public_key.is_empty());
        }
        if let Ok(read) = ReservationCertificate::from_der(der) {
            assert_eq!(read.public_point.to_string().parse(), Ok(read.public_point));
        }
        let _ = serial_text(der);
    }
    let now = Timestamp::from_second(1_795_305_600).expect("an instant of this age");
    for purpose in [Purpose::Agent, Purpose::Manager, Purpose::Reservation] {
        let _ = ROOT.verify(&chain, purpose, now);
    }
    if let Some((root, rest)) = chain.split_last()
        && let Ok(anchors) = Anchors::new([root.clone()])
    {
        let _ = anchors.verify(rest, Purpose::Reservation, now);
    }
});
