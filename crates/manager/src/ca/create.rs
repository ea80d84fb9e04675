//! Makes a manager's keys and certificates, once.

use std::path::Path;

use seatpool_crypto::{P256Key, random_bytes};
use zeroize::Zeroizing;

use super::profile::{Issuer, Start};
use super::{CaError, files, profile};
use crate::clock::Clock;
use crate::config::Config;

/// What is to be made.
#[derive(Clone, Copy, Debug)]
pub struct NewCa<'a> {
    /// Names, TLS files and the data directory.
    pub config: &'a Config,
    /// Whether the root is marked as made for demonstration, which permits time lapse.
    pub demonstration: bool,
}

/// Makes all keys and certificates of a new manager. Never overwrites: refuses if there are any.
pub fn create(new: &NewCa<'_>) -> Result<(), CaError> {
    let config = new.config;
    let (keys, certificates) = (config.keys_dir(), config.certificates_dir());
    for dir in [&keys, &certificates] {
        if dir.exists() {
            return Err(CaError::Exists(dir.clone()));
        }
    }
    // Only whole directories appear under their names.
    let (keys_partial, certificates_partial) =
        (config.data_dir.join("keys.partial"), config.data_dir.join("certificates.partial"));
    for dir in [&keys_partial, &certificates_partial] {
        if dir.exists() {
            std::fs::remove_dir_all(dir).map_err(|why| CaError::File { path: dir.clone(), why })?;
        }
    }
    files::make_dir(&config.data_dir, 0o700)?;
    files::make_dir(&keys_partial, 0o700)?;
    files::make_dir(&certificates_partial, 0o755)?;
    fill(new, &keys_partial, &certificates_partial)?;
    for (partial, whole) in [(&certificates_partial, &certificates), (&keys_partial, &keys)] {
        std::fs::rename(partial, whole).map_err(|why| CaError::File { path: whole.clone(), why })?;
    }
    Ok(())
}

fn fill(new: &NewCa<'_>, keys: &Path, certificates: &Path) -> Result<(), CaError> {
    let (config, start) = (new.config, Start::by(Clock::default()));
    let root_key = new_key("the vendor root's key")?;
    let root = profile::root_certificate(&root_key, config.name(), start, new.demonstration)?;
    files::write_key(&keys.join(files::ROOT_KEY), &root_key)?;
    files::replace_certificates(&certificates.join(files::ROOT_CERTIFICATE), &[&root])?;

    let issuing_key = new_key("the issuing key")?;
    let root_issuer = Issuer { certificate: &root, key: &root_key };
    let issuing = profile::issuing_certificate(&root_issuer, &issuing_key, config.name(), start)?;
    files::write_key(&keys.join(files::ISSUING_KEY), &issuing_key)?;
    files::replace_certificates(&certificates.join(files::ISSUING_CERTIFICATE), &[&issuing])?;

    let issuer = Issuer { certificate: &issuing, key: &issuing_key };
    let signing_key = new_key("the message-signing key")?;
    let signing = profile::signing_certificate(&issuer, &signing_key, config.name(), start)?;
    files::write_key(&keys.join(files::SIGNING_KEY), &signing_key)?;
    files::replace_certificates(&certificates.join(files::SIGNING_CERTIFICATE), &[&signing])?;

    reservation(&issuer, config.name(), start, keys, certificates)?;

    // Made even if the operator brings one, so that it can be dropped later.
    let tls_key = new_key("the TLS key")?;
    let tls = profile::tls_certificate(&issuer, &tls_key, &config.names, start)?;
    files::write_key(&keys.join(files::TLS_KEY), &tls_key)?;
    files::replace_certificates(&certificates.join(files::TLS_CERTIFICATE), &[&tls, &issuing])?;

    files::write_secret(&keys.join(files::TOKEN_KEY), &Zeroizing::new(random_bytes()))
}

/// Makes the reservation key and its certificate where they are missing: a manager of an earlier release has
/// none. The certificate comes first, since the key alone tells that both are there.
pub(super) fn reservation(
    issuer: &Issuer<'_>,
    manager: &str,
    start: Start,
    keys: &Path,
    certificates: &Path,
) -> Result<(), CaError> {
    if keys.join(files::RESERVATION_KEY).exists() {
        return Ok(());
    }
    let key = new_key("the reservation key")?;
    let certificate = profile::reservation_certificate(issuer, &key, manager, start)?;
    files::replace_certificates(&certificates.join(files::RESERVATION_CERTIFICATE), &[&certificate])?;
    files::write_key(&keys.join(files::RESERVATION_KEY), &key)
}

fn new_key(what: &'static str) -> Result<P256Key, CaError> {
    P256Key::generate().map_err(|e| CaError::Signing(what, e.to_string()))
}
