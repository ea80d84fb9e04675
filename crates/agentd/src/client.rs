//! A client of the local API: what `license` uses, and any product written in Rust.

use std::path::{Path, PathBuf};

use http::header::{CONTENT_TYPE, HOST};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::net::UnixStream;

/// Why a question to the agent got no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens at the socket.
    #[error("no agent answers at {path} ({source}): start seatpool-agentd, or name its socket with --socket")]
    Unreachable {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The connection failed, or what came is not of the API's shape.
    #[error("the agent's answer can't be understood: {0}")]
    Protocol(String),
    /// The agent refused, and says why and what to do.
    #[error("{description}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Stable code.
        code: String,
        /// Words.
        description: String,
    },
}

/// The shape of a refusal.
#[derive(Debug, Serialize, Deserialize)]
pub struct ApiError {
    /// Stable code.
    pub code: String,
    /// What happened, why, and what to do.
    pub description: String,
}

/// A client of one agent. Each question is a connection of its own, so that an agent that was restarted
/// in between is found again.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
}

impl Client {
    /// A client of the agent at `socket`.
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self { socket: socket.into() }
    }

    /// The socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// `GET`s a JSON value.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let (_, body) = self.send(Method::GET, path, None).await?;
        serde_json::from_slice(&body).map_err(|error| ClientError::Protocol(error.to_string()))
    }

    /// `GET`s text.
    pub async fn text(&self, path: &str) -> Result<String, ClientError> {
        let (_, body) = self.send(Method::GET, path, None).await?;
        String::from_utf8(body.into()).map_err(|error| ClientError::Protocol(error.to_string()))
    }

    /// Sends a change, with a JSON body if there is one. Returns the HTTP status, which is a success.
    pub async fn change(
        &self,
        method: Method,
        path: &str,
        body: Option<&(impl Serialize + Sync)>,
    ) -> Result<StatusCode, ClientError> {
        let body = body
            .map(serde_json::to_vec)
            .transpose()
            .map_err(|error| ClientError::Protocol(error.to_string()))?;
        Ok(self.send(method, path, body).await?.0)
    }

    /// Sends a request with a JSON body, and returns the answer's JSON body, if there is one.
    pub async fn post<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<Option<T>, ClientError> {
        let protocol = |error: serde_json::Error| ClientError::Protocol(error.to_string());
        let body = serde_json::to_vec(body).map_err(protocol)?;
        let (_, answer) = self.send(method, path, Some(body)).await?;
        if answer.is_empty() { Ok(None) } else { serde_json::from_slice(&answer).map_err(protocol) }
    }

    /// Sends a request without a body, and returns the HTTP status with the answer's JSON body, if there is one.
    pub async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
    ) -> Result<(StatusCode, Option<T>), ClientError> {
        let (status, body) = self.send(method, path, None).await?;
        if body.is_empty() {
            return Ok((status, None));
        }
        serde_json::from_slice(&body)
            .map(|value| (status, Some(value)))
            .map_err(|error| ClientError::Protocol(error.to_string()))
    }

    /// Opens a stream of lines, each a JSON value.
    pub async fn lines(&self, path: &str) -> Result<Lines, ClientError> {
        let body = self.open(Method::GET, path, None).await?.1;
        Ok(Lines { body, rest: Vec::new() })
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<(StatusCode, Bytes), ClientError> {
        let (status, body) = self.open(method, path, body).await?;
        let body = body.collect().await.map_err(|error| ClientError::Protocol(error.to_string()))?;
        Ok((status, body.to_bytes()))
    }

    async fn open(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<(StatusCode, Incoming), ClientError> {
        let protocol = |error: hyper::Error| ClientError::Protocol(error.to_string());
        let stream = UnixStream::connect(&self.socket)
            .await
            .map_err(|source| ClientError::Unreachable { path: self.socket.clone(), source })?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(protocol)?;
        // It ends with the answer's body, or when the answer is dropped.
        tokio::spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(format!("/{path}"))
            .header(HOST, "localhost")
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body.unwrap_or_default())))
            .map_err(|error| ClientError::Protocol(error.to_string()))?;
        let response = sender.send_request(request).await.map_err(protocol)?;
        let status = response.status();
        if status.is_success() {
            return Ok((status, response.into_body()));
        }
        let body = response.into_body().collect().await.map_err(protocol)?.to_bytes();
        let error: ApiError = serde_json::from_slice(&body)
            .map_err(|_| ClientError::Protocol(format!("HTTP status {status}")))?;
        Err(ClientError::Refused {
            status: status.as_u16(),
            code: error.code,
            description: error.description,
        })
    }
}

/// A stream of JSON lines.
#[derive(Debug)]
pub struct Lines {
    body: Incoming,
    rest: Vec<u8>,
}

impl Lines {
    /// The next value; `None` when the agent has ended.
    pub async fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, ClientError> {
        loop {
            if let Some(end) = self.rest.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.rest.drain(..=end).collect();
                return serde_json::from_slice(&line)
                    .map(Some)
                    .map_err(|error| ClientError::Protocol(error.to_string()));
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(Err(error)) => return Err(ClientError::Protocol(error.to_string())),
                Some(Ok(frame)) => {
                    if let Some(data) = frame.data_ref() {
                        self.rest.extend_from_slice(data);
                    }
                }
            }
        }
    }
}
