//! The TLS server certificate, swapped in place when it is renewed.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::extensions::GeneralName;

use super::profile::{Issuer, Start};
use super::{CaError, files, profile};
use crate::config::Config;

/// The certificate and key that TLS connections get.
#[derive(Debug)]
pub struct TlsCertificate {
    certificate_file: PathBuf,
    key_file: PathBuf,
    current: RwLock<Arc<CertifiedKey>>,
}

impl TlsCertificate {
    /// Reads the operator's files, or the manager's own.
    pub(super) fn open(config: &Config) -> Result<Self, CaError> {
        let (certificate_file, key_file) = match &config.tls {
            Some(tls) => (tls.certificate.clone(), tls.key.clone()),
            None => (
                config.certificates_dir().join(files::TLS_CERTIFICATE),
                config.keys_dir().join(files::TLS_KEY),
            ),
        };
        let current = RwLock::new(Arc::new(read(&certificate_file, &key_file)?));
        Ok(Self { certificate_file, key_file, current })
    }

    /// The leaf in use, DER.
    pub fn leaf(&self) -> Vec<u8> {
        self.current().cert.first().map(|der| der.to_vec()).unwrap_or_default()
    }

    /// Whether the manager's own certificate is for other names than the configuration has.
    pub(super) fn names_differ(&self, config: &Config) -> bool {
        if config.tls.is_some() || config.names.is_empty() {
            return false;
        }
        let leaf = self.leaf();
        let Ok((_, certificate)) = x509_parser::parse_x509_certificate(&leaf) else { return true };
        let mut names: Vec<String> = match certificate.subject_alternative_name() {
            Ok(Some(extension)) => extension.value.general_names.iter().filter_map(name_text).collect(),
            _ => Vec::new(),
        };
        let mut wanted = config.names.clone();
        names.sort();
        wanted.sort();
        names != wanted
    }

    /// Issues the manager's own certificate anew, for the same key, and takes it up.
    pub(super) fn renew(&self, config: &Config, issuer: &Issuer<'_>, start: Start) -> Result<(), CaError> {
        let key = files::read_key(&self.key_file)?;
        let names = if config.names.is_empty() { vec!["localhost".to_owned()] } else { config.names.clone() };
        let leaf = profile::tls_certificate(issuer, &key, &names, start)?;
        files::replace_certificates(&self.certificate_file, &[&leaf, issuer.certificate])?;
        self.swap(read(&self.certificate_file, &self.key_file)?);
        Ok(())
    }

    /// Takes up the operator's certificate if its files hold another one now.
    pub(super) fn reload_operators(&self, config: &Config) -> Result<bool, CaError> {
        if config.tls.is_none() {
            return Ok(false);
        }
        let now = read(&self.certificate_file, &self.key_file)?;
        if now.cert == self.current().cert {
            return Ok(false);
        }
        self.swap(now);
        Ok(true)
    }

    fn current(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn swap(&self, to: CertifiedKey) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(to);
    }
}

impl ResolvesServerCert for TlsCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

/// Reads a chain and its key and checks that they belong together.
fn read(certificate_file: &Path, key_file: &Path) -> Result<CertifiedKey, CaError> {
    let chain: Vec<CertificateDer<'static>> =
        files::read_certificates(certificate_file)?.into_iter().map(CertificateDer::from).collect();
    // An operator's key may be shared with other servers through a group, as on Debian's ssl-cert.
    files::must_be_private(key_file, true)?;
    let wrong = |reason: String| CaError::Contents { path: key_file.to_owned(), reason };
    let der =
        PrivateKeyDer::from_pem_file(key_file).map_err(|e| wrong(format!("no PEM private key: {e}")))?;
    let key = any_supported_type(&der).map_err(|e| wrong(format!("not a usable private key: {e}")))?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        // Some kinds of key can't tell; the handshake then does.
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => Ok(certified),
        Err(e) => Err(wrong(format!("it is not the key of {}: {e}", certificate_file.display()))),
    }
}

fn name_text(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|b| std::net::Ipv4Addr::from(b).to_string()),
            16 => <[u8; 16]>::try_from(*bytes).ok().map(|b| std::net::Ipv6Addr::from(b).to_string()),
            _ => None,
        },
        _ => None,
    }
}
