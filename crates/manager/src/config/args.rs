//! The configuration as flags.

use std::path::PathBuf;

use clap::Args;

/// Flags that every server command takes; each stands above the environment and the file.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Configuration (flags stand above SEATPOOL_… variables, these above the file)")]
pub struct ConfigArgs {
    /// Configuration file [default: seatpool.toml in the data directory, if it is there]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Directory of keys, certificates and the embedded database
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<String>,
    /// Address and port to serve on; may be given several times [default: `0.0.0.0:8443` and `[::]:8443`]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Vec<String>,
    /// Name or address that the TLS certificate is for; may be given several times, the manager's own first
    #[arg(long = "name", value_name = "NAME")]
    pub names: Vec<String>,
    /// Database: sqlite:PATH or postgres://… [default: seatpool.db in the data directory]
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,
    /// Most database connections at once
    #[arg(long, value_name = "N")]
    pub database_connections: Option<String>,
    /// Your own TLS certificate chain, PEM, leaf first (with --tls-key)
    #[arg(long, value_name = "FILE")]
    pub tls_certificate: Option<String>,
    /// The key of --tls-certificate, PEM
    #[arg(long, value_name = "FILE")]
    pub tls_key: Option<String>,
    /// Catalogue of licences beside the shipped one; may be given several times
    #[arg(long = "catalogue", value_name = "FILE")]
    pub catalogues: Vec<String>,
    /// Address that people and programs reach this manager under
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// Address and port of /metrics, /healthz and /readyz in plain HTTP, or off [default: 127.0.0.1:9464]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub ops_listen: Option<String>,
    /// Which log lines are written, as in info or seatpool_manager=debug
    #[arg(long, value_name = "FILTER")]
    pub log: Option<String>,
    /// text or json
    #[arg(long, value_name = "FORMAT")]
    pub log_format: Option<String>,
    /// Run a sped-up clock, as in 180@2026-11-22T00:00:00Z (demonstration roots only)
    #[arg(long, value_name = "FACTOR@TIME")]
    pub time_lapse: Option<String>,
}
