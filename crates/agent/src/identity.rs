//! What the shell tells the agent about the machine it runs on, and the settings that people make.

use core::fmt;

use seatpool_proto::{RequestId, Udi, message::base64_bytes};
use serde::{Deserialize, Serialize};

/// The installed product, as the shell found it. Not part of the state: it may change with an upgrade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The device.
    pub udi: Udi,
    /// Product name, as people see it (it becomes the ID certificate's `CN`).
    pub product_name: String,
    /// Product version.
    pub product_version: Option<String>,
    /// Host name.
    pub host_name: Option<String>,
}

/// The shell's name for a key pair: a UUID that it drew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(pub RequestId);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A key pair that the shell made and has stored: its name and its public half.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewKey {
    /// Its name.
    pub id: KeyId,
    /// DER SubjectPublicKeyInfo.
    #[serde(with = "base64_bytes")]
    pub public_key: Vec<u8>,
}

/// A text that never shows in logs: a token, a proxy's password. It is stored with the state, which is
/// readable by the owner only.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// How to reach the manager. The agent only keeps it; the shell acts on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transport {
    /// Direct or by a gateway.
    pub mode: TransportMode,
    /// The manager's address; absent: the address that the shell was configured with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// A proxy, which goes with any destination.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Proxy>,
}

/// What kind of manager the transport leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransportMode {
    /// The vendor's manager.
    #[default]
    Direct,
    /// An on-prem manager.
    Gateway,
}

/// An HTTP proxy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proxy {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// User name, if the proxy asks for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Password, if the proxy asks for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
}

/// What is withheld from the manager.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Privacy {
    /// Withhold the host name.
    #[serde(default)]
    pub hostname: bool,
    /// Withhold the product's version.
    #[serde(default)]
    pub version: bool,
}
