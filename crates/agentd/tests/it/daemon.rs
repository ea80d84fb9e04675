//! A real `seatpool-agentd` process, and `license` beside it.

use core::time::Duration;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

use tempfile::TempDir;

use crate::vendor::Vendor;

/// Longest that a test waits for something that should come at once, even on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A place for one agent: its state directory, trust anchor and socket.
pub(crate) struct Place {
    home: TempDir,
    url: String,
}

/// A running daemon, killed with the test.
pub(crate) struct Daemon {
    child: Child,
    lines: Receiver<String>,
}

impl Place {
    pub(crate) fn new(vendor: &Vendor, url: &str) -> Self {
        Self::with_root(&vendor.root_pem(), url)
    }

    pub(crate) fn with_root(root: &str, url: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("root.pem"), root).unwrap();
        Self { home, url: url.to_owned() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.path("s")
    }

    /// The usual flags, those that `more` gives otherwise apart, and `more`.
    fn command(&self, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seatpool-agentd"));
        let path = |name: &str| self.path(name).display().to_string();
        let usual = [
            ("--state-dir", path("state")),
            ("--socket", path("s")),
            ("--profile", "unified-ccx".into()),
            ("--udi-sn", "SN1".into()),
            ("--udi-uuid", "u-1".into()),
            ("--host-name", "ccx-1".into()),
            ("--trust-anchor", path("root.pem")),
            ("--manager-url", self.url.clone()),
        ];
        for (flag, value) in usual.iter().filter(|(flag, _)| !more.contains(flag)) {
            command.args([flag, value.as_str()]);
        }
        command.args(more).env_remove("SEATPOOL_AGENTD_CONFIG");
        command
    }

    pub(crate) fn start(&self) -> Daemon {
        Self::spawn(&mut self.command(&[]))
    }

    pub(crate) fn start_with(&self, more: &[&str]) -> Daemon {
        Self::spawn(&mut self.command(more))
    }

    pub(crate) fn start_in(&self, environment: &[(String, String)]) -> Daemon {
        Self::spawn(self.command(&[]).envs(environment.iter().cloned()))
    }

    fn spawn(command: &mut Command) -> Daemon {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let mut daemon = Daemon { child, lines };
        daemon.log("listening on");
        daemon
    }

    /// Runs a daemon that is expected to end at once.
    pub(crate) fn start_refused(&self, more: &[&str]) -> String {
        let output = self.command(more).output().unwrap();
        assert!(!output.status.success(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    pub(crate) fn license(&self, words: &str) -> Output {
        self.license_with(words, "")
    }

    pub(crate) fn license_with(&self, words: &str, input: &str) -> Output {
        use std::io::Write as _;
        let mut child = Command::new(env!("CARGO_BIN_EXE_license"))
            .arg("--socket")
            .arg(self.socket())
            .args(words.split_whitespace())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that reads nothing may have ended already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// What `license` prints on success.
    pub(crate) fn says(&self, words: &str) -> String {
        let output = self.license(words);
        assert!(output.status.success(), "license {words}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What `license` prints on failure.
    pub(crate) fn fails(&self, words: &str) -> String {
        let output = self.license(words);
        assert_eq!(output.status.code(), Some(1), "license {words}: {output:?}");
        String::from_utf8(output.stderr).unwrap()
    }
}

impl Daemon {
    /// Waits for a line of the log that holds `part`; all lines up to it.
    pub(crate) fn log(&mut self, part: &str) -> Vec<String> {
        let mut seen = Vec::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => {
                    let found = line.contains(part);
                    seen.push(line);
                    if found {
                        return seen;
                    }
                }
                Err(RecvTimeoutError::Timeout) => panic!("{part:?} was not logged in time: {seen:#?}"),
                Err(RecvTimeoutError::Disconnected) => panic!("the daemon ended without {part:?}: {seen:#?}"),
            }
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9`, at whatever it was doing.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and the orderly end.
    pub(crate) fn stop(mut self) {
        let done = Command::new("kill").arg(self.id().to_string()).status().unwrap();
        assert!(done.success() && self.child.wait().unwrap().success());
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The permission bits of a file.
pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}
