//! Fetching a file from an SFTP server with the system's OpenSSH client (decision 0016): it checks the host's key
//! against the known hosts and asks in its own words about a new one, takes keys, agents and passwords.

use core::time::Duration;
use std::path::Path;

use anyhow::{Context as _, bail};
use tokio::process::Command;

use super::reservation::{CODE_BYTES_MAX, read_text};
use super::transfer::{self, Ended};
use super::words::Sftp;

/// Names the file whose first line [`answer_askpass`] prints.
const ASKPASS_FILE: &str = "SEATPOOL_LICENSE_ASKPASS_FILE";

/// Where a file is.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    user: Option<String>,
    host: String,
    port: Option<u16>,
    path: String,
}

impl Place {
    /// Reads `sftp://[user@]host[:port]/path`. The path is absolute, or under the home directory as `/~/path`.
    fn parse(url: &str) -> anyhow::Result<Self> {
        let form = "an SFTP address is written sftp://user@host:port/path";
        let rest = url.strip_prefix("sftp://").with_context(|| format!("{url:?}: {form}"))?;
        let (authority, path) =
            rest.split_once('/').with_context(|| format!("{url:?} names no file: {form}"))?;
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        if user.is_some_and(|user| user.contains(':')) {
            bail!("a password does not belong into an address, where others can see it: use --password-file");
        }
        let (host, port) = match host.strip_prefix('[').and_then(|host| host.split_once(']')) {
            Some((host, port)) => (host, port.strip_prefix(':')),
            None => match host.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (host, None),
            },
        };
        let port = port
            .map(|port| {
                port.parse::<u16>()
                    .ok()
                    .filter(|&port| port > 0)
                    .with_context(|| format!("{port:?} is no port: {form}"))
            })
            .transpose()?;
        let plain = |text: &str| {
            let usual = |c: char| c.is_ascii_alphanumeric() || "._-:%".contains(c);
            !text.is_empty() && !text.starts_with('-') && text.chars().all(usual)
        };
        if !plain(host) || !user.is_none_or(plain) {
            bail!("{url:?}: {form}");
        }
        let path = percent_decoded(path).with_context(|| format!("{url:?}: {form}"))?;
        if path.is_empty() || path.ends_with('/') {
            bail!("{url:?} names no file: {form}");
        }
        // The client would take these for patterns.
        if path.contains(['*', '?', '[', ']', '\\', '"', '\n', '\r']) {
            bail!(
                "the path {path:?} holds a character that an SFTP client takes for a pattern: rename the file"
            );
        }
        let path = match path.strip_prefix("~/") {
            Some(home) => home.to_owned(),
            None => format!("/{path}"),
        };
        Ok(Self { user: user.map(str::to_owned), host: host.to_owned(), port, path })
    }

    fn to_argument(&self) -> String {
        let user = self.user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        // The client reads it as a word of its own command language.
        let path = self.path.replace(' ', "\\ ").replace('\'', "\\'");
        format!("{user}{host}:{path}")
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first == b'%' {
            let (digits, after) = rest.split_at_checked(2)?;
            rest = after;
            bytes.push(u8::from_str_radix(core::str::from_utf8(digits).ok()?, 16).ok()?);
        } else {
            bytes.push(first);
        }
    }
    String::from_utf8(bytes).ok()
}

/// What the system's `sftp` is given for an address as in `sftp://user@host:port/path`; the port apart.
pub fn sftp_argument(url: &str) -> anyhow::Result<String> {
    Ok(Place::parse(url)?.to_argument())
}

/// The text of the file.
pub(super) async fn fetch(url: &str, options: &Sftp) -> anyhow::Result<String> {
    let place = Place::parse(url)?;
    let directory = private_directory()?;
    let file = directory.0.join("code");
    let mut command = Command::new("sftp");
    command.args(["-o", "ConnectTimeout=30", "-o", "NumberOfPasswordPrompts=1"]);
    // Never a code that is guessed at: the host is known, or a person says so.
    let mut checking = if options.accept_new_host { "accept-new" } else { "ask" };
    if let Some(known_hosts) = &options.known_hosts {
        command.arg("-o").arg(format!("UserKnownHostsFile=\"{}\"", known_hosts.display()));
    }
    if let Some(identity) = &options.identity {
        command.args(["-o", "IdentitiesOnly=yes"]).arg("-i").arg(identity);
    }
    if let Some(password) = &options.password_file {
        std::fs::File::open(password)
            .with_context(|| format!("the file {} can't be read", password.display()))?;
        let own = std::env::current_exe().context("this program's own file can't be found")?;
        command.env("SSH_ASKPASS", own).env("SSH_ASKPASS_REQUIRE", "force").env(ASKPASS_FILE, password);
        command.args(["-o", "PreferredAuthentications=password,keyboard-interactive"]);
        // The one question that is answered by a file must be the password.
        if checking == "ask" {
            checking = "yes";
        }
    }
    command.arg("-o").arg(format!("StrictHostKeyChecking={checking}"));
    if let Some(port) = place.port {
        command.arg("-P").arg(port.to_string());
    }
    command.arg("--").arg(place.to_argument()).arg(&file);
    // One byte more, so that what is too large is told from what just fits.
    match transfer::run(&mut command, CODE_BYTES_MAX + 1, Duration::from_secs(options.timeout)).await? {
        Ended::Done => {}
        Ended::Failed(said) => bail!(explain(&place, &said)),
        Ended::TooLarge => bail!(
            "{url} was not fetched: it has more than {CODE_BYTES_MAX} bytes, and no authorization code is that long"
        ),
        Ended::TooLong => bail!(
            "the file was not fetched from {} within {} seconds: try it with `sftp`, or give it longer with --timeout",
            place.host,
            options.timeout
        ),
    }
    let found = std::fs::File::open(&file).with_context(|| format!("{url} could not be fetched"))?;
    read_text(found).with_context(|| format!("{url} was fetched"))
}

/// What OpenSSH said, in the words of what to do.
fn explain(place: &Place, said: &str) -> String {
    let host = &place.host;
    let known = [
        (
            "REMOTE HOST IDENTIFICATION HAS CHANGED",
            format!(
                "the key of {host} is not the known one: it was reinstalled, or this is another machine. Compare its key with its administrator, then remove the old one with `ssh-keygen -R`"
            ),
        ),
        (
            "Host key verification failed",
            format!(
                "the key of {host} is not known here: connect once with `sftp` and compare its fingerprint, name a file with --known-hosts, or trust it with --accept-new-host"
            ),
        ),
        (
            "Permission denied",
            format!("{host} does not let this user in: check the user, the key and the password"),
        ),
        ("not found", format!("{host} has no file {}", place.path)),
        ("No such file", format!("{host} has no file {}", place.path)),
    ];
    // The last line only says that the connection is closed.
    let mut lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    let telling = lines.clone().rfind(|line| !line.starts_with("Connection closed"));
    let last = telling.or_else(|| lines.next_back()).unwrap_or("sftp gave no reason");
    match known.iter().find(|(part, _)| said.contains(part)) {
        Some((_, words)) => format!("{words} ({last})"),
        None => format!("the file can't be fetched from {host}: {last}"),
    }
}

/// A directory that only this user can read, gone with the value.
struct PrivateDirectory(std::path::PathBuf);

impl Drop for PrivateDirectory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn private_directory() -> anyhow::Result<PrivateDirectory> {
    use std::os::unix::fs::DirBuilderExt as _;
    let random = u64::from_be_bytes(seatpool_crypto::random_bytes());
    let path = std::env::temp_dir().join(format!("license-{random:016x}"));
    std::fs::DirBuilder::new()
        .mode(0o700)
        .create(&path)
        .with_context(|| format!("the directory {} can't be made", path.display()))?;
    Ok(PrivateDirectory(path))
}

/// When OpenSSH runs this program to ask for a password: prints the first line of the file that
/// `--password-file` named. Whether that was so; then there is nothing else to do.
pub fn answer_askpass() -> bool {
    let Some(file) = std::env::var_os(ASKPASS_FILE) else { return false };
    if let Ok(text) = std::fs::read_to_string(Path::new(&file)) {
        println!("{}", text.lines().next().unwrap_or_default());
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart() {
        let place = Place::parse("sftp://ops@files.example:2222/codes/ucm%20one.xml").unwrap();
        assert_eq!(place.to_argument(), "ops@files.example:/codes/ucm\\ one.xml");
        assert_eq!(place.port, Some(2222));
        assert_eq!(Place::parse("sftp://10.0.0.7/~/code").unwrap().to_argument(), "10.0.0.7:code");
        assert_eq!(Place::parse("sftp://[fe80::1]:22/code").unwrap().to_argument(), "[fe80::1]:/code");
    }

    #[test]
    fn what_would_be_an_option_a_pattern_or_a_password_is_refused() {
        let wrong = |url: &str, words: &str| {
            let said = Place::parse(url).unwrap_err().to_string();
            assert!(said.contains(words), "{url}: {said}");
        };
        wrong("sftp://-oProxyCommand=x/code", "is written sftp://");
        wrong("sftp://-l@host/code", "is written sftp://");
        wrong("sftp://u:secret@host/code", "--password-file");
        wrong("sftp://host/co*de", "pattern");
        wrong("sftp://host/a%0Ab", "pattern");
        wrong("sftp://host/", "names no file");
        wrong("sftp://host", "names no file");
        wrong("sftp://host:0/code", "is no port");
        wrong("sftp://host/a%zz", "is written sftp://");
        wrong("http://host/code", "is written sftp://");
    }

    #[test]
    fn what_openssh_says_is_told_with_what_to_do() {
        let place = Place::parse("sftp://files.example/code").unwrap();
        let said = explain(&place, "Host key verification failed.\r\nConnection closed\r\n");
        assert!(
            said.contains("--accept-new-host") && said.ends_with("(Host key verification failed.)"),
            "{said}"
        );
        let said = explain(&place, "u@files.example: Permission denied (publickey,password).\n");
        assert!(said.starts_with("files.example does not let this user in"), "{said}");
        assert!(
            explain(&place, "ssh: connect to host x port 22: Connection refused\n")
                .contains("Connection refused")
        );
    }
}
