//! The provider's side: discovery, its keys, the exchange of a code. It is asked over TLS alone, follows no
//! redirect, and what it answers is bounded.

use core::time::Duration;
use std::error::Error as _;
use std::sync::Arc;
use std::time::Instant;

use jsonwebtoken::jwk::JwkSet;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use super::OidcError;
use crate::clock::monotonic;
use crate::config::Oidc;
use crate::percent::encode;

/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Largest answer, in bytes.
const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// How long what was discovered is believed.
const FRESH: Duration = Duration::from_hours(1);
/// How often keys are asked for anew because a token names one that is not known.
const KEYS_EVERY: Duration = Duration::from_secs(30);

/// A single sign-on provider.
#[derive(Clone, Debug)]
pub struct Provider(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: Oidc,
    known: Mutex<Option<Known>>,
}

#[derive(Clone, Debug)]
struct Known {
    metadata: Metadata,
    keys: JwkSet,
    since: Instant,
}

/// What the provider says of itself (OpenID Connect Discovery 1.0, section 3).
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Metadata {
    issuer: String,
    pub(super) authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

#[derive(Deserialize)]
struct TokenAnswer {
    id_token: Option<String>,
}

#[derive(Deserialize)]
struct TokenRefusal {
    error: String,
    #[serde(default)]
    error_description: String,
}

impl Provider {
    pub(crate) fn new(config: Oidc) -> Self {
        Self(Arc::new(Inner { config, known: Mutex::default() }))
    }

    pub(super) fn config(&self) -> &Oidc {
        &self.0.config
    }

    /// What the provider says of itself.
    pub(super) async fn metadata(&self) -> Result<Metadata, OidcError> {
        Ok(self.known(FRESH).await?.metadata)
    }

    /// Its keys; with `anew`, such as it has now.
    pub(super) async fn keys(&self, anew: bool) -> Result<JwkSet, OidcError> {
        Ok(self.known(if anew { KEYS_EVERY } else { FRESH }).await?.keys)
    }

    async fn known(&self, fresh: Duration) -> Result<Known, OidcError> {
        let mut known = self.0.known.lock().await;
        if let Some(known) = known.as_ref().filter(|known| known.since.elapsed() < fresh) {
            return Ok(known.clone());
        }
        let http = self.http()?;
        let issuer = self.config().issuer.trim_end_matches('/');
        let metadata: Metadata = read(http.get(format!("{issuer}/.well-known/openid-configuration"))).await?;
        if metadata.issuer != self.config().issuer {
            return Err(OidcError::Answer(format!(
                "it calls itself {:?}, and oidc.issuer is {:?}: the two must be the same, to the last character",
                metadata.issuer,
                self.config().issuer
            )));
        }
        for endpoint in [&metadata.authorization_endpoint, &metadata.token_endpoint, &metadata.jwks_uri] {
            if !endpoint.starts_with("https://") {
                return Err(OidcError::Answer(format!("it names {endpoint:?}, which is not over TLS")));
            }
        }
        let keys = read(http.get(&metadata.jwks_uri)).await?;
        let found = Known { metadata, keys, since: monotonic() };
        *known = Some(found.clone());
        Ok(found)
    }

    /// Exchanges a code for the ID token (RFC 6749, section 4.1.3; RFC 7636, section 4.5).
    pub(super) async fn exchange(
        &self,
        code: &str,
        verifier: &str,
        redirect_uri: &str,
    ) -> Result<String, OidcError> {
        let (metadata, config) = (self.metadata().await?, self.config());
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", verifier),
        ];
        let secret = self.secret()?;
        let methods = &metadata.token_endpoint_auth_methods_supported;
        let in_body = !methods.is_empty() && !methods.iter().any(|method| method == "client_secret_basic");
        let mut request = self.http()?.post(&metadata.token_endpoint);
        match &secret {
            Some(secret) if !in_body => {
                request = request.basic_auth(encode(&config.client_id), Some(encode(secret)));
            }
            Some(secret) => {
                form.extend([("client_id", config.client_id.as_str()), ("client_secret", secret)]);
            }
            None => form.push(("client_id", &config.client_id)),
        }
        let answer: TokenAnswer = read(request.form(&form)).await?;
        answer
            .id_token
            .ok_or_else(|| OidcError::Answer("it gave no ID token: is the scope openid asked for?".into()))
    }

    fn secret(&self) -> Result<Option<Zeroizing<String>>, OidcError> {
        let Some(path) = &self.config().client_secret_file else { return Ok(None) };
        let text = std::fs::read_to_string(path).map(Zeroizing::new);
        let text = text.map_err(|why| OidcError::Setting(format!("{}: {why}", path.display())))?;
        Ok(Some(Zeroizing::new(text.trim().to_owned())))
    }

    fn http(&self) -> Result<reqwest::Client, OidcError> {
        // A second installation in one process fails and changes nothing.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let setting = |why: &dyn core::fmt::Display| OidcError::Setting(format!("oidc.ca_file: {why}"));
        let mut builder = reqwest::Client::builder()
            .https_only(true)
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("seatpool/", env!("CARGO_PKG_VERSION")));
        if let Some(path) = &self.config().ca_file {
            let pem = std::fs::read(path).map_err(|why| setting(&why))?;
            let certificates = reqwest::Certificate::from_pem_bundle(&pem).map_err(|why| setting(&why))?;
            builder = builder.tls_certs_only(certificates);
        }
        builder.build().map_err(|why| setting(&why))
    }
}

/// Sends a request and reads its JSON answer.
async fn read<T: DeserializeOwned>(request: reqwest::RequestBuilder) -> Result<T, OidcError> {
    let unreachable = |why: reqwest::Error| OidcError::Unreachable(chain(why));
    let mut response = request.send().await.map_err(unreachable)?;
    let status = response.status();
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > ANSWER_BYTES_MAX {
            return Err(OidcError::Answer(format!("it is longer than {ANSWER_BYTES_MAX} bytes")));
        }
    }
    if !status.is_success() {
        return Err(match serde_json::from_slice::<TokenRefusal>(&bytes) {
            Ok(TokenRefusal { error, error_description }) => OidcError::refusal(&error, &error_description),
            Err(_) => OidcError::Answer(format!("it answered with HTTP status {status}")),
        });
    }
    serde_json::from_slice(&bytes).map_err(|why| OidcError::Answer(format!("it can't be read: {why}")))
}

/// An error with its causes, without the address: it may hold what is nobody else's.
fn chain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        words = format!("{words}: {next}");
        cause = next.source();
    }
    words
}
