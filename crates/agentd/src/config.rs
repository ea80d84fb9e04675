//! Configuration of `seatpool-agentd`: a TOML file, over it the command line. Unknown keys are refused by
//! name; what comes out is checked and complete.

use core::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Parser;
use seatpool_proto::TimeLapse;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::transport::Destination;

/// Where the agent's state is kept if nothing else is said.
pub const DEFAULT_STATE_DIR: &str = "/var/lib/seatpool-agentd";
/// The local socket's name in the state directory, if no other path is said.
pub const SOCKET_NAME: &str = "agentd.sock";

/// The Smart Agent as a daemon: it holds a product's registration, reports its usage, and answers on a
/// local socket whether the product may go on.
#[derive(Debug, Default, Parser)]
#[command(name = "seatpool-agentd", version)]
pub struct Flags {
    /// TOML file with the same keys as these flags, with underscores; flags win
    #[arg(long, env = "SEATPOOL_AGENTD_CONFIG")]
    pub config: Option<PathBuf>,
    /// Directory of the agent's state and keys, made with mode 0700
    #[arg(long, env = "SEATPOOL_AGENTD_STATE_DIR")]
    pub state_dir: Option<PathBuf>,
    /// Unix socket of the local API [default: agentd.sock in the state directory]
    #[arg(long, env = "SEATPOOL_AGENTD_SOCKET")]
    pub socket: Option<PathBuf>,
    /// Mode of the socket, 0600 or 0660
    #[arg(long)]
    pub socket_mode: Option<String>,
    /// Profile: the name of one that ships with Seatpool, or a TOML file
    #[arg(long)]
    pub profile: Option<String>,
    /// Name of the product, as the manager's portal shows it
    #[arg(long)]
    pub product_name: Option<String>,
    /// Version of the product
    #[arg(long)]
    pub product_version: Option<String>,
    /// Product id of the UDI
    #[arg(long)]
    pub udi_pid: Option<String>,
    /// Serial number of the UDI [default: drawn once and kept in the state directory]
    #[arg(long)]
    pub udi_sn: Option<String>,
    /// UUID of the UDI [default: derived from this machine's id]
    #[arg(long)]
    pub udi_uuid: Option<String>,
    /// Host name that is reported unless privacy withholds it [default: this machine's]
    #[arg(long)]
    pub host_name: Option<String>,
    /// PEM file with the vendor's roots, for signed answers and TLS (may be given several times)
    #[arg(long = "trust-anchor")]
    pub trust_anchors: Vec<PathBuf>,
    /// PEM file with further roots for TLS alone (may be given several times)
    #[arg(long = "tls-anchor")]
    pub tls_anchors: Vec<PathBuf>,
    /// The manager's https URL, which `license smart transport direct` goes back to
    #[arg(long)]
    pub manager_url: Option<String>,
    /// User name for the proxy
    #[arg(long)]
    pub proxy_user: Option<String>,
    /// File with the password for the proxy
    #[arg(long)]
    pub proxy_password_file: Option<PathBuf>,
    /// Loopback address and port for the local API beside the socket
    #[arg(long)]
    pub listen: Option<SocketAddr>,
    /// File with the bearer token for `listen`, made with mode 0600 if it is missing
    #[arg(long)]
    pub listen_token_file: Option<PathBuf>,
    /// Run the clock FACTOR times as fast from an instant on, as in 180@2026-11-22T00:00:00Z
    /// (demonstration roots only)
    #[arg(long)]
    pub time_lapse: Option<TimeLapse>,
    /// What is logged: error, warn, info, debug or trace
    #[arg(long)]
    pub log: Option<String>,
}

/// The file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct FileSettings {
    state_dir: Option<PathBuf>,
    socket: Option<PathBuf>,
    socket_mode: Option<String>,
    profile: Option<String>,
    product_name: Option<String>,
    product_version: Option<String>,
    udi_pid: Option<String>,
    udi_sn: Option<String>,
    udi_uuid: Option<String>,
    host_name: Option<String>,
    trust_anchors: Vec<PathBuf>,
    tls_anchors: Vec<PathBuf>,
    manager_url: Option<String>,
    proxy_user: Option<String>,
    proxy_password_file: Option<PathBuf>,
    listen: Option<SocketAddr>,
    listen_token_file: Option<PathBuf>,
    time_lapse: Option<String>,
    log: Option<String>,
}

/// Checked configuration.
#[derive(Debug)]
pub struct Config {
    /// Directory of state and keys.
    pub state_dir: PathBuf,
    /// Unix socket of the local API.
    pub socket: PathBuf,
    /// Its permission bits, 0600 or 0660.
    pub socket_mode: u32,
    /// Name of a shipped profile, or a path.
    pub profile: String,
    /// Name of the product; the profile's if absent.
    pub product_name: Option<String>,
    /// Version of the product.
    pub product_version: String,
    /// UDI: product id; the profile's name if absent.
    pub udi_pid: Option<String>,
    /// UDI: serial number.
    pub udi_sn: Option<String>,
    /// UDI: UUID.
    pub udi_uuid: Option<String>,
    /// Host name that is reported.
    pub host_name: Option<String>,
    /// PEM files with the vendor's roots.
    pub trust_anchors: Vec<PathBuf>,
    /// PEM files with further roots for TLS.
    pub tls_anchors: Vec<PathBuf>,
    /// The manager's URL for direct transport.
    pub manager_url: Option<String>,
    /// User name and password for the proxy.
    pub proxy_credentials: Option<(String, Zeroizing<String>)>,
    /// Loopback address for the local API, with the file of its bearer token.
    pub listen: Option<(SocketAddr, PathBuf)>,
    /// Sped-up clock.
    pub time_lapse: Option<TimeLapse>,
    /// What is logged.
    pub log: String,
}

impl Config {
    /// Reads the file that `flags` name, if any, lays the flags over it and checks the result.
    pub fn load(flags: Flags) -> anyhow::Result<Self> {
        let file = match &flags.config {
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .with_context(|| format!("the configuration file {} can't be read", path.display()))?;
                Self::parse(&text).with_context(|| format!("in the configuration file {}", path.display()))?
            }
            None => FileSettings::default(),
        };
        Self::merge(flags, file)
    }

    /// Lays the flags over the text of a configuration file and checks the result.
    pub fn from_text(text: &str, flags: Flags) -> anyhow::Result<Self> {
        Self::merge(flags, Self::parse(text)?)
    }

    fn parse(text: &str) -> anyhow::Result<FileSettings> {
        toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(0, |span| text[..span.start].matches('\n').count()) + 1;
            anyhow::anyhow!("line {line}: {}", error.message())
        })
    }

    fn merge(flags: Flags, file: FileSettings) -> anyhow::Result<Self> {
        let state_dir =
            flags.state_dir.or(file.state_dir).unwrap_or_else(|| PathBuf::from(DEFAULT_STATE_DIR));
        let socket_mode = match flags.socket_mode.or(file.socket_mode).as_deref() {
            None | Some("0600" | "600") => 0o600,
            Some("0660" | "660") => 0o660,
            Some(other) => bail!("socket_mode is {other:?}; it can be \"0600\" or \"0660\""),
        };
        let manager_url = flags.manager_url.or(file.manager_url);
        if let Some(url) = &manager_url {
            Destination::parse(url).context("manager_url")?;
        }
        let time_lapse = match (flags.time_lapse, file.time_lapse) {
            (Some(lapse), _) => Some(lapse),
            (None, Some(text)) => Some(text.parse().context("time_lapse")?),
            (None, None) => None,
        };
        let proxy_credentials = match (
            flags.proxy_user.or(file.proxy_user),
            flags.proxy_password_file.or(file.proxy_password_file),
        ) {
            (Some(user), Some(path)) => Some((user, read_secret(&path)?)),
            (None, None) => None,
            _ => bail!("proxy_user and proxy_password_file go together: set both or neither"),
        };
        let listen = match (flags.listen.or(file.listen), flags.listen_token_file.or(file.listen_token_file))
        {
            (Some(address), _) if !address.ip().is_loopback() => {
                bail!(
                    "listen is {address}, which is no loopback address; use 127.0.0.1 or [::1], or the socket"
                )
            }
            (Some(address), token) => {
                Some((address, token.unwrap_or_else(|| state_dir.join("listen.token"))))
            }
            (None, Some(_)) => bail!("listen_token_file is set, and listen is not: set both or neither"),
            (None, None) => None,
        };
        let several = |flag: Vec<PathBuf>, file: Vec<PathBuf>| if flag.is_empty() { file } else { flag };
        Ok(Self {
            socket: flags.socket.or(file.socket).unwrap_or_else(|| state_dir.join(SOCKET_NAME)),
            socket_mode,
            profile: flags.profile.or(file.profile).context(
                "no profile is set; it says how the product is licensed, as in profile = \"unified-ccx\"",
            )?,
            product_name: flags.product_name.or(file.product_name),
            product_version: flags.product_version.or(file.product_version).unwrap_or_else(|| "1.0".into()),
            udi_pid: flags.udi_pid.or(file.udi_pid),
            udi_sn: flags.udi_sn.or(file.udi_sn),
            udi_uuid: flags.udi_uuid.or(file.udi_uuid),
            host_name: flags.host_name.or(file.host_name),
            trust_anchors: several(flags.trust_anchors, file.trust_anchors),
            tls_anchors: several(flags.tls_anchors, file.tls_anchors),
            manager_url,
            proxy_credentials,
            listen,
            time_lapse,
            log: flags.log.or(file.log).unwrap_or_else(|| "info".into()),
            state_dir,
        })
    }
}

fn read_secret(path: &Path) -> anyhow::Result<Zeroizing<String>> {
    let text = std::fs::read_to_string(path)
        .map(Zeroizing::new)
        .with_context(|| format!("the file {} can't be read", path.display()))?;
    Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str, flags: &[&str]) -> Result<Config, String> {
        let flags = Flags::try_parse_from([&["seatpool-agentd"], flags].concat()).unwrap();
        Config::from_text(text, flags).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn flags_win_over_the_file_and_defaults_fill_the_rest() {
        let config = load("profile = \"a\"\nstate_dir = \"/s\"", &["--profile", "b"]).unwrap();
        assert_eq!((config.profile.as_str(), config.socket_mode), ("b", 0o600));
        assert_eq!(config.socket, Path::new("/s/agentd.sock"));
    }

    #[test]
    fn what_can_not_be_is_refused_by_name() {
        let check = |text: &str, part: &str| {
            let error = load(&format!("profile = \"a\"\n{text}"), &[]).map(|_| ()).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        };
        check("managerurl = \"https://m\"", "managerurl");
        check("manager_url = \"http://m\"", "over TLS only");
        check("socket_mode = \"0777\"", "socket_mode");
        check("listen = \"192.0.2.1:80\"", "no loopback address");
        check("time_lapse = \"fast\"", "FACTOR@TIMESTAMP");
        check("proxy_user = \"me\"", "proxy_password_file");
        assert!(load("", &[]).unwrap_err().contains("no profile is set"));
    }
}
