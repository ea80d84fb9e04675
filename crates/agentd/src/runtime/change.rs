//! What can be asked of the agent, and why it may not be done.

use std::collections::BTreeMap;

use seatpool_agent::reservation::Step;
use seatpool_agent::{Command, CommandRefused, Proxy, ReservationRefused, Secret, Transport, TransportMode};
use seatpool_proto::code::ReservationKind;
use seatpool_proto::{Quantity, Tag};
use serde::{Deserialize, Deserializer};

/// A change that is asked of the agent.
#[derive(Clone, Debug)]
pub enum Change {
    /// Register with a token; the key is made here.
    Register {
        /// The token's text.
        token: Secret,
        /// Replace an older registration.
        force: bool,
    },
    /// Change the parts of the transport that are named.
    Transport(TransportChange),
    /// Withhold, or no longer withhold, what is named.
    Privacy {
        /// Withhold the host name.
        hostname: Option<bool>,
        /// Withhold the version.
        version: Option<bool>,
    },
    /// Set what is in use.
    Usage(BTreeMap<Tag, Quantity>),
    /// A step of a reservation.
    Reservation(ReservationChange),
    /// Anything else that needs nothing of the shell.
    Command(Command),
}

/// A step of a reservation; the key of a request is made here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReservationChange {
    /// Make a request code.
    Request(ReservationKind),
    /// Any other step.
    Step(Step),
}

/// What becomes of a setting. In JSON: left out, `null`, or a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Setting<T> {
    /// It stays.
    #[default]
    Keep,
    /// It goes back to the default, or to none.
    Reset,
    /// It becomes this.
    To(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Setting<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Reset, Self::To))
    }
}

/// The parts of a transport to change.
#[derive(Clone, Debug, Default)]
pub struct TransportChange {
    /// Direct or by a gateway.
    pub mode: Option<TransportMode>,
    /// The manager's URL, or the configured one.
    pub url: Setting<String>,
    /// The proxy, or none.
    pub proxy: Setting<ProxyChange>,
}

/// Another proxy.
#[derive(Clone, Debug)]
pub struct ProxyChange {
    /// Host name or address; absent: the present one.
    pub host: Option<String>,
    /// Port; absent: the present one, or [`DEFAULT_PROXY_PORT`].
    pub port: Option<u16>,
    /// User name and password, or none; absent: the present ones, if the host stays.
    pub credentials: Setting<(String, Secret)>,
}

/// The port of a proxy that none is named for: HTTP's (RFC 9110, section 4.2.1).
pub const DEFAULT_PROXY_PORT: u16 = 80;

impl TransportChange {
    pub(super) fn apply(self, transport: &mut Transport) -> Result<(), ChangeError> {
        let Self { mode, url, proxy } = self;
        transport.mode = mode.unwrap_or(transport.mode);
        match url {
            Setting::Keep => {}
            Setting::Reset => transport.url = None,
            Setting::To(url) => transport.url = Some(url),
        }
        match proxy {
            Setting::Keep => {}
            Setting::Reset => transport.proxy = None,
            Setting::To(change) => transport.proxy = Some(change.over(transport.proxy.take())?),
        }
        Ok(())
    }
}

impl ProxyChange {
    fn over(self, present: Option<Proxy>) -> Result<Proxy, ChangeError> {
        let host = self.host.or_else(|| present.as_ref().map(|proxy| proxy.host.clone()));
        let host = host.ok_or(ChangeError::NoProxyHost)?;
        let port = self.port.or(present.as_ref().map(|proxy| proxy.port)).unwrap_or(DEFAULT_PROXY_PORT);
        let (user, password) = match self.credentials {
            Setting::To((user, password)) => (Some(user), Some(password)),
            Setting::Reset => (None, None),
            Setting::Keep => {
                present.filter(|p| p.host == host).map_or((None, None), |p| (p.user, p.password))
            }
        };
        Ok(Proxy { host, port, user, password })
    }
}

/// Why a change was not made.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ChangeError {
    /// The agent refused it; nothing was changed.
    #[error(transparent)]
    Refused(#[from] CommandRefused),
    /// The agent refused a step of a reservation; nothing was changed.
    #[error(transparent)]
    Reservation(#[from] ReservationRefused),
    /// A key could not be made; nothing was changed.
    #[error("no key could be made: {0}")]
    Key(String),
    /// A part of a proxy was changed, and there is none.
    #[error(
        "there is no proxy whose settings could be changed: set its address first, as in `license smart proxy address proxy.example`"
    )]
    NoProxyHost,
    /// It was made in memory, and could not be stored.
    #[error("the change holds for now but could not be stored, so nothing is sent until it is: {0}")]
    NotStored(String),
    /// The daemon is ending.
    #[error("the agent is shutting down: start it again")]
    Ending,
}

impl ChangeError {
    /// A stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(refused) => refused.code(),
            Self::Reservation(refused) => refused.code(),
            Self::NoProxyHost => "no_proxy",
            Self::Key(_) => "key_not_made",
            Self::NotStored(_) => "not_stored",
            Self::Ending => "ending",
        }
    }
}
