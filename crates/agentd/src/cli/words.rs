//! The words of the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::{DEFAULT_STATE_DIR, SOCKET_NAME};

/// Smart licensing of the product on this machine.
#[derive(Debug, Parser)]
#[command(name = "license", version)]
pub struct License {
    /// The agent's socket
    #[arg(long, global = true, env = "SEATPOOL_AGENTD_SOCKET", default_value_os_t = default_socket())]
    pub socket: PathBuf,
    /// How long to wait for the outcome, in seconds
    #[arg(long, global = true, default_value_t = 60)]
    pub wait: u64,
    #[command(subcommand)]
    pub(super) words: Words,
}

fn default_socket() -> PathBuf {
    PathBuf::from(DEFAULT_STATE_DIR).join(SOCKET_NAME)
}

#[derive(Debug, Subcommand)]
pub(super) enum Words {
    /// Register, renew, and set how the manager is reached
    #[command(subcommand)]
    Smart(Smart),
    /// Show where the product stands
    Show(Show),
}

#[derive(Debug, Subcommand)]
pub(super) enum Smart {
    /// Register with a token of a virtual account
    #[command(subcommand)]
    Register(Register),
    /// Give all licences back and end the registration
    Deregister,
    /// Renew now what renews itself
    #[command(subcommand)]
    Renew(Renew),
    /// Send a usage report now
    #[command(subcommand)]
    Update(Update),
    /// How the manager is reached
    #[command(subcommand)]
    Transport(Transport),
    /// The manager's URL
    Url {
        /// As in https://manager.example/licservice/license
        url: String,
    },
    /// The HTTP proxy on the way to the manager
    #[command(subcommand)]
    Proxy(Proxy),
    /// Withhold something from the manager
    #[command(subcommand)]
    Privacy(Privacy),
    /// Undo a setting
    #[command(subcommand)]
    No(No),
    /// Licenses without any contact, by codes that are carried by hand
    #[command(subcommand)]
    Reservation(Reservation),
    /// Features that are restricted for export
    #[command(subcommand)]
    Export(Export),
    /// Forget everything but the evaluation countdown, and what codes of reservations depend on
    #[command(subcommand)]
    Factory(Factory),
}

#[derive(Debug, Subcommand)]
pub(super) enum Reservation {
    /// Choose reservation; from then on nothing is sent to a manager
    Enable,
    /// Choose it no longer
    Disable,
    /// Print the request code to be entered at the manager
    Request {
        /// All that the product can use, or chosen licenses
        #[arg(value_enum, default_value_t = Kind::Specific)]
        kind: Kind,
        #[command(flatten)]
        form: Form,
    },
    /// Give the request up
    Cancel,
    /// Forget the requests that were canceled, if the manager has made no codes for them
    ForgetCanceled,
    /// Install the manager's authorization code, or its update
    Install {
        /// The code in quotation marks, or - to read it from standard input
        #[arg(required = true, num_args = 1..)]
        code: Vec<String>,
        #[command(flatten)]
        form: Form,
    },
    /// Install the authorization code from a file
    InstallFile {
        /// A path, or sftp://user@host:port/path
        source: String,
        #[command(flatten)]
        sftp: Sftp,
        #[command(flatten)]
        form: Form,
    },
    /// Give the reservation back, and print the return code to be entered at the manager
    Return {
        #[command(subcommand)]
        what: Option<ReturnWhat>,
        #[command(flatten)]
        form: Form,
    },
    /// Give an authorization code back that was not installed
    ReturnAuthorization {
        /// The code in quotation marks, or - to read it from standard input
        #[arg(required = true, num_args = 1..)]
        code: Vec<String>,
        #[command(flatten)]
        form: Form,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum ReturnWhat {
    /// Give an authorization code back that was not installed
    Authorization {
        /// The code in quotation marks, or - to read it from standard input
        #[arg(required = true, num_args = 1..)]
        code: Vec<String>,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Kind {
    Specific,
    Universal,
}

/// How a code is shown beside its text
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Form {
    /// Also as QR pictures
    #[arg(long)]
    pub(super) qr: bool,
    /// Also in groups to be read aloud, each with its check character
    #[arg(long)]
    pub(super) spoken: bool,
}

/// How an SFTP server is reached
#[derive(Clone, Debug, Args)]
pub(super) struct Sftp {
    /// Private key file
    #[arg(long)]
    pub(super) identity: Option<PathBuf>,
    /// File with the password, rather than asking for it
    #[arg(long)]
    pub(super) password_file: Option<PathBuf>,
    /// File of known hosts, rather than the user's own
    #[arg(long)]
    pub(super) known_hosts: Option<PathBuf>,
    /// Trust and remember the key of a host that is not known yet, without asking
    #[arg(long)]
    pub(super) accept_new_host: bool,
    /// How long fetching the file may take in all, in seconds
    #[arg(long, default_value_t = 120)]
    pub(super) timeout: u64,
}

#[derive(Debug, Subcommand)]
pub(super) enum Export {
    /// Ask for the authorization of a feature
    #[command(subcommand)]
    Request(ExportWhere),
    /// Give the authorization of a feature back
    #[command(subcommand)]
    Return(ExportWhere),
    /// Stop the automatic retries
    Cancel,
}

#[derive(Debug, Subcommand)]
pub(super) enum ExportWhere {
    /// Of this product instance
    Local {
        /// The feature
        feature: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Register {
    /// With a registration token
    Idtoken {
        /// The token, or - to read it from standard input
        token: String,
        /// Replace an older registration of this device
        #[arg(value_enum)]
        force: Option<Force>,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Force {
    Force,
}

#[derive(Debug, Subcommand)]
pub(super) enum Renew {
    /// The authorization
    Auth,
    /// The ID certificate
    #[command(name = "ID", alias = "id")]
    Id,
}

#[derive(Debug, Subcommand)]
pub(super) enum Update {
    /// Report what is in use now
    Usage,
}

#[derive(Debug, Subcommand)]
pub(super) enum Transport {
    /// The vendor's manager, at the configured URL
    Direct,
    /// An on-prem manager
    #[command(alias = "ssm-satellite")]
    Gateway {
        /// As in https://on-prem.example/Transportgateway/services/DeviceRequestHandler
        url: String,
    },
    /// Through an HTTP proxy, whatever the destination
    Proxy {
        /// Name or address
        host: String,
        /// Port
        port: u16,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Proxy {
    /// Its name or address
    Address {
        /// As in proxy.example
        host: String,
    },
    /// Its port
    Port {
        /// 1 to 65535
        port: u16,
    },
    /// The user name that it asks for; the password is read from standard input or a file
    User {
        /// User name
        name: String,
        /// File with the password
        #[arg(long)]
        password_file: Option<PathBuf>,
    },
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub(super) enum Privacy {
    /// The host name
    Hostname,
    /// The product's version
    Version,
}

#[derive(Debug, Subcommand)]
pub(super) enum No {
    /// Go without a proxy
    Proxy,
    /// Send it again
    #[command(subcommand)]
    Privacy(Privacy),
    /// Go back to the configured URL
    Url,
}

#[derive(Debug, Subcommand)]
pub(super) enum Factory {
    /// Forget everything but the evaluation countdown, and what codes of reservations depend on
    Reset {
        /// Also while licenses are reserved: have them released at the manager
        #[arg(value_enum)]
        force: Option<Force>,
    },
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// What to show
    #[arg(value_enum)]
    pub(super) what: What,
    /// As JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum What {
    All,
    Status,
    Summary,
    Usage,
    Udi,
    TechSupport,
}
