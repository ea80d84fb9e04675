//! Signing and sending what the agent polls out, and saying what came of it.

use seatpool_agent::{Answer, ContactFailure, FailureKind, SigningKey, Transmit, Transport};
use seatpool_proto::message::{IssuedCertificate, Registered};
use seatpool_proto::{
    IdCertificate, ProductInstanceId, Request, RequestBody, Response, ResponseBody, SignedRequest,
};
use zeroize::Zeroizing;

use crate::config::Config;
use crate::disk::Keys;
use crate::transport::{Destination, Failure, Instants, Proxy, Timeouts, Trust, contact, unbracketed};

/// Signs a request with the keys that it names.
pub(super) fn sign(transmit: &Transmit, keys: &mut Keys) -> Result<Vec<u8>, ContactFailure> {
    let failed = |detail: String| ContactFailure::new(FailureKind::Key, detail);
    let mut key =
        |signing: &SigningKey| keys.key(&signing.key.to_string()).map_err(|error| failed(error.to_string()));
    let signer = key(&transmit.signing)?;
    let text = transmit.request.to_text();
    let mut signed = SignedRequest::sign(text, &*signer, transmit.signing.certificates.clone())
        .map_err(|error| failed(error.to_string()))?;
    if let Some(second) = &transmit.co_signing {
        let signer = key(second)?;
        signed = signed
            .co_sign(&*signer, second.certificates.clone())
            .map_err(|error| failed(error.to_string()))?;
    }
    Ok(signed.to_bytes())
}

/// Where a contact goes: the agent's transport settings, and the configuration where they are silent.
pub(super) struct Route {
    destination: Destination,
    proxy: Option<Proxy>,
}

impl Route {
    pub(super) fn new(transport: &Transport, config: &Config) -> Result<Self, ContactFailure> {
        let Some(url) = transport.url.as_ref().or(config.manager_url.as_ref()) else {
            let detail = "no manager's URL is set: say `license smart url https://…`, or set manager_url in the configuration";
            return Err(ContactFailure::new(FailureKind::Connect, detail));
        };
        let destination = Destination::parse(url).map_err(|failure| explain(&failure))?;
        let proxy = transport.proxy.as_ref().map(|proxy| Proxy {
            host: unbracketed(&proxy.host).to_owned(),
            port: proxy.port,
            credentials: match (&proxy.user, &proxy.password) {
                (Some(user), password) => {
                    let password = password.as_ref().map(|secret| secret.0.clone()).unwrap_or_default();
                    Some((user.clone(), Zeroizing::new(password)))
                }
                (None, _) => config.proxy_credentials.clone(),
            },
        });
        Ok(Self { destination, proxy })
    }
}

/// Sends signed bytes and waits for the verified answer.
pub(super) async fn send(
    transmit: Transmit,
    route: Route,
    body: Vec<u8>,
    trust: Trust,
    instants: Instants,
) -> Result<Answer, ContactFailure> {
    let timeouts = Timeouts::default();
    let verified = contact(&route.destination, route.proxy.as_ref(), body, &trust, instants, &timeouts)
        .await
        .map_err(|failure| explain(&failure))?;
    check_issued(&transmit.request, &verified.response)
        .map_err(|detail| ContactFailure::new(FailureKind::BadAnswer, detail))?;
    Ok(Answer {
        request_id: transmit.request.request_id,
        text_hash: verified.text_hash,
        response: verified.response,
    })
}

/// A certificate that comes with the answer must be for the key that was sent, and for the product instance that
/// the answer (to a registration) or the request (a renewal) names: with any other, nothing that is signed from
/// here on would be taken. Whether the answer fits the request otherwise is the agent's to say.
fn check_issued(request: &Request, response: &Response) -> Result<(), String> {
    match (&request.body, &response.body) {
        (
            RequestBody::Registration(asked),
            ResponseBody::Registration(Registered { product_instance_id, certificate, .. }),
        ) => check_certificate(certificate, &asked.public_key, Some(*product_instance_id)),
        (RequestBody::IdCertificateRenewal(asked), ResponseBody::IdCertificateRenewal(certificate)) => {
            check_certificate(certificate, &asked.public_key, request.product_instance_id)
        }
        _ => Ok(()),
    }
}

fn check_certificate(
    issued: &IssuedCertificate,
    public_key: &[u8],
    instance: Option<ProductInstanceId>,
) -> Result<(), String> {
    let leaf = issued.certificates.first().ok_or("it holds no certificate")?;
    let read = IdCertificate::from_der(leaf).map_err(|error| format!("its ID certificate: {error}"))?;
    if read.public_key != public_key {
        return Err("its ID certificate is for another key than the one that was sent".into());
    }
    if Some(read.product_instance_id) != instance {
        let wanted = instance.map_or("this one".to_owned(), |instance| instance.to_string());
        return Err(format!(
            "its ID certificate is for the product instance {}, not {wanted}",
            read.product_instance_id
        ));
    }
    Ok(())
}

/// A transport failure in the agent's terms.
fn explain(failure: &Failure) -> ContactFailure {
    let kind = match failure {
        Failure::Name { .. } => FailureKind::Dns,
        Failure::Address(_) | Failure::Connect { .. } | Failure::Lost { .. } => FailureKind::Connect,
        Failure::ProxyRefused { .. } | Failure::ProxyProtocol { .. } => FailureKind::ProxyRefused,
        Failure::ProxyCredentials { .. } => FailureKind::ProxyAuthentication,
        Failure::TlsName { .. } => FailureKind::TlsName,
        Failure::TlsTrust { .. } => FailureKind::TlsTrust,
        Failure::TlsTime { .. } | Failure::Clock { .. } => FailureKind::Clock,
        Failure::Tls { .. } => FailureKind::Tls,
        Failure::Http { .. } => FailureKind::HttpStatus,
        Failure::NotAnAnswer { .. } | Failure::TooLarge { .. } => FailureKind::BadAnswer,
        Failure::Signature { .. } => FailureKind::BadSignature,
        Failure::Timeout { .. } => FailureKind::Timeout,
    };
    ContactFailure::new(kind, failure.to_string())
}
