//! The manager's configuration: file, environment, flags, each stronger than the one before, checked whole.
//!
//! `raw` reads texts and refuses unknown keys by name; `valid` turns texts into values and finds every
//! problem at once; nothing past this module sees an unchecked text.

mod args;
mod oidc;
mod raw;
mod valid;

use core::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

pub use args::ConfigArgs;
pub use oidc::{GivenRole, Oidc};
pub use raw::{Source, Texts};
use seatpool_proto::TimeLapse;

/// The configuration file's name in the data directory, read when no other is named.
pub const FILE_NAME: &str = "seatpool.toml";

/// A checked configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Keys, certificates, the embedded database, the client's file.
    pub data_dir: PathBuf,
    /// Where agents, REST clients and browsers come in, over TLS.
    pub listen: Vec<SocketAddr>,
    /// Names and addresses that the TLS certificate is for; the first is the manager's own name.
    pub names: Vec<String>,
    /// The database.
    pub database: seatpool_store::Options,
    /// The operator's own certificate instead of one from the vendor root.
    pub tls: Option<TlsFiles>,
    /// Catalogues beside the shipped one.
    pub catalogues: Vec<PathBuf>,
    /// The address that people and programs reach the manager under, without a slash at its end.
    pub public_url: String,
    /// Where `/metrics`, `/healthz` and `/readyz` are served in plain HTTP; none if switched off.
    pub ops_listen: Option<SocketAddr>,
    /// Which log lines are written, as `tracing_subscriber::EnvFilter` reads it.
    pub log: String,
    /// How they are written.
    pub log_format: LogFormat,
    /// A sped-up clock, for demonstrations.
    pub time_lapse: Option<TimeLapse>,
    /// The single sign-on provider, if there is one.
    pub oidc: Option<Oidc>,
}

/// PEM files of the operator's TLS certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate chain, leaf first.
    pub certificate: PathBuf,
    /// Its key: PKCS#8, PKCS#1 or SEC 1.
    pub key: PathBuf,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// What the configuration is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A data directory is about to be made.
    Init,
    /// A data directory must be there.
    Serve,
}

/// One thing that is wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where the text came from.
    pub source: Source,
    /// The key at fault.
    pub key: String,
    /// What is wrong, and what to do.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.key, self.source, self.message)
    }
}

/// What was read: the texts as they apply, what is wrong with them, and the configuration if nothing is.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Every key that was given, with its strongest text.
    pub texts: Texts,
    /// All problems.
    pub problems: Vec<Problem>,
    /// The checked configuration; absent if there is any problem.
    pub config: Option<Config>,
}

impl Loaded {
    /// Reads file, environment (pairs of name and value) and flags.
    pub fn read(
        args: &ConfigArgs,
        environment: impl IntoIterator<Item = (String, String)>,
        purpose: Purpose,
    ) -> Self {
        let (texts, mut problems) = raw::gather(args, environment);
        let config = valid::check(&texts, purpose, &mut problems);
        Self { texts, config: config.filter(|_| problems.is_empty()), problems }
    }

    /// The configuration, or an error that lists every problem.
    pub fn into_config(self) -> anyhow::Result<Config> {
        match self.config {
            Some(config) => Ok(config),
            None => {
                let lines: Vec<_> = self.problems.iter().map(|problem| format!("  {problem}")).collect();
                anyhow::bail!("the configuration has {} problem(s):\n{}", lines.len(), lines.join("\n"))
            }
        }
    }
}

impl Config {
    /// Reads the process's own environment beside `args`.
    pub fn load(args: &ConfigArgs, purpose: Purpose) -> anyhow::Result<Self> {
        Loaded::read(args, std::env::vars(), purpose).into_config()
    }

    /// Puts the port that the system chose into the public address that was derived from port 0.
    pub fn settle_port(&mut self, bound: &[SocketAddr]) {
        if let (Some(host), Some(first)) = (self.public_url.strip_suffix(":0"), bound.first()) {
            self.public_url = format!("{host}:{}", first.port());
        }
    }

    /// Where keys are.
    pub fn keys_dir(&self) -> PathBuf {
        self.data_dir.join("keys")
    }

    /// Where certificates are.
    pub fn certificates_dir(&self) -> PathBuf {
        self.data_dir.join("certificates")
    }

    /// The file with the manager's id, which its database holds too.
    pub fn manager_id_file(&self) -> PathBuf {
        self.data_dir.join("manager-id")
    }

    /// The PEM file of the vendor root, which agents and clients trust.
    pub fn vendor_root_file(&self) -> PathBuf {
        self.certificates_dir().join("vendor-root.pem")
    }

    /// The file with the first OAuth2 client's id and secret.
    pub fn client_file(&self) -> PathBuf {
        self.data_dir.join("client.json")
    }

    /// The manager's own name: the first of `names`.
    pub fn name(&self) -> &str {
        self.names.first().map_or("seatpool", String::as_str)
    }

    /// The configuration as TOML with secrets redacted, each line with the place that its text came from.
    pub fn to_annotated_toml(&self, texts: &Texts) -> String {
        let path = |path: &Path| path.display().to_string();
        let list = |items: Vec<String>| {
            toml::Value::Array(items.into_iter().map(toml::Value::String).collect()).to_string()
        };
        let text = |value: &str| toml::Value::String(value.to_owned()).to_string();
        let lines = [
            ("data_dir", Some(text(&path(&self.data_dir)))),
            ("listen", Some(list(self.listen.iter().map(ToString::to_string).collect()))),
            ("names", Some(list(self.names.clone()))),
            ("database_url", Some(text(&redact_url(&self.database.url)))),
            ("database_connections", Some(self.database.connections.to_string())),
            ("tls_certificate", self.tls.as_ref().map(|tls| text(&path(&tls.certificate)))),
            ("tls_key", self.tls.as_ref().map(|tls| text(&path(&tls.key)))),
            ("catalogues", Some(list(self.catalogues.iter().map(|p| path(p)).collect()))),
            ("public_url", Some(text(&self.public_url))),
            ("ops_listen", Some(text(&self.ops_listen.map_or_else(|| "off".into(), |a| a.to_string())))),
            ("log", Some(text(&self.log))),
            (
                "log_format",
                Some(text(match self.log_format {
                    LogFormat::Text => "text",
                    LogFormat::Json => "json",
                })),
            ),
            ("time_lapse", self.time_lapse.map(|lapse| text(&lapse.to_string()))),
        ];
        let oidc = self.oidc.as_ref().map(Oidc::lines).unwrap_or_default();
        lines
            .into_iter()
            .chain(oidc.into_iter().map(|(key, value)| (key, Some(value))))
            .filter_map(|(key, value)| Some((key, value?)))
            .fold(String::new(), |text, (key, value)| {
                text + key + " = " + &value + "  # " + &texts.source(key).to_string() + "\n"
            })
    }
}

/// A URL with its password, if it has one, replaced.
pub fn redact_url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let authority = match authority.rsplit_once('@') {
        Some((user, host)) => match user.split_once(':') {
            Some((user, _)) => format!("{user}:REDACTED@{host}"),
            None => authority.to_owned(),
        },
        None => authority.to_owned(),
    };
    // `?password=…` is a way to give it, too.
    let path = match path.split_once('?') {
        None => path.to_owned(),
        Some((path, query)) => {
            let query: Vec<_> = query
                .split('&')
                .map(|pair| match pair.split_once('=') {
                    Some((name, _)) if name.contains("password") => format!("{name}=REDACTED"),
                    _ => pair.to_owned(),
                })
                .collect();
            format!("{path}?{}", query.join("&"))
        }
    };
    format!("{scheme}://{authority}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_a_url_is_redacted_wherever_it_stands() {
        for (url, redacted) in [
            ("postgres://u:s3cret@db/seatpool", "postgres://u:REDACTED@db/seatpool"),
            (
                "postgres://u:p@ss@db:5432/x?sslmode=require",
                "postgres://u:REDACTED@db:5432/x?sslmode=require",
            ),
            ("postgres://u@db?password=s3cret&a=b", "postgres://u@db?password=REDACTED&a=b"),
            ("sqlite:/var/lib/seatpool.db", "sqlite:/var/lib/seatpool.db"),
        ] {
            assert_eq!(redact_url(url), redacted);
        }
    }
}
