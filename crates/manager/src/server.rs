//! Listeners, TLS, limits and graceful shutdown. It knows nothing of what is served.

use core::time::Duration;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use crate::ca::TlsCertificate;
use crate::ops::metrics;

/// Most connections of one listener at once; more wait in the system's queue.
pub const CONNECTIONS_MAX: usize = 8192;
/// Most connections of one network address at once; more are closed at once.
pub const CONNECTIONS_PER_ADDRESS_MAX: usize = 1024;
/// How long a TLS handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a request's head may take, idle time between requests included.
const HEAD_TIMEOUT: Duration = Duration::from_mins(1);
/// How long open requests may take to end once the manager is told to stop.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections that the system keeps waiting while all of ours are taken.
const BACKLOG: i32 = 1024;
/// Streams that one HTTP/2 connection may open at once.
const STREAMS_MAX: u32 = 128;

/// The peer's address, as an extension of every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// Binds an address. An IPv6 one takes IPv6 alone, so that it can stand beside its IPv4 twin.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// TLS 1.2 and 1.3 with the certificate that `certificate` holds at the moment.
pub fn tls_config(certificate: Arc<TlsCertificate>) -> Result<Arc<ServerConfig>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// One listener with what it serves.
pub struct Server {
    /// The bound socket.
    pub listener: TcpListener,
    /// TLS; plain HTTP if absent.
    pub tls: Option<Arc<ServerConfig>>,
    /// The routes.
    pub router: Router,
}

/// What all connections of a listener share.
struct Shared {
    acceptor: Option<TlsAcceptor>,
    router: Router,
    http: auto::Builder<TokioExecutor>,
    places: Arc<Semaphore>,
    per_address: Mutex<HashMap<IpAddr, usize>>,
    stop: watch::Receiver<bool>,
}

impl Server {
    /// Accepts and serves until `stop` becomes true, then lets open requests end.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut http = auto::Builder::new(TokioExecutor::new());
        http.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
        http.http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(HEAD_TIMEOUT)
            .max_concurrent_streams(STREAMS_MAX);
        let shared = Arc::new(Shared {
            acceptor: self.tls.map(TlsAcceptor::from),
            router: self.router,
            http,
            places: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
            per_address: Mutex::default(),
            stop: stop.clone(),
        });
        loop {
            let accepted = tokio::select! {
                accepted = accept(&self.listener, &shared.places) => accepted,
                () = stopped(&mut stop) => break,
            };
            match accepted {
                Ok((stream, peer, place)) => {
                    let shared = Arc::clone(&shared);
                    tokio::spawn(async move { shared.connection(stream, peer, place).await });
                }
                // Out of file descriptors, say: what is open goes on, and ends in time.
                Err(error) => {
                    metrics::connection_refused("accept");
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        drop(self.listener);
        let all = u32::try_from(CONNECTIONS_MAX).unwrap_or(u32::MAX);
        if tokio::time::timeout(DRAIN_TIMEOUT, shared.places.acquire_many(all)).await.is_err() {
            tracing::warn!("some requests did not end in time and are cut off");
        }
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, place))
}

impl Shared {
    async fn connection(&self, stream: TcpStream, peer: SocketAddr, _place: OwnedSemaphorePermit) {
        let Some(_counted) = self.count(peer.ip()) else {
            metrics::connection_refused("address_limit");
            tracing::warn!(%peer, "connection closed: {CONNECTIONS_PER_ADDRESS_MAX} of its address are open");
            return;
        };
        // Answers are written whole; waiting for more would only delay them.
        let _ = stream.set_nodelay(true);
        let Some(acceptor) = &self.acceptor else {
            return self.serve(stream, peer).await;
        };
        let mut stop = self.stop.clone();
        let handshake = tokio::select! {
            handshake = tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)) => handshake,
            () = stopped(&mut stop) => return,
        };
        match handshake {
            Ok(Ok(stream)) => self.serve(stream, peer).await,
            Ok(Err(error)) => {
                metrics::connection_refused("tls");
                tracing::debug!(%peer, %error, "TLS handshake failed");
            }
            Err(_) => {
                metrics::connection_refused("tls_timeout");
                tracing::debug!(%peer, "TLS handshake took too long");
            }
        }
    }

    async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(&self, stream: S, peer: SocketAddr) {
        let service = service_fn(|mut request: Request<Incoming>| {
            request.extensions_mut().insert(Peer(peer));
            self.router.clone().oneshot(request)
        });
        let connection = self.http.serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        let mut stop = self.stop.clone();
        let result = tokio::select! {
            result = connection.as_mut() => result,
            () = stopped(&mut stop) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = result {
            tracing::debug!(%peer, %error, "connection ended early");
        }
    }

    /// Counts a connection of this address while the result lives; none if there are too many.
    fn count(&self, address: IpAddr) -> Option<Counted<'_>> {
        let mut per_address = self.per_address.lock().unwrap_or_else(PoisonError::into_inner);
        let count = per_address.entry(address).or_insert(0);
        if *count >= CONNECTIONS_PER_ADDRESS_MAX {
            return None;
        }
        *count += 1;
        metrics::connection_opened();
        Some(Counted { shared: self, address })
    }
}

/// Returns once the manager is to stop.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error says that the sender is gone: that is the end, too.
    let _ = stop.wait_for(|stop| *stop).await;
}

struct Counted<'a> {
    shared: &'a Shared,
    address: IpAddr,
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        metrics::connection_closed();
        let mut per_address = self.shared.per_address.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = per_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                per_address.remove(&self.address);
            }
        }
    }
}
