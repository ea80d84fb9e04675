//! Where a contact goes: the manager's URL and the proxy, read and checked once.

use core::fmt;

use http::Uri;
use zeroize::Zeroizing;

use super::Failure;

/// The path of agents' requests where a URL names none.
pub const DEFAULT_PATH: &str = "/licservice/license";

/// A manager's address, from an `https` URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Name or address, IPv6 without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Path and query.
    pub path: String,
}

/// An HTTP proxy.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    /// Name or address, IPv6 without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// User name and password for `Basic` (RFC 7617).
    pub credentials: Option<(String, Zeroizing<String>)>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("credentials", &self.credentials.is_some())
            .finish()
    }
}

impl Destination {
    /// Reads a URL. Plain `http` is refused with words, as is anything that names no host.
    pub fn parse(url: &str) -> Result<Self, Failure> {
        let refuse = |why: String| Err(Failure::Address(why));
        let uri: Uri = match url.parse() {
            Ok(uri) => uri,
            Err(error) => {
                return refuse(format!("{url:?} is not a URL ({error}); write https://HOST[:PORT]/PATH"));
            }
        };
        match uri.scheme_str() {
            Some("https") => {}
            Some("http") => {
                return refuse(format!(
                    "{url} is plain http, and a manager is talked to over TLS only; write https://"
                ));
            }
            _ => return refuse(format!("{url:?} does not begin with https://")),
        }
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return refuse("a manager's URL holds no user name or password".into());
        }
        let host = unbracketed(uri.host().unwrap_or_default());
        if host.is_empty() {
            return refuse(format!("{url:?} names no host"));
        }
        let path = match uri.path_and_query().map(http::uri::PathAndQuery::as_str) {
            None | Some("" | "/") => DEFAULT_PATH.to_owned(),
            Some(path) => path.to_owned(),
        };
        Ok(Self { host: host.to_owned(), port: uri.port_u16().unwrap_or(443), path })
    }

    /// `host:port`, IPv6 in brackets.
    pub fn authority(&self) -> String {
        authority(&self.host, self.port)
    }
}

impl Proxy {
    /// `host:port`, IPv6 in brackets.
    pub fn authority(&self) -> String {
        authority(&self.host, self.port)
    }
}

/// `[::1]` as `::1`; everything else as it is.
pub fn unbracketed(host: &str) -> &str {
    host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host)
}

fn authority(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_becomes_host_port_and_path_or_words() {
        let check =
            |url: &str, expect: Result<(&str, u16, &str), &str>| match (Destination::parse(url), expect) {
                (Ok(d), Ok((host, port, path))) => {
                    assert_eq!((d.host.as_str(), d.port, d.path.as_str()), (host, port, path), "{url}");
                }
                (Err(e), Err(part)) => assert!(e.to_string().contains(part), "{url}: {e}"),
                (got, want) => panic!("{url}: {got:?} instead of {want:?}"),
            };
        check("https://manager.example", Ok(("manager.example", 443, DEFAULT_PATH)));
        check(
            "https://manager.example:8443/SmartTransport",
            Ok(("manager.example", 8443, "/SmartTransport")),
        );
        check("https://[::1]:8443/", Ok(("::1", 8443, DEFAULT_PATH)));
        check("http://manager.example/x", Err("plain http"));
        check("manager.example", Err("does not begin with https://"));
        check("https://", Err("not a URL"));
        check("https://u:p@manager.example/", Err("no user name"));
    }
}
