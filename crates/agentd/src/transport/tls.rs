//! TLS to the manager: its certificate must lead to an anchor, be in its time and name the URL's host,
//! and a refusal says which of these failed, with the values at fault.

use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, InvalidMessage, RootCertStore,
    SignatureScheme,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{Destination, Failure, Instants};

/// Negotiates TLS and verifies the manager's certificate under `roots`.
pub(super) async fn negotiate(
    stream: TcpStream,
    destination: &Destination,
    roots: &Arc<RootCertStore>,
    instants: Instants,
) -> Result<TlsStream<TcpStream>, Failure> {
    let failed = |reason: String| Failure::Tls { host: destination.authority(), reason };
    let name = ServerName::try_from(destination.host.clone()).map_err(|_| {
        Failure::Address(format!("{:?} is neither a host name nor an address", destination.host))
    })?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let inner = WebPkiServerVerifier::builder_with_provider(Arc::clone(roots), Arc::clone(&provider))
        .build()
        .map_err(|error| failed(error.to_string()))?;
    let verifier =
        Arc::new(Explaining { inner, instants, host: destination.host.clone(), why: Mutex::new(None) });
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&verifier) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    match TlsConnector::from(Arc::new(config)).connect(name, stream).await {
        Ok(stream) => Ok(stream),
        Err(error) => {
            let why = verifier.why.lock().unwrap_or_else(PoisonError::into_inner).take();
            Err(why.unwrap_or_else(|| failed(reason(&error))))
        }
    }
}

fn reason(error: &std::io::Error) -> String {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(Error::InvalidMessage(InvalidMessage::InvalidContentType)) => {
            "this port does not speak TLS: check the port".into()
        }
        _ => error.to_string(),
    }
}

/// The standard verifier, which remembers why it refused. It accepts a certificate that is in its time
/// by the machine's clock or by the agent's estimate: a clock set back, or a boot in the far future that
/// the estimate still remembers, must not lock out the very answer that corrects it.
#[derive(Debug)]
struct Explaining {
    inner: Arc<WebPkiServerVerifier>,
    instants: Instants,
    host: String,
    why: Mutex<Option<Failure>>,
}

impl Explaining {
    fn explain(&self, error: &Error, chain: &[CertificateDer<'_>]) -> Option<Failure> {
        let Error::InvalidCertificate(error) = error else { return None };
        let now = self.instants.local;
        Some(match error {
            CertificateError::NotValidForNameContext { presented, .. } => {
                Failure::TlsName { wanted: self.host.clone(), presented: names(presented) }
            }
            CertificateError::NotValidForName => {
                Failure::TlsName { wanted: self.host.clone(), presented: "another".into() }
            }
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                Failure::TlsTrust { issuer: chain.last().map_or_else(|| "nobody".into(), issuer) }
            }
            CertificateError::ExpiredContext { not_after, .. } => {
                Failure::TlsTime { what: format!("ended on {}", day(*not_after)), now }
            }
            CertificateError::Expired => Failure::TlsTime { what: "has ended".into(), now },
            CertificateError::NotValidYetContext { not_before, .. } => {
                Failure::TlsTime { what: format!("begins only on {}", day(*not_before)), now }
            }
            CertificateError::NotValidYet => Failure::TlsTime { what: "is not valid yet".into(), now },
            other => Failure::Tls {
                host: self.host.clone(),
                reason: format!("the certificate is not usable: {other}"),
            },
        })
    }
}

impl ServerCertVerifier for Explaining {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verify = |at: Timestamp| {
            self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, unix(at))
        };
        let first = verify(self.instants.local);
        let timely = |error: &Error| {
            matches!(
                error,
                Error::InvalidCertificate(
                    CertificateError::Expired
                        | CertificateError::ExpiredContext { .. }
                        | CertificateError::NotValidYet
                        | CertificateError::NotValidYetContext { .. }
                )
            )
        };
        let result = match first {
            Err(error) if timely(&error) => verify(self.instants.estimate).map_err(|_| error),
            other => other,
        };
        if let Err(error) = &result {
            let chain: Vec<_> = core::iter::once(end_entity).chain(intermediates).cloned().collect();
            *self.why.lock().unwrap_or_else(PoisonError::into_inner) = self.explain(error, &chain);
        }
        result
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

fn unix(at: Timestamp) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(at.as_second()).unwrap_or(0)))
}

fn day(at: UnixTime) -> String {
    i64::try_from(at.as_secs())
        .ok()
        .and_then(|second| Timestamp::from_second(second).ok())
        .map_or_else(|| "an unreadable date".into(), |at| at.to_string())
}

/// The names of a certificate, from webpki's `DnsName("a.example")` and `IpAddress(127.0.0.1)`.
fn names(presented: &[String]) -> String {
    let plain = |name: &String| {
        let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(name);
        inner.trim_matches('"').to_owned()
    };
    if presented.is_empty() {
        "no name at all".into()
    } else {
        presented.iter().map(plain).collect::<Vec<_>>().join(", ")
    }
}

fn issuer(certificate: &CertificateDer<'_>) -> String {
    x509_parser::parse_x509_certificate(certificate)
        .map_or_else(|_| "an unreadable issuer".into(), |(_, certificate)| certificate.issuer().to_string())
}
