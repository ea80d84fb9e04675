//! The REST client: credentials, access token, calls, and what went wrong in words.

use core::fmt;
use core::time::Duration;
use std::error::Error as _;
use std::path::{Path, PathBuf};

use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// How long one call may take.
const TIMEOUT: Duration = Duration::from_mins(1);

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failed {
    message: String,
    exit_code: u8,
}

impl Failed {
    /// The manager said no, or the command can't be carried out as given.
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self { message: message.into(), exit_code: 1 }
    }

    fn not_allowed(message: impl Into<String>) -> Self {
        Self { message: message.into(), exit_code: 3 }
    }

    fn unreachable(message: impl Into<String>) -> Self {
        Self { message: message.into(), exit_code: 4 }
    }

    pub(crate) fn exit_code(&self) -> u8 {
        self.exit_code
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The credentials file that `seatpool init` writes.
#[derive(Deserialize)]
struct Credentials {
    url: String,
    client_id: String,
    client_secret: String,
    account: String,
    /// PEM certificates that the manager's TLS certificate must chain to; the system's own if absent.
    #[serde(default)]
    ca_file: Option<PathBuf>,
}

/// The part of a problem that a command shows.
#[derive(Deserialize)]
struct Problem {
    code: String,
    detail: String,
    action: String,
}

#[derive(Deserialize)]
struct AccessToken {
    access_token: String,
}

#[derive(Deserialize)]
struct TokenError {
    error: String,
    error_description: String,
}

/// A manager, with an access token for it.
pub(crate) struct Connection {
    http: reqwest::Client,
    base: Url,
    access_token: Zeroizing<String>,
    /// The account that the command is about.
    pub(crate) account: String,
}

impl Connection {
    /// Reads the credentials and gets an access token.
    pub(crate) async fn open(
        credentials: Option<&Path>,
        data_dir: Option<&Path>,
        url: Option<&str>,
        account: Option<&str>,
    ) -> Result<Self, Failed> {
        let file = match (credentials, data_dir) {
            (Some(file), _) => file.to_owned(),
            (None, Some(dir)) => dir.join("client.json"),
            (None, None) => {
                return Err(Failed::refused(
                    "no credentials: name the file that `seatpool init` wrote with --credentials FILE or \
                     SEATPOOL_CREDENTIALS, or the manager's directory with --data-dir DIR or SEATPOOL_DATA_DIR",
                ));
            }
        };
        let credentials = read(&file)?;
        let url = url.unwrap_or(&credentials.url);
        let base: Url =
            url.parse().ok().filter(|url: &Url| url.scheme() == "https" && url.has_host()).ok_or_else(
                || {
                    Failed::refused(format!(
                        "{url:?} is not the address of a manager, as in https://licenses.example.com:8443"
                    ))
                },
            )?;
        let ca_file = credentials.ca_file.as_ref().map(|path| beside(&file, path));
        let http = client(ca_file.as_deref())?;
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &credentials.client_id),
            ("client_secret", &credentials.client_secret),
        ];
        let request = http.post(at(&base, &["oauth", "token"])).form(&form);
        let response = send(request, &base, ca_file.as_deref()).await?;
        if !response.status().is_success() {
            return Err(token_refused(response, &file).await);
        }
        let token: AccessToken = body(response).await?;
        Ok(Self {
            http,
            base,
            access_token: Zeroizing::new(token.access_token),
            account: account.unwrap_or(&credentials.account).to_owned(),
        })
    }

    /// Calls `path` of Seatpool's own API and reads what comes back.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, Option<String>)],
        json: Option<&impl Serialize>,
    ) -> Result<T, Failed> {
        body(self.answer(method, path, query, json).await?).await
    }

    /// Calls `path` of Seatpool's own API, which answers with a text.
    pub(crate) async fn text(
        &self,
        path: &[&str],
        query: &[(&str, Option<String>)],
    ) -> Result<String, Failed> {
        let answer = self.answer(Method::GET, path, query, None::<&()>).await?;
        answer
            .text()
            .await
            .map_err(|why| Failed::unreachable(format!("the manager's answer broke off: {}", chain(&why))))
    }

    /// Calls `path` of Seatpool's own API, which answers without a body.
    pub(crate) async fn call_for_nothing(
        &self,
        method: Method,
        path: &[&str],
        json: Option<&impl Serialize>,
    ) -> Result<(), Failed> {
        self.answer(method, path, &[], json).await.map(drop)
    }

    async fn answer(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, Option<String>)],
        json: Option<&impl Serialize>,
    ) -> Result<Response, Failed> {
        let mut whole = vec!["api", "seatpool", "v1"];
        whole.extend(path);
        let mut url = at(&self.base, &whole);
        let given = query.iter().filter_map(|(name, value)| value.as_ref().map(|value| (*name, value)));
        let pairs: Vec<_> = given.collect();
        if !pairs.is_empty() {
            url.query_pairs_mut().extend_pairs(pairs);
        }
        let mut request = self.http.request(method, url).bearer_auth(self.access_token.as_str());
        if let Some(json) = json {
            request = request.json(json);
        }
        let response = send(request, &self.base, None).await?;
        if response.status().is_success() { Ok(response) } else { Err(refused(response).await) }
    }
}

fn read(file: &Path) -> Result<Credentials, Failed> {
    let text = std::fs::read_to_string(file).map(Zeroizing::new).map_err(|why| {
        Failed::refused(format!(
            "the credentials file {} can't be read: {why}; name another with --credentials",
            file.display()
        ))
    })?;
    serde_json::from_str(&text).map_err(|why| {
        // Where, but not what: the text holds a secret.
        Failed::refused(format!(
            "the credentials file {} is not what `seatpool init` writes (line {}, column {}): it holds url, \
             client_id, client_secret, account and ca_file as JSON",
            file.display(),
            why.line(),
            why.column()
        ))
    })
}

/// A path as the credentials file means it: from where that file is.
fn beside(file: &Path, path: &Path) -> PathBuf {
    file.parent().map_or_else(|| path.to_owned(), |dir| dir.join(path))
}

fn client(ca_file: Option<&Path>) -> Result<reqwest::Client, Failed> {
    // A second installation in one process fails and changes nothing.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .https_only(true)
        .timeout(TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("seatpool/", env!("CARGO_PKG_VERSION")));
    if let Some(path) = ca_file {
        let unusable = |why: &dyn fmt::Display| {
            Failed::refused(format!(
                "the certificates in {} (ca_file of the credentials) can't be used: {why}",
                path.display()
            ))
        };
        let pem = std::fs::read(path).map_err(|why| unusable(&why))?;
        let certificates = reqwest::Certificate::from_pem_bundle(&pem).map_err(|why| unusable(&why))?;
        if certificates.is_empty() {
            return Err(unusable(&"it holds no PEM certificate"));
        }
        builder = builder.tls_certs_only(certificates);
    }
    builder.build().map_err(|why| Failed::refused(format!("the HTTP client can't be made: {}", chain(&why))))
}

/// `base` with these parts of a path, each escaped as needed.
fn at(base: &Url, parts: &[&str]) -> Url {
    let mut url = base.clone();
    url.set_query(None);
    // An https URL always has a path to set.
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(parts);
    }
    url
}

async fn send(request: RequestBuilder, base: &Url, ca_file: Option<&Path>) -> Result<Response, Failed> {
    request.send().await.map_err(|why| {
        let causes = chain(&why);
        let trusted =
            ca_file.map_or_else(|| "the system's certificates".into(), |path| path.display().to_string());
        let hint = if causes.contains("NotValidForName") || causes.contains("not valid for name") {
            let host = base.host_str().unwrap_or_default();
            format!("its TLS certificate is not for {host:?}: use a name that it is for with --url")
        } else if causes.contains("certificate expired") || causes.contains("certificate not valid yet") {
            "its TLS certificate is not valid now: compare the clocks here and there, and renew it".to_owned()
        } else if causes.contains("invalid peer certificate") {
            format!(
                "its TLS certificate does not chain to {trusted}: correct ca_file in the credentials file"
            )
        } else if why.is_timeout() {
            "it did not answer in time: see its log and /readyz".to_owned()
        } else if why.is_connect() {
            "is `seatpool serve` running there?".to_owned()
        } else {
            "see the manager's log".to_owned()
        };
        Failed::unreachable(format!("the manager at {base} can't be reached: {causes}\n{hint}"))
    })
}

/// An error with all its causes; the URL, which may hold names, is said elsewhere.
fn chain(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&words);
        }
        cause = error.source();
    }
    if text.is_empty() { error.to_string() } else { text }
}

async fn body<T: DeserializeOwned>(response: Response) -> Result<T, Failed> {
    response.json().await.map_err(|why| {
        Failed::unreachable(format!(
            "the manager's answer can't be read ({}): is it of another version than this program?",
            chain(&why)
        ))
    })
}

async fn token_refused(response: Response, file: &Path) -> Failed {
    let status = response.status();
    match response.json::<TokenError>().await {
        Ok(refusal) if status.is_client_error() => Failed::not_allowed(format!(
            "the manager does not take the credentials in {}: {} ({})\n\
             the client may have been deleted, or the file belongs to another manager",
            file.display(),
            refusal.error_description,
            refusal.error
        )),
        Ok(refusal) => {
            Failed::unreachable(format!("the manager can't answer: {}", refusal.error_description))
        }
        Err(_) => Failed::unreachable(format!(
            "the manager answered with HTTP status {status}: is it a Seatpool manager?"
        )),
    }
}

async fn refused(response: Response) -> Failed {
    let status = response.status();
    let Ok(problem) = response.json::<Problem>().await else {
        return Failed::unreachable(format!(
            "the manager answered with HTTP status {status}: is it a Seatpool manager?"
        ));
    };
    let message = format!("{} [{}]\n{}", problem.detail, problem.code, problem.action);
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Failed::not_allowed(message),
        status if status.is_server_error() => Failed::unreachable(message),
        _ => Failed::refused(message),
    }
}
