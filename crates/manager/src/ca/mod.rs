//! Every signing key of the manager, and everything that is signed with one.
//!
//! Keys come from `DATA_DIR/keys` (mode 0700, files 0600) and never leave this module: others ask for a
//! certificate, a signed answer, a token's text, a sealed secret or a TLS resolver.

mod create;
mod files;
mod profile;
mod reservation;
mod seal;
mod tls;
mod token;

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use seatpool_crypto::{Anchors, P256Key};
use seatpool_domain::instance::PendingCertificate;
use seatpool_proto::certificate::DEMONSTRATION_UNIT;
use seatpool_proto::{AccountId, ProductInstanceId, SignedResponse, TokenId};
use zeroize::Zeroizing;

pub use create::{NewCa, create};
pub(crate) use files::{make_dir, write, write_private};
pub use tls::TlsCertificate;
pub use token::InvalidToken;

use crate::clock::Clock;
use crate::config::Config;
use profile::{Issuer, Start};

/// Why the manager's keys or certificates can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CaError {
    /// There is no manager in the directory.
    #[error("{0} holds no manager: make one with `seatpool init`, or name its directory with --data-dir")]
    NotInitialised(PathBuf),
    /// There already is something where `init` would write.
    #[error(
        "{0} exists already, and init never overwrites: choose another directory, or remove it if it holds nothing of value"
    )]
    Exists(PathBuf),
    /// A file can't be read or written.
    #[error("{path}: {why}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        why: std::io::Error,
    },
    /// A file's contents are not what they must be.
    #[error("{path}: {reason}")]
    Contents {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A key did not sign.
    #[error("{0} could not be signed: {1}")]
    Signing(&'static str, String),
    /// What was kept can't be read.
    #[error("{0} was not sealed by this manager, or was altered")]
    Sealed(&'static str),
}

/// The manager's keys. Cheap to clone.
#[derive(Clone)]
pub struct Ca(Arc<Inner>);

struct Inner {
    clock: Clock,
    certificates_dir: PathBuf,
    root_certificate: Vec<u8>,
    /// Absent when the operator took it off the machine; then the issuing certificate can't be renewed here.
    root_key: Option<P256Key>,
    issuing_key: P256Key,
    signing_key: P256Key,
    /// Absent only where an earlier release's directory is looked at without being changed.
    reservation_key: Option<reservation::Keys>,
    token_key: Zeroizing<[u8; 32]>,
    sealer: seal::Sealer,
    anchors: Anchors,
    chains: RwLock<Chains>,
    tls: Arc<TlsCertificate>,
}

/// Certificates that are renewed while the manager runs.
#[derive(Clone)]
struct Chains {
    issuing: Vec<u8>,
    signing: Vec<u8>,
    reservation: Vec<u8>,
}

impl Ca {
    /// Reads the keys and certificates of a data directory, and renews those of its own that are due.
    pub fn open(config: &Config, clock: Clock) -> Result<Self, CaError> {
        let ca = Self::complete(config, clock)?;
        ca.renew(config)?;
        Ok(ca)
    }

    /// What is there, with the reservation key that a directory of an earlier release lacks.
    fn complete(config: &Config, clock: Clock) -> Result<Self, CaError> {
        let ca = Self::read(config, clock)?;
        if ca.0.reservation_key.is_some() {
            return Ok(ca);
        }
        let issuing = ca.chains().issuing;
        let issuer = Issuer { certificate: &issuing, key: &ca.0.issuing_key };
        let (keys, certificates) = (config.keys_dir(), config.certificates_dir());
        create::reservation(&issuer, config.name(), Start::by(clock), &keys, &certificates)?;
        Self::read(config, clock)
    }

    fn read(config: &Config, clock: Clock) -> Result<Self, CaError> {
        if !config.keys_dir().is_dir() {
            return Err(CaError::NotInitialised(config.data_dir.clone()));
        }
        let (keys, certificates) = (config.keys_dir(), config.certificates_dir());
        let root_path = certificates.join(files::ROOT_CERTIFICATE);
        let root_certificate = files::read_certificate(&root_path)?;
        let anchors = Anchors::new([root_certificate.clone()])
            .map_err(|e| CaError::Contents { path: root_path, reason: e.to_string() })?;
        let root_key_path = keys.join(files::ROOT_KEY);
        let reservation_key = reservation::Keys::read(&keys)?;
        let chains = Chains {
            reservation: match reservation_key {
                Some(_) => files::read_certificate(&certificates.join(files::RESERVATION_CERTIFICATE))?,
                None => Vec::new(),
            },
            issuing: files::read_certificate(&certificates.join(files::ISSUING_CERTIFICATE))?,
            signing: files::read_certificate(&certificates.join(files::SIGNING_CERTIFICATE))?,
        };
        let token_key = files::read_secret(&keys.join(files::TOKEN_KEY))?;
        let sealer = seal::Sealer::derive(&token_key);
        Ok(Self(Arc::new(Inner {
            clock,
            root_certificate,
            root_key: root_key_path.exists().then(|| files::read_key(&root_key_path)).transpose()?,
            issuing_key: files::read_key(&keys.join(files::ISSUING_KEY))?,
            signing_key: files::read_key(&keys.join(files::SIGNING_KEY))?,
            reservation_key,
            sealer: sealer
                .ok_or_else(|| CaError::Signing("the sign-in secrets' key", "derivation".into()))?,
            token_key,
            anchors,
            chains: RwLock::new(chains),
            tls: Arc::new(TlsCertificate::open(config)?),
            certificates_dir: certificates,
        })))
    }

    /// Whether everything that [`Ca::open`] needs is there and usable; changes nothing.
    pub fn check(config: &Config) -> Result<(), CaError> {
        Self::read(config, Clock::default()).map(|_| ())
    }

    /// The vendor's roots, against which agents' chains are verified.
    pub fn anchors(&self) -> &Anchors {
        &self.0.anchors
    }

    /// The vendor root's certificate, DER.
    pub fn root_certificate(&self) -> &[u8] {
        &self.0.root_certificate
    }

    /// The server certificate that TLS connections get; swapped in place when it is renewed.
    pub fn tls(&self) -> Arc<TlsCertificate> {
        Arc::clone(&self.0.tls)
    }

    /// A token's text, as administrators copy it. Always the same for the same token.
    pub fn token_text(&self, account: AccountId, token: TokenId) -> String {
        token::text(&self.0.token_key, account, token)
    }

    /// The account and token that a text stands for, if this manager made it. Says nothing about whether
    /// the token still exists or may be used.
    pub fn read_token(&self, text: &str) -> Result<(AccountId, TokenId), InvalidToken> {
        token::read(&self.0.token_key, text)
    }

    /// Encrypts a small secret for one purpose.
    pub fn seal(&self, purpose: &str, secret: &[u8]) -> Result<String, CaError> {
        self.0.sealer.seal(purpose, secret).ok_or_else(|| CaError::Signing("a secret", "encryption".into()))
    }

    /// Opens what [`Ca::seal`] made for this purpose; none if it is anything else.
    pub fn unseal(&self, purpose: &str, sealed: &str) -> Option<Zeroizing<Vec<u8>>> {
        self.0.sealer.unseal(purpose, sealed)
    }

    /// Signs an answer's text with the message-signing key and adds its chain.
    pub fn sign_response(&self, text: String) -> Result<SignedResponse, CaError> {
        let chains = self.chains();
        SignedResponse::sign(text, &self.0.signing_key, vec![chains.signing, chains.issuing])
            .map_err(|e| CaError::Signing("an answer", e.to_string()))
    }

    /// Signs the ID certificate that `pending` intends; the chain, leaf first, root left out.
    ///
    /// The intent was committed before, so that no certificate exists that the manager does not know of.
    pub fn issue(
        &self,
        pending: &PendingCertificate,
        instance: ProductInstanceId,
        product: &str,
        account_domain: &str,
    ) -> Result<Vec<Vec<u8>>, CaError> {
        let issuing = self.chains().issuing;
        let leaf = profile::id_certificate(
            &Issuer { certificate: &issuing, key: &self.0.issuing_key },
            pending,
            instance,
            product,
            account_domain,
        )?;
        Ok(vec![leaf, issuing])
    }

    /// Renews each certificate of the manager's own that is in the last third of its validity, and takes up
    /// an operator's TLS certificate whose files changed. What was renewed, in words.
    pub fn renew(&self, config: &Config) -> Result<Vec<&'static str>, CaError> {
        let now = self.0.clock.now();
        let start = Start::by(self.0.clock);
        let mut renewed = Vec::new();
        let Chains { mut issuing, mut signing, mut reservation } = self.chains();
        if let Some(root_key) = &self.0.root_key
            && profile::is_in_last_third(&issuing, now)?
        {
            let root = Issuer { certificate: &self.0.root_certificate, key: root_key };
            issuing = profile::issuing_certificate(&root, &self.0.issuing_key, config.name(), start)?;
            files::replace_certificates(
                &self.0.certificates_dir.join(files::ISSUING_CERTIFICATE),
                &[&issuing],
            )?;
            renewed.push("issuing certificate");
        }
        let issuer = Issuer { certificate: &issuing, key: &self.0.issuing_key };
        if profile::is_in_last_third(&signing, now)? {
            signing = profile::signing_certificate(&issuer, &self.0.signing_key, config.name(), start)?;
            files::replace_certificates(
                &self.0.certificates_dir.join(files::SIGNING_CERTIFICATE),
                &[&signing],
            )?;
            renewed.push("message-signing certificate");
        }
        if let Some(keys) = &self.0.reservation_key
            && profile::is_in_last_third(&reservation, now)?
        {
            reservation = profile::reservation_certificate(&issuer, keys.signing(), config.name(), start)?;
            files::replace_certificates(
                &self.0.certificates_dir.join(files::RESERVATION_CERTIFICATE),
                &[&reservation],
            )?;
            renewed.push("reservation certificate");
        }
        let names_changed = self.0.tls.names_differ(config);
        if config.tls.is_none() && (names_changed || profile::is_in_last_third(&self.0.tls.leaf(), now)?) {
            self.0.tls.renew(config, &issuer, start)?;
            renewed.push("TLS certificate");
        }
        if self.0.tls.reload_operators(config)? {
            renewed.push("operator's TLS certificate");
        }
        *self.0.chains.write().unwrap_or_else(PoisonError::into_inner) =
            Chains { issuing, signing, reservation };
        Ok(renewed)
    }

    /// The last second of each certificate in use, by name: for the metrics.
    pub fn expiries(&self) -> Result<Vec<(&'static str, Timestamp)>, CaError> {
        let chains = self.chains();
        [
            ("vendor_root", self.0.root_certificate.clone()),
            ("issuing", chains.issuing),
            ("signing", chains.signing),
            ("reservation", chains.reservation),
            ("tls", self.0.tls.leaf()),
        ]
        .into_iter()
        .map(|(name, der)| Ok((name, profile::validity(&der)?.1)))
        .collect()
    }

    fn chains(&self) -> Chains {
        self.0.chains.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Whether the vendor root of a data directory was made for demonstration.
pub fn is_demonstration(data_dir: &Path) -> Result<bool, CaError> {
    let path = data_dir.join("certificates").join(files::ROOT_CERTIFICATE);
    if !path.exists() {
        return Err(CaError::NotInitialised(data_dir.to_owned()));
    }
    let der = files::read_certificate(&path)?;
    let (_, certificate) = x509_parser::parse_x509_certificate(&der)
        .map_err(|e| CaError::Contents { path, reason: e.to_string() })?;
    Ok(certificate.subject().iter_organizational_unit().any(|unit| unit.as_str() == Ok(DEMONSTRATION_UNIT)))
}
