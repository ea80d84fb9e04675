//! `install-file sftp://…` against a real OpenSSH server: its key, the user's key, and what is refused.

use core::time::Duration;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use seatpool_proto::code::RequestCode;
use tempfile::TempDir;

use crate::daemon::{Daemon, Place};
use crate::reserving::Desk;
use crate::vendor::Vendor;

/// The server of the package openssh-server, started with a configuration of its own; ended with the value.
struct Server {
    child: Child,
    home: TempDir,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn key(path: &Path) {
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path).status();
    assert!(made.unwrap().success());
}

/// How a server lets people in, and what it serves.
#[derive(Clone, Copy)]
enum Way {
    /// By the user's key.
    Key,
    /// By this password. Only root can set one up, for the server alone.
    Password(&'static str),
    /// By the user's key; then nothing comes.
    Silence,
}

impl Server {
    fn start() -> Self {
        Self::of(Way::Key)
    }

    fn of(way: Way) -> Self {
        let home = tempfile::tempdir().unwrap();
        let path = |name: &str| home.path().join(name);
        key(&path("host"));
        key(&path("user"));
        std::fs::copy(path("user.pub"), path("authorized")).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (password, subsystem) = match way {
            Way::Key => ("no", "internal-sftp"),
            Way::Password(_) => ("yes", "internal-sftp"),
            Way::Silence => ("no", "/bin/cat >/dev/null"),
        };
        let configuration = format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {host}\nAuthorizedKeysFile {authorized}\nUsePAM no\n\
            StrictModes no\nPasswordAuthentication {password}\nPermitRootLogin yes\nKbdInteractiveAuthentication no\n\
            PidFile none\nSubsystem sftp {subsystem}\n",
            host = path("host").display(),
            authorized = path("authorized").display(),
        );
        std::fs::write(path("sshd_config"), configuration).unwrap();
        // The server's privilege separation wants this directory, which the package's unit would make.
        let _ = std::fs::create_dir_all("/run/sshd");
        let mut command = match way {
            Way::Key | Way::Silence => Command::new("/usr/sbin/sshd"),
            Way::Password(password) => with_password(home.path(), password),
        };
        let child = command
            .args(["-D", "-e", "-f"])
            .arg(path("sshd_config"))
            .stderr(Stdio::null())
            .spawn()
            .expect("openssh-server is installed (scripts/test does it)");
        let server = Self { child, home, port };
        // It has no other sign of being ready than that it takes connections.
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn known_hosts(&self, name: &str, key: &str) -> PathBuf {
        let path = self.path(name);
        let key = std::fs::read_to_string(self.path(key)).unwrap();
        std::fs::write(&path, format!("[127.0.0.1]:{} {key}", self.port)).unwrap();
        path
    }

    fn url(&self, file: &Path) -> String {
        format!("sftp://{}@127.0.0.1:{}{}", user(), self.port, file.display())
    }
}

fn user() -> String {
    let user = Command::new("id").arg("-un").output().unwrap().stdout;
    String::from_utf8(user).unwrap().trim().to_owned()
}

/// `sshd` that finds, in a file system view of its own, this password for this user.
fn with_password(home: &Path, password: &str) -> Command {
    let hash = Command::new("openssl").args(["passwd", "-6", password]).output().unwrap();
    let hash = String::from_utf8(hash.stdout).unwrap();
    std::fs::write(home.join("shadow"), format!("{}:{}:19000:0:99999:7:::\n", user(), hash.trim())).unwrap();
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", "mount --bind \"$0\" /etc/shadow && exec /usr/sbin/sshd \"$@\""]);
    command.arg(home.join("shadow"));
    command
}

/// `license` at a terminal: `script` stands between.
struct Terminal {
    child: Child,
    screen: ChildStdout,
    seen: String,
}

impl Terminal {
    fn of(place: &Place, words: &str) -> Self {
        let license = env!("CARGO_BIN_EXE_license");
        let mut child = Command::new("script")
            .args(["-q", "-e", "-c", &format!("{license} --socket {} {words}", place.socket().display())])
            .arg("/dev/null")
            .env_remove("DISPLAY")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("script is there (bsdutils, essential on Debian)");
        let screen = child.stdout.take().unwrap();
        Self { child, screen, seen: String::new() }
    }

    /// Waits until the words are on the screen.
    fn sees(&mut self, words: &str) {
        let mut bytes = [0; 1024];
        while !self.seen.contains(words) {
            let count = self.screen.read(&mut bytes).unwrap();
            assert!(count > 0, "it ended without {words:?}: {}", self.seen);
            self.seen.push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
        let (_, rest) = self.seen.split_once(words).unwrap();
        self.seen = rest.to_owned();
    }

    /// Waits for the question, and types the answer.
    fn asked(&mut self, words: &str, typed: &str) {
        self.sees(words);
        writeln!(self.child.stdin.as_mut().unwrap(), "{typed}").unwrap();
    }

    /// Its last words, and whether it went well.
    fn ends(mut self) -> (bool, String) {
        self.screen.read_to_string(&mut self.seen).unwrap();
        (self.child.wait().unwrap().success(), self.seen)
    }
}

/// A place with a request, and its authorization code in a file of the server's.
fn prepared(server: &Server) -> (Place, Daemon, PathBuf) {
    let vendor = Vendor::demonstration();
    let place = Place::new(&vendor, "https://manager.invalid/licservice/license");
    let daemon = place.start();
    place.says("smart reservation enable");
    let said = place.says("smart reservation request");
    let request: RequestCode = said.split("portal:").nth(1).unwrap().parse().unwrap();
    let code = Desk::new(&vendor).authorize(&request, 100, &["CCX_FLEX_PREMIUM 10"]);
    let file = server.path("code.xml");
    std::fs::write(&file, code.to_text()).unwrap();
    (place, daemon, file)
}

#[test]
fn a_file_that_is_too_large_is_not_fetched_to_its_end() {
    let server = Server::start();
    let (place, _daemon, file) = prepared(&server);
    let known = server.known_hosts("known", "host.pub");
    let install = format!(
        "smart reservation install-file {} --identity {} --known-hosts {}",
        server.url(&file),
        server.path("user").display(),
        known.display()
    );
    let code = std::fs::read_to_string(&file).unwrap();
    // Sparse, and larger than any disk: it would never come to its end.
    std::fs::File::options().write(true).open(&file).unwrap().set_len(1 << 40).unwrap();
    let said = place.fails(&install);
    assert!(said.contains("was not fetched: it has more than 65536 bytes"), "{said}");
    // Just what fits is fetched, and judged.
    std::fs::write(&file, format!("{code}{}", " ".repeat(65536 - code.len()))).unwrap();
    assert!(place.says(&install).starts_with("Reservation install file successful"));
}

#[test]
fn a_server_that_never_answers_is_left_after_a_while() {
    let server = Server::of(Way::Silence);
    let (place, _daemon, file) = prepared(&server);
    let known = server.known_hosts("known", "host.pub");
    let install = |url: String| {
        let (identity, known) = (server.path("user"), known.display());
        let identity = identity.display();
        format!(
            "smart reservation install-file {url} --identity {identity} --known-hosts {known} --timeout 2"
        )
    };
    let said = place.fails(&install(server.url(&file)));
    assert!(said.contains("was not fetched from 127.0.0.1 within 2 seconds"), "{said}");
    // Nor does one that takes connections and says nothing at all.
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = mute.local_addr().unwrap().port();
    let said = place.fails(&install(format!("sftp://127.0.0.1:{port}/code.xml")));
    assert!(said.contains("within 2 seconds"), "{said}");
}

#[test]
fn at_a_terminal_a_new_host_is_asked_about() {
    let server = Server::start();
    let (place, _daemon, file) = prepared(&server);
    let pins = server.path("pins");
    let install = format!(
        "smart reservation install-file {} --identity {} --known-hosts {}",
        server.url(&file),
        server.path("user").display(),
        pins.display()
    );
    let fingerprint = Command::new("ssh-keygen").arg("-lf").arg(server.path("host.pub")).output().unwrap();
    let fingerprint = String::from_utf8(fingerprint.stdout).unwrap();
    let fingerprint = fingerprint.split(' ').nth(1).unwrap();

    let mut terminal = Terminal::of(&place, &install);
    terminal.sees(fingerprint);
    terminal.asked("continue connecting", "no");
    let (done, said) = terminal.ends();
    assert!(!done && said.contains("is not known here"), "{said}");
    assert!(!pins.exists(), "nothing is remembered");

    let mut terminal = Terminal::of(&place, &install);
    terminal.asked("continue connecting", "yes");
    let (done, said) = terminal.ends();
    assert!(done && said.contains("Reservation install file successful"), "{said}");
    let pinned = std::fs::read_to_string(&pins).unwrap();
    let key = std::fs::read_to_string(server.path("host.pub")).unwrap();
    assert!(pinned.contains(key.split(' ').nth(1).unwrap()), "{pinned}");
}

#[test]
fn a_password_is_asked_for_at_a_terminal_or_read_from_a_file() {
    if user() != "root" {
        println!("left out: only root can give a server a password of its own");
        return;
    }
    let server = Server::of(Way::Password("correct horse"));
    let (place, _daemon, file) = prepared(&server);
    let known = server.known_hosts("known", "host.pub");
    let install =
        format!("smart reservation install-file {} --known-hosts {}", server.url(&file), known.display());

    let mut terminal = Terminal::of(&place, &install);
    terminal.asked("password:", "wrong horse");
    let (done, said) = terminal.ends();
    assert!(!done && said.contains("does not let this user in"), "{said}");
    let password = server.path("password");
    std::fs::write(&password, "wrong horse\n").unwrap();
    let from_file = format!("{install} --password-file {}", password.display());
    assert!(place.fails(&from_file).contains("does not let this user in"));
    // Nobody answers: it is left, and so is the question.
    let mut terminal = Terminal::of(&place, &format!("{install} --timeout 5"));
    terminal.sees("password:");
    let (done, said) = terminal.ends();
    assert!(!done && said.contains("within 5 seconds"), "{said}");

    let mut terminal = Terminal::of(&place, &install);
    terminal.asked("password:", "correct horse");
    let (done, said) = terminal.ends();
    assert!(done && said.contains("Reservation install file successful"), "{said}");
    assert!(!said.contains("correct horse"), "it is not echoed");
    std::fs::write(&password, "correct horse\n").unwrap();
    assert!(place.fails(&from_file).contains("is installed already"), "it was fetched once more");
}

#[test]
fn a_code_is_fetched_from_a_server_whose_key_is_known_and_from_no_other() {
    let server = Server::start();
    let vendor = Vendor::demonstration();
    let place = Place::new(&vendor, "https://manager.invalid/licservice/license");
    let _daemon = place.start();
    place.says("smart reservation enable");
    let said = place.says("smart reservation request");
    let request: RequestCode = said.split("portal:").nth(1).unwrap().parse().unwrap();
    let code = Desk::new(&vendor).authorize(&request, 100, &["CCX_FLEX_PREMIUM 10"]);
    let file = server.path("authorization code.xml");
    std::fs::write(&file, code.to_text()).unwrap();
    let url = server.url(&file).replace(' ', "%20");
    let identity = server.path("user");
    let install = |known_hosts: &Path, more: &str| {
        let (known_hosts, identity) = (known_hosts.display(), identity.display());
        format!(
            "smart reservation install-file {url} --identity {identity} --known-hosts {known_hosts} {more}"
        )
    };

    let nobody = server.path("nobody");
    let said = place.fails(&install(&nobody, ""));
    assert!(said.contains("is not known here") && said.contains("--accept-new-host"), "{said}");
    key(&server.path("another"));
    let changed = server.known_hosts("changed", "another.pub");
    let said = place.fails(&install(&changed, "--accept-new-host"));
    assert!(said.contains("is not the known one"), "{said}");

    let wrong_key = server.path("another");
    let known = server.known_hosts("known", "host.pub");
    let said = place.fails(&format!(
        "smart reservation install-file {url} --identity {} --known-hosts {}",
        wrong_key.display(),
        known.display()
    ));
    assert!(said.contains("does not let this user in"), "{said}");

    let said = place.fails(&install(&known, "").replace("code.xml", "other.xml"));
    assert!(said.contains("has no file"), "{said}");
    assert!(
        place
            .says(&install(&known, ""))
            .starts_with("Reservation install file successful\nLast Confirmation code ")
    );
}

#[test]
fn the_key_of_a_new_host_is_pinned_when_that_is_asked_for() {
    let server = Server::start();
    let vendor = Vendor::demonstration();
    let place = Place::new(&vendor, "https://manager.invalid/licservice/license");
    let _daemon = place.start();
    let file = server.path("code.xml");
    std::fs::write(&file, "<specificPLR>").unwrap();
    place.says("smart reservation enable");
    place.says("smart reservation request");
    let pins = server.path("pins");
    let words = format!(
        "smart reservation install-file {} --identity {} --known-hosts {} --accept-new-host",
        server.url(&file),
        server.path("user").display(),
        pins.display()
    );
    // It came, and is no whole code.
    assert!(place.fails(&words).contains("is cut off"));
    let pinned = std::fs::read_to_string(&pins).unwrap();
    let key = std::fs::read_to_string(server.path("host.pub")).unwrap();
    assert!(pinned.contains(key.split(' ').nth(1).unwrap()), "{pinned}");
}
