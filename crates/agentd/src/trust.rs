//! Reading the trust anchors: PEM files of the vendor's roots, and of the operator's own for TLS.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use seatpool_crypto::Anchors;

use crate::transport::Trust;

/// Reads both lists. The vendor's may not be empty: no answer could be trusted.
pub fn read(trust_anchors: &[PathBuf], tls_anchors: &[PathBuf]) -> anyhow::Result<Trust> {
    let vendor = certificates(trust_anchors)?;
    for (file, certificate) in &vendor {
        check_root(file, certificate)?;
    }
    if vendor.is_empty() {
        bail!("no trust_anchors are set: name the PEM file with the vendor's root certificate");
    }
    let mut tls = RootCertStore::empty();
    for (file, certificate) in vendor.iter().chain(&certificates(tls_anchors)?) {
        tls.add(certificate.clone())
            .with_context(|| format!("a certificate in {} is not usable for TLS", file.display()))?;
    }
    let vendor = Anchors::new(vendor.iter().map(|(_, certificate)| certificate.to_vec()))
        .context("a trust anchor is not usable")?;
    Ok(Trust { vendor, tls: Arc::new(tls) })
}

/// Each certificate with the file that it was read from.
type Found<'a> = Vec<(&'a Path, CertificateDer<'static>)>;

fn certificates(files: &[PathBuf]) -> anyhow::Result<Found<'_>> {
    let mut all = Vec::new();
    for file in files {
        let found = read_file(file)?;
        if found.is_empty() {
            bail!("{} holds no PEM certificate", file.display());
        }
        all.extend(found.into_iter().map(|certificate| (file.as_path(), certificate)));
    }
    Ok(all)
}

/// A vendor's root is a CA that may sign certificates (RFC 5280, sections 4.2.1.3 and 4.2.1.9). Anything else
/// would be believed as it stands, and would vouch for nothing else.
fn check_root(file: &Path, der: &CertificateDer<'_>) -> anyhow::Result<()> {
    let unreadable = |error: &dyn core::fmt::Display| {
        anyhow::anyhow!("a certificate in {} can't be read: {error}", file.display())
    };
    let (_, certificate) = x509_parser::parse_x509_certificate(der).map_err(|error| unreadable(&error))?;
    let authority = certificate
        .basic_constraints()
        .map_err(|error| unreadable(&error))?
        .is_some_and(|found| found.value.ca);
    let signs = certificate
        .key_usage()
        .map_err(|error| unreadable(&error))?
        .is_none_or(|usage| usage.value.key_cert_sign());
    if authority && signs {
        return Ok(());
    }
    let for_tls = certificate
        .extended_key_usage()
        .map_err(|error| unreadable(&error))?
        .is_some_and(|usage| usage.value.server_auth);
    let what = match (authority, for_tls) {
        (true, _) => "an authority that may not sign certificates",
        (false, true) => "a TLS certificate",
        (false, false) => "a leaf certificate",
    };
    bail!(
        "{} in {} is not a vendor's root: it is {what}; name the vendor's root in trust_anchors (a manager keeps it as certificates/vendor-root.pem in its data directory)",
        certificate.subject(),
        file.display()
    )
}

fn read_file(file: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .map_err(|error| anyhow::anyhow!("the certificates in {} can't be read: {error}", file.display()))
}
