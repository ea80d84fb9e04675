//! The doors of the local API: a Unix socket, and a loopback address behind a bearer token.

use core::net::SocketAddr;
use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use seatpool_crypto::random_bytes;
use seatpool_proto::Sha256;
use tokio::net::{TcpListener, UnixListener};
use zeroize::Zeroizing;

use crate::disk::replace_file;

/// Longest path of a Unix socket (unix(7): 108 bytes with the final zero).
const SOCKET_PATH_BYTES_MAX: usize = 107;

/// A bound Unix socket, removed from its directory when dropped.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) listener: UnixListener,
    path: PathBuf,
}

impl Socket {
    /// Binds `path` with permission bits `mode`. It is made in a private directory beside `path` and moved into
    /// place, so that it is never open wider, and a socket that a killed process left is replaced.
    pub(crate) fn bind(path: &Path, mode: u32) -> anyhow::Result<Self> {
        let context = || format!("the socket {} can't be made", path.display());
        let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        if let Ok(found) = std::fs::symlink_metadata(path) {
            use std::os::unix::fs::FileTypeExt as _;
            if !found.file_type().is_socket() {
                bail!("{} is no socket: move it away, or choose another socket", path.display());
            }
        }
        let private = parent.join(format!(".{}", u32::from_be_bytes(random_bytes())));
        let made = private.join("s");
        if made.as_os_str().len() > SOCKET_PATH_BYTES_MAX || path.as_os_str().len() > SOCKET_PATH_BYTES_MAX {
            bail!("the socket path {} is too long for this system: choose a shorter one", path.display());
        }
        DirBuilder::new().mode(0o700).create(&private).with_context(context)?;
        let bound = UnixListener::bind(&made).and_then(|listener| {
            std::fs::set_permissions(&made, std::fs::Permissions::from_mode(mode))?;
            std::fs::rename(&made, path)?;
            Ok(listener)
        });
        let _ = std::fs::remove_file(&made);
        let _ = std::fs::remove_dir(&private);
        Ok(Self { listener: bound.with_context(context)?, path: path.to_owned() })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// A loopback listener with the token that its callers must show.
#[derive(Debug)]
pub(crate) struct Loopback {
    pub(crate) listener: TcpListener,
    pub(crate) token: Bearer,
}

impl Loopback {
    /// Binds `address`; the token is read from `file`, or drawn and stored there with mode 0600.
    pub(crate) async fn bind(address: SocketAddr, file: &Path) -> anyhow::Result<Self> {
        let token = match std::fs::read_to_string(file) {
            Ok(text) if !text.trim().is_empty() => Zeroizing::new(text.trim().to_owned()),
            Ok(_) => bail!("the token file {} is empty: remove it to have a token made", file.display()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                // 256 random bits, in the hexadecimal that a digest is written in.
                let token = Sha256(random_bytes()).to_string();
                replace_file(file, token.as_bytes(), 0o600)
                    .with_context(|| format!("the token can't be stored in {}", file.display()))?;
                Zeroizing::new(token)
            }
            Err(error) => {
                return Err(error)
                    .with_context(|| format!("the token file {} can't be read", file.display()));
            }
        };
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("the address {address} (listen) can't be bound"))?;
        Ok(Self { listener, token: Bearer(token) })
    }
}

/// A bearer token (RFC 6750). Its `Debug` shows nothing of it.
#[derive(Clone)]
pub(crate) struct Bearer(Zeroizing<String>);

impl core::fmt::Debug for Bearer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Bearer")
    }
}

impl Bearer {
    /// Whether a request shows the token, compared in constant time.
    pub(crate) fn is_shown(&self, headers: &HeaderMap) -> bool {
        headers
            .get(AUTHORIZATION)
            .and_then(|value| value.as_bytes().strip_prefix(b"Bearer "))
            .is_some_and(|shown| verify_slices_are_equal(shown, self.0.as_bytes()).is_ok())
    }
}
