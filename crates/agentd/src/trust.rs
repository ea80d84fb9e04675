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
    if vendor.is_empty() {
        bail!("no trust_anchors are set: name the PEM file with the vendor's root certificate");
    }
    let mut tls = RootCertStore::empty();
    for certificate in vendor.iter().chain(&certificates(tls_anchors)?) {
        tls.add(certificate.clone()).context("a trust anchor is not usable for TLS")?;
    }
    let vendor = Anchors::new(vendor.iter().map(|certificate| certificate.to_vec()))
        .context("a trust anchor is not usable")?;
    Ok(Trust { vendor, tls: Arc::new(tls) })
}

fn certificates(files: &[PathBuf]) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let mut all = Vec::new();
    for file in files {
        let found = read_file(file)?;
        if found.is_empty() {
            bail!("{} holds no PEM certificate", file.display());
        }
        all.extend(found);
    }
    Ok(all)
}

fn read_file(file: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .map_err(|error| anyhow::anyhow!("the certificates in {} can't be read: {error}", file.display()))
}
