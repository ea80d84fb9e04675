//! Key and certificate files: how they are named, read and written.
//!
//! A file is written whole under another name, synced, and then takes its place, so that a crash leaves the
//! old one or the new one.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use seatpool_crypto::P256Key;
use zeroize::Zeroizing;

use super::CaError;

pub(super) const ROOT_KEY: &str = "root.key";
pub(super) const ISSUING_KEY: &str = "issuing.key";
pub(super) const SIGNING_KEY: &str = "signing.key";
pub(super) const RESERVATION_KEY: &str = "reservation.key";
pub(super) const TLS_KEY: &str = "tls.key";
pub(super) const TOKEN_KEY: &str = "token.key";
pub(super) const ROOT_CERTIFICATE: &str = "vendor-root.pem";
pub(super) const ISSUING_CERTIFICATE: &str = "issuing.pem";
pub(super) const SIGNING_CERTIFICATE: &str = "signing.pem";
pub(super) const RESERVATION_CERTIFICATE: &str = "reservation.pem";
pub(super) const TLS_CERTIFICATE: &str = "tls.pem";

fn file_error(path: &Path) -> impl Fn(std::io::Error) -> CaError + '_ {
    move |why| CaError::File { path: path.to_owned(), why }
}

fn contents(path: &Path, reason: impl ToString) -> CaError {
    CaError::Contents { path: path.to_owned(), reason: reason.to_string() }
}

/// Makes a directory with its parents.
pub(crate) fn make_dir(path: &Path, mode: u32) -> Result<(), CaError> {
    DirBuilder::new().recursive(true).mode(mode).create(path).map_err(file_error(path))
}

/// Writes a file that only its owner can read.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), CaError> {
    write(path, bytes, 0o600)
}

/// Writes a file in one step: whole or not at all.
pub(crate) fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), CaError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    let partial = path.with_file_name(name);
    let inner = || {
        // What a crash left behind may have another mode.
        match std::fs::remove_file(&partial) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&partial)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&partial, path)?;
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    inner().map_err(file_error(path))
}

pub(super) fn write_key(path: &Path, key: &P256Key) -> Result<(), CaError> {
    write_private(path, Zeroizing::new(pem("PRIVATE KEY", &key.to_pkcs8())).as_bytes())
}

/// Refuses a secret file that others than its owner may read; with `group`, its group may.
pub(super) fn must_be_private(path: &Path, group: bool) -> Result<(), CaError> {
    let mode = std::fs::metadata(path).map_err(file_error(path))?.permissions().mode() & 0o777;
    if mode & if group { 0o007 } else { 0o077 } == 0 {
        return Ok(());
    }
    let shown = path.display();
    Err(contents(path, format!("others can read this secret (mode {mode:04o}): `chmod 600 {shown}`")))
}

pub(super) fn read_key(path: &Path) -> Result<P256Key, CaError> {
    must_be_private(path, false)?;
    let der =
        PrivatePkcs8KeyDer::from_pem_file(path).map_err(|e| contents(path, format!("no PKCS#8 key: {e}")))?;
    P256Key::from_pkcs8(der.secret_pkcs8_der()).map_err(|e| contents(path, e))
}

pub(super) fn write_secret(path: &Path, secret: &[u8; 32]) -> Result<(), CaError> {
    write_private(path, Zeroizing::new(STANDARD.encode(secret)).as_bytes())
}

pub(super) fn read_secret(path: &Path) -> Result<Zeroizing<[u8; 32]>, CaError> {
    must_be_private(path, false)?;
    let text = Zeroizing::new(std::fs::read_to_string(path).map_err(file_error(path))?);
    let bytes =
        Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| contents(path, "not 32 bytes in base64"))?);
    let secret: [u8; 32] =
        bytes.as_slice().try_into().map_err(|_| contents(path, "not 32 bytes in base64"))?;
    Ok(Zeroizing::new(secret))
}

/// The first certificate of a PEM file, DER.
pub(super) fn read_certificate(path: &Path) -> Result<Vec<u8>, CaError> {
    let mut chain = read_certificates(path)?;
    Ok(chain.swap_remove(0))
}

/// All certificates of a PEM file, at least one, DER.
pub(super) fn read_certificates(path: &Path) -> Result<Vec<Vec<u8>>, CaError> {
    let chain: Vec<Vec<u8>> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|e| contents(path, format!("no PEM certificate: {e}")))?
        .into_iter()
        .map(|der| der.to_vec())
        .collect();
    if chain.is_empty() { Err(contents(path, "holds no PEM certificate")) } else { Ok(chain) }
}

/// Writes certificates, which everybody may read.
pub(super) fn replace_certificates(path: &Path, chain: &[&[u8]]) -> Result<(), CaError> {
    let text: String = chain.iter().map(|der| pem("CERTIFICATE", der)).collect();
    write(path, text.as_bytes(), 0o644)
}

/// PEM (RFC 7468): 64 base64 characters a line.
fn pem(label: &str, der: &[u8]) -> String {
    let text = Zeroizing::new(STANDARD.encode(der));
    let mut pem = format!("-----BEGIN {label}-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem + &format!("-----END {label}-----\n")
}
