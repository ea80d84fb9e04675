//! The local API: JSON over HTTP on a Unix socket, and on loopback behind a bearer token if that is asked for
//! (cli.md, "The agent's local API").
//!
//! It turns requests into questions and changes of the [`Handle`] and words into answers; it decides nothing.

mod listen;
mod request;
mod reservation;
mod routes;
pub mod shapes;
mod wrong;

use core::convert::Infallible;

use http::StatusCode;
use http_body_util::combinators::BoxBody;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;

use crate::client::ApiError;
use crate::runtime::Handle;
use listen::{Bearer, Loopback, Socket};

pub use shapes::{ClockAnswer, LocalOnly, MayI, StatusAnswer};

type Body = BoxBody<Bytes, Infallible>;

/// The local API with its doors open.
pub struct Api {
    handle: Handle,
    socket: Socket,
    loopback: Option<Loopback>,
}

impl Api {
    /// Opens the doors that the configuration names.
    pub async fn open(handle: Handle) -> anyhow::Result<Self> {
        let config = handle.config();
        let socket = Socket::bind(&config.socket, config.socket_mode)?;
        let loopback = match &config.listen {
            Some((address, token)) => Some(Loopback::bind(*address, token).await?),
            None => None,
        };
        Ok(Self { handle, socket, loopback })
    }

    /// Serves until dropped.
    pub async fn serve(self) {
        let Self { handle, socket, loopback } = self;
        let mut connections = JoinSet::new();
        loop {
            let accepted = async {
                match &loopback {
                    Some(loopback) => {
                        loopback.listener.accept().await.map(|(stream, _)| (stream, &loopback.token))
                    }
                    None => core::future::pending().await,
                }
            };
            tokio::select! {
                stream = socket.listener.accept() => match stream {
                    Ok((stream, _)) => drop(connections.spawn(serve(stream, handle.clone(), None))),
                    Err(error) => pause(&error).await,
                },
                stream = accepted => match stream {
                    Ok((stream, token)) => {
                        let token = Some(token.clone());
                        connections.spawn(serve(stream, handle.clone(), token));
                    }
                    Err(error) => pause(&error).await,
                },
                Some(_) = connections.join_next() => {}
            }
        }
    }
}

/// Accepting fails for want of file descriptors, say: others may be freed meanwhile.
async fn pause(error: &std::io::Error) {
    tracing::warn!("a connection to the local API could not be accepted: {error}");
    tokio::time::sleep(core::time::Duration::from_millis(100)).await;
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, handle: Handle, token: Option<Bearer>) {
    let service = service_fn(move |request: http::Request<Incoming>| {
        let handle = handle.clone();
        let allowed = token.as_ref().is_none_or(|token| token.is_shown(request.headers()));
        async move {
            Ok::<_, Infallible>(if allowed {
                routes::route(request, &handle).await.unwrap_or_else(Refusal::into_response)
            } else {
                let description = "this address asks for the token of listen_token_file: send it as Authorization: Bearer <token>";
                Refusal::new(StatusCode::UNAUTHORIZED, "unauthorized", description).into_response()
            })
        }
    });
    // A caller that goes away, or sends no HTTP, is no matter for the log.
    let _ = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// An answer of 4xx or 5xx.
#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    code: &'static str,
    description: String,
}

impl Refusal {
    fn new(status: StatusCode, code: &'static str, description: impl Into<String>) -> Self {
        Self { status, code, description: description.into() }
    }

    fn bad_request(code: &'static str, description: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, description)
    }

    fn into_response(self) -> http::Response<Body> {
        let error = ApiError { code: self.code.to_owned(), description: self.description };
        shapes::json(self.status, &error)
    }
}
