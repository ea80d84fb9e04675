//! Turns texts into values; finds every problem at once.

use core::fmt::Display;
use core::str::FromStr;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use seatpool_proto::TimeLapse;

use super::{Config, LogFormat, Problem, Purpose, Texts, TlsFiles};
use crate::ca;

const LISTEN_DEFAULT: [&str; 2] = ["0.0.0.0:8443", "[::]:8443"];
const OPS_LISTEN_DEFAULT: &str = "127.0.0.1:9464";
const CONNECTIONS_DEFAULT: u32 = 16;
const CONNECTIONS_MAX: u32 = 1000;
const LOG_DEFAULT: &str = "info";

pub(super) struct Check<'a> {
    pub(super) texts: &'a Texts,
    problems: &'a mut Vec<Problem>,
}

impl Check<'_> {
    pub(super) fn problem(&mut self, key: &str, message: impl Into<String>) {
        self.problems.push(Problem {
            source: self.texts.source(key),
            key: key.to_owned(),
            message: message.into(),
        });
    }

    fn parse<T: FromStr<Err: Display>>(&mut self, key: &str, text: &str, expected: &str) -> Option<T> {
        text.parse().map_err(|e| self.problem(key, format!("{text:?} is not {expected}: {e}"))).ok()
    }

    /// A file that must be readable.
    pub(super) fn file(&mut self, key: &str, path: &str) -> PathBuf {
        if let Err(e) = std::fs::File::open(path) {
            self.problem(key, format!("{path} can't be read: {e}"));
        }
        PathBuf::from(path)
    }
}

/// The checked configuration, if it could be made at all; what is wrong with it goes to `problems`.
pub(super) fn check(texts: &Texts, purpose: Purpose, problems: &mut Vec<Problem>) -> Option<Config> {
    let mut check = Check { texts, problems };
    let data_dir = match texts.one("data_dir") {
        Some(dir) if !dir.is_empty() => Some(PathBuf::from(dir)),
        _ => {
            check.problem(
                "data_dir",
                "is not set: name the manager's directory with --data-dir or SEATPOOL_DATA_DIR",
            );
            None
        }
    };
    let listen = listen(&mut check);
    let names = names(&mut check, purpose);
    let tls = match (texts.one("tls_certificate"), texts.one("tls_key")) {
        (Some(certificate), Some(key)) => Some(TlsFiles {
            certificate: check.file("tls_certificate", certificate),
            key: check.file("tls_key", key),
        }),
        (None, None) => None,
        (Some(_), None) => {
            check.problem("tls_key", "is not set, but tls_certificate is: give both or neither");
            None
        }
        (None, Some(_)) => {
            check.problem("tls_certificate", "is not set, but tls_key is: give both or neither");
            None
        }
    };
    let catalogues = texts
        .all("catalogues")
        .unwrap_or_default()
        .iter()
        .map(|path| check.file("catalogues", path))
        .collect();
    let ops_listen = match texts.one("ops_listen").unwrap_or(OPS_LISTEN_DEFAULT) {
        "off" => None,
        text => check.parse("ops_listen", text, "ADDRESS:PORT or off"),
    };
    let log = texts.one("log").unwrap_or(LOG_DEFAULT).to_owned();
    check.parse::<tracing_subscriber::EnvFilter>("log", &log, "a log filter");
    let log_format = match texts.one("log_format").unwrap_or("text") {
        "text" => LogFormat::Text,
        "json" => LogFormat::Json,
        other => {
            check.problem("log_format", format!("{other:?} is neither text nor json"));
            LogFormat::Text
        }
    };
    let connections = match texts.one("database_connections") {
        None => CONNECTIONS_DEFAULT,
        Some(text) => match check.parse::<u32>("database_connections", text, "a number") {
            Some(n) if (1..=CONNECTIONS_MAX).contains(&n) => n,
            Some(n) => {
                check.problem("database_connections", format!("{n} is not between 1 and {CONNECTIONS_MAX}"));
                CONNECTIONS_DEFAULT
            }
            None => CONNECTIONS_DEFAULT,
        },
    };
    let time_lapse =
        texts.one("time_lapse").and_then(|text| check.parse::<TimeLapse>("time_lapse", text, "a time lapse"));
    let data_dir = data_dir?;
    let database_url = database_url(&mut check, &data_dir);
    if purpose == Purpose::Serve {
        in_data_dir(&mut check, &data_dir, time_lapse);
    }
    let public_url = public_url(&mut check, &names, &listen);
    let oidc = super::oidc::check(&mut check);
    Some(Config {
        data_dir,
        listen,
        names,
        database: seatpool_store::Options {
            url: database_url,
            connections,
            create: purpose == Purpose::Init,
        },
        tls,
        catalogues,
        public_url,
        ops_listen,
        log,
        log_format,
        time_lapse,
        oidc,
    })
}

fn listen(check: &mut Check<'_>) -> Vec<SocketAddr> {
    match check.texts.all("listen") {
        None => LISTEN_DEFAULT.iter().filter_map(|text| text.parse().ok()).collect(),
        Some([]) => {
            check.problem("listen", "is empty: give at least one ADDRESS:PORT");
            Vec::new()
        }
        Some(texts) => {
            let expected = "ADDRESS:PORT, as in 0.0.0.0:8443 or [::]:8443";
            texts.iter().filter_map(|text| check.parse("listen", text, expected)).collect()
        }
    }
}

fn names(check: &mut Check<'_>, purpose: Purpose) -> Vec<String> {
    let names: Vec<String> =
        check.texts.all("names").unwrap_or_default().iter().map(|name| name.to_lowercase()).collect();
    if names.is_empty() && purpose == Purpose::Init {
        check.problem("names", "is not set: say with --name under which name agents reach this manager");
    }
    for name in &names {
        if let Err(reason) = host_name(name) {
            check.problem("names", format!("{name:?} is neither a DNS name nor an IP address: {reason}"));
        }
    }
    names
}

/// Whether a text is an IP address or a DNS name (RFC 1035, section 2.3.1, with digits first allowed by RFC 1123).
fn host_name(name: &str) -> Result<(), &'static str> {
    if name.parse::<std::net::IpAddr>().is_ok() {
        return Ok(());
    }
    if name.len() > 253 {
        return Err("it is longer than 253 characters");
    }
    for (i, label) in name.split('.').enumerate() {
        if label == "*" && i == 0 {
            continue;
        }
        if label.is_empty() || label.len() > 63 {
            return Err("each part between dots has 1 to 63 characters");
        }
        if !label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Err("its parts hold letters, digits and hyphens only");
        }
        if label.starts_with('-') || label.ends_with('-') {
            return Err("its parts neither start nor end with a hyphen");
        }
    }
    Ok(())
}

fn database_url(check: &mut Check<'_>, data_dir: &Path) -> String {
    match check.texts.one("database_url") {
        None => format!("sqlite:{}", data_dir.join("seatpool.db").display()),
        Some(url) => {
            if !["sqlite:", "postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
                check.problem("database_url", "begins with neither sqlite: nor postgres://");
            }
            url.to_owned()
        }
    }
}

fn public_url(check: &mut Check<'_>, names: &[String], listen: &[SocketAddr]) -> String {
    match check.texts.one("public_url") {
        Some(url) => {
            let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
            if rest.is_none_or(|rest| rest.is_empty() || rest.starts_with('/')) {
                check.problem("public_url", format!("{url:?} is not of the form https://NAME[:PORT]"));
            }
            url.trim_end_matches('/').to_owned()
        }
        None => {
            let name = names.first().map_or("localhost", String::as_str);
            // An IPv6 address is written in brackets (RFC 3986, section 3.2.2).
            let name = if name.contains(':') { format!("[{name}]") } else { name.to_owned() };
            match listen.first().map_or(443, SocketAddr::port) {
                443 => format!("https://{name}"),
                port => format!("https://{name}:{port}"),
            }
        }
    }
}

/// What can be wrong only once the data directory is there.
fn in_data_dir(check: &mut Check<'_>, data_dir: &Path, time_lapse: Option<TimeLapse>) {
    match ca::is_demonstration(data_dir) {
        Err(e) => check.problem("data_dir", e.to_string()),
        Ok(false) if time_lapse.is_some() => check.problem(
            "time_lapse",
            "the vendor root in this data directory is a production root, and time lapse exists for demonstrations only: remove the setting",
        ),
        Ok(_) => {}
    }
}
