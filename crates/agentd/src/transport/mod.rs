//! One contact with a manager: resolve, connect, the proxy's tunnel, TLS, POST, and the answer's
//! signature. Each stage has its own time limit and its own error ([`Failure`]), so that a failed contact
//! is explained by its true cause. Nothing is retried here: when to try again is the agent's decision.

mod answer;
mod connect;
mod destination;
mod failure;
mod post;
mod proxy;
mod tls;

use core::time::Duration;
use std::sync::Arc;

use jiff::Timestamp;
use rustls::RootCertStore;
use seatpool_crypto::Anchors;
use tokio::time::timeout;

pub use answer::{Verified, verify};
pub use destination::{DEFAULT_PATH, Destination, Proxy, unbracketed};
pub use failure::{Failure, Stage};

/// What is trusted.
#[derive(Clone, Debug)]
pub struct Trust {
    /// The vendor's roots, for signed answers.
    pub vendor: Anchors,
    /// The vendor's roots and the operator's own, for TLS.
    pub tls: Arc<RootCertStore>,
}

/// The two readings of time by which a certificate may be in its time. Either is enough: the machine's
/// clock may have been set back, and the agent's estimate may remember one boot in the far future; the
/// answer that corrects both must still be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instants {
    /// The machine's clock.
    pub local: Timestamp,
    /// The agent's estimate, `max(local, last known)`.
    pub estimate: Timestamp,
}

/// How long each stage may take, in real time.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// [`Stage::Resolve`].
    pub resolve: Duration,
    /// [`Stage::Connect`], shared among the addresses.
    pub connect: Duration,
    /// [`Stage::Proxy`].
    pub proxy: Duration,
    /// [`Stage::Tls`].
    pub tls: Duration,
    /// [`Stage::Answer`].
    pub answer: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            resolve: seconds(10),
            connect: seconds(20),
            proxy: seconds(20),
            tls: seconds(15),
            answer: seconds(30),
        }
    }
}

/// Posts `body` to the manager, through `proxy` where there is one, and returns its verified answer.
pub async fn contact(
    destination: &Destination,
    proxy: Option<&Proxy>,
    body: Vec<u8>,
    trust: &Trust,
    instants: Instants,
    timeouts: &Timeouts,
) -> Result<Verified, Failure> {
    let within = |stage, limit: Duration| {
        let host = destination.authority();
        move |_| Failure::Timeout { stage, seconds: limit.as_secs(), host }
    };
    let stream = match proxy {
        None => connect::connect(&destination.host, destination.port, timeouts).await?,
        Some(proxy) => {
            let stream = connect::connect(&proxy.host, proxy.port, timeouts).await?;
            timeout(timeouts.proxy, proxy::tunnel(stream, proxy, destination))
                .await
                .map_err(within(Stage::Proxy, timeouts.proxy))??
        }
    };
    let stream = timeout(timeouts.tls, tls::negotiate(stream, destination, &trust.tls, instants))
        .await
        .map_err(within(Stage::Tls, timeouts.tls))??;
    let envelope = timeout(timeouts.answer, post::post(stream, destination, body))
        .await
        .map_err(within(Stage::Answer, timeouts.answer))??;
    verify(&envelope, &trust.vendor, instants)
}
