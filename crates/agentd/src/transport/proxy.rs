//! HTTP CONNECT (RFC 9110, section 9.3.6): the proxy resolves the manager's name and connects to it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use zeroize::Zeroizing;

use super::{Destination, Failure, Proxy};

/// Longest answer to CONNECT that is read, in bytes: a status line and headers.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

/// Asks the proxy at the other end of `stream` for a tunnel to `destination`.
pub(super) async fn tunnel(
    mut stream: TcpStream,
    proxy: &Proxy,
    destination: &Destination,
) -> Result<TcpStream, Failure> {
    let protocol = |reason: String| Failure::ProxyProtocol { proxy: proxy.authority(), reason };
    let request = request(proxy, destination);
    stream.write_all(request.as_bytes()).await.map_err(|e| protocol(e.to_string()))?;
    let mut head = Vec::new();
    let mut chunk = [0; 1024];
    // A tunnel carries nothing before the client speaks, so reading in pieces takes nothing of TLS.
    let end = loop {
        if let Some(end) = head.windows(4).position(|w| w == b"\r\n\r\n") {
            break end + 4;
        }
        if head.len() > ANSWER_BYTES_MAX {
            return Err(protocol(format!("more than {ANSWER_BYTES_MAX} bytes of headers")));
        }
        match stream.read(&mut chunk).await {
            Ok(0) => return Err(protocol("it closed the connection without an answer".into())),
            Ok(count) => head.extend_from_slice(&chunk[..count]),
            Err(error) => return Err(protocol(error.to_string())),
        }
    };
    let (status, reason) = status_line(&head)
        .ok_or_else(|| protocol("its answer does not begin with an HTTP status line".into()))?;
    match status {
        200..=299 if head.len() == end => Ok(stream),
        200..=299 => Err(protocol("it sent bytes of its own into the tunnel".into())),
        407 => {
            Err(Failure::ProxyCredentials { proxy: proxy.authority(), offered: proxy.credentials.is_some() })
        }
        _ => Err(Failure::ProxyRefused {
            proxy: proxy.authority(),
            target: destination.authority(),
            status,
            reason,
        }),
    }
}

fn request(proxy: &Proxy, destination: &Destination) -> Zeroizing<String> {
    let target = destination.authority();
    let mut text = Zeroizing::new(format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n"));
    if let Some((user, password)) = &proxy.credentials {
        let pair = Zeroizing::new(format!("{user}:{}", password.as_str()));
        let encoded = Zeroizing::new(STANDARD.encode(pair.as_bytes()));
        text.push_str("Proxy-Authorization: Basic ");
        text.push_str(&encoded);
        text.push_str("\r\n");
    }
    text.push_str("\r\n");
    text
}

fn status_line(head: &[u8]) -> Option<(u16, String)> {
    let line = head.split(|&b| b == b'\r').next()?;
    let line = String::from_utf8_lossy(line);
    let mut parts = line.splitn(3, ' ');
    parts.next()?.strip_prefix("HTTP/1.")?;
    let status = parts.next()?.parse().ok()?;
    let reason = parts.next().unwrap_or_default();
    Some((status, reason.chars().filter(|c| !c.is_control()).take(200).collect()))
}

#[cfg(test)]
mod tests {
    use super::status_line;

    #[test]
    fn a_status_line_is_read_and_anything_else_is_not() {
        assert_eq!(status_line(b"HTTP/1.0 403 Filtered\r\n\r\n"), Some((403, "Filtered".into())));
        assert_eq!(status_line(b"HTTP/1.1 200\r\n\r\n"), Some((200, String::new())));
        assert_eq!(status_line(b"SSH-2.0-OpenSSH\r\n\r\n"), None);
        assert_eq!(status_line(b"HTTP/1.1 abc\r\n\r\n"), None);
    }
}
