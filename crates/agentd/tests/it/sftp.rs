//! `install-file sftp://…` against a real OpenSSH server: its key, the user's key, and what is refused.

use core::time::Duration;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use seatpool_proto::code::RequestCode;
use tempfile::TempDir;

use crate::daemon::Place;
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

impl Server {
    fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let path = |name: &str| home.path().join(name);
        key(&path("host"));
        key(&path("user"));
        std::fs::copy(path("user.pub"), path("authorized")).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let configuration = format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {host}\nAuthorizedKeysFile {authorized}\nUsePAM no\n\
            StrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPidFile none\nSubsystem sftp internal-sftp\n",
            host = path("host").display(),
            authorized = path("authorized").display(),
        );
        std::fs::write(path("sshd_config"), configuration).unwrap();
        // The server's privilege separation wants this directory, which the package's unit would make.
        let _ = std::fs::create_dir_all("/run/sshd");
        let child = Command::new("/usr/sbin/sshd")
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
        let user = Command::new("id").arg("-un").output().unwrap().stdout;
        let user = String::from_utf8(user).unwrap();
        format!("sftp://{}@127.0.0.1:{}{}", user.trim(), self.port, file.display())
    }
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
