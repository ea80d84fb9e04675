//! Name and TCP connection: the first two stages.

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::{Failure, Stage, Timeouts};

/// Connects to `host`, trying its addresses in the resolver's order (RFC 6724), IPv6 and IPv4 alike.
pub(super) async fn connect(host: &str, port: u16, timeouts: &Timeouts) -> Result<TcpStream, Failure> {
    let addresses = resolve(host, port, timeouts.resolve).await?;
    // Each address gets its share, so that a dead first one leaves time for the others.
    let share = timeouts.connect / u32::try_from(addresses.len().clamp(1, 4)).unwrap_or(1);
    let mut attempts = Vec::new();
    let mut silent = true;
    for address in &addresses {
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => {
                silent = false;
                attempts.push(format!("{address}: {error}"));
            }
            Err(_) => attempts.push(format!("{address}: no answer within {} s", share.as_secs_f32())),
        }
    }
    if silent {
        return Err(Failure::Timeout {
            stage: Stage::Connect,
            seconds: timeouts.connect.as_secs(),
            host: format!("{host} ({})", attempts.join("; ")),
        });
    }
    Err(Failure::Connect { host: host.to_owned(), port, attempts: attempts.join("; ") })
}

async fn resolve(host: &str, port: u16, limit: Duration) -> Result<Vec<SocketAddr>, Failure> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let unresolved = |reason: String| Failure::Name { host: host.to_owned(), reason };
    let addresses: Vec<_> = timeout(limit, lookup_host((host, port)))
        .await
        .map_err(|_| Failure::Timeout {
            stage: Stage::Resolve,
            seconds: limit.as_secs(),
            host: host.to_owned(),
        })?
        .map_err(|error| unresolved(error.to_string()))?
        .collect();
    if addresses.is_empty() { Err(unresolved("it has no address".into())) } else { Ok(addresses) }
}
